"""What a run found → a commit: coverage and carried rows are staged, then one conditional PUT of the data object.

What is staged is no snapshot's until a data object names it by its hash, so runs that meet do not mix.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta

from pool_inventory.model import Carried, Counted, Coverage, Link, Snapshot, Target
from pool_inventory.publish.writes import write_each_once
from pool_inventory.settings import SCP
from pool_inventory.snapshots import coverage, data_object, keys, rows, schema, stored, table
from pool_inventory.snapshots.known import Known
from pool_inventory.stores.protocol import Store

# What IAM says of a denial that a service control policy states; the policy's ARN may follow:
# https://docs.aws.amazon.com/IAM/latest/UserGuide/troubleshoot_access-denied.html
BY_SCP = "with an explicit deny in a service control policy"


@dataclass(frozen=True, slots=True, kw_only=True)
class Draft:
    """What a run found, before it is a snapshot.

    Attributes:
        previous: the finished snapshot before it; None for the first.
        known: what is known as of that one; None where there is none, or it cannot be read.
        known_reason: why `known` is not of the snapshot before; None where it is.
        coverage: of the targets that were asked, sorted.
        lines: the rows of those that were read, as lines of JSON sorted by target and id.
        extra_formats: in which formats besides Parquet the rows are to be written.
        forget_days: after so many days without a reading a target is no longer carried.
        accept_denied: which targets may be denied, as Settings has them.
        accounts: the accounts object, where an organization was asked.
    """

    id: str
    started_at: datetime
    ended_at: datetime
    previous: Link | None
    known: Known | None
    known_reason: str | None = None
    coverage: Iterable[Coverage]
    lines: Iterable[bytes]
    extra_formats: tuple[str, ...] = ()
    forget_days: int = 90
    accept_denied: tuple[str, ...] = ()
    accounts: bytes | None = None


@dataclass(frozen=True, slots=True)
class Committed:
    """A commit: the bytes of its objects, as they are stored; those of contract version 1 have no coverage object."""

    data: bytes
    coverage: bytes | None = None
    carried: bytes | None = None
    accounts: bytes | None = None


@dataclass(slots=True)
class _Totals:
    """What goes into the footer, counted while the coverage is written."""

    statuses: dict[Counted, int] = field(default_factory=lambda: data_object.counted(()))
    pools: int = 0
    requests: int = 0
    retries: int = 0
    forgotten: int = 0
    # The targets whose rows are carried, and the snapshot that read each.
    carried: dict[Target, str] = field(default_factory=dict)

    def count(self, each: Coverage) -> None:
        self.statuses[each.counted] += 1
        self.pools += each.pools or 0
        self.requests += each.requests
        self.retries += each.retries
        if not each.is_read and each.last_ok is not None:
            self.carried[each.target] = each.last_ok


def commit(store: Store, draft: Draft) -> Committed:
    """Commit a snapshot, unless another run has committed one of the same id.

    Returns:
        What is committed, this run's or the other's.

    Raises:
        SnapshotError: what is carried cannot be read, or what is committed under this id is not ours.
        StoreError: the store cannot be read or written.
    """
    totals = _Totals()
    covered = coverage.encode(draft.id, _complete(draft, totals))
    carried, pools = _carry(draft, totals.carried)
    snapshot = Snapshot(
        id=draft.id,
        started_at=draft.started_at,
        ended_at=draft.ended_at,
        previous=draft.previous,
        known_id=draft.known.snapshot_id if draft.known else None,
        known_reason=draft.known_reason,
        targets=totals.statuses,
        pool_count=totals.pools,
        requests=totals.requests,
        retries=totals.retries,
        coverage_file=data_object.file_of(covered),
        carried_file=data_object.file_of(carried) if carried else None,
        carried=Carried(len(totals.carried), pools, totals.forgotten),
        extra_formats=draft.extra_formats,
        accounts_file=data_object.file_of(draft.accounts) if draft.accounts else None,
    )
    optional = {keys.CARRIED: carried, keys.ACCOUNTS: draft.accounts}
    parts = {keys.COVERAGE: covered, **{folder: body for folder, body in optional.items() if body}}
    write_each_once(
        store,
        {keys.staged(draft.id, folder, data_object.file_of(body).sha256): body for folder, body in parts.items()},
    )
    data = data_object.encode(snapshot, draft.lines)
    if store.put_if_absent(keys.data(draft.id), data):
        return Committed(data, covered, carried, draft.accounts)
    return read_commit(store, draft.id)


def read_commit(store: Store, snapshot_id: str) -> Committed:
    """Return what is committed under an id.

    Raises:
        SnapshotError: it is not ours, or what it names is gone.
        StoreError: it cannot be read.
    """
    data = stored.read_committed(store, snapshot_id)
    return with_parts(store, data_object.decode(data), data)


def with_parts(store: Store, snapshot: Snapshot, data: bytes) -> Committed:
    """Return a commit's objects, by what the snapshot says of itself and its data object.

    Raises:
        SnapshotError: what it names is gone.
        StoreError: it cannot be read.
    """
    parts = {
        folder: stored.read_part(store, snapshot.id, folder, file)
        for folder, file in (
            (keys.COVERAGE, snapshot.coverage_file),
            (keys.CARRIED, snapshot.carried_file),
            (keys.ACCOUNTS, snapshot.accounts_file),
        )
        if file
    }
    return Committed(data, parts.get(keys.COVERAGE), parts.get(keys.CARRIED), parts.get(keys.ACCOUNTS))


def carried_lines(known: Known, snapshot_id: str, targets: dict[Target, str]) -> Iterator[bytes]:
    """Return the known rows of targets as lines of a later snapshot.

    Args:
        known: has the rows.
        snapshot_id: the later snapshot.
        targets: whose rows, and which snapshot read them.
    """
    time = rows.minute(snapshot_id)
    read_at = {each: rows.minute(each) for each in set(targets.values())}
    for row in known.rows(targets):
        yield table.timed(row, time, read_at[targets[row.target]])


def _carry(draft: Draft, targets: dict[Target, str]) -> tuple[bytes | None, int]:
    """Return the carried object, None where nothing is carried, and how many pools it has."""
    if draft.known is None or not targets:
        return None, 0
    pools = 0

    def lines(known: Known) -> Iterator[bytes]:
        nonlocal pools
        for line in carried_lines(known, draft.id, targets):
            pools += 1
            yield line

    body = table.encode(schema.DATA, lines(draft.known), {"snapshotId": draft.id})
    return body, pools


def _complete(draft: Draft, totals: _Totals) -> Iterator[Coverage]:
    """Return the coverage of all targets, with what the snapshot before says of each."""
    known = draft.known.coverage() if draft.known else iter(())
    oldest = _days_before(keys.snapshot_time(draft.id), draft.forget_days)
    for asked, before in _side_by_side(iter(draft.coverage), known):
        each = asked or _not_asked(before, draft)
        if each is None:
            continue
        last_ok = before.last_ok if before else None
        if each.is_read:
            kept: str | None = draft.id
        elif last_ok is None:
            kept = None
        elif draft.known and each.target in draft.known.lost:
            kept = draft.known.older_ok.get(each.target)
        elif keys.snapshot_time(last_ok) < oldest:
            totals.forgotten += 1
            kept = None
        else:
            kept = last_ok
        accepted_by = _accepted_by(each, before, draft)
        complete = replace(each, last_ok=kept, compared_with=last_ok, accepted_by=accepted_by)
        totals.count(complete)
        yield complete


def _accepted_by(each: Coverage, before: Coverage | None, draft: Draft) -> str | None:
    """Return what in the settings accepts that a target is denied; None where nothing does.

    Only a target that was asked is accepted: a role that is refused says nothing of a region. A service control policy
    explains a denial only where the target was never read: one that was read before and is denied now is news, until
    its region is named.
    """
    if each.status != "denied" or not each.requests:
        return None
    if each.region in draft.accept_denied:
        return each.region
    # Where the snapshot before cannot be read, whether the target was ever read is not known.
    was_read = draft.known_reason or (before and (before.last_ok or before.compared_with))
    is_accepted = SCP in draft.accept_denied and not was_read and BY_SCP in (each.error_message or "")
    return SCP if is_accepted else None


def _days_before(time: datetime, days: int) -> datetime:
    try:
        return time - timedelta(days=days)
    except OverflowError:  # the calendar begins there
        return datetime.min.replace(tzinfo=UTC)


def _not_asked(before: Coverage | None, draft: Draft) -> Coverage | None:
    """Return the coverage of a target that was left out, None where it was never read: then nothing is known of it."""
    if before is None or before.last_ok is None:
        return None
    return Coverage(
        account_id=before.account_id,
        region=before.region,
        status="not_asked",
        pools=None,
        requests=0,
        retries=0,
        duplicates=0,
        started_at=draft.started_at,
        duration_ms=0,
        error_code=None,
        error_message=None,
    )


def _side_by_side(
    asked: Iterator[Coverage], known: Iterator[Coverage]
) -> Iterator[tuple[Coverage | None, Coverage | None]]:
    """Return what two sorted coverages say of each target."""
    now, before = next(asked, None), next(known, None)
    while now or before:
        if now and (before is None or now.target < before.target):
            yield now, None
            now = next(asked, None)
        elif before and (now is None or before.target < now.target):
            yield None, before
            before = next(known, None)
        else:
            yield now, before
            now, before = next(asked, None), next(known, None)
