from collections.abc import Callable

import boto3
import pytest
from pool_inventory.collect.readings import Reading, collect
from pool_inventory.terminal.demo import stand_in
from pool_inventory.terminal.demo.stand_in import StandIn

from tests.makers import TIME, HeldClock, any_target

Read = Callable[..., Reading]


@pytest.fixture
def held() -> HeldClock:
    return HeldClock()


@pytest.fixture
def read(aws: StandIn, held: HeldClock) -> Read:
    """Reads us-east-1, with a clock that does not wait."""

    def one(*, seconds: float = 280, max_requests_per_second: float = 0) -> Reading:
        (reading,) = collect(
            [any_target("us-east-1")],
            session=boto3.session.Session(),
            snapshot_time=TIME,
            max_requests_per_second=max_requests_per_second,
            deadline=held.deadline(seconds),
            read_before=lambda: (),
        )
        return reading

    return one


@pytest.fixture
def answer(aws: StandIn) -> Callable[..., None]:
    """Has ListUserPools in us-east-1 answered so, in turn, and then by moto."""

    def add(*answers: stand_in.Answer) -> None:
        aws.answers.append(stand_in.listing("us-east-1", stand_in.in_turn(*answers)))

    return add
