"""Makes whole chains of snapshots, by the program's own commit and finish, without asking anyone for pools."""

from collections.abc import Iterable, Sequence
from datetime import timedelta
from typing import Any

from pool_inventory.model import Baseline, Coverage, Link, Snapshot
from pool_inventory.publish import finish as publish
from pool_inventory.snapshots import keys, manifest, rows
from pool_inventory.stores.protocol import Store

from tests.makers import TIME, any_coverage, any_pool, any_target

# A region's pools as ListUserPools lists them, or None where it could not be read.
Reading = dict[str, list[dict[str, Any]] | None]


def identifier(hour: int) -> str:
    return keys.snapshot_id(TIME + timedelta(hours=hour))


def add_snapshot(
    store: Store, hour: int, reading: Reading, *, extra_formats: tuple[str, ...] = (), previous: Link | None = None
) -> str:
    """Publish a snapshot after the newest that is there, as export would; or after another."""
    latest = previous or manifest.read_latest(store)
    before = manifest.read_linked(store, latest) if latest else None
    last_ok = {row["region"]: row["last_ok"] for row in before["coverage"]} if before else {}
    coverage = tuple(_coverage(hour, region, pools, last_ok.get(region)) for region, pools in sorted(reading.items()))
    baselines = (
        Baseline(each.account_id, each.region, found)
        for each in coverage
        if each.status == "ok" and (found := last_ok.get(each.region))
    )
    time = TIME + timedelta(hours=hour)
    snapshot = Snapshot(
        identifier(hour), time, time + timedelta(seconds=2), latest, coverage, tuple(baselines), extra_formats
    )
    data = publish.commit(store, snapshot, lines_of(hour, reading))
    publish.finish(store, snapshot.id, data, now=time)
    return snapshot.id


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


def _coverage(hour: int, region: str, pools: Sequence[object] | None, last_ok: str | None) -> Coverage:
    if pools is None:
        error = {"error_code": "AccessDeniedException", "error_message": "no"}
        return any_coverage(region, status="denied", pools=None, last_ok=last_ok, **error)
    return any_coverage(region, pools=len(pools), last_ok=identifier(hour))


def lines_of(hour: int, reading: Reading) -> Iterable[bytes]:
    """The rows of a reading, as collect gives them."""
    time = TIME + timedelta(hours=hour)
    for region, pools in sorted(reading.items()):
        for pool in sorted(pools or [], key=lambda each: str(each["Id"])):
            yield rows.json_line(rows.data_row(pool, partition="aws", target=any_target(region), snapshot_time=time))
