import itertools

import pytest
from botocore.exceptions import EndpointConnectionError, ReadTimeoutError
from pool_inventory.aws.calls import Caller, OutOfTimeError
from pool_inventory.aws.failures import MalformedResponseError, UnreachableError

from tests.aws.test_failures import client_error
from tests.makers import HeldClock, failing_first

THROTTLE = client_error("TooManyRequestsException")


@pytest.fixture
def held() -> HeldClock:
    return HeldClock()


def test_a_call_is_retried_until_it_succeeds_and_counted(held: HeldClock) -> None:
    caller = Caller(held.deadline())
    assert caller.call(failing_first(10, THROTTLE)) == "done"
    assert (caller.tally.requests, caller.tally.retries) == (11, 10)
    assert caller.tally.last_error is None


def test_backoff_is_random_below_a_bound_that_doubles(held: HeldClock) -> None:
    """The bound goes from a tenth of a second to 5 seconds."""
    Caller(held.deadline()).call(failing_first(20, THROTTLE))
    bounds = [min(0.1 * 2**number, 5) for number in range(20)]
    assert all(0 <= sleep <= bound for sleep, bound in zip(held.sleeps, bounds, strict=True))
    assert len(set(held.sleeps)) == 20
    assert max(held.sleeps) > 2.5


def test_no_number_of_failures_ends_a_call_that_has_time(held: HeldClock) -> None:
    caller = Caller(held.deadline(seconds=10_000))
    assert caller.call(failing_first(1000, THROTTLE)) == "done"


def test_no_sleep_begins_that_would_pass_the_deadline(held: HeldClock) -> None:
    caller = Caller(held.deadline(seconds=30))
    with pytest.raises(OutOfTimeError):
        caller.call(failing_first(1_000_000, THROTTLE))
    assert held.seconds < 1030
    assert caller.tally.last_error is THROTTLE


def test_no_call_begins_at_the_deadline(held: HeldClock) -> None:
    caller = Caller(held.deadline(seconds=0))
    with pytest.raises(OutOfTimeError):
        caller.call(lambda: "done")
    assert caller.tally.requests == 0


def test_a_permanent_error_is_raised_at_once(held: HeldClock) -> None:
    caller = Caller(held.deadline())
    denied = client_error("AccessDeniedException")
    with pytest.raises(type(denied), match="AccessDeniedException"):
        caller.call(failing_first(1, denied))
    assert (caller.tally.requests, held.sleeps) == (1, [])


def test_calls_keep_the_pace(held: HeldClock) -> None:
    caller = Caller(held.deadline(), max_requests_per_second=10)
    for _ in range(11):
        caller.call(lambda: None)
    assert held.seconds == pytest.approx(1001)


def test_the_pace_holds_across_retries(held: HeldClock) -> None:
    starts: list[float] = []
    fails = failing_first(5, THROTTLE)

    def request() -> object:
        starts.append(held.seconds)
        return fails()

    Caller(held.deadline(), max_requests_per_second=2).call(request)
    assert len(starts) == 6
    assert all(later - earlier > 0.499 for earlier, later in itertools.pairwise(starts))


def test_a_pace_that_would_pass_the_deadline_ends_the_target(held: HeldClock) -> None:
    caller = Caller(held.deadline(seconds=3), max_requests_per_second=1)
    for _ in range(3):
        caller.call(lambda: None)
    with pytest.raises(OutOfTimeError):
        caller.call(lambda: None)
    assert caller.tally.requests == 3


REFUSED = EndpointConnectionError(endpoint_url="https://nowhere/", error=OSError(111, "Connection refused"))


def test_an_endpoint_never_reached_is_given_up_after_30_seconds(held: HeldClock) -> None:
    caller = Caller(held.deadline())
    with pytest.raises(UnreachableError, match=r"could not connect to https://nowhere/ for 3\d s: .*refused"):
        caller.call(failing_first(1_000_000, REFUSED))
    assert 1030 <= held.seconds < 1036


@pytest.mark.parametrize("answer", [THROTTLE, MalformedResponseError("cut"), ReadTimeoutError(endpoint_url="x")])
def test_an_endpoint_reached_once_is_tried_to_the_deadline(held: HeldClock, answer: Exception) -> None:
    fails = iter([answer, *[REFUSED] * 1_000_000])

    def request() -> None:
        raise next(fails)

    with pytest.raises(OutOfTimeError):
        Caller(held.deadline(seconds=200)).call(request)
    assert held.seconds > 1150


def test_an_endpoint_counts_as_reached_after_one_success(held: HeldClock) -> None:
    caller = Caller(held.deadline(seconds=200))
    caller.call(lambda: None)
    with pytest.raises(OutOfTimeError):
        caller.call(failing_first(1_000_000, REFUSED))


def test_the_error_of_a_deadline_is_bounded_and_printable(held: HeldClock) -> None:
    with pytest.raises(OutOfTimeError) as caught:
        Caller(held.deadline()).call(failing_first(1_000_000, client_error("500", 500, "\ud83d\x1b" * 10_000)))
    assert len(str(caught.value)) < 1200
    assert str(caught.value).isprintable()
