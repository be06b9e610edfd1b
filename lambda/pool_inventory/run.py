"""One run, from its settings to its summary."""

import dataclasses
import json
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from itertools import islice
from typing import TYPE_CHECKING, Literal

from pool_inventory.aws.calls import Deadline
from pool_inventory.collect import readings as collect
from pool_inventory.collect.readings import Progress, Reading
from pool_inventory.collect.targets import choose_targets
from pool_inventory.errors import InventoryError, UnreadError
from pool_inventory.model import Account, Coverage, Link, Published, Uncompared
from pool_inventory.publish import finish
from pool_inventory.publish.commit import Committed, Draft, commit
from pool_inventory.publish.finish import Report
from pool_inventory.publish.history import History, KnownBefore, PassedBy, read_history, read_known
from pool_inventory.publish.latest import Seen, look, move_latest
from pool_inventory.snapshots import coverage as snapshots_coverage
from pool_inventory.snapshots import keys
from pool_inventory.snapshots.known import Known
from pool_inventory.stores.protocol import Store
from pool_inventory.text import one_line

if TYPE_CHECKING:
    from boto3.session import Session

# How many targets an error names that no target could be read.
MAX_SHOWN = 40
Result = Literal["published", "finished", "unchanged", "superseded"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """What a run is asked for.

    Attributes:
        snapshot_time: the time that names the snapshot, in UTC, to the minute.
        regions: "enabled", "current" or the regions' names, as Settings has them.
        max_requests_per_second: pace per target, 0 for none.
        extra_formats: in which formats besides Parquet the rows are written.
        forget_days: after so many days without a reading a target is no longer carried.
        accept_denied: which targets may be denied, as Settings has them.
    """

    snapshot_time: datetime
    regions: str | tuple[str, ...]
    max_requests_per_second: float
    extra_formats: tuple[str, ...] = ()
    forget_days: int = 90
    accept_denied: tuple[str, ...] = ()

    @property
    def snapshot_id(self) -> str:
        """The snapshot's id."""
        return keys.snapshot_id(self.snapshot_time)


@dataclass(frozen=True, slots=True, kw_only=True)
class Tools:
    """What a run works with.

    Attributes:
        session: gives the clients.
        account: returns the account that is asked; called only where a target is asked.
        store: where snapshots go.
        deadline: when collecting ends; its clock is the run's.
        progress: called as each target begins and ends.
        collected: called with the coverage once all targets were asked, whatever becomes of the run.
        report: called with each snapshot that is finished, as publish.finish has it.
    """

    session: "Session"
    account: Callable[[], Account]
    store: Store
    deadline: Deadline
    progress: Progress | None = None
    collected: Callable[[Callable[[], Iterable[Coverage]]], object] | None = None
    report: Report | None = None

    def now(self) -> datetime:
        """Return the time."""
        return self.deadline.clock.now()

    def finish(
        self,
        snapshot_id: str,
        committed: Committed | None = None,
        known: Known | None = None,
        seen: Seen | None = None,
    ) -> Published:
        """Finish a commit."""
        return finish.finish(self.store, snapshot_id, committed, known, now=self.now(), seen=seen, report=self.report)

    def move_latest(self, link: Link) -> None:
        """Move what is newest forward to a finished snapshot."""
        move_latest(self.store, link, now=self.now())


@dataclass(frozen=True, slots=True)
class Outcome:
    """The outcome of a run.

    Attributes:
        snapshot_id: the snapshot that the run was for.
        result: `published`, it was read and published; `finished`, it was found committed and was finished;
            `unchanged`, it was found finished; `superseded`, a newer one was found, and this one was not made.
        published: the snapshot, where it was published or finished.
        coverage: returns how reading the targets went, where they were asked: sorted, with what was known of each
            before.
        recovered: earlier snapshots whose runs had died, and which this run finished.
        unannounced: ids of the snapshots whose events may not be out, this run's included, sorted.
        passed_by: what was stored and could not be finished, read or believed.
        warnings: what someone should look at, though the run did its work.
    """

    snapshot_id: str
    result: Result
    published: Published | None = None
    coverage: Callable[[], Iterable[Coverage]] = tuple
    recovered: tuple[Published, ...] = ()
    unannounced: tuple[str, ...] = ()
    passed_by: tuple[PassedBy, ...] = ()
    warnings: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Collected:
    """What was collected.

    Attributes:
        coverage: returns how reading the targets went, sorted.
        lines: the rows, to be gone through once: what they are kept in is free then for what finishing needs.
        warnings: what someone should look at.
        accounts: the accounts object, where an organization was asked.
    """

    started_at: datetime
    ended_at: datetime
    coverage: Callable[[], Iterable[Coverage]]
    lines: Iterator[bytes]
    warnings: tuple[str, ...]
    accounts: bytes | None = None


# Asks targets, and gives what was found. The last argument returns what is known as of the snapshot before; it waits
# until that is read.
Collect = Callable[[Request, Tools, Callable[[], KnownBefore]], Collected]


@dataclass(frozen=True, slots=True)
class _Past:
    """What the store holds, now that what earlier runs left is finished."""

    history: History
    recovered: tuple[Published, ...]
    passed_by: tuple[PassedBy, ...]

    def after(self, earlier: "_Past") -> "_Past":
        """Return this, with what an earlier look at the same store found."""
        passed_by = tuple(dict.fromkeys((*earlier.passed_by, *self.passed_by)))
        return _Past(self.history, earlier.recovered + self.recovered, passed_by)

    def outcome(self, request: Request, result: Result, published: Published | None = None) -> Outcome:
        """Return the outcome of a run."""
        new = [each.snapshot.id for each in (*self.recovered, published) if each]
        return Outcome(
            snapshot_id=request.snapshot_id,
            result=result,
            published=published,
            recovered=self.recovered,
            unannounced=tuple(sorted({*self.history.unannounced, *new})),
            passed_by=self.passed_by,
        )


def collect_own_account(request: Request, tools: Tools, before: Callable[[], KnownBefore]) -> Collected:
    """Ask the targets of one account.

    Raises:
        TargetsError: which targets there are could not be settled.
    """
    started_at = tools.now()
    readings = collect.collect(
        choose_targets(request.regions, session=tools.session, account=tools.account, deadline=tools.deadline),
        session=tools.session,
        snapshot_time=request.snapshot_time,
        max_requests_per_second=request.max_requests_per_second,
        deadline=tools.deadline,
        read_before=lambda: before().read_targets(),
        progress=tools.progress,
    )
    return Collected(
        started_at=started_at,
        ended_at=tools.now(),
        coverage=lambda: (reading.coverage for reading in readings),
        lines=collect.lines(readings),
        warnings=unmodelled(readings, name_accounts=False),
    )


def export(request: Request, tools: Tools, ask: Collect = collect_own_account) -> Outcome:
    """Make the snapshot of a time: finish what earlier runs left, collect, commit, finish.

    A run that finds its snapshot committed asks no target; nor does one that finds a newer snapshot.

    Raises:
        UnreadError: not one target could be read; nothing was published.
        NewerError: the snapshot before is of a newer release.
        TargetsError, StoreError, SnapshotError: as their texts say.
    """
    past = _settle_past(request, tools)
    if done := _already_done(past, request, tools):
        return done
    # What the snapshot before says is read while the targets are.
    with ThreadPoolExecutor(1) as background:
        reading = background.submit(_read_before, past.history, request, tools)
        collected = ask(request, tools, lambda: reading.result()[0])
        if tools.collected:
            tools.collected(collected.coverage)
        before, seen = reading.result()
    return _publish(collected, past, before, seen, request, tools)


def _read_before(history: History, request: Request, tools: Tools) -> tuple[KnownBefore, Seen]:
    """Return what the newest snapshot says is known, and what is where the newest is."""
    with ThreadPoolExecutor(1) as pool:
        seen = pool.submit(look, tools.store, history.latest)
        return read_known(tools.store, history, before=request.snapshot_id), seen.result()


def _publish(
    collected: Collected, past: _Past, before: KnownBefore, seen: Seen, request: Request, tools: Tools
) -> Outcome:
    """Commit and finish what was read."""
    if not any(each.is_read for each in collected.coverage()):
        reasons = _reasons(collected.coverage(), name_accounts=collected.accounts is not None)
        raise UnreadError(f"no target could be read, so nothing is published: {reasons}")
    # Another run may have published meanwhile: its changes are not recorded twice.
    first, past = past.history, _settle_past(request, tools, past.history).after(past)
    if done := _already_done(past, request, tools):
        return done
    if past.history.latest != first.latest:
        before, seen = _read_before(past.history, request, tools)
    committed = commit(
        tools.store,
        Draft(
            id=request.snapshot_id,
            started_at=collected.started_at,
            ended_at=collected.ended_at,
            previous=past.history.latest,
            known=before.known,
            known_reason=before.reason,
            coverage=collected.coverage(),
            lines=collected.lines,
            extra_formats=request.extra_formats,
            forget_days=request.forget_days,
            accept_denied=request.accept_denied,
            accounts=collected.accounts,
        ),
    )
    published = tools.finish(request.snapshot_id, committed, before.known, seen)
    outcome = past.outcome(request, "published", published)
    covered = committed.coverage and partial(snapshots_coverage.decode, committed.coverage)
    return dataclasses.replace(
        outcome, coverage=covered or collected.coverage, warnings=_uncompared(published) + collected.warnings
    )


def _settle_past(request: Request, tools: Tools, earlier: History | None = None) -> _Past:
    """Finish what earlier runs left, and move latest.json to the newest snapshot; pass by what cannot be finished."""
    history = read_history(tools.store, request.snapshot_id, now=tools.now(), earlier=earlier)
    recovered: list[Published] = []
    passed_by = list(history.passed_by)

    def attempt(snapshot_id: str, do: Callable[[], object]) -> None:
        try:
            do()
        except Exception as error:  # noqa: BLE001 - nothing that is stored may stop a run; it is reported as passed by
            reason = str(error) if isinstance(error, InventoryError) else repr(error)
            passed_by.append(PassedBy(tools.store.address(keys.data(snapshot_id)), one_line(reason)))

    def finish(snapshot_id: str) -> None:
        recovered.append(tools.finish(snapshot_id))

    for snapshot_id in history.unfinished:
        if snapshot_id != request.snapshot_id:
            attempt(snapshot_id, partial(finish, snapshot_id))
    if history.latest and not history.is_named:
        attempt(history.latest.snapshot_id, partial(tools.move_latest, history.latest))
    if recovered:
        history = read_history(tools.store, request.snapshot_id, now=tools.now())
    return _Past(history, tuple(recovered), tuple(dict.fromkeys(passed_by)))


def _already_done(past: _Past, request: Request, tools: Tools) -> Outcome | None:
    """Return the outcome of a run that need not ask any target, with its commit finished; None where it must go on.

    Raises:
        SnapshotError: what is committed under its id is not ours.
    """
    history = past.history
    if history.is_committed and request.snapshot_id in history.unfinished:
        return past.outcome(request, "finished", tools.finish(request.snapshot_id))
    if history.is_committed:
        return past.outcome(request, "unchanged")
    return past.outcome(request, "superseded") if history.newest_id > request.snapshot_id else None


def _uncompared(published: Published) -> tuple[str, ...]:
    name_accounts = published.snapshot.accounts_file is not None
    return tuple(
        f"what changed in {_place(each, name_accounts=name_accounts)} since {each.last_ok or 'it was last read'} is "
        f"not known: {each.reason}"
        for each in published.uncompared
    )


def unmodelled(readings: Iterable[Reading], *, name_accounts: bool) -> tuple[str, ...]:
    """Return a warning for each target whose answers have what the rows have no place for."""
    return tuple(
        f"{_place(reading.coverage, name_accounts=name_accounts)} answered with members that no column is for: "
        f"{json.dumps(reading.unmodelled)}"
        for reading in readings
        if reading.unmodelled
    )


def _place(each: Coverage | Uncompared, *, name_accounts: bool) -> str:
    """Return how texts name a target: where there is one account, by its region alone."""
    return f"{each.account_id} {each.region}" if name_accounts else each.region


def _reasons(coverage: Iterable[Coverage], *, name_accounts: bool) -> str:
    shown = [
        f"{_place(each, name_accounts=name_accounts)} {each.status} ({each.error_code}: {each.error_message})"
        for each in islice(coverage, MAX_SHOWN)
    ]
    return "; ".join(shown)
