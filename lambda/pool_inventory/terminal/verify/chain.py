"""The chain of manifests, from latest.json back, and all that depends on it: is it what the program wrote?"""

import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from itertools import zip_longest

from pool_inventory.clock import Clock
from pool_inventory.errors import RefusedError, SnapshotError
from pool_inventory.events import MAX_AHEAD
from pool_inventory.model import Link
from pool_inventory.publish.commit import read_commit, with_parts
from pool_inventory.publish.latest import latest_data
from pool_inventory.snapshots import archive, checked, data_object, keys, manifest, stored, table
from pool_inventory.snapshots.manifest import Manifest, encode_latest, load, read_latest
from pool_inventory.stores.protocol import Store
from pool_inventory.terminal.verify.ahead import Ahead, read_ahead
from pool_inventory.terminal.verify.finished import origin_of, writer_of
from pool_inventory.terminal.verify.objects import as_described, check_snapshot
from pool_inventory.terminal.verify.report import Report

_LIST = "the list of manifests"


@dataclass(frozen=True, slots=True)
class _Step:
    """A snapshot to check next: the SHA-256 that its manifest is to have, where known, and what says so."""

    snapshot_id: str
    sha256: str | None
    named_by: str


def verify(store: Store, *, since: str = "", progress: Callable[[int, int], None] | None = None) -> Report:
    """Check all snapshots from the newest back to the first that is kept, or to one that is not before an id's time.

    Snapshots that no other names as its previous are checked as well. A snapshot is in memory with the one that it is
    compared with, and with those that are read ahead: so many as archive.in_turn has at once. `progress` is told how
    many are checked, of how many.

    Raises:
        SnapshotError: there is no snapshot, or a manifest of a newer contract.
        StoreError: an object could not be read.
    """
    report = Report()
    newest = _first_step(store, report)
    step: _Step | None = newest
    walked: set[str] = set()
    finished = [each for each in archive.finished_since(store, since) if each <= newest.snapshot_id]
    with read_ahead(store, reversed(finished)) as ahead:
        while step and step.snapshot_id >= since:
            walked.add(step.snapshot_id)
            ahead.turn_to(step.snapshot_id)
            step = _check(ahead, step, report)
            if progress:
                progress(len(walked), len(finished))
        if not walked:
            raise SnapshotError(f"no snapshot is from then or later: the newest is {newest.snapshot_id}")
        if step:
            report.note(f"{step.snapshot_id} and what is before it were not asked for")
        _check_others(ahead, walked, since, newest.snapshot_id, report)
    _check_latest_data(store, newest, report)
    return report


def _first_step(store: Store, report: Report) -> _Step:
    """Start at what latest.json names, or at the newest snapshot where it names none."""
    latest = _named_latest(store, report)
    if latest is None:
        return _Step(archive.finished_ids(store)[-1], None, _LIST)
    _check_latest(store, latest, report)
    return _Step(latest.snapshot_id, latest.manifest_sha256, keys.LATEST)


def _named_latest(store: Store, report: Report) -> Link | None:
    try:
        latest = read_latest(store)
    except (SnapshotError, RefusedError) as error:
        report.fault(keys.LATEST, str(error))
        return None
    if latest is None:
        report.fault(keys.LATEST, "is missing")
        return None
    if keys.snapshot_time(latest.snapshot_id) > Clock().now() + MAX_AHEAD:
        report.fault(keys.LATEST, f"names {latest.snapshot_id}, a time more than a day ahead: the next run mends it")
        return None
    if _manifest_of(store, latest) is None and latest.snapshot_id not in archive.finished_since(store, ""):
        report.fault(keys.LATEST, f"names {latest.snapshot_id}, of which there is no manifest")
        return None
    return latest


def _check_latest(store: Store, latest: Link, report: Report) -> None:
    """Check latest.json to the byte."""
    named, body = store.get(keys.LATEST), _manifest_of(store, latest)
    if named is None or body is None:
        return
    report.checked(named.body)
    try:
        stated = load(body, "")
        origin, previous = origin_of(stated), manifest.decode(body, keys.manifest(latest.snapshot_id)).previous
    except (*checked.NOT_OURS, SnapshotError, IndexError):
        return  # a fault of that snapshot, when it is checked
    expected = [encode_latest(origin, latest, manifest.links_before(store, previous))]
    if stated["contractVersion"] == 1:
        expected.append(encode_latest(origin, latest, None))  # 0.1 named the newest alone
    if named.body not in expected:
        report.fault(keys.LATEST, f"is not what names {latest.snapshot_id}, which is {expected[0].decode()!r}")


def _manifest_of(store: Store, latest: Link) -> bytes | None:
    """Return the manifest that latest.json names, None where there is none, or none that can be read."""
    try:
        found = store.get(keys.manifest(latest.snapshot_id))
    except RefusedError:
        return None  # a fault of that snapshot, when it is checked
    return found.body if found else None


def _check(store: Ahead, step: _Step, report: Report) -> _Step | None:
    """Check one snapshot; return the one before."""
    try:
        return _check_readable(store, step, report)
    except RefusedError as error:
        # One object that is refused does not keep the others from being checked.
        report.fault(keys.manifest(step.snapshot_id), f"the snapshot cannot be checked: {error}")
        older = store.finished_before(step.snapshot_id)
        return _Step(older, None, _LIST) if older else None


def _check_readable(store: Ahead, step: _Step, report: Report) -> _Step | None:
    found = store.get(keys.manifest(step.snapshot_id))
    if found is None:
        return _after_gap(store, step, report)
    sha256 = hashlib.sha256(found.body).hexdigest()
    is_named = step.sha256 in {None, sha256}
    if not is_named:
        report.fault(
            keys.manifest(step.snapshot_id),
            f"its SHA-256 is {sha256}, and {step.named_by} says {step.sha256}: one of the two was changed",
        )
    previous = check_snapshot(store, step.snapshot_id, found.body, is_named=is_named, report=report)
    if previous and previous.snapshot_id >= step.snapshot_id:
        report.fault(keys.manifest(step.snapshot_id), f"names {previous.snapshot_id} as the one before it")
        return None
    named_by = keys.manifest(step.snapshot_id)
    return _Step(previous.snapshot_id, previous.manifest_sha256, named_by) if previous else None


def _after_gap(store: Ahead, step: _Step, report: Report) -> _Step | None:
    """Report a removed manifest, or note an expired snapshot; return where to go on."""
    identifier = step.snapshot_id
    own = (keys.data(identifier), keys.checksum(identifier), keys.coverage(identifier), keys.changes(identifier))
    left = [key for key in own if store.get(key)]
    older = store.finished_before(identifier)
    if left:
        report.fault(keys.manifest(identifier), f"is missing, though {step.named_by} names it, and {left[0]} is there")
    elif older:
        report.fault(
            keys.manifest(identifier),
            f"is missing with all of its snapshot, though {step.named_by} names it, and {older} is there",
        )
    else:
        report.note(f"the chain ends before {step.named_by}: {identifier} is gone with all before it, expired perhaps")
    return _Step(older, None, _LIST) if older else None


def _check_others(store: Ahead, walked: set[str], since: str, newest: str, report: Report) -> None:
    """Check the snapshots outside the chain, and note what else is there."""
    oldest = since or min(walked)
    finished = set(archive.finished_since(store, oldest))
    committed: set[str] = set()
    # All of the day on which it begins.
    for key in store.keys(keys.DATA, keys.data(since).rpartition("/")[0] if since else ""):
        identifier = keys.committed(key)
        if identifier:
            committed.add(identifier)
        else:
            report.note(f"{key} is none of this program's objects, and readers of {keys.DATA}/ read it: move it away")
    for identifier in sorted((finished | committed) - walked):
        if identifier < oldest:
            continue
        if identifier not in finished:
            _check_unfinished(store, identifier, report)
        elif identifier > newest:
            report.note(f"{identifier} is newer than {keys.LATEST} says: the next run moves that")
        else:
            report.note(f"{identifier} is a fork: no later snapshot names it as its previous")
        if identifier in finished:
            _check(store, _Step(identifier, None, _LIST), report)


def _check_unfinished(store: Store, identifier: str, report: Report) -> None:
    """Report whether a run can finish a commit, or passes it by."""
    try:
        read_commit(store, identifier)
    except (SnapshotError, RefusedError) as error:
        report.fault(keys.data(identifier), f"is committed and cannot be finished, so runs pass it by: {error}")
    else:
        report.note(f"{identifier} is committed and not finished: the next run finishes it")


def _check_latest_data(store: Store, newest: _Step, report: Report) -> None:
    """Check latest/ and latest-coverage/ against the newest snapshot."""
    try:
        made = manifest.read(store, newest.snapshot_id)
        data = stored.read_committed(store, newest.snapshot_id)
        snapshot = as_described(data_object.decode(data), made)
        committed = with_parts(store, snapshot, data)
        expected = {keys.LATEST_DATA: latest_data(store, snapshot, committed)}
    except (SnapshotError, RefusedError):
        return  # reported already, as the snapshot's own fault
    if committed.coverage:
        expected[keys.LATEST_COVERAGE] = committed.coverage
    for key, body in expected.items():
        _check_copy(store, key, body, made, newest, report)


def _check_copy(store: Store, key: str, body: bytes, made: Manifest, newest: _Step, report: Report) -> None:
    try:
        copied = store.get(key)
    except RefusedError as error:
        report.fault(key, str(error))
        return
    if made.changes is None and copied is None:
        return  # the first manifests had neither changes nor a copy of the data
    if copied and _says_the_same(copied.body, body):
        report.checked(copied.body)
        return
    if newest.sha256 and read_latest(store) != Link(newest.snapshot_id, newest.sha256):
        report.note(f"{key} was not checked: a run made a newer snapshot meanwhile")
        return
    report.fault(key, f"is not of {newest.snapshot_id}: the next run mends it" if copied else "is missing")


def _says_the_same(copied: bytes, body: bytes) -> bool:
    """Whether two objects have the same rows: another release of the Parquet library may have written the one."""
    if copied == body:
        return True
    if writer_of(copied) == writer_of(body):
        return False
    try:
        is_same_snapshot = table.footer_of(copied).get("snapshotId") == table.footer_of(body).get("snapshotId")
        pairs = zip_longest(table.lines(copied), table.lines(body))
        return is_same_snapshot and all(one == other for one, other in pairs)
    except SnapshotError:
        return False
