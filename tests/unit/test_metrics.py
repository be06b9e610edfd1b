import json
from collections.abc import Callable
from typing import Any

from pool_inventory import metrics
from pool_inventory.changes import Comparison
from pool_inventory.publish import Published

from tests.makers import any_change, any_coverage, any_snapshot

NAMES: dict[str, Any] = {"namespace": "PoolInventory", "service": "pool-inventory"}
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
    metrics.emit_snapshot(published, duration_ms=1500, user_pool_quota=1000, **NAMES)
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


def test_a_complete_snapshot_says_so(output: Callable[[], list[dict[str, Any]]]) -> None:
    published = Published(any_snapshot(), Comparison((), ()), "manifest.json", size_bytes=1)
    metrics.emit_snapshot(published, duration_ms=1, user_pool_quota=1000, **NAMES)
    assert output()[0]["SnapshotComplete"] == [1]


def test_a_run_that_published_nothing_does_not_say_that_there_are_no_pools(
    output: Callable[[], list[dict[str, Any]]],
) -> None:
    metrics.emit_failure((FAILED,), duration_ms=9, **NAMES)
    (line,) = output()
    assert "UserPools" not in json.dumps(line)
    assert (line["SnapshotComplete"], line["Targets"], line["TargetsFailed"]) == ([0], [1], [1])
