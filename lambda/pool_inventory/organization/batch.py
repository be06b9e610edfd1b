"""The state of each batch: read its accounts into one part."""

import os
from collections.abc import Collection, Container
from datetime import datetime
from functools import partial
from typing import TYPE_CHECKING, Any

from pool_inventory.aws.calls import Deadline
from pool_inventory.aws.members import MemberRole
from pool_inventory.aws.session import account_from_arn, open_session
from pool_inventory.clock import Clock
from pool_inventory.collect.members import Collecting
from pool_inventory.errors import SnapshotError
from pool_inventory.model import Target
from pool_inventory.organization import messages, together
from pool_inventory.organization.logged import logged
from pool_inventory.publish.history import read_history, read_known
from pool_inventory.settings import OrganizationSettings
from pool_inventory.snapshots import keys, part
from pool_inventory.stores.s3 import S3Store

if TYPE_CHECKING:
    from aws_lambda_powertools.utilities.typing import LambdaContext

    from pool_inventory.stores.protocol import Store


def handler(event: dict[str, Any], context: "LambdaContext") -> dict[str, Any]:
    """Read the accounts of a batch, and write its part unless an earlier attempt did.

    Returns:
        Nothing: what a batch gave is in its part.

    Raises:
        InventoryError: as its text says.
    """
    with logged(os.environ, context) as logger:
        settings = OrganizationSettings.from_environment(os.environ)
        session = open_session()
        store = S3Store.open(session, settings.bucket, settings.prefix, settings.encryption)
        time = datetime.fromisoformat(event[messages.TIME])
        number, account_ids = messages.batch_of(event)
        logger.append_keys(snapshot_id=keys.snapshot_id(time), batch=number)
        key = keys.part(keys.snapshot_id(time), number)
        earlier = store.get(key)
        if earlier:
            reason = _why_again(earlier.body, keys.snapshot_id(time), account_ids)
            if reason is None:
                logger.info("an earlier attempt wrote the part")
                return {}
            logger.warning("the part is read again", extra={"object": store.address(key), "reason": reason})
        seconds = context.get_remaining_time_in_millis() / 1000 - settings.reserve_seconds
        collecting = Collecting(
            session=session,
            own=account_from_arn(context.invoked_function_arn),
            role=MemberRole(
                name=settings.member_role, external_id=settings.external_id, session_name=keys.snapshot_id(time)
            ),
            regions=settings.regions,
            snapshot_time=time,
            max_requests_per_second=settings.max_requests_per_second,
            deadline=Deadline.after(seconds, Clock()),
            read_before=together.once(partial(_read_before, store, keys.snapshot_id(time), account_ids)),
        )
        body = together.read_batch(account_ids, collecting)
        # Another attempt may have written it meanwhile: the first stands.
        if earlier:
            store.replace(key, body, earlier.etag)
        else:
            store.put_if_absent(key, body)
        logger.info("the batch is read", extra={"accounts": len(account_ids), "size_bytes": len(body)})
        return {}


def _why_again(body: bytes, snapshot_id: str, account_ids: Collection[str]) -> str | None:
    """Return why a part that is there does not stand, None if it does: where it read nothing, none can read less."""
    try:
        found = part.decode(body, snapshot_id)
        found.check_accounts(account_ids)
    except SnapshotError as error:
        return str(error)
    return None if any(each.is_read for each in found.coverage()) else "it read no target"


def _read_before(store: "Store", snapshot_id: str, account_ids: Container[str]) -> frozenset[Target] | None:
    history = read_history(store, snapshot_id, now=Clock().now())
    return read_known(store, history, before=snapshot_id).read_targets(account_ids)
