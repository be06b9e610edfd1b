"""What the store holds as a run begins: the newest snapshot, what earlier runs left, and what cannot be trusted.

Nothing that is stored may stop the next run, but for an intact snapshot of a newer contract, which means that the
function was rolled back. What cannot be read or believed is passed by and named.
"""

import hashlib
from collections.abc import Callable, Container, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import chain, islice

from pool_inventory.errors import NewerError, RefusedError, SnapshotError
from pool_inventory.events import MAX_AHEAD
from pool_inventory.model import Link, Target
from pool_inventory.snapshots import keys, manifest
from pool_inventory.snapshots.known import Known, open_known
from pool_inventory.stores.protocol import Store

# How far back from the newest snapshot to look for what runs that died left behind: longer than any retry takes.
LOOK_BACK = timedelta(days=1)
# How many finished snapshots to try, from the newest on, for one whose manifest can be read.
MAX_CANDIDATES = 10


@dataclass(frozen=True, slots=True)
class PassedBy:
    """A stored object that could not be finished, read or trusted: its address, and why."""

    address: str
    reason: str


@dataclass(frozen=True, slots=True)
class History:
    """What the store holds as a run begins.

    Attributes:
        latest: the newest snapshot that is finished and can be believed.
        is_named: whether latest.json names it, or there is none to name.
        newest_id: the id of the newest snapshot that is finished, whether or not it can be read; empty where none is.
        unfinished: ids of the commits up to the run's own that are not finished, sorted.
        is_committed: whether the run's own snapshot is committed.
        unannounced: ids of finished snapshots of the last day whose events may not be out, sorted: those since the
            oldest of that day whose events are, or else the newest alone, because a bus may have been set only now.
        passed_by: what could not be read or believed.
        listed_since: the id from which on the store was listed; empty where all of it was.
    """

    latest: Link | None
    is_named: bool
    newest_id: str
    unfinished: tuple[str, ...]
    is_committed: bool
    unannounced: tuple[str, ...]
    passed_by: tuple[PassedBy, ...]
    listed_since: str


@dataclass(frozen=True, slots=True)
class KnownBefore:
    """What is known as a run begins.

    Attributes:
        known: as of the newest snapshot, or of an older one where that cannot be read; None where nothing is.
        reason: why it is not of the newest snapshot; None where it is.
    """

    known: Known | None
    reason: str | None = None

    def read_targets(self, account_ids: Container[str] | None = None) -> frozenset[Target] | None:
        """Return the targets that were ever read, of some accounts or of all; None where that cannot be known."""
        if self.reason:
            return None
        covered = self.known.coverage() if self.known else ()
        return frozenset(
            each.target
            for each in covered
            if (each.last_ok or each.compared_with) and (account_ids is None or each.account_id in account_ids)
        )


@dataclass(frozen=True, slots=True)
class _Listing:
    """The keys of data objects and manifests, being listed side by side from an id on."""

    since: str
    data: Future[list[str]]
    manifests: Future[list[str]]


@dataclass(frozen=True, slots=True)
class _Ids:
    """Ids of snapshots, by which of their objects are there."""

    committed: frozenset[str]
    finished: frozenset[str]
    announced: frozenset[str]


def read_history(store: Store, identifier: str, *, now: datetime, earlier: History | None = None) -> History:
    """Return what was there before the run whose snapshot has this id.

    Args:
        store: where the snapshots are.
        identifier: the id.
        now: the time: what names a time more than a day ahead is not believed.
        earlier: what the same run found when it looked before; what has not changed since is not read again.

    Raises:
        NewerError: the newest snapshot is intact and of a newer contract.
        StoreError: the store cannot be read.
    """
    passed_by: list[PassedBy] = []
    newest_possible = keys.snapshot_id(now + MAX_AHEAD)
    with ThreadPoolExecutor(2) as pool:
        # Where to list from is what latest.json says, so only a second look can list before it has read that.
        listing = _start_listing(store, pool, earlier.listed_since) if earlier else None
        link = _read_link(store, newest_possible, passed_by)
        # A run that is older than the newest snapshot looks no further than to its own time.
        if listing is None:
            listing = _start_listing(store, pool, _look_back_from(min(link.snapshot_id, identifier) if link else ""))
        is_checked = earlier is not None and earlier.is_named and earlier.latest == link
        named = link if is_checked else _believed(store, link, passed_by)
        if link and named is None:
            listing = _start_listing(store, pool, "")
        named_id = named.snapshot_id if named else ""
        ids = _ids(listing, up_to=identifier if identifier < named_id else newest_possible)
    # Where there is one, its run died before it moved latest.json, or latest.json was deleted or cannot be trusted.
    unnamed = _find_newest(store, (each for each in ids.finished if each > named_id), passed_by)
    return History(
        latest=unnamed or named,
        is_named=unnamed is None,
        newest_id=max(ids.finished | {named_id}),
        unfinished=tuple(sorted(each for each in ids.committed - ids.finished if each <= identifier)),
        is_committed=identifier in ids.committed,
        unannounced=_unannounced(ids),
        passed_by=tuple(passed_by),
        listed_since=listing.since,
    )


def read_known(store: Store, history: History, *, before: str) -> KnownBefore:
    """Return what is known as of the newest snapshot, or of an older one where that cannot be read.

    Args:
        store: where the snapshots are.
        history: what the store holds.
        before: the id of the run's own snapshot.

    Raises:
        NewerError: the newest snapshot is intact and of a newer contract.
        StoreError: the store cannot be read.
    """
    if history.latest is None and not history.passed_by:
        return KnownBefore(None)
    reasons: list[str] = [str(each.reason) for each in history.passed_by] if history.latest is None else []
    newest_id = history.latest.snapshot_id if history.latest else before
    older = (each for each in _finished_before(store, before) if each < newest_id)
    candidates = chain([newest_id] if history.latest else [], older)
    for snapshot_id in islice(candidates, MAX_CANDIDATES):
        try:
            known = open_known(store, snapshot_id)
            return KnownBefore(_with_older(store, known), next(iter(reasons), None))
        except NewerError:
            raise
        except (SnapshotError, RefusedError) as error:
            reasons.append(f"what was known in {snapshot_id} cannot be read: {error}")
    return KnownBefore(None, next(iter(reasons), None))


def _with_older(store: Store, known: Known) -> Known:
    """Return what is known, with an older snapshot's rows where its own are lost: they stay known as of then."""
    if not known.lost:
        return known
    for snapshot_id in islice(_finished_before(store, known.snapshot_id), MAX_CANDIDATES):
        with suppress(SnapshotError, RefusedError):  # the next older one may have them
            return known.with_older(open_known(store, snapshot_id))
    return known


def _finished_before(store: Store, before: str) -> Iterator[str]:
    """Return the ids of finished snapshots, newest first; the store is listed only once one is asked for."""
    found = filter(None, map(keys.finished, store.keys(keys.MANIFESTS)))
    yield from sorted((each for each in found if each < before), reverse=True)


def _read_link(store: Store, newest_possible: str, passed_by: list[PassedBy]) -> Link | None:
    """Return the snapshot that latest.json names, None where it names none, or one that cannot be yet."""
    try:
        link = manifest.read_latest(store)
    except (RefusedError, SnapshotError) as error:
        passed_by.append(PassedBy(store.address(keys.LATEST), str(error)))
        return None
    if link and link.snapshot_id > newest_possible:
        reason = f"it names {link.snapshot_id}, a time more than a day ahead"
        passed_by.append(PassedBy(store.address(keys.LATEST), reason))
        return None
    return link


def _believed(store: Store, link: Link | None, passed_by: list[PassedBy]) -> Link | None:
    """Return the snapshot that latest.json names, None where nothing of it is there."""
    if link is None or _check_manifest(store, link, passed_by) or store.get(keys.data(link.snapshot_id)):
        return link
    reason = f"it names {link.snapshot_id}, and there is no {store.address(keys.manifest(link.snapshot_id))}"
    passed_by.append(PassedBy(store.address(keys.LATEST), reason))
    return None


def _check_manifest(store: Store, link: Link, passed_by: list[PassedBy]) -> bool:
    """Return whether there is a manifest; one that is not what the link names is passed by.

    The manifest of a snapshot is not needed to go on from it: its data object names all else.

    Raises:
        NewerError: it is intact and of a newer contract.
    """
    address = store.address(keys.manifest(link.snapshot_id))
    try:
        if manifest.check_linked(store, link):
            return True
        reason = f"it is gone, though {keys.LATEST} names it"
    except NewerError:
        raise
    except (RefusedError, SnapshotError) as error:
        passed_by.append(PassedBy(address, str(error)))
        return True
    passed_by.append(PassedBy(address, reason))
    return False


def _find_newest(store: Store, identifiers: Iterable[str], passed_by: list[PassedBy]) -> Link | None:
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
        found: list[PassedBy] = []
        _check_manifest(store, link, found)
        passed_by += found
        if not found:
            return link
    return None


def _start_listing(store: Store, pool: ThreadPoolExecutor, since: str) -> _Listing:
    return _Listing(
        since=since,
        data=pool.submit(lambda: list(store.keys(keys.DATA, keys.data(since) if since else ""))),
        manifests=pool.submit(lambda: list(store.keys(keys.MANIFESTS, keys.manifest(since) if since else ""))),
    )


def _ids(listing: _Listing, *, up_to: str) -> _Ids:
    data, manifests = listing.data.result(), listing.manifests.result()

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
    """Return the id to start from when looking for what earlier runs left; empty for the first."""
    try:
        return keys.snapshot_id(keys.snapshot_time(identifier) - LOOK_BACK)
    except (ValueError, OverflowError):  # there is no snapshot yet, or the calendar begins there
        return ""
