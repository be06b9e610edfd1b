"""The last state: all parts together → one snapshot.

What is expected is what was planned, always: an account that no part speaks for is unread in every region that is
expected of it.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any

from pool_inventory.errors import RefusedError, SnapshotError
from pool_inventory.handler import serve
from pool_inventory.model import AccountFailure, Coverage
from pool_inventory.organization import messages
from pool_inventory.organization.messages import Plan
from pool_inventory.publish.history import KnownBefore
from pool_inventory.run import Collected, Request, Tools, first_of
from pool_inventory.settings import ENABLED, OrganizationSettings
from pool_inventory.snapshots import accounts, coverage, keys, part
from pool_inventory.snapshots.part import Part
from pool_inventory.stores.protocol import Store
from pool_inventory.text import one_line

if TYPE_CHECKING:
    from aws_lambda_powertools.utilities.typing import LambdaContext

# How many parts are read side by side.
PARTS_AT_ONCE = 16
NO_PART = "NoPart"


def handler(event: object, context: "LambdaContext") -> dict[str, Any]:
    """Publish the snapshot that the event names, from the parts of its batches.

    Returns:
        The summary, which is also the run's last log line.

    Raises:
        InventoryError: as its text says.
    """
    return serve(event, context, ask=put_together, settings_type=OrganizationSettings)


@dataclass(slots=True)
class _Batch:
    """What became of one batch: the bytes of its part, until they are read, and what its footer says.

    A batch without a part failed.
    """

    body: bytes | None
    part: Part


def put_together(request: Request, tools: Tools, before: Callable[[], KnownBefore]) -> Collected:
    """Return what all the batches of a plan gave, as one.

    Raises:
        SnapshotError: there is no plan.
        StoreError: the store cannot be read.
    """
    plan = _read_plan(tools.store, request.snapshot_id)
    numbered = list(enumerate(plan.batches(), start=1))
    with ThreadPoolExecutor(PARTS_AT_ONCE) as pool:
        batches = list(
            pool.map(lambda each: _read_batch(tools.store, request.snapshot_id, *each, now=tools.now()), numbered)
        )
    failed = frozenset(each.account_id for batch in batches for each in batch.part.failures)
    expected = _regions_expected(plan, request.regions, before(), failed)
    return Collected(
        started_at=min(batch.part.started_at for batch in batches),
        ended_at=max(batch.part.ended_at for batch in batches),
        coverage=lambda: _coverage(batches, expected),
        lines=_lines(batches),
        warnings=first_of(warning for batch in batches for warning in batch.part.warnings),
        accounts=accounts.encode(request.snapshot_id, plan.members),
    )


def _read_plan(store: Store, snapshot_id: str) -> Plan:
    key = keys.plan(snapshot_id)
    stored = store.get(key)
    if stored is None:
        raise SnapshotError(f"{store.address(key)} is not there: run the state machine from its start")
    return messages.decode_plan(stored.body, store.address(key))


def _read_batch(store: Store, snapshot_id: str, number: int, account_ids: tuple[str, ...], *, now: datetime) -> _Batch:
    """Return a batch's part; where there is none that can be read, all of its accounts failed."""
    key = keys.part(snapshot_id, number)
    try:
        if stored := store.get(key):
            decoded = part.decode(stored.body, snapshot_id)
            decoded.check_accounts(account_ids)
            return _Batch(stored.body, decoded)
        reason = f"no function gave batch {number}: {store.address(key)} is not there"
    except SnapshotError as error:
        reason = one_line(f"{store.address(key)}: {error}")
    except RefusedError as error:
        reason = one_line(str(error))
    failures = tuple(AccountFailure(each, "failed", NO_PART, reason, now, 0) for each in account_ids)
    return _Batch(None, Part(coverage.encode(snapshot_id, ()), failures, (), now, now))


def _regions_expected(
    plan: Plan, regions: str | tuple[str, ...], before: KnownBefore, failed: frozenset[str]
) -> Mapping[str, Iterable[str]]:
    """Return the regions of accounts of which none could be asked: those known before, or else the exporter's own.

    Those that a listing had left out before are none, nor those that the setting does not name.
    """
    known: dict[str, set[str]] = {}
    for each in before.known.coverage() if before.known and regions == ENABLED else ():
        if each.account_id in failed and each.status != "not_asked":
            known.setdefault(each.account_id, set()).add(each.region)
    return {account_id: known.get(account_id, plan.own_regions) for account_id in failed}


def _coverage(batches: Iterable[_Batch], expected: Mapping[str, Iterable[str]]) -> Iterator[Coverage]:
    for batch in batches:
        unread = [
            each.coverage(region) for each in batch.part.failures for region in sorted(expected[each.account_id])
        ]
        yield from sorted([*batch.part.coverage(), *unread], key=lambda each: each.target)


def _lines(batches: list[_Batch]) -> Iterator[bytes]:
    for batch in batches:
        body, batch.body = batch.body, None
        if body:
            yield from part.lines(body)
