"""Finish a commit: write all else that a snapshot has.

All of it is a function of what was committed and of what was known before, is written only where it is not there yet,
and ends with the checksum; so a run that died can be finished by any other. Then what is newest moves forward to it.
"""

import hashlib
from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from datetime import datetime
from itertools import groupby

from pool_inventory.errors import RefusedError, SnapshotError
from pool_inventory.model import AccountCounts, Coverage, Link, Published, Snapshot, Target
from pool_inventory.publish.commit import Committed, carried_lines, read_commit
from pool_inventory.publish.latest import Seen, move_latest
from pool_inventory.publish.writes import write_each_once, write_once
from pool_inventory.snapshots import changes, coverage, data_object, formats, keys, manifest, schema, table
from pool_inventory.snapshots.known import Known, known_of, open_known
from pool_inventory.stores.protocol import Names, Store
from pool_inventory.text import one_line

Report = Callable[[Published], None]


@dataclass(frozen=True, slots=True)
class Finishing:
    """A commit with what it is finished from.

    Attributes:
        snapshot: the snapshot.
        committed: its objects, its coverage object among them whichever release committed it.
        known: what the snapshot before says is known; why that cannot be read; None where there is none.
    """

    snapshot: Snapshot
    committed: Committed
    known: Known | str | None

    @property
    def covered(self) -> Iterable[Coverage]:
        """The coverage."""
        return coverage.decode(self.committed.coverage or b"")


def finish(
    store: Store,
    identifier: str,
    committed: Committed | None = None,
    known: Known | None = None,
    *,
    now: datetime,
    seen: Seen | None = None,
    report: Report | None = None,
) -> Published:
    """Write all other objects of a committed snapshot, and make it the latest unless a newer one is.

    Args:
        store: where it is committed.
        identifier: the snapshot's id.
        committed: what is committed, where the caller has it.
        known: what the snapshot before says is known, where the caller has it.
        now: the time: a latest.json that names a time more than a day ahead is not believed.
        seen: what the caller saw where the newest is.
        report: called once all but the checksum is written. A run that dies before it is done leaves the snapshot
            unfinished, so another run finishes it and reports it again: at least once.

    Raises:
        SnapshotError: what is committed there is not ours.
        StoreError: the store cannot be read or written.
    """
    found = prepare(store, committed or read_commit(store, identifier), known)
    parts = _write_parts(store, found)
    body = manifest.encode(store, found.snapshot, found.committed.data, found.covered, parts)
    body = write_once(store, keys.manifest(identifier), body)
    published = describe(store, found, parts[keys.changes(identifier)], body)
    if report is not None:
        report(published)
    write_once(store, keys.checksum(identifier), manifest.checksum(body))
    # The changes can be larger than the data, and what latest/ holds is read next.
    del parts
    move_latest(store, published.link, now=now, committed=found.committed, seen=seen)
    return published


def prepare(store: Store, committed: Committed, known: Known | None, snapshot: Snapshot | None = None) -> Finishing:
    """Return a commit with what it is finished from; one of contract version 1 as if it were of this one.

    Args:
        store: where it is.
        committed: its objects.
        known: what the snapshot before says is known, where the caller has it.
        snapshot: what it says of itself, where the caller knows better than the data object.

    Raises:
        SnapshotError: it is not ours.
        StoreError: the store cannot be read.
    """
    snapshot = snapshot or data_object.decode(committed.data)
    before: Known | str | None = known
    if snapshot.known_id and (known is None or known.snapshot_id != snapshot.known_id):
        try:
            before = open_known(store, snapshot.known_id)
        except (SnapshotError, RefusedError) as error:
            # An earlier snapshot that cannot be read costs the changes, not this snapshot.
            before = one_line(str(error))
    if snapshot.coverage_file is None:
        snapshot, committed = _as_if_now(store, snapshot, committed)
    return Finishing(snapshot, committed, before)


def derived_changes(found: Finishing) -> bytes:
    """Return the changes object that follows from a commit and from what was known before."""
    comparison = changes.compare(found.snapshot, found.committed.data, found.covered, found.known)
    return changes.encode(found.snapshot.id, comparison)


def symlink(names: Names, identifier: str) -> bytes:
    """Return the list of data files, as S3 Inventory has it."""
    return f"{names.address(keys.data(identifier))}\n".encode()


def describe(names: Names, found: Finishing, changes_object: bytes, body: bytes) -> Published:
    """Return a finished snapshot, by what it is finished from, its changes object and its manifest.

    Raises:
        SnapshotError: the changes object is not ours.
    """
    summary = changes.summary_of(changes_object)
    return Published(
        snapshot=found.snapshot,
        changes=summary.counts,
        uncompared=summary.uncompared,
        known_pools=_known_pools(found),
        link=Link(found.snapshot.id, hashlib.sha256(body).hexdigest()),
        manifest_key=names.full_key(keys.manifest(found.snapshot.id)),
        size_bytes=len(found.committed.data),
        accounts=_count_accounts(found.covered) if found.committed.accounts else None,
    )


def _write_parts(store: Store, found: Finishing) -> dict[str, bytes]:
    """Write what the manifest names besides the data; return what is there then, by its keys."""
    identifier, committed = found.snapshot.id, found.committed
    # Carried first: who finds a snapshot by its coverage must find its carried rows.
    carried = {keys.carried(identifier): committed.carried} if committed.carried else {}
    write_each_once(store, carried)
    covered = {keys.coverage(identifier): committed.coverage or b""}
    compared = {keys.changes(identifier): derived_changes(found)}
    listed = {keys.symlink(identifier): symlink(store, identifier)}
    accounts = {keys.accounts(identifier): committed.accounts} if committed.accounts else {}
    written = write_each_once(store, {**covered, **compared, **listed, **accounts})
    for file_format in found.snapshot.extra_formats:
        # One after another: each may be as large as the data.
        lines = formats.data_lines(file_format, committed.data)
        write_once(store, keys.in_format(identifier, file_format), formats.compressed(lines))
    # What could be compared when they were first written stands, though an earlier snapshot may have expired since.
    # Who altered the other two does not alter what the commit names by its hash.
    compared = {key: written[key] for key in compared}
    return {**carried, **covered, **compared, **accounts}


def _count_accounts(covered: Iterable[Coverage]) -> AccountCounts:
    """Count the accounts that were asked, and those of them of which no target was read and one failed."""
    asked = failed = 0
    for _, targets in groupby(covered, key=lambda each: each.account_id):
        statuses = [(each.is_read, each.is_failed, each.status != "not_asked") for each in targets]
        is_read, is_failed, is_asked = map(any, zip(*statuses, strict=True))
        asked += is_asked
        failed += is_failed and not is_read
    return AccountCounts(asked, failed)


def _known_pools(found: Finishing) -> dict[Target, int]:
    pools = Counter({each.target: each.pools for each in found.covered if each.pools})
    if found.committed.carried:
        pools.update(row.target for row in table.pool_rows(found.committed.carried))
    return dict(pools)


def _as_if_now(store: Store, snapshot: Snapshot, committed: Committed) -> tuple[Snapshot, Committed]:
    """Return a commit of contract version 1 with the coverage and carried rows that version 2 would have."""
    known = known_of(store, snapshot, committed.data)
    covered = [replace(each, last_ok=None) if each.target in known.lost else each for each in known.coverage()]
    body = coverage.encode(snapshot.id, covered)
    targets = {each.target: each.last_ok for each in covered if not each.is_read and each.last_ok}
    carried: bytes | None = None
    pools = 0
    if targets:
        lines = list(carried_lines(known, snapshot.id, targets))
        pools = len(lines)
        carried = table.encode(schema.DATA, lines, {"snapshotId": snapshot.id})
    complete = replace(
        snapshot,
        coverage_file=data_object.file_of(body),
        carried_file=data_object.file_of(carried) if carried else None,
        carried=replace(snapshot.carried, targets=len(targets), pools=pools),
    )
    return complete, Committed(committed.data, body, carried)
