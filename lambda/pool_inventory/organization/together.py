"""Reading a batch of accounts, and putting batches together: the same in a state's function and in a terminal.

What is expected is what was planned, always: an account that no part speaks for is unread in every region that is
expected of it.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from threading import Lock
from typing import TypeVar

from pool_inventory import run
from pool_inventory.collect import readings
from pool_inventory.collect.members import AccountReading, Collecting, collect_accounts
from pool_inventory.model import Coverage
from pool_inventory.organization.messages import Plan
from pool_inventory.publish.history import KnownBefore
from pool_inventory.run import Collected, Request, first_of
from pool_inventory.settings import ENABLED
from pool_inventory.snapshots import accounts, coverage, keys, part
from pool_inventory.snapshots.part import Part

T = TypeVar("T")
Ended = Callable[[str, AccountReading], None]


@dataclass(slots=True)
class Batch:
    """What became of one batch: the bytes of its part, until they are read, and what its footer says.

    A batch without a part failed.
    """

    body: bytes | None
    part: Part


def read_batch(account_ids: Sequence[str], collecting: Collecting, ended: Ended | None = None) -> bytes:
    """Read accounts, and return their part.

    Args:
        account_ids: the accounts'.
        collecting: how they are read.
        ended: called with the id of each account and what it gave, in their order.
    """
    clock = collecting.deadline.clock
    identifier = keys.snapshot_id(collecting.snapshot_time)
    started_at = clock.now()
    found: list[AccountReading] = []
    for account_id, each in zip(account_ids, collect_accounts(account_ids, collecting), strict=True):
        found.append(each)
        if ended:
            ended(account_id, each)
    all_readings = [reading for each in found for reading in each.readings]
    made = Part(
        covered=coverage.encode(identifier, (each.coverage for each in all_readings)),
        failures=tuple(each.failure for each in found if each.failure),
        warnings=run.unmodelled(all_readings, name_accounts=True),
        started_at=started_at,
        ended_at=clock.now(),
    )
    return part.encode(identifier, made, readings.lines(all_readings))


def put_together(plan: Plan, batches: list[Batch], request: Request, before: KnownBefore) -> Collected:
    """Return what all the batches of a plan gave, as one.

    Args:
        plan: of the snapshot.
        batches: all of it, in the plan's order.
        request: the run's.
        before: what is known as of the snapshot before.
    """
    failed = frozenset(each.account_id for batch in batches for each in batch.part.failures)
    expected = _regions_expected(plan, request.regions, before, failed)
    return Collected(
        started_at=min(batch.part.started_at for batch in batches),
        ended_at=max(batch.part.ended_at for batch in batches),
        coverage=lambda: _coverage(batches, expected),
        lines=_lines(batches),
        warnings=first_of(warning for batch in batches for warning in batch.part.warnings),
        accounts=accounts.encode(request.snapshot_id, plan.members),
    )


def _regions_expected(
    plan: Plan, regions: str | tuple[str, ...], before: KnownBefore, failed: frozenset[str]
) -> Mapping[str, Iterable[str]]:
    """Return the regions of accounts of which none could be asked: those known before, or else the exporter's own.

    Those that were not asked then are some of them: an account that was left out has all of its regions still, and
    whether a listing leaves one out is not known now. Those that the setting does not name are none.
    """
    known: dict[str, set[str]] = {}
    for each in before.known.coverage() if before.known and regions == ENABLED else ():
        if each.account_id in failed:
            known.setdefault(each.account_id, set()).add(each.region)
    return {account_id: known.get(account_id, plan.own_regions) for account_id in failed}


def _coverage(batches: Iterable[Batch], expected: Mapping[str, Iterable[str]]) -> Iterator[Coverage]:
    for batch in batches:
        unread = [
            each.coverage(region) for each in batch.part.failures for region in sorted(expected[each.account_id])
        ]
        yield from sorted([*batch.part.coverage(), *unread], key=lambda each: each.target)


def _lines(batches: list[Batch]) -> Iterator[bytes]:
    for batch in batches:
        body, batch.body = batch.body, None
        if body:
            yield from part.lines(body)


def once(read: Callable[[], T]) -> Callable[[], T]:
    """Return a function that any thread may call, of which the first waits for `read` and the others for it."""
    lock, cached = Lock(), cache(read)

    def call() -> T:
        with lock:
            return cached()

    return call
