"""The longest time between two due times of a schedule, by its expression of EventBridge Scheduler.

https://docs.aws.amazon.com/scheduler/latest/UserGuide/schedule-types.html
"""

import re
from calendar import monthrange
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, timedelta
from itertools import pairwise

WEEK = timedelta(days=7)
LONGEST = timedelta(days=366)

_DAY_MINUTES = 24 * 60
_SATURDAY, _SUNDAY = 6, 7  # by date.isoweekday()
_MONTHS = ("JAN", "FEB", "MAR", "APR", "MAY", "JUN", "JUL", "AUG", "SEP", "OCT", "NOV", "DEC")
_WEEKDAYS = ("SUN", "MON", "TUE", "WED", "THU", "FRI", "SAT")
_MAX_DIGITS = 9  # of any number: one of thousands of digits is an error of its own to int()
# A year and a leap year, with every case of the days of the month; weekdays repeat each week.
_CALENDAR = tuple(date(2027, 1, 1) + timedelta(days=number) for number in range(365 + 366))
# One day of a month: L, L-3, LW and 15W among days of the month, 6L and 6#1 among days of the week.
_IN_A_MONTH = re.compile(r"L(-([1-9]|[12]\d|30))?|LW|([1-9]|[12]\d|3[01])W", re.ASCII)
_IN_A_WEEK = re.compile(rf"([1-7]|{'|'.join(_WEEKDAYS)})(L|#[1-5])", re.ASCII)


@dataclass(frozen=True, slots=True)
class _Field:
    """A field of cron(): its name, its lowest and highest number, and the numbers that have names."""

    name: str
    lowest: int
    highest: int
    names: Mapping[str, int] = field(default_factory=dict)

    def numbers(self, text: str) -> set[int]:
        """Return the numbers that a text stands for."""
        return {number for part in text.upper().split(",") for number in self._part(part)}

    def days(self, text: str, one_in_a_month: re.Pattern[str]) -> tuple[set[int], list[str]]:
        """Return the numbers of a field of days, and apart from them what means one day of a month."""
        parts = text.upper().split(",")
        apart = [part for part in parts if one_in_a_month.fullmatch(part)]
        return {number for part in parts if part not in apart for number in self._part(part)}, apart

    def _part(self, part: str) -> range | list[int]:
        match = re.fullmatch(r"([*?]|\w+)(?:-(\w+))?(?:/(\d+))?", part, re.ASCII)
        if not match:
            raise self._error(part)
        first, last, step = match.groups()
        if step and not 0 < _number(step) <= self.highest:
            raise self._error(part)
        low = self.lowest if first in "*?" else self._number(first)
        high = self._number(last) if last else self.highest if step or first in "*?" else low
        # FRI-MON goes on past the highest.
        span = range(low, high + 1) if low <= high else [*range(low, self.highest + 1), *range(self.lowest, high + 1)]
        return span[:: int(step or 1)]

    def _number(self, text: str) -> int:
        number = self.names.get(text, _number(text))
        if not self.lowest <= number <= self.highest:
            raise self._error(text)
        return number

    def _error(self, text: str) -> ValueError:
        return ValueError(f"{text!r} is none of cron()'s {self.name}, which are {self.lowest} to {self.highest}")


_MINUTE = _Field("minutes", 0, 59)
_HOUR = _Field("hours", 0, 23)
_DAY_OF_MONTH = _Field("days of the month", 1, 31)
_MONTH = _Field("months", 1, 12, {name: number for number, name in enumerate(_MONTHS, start=1)})
# L alone is the week's last day.
_DAY_OF_WEEK = _Field(
    "days of the week", 1, 7, {name: number for number, name in enumerate(_WEEKDAYS, start=1)} | {"L": 7}
)
_YEAR = _Field("years", 1970, 2199)


def longest_gap(schedule: str) -> timedelta | None:
    """Return what gap_of does where that is a week at most, None where it is more.

    Raises:
        ValueError: as gap_of.
    """
    gap = gap_of(schedule)
    return gap if gap <= WEEK else None


def gap_of(schedule: str) -> timedelta:
    """Return the longest time from one due time to the next, for as long as the schedule lasts.

    Args:
        schedule: rate(...) or cron(...), of the right number of fields.

    Raises:
        ValueError: a field of cron() has something that it cannot mean, or no snapshot is due in a year.
    """
    kind, _, rest = schedule.removesuffix(")").partition("(")
    gap = _gap_of_rate(*rest.split()) if kind == "rate" else _gap_of_cron(*rest.split())
    if gap is None or gap > LONGEST:
        raise ValueError("not a schedule that comes at least once a year")
    return gap


def _number(text: str) -> int:
    """Return a number, or -1 for what is none that any field has."""
    return int(text) if text.isdecimal() and len(text) <= _MAX_DIGITS else -1


def _gap_of_rate(count: str, unit: str) -> timedelta | None:
    # 999,999,999 days are the longest time that Python has.
    return timedelta(**{f"{unit.removesuffix('s')}s": _number(count)}) if _number(count) > 0 else None


def _gap_of_cron(minute: str, hour: str, day_of_month: str, month: str, day_of_week: str, year: str) -> timedelta:
    _YEAR.numbers(year)
    minutes = sorted(60 * hours + each for hours in _HOUR.numbers(hour) for each in _MINUTE.numbers(minute))
    months = _MONTH.numbers(month)
    days, in_month = _DAY_OF_MONTH.days(day_of_month, _IN_A_MONTH)
    weekdays, in_week = _DAY_OF_WEEK.days(day_of_week, _IN_A_WEEK)
    due = [
        number
        for number, day in enumerate(_CALENDAR)
        if day.month in months
        and (day.day in days or any(_is_in_month(part, day) for part in in_month))
        and (day.isoweekday() % 7 + 1 in weekdays or any(_is_in_week(part, day) for part in in_week))
    ]
    nights = max(later - earlier for earlier, later in pairwise([-1, *due, len(_CALENDAR)]))
    overnight = nights * _DAY_MINUTES - (minutes[-1] - minutes[0])
    return timedelta(minutes=max([overnight, *(later - earlier for earlier, later in pairwise(minutes))]))


def _is_in_month(part: str, day: date) -> bool:
    """Whether a day is the one of its month that L, L-3, LW or 15W mean."""
    last = monthrange(day.year, day.month)[1]
    if not part.endswith("W"):
        return day.day == last - int(part[2:] or 0)
    number = last if part == "LW" else int(part[:-1])
    if number > last:
        return False
    # The weekday that is nearest, and still of the month.
    weekday = day.replace(day=number).isoweekday()
    if weekday == _SATURDAY:
        number += -1 if number > 1 else 2
    elif weekday == _SUNDAY:
        number += 1 if number < last else -2
    return day.day == number


def _is_in_week(part: str, day: date) -> bool:
    """Whether a day is the one of its month that 6L or 6#1 mean."""
    name, _, which = part.removesuffix("L").partition("#")
    weekday = _DAY_OF_WEEK.names.get(name) or int(name)
    if day.isoweekday() % 7 + 1 != weekday:
        return False
    return (day.day - 1) // 7 + 1 == int(which) if which else day.day + 7 > monthrange(day.year, day.month)[1]
