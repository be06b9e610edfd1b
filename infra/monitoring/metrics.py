"""The function's own metrics, as alarms and the dashboard ask CloudWatch for them.

What the function emits is in pool_inventory/telemetry/metrics.py, and the tests compare each name here with that.
"""

import re
from dataclasses import dataclass

from aws_cdk import Duration
from aws_cdk.aws_cloudwatch import Metric, SearchExpression


@dataclass(frozen=True, slots=True, kw_only=True)
class SnapshotMetrics:
    """The metrics of one deploy's snapshots: where they are, and whose."""

    namespace: str
    service: str

    def metric(self, name: str, *, statistic: str, period: Duration, label: str | None = None) -> Metric:
        """Return the metric of a name.

        Args:
            name: as the function emits it.
            statistic: Maximum or Minimum: CloudWatch may take in the same log line twice, and a sum would count both.
            period: what one figure stands for.
            label: what a graph calls it, its name if None.
        """
        return Metric(
            namespace=self.namespace,
            metric_name=name,
            dimensions_map={"service": self.service},
            statistic=statistic,
            period=period,
            label=label,
        )

    def by_region(self, name: str, *, period: Duration) -> SearchExpression:
        """Return a metric's maximum in each region that has any: which those are is not known at synth.

        Source: https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/search-expression-syntax.html
        """
        service = re.sub(r"([\\\"'])", r"\\\1", self.service)
        schema = f'{{"{self.namespace}",region,service}}'
        return SearchExpression(
            expression=f'SEARCH(\'{schema} MetricName="{name}" service="{service}"\','
            f" 'Maximum', {period.to_seconds():g})",
            # https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/graph-dynamic-labels.html
            label="${PROP('Dim.region')}",
            period=period,
        )
