"""A finished snapshot → events on a bus of EventBridge.

Events tell of a snapshot that is published already: what goes wrong here undoes nothing, and is told as warnings.
"""

import json
from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, Any

from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError
from tenacity import Retrying, retry_if_result, stop_after_attempt, wait_random_exponential

from pool_inventory import __version__, keys
from pool_inventory.changes import Change
from pool_inventory.publish import Published

if TYPE_CHECKING:
    from mypy_boto3_events import EventBridgeClient
    from mypy_boto3_events.type_defs import PutEventsRequestEntryTypeDef as Entry

CLIENT_CONFIG = Config(
    connect_timeout=3,
    read_timeout=5,
    retries={"mode": "standard", "total_max_attempts": 3},
    user_agent_extra=f"pool-inventory/{__version__}",
)

SOURCE = "pool-inventory"
SNAPSHOT_PUBLISHED = "Snapshot Published"
CHANGE_TYPES = {
    "created": "User Pool Created",
    "deleted": "User Pool Deleted",
    "modified": "User Pool Modified",
}

# Above it only the snapshot is told of: who must read hundreds of changes reads them in `changes`.
MOST_CHANGES = 100
# https://docs.aws.amazon.com/eventbridge/latest/APIReference/API_PutEvents.html
MOST_ENTRIES = 10
# https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-putevents.html#eb-putevent-size
MOST_BYTES = 256 * 1024
TIME_BYTES = 14
ATTEMPTS = 5


def announce(client: "EventBridgeClient", bus: str, published: Published, changes_address: str) -> tuple[str, ...]:
    """Put a snapshot's events on a bus: one that it is published, and one for each change unless they are many.

    Args:
        client: of the bus's account and region.
        bus: its name or ARN.
        published: the snapshot, with latest.json moved already.
        changes_address: where its changes object is.

    Returns:
        What went wrong, if anything did: texts for the log.
    """
    entries = [_snapshot_entry(bus, published, changes_address), *_change_entries(bus, published, changes_address)]
    return tuple(warning for batch in batches(entries) for warning in _put(client, bus, batch))


def batches(entries: Iterable["Entry"]) -> Iterator[list["Entry"]]:
    """Divide entries into what one call may put: 10, and 256 KB in all."""
    batch: list[Entry] = []
    total = 0
    for entry in entries:
        size = size_bytes(entry)
        if batch and (len(batch) == MOST_ENTRIES or total + size > MOST_BYTES):
            yield batch
            batch, total = [], 0
        batch.append(entry)
        total += size
    yield batch


def size_bytes(entry: "Entry") -> int:
    """Give an entry's size as EventBridge counts it."""
    texts = (entry["Source"], entry["DetailType"], entry["Detail"], *entry["Resources"])
    return TIME_BYTES + sum(len(text.encode()) for text in texts)


def _snapshot_entry(bus: str, published: Published, changes_address: str) -> "Entry":
    snapshot = published.snapshot
    detail = {
        "snapshotId": snapshot.id,
        "status": snapshot.status,
        "poolCount": snapshot.pool_count,
        **published.comparison.summary(),
        "changeEventsFollow": len(published.comparison.changes) <= MOST_CHANGES,
        "changesAddress": changes_address,
        "manifest": published.manifest_key,
    }
    return _entry(bus, snapshot.id, SNAPSHOT_PUBLISHED, detail, [])


def _change_entries(bus: str, published: Published, changes_address: str) -> Iterator["Entry"]:
    changes = published.comparison.changes
    if len(changes) > MOST_CHANGES:
        return
    for change in changes:
        texts = {"before": change.before, "after": change.after}
        rows = {name: json.loads(text) if text else None for name, text in texts.items()}
        entry = _change_entry(bus, published.snapshot.id, change, rows)
        if size_bytes(entry) > MOST_BYTES:
            elsewhere = {"rowsTooLarge": True, "changesAddress": changes_address}
            entry = _change_entry(bus, published.snapshot.id, change, elsewhere)
        yield entry


def _change_entry(bus: str, snapshot_id: str, change: Change, rows: dict[str, Any]) -> "Entry":
    detail = {
        "snapshotId": snapshot_id,
        "previousSnapshotId": change.previous_snapshot_id,
        "change": change.change,
        "accountId": change.account_id,
        "region": change.region,
        "id": change.id,
        "name": change.name,
        "fields": change.fields,
        **rows,
    }
    arn = json.loads(change.after or change.before or "{}")["arn"]
    return _entry(bus, snapshot_id, CHANGE_TYPES[change.change], detail, [arn])


def _entry(bus: str, snapshot_id: str, detail_type: str, detail: dict[str, Any], resources: list[str]) -> "Entry":
    return {
        "Time": keys.snapshot_time(snapshot_id),
        "Source": SOURCE,
        "DetailType": detail_type,
        "Resources": resources,
        "Detail": json.dumps(detail, ensure_ascii=False),
        "EventBusName": bus,
    }


def _put(client: "EventBridgeClient", bus: str, batch: list["Entry"]) -> Iterator[str]:
    """Put a batch, and again what of it failed; tell of what failed to the last."""
    left = batch
    code = ""

    def attempt() -> bool:
        nonlocal left, code
        results = client.put_events(Entries=left)["Entries"]
        failed = [(entry, result) for entry, result in zip(left, results, strict=True) if "ErrorCode" in result]
        left = [entry for entry, _ in failed]
        code = ", ".join(sorted({result["ErrorCode"] for _, result in failed}))
        return bool(left)

    again = Retrying(
        retry=retry_if_result(bool),
        stop=stop_after_attempt(ATTEMPTS),
        wait=wait_random_exponential(multiplier=0.1, max=1),
        retry_error_callback=lambda state: state.outcome and state.outcome.result(),
    )
    try:
        again(attempt)
    except (ClientError, BotoCoreError) as error:
        code = str(error)
    if left:
        yield f"{len(left)} events did not get onto the bus {bus}: {code}"
