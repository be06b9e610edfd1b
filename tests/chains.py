"""Makes whole chains of snapshots, by the program's own commit and finish, without asking anyone for pools."""

import json
from collections.abc import Iterable, Sequence
from datetime import timedelta
from typing import Any

from pool_inventory.model import Coverage, Link, Target
from pool_inventory.publish.commit import Draft, commit
from pool_inventory.publish.finish import finish
from pool_inventory.snapshots import coverage, keys, manifest, rows, stored, table
from pool_inventory.snapshots.known import Known, open_known
from pool_inventory.stores.protocol import Store

from tests.makers import ACCOUNT_ID, TIME, any_coverage, any_pool

# A region's pools as ListUserPools lists them, or None where it could not be read. Of another account than the usual
# one, the key is its id, a space, and the region.
Reading = dict[str, list[dict[str, Any]] | None]


def identifier(hour: int) -> str:
    return keys.snapshot_id(TIME + timedelta(hours=hour))


def add_snapshot(store: Store, hour: int, reading: Reading, *, previous: Link | None = None, **options: Any) -> str:
    """Publish a snapshot after the newest that is there, as a run would; or after another."""
    known = commit_snapshot(store, hour, reading, previous=previous, **options)
    finish(store, identifier(hour), known=known, now=TIME + timedelta(hours=hour))
    return identifier(hour)


def commit_snapshot(
    store: Store, hour: int, reading: Reading, *, previous: Link | None = None, **options: Any
) -> Known | None:
    """Commit a snapshot, and leave it unfinished, as a run does that dies; return what was known before it."""
    latest = previous or manifest.read_latest(store)
    known = open_known(store, latest.snapshot_id) if latest else None
    time = TIME + timedelta(hours=hour)
    draft = Draft(
        id=identifier(hour),
        started_at=time,
        ended_at=time + timedelta(seconds=2),
        previous=latest,
        known=known,
        coverage=tuple(_coverage(target_of(place), pools) for place, pools in in_order(reading)),
        lines=lines_of(hour, reading),
        **options,
    )
    commit(store, draft)
    return known


def add_chain(store: Store, readings: Sequence[Reading], **options: Any) -> list[str]:
    """Publish a snapshot an hour."""
    return [add_snapshot(store, hour, reading, **options) for hour, reading in enumerate(readings)]


def changing_readings(count: int, pools: int = 3) -> list[Reading]:
    """Readings of two regions, of which one loses a pool and gains one an hour, and cannot be read at times."""
    static = [any_pool("eu-west-1") for _ in range(pools)]
    moving = [any_pool("us-east-1") for _ in range(count + pools)]
    return [
        {"eu-west-1": static, "us-east-1": None if hour % 7 == 5 else moving[hour : hour + pools]}
        for hour in range(count)
    ]


def target_of(place: str) -> Target:
    """The target that a key of a reading names."""
    account_id, _, region = place.rpartition(" ")
    return Target(account_id or ACCOUNT_ID, region)


def in_order(reading: Reading) -> list[tuple[str, list[dict[str, Any]] | None]]:
    return sorted(reading.items(), key=lambda each: target_of(each[0]))


def _coverage(target: Target, pools: Sequence[object] | None) -> Coverage:
    place = target._asdict()
    if pools is None:
        error = {"error_code": "AccessDeniedException", "error_message": "no"}
        return any_coverage(status="denied", pools=None, last_ok=None, **place, **error)
    return any_coverage(pools=len(pools), last_ok=None, **place)


def manifest_of(store: Store, snapshot_id: str) -> dict[str, Any]:
    """Return the manifest of a snapshot as it is."""
    document: dict[str, Any] = json.loads(stored.read(store, keys.manifest(snapshot_id)))
    return document


def coverage_of(store: Store, snapshot_id: str) -> dict[str, Coverage]:
    """Return the coverage of a snapshot by region."""
    return {each.region: each for each in coverage.decode(stored.read(store, keys.coverage(snapshot_id)))}


def changes_of(store: Store, snapshot_id: str) -> list[tuple[str, str]]:
    """Return the changes of a snapshot, each by its region and kind."""
    return [(each["region"], each["change"]) for each in rows_of(store, keys.changes(snapshot_id))]


def rows_of(store: Store, key: str) -> list[dict[str, Any]]:
    """Return the rows of a Parquet object, as JSON has them."""
    return list(map(json.loads, table.lines(stored.read(store, key))))


def lines_of(hour: int, reading: Reading) -> Iterable[bytes]:
    """The rows of a reading, as collect gives them."""
    time = TIME + timedelta(hours=hour)
    for place, pools in in_order(reading):
        target = target_of(place)
        for pool in sorted(pools or [], key=lambda each: str(each["Id"])):
            yield rows.json_line(rows.data_row(pool, partition="aws", target=target, snapshot_time=time))
