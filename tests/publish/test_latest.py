import json
from collections.abc import Callable
from dataclasses import dataclass

import pytest
from pool_inventory.errors import RefusedError, StoreError
from pool_inventory.model import Link
from pool_inventory.publish.finish import finish
from pool_inventory.publish.latest import Place, Seen, look, move_latest
from pool_inventory.snapshots import data_object, keys, manifest, table
from pool_inventory.stores.protocol import Stored

from tests.chains import Reading, add_chain, add_snapshot, commit_snapshot, identifier, rows_of
from tests.makers import IDENTIFIER, TIME, MemoryStore, any_pools, any_snapshot

WEST = any_pools(3, "eu-west-1")
EAST = any_pools(2)
BOTH: Reading = {"eu-west-1": WEST, "us-east-1": EAST}
FAR = "9999-12-31T23-59Z"


@dataclass
class BusyStore(MemoryStore):
    """A store that others write to, just before each write of what is newest; and that may refuse to read it."""

    before_moving: Callable[[str], object] = lambda _: None
    refused: str | None = None

    def get(self, key: str) -> Stored | None:
        if key == self.refused:
            raise RefusedError("its key is disabled")
        return super().get(key)

    def put_if_absent(self, key: str, body: bytes) -> bool:
        if key in keys.MOVED:
            self.before_moving(key)
        return super().put_if_absent(key, body)

    def replace(self, key: str, body: bytes, etag: str) -> bool:
        self.before_moving(key)
        return super().replace(key, body, etag)


def latest_link(store: MemoryStore) -> Link:
    found = manifest.read_latest(store)
    assert found
    return found


def moved(store: MemoryStore) -> dict[str, bytes]:
    return {key: store.objects[key] for key in keys.MOVED}


def test_latest_is_moved_last_and_latest_json_very_last() -> None:
    """What a reader finds first may point only to what is there already."""
    store = MemoryStore()
    add_snapshot(store, 0, BOTH)
    checksum, *side_by_side, latest = list(store.objects)[-4:]
    assert (checksum, latest) == (keys.checksum(IDENTIFIER), keys.LATEST)
    assert set(side_by_side) == {keys.LATEST_COVERAGE, keys.LATEST_DATA}


def test_latest_is_the_snapshot_where_all_was_read() -> None:
    store = MemoryStore()
    made = add_chain(store, [{"us-east-1": EAST}, BOTH])[1]
    assert store.objects[keys.LATEST_DATA] == store.objects[keys.data(made)]
    assert store.objects[keys.LATEST_COVERAGE] == store.objects[keys.coverage(made)]
    assert latest_link(store).snapshot_id == made


def test_latest_has_what_was_read_and_what_is_carried_as_one() -> None:
    store = MemoryStore()
    add_chain(store, [BOTH, {"us-east-1": EAST}])
    rows = rows_of(store, keys.LATEST_DATA)
    assert [each["region"] for each in rows] == ["eu-west-1"] * 3 + ["us-east-1"] * 2
    assert [each["read_at"] for each in rows] == ["2026-11-24T18:00:00Z"] * 3 + ["2026-11-24T19:00:00Z"] * 2
    assert {each["snapshot_time"] for each in rows} == {"2026-11-24T19:00:00Z"}


def test_a_late_snapshot_does_not_move_latest_back() -> None:
    """An overtaken commit is finished, and what is newest stays the newer one's."""
    store = MemoryStore()
    commit_snapshot(store, 0, {"us-east-1": EAST})
    add_snapshot(store, 1, BOTH)
    before = moved(store)
    finish(store, IDENTIFIER, now=TIME)
    assert keys.checksum(IDENTIFIER) in store.objects
    assert moved(store) == before


@pytest.mark.parametrize("key", keys.MOVED)
@pytest.mark.parametrize("is_first", [True, False])
def test_a_snapshot_overtaken_as_it_moves_stays_behind(key: str, *, is_first: bool) -> None:
    store = BusyStore()
    if not is_first:
        add_snapshot(store, -1, {"us-east-1": []})
    commit_snapshot(store, 0, {"us-east-1": EAST})

    def overtake(moving: str) -> None:
        if moving == key:
            store.before_moving = lambda _: None
            add_snapshot(store, 1, BOTH)

    store.before_moving = overtake
    finish(store, IDENTIFIER, now=TIME)
    assert latest_link(store).snapshot_id == identifier(1)
    assert store.objects[keys.LATEST_DATA] == store.objects[keys.data(identifier(1))]
    assert store.objects[keys.LATEST_COVERAGE] == store.objects[keys.coverage(identifier(1))]


def test_moving_again_changes_nothing() -> None:
    """And what was deleted of it comes back as it was."""
    store = MemoryStore()
    add_chain(store, [BOTH, {"us-east-1": EAST}])
    before, link = dict(store.objects), latest_link(store)
    move_latest(store, link, now=TIME)
    assert store.objects == before
    for key in keys.MOVED:
        del store.objects[key]
    move_latest(store, link, now=TIME)
    assert store.objects == before


@pytest.mark.parametrize(
    ("key", "body"),
    [
        (keys.LATEST_DATA, b"garbage"),
        (keys.LATEST_COVERAGE, b"garbage"),
        (keys.LATEST, b"garbage"),
        (keys.LATEST_DATA, data_object.encode(any_snapshot(FAR), [])),
        (keys.LATEST, json.dumps({"snapshotId": FAR, "manifest": "", "sha256": "0" * 64}).encode()),
    ],
)
def test_what_cannot_be_believed_is_written_over(key: str, body: bytes) -> None:
    """It is not ours, or names a time more than a day ahead."""
    store = MemoryStore()
    add_snapshot(store, 0, BOTH)
    before, link = moved(store), latest_link(store)
    store.put(key, body)
    move_latest(store, link, now=TIME)
    assert moved(store) == before


def test_a_time_less_than_a_day_ahead_is_believed() -> None:
    """Clocks differ: who is a little ahead is not overwritten."""
    store = MemoryStore()
    commit_snapshot(store, 0, BOTH)
    newer = add_snapshot(store, 23, BOTH)
    finish(store, IDENTIFIER, now=TIME)
    assert latest_link(store).snapshot_id == newer


@pytest.mark.parametrize("key", [keys.LATEST_COVERAGE, keys.LATEST_DATA])
def test_what_may_not_be_read_is_written_over(key: str) -> None:
    """It names no snapshot then, so nothing newer is lost."""
    store = BusyStore()
    add_snapshot(store, 0, {"us-east-1": EAST})
    store.refused = key
    made = add_snapshot(store, 1, BOTH)
    assert moved(store)[key] == store.objects[(keys.data if key == keys.LATEST_DATA else keys.coverage)(made)]


def test_another_writer_that_never_rests_is_an_error() -> None:
    store = BusyStore()
    add_snapshot(store, 0, BOTH)
    store.before_moving = lambda key: store.put(key, b"more" + store.objects[key])
    with pytest.raises(StoreError, match=r"cannot move s3://\S+ to \S+: something else writes it, too"):
        add_snapshot(store, 1, {"us-east-1": EAST})


def test_what_a_run_saw_before_is_written_over_without_a_look() -> None:
    store = BusyStore()
    add_snapshot(store, 0, BOTH)
    seen = look(store, latest_link(store))
    commit_snapshot(store, 1, {"us-east-1": EAST})
    expected = MemoryStore(dict(store.objects))
    finish(expected, identifier(1), now=TIME)
    store.refused = keys.LATEST_DATA
    finish(store, identifier(1), now=TIME, seen=seen)
    assert store.objects == expected.objects


@pytest.mark.parametrize("between", [1, 3])
def test_what_another_run_moved_meanwhile_is_looked_at(between: int) -> None:
    """An older snapshot's is written over, a newer one's stays."""
    store = MemoryStore()
    add_snapshot(store, 0, BOTH)
    seen = look(store, latest_link(store))
    add_snapshot(store, between, {"us-east-1": EAST})
    commit_snapshot(store, 2, BOTH)
    finish(store, identifier(2), now=TIME, seen=seen)
    expected = identifier(max(between, 2))
    assert latest_link(store).snapshot_id == expected
    assert {table.footer_of(store.objects[key])["snapshotId"] for key in keys.MOVED[:2]} == {expected}


def test_a_time_that_cannot_be_yet_is_written_over_as_seen() -> None:
    store = MemoryStore()
    add_snapshot(store, 0, BOTH)
    seen = look(store, latest_link(store))
    far = {key: Place(place.etag, FAR) for key, place in seen.places.items()}
    commit_snapshot(store, 1, BOTH)
    finish(store, identifier(1), now=TIME, seen=Seen(far, seen.links))
    assert latest_link(store).snapshot_id == identifier(1)


@pytest.mark.parametrize("key", [*keys.MOVED, keys.manifest(IDENTIFIER)])
def test_what_cannot_be_looked_at_stops_no_run(key: str) -> None:
    store = BusyStore()
    add_snapshot(store, 0, BOTH)
    latest = latest_link(store)
    store.refused = key
    seen = look(store, latest)
    store.refused = None
    commit_snapshot(store, 1, {"us-east-1": EAST})
    finish(store, identifier(1), now=TIME, seen=seen)
    named = json.loads(store.objects[keys.LATEST])
    assert (named["snapshotId"], named["previous"][0]["snapshotId"]) == (identifier(1), IDENTIFIER)
