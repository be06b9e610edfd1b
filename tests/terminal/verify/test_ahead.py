from collections import Counter
from copy import deepcopy

import pytest
from pool_inventory.errors import RefusedError, StoreError
from pool_inventory.snapshots import archive, keys
from pool_inventory.terminal.verify.ahead import read_ahead
from pool_inventory.terminal.verify.chain import verify

from tests.chains import add_chain, changing_readings, identifier
from tests.counting import CountingStore

LENGTH = 12
IDENTIFIERS = [identifier(hour) for hour in range(LENGTH)]


@pytest.fixture(scope="module")
def chain() -> dict[str, bytes]:
    store = CountingStore()
    add_chain(store, changing_readings(LENGTH), extra_formats=("csv",))
    return store.objects


@pytest.fixture
def store(chain: dict[str, bytes]) -> CountingStore:
    return CountingStore(objects=dict(chain))


def test_objects_are_read_side_by_side_within_a_bound(store: CountingStore, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(archive, "AT_ONCE", 4)
    store.seconds = 0.002
    assert verify(store).faults == []
    assert store.most_at_once == 4


def test_large_snapshots_are_not_read_far_ahead(store: CountingStore, monkeypatch: pytest.MonkeyPatch) -> None:
    """Of two that come to more than may be held, one is read while the one before it is checked."""
    monkeypatch.setattr(archive, "HELD_BYTES", 1)
    with read_ahead(store, reversed(IDENTIFIERS)) as ahead:
        ahead.turn_to(IDENTIFIERS[-1])
        assert {each for each in IDENTIFIERS if keys.manifest(each) in store.read} == set(IDENTIFIERS[-2:])


def test_each_object_of_a_snapshot_is_read_once(store: CountingStore) -> None:
    """Its data, too, with which the snapshot after it is compared. At the end the newest is read once more."""
    verify(store)
    counted = Counter(store.read)
    assert {key: count for key, count in counted.items() if count > 1 and identifier(LENGTH - 1) not in key} == {
        keys.LATEST: counted[keys.LATEST],
        keys.manifest(identifier(LENGTH - 2)): 2,  # latest.json names it
    }


def test_what_is_found_does_not_depend_on_how_much_is_read_ahead(
    store: CountingStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    store.objects[keys.data(identifier(9))] = b"torn"
    del store.objects[keys.coverage(identifier(6))]
    del store.objects[keys.manifest(identifier(4))]
    store.objects[keys.manifest(identifier(3))] = b"{}"
    store.errors[keys.changes(identifier(7))] = RefusedError("no")
    store.errors[keys.manifest(identifier(1))] = RefusedError("no")
    found = verify(store)
    hours = [hour for key, _ in found.faults for hour in range(LENGTH) if identifier(hour) in key]
    assert hours == sorted(hours, reverse=True)
    assert set(hours) >= {9, 7, 6, 4, 3, 1}
    monkeypatch.setattr(archive, "AT_ONCE", 1)
    monkeypatch.setattr(archive, "HELD_BYTES", 0)
    assert verify(store) == found


def test_a_read_that_fails_ends_it_in_its_turn(store: CountingStore) -> None:
    """What is newer was checked by then, and what is older may have been read, and is not asked for."""
    store.errors[keys.data(identifier(5))] = StoreError("cannot read it")
    with pytest.raises(StoreError, match="cannot read it"):
        verify(store)
    store.errors[keys.data(identifier(9))] = StoreError("cannot read that either")
    with pytest.raises(StoreError, match="that either"):
        verify(store)


def test_since_neither_reads_nor_lists_what_is_before(store: CountingStore) -> None:
    """But for the one that the first is compared with."""
    since = identifier(9)
    assert verify(store, since=since).snapshots == 3
    read = {each for each in IDENTIFIERS if any(each in key for key in store.read)}
    assert read == set(IDENTIFIERS[8:])
    assert min(each for each in map(keys.finished, store.listed) if each) == since


def test_a_snapshot_that_is_not_listed_is_read_when_asked_for(store: CountingStore) -> None:
    with read_ahead(store, ()) as ahead:
        ahead.turn_to(IDENTIFIERS[0])
        assert ahead.get(keys.data(IDENTIFIERS[0])) == store.get(keys.data(IDENTIFIERS[0]))
        assert ahead.get("none") is None
        before = deepcopy(store.objects)
        assert ahead.put_if_absent("new", b"1")
        assert store.objects == {**before, "new": b"1"}
