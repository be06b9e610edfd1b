import json
from collections.abc import Callable
from typing import Any

import pytest
from pool_inventory import metrics
from pool_inventory.changes import Comparison
from pool_inventory.publish import Published
from pool_inventory.snapshot import Link

from tests.makers import any_change, any_coverage, any_snapshot

NAMES: dict[str, Any] = {"namespace": "PoolInventory", "service": "pool-inventory"}
OPTIONS: dict[str, Any] = {**NAMES, "user_pool_quota": 1000, "region_metrics": "each"}
FAILED = any_coverage("us-west-2", status="throttled", pools=None, requests=40, retries=40)


def directive(line: dict[str, Any]) -> dict[str, Any]:
    (only,) = line["_aws"]["CloudWatchMetrics"]
    assert only["Namespace"] == "PoolInventory"
    return dict(only)


def test_a_partial_snapshots_metrics_are_one_line_and_one_for_each_region_that_has_pools(
    output: Callable[[], list[dict[str, Any]]],
) -> None:
    regions = (
        any_coverage("eu-west-1", pools=250),
        any_coverage("sa-east-1"),
        any_coverage(requests=5, pools=7),
        FAILED,
    )
    comparison = Comparison((any_change("created"), any_change("created"), any_change("deleted")), ())
    published = Published(any_snapshot(coverage=regions), comparison, "manifest.json", size_bytes=4321)
    metrics.emit_snapshot(published, duration_ms=1500, **OPTIONS)
    whole, *by_region = output()
    assert directive(whole)["Dimensions"] == [["service"]]
    values = {metric["Name"]: (whole[metric["Name"]], metric["Unit"]) for metric in directive(whole)["Metrics"]}
    assert values == {
        "UserPools": ([257], "Count"),
        "UserPoolsCreated": ([2], "Count"),
        "UserPoolsDeleted": ([1], "Count"),
        "UserPoolsModified": ([0], "Count"),
        "Targets": ([4], "Count"),
        "TargetsFailed": ([1], "Count"),
        "Requests": ([47], "Count"),
        "Retries": ([40], "Count"),
        "SnapshotComplete": ([0], "Count"),
        "SnapshotDuration": ([1500], "Milliseconds"),
        "SnapshotBytes": ([4321], "Bytes"),
        "QuotaUtilization": ([25], "Percent"),
    }
    assert [(line["region"], line["UserPools"]) for line in by_region] == [("eu-west-1", [250]), ("us-east-1", [7])]
    assert all(set(directive(line)["Dimensions"][0]) == {"region", "service"} for line in by_region)


@pytest.mark.parametrize(
    ("region_metrics", "previous", "regions"),
    [
        ("daily", None, ["us-east-1"]),
        ("daily", "2026-11-23T23-59Z", ["us-east-1"]),
        ("daily", "2026-10-24T17-00Z", ["us-east-1"]),
        ("daily", "2026-11-24T00-00Z", []),
        ("each", "2026-11-24T00-00Z", ["us-east-1"]),
    ],
)
def test_daily_metrics_of_regions_come_with_the_snapshot_whose_previous_is_of_another_utc_day(
    region_metrics: str,
    previous: str | None,
    regions: list[str],
    output: Callable[[], list[dict[str, Any]]],
) -> None:
    link = Link(previous, "0" * 64) if previous else None
    made = any_snapshot("2026-11-24T18-00Z", coverage=(any_coverage(pools=7),), previous=link)
    published = Published(made, Comparison((), ()), "manifest.json", size_bytes=1)
    metrics.emit_snapshot(published, duration_ms=1, **{**OPTIONS, "region_metrics": region_metrics})
    whole, *by_region = output()
    assert whole["UserPools"] == [7]
    assert [line["region"] for line in by_region] == regions


def test_a_complete_snapshot_says_so(output: Callable[[], list[dict[str, Any]]]) -> None:
    published = Published(any_snapshot(), Comparison((), ()), "manifest.json", size_bytes=1)
    metrics.emit_snapshot(published, duration_ms=1, **OPTIONS)
    assert output()[0]["SnapshotComplete"] == [1]


def test_a_run_that_published_nothing_does_not_say_that_there_are_no_pools(
    output: Callable[[], list[dict[str, Any]]],
) -> None:
    metrics.emit_failure((FAILED,), duration_ms=9, **NAMES)
    (line,) = output()
    assert "UserPools" not in json.dumps(line)
    assert (line["SnapshotComplete"], line["Targets"], line["TargetsFailed"]) == ([0], [1], [1])
