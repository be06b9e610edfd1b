from datetime import timedelta

import pytest

from infra.due import gap_of, longest_gap

MINUTE = timedelta(minutes=1)
HOUR = timedelta(hours=1)
DAY = timedelta(days=1)


@pytest.mark.parametrize(
    ("schedule", "gap"),
    [
        ("rate(5 minutes)", 5 * MINUTE),
        ("rate(1 hour)", HOUR),
        ("rate(7 days)", 7 * DAY),
        ("cron(0 * * * ? *)", HOUR),
        ("cron(0/15 * * * ? *)", 15 * MINUTE),
        ("cron(*/25 * * * ? *)", 25 * MINUTE),
        ("cron(5/25 * * * ? *)", 25 * MINUTE),
        ("cron(0,10 * * * ? *)", 50 * MINUTE),
        ("cron(50 22-2 * * ? *)", 20 * HOUR),
        ("cron(0 6-18/4 * * ? *)", 12 * HOUR),
        ("cron(0 3 * * ? *)", DAY),
        ("cron(0 3,15 ? * * *)", 12 * HOUR),
        ("cron(0 3 1/2 * ? *)", 2 * DAY),
        ("cron(0 3 ? * mon-fri *)", 3 * DAY),
        ("cron(0 3 ? * 2-6 *)", 3 * DAY),
        ("cron(0 3 ? * FRI-MON *)", 4 * DAY),
        ("cron(0/15 6-18 ? * MON-FRI *)", 3 * DAY - 12 * HOUR - 45 * MINUTE),
        ("cron(0 3 ? * SUN *)", 7 * DAY),
        ("cron(0 3 ? * L *)", 7 * DAY),
        ("cron(0 3 ? * L,4 *)", 4 * DAY),
        ("cron(0 3 1,8,15,22,29 * ? *)", 7 * DAY),
        ("cron(0 3 1,4,7,10,13,16,19,22,25,27 * ? *)", 5 * DAY),
        ("cron(0 3 2-31,L * ? *)", 2 * DAY),
    ],
)
def test_the_longest_gap_is_the_longest_that_the_schedule_leaves(schedule: str, gap: timedelta) -> None:
    assert longest_gap(schedule) == gap


@pytest.mark.parametrize(
    "schedule",
    [
        "rate(8 days)",
        "cron(0 3 1 * ? *)",
        "cron(0 3 L * ? *)",
        "cron(0 3 L-3 * ? *)",
        "cron(0 3 LW * ? *)",
        "cron(0 3 1,15W * ? *)",
        "cron(0 3 1,8,15,22 * ? *)",
        "cron(0 3 ? * 6#1 *)",
        "cron(0 3 ? * FRI#1 *)",
        "cron(0 3 ? * 6L *)",
        "cron(0 3 * JAN-NOV ? *)",
    ],
)
def test_what_is_over_a_week_is_none(schedule: str) -> None:
    assert longest_gap(schedule) is None


def test_a_schedule_that_ends_is_measured_while_it_lasts() -> None:
    assert longest_gap("cron(0 3 * * ? 2026-2027)") == DAY


@pytest.mark.parametrize(
    ("schedule", "days"),
    [
        ("rate(366 days)", 366),
        ("cron(0 3 1 1 ? *)", 366),
        ("cron(0 3 1 * ? *)", 31),
        ("cron(0 3 L * ? *)", 31),
        ("cron(0 3 L-3 * ? *)", 31),
        ("cron(0 3 1,15 * ? *)", 17),
        ("cron(0 3 LW * ? *)", 33),
        ("cron(0 3 1W * ? *)", 33),
        ("cron(0 3 15W * ? *)", 32),
        ("cron(0 3 ? * 6#1 *)", 35),
        ("cron(0 3 ? * FRI#1 *)", 35),
        ("cron(0 3 ? * 6L *)", 35),
        ("cron(0 3 ? * 6#1,6#3 *)", 21),
    ],
)
def test_the_gap_of_a_slow_schedule_is_known(schedule: str, days: int) -> None:
    assert gap_of(schedule) == days * DAY


def test_a_month_without_a_31st_is_skipped() -> None:
    assert gap_of("cron(0 3 31 * ? *)") == 61 * DAY
    assert gap_of("cron(0 3 31W * ? *)") == 63 * DAY, "from October 29th, a Friday, to December 31st"


@pytest.mark.parametrize(
    "schedule",
    [
        "rate(367 days)",
        "rate(99999999999 days)",
        f"rate({'9' * 5000} minutes)",
        "cron(0 3 30 2 ? *)",
        "cron(0 3 29 2 ? *)",
        f"cron({'9' * 5000} 3 * * ? *)",
        f"cron(0/{'9' * 5000} 3 * * ? *)",
        "cron(0/00 3 * * ? *)",
        "cron(0/60 3 * * ? *)",
        "cron(0 3 32W * ? *)",
        "cron(0 3 L-31 * ? *)",
        "cron(0 3 ? * 8L *)",
        "cron(0 3 ? * 6#6 *)",
        "cron(0 3 * * ? 1969)",
        "cron(0 3 * * ? 99999999999)",
    ],
)
def test_a_number_that_no_schedule_has_is_refused(schedule: str) -> None:
    with pytest.raises(ValueError, match=r"is none of cron\(\)'s|comes at least once a year"):
        gap_of(schedule)
