"""Answers that no service should give: each is at most its own target's failure, in bounded time and with its text."""

import json
from collections.abc import Callable
from typing import Any

import boto3
import pytest
from pool_inventory import text
from pool_inventory.aws.calls import MAX_MALFORMED_ANSWERS, MAX_UNREACHABLE_SECONDS
from pool_inventory.collect.readings import Reading, collect
from pool_inventory.collect.targets import choose_targets
from pool_inventory.errors import TargetsError
from pool_inventory.model import Account
from pool_inventory.terminal.demo import stand_in
from pool_inventory.terminal.demo.stand_in import StandIn, error, moto, reset_connection, seed, throttle
from werkzeug.wrappers import Request, Response

from tests.collect.conftest import Read
from tests.collect.test_listing import Answer, rows, sends
from tests.makers import ACCOUNT_ID, TIME, HeldClock, any_pool, any_pools, any_target, page

DEEP = b"[" * 50_000 + b"]" * 50_000
ERROR_BODIES = {
    "no body": b"",
    "no UTF-8": b"\xff\xfe\x00\xd8 denied",
    "HTML": b"<HTML><p>Sign in</p></HTML>",
    "a list": b'["denied"]',
    "a string": b'"denied"',
    "a number": b"7",
    "null": b"null",
    "depth": DEEP,
    "deep inside": b'{"__type": "Odd", "message": ' + DEEP + b"}",
    "a type that is a number": b'{"__type": 7, "message": "denied"}',
    "a type that is a list": b'{"__type": ["Odd"], "message": "denied"}',
    "a type that is an object": b'{"__type": {"Odd": 1}}',
    "a type that is null": b'{"__type": null}',
    "a message that is null": b'{"__type": "Odd", "message": null}',
    "a message that is an object": b'{"__type": "Odd", "message": {"text": "denied"}}',
    "a code that is a list": b'{"code": ["Odd"]}',
    "a known type of another shape": b'{"__type": "InternalErrorException", "message": ["denied"]}',
    "half a surrogate pair": rb'{"__type": "\ud83d", "message": "\ud83d \u001b[2J \u202e"}',
    "megabytes": json.dumps({"__type": "x" * 2_000_000, "message": "y" * 5_000_000}).encode(),
}
STATUSES = (300, 301, 400, 403, 429, 503)


def answers(body: bytes, status: int) -> stand_in.Answer:
    return lambda _: Response(body, status, content_type="application/x-amz-json-1.1")


def regions(aws: StandIn, *extra: stand_in.Answer) -> list[str]:
    aws.answers += extra
    targets = choose_targets(
        "enabled",
        session=boto3.session.Session(),
        account=lambda: Account(ACCOUNT_ID, "aws"),
        deadline=HeldClock().deadline(),
    )
    return [each.region for each in targets]


def is_shown_safely(shown: str | None, max_characters: int) -> bool:
    return shown is not None and len(shown) <= max_characters and text.printable(shown) == shown


@pytest.mark.parametrize("body", ERROR_BODIES.values(), ids=ERROR_BODIES.keys())
def test_an_odd_error_is_the_targets_own_whatever_its_status(read: Read, aws: StandIn, body: bytes) -> None:
    for status in STATUSES:
        aws.answers[:] = [answers(body, status)]
        coverage = read(seconds=30).coverage
        # botocore takes 300 for a success, and looks for no type there.
        may_pass = b"InternalErrorException" in body and status != 300
        otherwise = {403: "denied", 429: "throttled", 503: "timed_out"}.get(status, "failed")
        expected = "timed_out" if may_pass and status != 429 else otherwise
        assert coverage.status == expected, status
        assert is_shown_safely(coverage.error_code, 100)
        assert is_shown_safely(coverage.error_message, 1000)


def test_an_odd_errors_text_is_kept(read: Read, answer: Answer) -> None:
    answer(
        answers(b'["go away"]', 400),
        answers(b'{"__type": 7, "message": "go away"}', 400),
        answers(b'{"__type": "a.b#Odd:x", "Message": {"t": "go away"}}', 400),
        answers(b"go away \xff", 400),
    )
    found = [read().coverage for _ in range(4)]
    assert [each.error_code for each in found] == ["400", "400", "Odd", "400"]
    assert all("go away" in str(each.error_message) for each in found)


@pytest.mark.parametrize("body", ERROR_BODIES.values(), ids=ERROR_BODIES.keys())
def test_an_odd_error_of_listregions_ends_in_one_line(aws: StandIn, body: bytes) -> None:
    for status in (300, 400, 403, 200):
        with pytest.raises(TargetsError, match=r"^INVENTORY_REGIONS: .*list the regions instead$") as caught:
            regions(aws, answers(body, status))
        assert is_shown_safely(str(caught.value), 1200)
        aws.answers.clear()


def test_an_error_type_in_a_header_is_shown_safely(aws: StandIn) -> None:
    def odd(_: Request) -> Response:
        return Response(b"7", 400, headers={"x-amzn-errortype": "Odd\x9b" * 1000})

    with pytest.raises(TargetsError) as caught:
        regions(aws, odd)
    assert is_shown_safely(str(caught.value), 1200)


@pytest.mark.parametrize("status", ["SOMETHING_NEW", "", None, 7, ["ENABLED"], {}])
def test_a_region_of_an_unknown_status_is_asked(aws: StandIn, status: Any) -> None:
    listed = [{"RegionName": "eu-west-1", "RegionOptStatus": status}, {"RegionName": "us-east-1"}]
    listed += [{"RegionName": "us-west-1", "RegionOptStatus": each} for each in ("DISABLED", "DISABLING", "ENABLING")]
    assert regions(aws, lambda _: stand_in.reply({"Regions": listed})) == ["eu-west-1", "us-east-1"]


MALFORMED = {
    "an id that is no string": b'{"UserPools": [{"Id": 7}]}',
    "an id with a control character": b'{"UserPools": [{"Id": "us-east-1_\\u001b[2J"}]}',
    "a token that is no string": b'{"UserPools": [], "NextToken": ["secret-of-the-page"]}',
    "depth": b'{"UserPools": ' + DEEP + b"}",
    "a pool of depth": b'{"UserPools": [{"Id": "x", "New": ' + b"[" * 200 + b"]" * 200 + b"}]}",
    "two members of one name": b'{"UserPools": [{"Id": "x"}], "UserPools": []}',
    "no JSON": b"<html>",
    "another shape": b'{"UserPools": {"Id": "x"}}',
}


@pytest.mark.parametrize("body", MALFORMED.values(), ids=MALFORMED.keys())
def test_a_malformed_answer_is_retried_a_few_times(read: Read, aws: StandIn, held: HeldClock, body: bytes) -> None:
    began = held.seconds
    aws.answers.append(sends(body))
    coverage = read().coverage
    assert (coverage.status, coverage.error_code) == ("failed", "MalformedResponseError")
    assert coverage.requests == MAX_MALFORMED_ANSWERS
    assert held.seconds - began < 10
    assert "secret-of-the-page" not in str(coverage.error_message)


def test_progress_resets_the_count_of_malformed_answers(read: Read, answer: Answer) -> None:
    pools = any_pools(61)
    seed("us-east-1", pools)
    few = [sends(b"{}")] * (MAX_MALFORMED_ANSWERS - 1)
    answer(*few, moto, *few, moto)
    assert read().coverage.status == "ok"


def test_a_throttle_leaves_the_count_of_malformed_answers(read: Read, answer: Answer) -> None:
    answer(*[sends(b"{}"), throttle] * MAX_MALFORMED_ANSWERS)
    coverage = read().coverage
    assert (coverage.status, coverage.requests) == ("failed", 2 * MAX_MALFORMED_ANSWERS - 1)


def test_an_answer_that_is_cut_off_is_retried_to_the_deadline(read: Read, answer: Answer) -> None:
    pools = any_pools(3)
    seed("us-east-1", pools)
    answer(*[lambda _: stand_in.cut(page(any_pools(60)), at=500)] * (2 * MAX_MALFORMED_ANSWERS))
    assert read().coverage.pools == 3


def test_malformed_regions_are_retried_a_few_times(aws: StandIn) -> None:
    with pytest.raises(TargetsError, match="is not JSON"):
        regions(aws, sends(b"<html>"))
    assert len(aws.requests) == MAX_MALFORMED_ANSWERS


def refused(port: int = 9) -> str:
    return f"http://127.0.0.1:{port}"


def test_an_endpoint_that_was_never_reached_is_given_up(
    read: Read, held: HeldClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL", refused())
    began = held.seconds
    coverage = read().coverage
    assert (coverage.status, coverage.error_code) == ("failed", "UnreachableError")
    assert f"could not connect to {refused()}/ for 3" in str(coverage.error_message)
    assert str(coverage.error_message).endswith(": Connection refused")
    assert MAX_UNREACHABLE_SECONDS <= held.seconds - began < MAX_UNREACHABLE_SECONDS + 10


def test_a_name_that_does_not_resolve_is_reported(read: Read, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://nowhere.invalid")
    coverage = read().coverage
    assert coverage.status == "failed"
    assert str(coverage.error_message).endswith("the name does not resolve")


def test_a_proxy_that_does_not_answer_is_reported(read: Read, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://nowhere.invalid")
    monkeypatch.setenv("HTTP_PROXY", refused())
    assert f"could not connect to {refused()} for 3" in str(read().coverage.error_message)


def test_missing_certificates_fail_the_target(read: Read, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL", "https://127.0.0.1:9")
    monkeypatch.setenv("AWS_CA_BUNDLE", "/nowhere/roots.pem")
    assert read().coverage.status == "failed"


def test_a_target_that_answered_once_is_tried_to_the_deadline(read: Read, aws: StandIn, held: HeldClock) -> None:
    began = held.seconds
    aws.answers.append(stand_in.in_turn(throttle, *[reset_connection] * 10_000))
    assert read(seconds=100).coverage.status == "timed_out"
    assert held.seconds - began > 2 * MAX_UNREACHABLE_SECONDS


def test_listregions_is_given_up_where_it_is_never_reached(aws: StandIn, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL", refused())
    with pytest.raises(TargetsError, match=r"could not connect to .* for 3\d s: Connection refused"):
        regions(aws)


ODD_NUMBERS = {
    "1e308": 1e308,
    "-1e308": -1e308,
    "1e400": "1e400",
    "-1e400": "-1e400",
    "1e-400": "1e-400",
    "-0.0": -0.0,
    "0e9": 0.0,
    "9" * 5000: "9" * 5000,
    "123456789012345678901234567890": 123456789012345678901234567890,
    "99999999999999": 99999999999999,
}


@pytest.mark.parametrize(("digits", "kept"), ODD_NUMBERS.items(), ids=[digits[:30] for digits in ODD_NUMBERS])
@pytest.mark.parametrize("member", ["CreationDate", "Unknown"])
def test_an_odd_number_is_kept_and_what_is_written_is_json(
    read: Read, answer: Answer, digits: str, kept: Any, member: str
) -> None:
    answer(sends(page([any_pool(**{member: "HERE"})]).replace(b'"HERE"', digits.encode())))
    reading = read()
    assert reading.coverage.status == "ok"
    (row,) = rows(reading)
    if member != "CreationDate" or row["creation_date"] is None:
        found = json.loads(row["unmodelled"], parse_constant=pytest.fail)[member]
        assert (found, type(found)) == (kept, type(kept))


def test_an_odd_region_leaves_the_others_whole(aws: StandIn) -> None:
    odd = {
        "eu-west-1": answers(ERROR_BODIES["no UTF-8"], 400),
        "eu-west-2": sends(b'{"UserPools": [{"Id": 7}]}'),
        "eu-west-3": lambda _: error("\ud83d\x1b", "\ud83d\x1b[2J" * 10_000),
    }
    seed("us-east-1", any_pools(3))
    aws.answers += [stand_in.listing(region, each) for region, each in odd.items()]
    readings = collect(
        [any_target(region) for region in ("us-east-1", *odd)],
        session=boto3.session.Session(),
        snapshot_time=TIME,
        max_requests_per_second=0,
        deadline=HeldClock().deadline(),
        read_before=lambda: (),
    )
    assert [each.coverage.status for each in readings] == ["failed", "failed", "failed", "ok"]
    assert [len(each.lines) for each in readings] == [0, 0, 0, 3]


def reading_with(progress: Callable[..., None]) -> Reading:
    (reading,) = collect(
        [any_target()],
        session=boto3.session.Session(),
        snapshot_time=TIME,
        max_requests_per_second=0,
        deadline=HeldClock().deadline(),
        read_before=lambda: (),
        progress=progress,
    )
    return reading


def test_progress_that_cannot_be_shown_ends_nothing(aws: StandIn) -> None:
    def broken(*_: object) -> None:
        raise BrokenPipeError

    seed("us-east-1", any_pools(3))
    assert reading_with(broken).coverage.pools == 3
