import json
from collections.abc import Iterator, Mapping
from typing import Any

import boto3
import pytest
from pool_inventory.aws.calls import Caller
from pool_inventory.aws.failures import MalformedResponseError
from pool_inventory.aws.pages import MAX_DEPTH, RepeatedTokenError, keep_raw_body, pages, parse_json
from pool_inventory.terminal.demo.stand_in import StandIn, seed

from tests.makers import HeldClock, any_pools


def listed(caller: Caller, answers: Mapping[str | None, object]) -> Iterator[list[dict[str, Any]]]:
    """The pages of a listing whose answers are these by the token that asks for them, as JSON or as its text."""

    def request(token: str | None) -> dict[str, Any]:
        answer = answers[token]
        return {"RawBody": answer if isinstance(answer, bytes) else json.dumps(answer).encode()}

    return pages(caller, request, items="Pools", key="Id")


@pytest.fixture
def caller() -> Caller:
    return Caller(HeldClock().deadline())


def test_pages_are_followed_to_the_last(caller: Caller) -> None:
    """One that is empty and still has a token goes on."""
    answers = {
        None: {"Pools": [{"Id": "a"}], "NextToken": "2"},
        "2": {"Pools": [], "NextToken": "3"},
        "3": {"Pools": [{"Id": "b", "Name": "n"}], "NextToken": ""},
    }
    assert list(listed(caller, answers)) == [[{"Id": "a"}], [], [{"Id": "b", "Name": "n"}]]
    assert caller.tally.requests == 3


def test_pages_that_go_round_are_an_error(caller: Caller) -> None:
    answers = {token: {"Pools": [], "NextToken": "again"} for token in (None, "again")}
    with pytest.raises(RepeatedTokenError, match="page 2 ends with a NextToken that an earlier page ended with"):
        list(listed(caller, answers))


def test_members_of_an_answer_that_are_unknown_are_kept(caller: Caller) -> None:
    list(listed(caller, {None: {"Pools": [], "Total": 7}}))
    assert caller.tally.unmodelled == {"Total": 7}


@pytest.mark.parametrize(
    ("answer", "message"),
    [
        (b"<html>", "the answer, 6 bytes, is not JSON"),
        (b'{"Pools": []', "is not JSON"),
        (b'{"Pools": [], "Pools": [{"Id": "a"}]}', "two members of one name"),
        (b'{"Pools": [{"Id": "a", "Size": NaN}]}', "NaN is no JSON"),
        ([], "is no JSON object with a list Pools"),
        ({}, "is no JSON object with a list Pools"),
        ({"Pools": None}, "is no JSON object with a list Pools"),
        ({"Pools": ["a"]}, "without a usable Id: None"),
        ({"Pools": [{"Id": ""}]}, "without a usable Id"),
        ({"Pools": [{"Id": "a\n"}]}, "without a usable Id"),
        ({"Pools": [{"Id": "é"}]}, "without a usable Id"),
        ({"Pools": [], "NextToken": 7}, "NextToken is of type int, and no string"),
        (b'{"Pools": [' + b"[" * MAX_DEPTH + b"]" * MAX_DEPTH + b"]}", f"nested deeper than {MAX_DEPTH} levels"),
        (b'{"Pools": ' + b"[" * 100_000 + b"]" * 100_000 + b"}", "."),
    ],
)
def test_what_is_no_page_is_not_taken_for_the_last(caller: Caller, answer: object, message: str) -> None:
    with pytest.raises(MalformedResponseError, match=message):
        list(listed(caller, {None: answer}))


def test_an_error_does_not_show_the_token(caller: Caller) -> None:
    with pytest.raises(MalformedResponseError) as raised:
        list(listed(caller, {None: {"Pools": [], "NextToken": ["secret"]}}))
    assert "secret" not in str(raised.value)


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("1.5e3", 1500.0),
        ("1e400", "1e400"),
        ("-1e400", "-1e400"),
        ("1e-400", "1e-400"),
        ("0.0e-400", 0.0),
        ("-0.00", 0.0),
        ("7", 7),
        ("9" * 5000, "9" * 5000),
    ],
)
def test_a_number_that_python_cannot_hold_keeps_its_digits(text: str, value: object) -> None:
    assert parse_json(text) == value


def test_a_client_whose_bodies_are_kept_twice_keeps_each(aws: StandIn, caller: Caller) -> None:
    """As where accounts share it, and two threads are the first at the same time."""
    seed("us-east-1", any_pools(3))
    client: Any = boto3.client("cognito-idp", region_name="us-east-1")
    for number in range(3):
        keep_raw_body(client, "ListUserPools")
        if number == 1:  # what makes it once is lost: the next registers again
            client.meta.events._emitter._unique_id_handlers.clear()
    (page,) = pages(caller, lambda _: client.list_user_pools(MaxResults=60), items="UserPools", key="Id")
    assert len(page) == 3
