"""One target, as it may answer: what is read, and what is not taken for an answer."""

import json
from collections.abc import Callable
from typing import Any

import pytest
from botocore.config import Config
from pool_inventory.aws.session import CLIENT_CONFIG
from pool_inventory.collect import listing
from pool_inventory.collect.readings import Reading
from pool_inventory.terminal.demo import stand_in
from pool_inventory.terminal.demo.stand_in import StandIn, cut, deny, error, moto, reset_connection, seed, throttle
from werkzeug.wrappers import Request, Response

from tests.collect.conftest import Read
from tests.makers import HeldClock, any_pool, any_pools, page

Answer = Callable[..., None]


def rows(reading: Reading) -> list[dict[str, Any]]:
    return [json.loads(line) for line in reading.lines]


def ids(reading: Reading) -> list[str]:
    return [row["id"] for row in rows(reading)]


def sends(body: bytes) -> stand_in.Answer:
    return lambda _: Response(body, content_type="application/x-amz-json-1.1")


@pytest.mark.parametrize(("count", "requests"), [(0, 1), (1, 1), (59, 1), (60, 1), (61, 2), (1000, 17)])
def test_every_pool_is_read_once_each(read: Read, count: int, requests: int) -> None:
    pools = any_pools(count)
    seed("us-east-1", pools)
    reading = read()
    assert ids(reading) == sorted(pool["Id"] for pool in pools)
    assert (reading.coverage.status, reading.coverage.pools, reading.coverage.requests) == ("ok", count, requests)


def test_pages_are_as_large_as_the_service_allows(read: Read, aws: StandIn) -> None:
    seed("us-east-1", any_pools(61))
    read()
    asked = [json.loads(request.get_data()) for request in aws.requests]
    assert [each["MaxResults"] for each in asked] == [60, 60]


@pytest.mark.parametrize("times", [1, 10])
def test_a_throttle_is_waited_out(read: Read, answer: Answer, times: int) -> None:
    seed("us-east-1", any_pools(61))
    answer(*[throttle] * times)
    reading = read()
    assert (reading.coverage.status, reading.coverage.pools, reading.coverage.retries) == ("ok", 61, times)


def test_a_throttle_on_every_page_loses_nothing(read: Read, aws: StandIn) -> None:
    pools = any_pools(500)
    seed("us-east-1", pools)
    aws.answers.append(stand_in.every(2, throttle))
    reading = read()
    assert ids(reading) == sorted(pool["Id"] for pool in pools)
    assert (reading.coverage.requests, reading.coverage.retries) == (18, 9)


def test_a_shared_quota_delays_1000_pools_and_loses_none(read: Read, aws: StandIn, held: HeldClock) -> None:
    """Other callers leave 2 requests a second of the account's quota."""
    pools = any_pools(1000)
    seed("us-east-1", pools)
    tokens, since = 2.0, held.seconds

    def bucket(_: Request) -> Response | None:
        nonlocal tokens, since
        tokens, since = min(2.0, tokens + 2 * (held.seconds - since)), held.seconds
        if tokens < 1:
            return throttle(_)
        tokens -= 1
        return None

    aws.answers.append(bucket)
    reading = read(max_requests_per_second=10)
    assert ids(reading) == sorted(pool["Id"] for pool in pools)
    assert reading.coverage.retries > 0


def test_a_throttle_until_the_deadline_leaves_the_target_out(read: Read, aws: StandIn, held: HeldClock) -> None:
    seed("us-east-1", any_pools(61))
    started = held.seconds
    aws.answers.append(stand_in.in_turn(moto, *[throttle] * 10_000))
    reading = read(seconds=280)
    coverage = reading.coverage
    assert (coverage.status, coverage.error_code) == ("throttled", "TooManyRequestsException")
    assert (reading.lines, coverage.pools) == ((), None)
    assert coverage.retries == coverage.requests - 2 > 50
    assert held.seconds < started + 280


@pytest.mark.parametrize("status", [400, 429])
@pytest.mark.parametrize("code", ["TooManyRequestsException", "ThrottlingException", "RequestLimitExceeded"])
def test_a_throttle_is_known_by_its_code_whatever_its_status(
    read: Read, answer: Answer, code: str, status: int
) -> None:
    answer(lambda _: error(code, "slow down", status))
    assert read().coverage.status == "ok"


@pytest.mark.parametrize(
    "code",
    ["AccessDeniedException", "NotAuthorizedException", "UnrecognizedClientException", "ExpiredTokenException"],
)
def test_a_target_that_refuses_is_denied_and_not_asked_again(read: Read, aws: StandIn, code: str) -> None:
    seed("us-east-1", any_pools(61))
    aws.answers.append(stand_in.in_turn(moto, lambda _: error(code, "you may not")))
    reading = read()
    coverage = reading.coverage
    assert (coverage.status, coverage.requests, coverage.pools, reading.lines) == ("denied", 2, None, ())
    assert (coverage.error_code, coverage.error_message) == (code, "you may not")


@pytest.mark.parametrize(
    "trouble",
    [
        pytest.param(lambda _: error("InternalErrorException", "oops", 500), id="internal error"),
        pytest.param(lambda _: error("InternalErrorException", "oops", 400), id="internal error as 400"),
        pytest.param(lambda _: Response("<html>Bad gateway</html>", 502), id="a proxy's 502"),
        pytest.param(lambda _: Response("", 503), id="an empty 503"),
        pytest.param(reset_connection, id="connection reset"),
        pytest.param(lambda _: cut(page(any_pools(60), "t"), at=5000), id="body cut short"),
        pytest.param(sends(b""), id="no body"),
        pytest.param(sends(b"<html>Sign in</html>"), id="a proxy's page"),
        pytest.param(sends(b"{}"), id="no UserPools"),
        pytest.param(sends(b'{"UserPools": null}'), id="UserPools is null"),
        pytest.param(sends(b'{"UserPools": {}}'), id="UserPools is an object"),
        pytest.param(sends(b'{"UserPools": [1]}'), id="a pool that is none"),
        pytest.param(sends(b'{"UserPools": [{"Name": "x"}]}'), id="a pool without Id"),
        pytest.param(sends(b'{"UserPools": [], "NextToken": 7}'), id="a token that is none"),
        pytest.param(sends(b'{"UserPools": [{"Id": "x", "CreationDate": NaN}]}'), id="a number that is none"),
        pytest.param(sends(b"[]"), id="a list"),
        pytest.param(sends(b"[" * 100_000), id="nothing but depth"),
        pytest.param(sends(b'{"UserPools": ["\xff"]}'), id="no UTF-8"),
    ],
)
def test_a_malformed_answer_is_never_taken_for_the_last_page(
    read: Read, answer: Answer, trouble: stand_in.Answer
) -> None:
    pools = any_pools(130)
    seed("us-east-1", pools)
    answer(moto, trouble, moto, trouble)
    reading = read()
    assert ids(reading) == sorted(pool["Id"] for pool in pools)
    assert reading.coverage.retries == 2


def test_a_target_that_never_answers_fails_and_says_what_it_sent(read: Read, aws: StandIn) -> None:
    aws.answers.append(sends(b"<html>Sign in</html>"))
    coverage = read().coverage
    assert (coverage.status, coverage.error_code, coverage.pools) == ("failed", "MalformedResponseError", None)
    assert "20 bytes, is not JSON" in str(coverage.error_message)


def test_a_request_without_an_answer_is_made_again(
    read: Read, answer: Answer, monkeypatch: pytest.MonkeyPatch
) -> None:
    impatient = CLIENT_CONFIG.merge(Config(read_timeout=1))
    monkeypatch.setattr(listing, "CLIENT_CONFIG", impatient)
    seed("us-east-1", any_pools(1))
    answer(stand_in.hang)
    coverage = read().coverage
    assert (coverage.status, coverage.pools) == ("ok", 1)
    assert coverage.retries >= 1


def test_the_clients_timeouts_and_retries_are_stated() -> None:
    config: Any = CLIENT_CONFIG
    assert (config.connect_timeout, config.read_timeout) == (3, 10)
    assert config.retries == {"mode": "standard", "total_max_attempts": 1}


def test_a_token_that_repeats_fails_the_target(read: Read, answer: Answer) -> None:
    answer(*[sends(page(any_pools(2), token)) for token in ("a", "b", "a")])
    reading = read()
    assert (reading.coverage.status, reading.coverage.error_code) == ("failed", "RepeatedTokenError")
    assert (reading.coverage.pools, reading.lines) == (None, ())


def expired(_: Request) -> Response:
    return error("InvalidParameterException", "Invalid pagination token")


def test_a_token_that_expired_starts_the_target_over(read: Read, answer: Answer) -> None:
    gone, kept = any_pool(), any_pool()
    answer(sends(page([gone, kept], "a")), expired, sends(page([kept], "c")), sends(page([])))
    reading = read()
    assert ids(reading) == [kept["Id"]], "what only the first listing had may be deleted since"
    coverage = reading.coverage
    assert (coverage.status, coverage.requests, coverage.retries, coverage.duplicates) == ("ok", 4, 0, 0)


def test_a_token_that_expires_twice_fails_the_target(read: Read, answer: Answer) -> None:
    answer(sends(page(any_pools(1), "a")), expired, sends(page(any_pools(1), "c")), expired)
    coverage = read().coverage
    assert (coverage.status, coverage.requests) == ("failed", 4)
    assert (coverage.error_code, coverage.error_message) == ("InvalidParameterException", "Invalid pagination token")


def test_a_bad_parameter_without_a_token_is_not_tried_again(read: Read, answer: Answer) -> None:
    answer(expired)
    assert (read().coverage.status, read().coverage.status) == ("failed", "ok")


def test_an_empty_page_that_has_a_token_goes_on(read: Read, answer: Answer) -> None:
    pools = any_pools(2)
    answer(sends(page([], "a")), sends(page(pools[:1], "b")), sends(page([], "c")), sends(page(pools[1:])))
    assert ids(read()) == [pool["Id"] for pool in pools]


def test_a_pool_that_comes_twice_is_kept_once_as_it_came_last(read: Read, answer: Answer) -> None:
    pool, other = any_pool(Name="before"), any_pool()
    answer(sends(page([pool, other], "a")), sends(page([{**pool, "Name": "after"}])))
    reading = read()
    assert [row["name"] for row in rows(reading)] == ["after", other["Name"]]
    assert (reading.coverage.pools, reading.coverage.duplicates) == (2, 1)


def test_unmodelled_members_are_kept(read: Read, answer: Answer) -> None:
    pool = any_pool(UserPoolTier="PLUS", LambdaConfig={"PreSignIn": {"LambdaArn": "arn"}})
    answer(sends(page([pool], Total=1)))
    reading = read()
    assert json.loads(rows(reading)[0]["unmodelled"]) == {
        "UserPoolTier": "PLUS",
        "LambdaConfig": {"PreSignIn": {"LambdaArn": "arn"}},
    }
    assert reading.unmodelled == {"Total": 1}


def test_a_listing_denied_on_page_2_publishes_nothing_of_page_1(read: Read, answer: Answer) -> None:
    seed("us-east-1", any_pools(61))
    answer(moto, deny)
    assert read().lines == ()
