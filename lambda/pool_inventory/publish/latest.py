"""Move the newest forward: latest-coverage/, latest/ and, last, latest.json.

Each is written over only what it was read as, and never over a newer snapshot's: its own footer, or latest.json's own
text, says whose it is.
"""

from collections.abc import Callable
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


def move_latest(store: Store, link: Link, *, now: datetime, committed: Committed | None = None) -> None:
    """Move latest-coverage/, latest/ and then latest.json to a finished snapshot, unless they are at a newer one.

    latest.json is last: where a run dies before it, the next finds a snapshot that is newer, and moves all.

    Args:
        store: where the snapshot is.
        link: the snapshot.
        now: the time: what names a time more than a day ahead is not believed.
        committed: its objects, where the caller has them.

    Raises:
        SnapshotError: an object of the snapshot is not ours.
        StoreError: the store cannot be read or written.
    """
    found = committed or read_commit(store, link.snapshot_id)
    snapshot = data_object.decode(found.data)
    newest_possible = keys.snapshot_id(now + MAX_AHEAD)

    def move(key: str, body: bytes, identify: Callable[[bytes], str]) -> None:
        for _ in range(_MAX_MOVES):
            if _try_to_move(store, key, body, link.snapshot_id, newest_possible, identify):
                return
        raise StoreError(f"cannot move {store.address(key)} to {link.snapshot_id}: something else writes it, too")

    if found.coverage:
        move(keys.LATEST_COVERAGE, found.coverage, _footers_id)
    move(keys.LATEST_DATA, latest_data(store, snapshot, found), _footers_id)
    latest = manifest.encode_latest(store, link, manifest.links_before(store, snapshot.previous))
    move(keys.LATEST, latest, lambda body: manifest.parse_latest(body, "").snapshot_id)


def latest_data(store: Store, snapshot: Snapshot, committed: Committed) -> bytes:
    """Return what latest/ has of a snapshot: what it read and what it carries, as one.

    Raises:
        SnapshotError: an object of the snapshot is not ours.
    """
    if not committed.carried:
        return committed.data
    known = known_of(store, snapshot, committed.data, committed.coverage, committed.carried)
    return table.encode(schema.DATA, known.lines(), {"snapshotId": snapshot.id})


def _try_to_move(
    store: Store, key: str, body: bytes, snapshot_id: str, newest_possible: str, identify: Callable[[bytes], str]
) -> bool:
    """Write an object if it is an older snapshot's; return whether there is nothing left to do."""
    try:
        stored = store.get(key)
    except RefusedError:
        # An unreadable object names no snapshot, so nothing newer is lost.
        store.put(key, body)
        return True
    if stored is None:
        return store.put_if_absent(key, body)
    if stored.body == body or snapshot_id < _identified(identify, stored.body) <= newest_possible:
        return True
    return store.replace(key, body, stored.etag)


def _footers_id(body: bytes) -> str:
    return str(table.footer_of(body).get("snapshotId"))


def _identified(identify: Callable[[bytes], str], body: bytes) -> str:
    """Return the id of an object's snapshot; empty where it is not ours, and may be overwritten."""
    try:
        identifier = identify(body)
    except SnapshotError:
        return ""
    return identifier if keys.is_id(identifier) else ""
