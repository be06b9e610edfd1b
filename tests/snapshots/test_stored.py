from collections.abc import Callable

import pytest
from pool_inventory.errors import NewerError, SnapshotError, StoreError
from pool_inventory.model import File
from pool_inventory.snapshots import data_object, keys, stored, table

from tests.makers import IDENTIFIER, MemoryStore, any_snapshot

LATER = "2026-11-24T19-00Z"


def test_an_object_that_must_be_there_and_is_not_is_an_error() -> None:
    store = MemoryStore({"latest.json": b"{}"})
    assert stored.read(store, "latest.json") == b"{}"
    with pytest.raises(StoreError, match=r"s3://memory/user-pools/gone is gone: something else deletes objects"):
        stored.read(store, "gone")


def test_a_commit_is_read_as_it_is() -> None:
    body = data_object.encode(any_snapshot(), [])
    assert stored.read_committed(MemoryStore({keys.data(IDENTIFIER): body}), IDENTIFIER) == body


@pytest.mark.parametrize(
    ("body", "message"),
    [
        (None, "is gone, expired perhaps"),
        (b"PAR1 half", "no whole Parquet file"),
        (data_object.encode(any_snapshot(LATER), []), f"it is a copy of the snapshot {LATER}: move it away"),
    ],
)
def test_what_is_no_commit_is_named_by_its_address(body: bytes | None, message: str) -> None:
    store = MemoryStore({keys.data(IDENTIFIER): body} if body else {})
    with pytest.raises(SnapshotError, match=message) as raised:
        stored.read_committed(store, IDENTIFIER)
    assert str(raised.value).startswith(store.address(keys.data(IDENTIFIER)))


def test_a_commit_of_a_newer_contract_stays_a_newer_one(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(table, "CONTRACT_VERSION", 3)
    body = data_object.encode(any_snapshot(), [])
    monkeypatch.undo()
    with pytest.raises(NewerError):
        stored.read_committed(MemoryStore({keys.data(IDENTIFIER): body}), IDENTIFIER)


@pytest.mark.parametrize(("folder", "published"), [(keys.COVERAGE, keys.coverage), (keys.CARRIED, keys.carried)])
def test_a_part_is_read_as_published_or_as_staged(folder: str, published: Callable[[str], str]) -> None:
    """Where the published one was altered, the staged one is still what the commit names."""
    file = data_object.file_of(b"rows")
    staged = keys.staged(IDENTIFIER, folder, file.sha256)
    for objects in (
        {published(IDENTIFIER): b"rows"},
        {staged: b"rows"},
        {published(IDENTIFIER): b"altered", staged: b"rows"},
    ):
        assert stored.read_part(MemoryStore(objects), IDENTIFIER, folder, file) == b"rows"


@pytest.mark.parametrize("objects", [{}, {keys.coverage(IDENTIFIER): b"altered"}])
def test_a_part_that_is_not_what_the_commit_names_is_an_error(objects: dict[str, bytes]) -> None:
    with pytest.raises(SnapshotError, match=rf"{keys.coverage(IDENTIFIER)} nor \S+ is the coverage that"):
        stored.read_part(MemoryStore(objects), IDENTIFIER, keys.COVERAGE, File(7, "0" * 64))
