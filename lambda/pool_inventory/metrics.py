"""A snapshot's figures → EMF on stdout, which CloudWatch makes metrics of without a call.

https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/CloudWatch_Embedded_Metric_Format_Specification.html
"""

from collections import Counter
from collections.abc import Iterable

from aws_lambda_powertools.metrics import EphemeralMetrics, MetricUnit

from pool_inventory.collect import Coverage
from pool_inventory.publish import Published
from pool_inventory.settings import EACH
from pool_inventory.snapshot import Snapshot


def emit_snapshot(
    published: Published,
    *,
    namespace: str,
    service: str,
    duration_ms: float,
    user_pool_quota: int,
    region_metrics: str,
) -> None:
    """Write the metrics of a published snapshot: one document of all, and one for each region that has pools.

    Args:
        published: the snapshot.
        namespace: the metrics' namespace in CloudWatch.
        service: their dimension `service`.
        duration_ms: how long the run took, in milliseconds.
        user_pool_quota: pools allowed per account and region.
        region_metrics: settings.EACH, or settings.DAILY to leave the regions to the day's first snapshot.
    """
    coverage = published.snapshot.coverage
    metrics = EphemeralMetrics(namespace=namespace, service=service)
    _add_coverage(metrics, coverage)
    fullest = max((each.pools or 0 for each in coverage), default=0)
    metrics.add_metric("UserPools", MetricUnit.Count, published.snapshot.pool_count)
    for kind, count in published.comparison.summary()["changes"].items():
        metrics.add_metric(f"UserPools{kind.capitalize()}", MetricUnit.Count, count)
    metrics.add_metric("SnapshotComplete", MetricUnit.Count, int(published.snapshot.status == "complete"))
    metrics.add_metric("SnapshotDuration", MetricUnit.Milliseconds, duration_ms)
    metrics.add_metric("SnapshotBytes", MetricUnit.Bytes, published.size_bytes)
    metrics.add_metric("QuotaUtilization", MetricUnit.Percent, 100 * fullest / user_pool_quota)
    metrics.flush_metrics()
    if region_metrics == EACH or _is_first_of_its_day(published.snapshot):
        _emit_regions(coverage, namespace=namespace, service=service)


def _is_first_of_its_day(snapshot: Snapshot) -> bool:
    """Tell, by what is committed, so that a repeated run says the same, whether the one before is of another day."""
    return snapshot.previous is None or snapshot.previous.snapshot_id[:10] != snapshot.id[:10]


def _emit_regions(coverage: Iterable[Coverage], *, namespace: str, service: str) -> None:
    pools_by_region: Counter[str] = Counter()
    for each in coverage:
        pools_by_region[each.region] += each.pools or 0
    for region, pools in sorted(pools_by_region.items()):
        if pools:
            by_region = EphemeralMetrics(namespace=namespace, service=service)
            by_region.add_dimension("region", region)
            by_region.add_metric("UserPools", MetricUnit.Count, pools)
            by_region.flush_metrics()


def emit_failure(coverage: Iterable[Coverage], *, namespace: str, service: str, duration_ms: float) -> None:
    """Write the metrics of a run that published nothing: that it did not, and what it knows.

    How many pools there are is not among that, least of all 0.
    """
    metrics = EphemeralMetrics(namespace=namespace, service=service)
    known = tuple(coverage)
    if known:
        _add_coverage(metrics, known)
    metrics.add_metric("SnapshotComplete", MetricUnit.Count, 0)
    metrics.add_metric("SnapshotDuration", MetricUnit.Milliseconds, duration_ms)
    metrics.flush_metrics()


def _add_coverage(metrics: EphemeralMetrics, coverage: tuple[Coverage, ...]) -> None:
    metrics.add_metric("Targets", MetricUnit.Count, len(coverage))
    metrics.add_metric("TargetsFailed", MetricUnit.Count, sum(each.status != "ok" for each in coverage))
    metrics.add_metric("Requests", MetricUnit.Count, sum(each.requests for each in coverage))
    metrics.add_metric("Retries", MetricUnit.Count, sum(each.retries for each in coverage))
