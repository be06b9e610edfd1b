"""Commit a snapshot, then finish it.

The commit is one conditional PUT of the data object. All that finishing writes is a function of what was committed, is
written only where it is not there yet, and ends with the checksum; so a run that died can be finished by any other.
Then latest/ and, last, latest.json move forward to it.
"""

from collections.abc import Callable, Iterable
from datetime import datetime
from functools import partial

from pool_inventory.errors import RefusedError, SnapshotError, StoreError
from pool_inventory.events import MAX_AHEAD
from pool_inventory.model import Link, Published, Snapshot
from pool_inventory.snapshots import changes, formats, keys, manifest, table
from pool_inventory.snapshots import parquet as snapshot
from pool_inventory.snapshots import stored as stored_snapshots
from pool_inventory.stores.protocol import Names, Store

EXTRA_FORMATS = {"csv": formats.csv_lines, "ndjson": formats.ndjson_lines}

# Each time that it does not move, another run moved it on.
_MAX_MOVES = 20


Report = Callable[[Published], None]


def commit(store: Store, new: Snapshot, lines: Iterable[bytes]) -> bytes:
    """Commit a snapshot: write its data object, unless another run has committed one of the same id.

    Returns:
        The bytes that are committed, this run's or the other's.
    """
    return _write_once(store, keys.data(new.id), snapshot.encode(new, lines))


def finish(
    store: Store, identifier: str, data: bytes | None = None, *, now: datetime, report: Report | None = None
) -> Published:
    """Write all else that a committed snapshot has, and make it the latest unless a newer one is.

    Args:
        store: where it is committed.
        identifier: the snapshot's id.
        data: the bytes that are committed, where the caller has them.
        now: the time: a latest.json that names a time more than a day ahead is not believed.
        report: called once all but the checksum is written. A run that dies before it is done leaves the snapshot
            unfinished, so another run finishes it and reports it again: at least once.

    Raises:
        SnapshotError: what is committed there is not ours.
        StoreError: the store cannot be read or written.
    """
    if data is None:
        data = stored_snapshots.read_data(store, identifier)
    try:
        committed = stored_snapshots.decode(data, identifier)
        comparison = changes.compare(data, partial(_read_earlier, store))
    except SnapshotError as error:
        raise SnapshotError(f"{store.address(keys.data(identifier))}: {error}") from error
    # What could be compared when they were first written stands, though a baseline may have expired since.
    changes_object = _write_once(store, keys.changes(identifier), changes.encode(identifier, comparison))
    for file_format in committed.extra_formats:
        lines = EXTRA_FORMATS[file_format](data)
        _write_once(store, keys.in_format(identifier, file_format), formats.compressed(lines))
    try:
        made = derived(store, data, changes_object)
    except SnapshotError as error:
        raise SnapshotError(f"{store.address(keys.changes(identifier))}: {error}: move it away") from error
    for key in (keys.coverage(identifier), keys.symlink(identifier)):
        _write_once(store, key, made[key])
    body = _write_once(store, keys.manifest(identifier), made[keys.manifest(identifier)])
    published = stored_snapshots.describe(store, committed, data, changes_object, body)
    if report is not None:
        report(published)
    _write_once(store, keys.checksum(identifier), manifest.checksum(body))
    move_latest(store, published.link, data, now=now)
    return published


def derived(names: Names, data: bytes, changes_object: bytes) -> dict[str, bytes]:
    """Return, by their keys, the objects that are a function of what is committed and of its changes object.

    Args:
        names: says what keys and addresses are in full.
        data: the snapshot's data object.
        changes_object: its changes object.
    """
    committed = snapshot.decode(data)
    changes_footer = table.footer_of(changes_object)
    try:
        body = manifest.encode(names, committed, data, changes_footer)
    except KeyError as error:
        raise SnapshotError(f"the footer of the changes lacks {error}") from error
    return {
        keys.coverage(committed.id): snapshot.encode_coverage(committed),
        keys.symlink(committed.id): f"{names.address(keys.data(committed.id))}\n".encode(),
        keys.manifest(committed.id): body,
    }


def move_latest(store: Store, link: Link, data: bytes, *, now: datetime) -> None:
    """Move latest/ and then latest.json forward to a finished snapshot, unless they are at a newer one.

    latest.json is last: where a run dies before it, the next finds a snapshot that is newer, and moves both.
    """
    newest_possible = keys.snapshot_id(now + MAX_AHEAD)

    def move(key: str, body: bytes, identify: Callable[[bytes], str]) -> None:
        for _ in range(_MAX_MOVES):
            try:
                stored = store.get(key)
            except RefusedError:
                # What nobody can read names nothing, so nothing newer is lost.
                store.put(key, body)
                return
            if stored is None:
                moved = store.put_if_absent(key, body)
            elif stored.body == body or link.snapshot_id < _identify(identify, stored.body) <= newest_possible:
                return
            else:
                moved = store.replace(key, body, stored.etag)
            if moved:
                return
        raise StoreError(f"cannot move {store.address(key)} to {link.snapshot_id}: something else writes it, too")

    move(keys.LATEST_DATA, data, lambda body: snapshot.decode(body).id)
    move(keys.LATEST, manifest.encode_latest(store, link), lambda body: manifest.parse_latest(body, "").snapshot_id)


def _identify(identify: Callable[[bytes], str], body: bytes) -> str:
    """Return which snapshot an object speaks of, empty where it is none of ours: it may be written over."""
    try:
        return identify(body)
    except SnapshotError:
        return ""


def _read_earlier(store: Store, identifier: str) -> bytes:
    stored = store.get(keys.data(identifier))
    if stored is None:
        raise SnapshotError(f"{store.address(keys.data(identifier))} is gone, expired perhaps")
    return stored.body


def _write_once(store: Store, key: str, body: bytes) -> bytes:
    """Write an object unless it is there; return the bytes that are there then."""
    return body if store.put_if_absent(key, body) else stored_snapshots.read(store, key)
