import json

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pool_inventory.text import one_line, printable, printable_json


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Kunden, Köln 利用者", "Kunden, Köln 利用者"),
        ("\x1b[2J", "\\x1b[2J"),
        ("a\x9bb", "a\\x9bb"),
        ("a\u202eb", "a\\u202eb"),
        ("a\ud800b", "a\\ud800b"),
        ("a\nb\u2028c", "a\\nb\\u2028c"),
    ],
)
def test_an_unprintable_character_is_an_escape(text: str, expected: str) -> None:
    assert printable(text) == expected


def test_one_line_folds_white_space_and_ends_at_its_limit() -> None:
    assert one_line(" a\r\n\t b ") == "a b"
    assert one_line("ab " * 1_000_000, max_characters=4) == "ab a"
    assert one_line("\ud800" * 1_000_000, max_characters=6) == "\\ud800"


@given(st.text(st.characters()))
def test_printable_json_has_the_same_value(text: str) -> None:
    written = printable_json(json.dumps({text: [text]}, ensure_ascii=False, indent=2))
    assert json.loads(written) == {text: [text]}
    assert printable(written.replace("\n", "")) == written.replace("\n", "")


def test_printable_json_leaves_what_prints_as_it_is() -> None:
    document = '{"name":"Kunden, Köln 利用者"}'
    assert printable_json(document) == document
    assert printable_json('"\x7f\x9b\u202e\U000e0001"') == r'"\u007f\u009b\u202e\udb40\udc01"'
