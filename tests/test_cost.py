"""The arithmetic of docs/cost.md, by hand; and what it promises."""

from pathlib import Path

import pytest
from pool_inventory.settings import DAILY, EACH

from benchmarks import cost

PAGE = Path(__file__).parents[1] / "docs/cost.md"

# Of an hourly month 30 runs are the first of a day, and 690 are later ones.
CASE = cost.Case(
    pools=121,
    regions=2,
    pages=4,
    metrics=12,
    s3_writes_and_lists=10,
    s3_reads=5,
    log_bytes=1_500,
    log_bytes_of_first=2_500,
    snapshot_bytes=100_000,
    latest_bytes=50_000,
    cpu_seconds=1.0,
)


@pytest.fixture(autouse=True)
def _deployed_by_hand(monkeypatch: pytest.MonkeyPatch) -> None:
    settings = {"memoryMb": 512, "logRetentionDays": 90, "maxRequestsPerSecond": 10, "regionMetrics": DAILY}
    monkeypatch.setattr(cost, "DEPLOYED", settings)


def test_a_run_takes_as_long_as_its_fullest_region_s3_and_cpu() -> None:
    """It waits for the pages of that region and for S3, and computes on its memory's share of a core."""
    # 61 pools are two pages.
    assert CASE.seconds() == pytest.approx(1769 / 512 + 2 * 0.2 + 10 * 0.05)


def test_a_page_takes_no_less_than_the_pace_allows(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cost, "DEPLOYED", {**cost.DEPLOYED, "maxRequestsPerSecond": 2})
    assert CASE.seconds() == pytest.approx(1769 / 512 + 2 * 0.5 + 10 * 0.05)


@pytest.mark.parametrize(
    ("runs_a_day", "region_metrics", "metric_months"),
    [
        (24, EACH, 14),
        (24, DAILY, 12 + 2 / 24),
        (1, EACH, 14 / 24),
        (1, DAILY, 14 / 24),
    ],
)
def test_a_metric_is_paid_for_by_the_hours_in_which_it_is_sent(
    runs_a_day: int, region_metrics: str, metric_months: float
) -> None:
    assert cost.metric_months(CASE, runs_a_day, region_metrics=region_metrics) == pytest.approx(metric_months)


def test_a_month_by_hand() -> None:
    seconds = 720 * CASE.seconds()
    log_bytes = 690 * 2_000 + 30 * 3_000
    assert cost.month(CASE, 24) == pytest.approx(
        {
            "metrics": (12 + 2 / 24) * 0.30,
            "alarms": 0.70,
            "S3 requests": 720 * 10 * 0.005 / 1000 + 720 * 5 * 0.40 / 1e6,
            "S3 storage": (12 * 720 * 100_000 + 720 * 50_000) / 1e9 * 0.023,
            "Lambda": 720 * 0.20 / 1e6 + seconds * 0.5 * 0.0000133334,
            "Scheduler and logs": 720 / 1e6 + log_bytes / 1e9 * (0.50 + 3 * 0.03),
        }
    )


def test_the_allowance_is_no_more_than_is_used() -> None:
    assert cost.allowance(CASE, 24) == pytest.approx(10 * 0.30 + 7 * 0.10)
    assert cost.allowance(CASE, 1) == pytest.approx(14 / 24 * 0.30 + 7 * 0.10)


def test_1000_pools_every_hour_cost_under_5_dollars_a_month(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """And as much as docs/cost.md says."""
    monkeypatch.undo()
    totals = {case.regions: sum(cost.month(case, 24).values()) for case in cost.cases() if case.pools == 1_000}
    assert set(totals) == {1, 17, 34}
    assert max(totals.values()) < 5
    first, second, third = (f"{total:.2f}" for total in totals.values())
    assert f"{first}, {second} and {third} dollars" in " ".join(PAGE.read_text().split())


def test_each_price_says_where_and_when_it_was_read() -> None:
    for name, price in cost.PRICES.items():
        assert price.source.startswith("https://"), name
        assert price.as_of, name
