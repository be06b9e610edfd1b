import random

import pytest
from pool_inventory.snapshots import packed
from pool_inventory.snapshots.packed import PackedLines, PackedRows


@pytest.fixture
def small(monkeypatch: pytest.MonkeyPatch) -> None:
    """Chunks of a few lines, and memory for a few chunks: the rest goes to disk."""
    monkeypatch.setattr(packed, "CHUNK_BYTES", 100)
    monkeypatch.setattr(packed, "MAX_BYTES_IN_MEMORY", 300)


def numbered(count: int) -> list[bytes]:
    return [b'{"number": %d}\n' % number for number in range(count)]


@pytest.mark.usefixtures("small")
def test_lines_come_back_in_order_any_number_of_times() -> None:
    lines = PackedLines()
    for line in numbered(500):
        lines.add([line])
    assert list(lines) == list(lines) == numbered(500)


@pytest.mark.usefixtures("small")
def test_lines_can_be_added_while_others_are_read() -> None:
    lines = PackedLines()
    for line in numbered(50):
        lines.add([line])
    assert next(iter(lines)) == numbered(1)[0]
    lines.add(numbered(50))
    assert list(lines) == numbered(50) * 2


def test_rows_come_back_sorted_by_id() -> None:
    rows = [(f"us-east-1_{number:09d}", line) for number, line in enumerate(numbered(100))]
    shuffled = PackedRows()
    shuffled.add(random.Random(7).sample(rows, len(rows)))  # noqa: S311 - any other order will do
    assert list(shuffled) == numbered(100)


@pytest.mark.usefixtures("small")
def test_of_rows_of_one_id_the_last_that_came_stays() -> None:
    rows = PackedRows()
    assert rows.add([("b", b"old\n"), ("a", b"only\n")]) == 0
    assert rows.add([("b", b"new\n"), ("c", b"first\n"), ("c", b"second\n")]) == 2
    assert (list(rows), len(rows)) == ([b"only\n", b"new\n", b"second\n"], 3)
