"""All targets, read concurrently → the reading of each, and its coverage."""

from collections.abc import Callable, Container, Iterable, Iterator, Mapping
from concurrent.futures import Future, ThreadPoolExecutor, wait
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import datetime
from functools import partial
from typing import TYPE_CHECKING, Any

from pool_inventory.aws import failures
from pool_inventory.aws.calls import Caller, Deadline, OutOfTimeError, Tally
from pool_inventory.aws.failures import UnknownNameError
from pool_inventory.collect import listing as cognito
from pool_inventory.model import Coverage, FailedStatus, Status, Target
from pool_inventory.snapshots import rows
from pool_inventory.snapshots.packed import PackedRows

if TYPE_CHECKING:
    from boto3.session import Session
    from mypy_boto3_cognito_idp import CognitoIdentityProviderClient

# All regions of a partition at once: the threads wait for answers, they do not work.
MAX_THREADS = 64
# How long after the deadline a target's thread may take to report itself why it stopped.
GRACE_SECONDS = 0.2

Progress = Callable[[Target, Tally, Status | None], None]


@dataclass(frozen=True, slots=True)
class Reading:
    """The reading of one target: its coverage, and its rows as lines of JSON sorted by pool id; no rows unless ok."""

    coverage: Coverage
    lines: PackedRows | tuple[bytes, ...] = ()
    # Members of the answers themselves that no column is for: there is no row to put them in.
    unmodelled: Mapping[str, Any] | None = None


@dataclass(slots=True)
class _Attempt:
    """One target's reading under way."""

    target: Target
    caller: Caller
    started_at: datetime
    started: float
    progress: Progress | None
    has_unknown_name: bool = False

    def show(self, status: Status | None) -> None:
        """Report progress. An error in showing it is not an error of the target, and is ignored."""
        if self.progress:
            with suppress(Exception):
                self.progress(self.target, self.caller.tally, status)

    def end(self, error: Exception | None, lines: PackedRows | tuple[bytes, ...] = ()) -> Reading:
        """Close the reading: error is what ended it, None where it was read to its last page."""
        tally = self.caller.tally
        self.has_unknown_name = isinstance(error, UnknownNameError)
        shown = tally.last_error if isinstance(error, OutOfTimeError) and tally.last_error else error
        coverage = Coverage(
            account_id=self.target.account_id,
            region=self.target.region,
            status="ok" if error is None else failed_status(error, throttled=failures.is_throttle(tally.last_error)),
            # Not 0: how many pools an unread target has is not known.
            pools=len(lines) if error is None else None,
            requests=tally.requests,
            retries=tally.retries,
            duplicates=tally.duplicates,
            started_at=self.started_at,
            duration_ms=round((self.caller.deadline.clock.monotonic() - self.started) * 1000),
            error_code=failures.error_code(shown) if shown else None,
            error_message=failures.error_message(shown) if shown else None,
        )
        return Reading(coverage, lines, tally.unmodelled or None)


def collect(
    targets: Iterable[Target],
    *,
    session: "Session",
    snapshot_time: datetime,
    max_requests_per_second: float,
    deadline: Deadline,
    read_before: Callable[[], Container[Target] | None],
    progress: Progress | None = None,
) -> tuple[Reading, ...]:
    """Read all targets concurrently, each with its own client from one session.

    A target is absent if the SDK does not list its region, it was never read before, the name of its endpoint does not
    exist, and another endpoint answered: whoever has lost the network finds no name.

    Args:
        targets: whom to ask; their order does not matter.
        session: gives the clients.
        snapshot_time: what the rows say.
        max_requests_per_second: pace per target, 0 for none.
        deadline: when collecting ends, whatever the targets do; a target that is still being read is timed_out.
        read_before: returns the targets that were ever read; None where that is not known, and then none is absent.
            It is called once a target may be absent, from any thread.
        progress: called as each target is begun (with a tally to look at meanwhile) and ended, from any thread.

    Returns:
        A reading per target, sorted by account and region: whatever goes wrong with a target is in its coverage.
    """
    clock = deadline.clock
    listed = cognito.cognito_regions(session)

    def may_be_absent(target: Target) -> bool:
        return target.region not in listed and (read := read_before()) is not None and target not in read

    def caller(target: Target) -> Caller:
        return Caller(deadline, max_requests_per_second, partial(may_be_absent, target))

    attempts = [
        _Attempt(target, caller(target), clock.now(), clock.monotonic(), progress) for target in sorted(targets)
    ]
    executor = ThreadPoolExecutor(max_workers=min(len(attempts), MAX_THREADS), thread_name_prefix="target")
    try:
        # Each target is begun as soon as it has its client, and not once all have theirs.
        futures = [
            executor.submit(_read, attempt, _make_client(session, attempt.target.region), snapshot_time)
            for attempt in attempts
        ]
        wait(futures, timeout=deadline.remaining_seconds() + GRACE_SECONDS)
        is_any_answered = any(attempt.caller.was_answered for attempt in attempts)
        return tuple(_settle(*pair, is_any_answered=is_any_answered) for pair in zip(attempts, futures, strict=True))
    finally:
        # A thread that has not ended (a name that does not resolve, an answer that trickles) is abandoned.
        deadline.cancel()
        executor.shutdown(wait=False, cancel_futures=True)


def _make_client(session: "Session", region: str) -> "CognitoIdentityProviderClient | Exception":
    """Make a target's client, or return why there is none."""
    try:
        return cognito.make_client(session, region)
    except Exception as error:  # noqa: BLE001 - what botocore makes of the SDK's settings: it ends this target alone
        return error


def _settle(attempt: _Attempt, future: "Future[Reading]", *, is_any_answered: bool) -> Reading:
    if not future.done():
        reading = attempt.end(OutOfTimeError("the deadline came before an answer did"))
    else:
        reading = future.result()
        if not attempt.has_unknown_name:
            return reading
        if is_any_answered:
            reading = replace(reading, coverage=replace(reading.coverage, status="absent"))
    attempt.show(reading.coverage.status)
    return reading


def _read(attempt: _Attempt, client: "CognitoIdentityProviderClient | Exception", snapshot_time: datetime) -> Reading:
    attempt.show(None)
    reading = attempt.end(client) if isinstance(client, Exception) else _read_whole(attempt, client, snapshot_time)
    # Whether a name that does not exist is absent is known once all are read.
    if not attempt.has_unknown_name and not attempt.caller.deadline.is_cancelled:
        attempt.show(reading.coverage.status)
    return reading


def _read_whole(attempt: _Attempt, client: "CognitoIdentityProviderClient", snapshot_time: datetime) -> Reading:
    def line(pool: dict[str, Any]) -> bytes:
        return rows.json_line(
            rows.data_row(pool, target=attempt.target, partition=client.meta.partition, snapshot_time=snapshot_time)
        )

    try:
        lines = cognito.read_user_pools(client, attempt.caller, line)
    except Exception as error:  # noqa: BLE001 - of whatever kind, it ends this target alone, and its coverage says it
        return attempt.end(error)
    return attempt.end(None, lines)


def failed_status(error: Exception, *, throttled: bool) -> FailedStatus:
    """Return the status of what ended in an error; `throttled` says whether a throttle is what used up the time."""
    if isinstance(error, OutOfTimeError):
        return "throttled" if throttled else "timed_out"
    return "denied" if failures.is_denied(error) else "failed"


def lines(readings: Iterable[Reading]) -> Iterator[bytes]:
    """Return the rows of all readings, in the readings' order."""
    for reading in readings:
        yield from reading.lines
