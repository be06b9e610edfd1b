"""Several accounts, read side by side → the readings of each, or why none of its regions could be asked."""

import math
from collections.abc import Callable, Container, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import datetime
from threading import Lock
from typing import TYPE_CHECKING

from pool_inventory.aws import failures
from pool_inventory.aws.calls import Caller, Deadline, OutOfTimeError
from pool_inventory.aws.members import MemberRole, SharedClients, make_sts_client, open_member_session
from pool_inventory.collect import readings
from pool_inventory.collect.readings import Progress, Reading
from pool_inventory.collect.targets import choose_targets
from pool_inventory.errors import TargetsError
from pool_inventory.model import Account, AccountFailure, Target

if TYPE_CHECKING:
    from boto3.session import Session
    from mypy_boto3_sts import STSClient

# Each account has a thread for each of its regions besides.
ACCOUNTS_AT_ONCE = 10
# How long after the deadline accounts may take to report why they stopped: more than each of their targets may.
GRACE_SECONDS = 1.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Collecting:
    """How accounts are read.

    Attributes:
        session: of the account that reads, which needs no role for itself.
        own: that account.
        role: the role of the others.
        regions: "enabled", "current" or the regions' names, as Settings has them.
        snapshot_time: what the rows say.
        max_requests_per_second: pace per target, 0 for none.
        deadline: when reading ends.
        read_before: returns the targets that were ever read; None where that is not known.
        progress: as readings.collect has it.
    """

    session: "Session"
    own: Account
    role: MemberRole
    regions: str | tuple[str, ...]
    snapshot_time: datetime
    max_requests_per_second: float
    deadline: Deadline
    read_before: Callable[[], Container[Target] | None]
    progress: Progress | None = None


class _RoleError(Exception):
    """An account's role could not be assumed; its cause is what STS or the way there said."""


@dataclass(frozen=True, slots=True)
class AccountReading:
    """What one account gave: the readings of its targets, or why there are none."""

    readings: tuple[Reading, ...] = ()
    failure: AccountFailure | None = None


@dataclass(slots=True)
class _Turns:
    """Gives each account its own deadline, so that those that are slow leave time to those that come after them."""

    deadline: Deadline
    left: int
    _lock: Lock = field(default_factory=Lock)

    def next_deadline(self) -> Deadline:
        """Return the deadline of the account that begins now: the last ones have all the time that is left."""
        with self._lock:
            turns = math.ceil(self.left / ACCOUNTS_AT_ONCE)
            self.left -= 1
        return Deadline.after(self.deadline.remaining_seconds() / turns, self.deadline.clock)


def collect_accounts(account_ids: Sequence[str], collecting: Collecting) -> Iterator[AccountReading]:
    """Read accounts side by side, and return what each gave, in their order; no account's failure ends another.

    The last is there soon after the deadline, whatever the accounts do.
    """
    clock = collecting.deadline.clock
    started_at, started = clock.now(), clock.monotonic()
    sts = make_sts_client(collecting.session, collecting.session.region_name or "us-east-1")
    clients = SharedClients.of(collecting.session)
    turns = _Turns(collecting.deadline, len(account_ids))
    # One grace for all: where all hang, one for each would use up the time that is kept back for what was read.
    ends = collecting.deadline.at + GRACE_SECONDS
    executor = ThreadPoolExecutor(min(len(account_ids), ACCOUNTS_AT_ONCE), thread_name_prefix="account")
    try:
        futures = [executor.submit(_collect_account, each, clients, sts, turns, collecting) for each in account_ids]
        for account_id, future in zip(account_ids, futures, strict=True):
            try:
                yield future.result(max(0.0, ends - clock.monotonic()))
            except TimeoutError:
                error = OutOfTimeError("the deadline came before an answer did")
                duration_ms = round((clock.monotonic() - started) * 1000)
                yield AccountReading(failure=_failure(account_id, error, started_at, duration_ms))
    finally:
        # As with targets: a thread that has not ended is abandoned.
        executor.shutdown(wait=False, cancel_futures=True)


def _collect_account(
    account_id: str, clients: SharedClients, sts: "STSClient", turns: _Turns, collecting: Collecting
) -> AccountReading:
    clock = collecting.deadline.clock
    started_at, started = clock.now(), clock.monotonic()
    try:
        deadline = turns.next_deadline()
        session = _session_of(account_id, clients, sts, collecting, deadline)
        account = Account(account_id, collecting.own.partition)
        targets = choose_targets(collecting.regions, session=session, account=lambda: account, deadline=deadline)
        found = readings.collect(
            targets,
            session=session,
            snapshot_time=collecting.snapshot_time,
            max_requests_per_second=collecting.max_requests_per_second,
            deadline=deadline,
            read_before=collecting.read_before,
            progress=collecting.progress,
        )
        return AccountReading(found)
    except Exception as error:  # noqa: BLE001 - of whatever kind, it ends this account alone, and its coverage says it
        duration_ms = round((clock.monotonic() - started) * 1000)
        return AccountReading(failure=_failure(account_id, error, started_at, duration_ms))


def _session_of(
    account_id: str, clients: SharedClients, sts: "STSClient", collecting: Collecting, deadline: Deadline
) -> "Session":
    if account_id == collecting.own.account_id:
        return collecting.session
    arn = collecting.role.arn(account_id, collecting.own.partition)
    try:
        return open_member_session(clients, sts, collecting.role, arn, Caller(deadline))
    except Exception as error:
        raise _RoleError(f"{arn} could not be assumed: {failures.error_message(error)}") from error


def _failure(account_id: str, error: Exception, started_at: datetime, duration_ms: int) -> AccountFailure:
    # A list of regions or a role that is refused has the service's own error behind it.
    cause = error.__cause__ if isinstance(error, _RoleError | TargetsError) else None
    reason = cause if isinstance(cause, Exception) else error
    # What used up the time says more than that it is used up.
    behind = reason.__cause__ if isinstance(reason, OutOfTimeError) else None
    return AccountFailure(
        account_id=account_id,
        status=readings.failed_status(reason, throttled=failures.is_throttle(behind)),
        error_code=failures.error_code(behind or reason),
        error_message=failures.error_message(error),
        started_at=started_at,
        duration_ms=duration_ms,
    )
