"""What CloudWatch makes of an alarm, minute by minute: a model of what its documentation says.

https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/alarm-evaluation.html
https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/alarms-and-missing-data.html
https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/alarm-warm-up.html
"""

import operator
from collections.abc import Iterator, Mapping
from itertools import pairwise
from typing import Any

OK, ALARM, INSUFFICIENT_DATA = "OK", "ALARM", "INSUFFICIENT_DATA"

_COMPARISONS = {
    "LessThanThreshold": operator.lt,
    "GreaterThanThreshold": operator.gt,
    "GreaterThanOrEqualToThreshold": operator.ge,
}
# CloudWatch retrieves more periods than are evaluated, and does not say how many; its examples have two more.
_MORE_PERIODS = 2


def state_changes(alarm: Mapping[str, Any], figures: Mapping[int, float], *, minutes: int) -> list[tuple[int, str]]:
    """When an alarm goes into which state, in minutes since it was made: an action is taken at each of these.

    Only of alarms whose window ends now, and on the metric alone or FILL(metric, 0).

    Args:
        alarm: the properties of its resource.
        figures: the metric's, by minute.
        minutes: how long to look on.
    """
    states = [INSUFFICIENT_DATA, *_states(alarm, figures, minutes=minutes)]
    return [(minute, after) for minute, (before, after) in enumerate(pairwise(states)) if before != after]


def _states(alarm: Mapping[str, Any], figures: Mapping[int, float], *, minutes: int) -> Iterator[str]:
    warm_up = alarm.get("WarmUpConfiguration", {"WarmUpPeriodDurationInMinutes": 0})
    warm, state = False, INSUFFICIENT_DATA
    for now in range(minutes):
        points = _points(alarm, figures, now)
        filled = None not in points[: alarm["EvaluationPeriods"]]
        may_end_early = not warm_up.get("OnlyStartEvaluatingAfterWarmUpPeriodEnds", False)
        warm = warm or now >= warm_up["WarmUpPeriodDurationInMinutes"] or (may_end_early and filled)
        if warm:
            state = _evaluate(alarm, points, state)
        yield state


def _points(alarm: Mapping[str, Any], figures: Mapping[int, float], now: int) -> list[float | None]:
    """What is retrieved, the newest first; None where there is nothing."""
    stated = next((each["MetricStat"] for each in alarm.get("Metrics", ()) if "MetricStat" in each), None)
    period = (stated or alarm)["Period"] // 60
    of_period = {"Maximum": max, "Minimum": min}[stated["Stat"] if stated else alarm["Statistic"]]
    ends = (now - number * period for number in range(alarm["EvaluationPeriods"] + _MORE_PERIODS))
    found = [[value for minute, value in figures.items() if end - period < minute <= end] for end in ends]
    nothing = 0.0 if any(each.get("Expression", "").startswith("FILL(") for each in alarm.get("Metrics", ())) else None
    return [of_period(values) if values else nothing for values in found]


def _evaluate(alarm: Mapping[str, Any], points: list[float | None], state: str) -> str:
    periods = alarm["EvaluationPeriods"]
    known = [point for point in points if point is not None]
    breaching = [_COMPARISONS[alarm["ComparisonOperator"]](point, alarm["Threshold"]) for point in known]
    if len(known) < periods:
        match alarm["TreatMissingData"]:
            case "ignore":
                return state
            case "breaching":
                breaching += [True] * periods
            case "notBreaching":
                breaching += [False] * periods
    return ALARM if all(breaching[:periods]) else OK
