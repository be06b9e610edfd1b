"""Commit a snapshot, then finish it.

The commit is one conditional PUT of the data object. All that finishing writes is a function of what was committed, is
written only where it is not there yet, and ends with the checksum; so a run that died can be finished by any other.
Then latest/ and, last, latest.json move forward to it.
"""

import gzip
import hashlib
from collections import defaultdict
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime
from functools import partial

from pool_inventory import changes, formats, keys, manifest, snapshot
from pool_inventory.changes import Comparison
from pool_inventory.errors import RefusedError, SnapshotError, StoreError
from pool_inventory.events import MAX_AHEAD
from pool_inventory.snapshot import Link, Place, Snapshot
from pool_inventory.store import Names, Store

EXTRA_FORMATS = {"csv": formats.csv_lines, "ndjson": formats.ndjson_lines}

# Each time that it does not move, another run moved it on.
_MAX_MOVES = 20


@dataclass(frozen=True, slots=True)
class Published:
    """A finished snapshot.

    Attributes:
        snapshot: what was committed, its rows apart.
        comparison: what changed in it, as its changes object has it.
        link: its id and its manifest's hash.
        manifest_key: the key of its manifest in full.
        size_bytes: the size of its data object.
    """

    snapshot: Snapshot
    comparison: Comparison
    link: Link
    manifest_key: str
    size_bytes: int


Report = Callable[[Published], None]


def read_data(store: Store, identifier: str) -> bytes:
    """Return the data object of a snapshot that is committed.

    Raises:
        StoreError: it cannot be read.
    """
    return _read(store, keys.data(identifier))


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
        data = read_data(store, identifier)
    try:
        committed = decode(data, identifier)
        comparison = changes.compare(data, partial(_read_earlier, store))
    except SnapshotError as error:
        raise SnapshotError(f"{store.address(keys.data(identifier))}: {error}") from error
    # What could be compared when they were first written stands, though a baseline may have expired since.
    changes_object = _write_once(store, keys.changes(identifier), changes.encode(identifier, comparison))
    for file_format in committed.extra_formats:
        lines = EXTRA_FORMATS[file_format](data)
        # No time in gzip's header: the bytes are to be a function of the commit.
        _write_once(store, keys.in_format(identifier, file_format), gzip.compress(b"".join(lines), mtime=0))
    try:
        made = derived(store, data, changes_object)
    except SnapshotError as error:
        raise SnapshotError(f"{store.address(keys.changes(identifier))}: {error}: move it away") from error
    for key in (keys.coverage(identifier), keys.symlink(identifier)):
        _write_once(store, key, made[key])
    body = _write_once(store, keys.manifest(identifier), made[keys.manifest(identifier)])
    published = _published(store, committed, data, changes_object, body)
    if report is not None:
        report(published)
    _write_once(store, keys.checksum(identifier), manifest.checksum(body))
    move_latest(store, published.link, data, now=now)
    return published


def read_published(store: Store, identifier: str) -> Published:
    """Return a snapshot that is finished already, by what is stored.

    Raises:
        SnapshotError: an object of it is not ours.
        StoreError: it cannot be read.
    """
    data, changes_object, body = (
        _read(store, key) for key in (keys.data(identifier), keys.changes(identifier), keys.manifest(identifier))
    )
    return _published(store, decode(data, identifier), data, changes_object, body)


def last_known_pools(store: Store, committed: Snapshot) -> dict[Place, int] | None:
    """Return how many pools each target of a snapshot has: as it read them, or as they were last read.

    A target that was never read, or whose last good reading has expired, is not in it. None where the manifest that
    has the number cannot be read.
    """
    known = {(each.account_id, each.region): each.pools for each in committed.coverage if each.pools is not None}
    unread: dict[str, list[Place]] = defaultdict(list)
    for each in committed.coverage:
        if each.pools is None and each.last_ok is not None:
            unread[each.last_ok].append((each.account_id, each.region))
    try:
        for identifier, places in unread.items():
            key = keys.manifest(identifier)
            stored = store.get(key)
            if stored is not None:
                then = manifest.pools(manifest.load(stored.body, store.address(key)), store.address(key))
                known |= {place: then[place] for place in places}
    except (SnapshotError, StoreError, KeyError):
        return None
    return known


def decode(data: bytes, identifier: str) -> Snapshot:
    """Return the snapshot that is committed under an id.

    Raises:
        SnapshotError: the data object is not ours, or is of another id.
    """
    committed = snapshot.decode(data)
    if committed.id != identifier:
        raise SnapshotError(f"it is a copy of the snapshot {committed.id}: move it away")
    return committed


def _published(store: Store, committed: Snapshot, data: bytes, changes_object: bytes, body: bytes) -> Published:
    return Published(
        snapshot=committed,
        comparison=changes.decode(changes_object),
        link=Link(committed.id, hashlib.sha256(body).hexdigest()),
        manifest_key=store.full_key(keys.manifest(committed.id)),
        size_bytes=len(data),
    )


def derived(names: Names, data: bytes, changes_object: bytes) -> dict[str, bytes]:
    """Return, by their keys, the objects that are a function of what is committed and of its changes object.

    Args:
        names: says what keys and addresses are in full.
        data: the snapshot's data object.
        changes_object: its changes object.
    """
    committed = snapshot.decode(data)
    changes_footer = snapshot.footer_of(changes_object)
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
    return body if store.put_if_absent(key, body) else _read(store, key)


def _read(store: Store, key: str) -> bytes:
    stored = store.get(key)
    if stored is None:
        raise StoreError(f"{store.address(key)} is gone: something else deletes objects")
    return stored.body
