import json
from datetime import UTC, datetime
from typing import Any

import pytest
from pool_inventory.errors import EventError, SnapshotError
from pool_inventory.model import Account, Member
from pool_inventory.organization import messages
from pool_inventory.organization.messages import Plan
from pool_inventory.settings import MAX_ACCOUNTS_PER_BATCH
from pool_inventory.snapshots import accounts

MEMBERS = tuple(Member(f"21000000000{number}") for number in range(5))
PLAN = Plan(Account("210000000000", "aws"), ("eu-west-1",), MEMBERS, 2)


def test_neighbouring_accounts_are_in_one_batch() -> None:
    assert [[each[-1] for each in ids] for ids in PLAN.batches()] == [["0", "1"], ["2", "3"], ["4"]]


def test_a_plan_is_read_as_it_was_written() -> None:
    joined = Member("210000000009", "a", "b@c", "o-1/r-1/", "ACTIVE", datetime(2020, 1, 1, tzinfo=UTC))
    plan = Plan(PLAN.own, PLAN.own_regions, (joined,), 20)
    assert messages.decode_plan(messages.encode_plan(plan), "there") == plan


@pytest.mark.parametrize(
    "odd",
    [
        {"members": []},
        {"members": [accounts.document(each) for each in reversed(MEMBERS)]},
        {"members": [accounts.document(each) for each in (MEMBERS[0], MEMBERS[0])]},
        {"ownRegions": []},
        {"accountsPerBatch": 0},
        {"accountsPerBatch": "2"},
        {"own": None},
    ],
)
def test_what_is_no_plan_is_refused(odd: dict[str, Any]) -> None:
    body = json.dumps({**json.loads(messages.encode_plan(PLAN)), **odd}).encode()
    with pytest.raises(SnapshotError, match="there is no plan that this program writes"):
        messages.decode_plan(body, "there")


def test_the_list_of_batches_has_the_event_of_each() -> None:
    events = json.loads(messages.encode_batches(PLAN, "2026-11-24T18:00:00+00:00"))
    assert events[2] == {"time": "2026-11-24T18:00:00+00:00", "number": 3, "accounts": ["210000000004"]}
    assert [messages.batch_of(each) for each in events] == list(enumerate(PLAN.batches(), start=1))


@pytest.mark.parametrize("event", [{}, {"number": 1, "accounts": []}, {"number": "1", "accounts": ["2"]}, []])
def test_an_event_of_no_batch_is_refused(event: Any) -> None:
    with pytest.raises(EventError, match="the event is none of a batch that a plan has"):
        messages.batch_of(event)


def test_the_largest_batch_is_an_input_that_a_state_takes() -> None:
    members = tuple(Member(f"{number:012d}") for number in range(MAX_ACCOUNTS_PER_BATCH))
    body = messages.encode_batches(Plan(PLAN.own, PLAN.own_regions, members, len(members)), "2026-11-24T18:00:00Z")
    assert len(json.loads(body)) == 1
    assert len(body) < 256 * 1024
