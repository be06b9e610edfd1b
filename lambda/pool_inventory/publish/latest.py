"""Move the newest forward: latest-coverage/ and latest/ side by side and, last, latest.json.

Each is written over only what it was read as, and never over a newer snapshot's: its own footer, or latest.json's own
text, says whose it is.
"""

from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import datetime

from pool_inventory.errors import RefusedError, SnapshotError, StoreError
from pool_inventory.events import MAX_AHEAD
from pool_inventory.model import Link, Snapshot
from pool_inventory.publish.commit import Committed, read_commit
from pool_inventory.snapshots import data_object, keys, manifest, schema, table
from pool_inventory.snapshots.known import known_of
from pool_inventory.stores.protocol import Store

# Each failed attempt means that another run has moved it.
_MAX_MOVES = 20


@dataclass(frozen=True, slots=True)
class Place:
    """What was at a key: its tag, and the id of the snapshot whose it says it is; empty where it is not ours."""

    etag: str
    snapshot_id: str


@dataclass(frozen=True, slots=True)
class Seen:
    """What a run saw while it read its targets, so that it need not look again before it moves the newest.

    Attributes:
        places: what was at the keys that move, without those where nothing was or that could not be read.
        links: the newest snapshot and the one before it, fewer where there are not two; None where they could not
            be read.
    """

    places: Mapping[str, Place]
    links: tuple[Link, ...] | None


def look(store: Store, latest: Link | None) -> Seen:
    """Return what is where the newest is, and which snapshot is before the newest.

    What cannot be read now is read again when the newest is moved, and is reported then.

    Args:
        store: where the snapshots are.
        latest: the newest snapshot.
    """
    with ThreadPoolExecutor(len(keys.MOVED)) as pool:
        found = pool.map(lambda key: _look_at(store, key), keys.MOVED)
        links = _look_before(store, latest)
        return Seen({key: place for key, place in zip(keys.MOVED, found, strict=True) if place}, links)


def _look_at(store: Store, key: str) -> Place | None:
    try:
        stored = store.get(key)
    except StoreError:  # as look says
        return None
    return Place(stored.etag, _whose(key, stored.body)) if stored else None


def _look_before(store: Store, latest: Link | None) -> tuple[Link, ...] | None:
    try:
        return manifest.links_before(store, latest)
    except StoreError:  # as look says
        return None


def move_latest(
    store: Store, link: Link, *, now: datetime, committed: Committed | None = None, seen: Seen | None = None
) -> None:
    """Move latest-coverage/, latest/ and then latest.json to a finished snapshot, unless they are at a newer one.

    latest.json is last: where a run dies before it, the next finds a snapshot that is newer, and moves all.

    Args:
        store: where the snapshot is.
        link: the snapshot.
        now: the time: what names a time more than a day ahead is not believed.
        committed: its objects, where the caller has them.
        seen: what the caller saw there before.

    Raises:
        SnapshotError: an object of the snapshot is not ours.
        StoreError: the store cannot be read or written.
    """
    found = committed or read_commit(store, link.snapshot_id)
    snapshot = data_object.decode(found.data)
    newest_possible = keys.snapshot_id(now + MAX_AHEAD)

    def move(key: str, body: bytes) -> None:
        place = seen.places.get(key) if seen else None
        is_older = place and not _is_newer(place.snapshot_id, link.snapshot_id, newest_possible)
        if place and is_older and store.replace(key, body, place.etag):
            return
        for _ in range(_MAX_MOVES):
            if _try_to_move(store, key, body, link.snapshot_id, newest_possible):
                return
        raise StoreError(f"cannot move {store.address(key)} to {link.snapshot_id}: something else writes it, too")

    with ThreadPoolExecutor(1) as pool:
        moving = pool.submit(move, keys.LATEST_COVERAGE, found.coverage) if found.coverage else None
        move(keys.LATEST_DATA, latest_data(store, snapshot, found))
        if moving:
            moving.result()
    move(keys.LATEST, manifest.encode_latest(store, link, _links_before(store, snapshot.previous, seen)))


def _links_before(store: Store, previous: Link | None, seen: Seen | None) -> tuple[Link, ...]:
    if seen and seen.links is not None and seen.links[:1] == ((previous,) if previous else ()):
        return seen.links
    return manifest.links_before(store, previous)


def latest_data(store: Store, snapshot: Snapshot, committed: Committed) -> bytes:
    """Return what latest/ has of a snapshot: what it read and what it carries, as one.

    Raises:
        SnapshotError: an object of the snapshot is not ours.
    """
    if not committed.carried:
        return committed.data
    known = known_of(store, snapshot, committed.data, committed.coverage, committed.carried)
    return table.encode(schema.DATA, known.lines(), {"snapshotId": snapshot.id})


def _try_to_move(store: Store, key: str, body: bytes, snapshot_id: str, newest_possible: str) -> bool:
    """Write an object if it is an older snapshot's; return whether there is nothing left to do."""
    try:
        stored = store.get(key)
    except RefusedError:
        # An unreadable object names no snapshot, so nothing newer is lost.
        store.put(key, body)
        return True
    if stored is None:
        return store.put_if_absent(key, body)
    if stored.body == body or _is_newer(_whose(key, stored.body), snapshot_id, newest_possible):
        return True
    return store.replace(key, body, stored.etag)


def _is_newer(found_id: str, snapshot_id: str, newest_possible: str) -> bool:
    """Whether what was found is of a newer snapshot; a time that cannot be yet is not believed."""
    return snapshot_id < found_id <= newest_possible


def _whose(key: str, body: bytes) -> str:
    """Return the id of an object's snapshot; empty where it is not ours, and may be overwritten."""
    try:
        if key == keys.LATEST:
            identifier = manifest.parse_latest(body, "").snapshot_id
        else:
            identifier = str(table.footer_of(body).get("snapshotId"))
    except SnapshotError:
        return ""
    return identifier if keys.is_id(identifier) else ""
