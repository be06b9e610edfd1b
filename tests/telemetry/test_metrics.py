import dataclasses
import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from pool_inventory.model import AccountCounts, Link, Target
from pool_inventory.telemetry import metrics

from tests.makers import ACCOUNT_ID, any_change, any_coverage, any_published, any_snapshot

NAMES: dict[str, Any] = {"namespace": "PoolInventory", "service": "pool-inventory"}
OPTIONS: dict[str, Any] = {**NAMES, "user_pool_quota": 1000, "region_metrics": "each", "duration_ms": 1500}
FAILED = any_coverage("us-west-2", status="throttled", pools=None, requests=40, retries=40)


def directive(line: dict[str, Any]) -> dict[str, Any]:
    (only,) = line["_aws"]["CloudWatchMetrics"]
    assert only["Namespace"] == "PoolInventory"
    return dict(only)


def test_metrics_are_a_line_and_one_per_region_with_pools(
    output: Callable[[], list[dict[str, Any]]],
) -> None:
    regions = (
        any_coverage("eu-west-1", pools=250),
        any_coverage("sa-east-1"),
        any_coverage(requests=5, pools=7),
        FAILED,
    )
    changes = (any_change("created"), any_change("created"), any_change("deleted"))
    known = {
        Target(ACCOUNT_ID, "eu-west-1"): 250,
        Target(ACCOUNT_ID, "sa-east-1"): 0,
        Target(ACCOUNT_ID, "us-east-1"): 7,
    }
    published = any_published(any_snapshot(coverage=regions), *changes, size_bytes=4321, known_pools=known)
    metrics.emit_snapshot(published, **OPTIONS)
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
def test_daily_metrics_of_regions_come_with_a_days_first(
    region_metrics: str,
    previous: str | None,
    regions: list[str],
    output: Callable[[], list[dict[str, Any]]],
) -> None:
    """The first snapshot of a UTC day: the one before is of another."""
    link = Link(previous, "0" * 64) if previous else None
    made = any_snapshot("2026-11-24T18-00Z", coverage=(any_coverage(pools=7),), previous=link)
    known = {Target(ACCOUNT_ID, "us-east-1"): 7}
    metrics.emit_snapshot(any_published(made, known_pools=known), **{**OPTIONS, "region_metrics": region_metrics})
    whole, *by_region = output()
    assert whole["UserPools"] == [7]
    assert [line["region"] for line in by_region] == regions


def test_a_complete_snapshot_says_so(output: Callable[[], list[dict[str, Any]]]) -> None:
    metrics.emit_snapshot(any_published(), **OPTIONS)
    assert output()[0]["SnapshotComplete"] == [1]


def test_an_earlier_snapshots_metrics_are_of_its_time(output: Callable[[], list[dict[str, Any]]]) -> None:
    recent = datetime.now(UTC).replace(microsecond=0) - timedelta(hours=3)
    published = any_published(dataclasses.replace(any_snapshot(), ended_at=recent))
    metrics.emit_snapshot(published, **{**OPTIONS, "duration_ms": None})
    (line,) = output()
    assert line["_aws"]["Timestamp"] == recent.timestamp() * 1000
    assert "SnapshotDuration" not in line


@pytest.mark.parametrize(
    ("passed_by", "events_failed", "expected"),
    [
        (0, 0, []),
        (2, 0, [{"PassedBy": [2]}]),
        (0, 3, [{"EventsFailed": [3]}]),
        (1, 1, [{"PassedBy": [1], "EventsFailed": [1]}]),
    ],
)
def test_counts_of_problems_are_sent_only_where_there_are_any(
    output: Callable[[], list[dict[str, Any]]], passed_by: int, events_failed: int, expected: list[dict[str, Any]]
) -> None:
    """Each metric that is sent is paid for."""
    metrics.emit_concerns(passed_by=passed_by, events_failed=events_failed, **NAMES)
    names = ("PassedBy", "EventsFailed")
    assert [{name: line[name] for name in names if name in line} for line in output()] == expected


def test_a_run_that_published_nothing_sends_no_count_of_pools(
    output: Callable[[], list[dict[str, Any]]],
) -> None:
    """0 would say that there are no pools."""
    metrics.emit_failure((FAILED,), duration_ms=9, **NAMES)
    (line,) = output()
    assert "UserPools" not in json.dumps(line)
    assert (line["SnapshotComplete"], line["Targets"], line["TargetsFailed"]) == ([0], [1], [1])


def test_an_organizations_accounts_are_counted_in_all(output: Callable[[], list[dict[str, Any]]]) -> None:
    made = dataclasses.replace(any_published(), accounts=AccountCounts(asked=200, failed=1))
    metrics.emit_snapshot(made, **OPTIONS)
    (line,) = output()
    assert (line["Accounts"], line["AccountsFailed"]) == ([200], [1])
    assert directive(line)["Dimensions"] == [["service"]]
