import pytest
from pool_inventory.text import one_line, printable


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
def test_what_has_no_shape_is_an_escape(text: str, expected: str) -> None:
    assert printable(text) == expected


def test_one_line_folds_white_space_and_ends_at_its_limit() -> None:
    assert one_line(" a\r\n\t b ") == "a b"
    assert one_line("ab " * 1_000_000, max_characters=4) == "ab a"
    assert one_line("\ud800" * 1_000_000, max_characters=6) == "\\ud800"
