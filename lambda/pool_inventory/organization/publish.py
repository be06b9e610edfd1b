"""The last state: all parts together → one snapshot."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime
from typing import TYPE_CHECKING, Any

from pool_inventory.errors import RefusedError, SnapshotError
from pool_inventory.handler import serve
from pool_inventory.model import AccountFailure
from pool_inventory.organization import messages, together
from pool_inventory.organization.messages import Plan
from pool_inventory.organization.together import Batch
from pool_inventory.publish.history import KnownBefore
from pool_inventory.run import Collected, Request, Tools
from pool_inventory.settings import OrganizationSettings
from pool_inventory.snapshots import coverage, keys, part
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
    return together.put_together(plan, batches, request, before())


def _read_plan(store: Store, snapshot_id: str) -> Plan:
    key = keys.plan(snapshot_id)
    stored = store.get(key)
    if stored is None:
        raise SnapshotError(f"{store.address(key)} is not there: run the state machine from its start")
    return messages.decode_plan(stored.body, store.address(key))


def _read_batch(store: Store, snapshot_id: str, number: int, account_ids: tuple[str, ...], *, now: datetime) -> Batch:
    """Return a batch's part; where there is none that can be read, all of its accounts failed."""
    key = keys.part(snapshot_id, number)
    try:
        if stored := store.get(key):
            decoded = part.decode(stored.body, snapshot_id)
            decoded.check_accounts(account_ids)
            return Batch(stored.body, decoded)
        reason = f"no function gave batch {number}: {store.address(key)} is not there"
    except SnapshotError as error:
        reason = one_line(f"{store.address(key)}: {error}")
    except RefusedError as error:
        reason = one_line(str(error))
    failures = tuple(AccountFailure(each, "failed", NO_PART, reason, now, 0) for each in account_ids)
    return Batch(None, Part(coverage.encode(snapshot_id, ()), failures, (), now, now))
