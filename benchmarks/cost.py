"""What a month costs: prices on what was measured. `make docs` puts its tables into docs/cost.md.

.venv/bin/python -m benchmarks.cost
"""

import json
import math
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from infra.options.context import DEFAULTS

DEPLOYED: Mapping[str, Any] = DEFAULTS
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
POOLS_A_PAGE = 60

# What cannot be measured without AWS, and is taken for true: the seconds that a page of ListUserPools and a request to
# S3 take, and the lines that Lambda itself writes of each run.
PAGE_SECONDS = 0.2
S3_SECONDS = 0.05
# Of a run's requests to S3, so many wait for one before; tests/test_run_calls.py holds the run to it.
S3_CALLS_IN_A_ROW = 10
PLATFORM_LOG_BYTES = 500
# Memory that has the CPU of one core: https://docs.aws.amazon.com/lambda/latest/dg/configuration-memory.html
CORE_MB = 1769


@dataclass(frozen=True, slots=True)
class Price:
    """What so many units cost in us-east-1, in dollars, and where that was read."""

    dollars: float
    per: float
    unit: str
    as_of: str
    source: str

    def of(self, units: float) -> float:
        """Return what some units cost, in dollars."""
        return self.dollars * units / self.per


_CLOUDBURN = "https://cloudburn.io/blog"
_LAMBDA = ("2026-03", "https://wring.co/blog/aws-lambda-pricing-guide")
_EVENTBRIDGE = ("2026-03", f"{_CLOUDBURN}/amazon-eventbridge-pricing")
_CLOUDWATCH = (
    "2026-06",
    "https://www.factualminds.com/blog/amazon-cloudwatch-pricing-metrics-logs-alarms-dashboards/",
)
_S3 = ("undated", "https://devnotes.tech/understanding-aws-s3-pricing-a-complete-cost-breakdown-with-examples")
PRICES = {
    "Lambda, arm64": Price(0.0000133334, 1, "GB-second", *_LAMBDA),
    "Lambda, requests": Price(0.20, 1e6, "requests", *_LAMBDA),
    "EventBridge Scheduler": Price(1.00, 1e6, "invocations", *_EVENTBRIDGE),
    "EventBridge, events": Price(1.00, 1e6, "events", *_EVENTBRIDGE),
    "Step Functions": Price(
        0.025, 1000, "states", "2026-03", "https://www.wring.co/blog/aws-step-functions-pricing-guide"
    ),
    "CloudWatch, metrics": Price(0.30, 1, "metric-month", "2026-02", "https://signoz.io/guides/cloudwatch-pricing"),
    "CloudWatch, alarms": Price(
        0.10, 1, "alarm metric and month", "2026", "https://c3x.dev/blog/aws-cloudwatch-metrics-cost/"
    ),
    "CloudWatch, dashboards": Price(3.00, 1, "dashboard and month", *_CLOUDWATCH),
    "CloudWatch Logs, taken in": Price(0.50, 1e9, "bytes", *_CLOUDWATCH),
    "CloudWatch Logs, kept": Price(
        0.03, 1e9, "bytes and month", "2026", "https://github.com/vreutova/infracost-idem-support/pull/2"
    ),
    "S3, writes and lists": Price(0.005, 1000, "requests", *_S3),
    "S3, reads": Price(0.0004, 1000, "requests", *_S3),
    "S3 Standard": Price(0.023, 1e9, "bytes and month", *_S3),
    "SQS": Price(0.40, 1e6, "requests", "2026-03", f"{_CLOUDBURN}/amazon-sqs-pricing"),
    "SNS, e-mail": Price(
        2.00,
        1e5,
        "e-mails",
        "2026",
        "https://www.factualminds.com/blog/amazon-sns-pricing-publishes-fanout-protocols/",
    ),
    "Athena": Price(5.00, 1e12, "bytes read", "2020-10", "https://athena.guide/articles/athena-basics-pricing-model"),
    "CloudTrail, a second trail": Price(2.00, 1e5, "events", "undated", "https://aws.amazon.com/cloudtrail/pricing/"),
    "GuardDuty, CloudTrail": Price(
        4.00,
        1e6,
        "events",
        "2026-06",
        "https://www.factualminds.com/blog/amazon-guardduty-pricing-data-sources-multi-account/",
    ),
    "KMS, keys": Price(1.00, 1, "key and month", "2026-03", f"{_CLOUDBURN}/aws-kms-pricing"),
    "KMS, requests": Price(0.03, 10_000, "requests", "2026-03", f"{_CLOUDBURN}/aws-kms-pricing"),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """An account, and what a run uses there, as benchmarks/usage.py recorded it.

    Attributes:
        pages: calls of ListUserPools.
        metrics: how many it sends without the dimension `region`. A day's first run sends one with it for each region.
        log_bytes_of_first: what a day's first run writes to the log.
        snapshot_bytes: of the objects that are a snapshot's own.
        latest_bytes: of latest.json and latest/, which the next run writes over.
    """

    pools: int
    regions: int
    pages: int
    metrics: int
    s3_writes_and_lists: int
    s3_reads: int
    log_bytes: int
    log_bytes_of_first: int
    snapshot_bytes: int
    latest_bytes: int
    cpu_seconds: float

    def seconds(self) -> float:
        """Model how long a run takes: regions are read side by side, and so is what S3 is asked at once."""
        pages = math.ceil(math.ceil(self.pools / self.regions) / POOLS_A_PAGE)
        page_seconds = max(PAGE_SECONDS, 1 / DEPLOYED["maxRequestsPerSecond"])
        waiting_seconds: float = pages * page_seconds + S3_CALLS_IN_A_ROW * S3_SECONDS
        return waiting_seconds + self.cpu_seconds * CORE_MB / int(DEPLOYED["memoryMb"])


def cases() -> list[Case]:
    """Return the accounts that were measured."""
    return [Case(**each) for each in RECORDED["cases"]]


def metric_months(case: Case, runs_a_day: int, *, region_metrics: str) -> float:
    """Return the metrics that are paid for: each for the share of the month's hours in which it was sent."""
    region_hours = DAYS * (1 if region_metrics == "daily" else runs_a_day)
    return (case.metrics * DAYS * runs_a_day + case.regions * region_hours) / HOURS


def stored_bytes(case: Case, runs_a_day: int, *, months: float) -> float:
    """Return what the bucket holds after so many months, what was written over in the last 30 days included."""
    return DAYS * runs_a_day * (case.snapshot_bytes * months + case.latest_bytes)


def month(case: Case, runs_a_day: int, *, region_metrics: str = DEPLOYED["regionMetrics"]) -> dict[str, float]:
    """Return what each service costs in a month, in dollars, at list price and without a dashboard.

    S3's storage is that of the twelfth month, and every snapshot is kept.
    """
    runs = DAYS * runs_a_day
    gb_seconds = runs * case.seconds() * DEPLOYED["memoryMb"] / 1024
    log_bytes = runs * (case.log_bytes + PLATFORM_LOG_BYTES) + DAYS * (case.log_bytes_of_first - case.log_bytes)
    kept_bytes = log_bytes * DEPLOYED["logRetentionDays"] / DAYS

    def cost(price: str, units: float) -> float:
        return PRICES[price].of(units)

    return {
        "metrics": cost("CloudWatch, metrics", metric_months(case, runs_a_day, region_metrics=region_metrics)),
        "alarms": cost("CloudWatch, alarms", ALARM_METRICS),
        "S3 requests": cost("S3, writes and lists", runs * case.s3_writes_and_lists)
        + cost("S3, reads", runs * case.s3_reads),
        "S3 storage": cost("S3 Standard", stored_bytes(case, runs_a_day, months=12)),
        "Lambda": cost("Lambda, requests", runs) + cost("Lambda, arm64", gb_seconds),
        "Scheduler and logs": cost("EventBridge Scheduler", runs)
        + cost("CloudWatch Logs, taken in", log_bytes)
        + cost("CloudWatch Logs, kept", kept_bytes),
    }


def allowance(case: Case, runs_a_day: int) -> float:
    """Return what CloudWatch's free metrics and alarms are worth to an account that has no others, in dollars."""
    metrics = min(FREE_METRIC_MONTHS, metric_months(case, runs_a_day, region_metrics=DEPLOYED["regionMetrics"]))
    return PRICES["CloudWatch, metrics"].of(metrics) + PRICES["CloudWatch, alarms"].of(
        min(FREE_ALARM_METRICS, ALARM_METRICS)
    )


Table = tuple[tuple[str, ...], list[tuple[str, ...]]]
"""A header and rows."""
HOURLY, DAILY = 24, 1


def _whose(case: Case) -> tuple[str, str]:
    return f"{case.pools:,}", str(case.regions)


def month_table() -> Table:
    """Return what a month costs, by account and service."""
    rows = []
    for case in cases():
        parts = month(case, HOURLY)
        total = sum(parts.values())
        dashboard = PRICES["CloudWatch, dashboards"].of(DASHBOARDS)
        totals = (total, total + dashboard, total - allowance(case, HOURLY), sum(month(case, DAILY).values()))
        rows.append((*_whose(case), *(f"{each:.3f}" for each in parts.values()), *(f"{each:.2f}" for each in totals)))
    totals_named = ("**total**", "a 4th dashboard", "free allowance", "daily snapshots")
    return ("pools", "regions", *month(cases()[0], HOURLY), *totals_named), rows


def storage_table() -> Table:
    """Return how the bucket grows in a year."""
    rows: list[tuple[str, ...]] = []
    for case in cases():
        a_year = [stored_bytes(case, runs, months=12) - stored_bytes(case, runs, months=0) for runs in (HOURLY, DAILY)]
        dollars = f"{PRICES['S3 Standard'].of(a_year[0]):.3f}"
        rows.append((*_whose(case), f"{a_year[0] / 1e9:.2f}", dollars, f"{a_year[1] / 1e9:.2f}"))
    return ("pools", "regions", "hourly: GB a year", "dollars a month, more each year", "daily: GB a year"), rows


def extras_table() -> Table:
    """Return what choices add to an hourly month of 1,000 pools."""
    header = ("choice", "1 region", "17 regions", "34 regions")
    asked = [case for case in cases() if case.pools == 1_000]  # noqa: PLR2004 - as the docstring says
    runs = DAYS * HOURLY

    def row(choice: str, dollars: list[float]) -> tuple[str, ...]:
        return (choice, *(f"{each:.2f}" for each in dollars))

    each_hour = [
        month(case, HOURLY, region_metrics="each")["metrics"] - month(case, HOURLY)["metrics"] for case in asked
    ]
    key = [
        PRICES["KMS, keys"].of(1) + PRICES["KMS, requests"].of(runs * (case.s3_writes_and_lists + case.s3_reads))
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
            f"[{price.source.split('/')[2]}]({price.source})",
        )
        for name, price in PRICES.items()
    ]


def usage_table() -> Table:
    """Return what a run within a day uses, and what the day's first one writes to the log."""
    sizes = ("KB a snapshot", "KB of latest", "log bytes", "log bytes, day's first")
    requests = ("calls of Cognito", "S3 writes and lists", "S3 reads")
    header = ("pools", "regions", *requests, *sizes, "CPU seconds", "modelled seconds")
    return header, [
        (
            *_whose(case),
            str(case.pages),
            str(case.s3_writes_and_lists),
            str(case.s3_reads),
            f"{case.snapshot_bytes / 1e3:.0f}",
            f"{case.latest_bytes / 1e3:.0f}",
            f"{case.log_bytes:,}",
            f"{case.log_bytes_of_first:,}",
            f"{case.cpu_seconds:.2f}",
            f"{case.seconds():.1f}",
        )
        for case in cases()
    ]


def tables() -> dict[str, Table]:
    """Return each table by its name in docs/cost.md."""
    return {
        "month": month_table(),
        "choices": extras_table(),
        "storage": storage_table(),
        "usage": usage_table(),
        "prices": prices_table(),
    }


def print_tables(tables: Mapping[str, Table]) -> None:
    """Write tables as text."""
    for name, (header, rows) in tables.items():
        print(f"\n{name}")
        for line in (header, *rows):
            print("  ".join(line))


if __name__ == "__main__":
    print_tables(tables())
