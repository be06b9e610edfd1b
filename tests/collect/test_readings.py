"""Many targets at once: none waits for another, and none fails because of another."""

import threading
from collections.abc import Iterator

import boto3
import pytest
from pool_inventory.aws.calls import Deadline
from pool_inventory.clock import Clock
from pool_inventory.collect.readings import Reading, collect
from pool_inventory.model import Target
from pool_inventory.terminal.demo import stand_in
from pool_inventory.terminal.demo.stand_in import StandIn, listing, reply, seed
from werkzeug.wrappers import Request, Response

from tests.makers import TIME, any_pools, any_target

REGIONS = boto3.session.Session().get_available_regions("cognito-idp")


def read(*regions: str, seconds: float = 60) -> dict[str, Reading]:
    readings = collect(
        [any_target(region) for region in regions],
        session=boto3.session.Session(),
        snapshot_time=TIME,
        max_requests_per_second=0,
        deadline=Deadline.after(seconds, Clock()),
        read_before=lambda: (),
    )
    return {reading.coverage.region: reading for reading in readings}


def test_all_regions_are_asked_at_once(aws: StandIn) -> None:
    together = threading.Barrier(len(REGIONS), timeout=20)

    def once_all_have_asked(_: Request) -> Response:
        together.wait()
        return reply({"UserPools": []})

    aws.answers.append(once_all_have_asked)
    assert {reading.coverage.status for reading in read(*REGIONS).values()} == {"ok"}


def test_readings_are_sorted_by_account_and_region(aws: StandIn) -> None:
    """Whatever order the targets were named in."""
    targets = [Target("2", "us-east-1"), Target("1", "us-west-2"), Target("1", "eu-west-1")]
    readings = collect(
        targets,
        session=boto3.session.Session(),
        snapshot_time=TIME,
        max_requests_per_second=0,
        deadline=Deadline.after(60, Clock()),
        read_before=lambda: (),
    )
    found = [(reading.coverage.account_id, reading.coverage.region) for reading in readings]
    assert found == [("1", "eu-west-1"), ("1", "us-west-2"), ("2", "us-east-1")]


def test_a_denied_region_and_an_empty_one_do_not_look_alike(aws: StandIn) -> None:
    seed("us-east-1", any_pools(3))
    aws.answers.append(listing("eu-west-1", stand_in.deny))
    found = {region: each.coverage for region, each in read("us-east-1", "eu-west-1", "sa-east-1").items()}
    assert (found["us-east-1"].status, found["us-east-1"].pools) == ("ok", 3)
    assert (found["sa-east-1"].status, found["sa-east-1"].pools) == ("ok", 0)
    assert (found["eu-west-1"].status, found["eu-west-1"].pools) == ("denied", None)


@pytest.fixture
def answered(aws: StandIn) -> Iterator[threading.Event]:
    """Has eu-west-1 give no answer until the test is over, or too late; set once it has."""
    over, answered = threading.Event(), threading.Event()

    def wait(_: Request) -> Response:
        over.wait(8)
        answered.set()
        return Response()

    aws.answers.append(listing("eu-west-1", wait))
    yield answered
    over.set()


def test_a_region_too_late_for_the_deadline_is_left_out_alone(aws: StandIn, answered: threading.Event) -> None:
    """The others are read."""
    seed("us-east-1", any_pools(3))
    found = read("us-east-1", "eu-west-1", seconds=5)
    assert not answered.is_set(), "nobody waited for it"
    assert found["us-east-1"].coverage.pools == 3
    late = found["eu-west-1"]
    assert (late.coverage.status, late.coverage.pools, late.lines) == ("timed_out", None, ())
    assert late.coverage.requests == 1


def test_nothing_is_asked_without_time_left(aws: StandIn) -> None:
    found = read("us-east-1", seconds=-5)["us-east-1"].coverage
    assert (found.status, found.requests) == ("timed_out", 0)
    assert aws.requests == []
