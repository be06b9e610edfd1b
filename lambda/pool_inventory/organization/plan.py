"""The first state: which accounts the snapshot of a time is to ask, in numbered batches."""

import os
from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING, Any

from pool_inventory import events
from pool_inventory.aws.calls import Caller, Deadline
from pool_inventory.aws.session import account_from_arn, open_session
from pool_inventory.clock import Clock
from pool_inventory.collect.accounts import choose_accounts
from pool_inventory.collect.targets import choose_targets
from pool_inventory.errors import SettingsError, SnapshotError, StoreError
from pool_inventory.organization import messages
from pool_inventory.organization.logged import logged
from pool_inventory.organization.messages import Plan
from pool_inventory.publish.history import read_history
from pool_inventory.publish.writes import write_once
from pool_inventory.settings import ACCOUNTS, Accounts, OrganizationSettings
from pool_inventory.snapshots import keys
from pool_inventory.stores.s3 import S3Store

if TYPE_CHECKING:
    from aws_lambda_powertools import Logger
    from aws_lambda_powertools.utilities.typing import LambdaContext
    from boto3.session import Session

    from pool_inventory.stores.protocol import Store


def handler(event: object, context: "LambdaContext") -> dict[str, Any]:
    """Plan the snapshot that the event asks for.

    Returns:
        What to do next: collect its batches, publish it where it is committed and something of it is left to do, or
        nothing where it is done or a newer one is there.

    Raises:
        InventoryError: as its text says.
    """
    with logged(os.environ, context) as logger:
        clock = Clock()
        settings = OrganizationSettings.from_environment(os.environ)
        if settings.accounts is None:
            raise SettingsError(f"{ACCOUNTS.name} is not set: it says which accounts to ask")
        time = events.snapshot_time(event, clock.now())
        logger.append_keys(snapshot_id=keys.snapshot_id(time))
        session = open_session()
        store = S3Store.open(session, settings.bucket, settings.prefix, settings.encryption)
        step = _next(store, keys.snapshot_id(time), clock, has_bus=settings.event_bus is not None)
        said = {messages.TIME: time.isoformat(), messages.NEXT: step}
        if step != messages.COLLECT:
            logger.info("there is nothing to collect", extra=said)
            return said
        deadline = Deadline.after(context.get_remaining_time_in_millis() / 1000, clock)
        make = partial(_make, settings, settings.accounts, session, context.invoked_function_arn, deadline)
        plan = _staged(store, keys.snapshot_id(time), make, logger)
        batches_key = keys.batches(keys.snapshot_id(time))
        _put_right(store, batches_key, messages.encode_batches(plan, time.isoformat()))
        logger.info("planned", extra={"accounts": len(plan.members), "batches": len(plan.batches())})
        return {**said, messages.BATCHES_KEY: store.full_key(batches_key)}


def _next(store: "Store", snapshot_id: str, clock: Clock, *, has_bus: bool) -> str:
    history = read_history(store, snapshot_id, now=clock.now())
    if history.is_committed:
        is_told = not has_bus or snapshot_id not in history.unannounced
        is_done = snapshot_id not in history.unfinished and history.is_named and is_told
        return messages.NOTHING if is_done else messages.PUBLISH
    return messages.NOTHING if history.newest_id > snapshot_id else messages.COLLECT


def _make(
    settings: OrganizationSettings, accounts: Accounts, session: "Session", own_arn: str, deadline: Deadline
) -> Plan:
    own = account_from_arn(own_arn)
    targets = choose_targets(settings.regions, session=session, account=lambda: own, deadline=deadline)
    members = choose_accounts(
        accounts,
        session=session,
        caller=Caller(deadline, settings.max_requests_per_second),
        with_emails=settings.account_emails,
    )
    return Plan(own, tuple(each.region for each in targets), members, settings.accounts_per_batch)


def _staged(store: "Store", snapshot_id: str, make: Callable[[], Plan], logger: "Logger") -> Plan:
    """Return the plan that is there: parts that were read belong to it. Make one where there is none that is whole."""
    key = keys.plan(snapshot_id)
    stored = store.get(key)
    if stored is None:
        return messages.decode_plan(write_once(store, key, messages.encode_plan(make())), store.address(key))
    try:
        return messages.decode_plan(stored.body, store.address(key))
    except SnapshotError as error:
        logger.warning("planned again", extra={"reason": str(error)})
    plan = make()
    _put_right(store, key, messages.encode_plan(plan))
    return plan


def _put_right(store: "Store", key: str, body: bytes) -> None:
    """Write an object, over what is there if that is another.

    Raises:
        StoreError: something else writes it, too.
    """
    if store.put_if_absent(key, body):
        return
    stored = store.get(key)
    if stored and stored.body != body and not store.replace(key, body, stored.etag):
        raise StoreError(f"{store.address(key)} was written by another at the same time: start again")
