"""What a month costs: prices on what was measured. `make docs` puts its tables into docs/cost.md.

.venv/bin/python benchmarks/cost.py
"""

import json
import math
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[1]
DEPLOYED: Mapping[str, Any] = json.loads((ROOT / "cdk.json").read_text(encoding="utf-8"))["context"]
RECORDED: Mapping[str, Any] = json.loads(Path(__file__).with_name("usage.json").read_text(encoding="utf-8"))

# What AWS gives every account and month for nothing: https://aws.amazon.com/cloudwatch/pricing/
FREE_METRIC_MONTHS = 10
FREE_ALARM_METRICS = 10

# What the default stack has, and what it has more where a bus is set.
ALARM_METRICS = 7
DASHBOARDS = 1
EVENT_BUS_ALARM_METRICS = 1

DAYS = 30
HOURS = 24 * DAYS
SCHEDULES = {"hourly": 24, "daily": 1}
POOLS_A_PAGE = 60

# What cannot be measured without AWS, and is taken for true: the seconds that a page of ListUserPools and a request to
# S3 take, and the lines that Lambda itself writes of each run.
PAGE_SECONDS = 0.2
S3_SECONDS = 0.05
PLATFORM_LOG_BYTES = 500
# Memory that has the CPU of one core: https://docs.aws.amazon.com/lambda/latest/dg/configuration-memory.html
CORE_MB = 1769


@dataclass(frozen=True, slots=True)
class Price:
    """What so many units cost in us-east-1, in dollars, and where that was read, if it was."""

    dollars: float
    per: float
    unit: str
    as_of: str
    source: str | None = None

    def of(self, units: float) -> float:
        """Return what some units cost, in dollars."""
        return self.dollars * units / self.per


_CLOUDBURN = "https://cloudburn.io/blog"
_FACTUALMINDS = "https://www.factualminds.com/blog"
PRICES = {
    "Lambda, arm64": Price(0.0000133334, 1, "GB-second", "2024", "https://cloudchipr.com/blog/aws-lambda-pricing"),
    "Lambda, requests": Price(
        0.20,
        1e6,
        "requests",
        "2025-08",
        "https://thebiggish.pages.dev/news/aws-lambda-s-2025-cold-start-billing-shift-what-ctos-need-to-know",
    ),
    "EventBridge Scheduler": Price(1.00, 1e6, "invocations", "2026-03", f"{_CLOUDBURN}/amazon-eventbridge-pricing"),
    "EventBridge, events": Price(1.00, 1e6, "events", "2026-03", f"{_CLOUDBURN}/amazon-eventbridge-pricing"),
    "CloudWatch, metrics": Price(0.30, 1, "metric-month", "2026-02", "https://signoz.io/guides/cloudwatch-pricing"),
    "CloudWatch, alarms": Price(
        0.10, 1, "alarm metric and month", "2026", "https://c3x.dev/blog/aws-cloudwatch-metrics-cost/"
    ),
    "CloudWatch, dashboards": Price(
        3.00,
        1,
        "dashboard and month",
        "2026-06",
        f"{_FACTUALMINDS}/amazon-cloudwatch-pricing-metrics-logs-alarms-dashboards/",
    ),
    "CloudWatch Logs, taken in": Price(
        0.50, 1e9, "bytes", "2026-06", f"{_FACTUALMINDS}/amazon-cloudwatch-pricing-metrics-logs-alarms-dashboards/"
    ),
    "CloudWatch Logs, kept": Price(
        0.03, 1e9, "bytes and month", "2026", "https://github.com/vreutova/infracost-idem-support/pull/2"
    ),
    "S3, writes and lists": Price(
        0.005,
        1000,
        "requests",
        "2024",
        "https://www.cloudkaramchari.com/blog/understanding-per-1000-put-copy-post-or-list-requests-in-amazon-s3-pricing/",
    ),
    "S3, reads": Price(0.40, 1e6, "requests", "2020-10", "https://athena.guide/articles/athena-basics-pricing-model"),
    "S3 Standard": Price(0.023, 1e9, "bytes and month", "2026-11"),
    "SQS": Price(0.40, 1e6, "requests", "2026-03", f"{_CLOUDBURN}/amazon-sqs-pricing"),
    "SNS, e-mail": Price(
        2.00, 1e5, "e-mails", "2026", f"{_FACTUALMINDS}/amazon-sns-pricing-publishes-fanout-protocols/"
    ),
    "Athena": Price(5.00, 1e12, "bytes read", "2020-10", "https://athena.guide/articles/athena-basics-pricing-model"),
    "KMS, keys": Price(1.00, 1, "key and month", "2026-03", f"{_CLOUDBURN}/aws-kms-pricing"),
    "KMS, requests": Price(0.03, 10_000, "requests", "2026-03", f"{_CLOUDBURN}/aws-kms-pricing"),
}


@dataclass(frozen=True, slots=True)
class Run:
    """What one run uses.

    Attributes:
        metrics_of_all, metrics_by_region: how many it sends without and with the dimension `region`.
        snapshot_bytes: of the objects that are a snapshot's own.
        latest_bytes: of latest.json and latest/, which the next run writes over.
    """

    metrics_of_all: int
    metrics_by_region: int
    s3_writes_and_lists: int
    s3_reads: int
    log_bytes: int
    snapshot_bytes: int
    latest_bytes: int
    cpu_seconds: float

    @classmethod
    def from_recorded(cls, recorded: Mapping[str, Any]) -> "Run":
        """Read what benchmarks/usage.py recorded of a run."""
        return cls(
            metrics_of_all=recorded["metrics"]["of_all"],
            metrics_by_region=recorded["metrics"].get("by_region", 0),
            s3_writes_and_lists=recorded["requests"]["s3_write_or_list"],
            s3_reads=recorded["requests"]["s3_read"],
            log_bytes=recorded["log_bytes"],
            snapshot_bytes=recorded["snapshot_bytes"],
            latest_bytes=recorded["latest_bytes"],
            cpu_seconds=recorded["cpu_seconds"],
        )


@dataclass(frozen=True, slots=True)
class Case:
    """An account: its pools, in how many regions they are, and what a day's first run and each later one use."""

    pools: int
    regions: int
    first_of_a_day: Run
    within_a_day: Run

    def seconds(self, run: Run) -> float:
        """Model how long a run takes: regions wait side by side, all else one after the other."""
        pages = math.ceil(math.ceil(self.pools / self.regions) / POOLS_A_PAGE)
        page_seconds = max(PAGE_SECONDS, 1 / DEPLOYED["maxRequestsPerSecond"])
        s3_seconds = (run.s3_writes_and_lists + run.s3_reads) * S3_SECONDS
        waiting_seconds: float = pages * page_seconds + s3_seconds
        return waiting_seconds + run.cpu_seconds * CORE_MB / int(DEPLOYED["memoryMb"])


def cases() -> list[Case]:
    """Return the accounts that were measured."""
    runs = ("first_of_a_day", "within_a_day")
    return [
        Case(each["pools"], each["regions"], **{name: Run.from_recorded(each[name]) for name in runs})
        for each in RECORDED["cases"]
    ]


def runs_of(case: Case, runs_a_day: int) -> Iterator[tuple[int, Run]]:
    """Return how often a month has each kind of run."""
    yield DAYS, case.first_of_a_day
    yield DAYS * (runs_a_day - 1), case.within_a_day


def metric_months(case: Case, runs_a_day: int, *, region_metrics: str) -> float:
    """Return the metrics that are paid for: each for the share of the month's hours in which it was sent."""
    first = case.first_of_a_day
    region_hours = DAYS * (1 if region_metrics == "daily" else runs_a_day)
    return (first.metrics_of_all * DAYS * runs_a_day + first.metrics_by_region * region_hours) / HOURS


def stored_bytes(case: Case, runs_a_day: int, *, months: float) -> float:
    """Return what the bucket holds after so many months, what was written over in the last 30 days included."""
    runs = list(runs_of(case, runs_a_day))
    snapshots = sum(times * run.snapshot_bytes for times, run in runs) * months
    return snapshots + sum(times * run.latest_bytes for times, run in runs)


def month(case: Case, runs_a_day: int, *, region_metrics: str = DEPLOYED["regionMetrics"]) -> dict[str, float]:
    """Return what each service costs in a month, in dollars, at list price and without a dashboard.

    S3's storage is that of the twelfth month, and every snapshot is kept.
    """
    gb = DEPLOYED["memoryMb"] / 1024
    retention_months = DEPLOYED["logRetentionDays"] / DAYS

    def total(price: str, units: Callable[[Run], float]) -> float:
        return PRICES[price].of(sum(times * units(run) for times, run in runs_of(case, runs_a_day)))

    def log_bytes(run: Run) -> int:
        return run.log_bytes + PLATFORM_LOG_BYTES

    return {
        "Lambda": total("Lambda, requests", lambda _: 1) + total("Lambda, arm64", lambda run: gb * case.seconds(run)),
        "Scheduler": total("EventBridge Scheduler", lambda _: 1),
        "metrics": PRICES["CloudWatch, metrics"].of(metric_months(case, runs_a_day, region_metrics=region_metrics)),
        "alarms": PRICES["CloudWatch, alarms"].of(ALARM_METRICS),
        "logs": total("CloudWatch Logs, taken in", log_bytes)
        + total("CloudWatch Logs, kept", log_bytes) * retention_months,
        "S3 requests": total("S3, writes and lists", lambda run: run.s3_writes_and_lists)
        + total("S3, reads", lambda run: run.s3_reads),
        "S3 storage": PRICES["S3 Standard"].of(stored_bytes(case, runs_a_day, months=12)),
        # Nothing is sent to a queue or a topic unless something fails; tables and queries are paid for when asked.
        "SQS, SNS, Glue, Athena": 0.0,
    }


def allowance(case: Case, runs_a_day: int) -> float:
    """Return what CloudWatch's free metrics and alarms are worth to an account that has no others, in dollars."""
    metrics = min(FREE_METRIC_MONTHS, metric_months(case, runs_a_day, region_metrics=DEPLOYED["regionMetrics"]))
    return PRICES["CloudWatch, metrics"].of(metrics) + PRICES["CloudWatch, alarms"].of(
        min(FREE_ALARM_METRICS, ALARM_METRICS)
    )


Table = tuple[tuple[str, ...], list[tuple[str, ...]]]
"""A header and rows."""


def month_table(runs_a_day: int) -> Table:
    """Return what a month costs, by account and service."""
    rows = []
    for case in cases():
        parts = month(case, runs_a_day)
        total = sum(parts.values())
        dashboard = PRICES["CloudWatch, dashboards"].of(DASHBOARDS)
        totals = (total, total + dashboard, total - allowance(case, runs_a_day))
        rows.append(
            (
                f"{case.pools:,}",
                str(case.regions),
                *(f"{each:.3f}" for each in parts.values()),
                *(f"{each:.2f}" for each in totals),
            )
        )
    return ("pools", "regions", *month(cases()[0], runs_a_day), "**total**", "a 4th dashboard", "free allowance"), rows


def storage_table() -> Table:
    """Return how the bucket grows."""
    rows = []
    for case in cases():
        cells = [f"{case.pools:,}", str(case.regions)]
        for runs_a_day in SCHEDULES.values():
            a_year = stored_bytes(case, runs_a_day, months=12) - stored_bytes(case, runs_a_day, months=0)
            cells += [f"{a_year / 1e9:.2f}", f"{PRICES['S3 Standard'].of(a_year):.3f}"]
        rows.append(tuple(cells))
    kinds = [f"{name}: {what}" for name in SCHEDULES for what in ("GB a year", "dollars a month, more each year")]
    return ("pools", "regions", *kinds), rows


def extras_table() -> Table:
    """Return what choices add to an hourly month of 1,000 pools."""
    header = ("choice", "1 region", "17 regions", "34 regions")
    asked = [case for case in cases() if case.pools == 1_000]  # noqa: PLR2004 - as the docstring says
    runs = DAYS * SCHEDULES["hourly"]

    def row(choice: str, dollars: list[float]) -> tuple[str, ...]:
        return (choice, *(f"{each:.2f}" for each in dollars))

    each_hour = [
        month(case, SCHEDULES["hourly"], region_metrics="each")["metrics"]
        - month(case, SCHEDULES["hourly"], region_metrics="daily")["metrics"]
        for case in asked
    ]
    key = [
        PRICES["KMS, keys"].of(1)
        + PRICES["KMS, requests"].of(
            runs * (case.within_a_day.s3_writes_and_lists + case.within_a_day.s3_reads),
        )
        for case in asked
    ]
    # Those of 100 changes, the most that are put on the bus one by one, and of the snapshot.
    events = PRICES["EventBridge, events"].of(runs * 101)
    event_bus = events + PRICES["CloudWatch, alarms"].of(EVENT_BUS_ALARM_METRICS)
    return header, [
        row("`regionMetrics=each`", each_hour),
        row("a dashboard that is the account's fourth", [PRICES["CloudWatch, dashboards"].of(1)] * len(asked)),
        row("a key of your own in KMS, asked with each request to S3", key),
        row("`eventBus`, with 100 changes in each snapshot, and its alarm", [event_bus] * len(asked)),
    ]


def prices_table() -> Table:
    """Return the prices, and where each was read."""
    return ("what", "dollars", "per", "as of", "read at"), [
        (
            name,
            f"{price.dollars:.10f}".rstrip("0").ljust(4, "0"),
            f"{price.per:,.0f} {price.unit}" if price.per > 1 else price.unit,
            price.as_of,
            f"[{price.source.split('/')[2]}]({price.source})" if price.source else "known, not confirmed",
        )
        for name, price in PRICES.items()
    ]


def usage_table() -> Table:
    """Return what a run within a day uses, and what the day's first one writes to the log."""
    sizes = ("KB a snapshot", "KB of latest", "log bytes", "log bytes, day's first")
    requests = ("calls of Cognito", "S3 writes and lists", "S3 reads")
    header = ("pools", "regions", *requests, *sizes, "CPU seconds", "modelled seconds")
    rows: list[tuple[str, ...]] = [
        (
            f"{case.pools:,}",
            str(case.regions),
            str(recorded["within_a_day"]["requests"]["ListUserPools"]),
            str(case.within_a_day.s3_writes_and_lists),
            str(case.within_a_day.s3_reads),
            f"{case.within_a_day.snapshot_bytes / 1e3:.0f}",
            f"{case.within_a_day.latest_bytes / 1e3:.0f}",
            f"{case.within_a_day.log_bytes:,}",
            f"{case.first_of_a_day.log_bytes:,}",
            f"{case.within_a_day.cpu_seconds:.2f}",
            f"{case.seconds(case.within_a_day):.1f}",
        )
        for case, recorded in zip(cases(), RECORDED["cases"], strict=True)
    ]
    return header, rows


def tables() -> dict[str, Table]:
    """Return each table by its name in docs/cost.md."""
    return {
        "hourly": month_table(SCHEDULES["hourly"]),
        "daily": month_table(SCHEDULES["daily"]),
        "choices": extras_table(),
        "storage": storage_table(),
        "usage": usage_table(),
        "prices": prices_table(),
    }


if __name__ == "__main__":
    for name, (header, rows) in tables().items():
        print(f"\n{name}")
        for line in (header, *rows):
            print("  ".join(line))
