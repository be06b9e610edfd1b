"""How long a schedule keeps one waiting, worked out from the expression that EventBridge Scheduler is given.

https://docs.aws.amazon.com/scheduler/latest/UserGuide/schedule-types.html
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, timedelta
from itertools import pairwise

WEEK = timedelta(days=7)

_DAY_MINUTES = 24 * 60
_MONTHS = ("JAN", "FEB", "MAR", "APR", "MAY", "JUN", "JUL", "AUG", "SEP", "OCT", "NOV", "DEC")
_WEEKDAYS = ("SUN", "MON", "TUE", "WED", "THU", "FRI", "SAT")
# A year and a leap year, with all that days of the month can come to; what weekdays do comes again each week.
_CALENDAR = tuple(date(2027, 1, 1) + timedelta(days=number) for number in range(365 + 366))
# L, 15W, 6#1 and the like: one day of a month.
_DAY_OF_A_MONTH = r"L(-\d+)?|LW|\d+W|\w+L|\w+#\d"


@dataclass(frozen=True, slots=True)
class _Field:
    """A field of cron(): its name, its lowest and highest number, and the numbers that have names."""

    name: str
    lowest: int
    highest: int
    names: Mapping[str, int] = field(default_factory=dict)

    def numbers(self, text: str) -> set[int]:
        """Give the numbers that a text stands for."""
        return {number for part in text.upper().split(",") for number in self._part(part)}

    def days(self, text: str) -> set[int]:
        """Give the numbers of a field of days, less what means one day of a month, which can only shorten a gap."""
        parts = text.upper().split(",")
        kept = [part for part in parts if part in self.names or not re.fullmatch(_DAY_OF_A_MONTH, part)]
        return {number for part in kept for number in self._part(part)}

    def _part(self, part: str) -> range | list[int]:
        match = re.fullmatch(r"([*?]|\w+)(?:-(\w+))?(?:/(\d+))?", part)
        if not match:
            raise self._error(part)
        first, last, step = match.groups()
        if step == "0":
            raise self._error(part)
        low = self.lowest if first in "*?" else self._number(first)
        high = self._number(last) if last else self.highest if step or first in "*?" else low
        # FRI-MON goes on past the highest.
        span = range(low, high + 1) if low <= high else [*range(low, self.highest + 1), *range(self.lowest, high + 1)]
        return span[:: int(step or 1)]

    def _number(self, text: str) -> int:
        number = self.names.get(text, int(text) if text.isdecimal() else -1)
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


def longest_gap(schedule: str) -> timedelta | None:
    """Give the longest time from one due time to the next, for as long as the schedule lasts; None if over a week.

    Args:
        schedule: rate(...) or cron(...), of the right number of fields.

    Raises:
        ValueError: a field of cron() has something that it cannot mean.
    """
    kind, _, rest = schedule.removesuffix(")").partition("(")
    gap = _gap_of_rate(*rest.split()) if kind == "rate" else _gap_of_cron(*rest.split())
    return gap if gap <= WEEK else None


def _gap_of_rate(count: str, unit: str) -> timedelta:
    return timedelta(**{f"{unit.removesuffix('s')}s": int(count)})


def _gap_of_cron(minute: str, hour: str, day_of_month: str, month: str, day_of_week: str, _year: str) -> timedelta:
    minutes = sorted(60 * hours + each for hours in _HOUR.numbers(hour) for each in _MINUTE.numbers(minute))
    months, days, weekdays = _MONTH.numbers(month), _DAY_OF_MONTH.days(day_of_month), _DAY_OF_WEEK.days(day_of_week)
    due = [
        number
        for number, day in enumerate(_CALENDAR)
        if day.month in months and day.day in days and day.isoweekday() % 7 + 1 in weekdays
    ]
    nights = max(later - earlier for earlier, later in pairwise([-1, *due, len(_CALENDAR)]))
    overnight = nights * _DAY_MINUTES - (minutes[-1] - minutes[0])
    return timedelta(minutes=max([overnight, *(later - earlier for earlier, later in pairwise(minutes))]))
