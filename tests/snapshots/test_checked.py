from collections.abc import Callable

import pytest
from pool_inventory.model import File, Link
from pool_inventory.snapshots import checked

from tests.makers import IDENTIFIER

HASH = "0123456789abcdef" * 4


@pytest.mark.parametrize(
    ("check", "value"),
    [
        (checked.text, "利用者\n"),
        (checked.number, 0),
        (checked.number, (1 << 63) - 1),
        (checked.identifier, IDENTIFIER),
        (checked.sha256, HASH),
        (lambda value: checked.one_of(("ok", "denied"), value), "denied"),
    ],
)
def test_a_value_of_ours_is_returned_as_it_is(check: Callable[[object], object], value: object) -> None:
    assert check(value) == value


@pytest.mark.parametrize(
    ("check", "value"),
    [
        (checked.text, 7),
        (checked.text, None),
        (checked.text, "half a \ud800 pair"),
        (checked.line, ["a"]),
        (checked.number, -1),
        (checked.number, 1 << 63),
        (checked.number, 1.0),
        (checked.number, "1"),
        (checked.identifier, "yesterday"),
        (checked.identifier, "2026-13-45T99-99Z"),
        (checked.identifier, 7),
        (checked.sha256, HASH[1:]),
        (checked.sha256, HASH.upper()),
        (checked.sha256, f"{HASH}\n"),
        (lambda value: checked.one_of(("ok",), value), "eaten"),
        (lambda value: checked.link(value, HASH), "yesterday"),
        (lambda value: checked.link(IDENTIFIER, value), 7),
        (checked.file, None),
        (checked.file, {"size": 1}),
        (checked.file, {"size": -1, "sha256": HASH}),
        (checked.file, {"size": 1, "sha256": "x"}),
    ],
)
def test_what_is_not_ours_is_refused(check: Callable[[object], object], value: object) -> None:
    with pytest.raises(checked.NOT_OURS):
        check(value)


def test_a_text_is_put_on_one_line() -> None:
    assert checked.line("two\n lines\x1b") == r"two lines\x1b"


def test_an_error_shows_little_of_a_large_value() -> None:
    with pytest.raises(ValueError, match="is no snapshot's id") as raised:
        checked.identifier("x" * 10_000)
    assert len(str(raised.value)) < 200


def test_files_and_links_are_read_from_their_members() -> None:
    assert checked.file({"size": 3, "sha256": HASH, "of a later release": 1}) == File(3, HASH)
    assert checked.link(IDENTIFIER, HASH) == Link(IDENTIFIER, HASH)
