import threading
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from pool_inventory.errors import StoreError
from pool_inventory.publish.writes import write_each_once, write_once
from pool_inventory.stores.folder import FolderStore


@dataclass(frozen=True)
class MeetingStore(FolderStore):
    """A folder in which no write ends before as many as are to meet have begun."""

    meeting: threading.Barrier = field(default_factory=lambda: threading.Barrier(3, timeout=30))

    def put_if_absent(self, key: str, body: bytes) -> bool:
        self.meeting.wait()
        return super().put_if_absent(key, body)


def test_an_object_that_is_there_stays_and_is_returned(tmp_path: Path) -> None:
    store = FolderStore(tmp_path)
    assert write_once(store, "a", b"first") == b"first"
    assert write_once(store, "a", b"second") == b"first"
    assert write_each_once(store, {"a": b"third", "b": b"new"}) == {"a": b"first", "b": b"new"}


def test_objects_are_written_side_by_side(tmp_path: Path) -> None:
    bodies = {name: name.encode() for name in ("a", "b", "c")}
    assert write_each_once(MeetingStore(tmp_path), bodies) == bodies


def test_one_that_cannot_be_written_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "a").write_text("a file, and no folder")
    with pytest.raises(StoreError):
        write_each_once(FolderStore(tmp_path), {"a/b": b"", "c": b""})


def test_nothing_to_write_is_nothing_to_do(tmp_path: Path) -> None:
    assert write_each_once(FolderStore(tmp_path), {}) == {}
