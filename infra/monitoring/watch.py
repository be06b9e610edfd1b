"""Over how long a time the alarms look at a schedule's snapshots."""

import math
from dataclasses import dataclass
from datetime import timedelta

from infra import due

# The longest that CloudWatch waits before it looks at an alarm for the first time.
# https://docs.aws.amazon.com/AmazonCloudWatch/latest/APIReference/API_WarmUpConfiguration.html
_LONGEST_WARM_UP = timedelta(days=2)


@dataclass(frozen=True, slots=True, kw_only=True)
class Watch:
    """A number of periods in a row.

    Attributes:
        sees_silence: whether a snapshot is due in each period, so that one without any is wrong.
        calendar_weeks: whether the periods are weeks from Monday to Sunday, and do not just end now.
        shortfall: what the alarms cannot do for a schedule as slow as this, in words; None if they do all.
    """

    period: timedelta
    periods: int
    sees_silence: bool = True
    calendar_weeks: bool = False
    shortfall: str | None = None

    @property
    def warm_up(self) -> timedelta:
        """How long an alarm waits after its deploy: until a snapshot was due in its window, or as near as it may."""
        return min(self.periods * self.period, _LONGEST_WARM_UP)

    @property
    def until_next_run(self) -> timedelta:
        """How long what a run reports counts: until the next run has reported, and a week at most."""
        return self.period if self.sees_silence else due.WEEK

    @classmethod
    def over(cls, schedule: str, *, timeout_seconds: int) -> "Watch":
        """Return two of the schedule's periods, or what comes nearest: no alarm looks back further than a week.

        A period is the longest time between two due times, and the time that a run may take besides: periods that end
        now would else find nothing between a snapshot that was quick and the next, if that is slow.
        https://docs.aws.amazon.com/AmazonCloudWatch/latest/APIReference/API_PutMetricAlarm.html
        https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/alarm-evaluation-window.html

        Args:
            schedule: rate(...) or cron(...).
            timeout_seconds: the time that a run may take.
        """
        gap = due.longest_gap(schedule)
        if gap is None:
            return cls(
                period=timedelta(days=1),
                periods=1,
                sees_silence=False,
                shortfall=f"schedule={schedule!r} leaves more than a week between two snapshots, and no CloudWatch"
                " alarm looks back further than that: if the schedule stops, nothing rings. A snapshot that fails or"
                " is partial rings at the first.",
            )
        if 2 * gap > due.WEEK:
            return cls(
                period=due.WEEK,
                periods=1,
                calendar_weeks=True,
                shortfall=f"schedule={schedule!r} leaves more than half a week between two snapshots, and no"
                " CloudWatch alarm looks back further than a week: the alarms on snapshots look at one week from"
                " Monday to Sunday, once it is over, and not at two periods of the schedule. Two days after the first"
                " deploy 'No complete snapshot' rings, until a week with a complete snapshot is over.",
            )
        period = gap + timedelta(minutes=math.ceil(timeout_seconds / 60))
        return cls(period=min(period, due.WEEK / 2), periods=2)
