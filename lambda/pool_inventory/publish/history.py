"""What the store holds as a run begins: the newest snapshot, what earlier runs left, and what cannot be believed.

Nothing that is stored may stop the next run, but for an intact snapshot of a newer contract, which means that the
function was rolled back. What cannot be read or believed is passed by and named.
"""

import hashlib
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

from pool_inventory.errors import NewerError, RefusedError, SnapshotError
from pool_inventory.events import MAX_AHEAD
from pool_inventory.model import Link
from pool_inventory.snapshots import keys, manifest
from pool_inventory.snapshots.manifest import LastOk
from pool_inventory.stores.protocol import Store

# How far back from the newest snapshot to look for what runs that died left behind: longer than any retry takes.
LOOK_BACK = timedelta(days=1)
# How many finished snapshots to try, from the newest on, for one whose manifest can be read.
MAX_CANDIDATES = 10


@dataclass(frozen=True, slots=True)
class PassedBy:
    """A stored object that could not be finished, read or believed: its address, and why."""

    address: str
    reason: str


@dataclass(frozen=True, slots=True)
class History:
    """What the store holds as a run begins.

    Attributes:
        latest: the newest snapshot that is finished and can be believed.
        is_named: whether latest.json names it, or there is none to name.
        last_ok: what its manifest says of each target; None where that is not known.
        newest_id: the id of the newest snapshot that is finished, whether or not it can be read; empty where none is.
        unfinished: ids of the commits up to the run's own that are not finished, sorted.
        is_committed: whether the run's own snapshot is committed.
        unannounced: ids of finished snapshots of the last day whose events may not be out, sorted: those since the
            oldest of that day whose events are, or else the newest alone, because a bus may have been set only now.
        passed_by: what could not be read or believed.
    """

    latest: Link | None
    is_named: bool
    last_ok: LastOk | None
    newest_id: str
    unfinished: tuple[str, ...]
    is_committed: bool
    unannounced: tuple[str, ...]
    passed_by: tuple[PassedBy, ...]


@dataclass(frozen=True, slots=True)
class _Newest:
    """A finished snapshot, and what its manifest says of each target; None where that is not known."""

    link: Link
    last_ok: LastOk | None


@dataclass(frozen=True, slots=True)
class _Ids:
    """Ids of snapshots, by which of their objects are there."""

    committed: frozenset[str]
    finished: frozenset[str]
    announced: frozenset[str]


def read_history(store: Store, identifier: str, *, now: datetime) -> History:
    """Return what was there before the run whose snapshot has this id.

    Raises:
        NewerError: the newest snapshot is intact and of a newer contract.
        StoreError: the store cannot be read.
    """
    passed_by: list[PassedBy] = []
    newest_possible = keys.snapshot_id(now + MAX_AHEAD)
    named = _read_named(store, newest_possible, passed_by)
    named_id = named.link.snapshot_id if named else ""
    # A run that is older than the newest snapshot looks no further than to its own time.
    ids = _list_ids(
        store,
        since=_look_back_from(min(named_id, identifier)),
        up_to=identifier if identifier < named_id else newest_possible,
    )
    # Where there is one, its run died before it moved latest.json, or that was deleted or is not to be believed.
    unnamed = _find_newest(store, (each for each in ids.finished if each > named_id), passed_by)
    newest = unnamed or named
    return History(
        latest=newest.link if newest else None,
        is_named=unnamed is None,
        last_ok=newest.last_ok if newest else (None if passed_by else {}),
        newest_id=max(ids.finished | {named_id}),
        unfinished=tuple(sorted(each for each in ids.committed - ids.finished if each <= identifier)),
        is_committed=identifier in ids.committed,
        unannounced=_unannounced(ids),
        passed_by=tuple(passed_by),
    )


def _read_named(store: Store, newest_possible: str, passed_by: list[PassedBy]) -> _Newest | None:
    """Return the snapshot that latest.json names, None where it names none or cannot be believed."""
    try:
        link = manifest.read_latest(store)
    except (RefusedError, SnapshotError) as error:
        passed_by.append(PassedBy(store.address(keys.LATEST), str(error)))
        return None
    if link is None:
        return None
    if link.snapshot_id > newest_possible:
        reason = f"it names {link.snapshot_id}, a time more than a day ahead"
    else:
        newest = _read_newest(store, link, passed_by)
        if newest:
            return newest
        reason = f"it names {link.snapshot_id}, and there is no {store.address(keys.manifest(link.snapshot_id))}"
    passed_by.append(PassedBy(store.address(keys.LATEST), reason))
    return None


def _read_newest(store: Store, link: Link, passed_by: list[PassedBy]) -> _Newest | None:
    """Return a snapshot with what its manifest says of each target, None where it has no manifest."""
    address = store.address(keys.manifest(link.snapshot_id))
    try:
        read = manifest.read_linked(store, link)
        return None if read is None else _Newest(link, manifest.last_ok(read, address))
    except NewerError:
        raise
    except (RefusedError, SnapshotError) as error:
        passed_by.append(PassedBy(address, str(error)))
        return _Newest(link, None)


def _find_newest(store: Store, identifiers: Iterable[str], passed_by: list[PassedBy]) -> _Newest | None:
    """Return the newest of some snapshots whose manifest is as its checksum says."""
    for identifier in sorted(identifiers, reverse=True)[:MAX_CANDIDATES]:
        address = store.address(keys.manifest(identifier))
        try:
            stored, checksum = store.get(keys.manifest(identifier)), store.get(keys.checksum(identifier))
        except RefusedError as error:
            passed_by.append(PassedBy(address, str(error)))
            continue
        if stored is None or checksum is None or checksum.body != manifest.checksum(stored.body):
            passed_by.append(PassedBy(address, "it is not what its checksum says"))
            continue
        link = Link(identifier, hashlib.sha256(stored.body).hexdigest())
        newest = _read_newest(store, link, passed_by)
        if newest and newest.last_ok is not None:
            return newest
    return None


def _list_ids(store: Store, *, since: str, up_to: str) -> _Ids:
    data = list(store.keys(keys.DATA, keys.data(since) if since else ""))
    manifests = list(store.keys(keys.MANIFESTS, keys.manifest(since) if since else ""))

    def ids(identify: Callable[[str], str | None], found: list[str]) -> frozenset[str]:
        return frozenset(each for each in map(identify, found) if each and each <= up_to)

    return _Ids(
        committed=ids(keys.committed, data),
        finished=ids(keys.finished, manifests),
        announced=ids(keys.announced_id, manifests),
    )


def _unannounced(ids: _Ids) -> tuple[str, ...]:
    newest = max(ids.finished, default="")
    if not ids.announced:
        return (newest,) if newest else ()
    # From the oldest mark on, not the newest: a snapshot's events may have failed and a later one's not.
    since = max(min(ids.announced), _look_back_from(newest))
    return tuple(sorted(each for each in ids.finished - ids.announced if each > since))


def _look_back_from(identifier: str) -> str:
    """Return the id from which on to look for what earlier runs left, empty for from the first."""
    try:
        return keys.snapshot_id(keys.snapshot_time(identifier) - LOOK_BACK)
    except (ValueError, OverflowError):  # there is no snapshot yet, or the calendar begins there
        return ""
