from datetime import UTC, datetime, timedelta

import click
import pytest
from pool_inventory.clock import Clock
from pool_inventory.terminal import console
from pool_inventory.terminal.console import Moment, parse_list, parse_moment, parse_since

CONTEXT = click.Context(click.Command("show"))
OPTION = click.Option(["--region"])


@pytest.mark.parametrize(
    ("text", "up_to", "since"),
    [
        ("2026-11-24", "2026-11-24T23-59Z", "2026-11-24T00-00Z"),
        ("2026-11-24T18:00:00Z", "2026-11-24T18-00Z", "2026-11-24T18-00Z"),
        ("2026-11-24T18:00:00+02:00", "2026-11-24T16-00Z", "2026-11-24T16-00Z"),
    ],
)
def test_a_day_is_whole_whichever_end_is_asked_for(text: str, up_to: str, since: str) -> None:
    assert parse_moment(CONTEXT, OPTION, text) == Moment(up_to, exact=False)
    assert parse_since(CONTEXT, OPTION, text) == Moment(since, exact=False)


def test_today_and_yesterday_are_days_in_utc(monkeypatch: pytest.MonkeyPatch) -> None:
    now = datetime(2026, 11, 24, 0, 30, tzinfo=UTC)
    monkeypatch.setattr(console, "Clock", lambda: Clock(now=lambda: now))
    assert parse_since(CONTEXT, OPTION, "today") == Moment("2026-11-24T00-00Z", exact=False)
    assert parse_since(CONTEXT, OPTION, "yesterday") == Moment("2026-11-23T00-00Z", exact=False)
    assert parse_moment(CONTEXT, OPTION, "yesterday") == Moment("2026-11-23T23-59Z", exact=False)
    assert parse_since(CONTEXT, OPTION, "24h") == Moment("2026-11-23T00-30Z", exact=False)


def test_an_id_names_its_snapshot_alone() -> None:
    assert parse_since(CONTEXT, OPTION, "2026-11-24T18-00Z") == Moment("2026-11-24T18-00Z", exact=True)


def test_a_list_has_its_names_without_white_space() -> None:
    assert parse_list(CONTEXT, OPTION, ("us-east-1, eu-west-1", "sa-east-1")) == (
        "us-east-1",
        "eu-west-1",
        "sa-east-1",
    )
    assert parse_list(CONTEXT, OPTION, ()) == ()


@pytest.mark.parametrize("texts", [("",), ("us-east-1,,eu-west-1",), ("us-east-1", " ")])
def test_a_list_has_no_empty_name(texts: tuple[str, ...]) -> None:
    """It would otherwise ask for all."""
    with pytest.raises(click.BadParameter, match="has an empty name"):
        parse_list(CONTEXT, OPTION, texts)


@pytest.mark.parametrize(("address", "expected"), [("s3://b", ("b", "user-pools")), ("s3://b/a/c/", ("b", "a/c"))])
def test_an_address_without_a_prefix_has_the_default(address: str, expected: tuple[str, str]) -> None:
    assert console.split_address(address) == expected


def test_a_time_more_than_a_day_ahead_is_refused() -> None:
    ahead = (Clock().now() + timedelta(days=3)).date().isoformat()
    for parse in (parse_moment, parse_since):
        with pytest.raises(click.BadParameter, match="more than a day to come"):
            parse(CONTEXT, OPTION, ahead)
