"""A snapshot's figures → EMF on stdout, which CloudWatch turns into metrics without an API call.

https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/CloudWatch_Embedded_Metric_Format_Specification.html
"""

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from datetime import datetime, timedelta
from functools import partial

from aws_lambda_powertools.metrics import EphemeralMetrics, MetricUnit

from pool_inventory.model import Coverage, Published, Snapshot, Target
from pool_inventory.settings import EACH

# CloudWatch takes no older ones:
# https://docs.aws.amazon.com/AmazonCloudWatch/latest/APIReference/API_PutMetricData.html
MAX_AGE = timedelta(days=14)


def emit_snapshot(
    published: Published,
    *,
    namespace: str,
    service: str,
    duration_ms: float | None,
    user_pool_quota: int,
    region_metrics: str,
) -> None:
    """Write the metrics of a published snapshot: one document of all, and one for each region that has pools.

    Args:
        published: the snapshot.
        namespace: the metrics' namespace in CloudWatch.
        service: their dimension `service`.
        duration_ms: how long the run took, in milliseconds; None for the snapshot of an earlier run, whose metrics are
            of the time that it was taken at.
        user_pool_quota: pools allowed per account and region.
        region_metrics: settings.EACH, or settings.DAILY to leave the regions to the day's first snapshot.
    """
    snapshot, known_pools = published.snapshot, published.known_pools
    emit = partial(_document, namespace, service, None if duration_ms is not None else published.snapshot.ended_at)
    with emit() as metrics:
        _add_targets(
            metrics,
            targets=sum(snapshot.targets.values()),
            failed=snapshot.targets_failed,
            requests=snapshot.requests,
            retries=snapshot.retries,
        )
        if published.accounts:
            metrics.add_metric("Accounts", MetricUnit.Count, published.accounts.asked)
            metrics.add_metric("AccountsFailed", MetricUnit.Count, published.accounts.failed)
        for kind, count in published.changes.items():
            metrics.add_metric(f"UserPools{kind.capitalize()}", MetricUnit.Count, count)
        metrics.add_metric("SnapshotComplete", MetricUnit.Count, int(snapshot.status == "complete"))
        metrics.add_metric("SnapshotBytes", MetricUnit.Bytes, published.size_bytes)
        if duration_ms is not None:
            metrics.add_metric("SnapshotDuration", MetricUnit.Milliseconds, duration_ms)
        metrics.add_metric("UserPools", MetricUnit.Count, sum(known_pools.values()))
        fullest = max(known_pools.values(), default=0)
        metrics.add_metric("QuotaUtilization", MetricUnit.Percent, 100 * fullest / user_pool_quota)
    if region_metrics == EACH or _is_first_of_its_day(snapshot):
        _emit_regions(known_pools, emit)


def _is_first_of_its_day(snapshot: Snapshot) -> bool:
    """Whether the snapshot before is of another day, by what is committed, so that a repeated run says the same."""
    return snapshot.previous is None or snapshot.previous.snapshot_id[:10] != snapshot.id[:10]


def _emit_regions(pools: Mapping[Target, int], emit: Callable[[], AbstractContextManager[EphemeralMetrics]]) -> None:
    by_region: Counter[str] = Counter()
    for (_, region), count in pools.items():
        by_region[region] += count
    for region, count in sorted(by_region.items()):
        if count:
            with emit() as metrics:
                metrics.add_dimension("region", region)
                metrics.add_metric("UserPools", MetricUnit.Count, count)


def emit_concerns(*, passed_by: int, events_failed: int, namespace: str, service: str) -> None:
    """Write the counts of problems, where they are above 0: each metric that is sent costs money.

    Args:
        passed_by: how many stored objects could not be finished, read or believed.
        events_failed: how many events did not get onto the bus.
        namespace: the metrics' namespace in CloudWatch.
        service: their dimension `service`.
    """
    counts = {"PassedBy": passed_by, "EventsFailed": events_failed}
    if any(counts.values()):
        with _document(namespace, service) as metrics:
            for name, count in counts.items():
                if count:
                    metrics.add_metric(name, MetricUnit.Count, count)


def emit_failure(coverage: Iterable[Coverage], *, namespace: str, service: str, duration_ms: float) -> None:
    """Write the metrics of a run that published nothing: that it did not, and what it knows.

    How many pools there are is not among that.
    """
    totals: Counter[str] = Counter()
    for each in coverage:
        totals.update(targets=1, failed=each.is_failed, requests=each.requests, retries=each.retries)
    with _document(namespace, service) as metrics:
        if totals:
            _add_targets(metrics, **totals)
        metrics.add_metric("SnapshotComplete", MetricUnit.Count, 0)
        metrics.add_metric("SnapshotDuration", MetricUnit.Milliseconds, duration_ms)


@contextmanager
def _document(namespace: str, service: str, time: datetime | None = None) -> Iterator[EphemeralMetrics]:
    """Write one document of EMF at the end of the block, of a time if it is not now."""
    metrics = EphemeralMetrics(namespace=namespace, service=service)
    if time is not None:
        metrics.set_timestamp(time)
    yield metrics
    metrics.flush_metrics()


def _add_targets(metrics: EphemeralMetrics, *, targets: int, failed: int, requests: int, retries: int) -> None:
    metrics.add_metric("Targets", MetricUnit.Count, targets)
    metrics.add_metric("TargetsFailed", MetricUnit.Count, failed)
    metrics.add_metric("Requests", MetricUnit.Count, requests)
    metrics.add_metric("Retries", MetricUnit.Count, retries)
