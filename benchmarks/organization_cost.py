"""What an organization's run costs, and what AWS charges elsewhere for its calls.

`make docs` puts the tables into docs/cost.md. Nothing here is a bill: the functions' times are limits that benchmarks
hold them to, so that a run costs this much at most, and the tests count the requests to S3, the states and the log.

.venv/bin/python -m benchmarks.organization_cost
"""

import math
from dataclasses import dataclass

from pool_inventory.collect.members import ACCOUNTS_AT_ONCE

from benchmarks.cost import (
    CORE_MB,
    DAILY,
    DAYS,
    DEPLOYED,
    HOURLY,
    HOURS,
    PAGE_SECONDS,
    PLATFORM_LOG_BYTES,
    POOLS_A_PAGE,
    PRICES,
    RECORDED,
    S3_SECONDS,
    Table,
    print_tables,
)

# What the alarms of an organization's stack look at, without a bus.
ALARM_METRICS = 9
# Those of one account's, and two of accounts.
METRICS = RECORDED["cases"][-1]["metrics"] + 2

# The limits of the processor's seconds: to start, of one account of 34 regions, and of publish, which waits little.
START_SECONDS = 1
ACCOUNT_SECONDS = 0.25
ACCOUNT_REGIONS = 34
PUBLISH_SECONDS = 300
# As infra/organization/functions.py has it.
PLAN_MEMORY_MB = 512
ACCOUNTS_A_PAGE = 20

# Requests to S3, counted; publish reads each part besides.
PLAN_READS, PLAN_WRITES_AND_LISTS = 3, 4
BATCH_READS, BATCH_WRITES = 1, 1
PUBLISH_READS, PUBLISH_WRITES_AND_LISTS = 10, 16
# States that an execution enters, and a batch's of its own: its start is counted as one, too.
STATES, BATCH_STATES = 4, 2
LOG_BYTES = 600

# Calls that CloudTrail records of each account besides those of each region: ListRegions, and AssumeRole, which the
# account and the exporter's own record both.
EVENTS_AN_ACCOUNT = 3


@dataclass(frozen=True, slots=True)
class Size:
    """An organization: its accounts, the regions that are asked in each, and pools in all."""

    accounts: int
    regions: int
    pools: int

    @property
    def batches(self) -> int:
        """How many functions read it."""
        return math.ceil(self.accounts / int(DEPLOYED["accountsPerBatch"]))

    @property
    def events(self) -> int:
        """How many events CloudTrail records of a run."""
        return self.accounts * (self.regions + EVENTS_AN_ACCOUNT) + self.further_pages

    @property
    def further_pages(self) -> int:
        """How many pages there are at most besides the first of each region."""
        return self.pools // POOLS_A_PAGE


SIZES = (
    Size(100, 17, 10_000),
    Size(1_000, 34, 100_000),
    Size(10_000, 4, 1_000_000),
    Size(10_000, 34, 1_000_000),
)
LARGEST = SIZES[-1]


def gb_seconds(size: Size) -> float:
    """Return what a run's functions take of Lambda at most."""
    batch_memory_mb, in_a_batch = int(DEPLOYED["batchMemoryMb"]), int(DEPLOYED["accountsPerBatch"])
    cpu_seconds = START_SECONDS + in_a_batch * ACCOUNT_SECONDS * size.regions / ACCOUNT_REGIONS
    # AssumeRole, ListRegions and the page of the fullest region, one after the other in each account.
    waiting_seconds = math.ceil(in_a_batch / ACCOUNTS_AT_ONCE) * 3 * PAGE_SECONDS + 2 * S3_SECONDS
    batch_seconds = cpu_seconds * max(1, CORE_MB / batch_memory_mb) + waiting_seconds
    plan_seconds = START_SECONDS * CORE_MB / PLAN_MEMORY_MB + size.accounts / ACCOUNTS_A_PAGE * PAGE_SECONDS
    # As if each of them kept a function waiting that waits for nothing else.
    batches_seconds = size.batches * batch_seconds + size.further_pages * PAGE_SECONDS
    return (
        batches_seconds * batch_memory_mb
        + plan_seconds * PLAN_MEMORY_MB
        + PUBLISH_SECONDS * int(DEPLOYED["publishMemoryMb"])
    ) / 1024


def run(size: Size) -> dict[str, float]:
    """Return what a run costs at most, in dollars, by what is paid for."""
    log_bytes = (size.batches + 2) * (LOG_BYTES + PLATFORM_LOG_BYTES)
    kept_months = int(DEPLOYED["logRetentionDays"]) / DAYS
    writes = PLAN_WRITES_AND_LISTS + size.batches * BATCH_WRITES + PUBLISH_WRITES_AND_LISTS
    reads = PLAN_READS + size.batches * (BATCH_READS + 1) + PUBLISH_READS
    return {
        "Lambda": PRICES["Lambda, arm64"].of(gb_seconds(size)) + PRICES["Lambda, requests"].of(size.batches + 2),
        "Step Functions": PRICES["Step Functions"].of(STATES + size.batches * BATCH_STATES),
        "S3 requests": PRICES["S3, writes and lists"].of(writes) + PRICES["S3, reads"].of(reads),
        "logs": PRICES["CloudWatch Logs, taken in"].of(log_bytes)
        + PRICES["CloudWatch Logs, kept"].of(log_bytes * kept_months),
    }


def month(size: Size, runs_a_day: int) -> float:
    """Return what a month costs at most, in dollars, in the last month of the first year."""
    runs = DAYS * runs_a_day
    largest = RECORDED["cases"][-1]
    snapshot_bytes = size.pools * largest["snapshot_bytes"] / largest["pools"]
    # A year of snapshots, a month of what was staged for them, and a month of what the next run wrote over.
    stored_bytes = (12 + 2) * runs * snapshot_bytes
    return (
        runs * sum(run(size).values())
        + PRICES["S3 Standard"].of(stored_bytes)
        + PRICES["CloudWatch, metrics"].of((METRICS * runs_a_day + size.regions) * DAYS / HOURS)
        + PRICES["CloudWatch, alarms"].of(ALARM_METRICS)
    )


def run_table() -> Table:
    """Return what one run costs."""
    header = (
        "accounts",
        "regions",
        "pools",
        "batches",
        *run(LARGEST),
        "**a run**",
        "a month, daily",
        "a month, hourly",
    )
    rows = []
    for size in SIZES:
        parts = run(size)
        named = (f"{size.accounts:,}", str(size.regions), f"{size.pools:,}", str(size.batches))
        total = f"{sum(parts.values()):.3f}"
        months = (f"{month(size, runs_a_day):,.2f}" for runs_a_day in (DAILY, HOURLY))
        rows.append((*named, *(f"{each:.4f}" for each in parts.values()), total, *months))
    return header, rows


def events_table() -> Table:
    """Return what others charge for the calls of 10,000 accounts."""
    rows: list[tuple[str, ...]] = []
    for schedule, runs_a_day in (("each hour", HOURLY), ("each 6 hours", 4), ("each day, the default", DAILY)):
        for size in (LARGEST, *(each for each in SIZES if each.accounts == LARGEST.accounts and each != LARGEST)):
            events = size.events * DAYS * runs_a_day
            dollars = (PRICES[name].of(events) for name in ("CloudTrail, a second trail", "GuardDuty, CloudTrail"))
            rows.append((schedule, str(size.regions), f"{events / 1e6:,.1f}", *(f"{each:,.0f}" for each in dollars)))
    return ("snapshots", "regions", "million events a month", "a second trail", "GuardDuty"), rows


def tables() -> dict[str, Table]:
    """Return each table by its name in docs/cost.md."""
    return {"run of an organization": run_table(), "events of an organization": events_table()}


if __name__ == "__main__":
    print_tables(tables())
