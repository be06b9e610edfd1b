"""A finished snapshot → events on a bus of EventBridge.

Events are about a snapshot that is published already: what goes wrong here undoes nothing, and is reported.
"""

import dataclasses
import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from botocore.config import Config
from botocore.exceptions import BotoCoreError
from tenacity import Retrying, retry_if_result, stop_after_attempt, wait_random_exponential

from pool_inventory.aws import session as aws_session
from pool_inventory.aws.failures import error_message
from pool_inventory.errors import SnapshotError
from pool_inventory.model import Change, Snapshot
from pool_inventory.snapshots import accounts, changes, data_object, keys, stored
from pool_inventory.stores.protocol import Store
from pool_inventory.text import one_line

if TYPE_CHECKING:
    from boto3.session import Session
    from mypy_boto3_events import EventBridgeClient
    from mypy_boto3_events.type_defs import PutEventsRequestEntryTypeDef as Entry

# The run waits for its events, so an endpoint that does not answer may not delay it long.
CLIENT_CONFIG = aws_session.CLIENT_CONFIG.merge(
    Config(read_timeout=5, retries={"mode": "standard", "total_max_attempts": 2}),
)

SOURCE = "pool-inventory"
SNAPSHOT_PUBLISHED = "Snapshot Published"
CHANGE_TYPES = {
    "created": "User Pool Created",
    "deleted": "User Pool Deleted",
    "modified": "User Pool Modified",
}

# Above it only the snapshot has an event: hundreds of changes are better read in `changes`.
MAX_CHANGES = 100
# https://docs.aws.amazon.com/eventbridge/latest/APIReference/API_PutEvents.html
MAX_ENTRIES = 10
# https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-putevents.html#eb-putevent-size
MAX_BYTES = 256 * 1024
TIME_BYTES = 14
ATTEMPTS = 5


@dataclass(frozen=True, slots=True)
class Failure:
    """Events of one snapshot that did not get onto the bus: how many, and why."""

    bus: str
    snapshot_id: str
    events: int
    reason: str


@dataclass(frozen=True, slots=True)
class Announcement:
    """What the events of a finished snapshot say.

    Attributes:
        snapshot: what was committed.
        summary: what its changes object says in its footer.
        changes: its changes, None where they are too many for events of their own.
        changes_address: where its changes object is.
        manifest_key: the key of its manifest in full.
        account_names: what the organization calls its accounts, by their ids; None where it is of one account.
    """

    snapshot: Snapshot
    summary: changes.Summary
    changes: tuple[Change, ...] | None
    changes_address: str
    manifest_key: str
    account_names: Mapping[str, str | None] | None = None


def announce(session: "Session", store: Store, bus: str | None, snapshot_ids: Iterable[str]) -> tuple[Failure, ...]:
    """Put the events of finished snapshots on a bus, oldest first, and mark each snapshot whose events are all there.

    A run that dies before the mark leaves the events to the next run: they are put at least once. The snapshots are
    published already, so nothing that goes wrong here ends the run.

    Args:
        session: gives the client.
        store: where the snapshots are.
        bus: its name or ARN, of any region; None for no events.
        snapshot_ids: the finished snapshots whose events may not be on the bus, oldest first.

    Returns:
        What did not get onto the bus.
    """
    failures: list[Failure] = []
    for snapshot_id in snapshot_ids if bus else ():
        try:
            failures += filter(None, [_announce_one(session, store, str(bus), snapshot_id)])
        except Exception as error:  # noqa: BLE001 - as said above: it is reported, in the log and in a metric
            failures.append(Failure(str(bus), snapshot_id, 1, error_message(error)))
            if isinstance(error, BotoCoreError):
                break  # an endpoint that does not answer is not asked again: the next run puts these events, too
    return tuple(failures)


def _announce_one(session: "Session", store: Store, bus: str, snapshot_id: str) -> Failure | None:
    entries = entries_of(bus, read_announcement(store, snapshot_id))
    client = make_client(session, bus)
    failed = [failure for batch in batches(entries) for failure in put(client, batch)]
    if failed:
        return Failure(bus, snapshot_id, len(failed), ", ".join(sorted(set(failed))))
    store.put_if_absent(keys.announced(snapshot_id), b"")
    return None


def make_client(session: "Session", bus: str) -> "EventBridgeClient":
    """Make a client of the region that the bus is in: that of its ARN, or else the session's."""
    region = bus.split(":")[3] if bus.startswith("arn:") else None
    return session.client("events", region_name=region, config=CLIENT_CONFIG)


def batches(entries: Iterable["Entry"]) -> Iterator[list["Entry"]]:
    """Split entries into batches that one call may put: at most 10 entries and 256 KB."""
    batch: list[Entry] = []
    total = 0
    for entry in entries:
        size = size_bytes(entry)
        if batch and (len(batch) == MAX_ENTRIES or total + size > MAX_BYTES):
            yield batch
            batch, total = [], 0
        batch.append(entry)
        total += size
    yield batch


def size_bytes(entry: "Entry") -> int:
    """Return an entry's size as EventBridge counts it."""
    texts = (entry["Source"], entry["DetailType"], entry["Detail"], *entry["Resources"])
    return TIME_BYTES + sum(len(text.encode()) for text in texts)


def read_announcement(store: Store, snapshot_id: str) -> Announcement:
    """Return what a finished snapshot's events say, by what is stored.

    Raises:
        SnapshotError: an object of it is not ours.
        StoreError: it cannot be read.
    """
    body = stored.read(store, keys.changes(snapshot_id))
    summary = changes.summary_of(body)
    snapshot = data_object.decode(stored.read_committed(store, snapshot_id))
    return Announcement(
        snapshot=snapshot,
        summary=summary,
        changes=tuple(changes.decode(body)) if sum(summary.counts.values()) <= MAX_CHANGES else None,
        changes_address=store.address(keys.changes(snapshot_id)),
        manifest_key=store.full_key(keys.manifest(snapshot_id)),
        account_names=_account_names(store, snapshot),
    )


def _account_names(store: Store, snapshot: Snapshot) -> dict[str, str | None] | None:
    if snapshot.accounts_file is None:
        return None
    try:
        body = stored.read_part(store, snapshot.id, keys.ACCOUNTS, snapshot.accounts_file)
        return {each.account_id: each.name for each in accounts.decode(body)}
    except SnapshotError:
        return {}  # names that are lost keep no event back; `verify` names the object


def entries_of(bus: str, announcement: Announcement) -> list["Entry"]:
    """Return a snapshot's events: that it is published, and each change unless they are many.

    Args:
        bus: its name or ARN.
        announcement: what the events say.
    """
    return [_snapshot_entry(bus, announcement), *_change_entries(bus, announcement)]


def _snapshot_entry(bus: str, announcement: Announcement) -> "Entry":
    snapshot, summary = announcement.snapshot, announcement.summary
    detail = {
        "snapshotId": snapshot.id,
        "status": snapshot.status,
        "poolCount": snapshot.pool_count,
        "changes": dict(summary.counts),
        "uncompared": [dataclasses.asdict(each) for each in summary.uncompared],
        "uncomparedCount": summary.uncompared_count,
        "changeEventsFollow": announcement.changes is not None,
        "changesAddress": announcement.changes_address,
        "manifest": announcement.manifest_key,
    }
    entry = _entry(bus, snapshot.id, SNAPSHOT_PUBLISHED, detail, [])
    if size_bytes(entry) <= MAX_BYTES:
        return entry
    # The manifest has them.
    return _entry(bus, snapshot.id, SNAPSHOT_PUBLISHED, {**detail, "uncompared": []}, [])


def _change_entries(bus: str, announcement: Announcement) -> Iterator["Entry"]:
    snapshot_id = announcement.snapshot.id
    for change in announcement.changes or ():
        texts = {"before": change.before, "after": change.after}
        rows = {name: json.loads(text) if text else None for name, text in texts.items()}
        names = announcement.account_names
        named = {} if names is None else {"accountName": names.get(change.account_id)}
        entry = _change_entry(bus, snapshot_id, change, {**named, **rows})
        if size_bytes(entry) > MAX_BYTES:
            elsewhere = {**named, "rowsTooLarge": True, "changesAddress": announcement.changes_address}
            entry = _change_entry(bus, snapshot_id, change, elsewhere)
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


def put(client: "EventBridgeClient", batch: list["Entry"]) -> list[str]:
    """Put a batch, and retry the entries that fail; return the error code of each that still failed.

    Raises:
        ClientError, BotoCoreError: the bus did not take the call.
    """
    left = batch
    codes: list[str] = []

    def attempt() -> bool:
        nonlocal left, codes
        results = client.put_events(Entries=left)["Entries"]
        failed = [(entry, result) for entry, result in zip(left, results, strict=True) if "ErrorCode" in result]
        left = [entry for entry, _ in failed]
        codes = [one_line(str(result["ErrorCode"])) for _, result in failed]
        return bool(left)

    again = Retrying(
        retry=retry_if_result(bool),
        stop=stop_after_attempt(ATTEMPTS),
        wait=wait_random_exponential(multiplier=0.1, max=1),
        retry_error_callback=lambda state: state.outcome and state.outcome.result(),
    )
    again(attempt)
    return codes
