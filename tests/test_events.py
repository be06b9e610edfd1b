from datetime import UTC, datetime
from typing import Any

import pytest
from pool_inventory.errors import EventError
from pool_inventory.events import snapshot_time

NOW = datetime(2026, 11, 24, 20, 14, 37, 5, tzinfo=UTC)


@pytest.mark.parametrize(
    ("event", "expected"),
    [
        ({"time": "2026-11-24T18:00:00Z"}, "2026-11-24T18:00:00+00:00"),
        ({"time": "2026-11-24T18:00:59.999Z"}, "2026-11-24T18:00:00+00:00"),
        ({"time": "2026-11-24T18:30:00+05:30"}, "2026-11-24T13:00:00+00:00"),
        ({"time": "2026-11-25T20:14:00Z"}, "2026-11-25T20:14:00+00:00"),
        ({}, "2026-11-24T20:14:00+00:00"),
        ({"source": "aws.events", "detail": {}}, "2026-11-24T20:14:00+00:00"),
    ],
)
def test_the_time_is_the_events_own_to_the_minute_or_else_now(event: object, expected: str) -> None:
    assert expected == snapshot_time(event, NOW).isoformat()


@pytest.mark.parametrize(
    "time",
    [
        "<aws.scheduler.scheduled-time>",
        "2026-11-24T18:00:00",
        "2026-11-24",
        "18:00",
        "",
        None,
        1_795_543_200,
        "2026-13-01T00:00:00Z",
        "0001-01-01T00:00:00+14:00",
        "2999-01-01T00:00:00Z",
    ],
)
def test_a_wrong_time_is_an_error_that_gives_it(time: Any) -> None:
    with pytest.raises(EventError) as caught:
        snapshot_time({"time": time}, NOW)
    assert f"time={time!r} " in str(caught.value)


@pytest.mark.parametrize("event", [None, [], "now"])
def test_an_event_that_is_no_object_is_an_error(event: object) -> None:
    with pytest.raises(EventError, match="no object"):
        snapshot_time(event, NOW)
