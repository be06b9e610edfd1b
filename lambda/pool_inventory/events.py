"""The event that starts a run → the time of its snapshot."""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta

from pool_inventory.errors import EventError

# A snapshot of a future time would stay the latest until that time, and no run before it would do anything.
# A day allows for clocks and for schedules that are set ahead, and passes by itself.
MAX_AHEAD = timedelta(days=1)


def snapshot_time(event: object, now: datetime) -> datetime:
    """Return the time of the snapshot that an event asks for, in UTC, to the minute.

    Args:
        event: `{"time": "2026-11-24T18:00:00Z"}`, as EventBridge Scheduler's <aws.scheduler.scheduled-time> and an
            EventBridge rule's event have it; without `time`, now.
        now: the time it is, in UTC.

    Raises:
        EventError: the event is no object, or its time is no time or one to come.
    """
    if not isinstance(event, Mapping):
        raise EventError(f'the event {event!r} is no object: send {{"time": "2026-11-24T18:00:00Z"}}, or {{}} for now')
    if "time" not in event:
        return to_the_minute(now)
    try:
        return parse_time(event["time"], now)
    except ValueError as error:
        raise EventError(f"the event's time={event['time']!r:.200} {error}") from error


def parse_time(text: object, now: datetime) -> datetime:
    """Return a time, given in ISO 8601 with its offset from UTC, in UTC and to the minute.

    Raises:
        ValueError: it is not that, or is more than a day to come; the text goes on from the name of what has it.
    """
    try:
        time = datetime.fromisoformat(text) if isinstance(text, str) else None
    except ValueError:
        time = None
    if time is None or time.tzinfo is None:
        raise ValueError("is no time in ISO 8601 with its offset from UTC, such as 2026-11-24T18:00:00Z")
    try:
        time = to_the_minute(time)
    except OverflowError:
        raise ValueError("is outside the years 1 to 9999 in UTC") from None
    if time > now + MAX_AHEAD:
        raise ValueError("is more than a day to come: no snapshot can be made of it yet")
    return time


def to_the_minute(time: datetime) -> datetime:
    """Return the time in UTC, its seconds cut off."""
    return time.astimezone(UTC).replace(second=0, microsecond=0)
