import json

import pytest
from pool_inventory.errors import SnapshotError
from pool_inventory.snapshots import keys
from pool_inventory.snapshots.known import Known, open_known

from tests.chains import Reading, add_chain, identifier
from tests.makers import MemoryStore, any_pools, any_target

WEST, EAST = any_pools(2, "eu-west-1"), any_pools(2)
BOTH: Reading = {"eu-west-1": WEST, "us-east-1": EAST}
EAST_ONLY: Reading = {"eu-west-1": None, "us-east-1": EAST}
IDS = [each["Id"] for each in (*WEST, *EAST)]


@pytest.fixture
def store() -> MemoryStore:
    """Two snapshots, of which the second could not read eu-west-1."""
    made = MemoryStore()
    add_chain(made, [BOTH, EAST_ONLY])
    return made


def ids(known: Known, *regions: str) -> list[str]:
    return [row.id for row in known.rows({any_target(each) for each in regions} or None)]


def test_known_is_what_was_read_and_what_is_carried(store: MemoryStore) -> None:
    known = open_known(store, identifier(1))
    assert ids(known) == IDS
    assert ids(known, "eu-west-1") == IDS[:2]
    assert ids(known, "sa-east-1") == []
    assert [(each.region, each.status) for each in known.coverage()] == [("eu-west-1", "denied"), ("us-east-1", "ok")]
    assert not known.lost


def test_a_known_row_says_when_it_was_read(store: MemoryStore) -> None:
    rows = list(map(json.loads, open_known(store, identifier(1)).lines()))
    assert [each["read_at"] for each in rows] == ["2026-11-24T18:00:00Z"] * 2 + ["2026-11-24T19:00:00Z"] * 2
    assert {each["snapshot_time"] for each in rows} == {"2026-11-24T19:00:00Z"}


def test_without_its_data_what_it_carries_is_known(store: MemoryStore) -> None:
    del store.objects[keys.data(identifier(1))]
    known = open_known(store, identifier(1))
    assert ids(known) == IDS[:2]
    assert known.lost.keys() == {any_target("us-east-1")}
    assert "is gone, expired perhaps" in known.lost[any_target("us-east-1")]


def test_lost_rows_are_taken_from_an_older_snapshot(store: MemoryStore) -> None:
    """Of the targets that are lost alone: the others are known as of later."""
    store.put(keys.data(identifier(1)), b"lost")
    known = open_known(store, identifier(1)).with_older(open_known(store, identifier(0)))
    assert ids(known) == IDS
    assert ids(known, "us-east-1") == IDS[2:]
    assert known.older_ok == {any_target("us-east-1"): identifier(0)}


def test_without_data_and_manifest_nothing_is_known(store: MemoryStore) -> None:
    """The error is of the data: that is what was asked for."""
    for key in (keys.data, keys.manifest):
        del store.objects[key(identifier(1))]
    with pytest.raises(SnapshotError, match=rf"{keys.data(identifier(1))} is gone"):
        open_known(store, identifier(1))


@pytest.mark.parametrize("folder", [keys.COVERAGE, keys.CARRIED])
def test_an_altered_object_is_not_what_is_known(store: MemoryStore, folder: str) -> None:
    for key in [each for each in store.objects if folder in each and identifier(1) in each]:
        store.put(key, b"altered")
    with pytest.raises(SnapshotError, match="names by its SHA-256"):
        open_known(store, identifier(1))
