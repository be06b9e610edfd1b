"""Several accounts side by side: what each gives, and that none delays or ends another."""

import threading
from collections.abc import Callable, Container, Iterator
from typing import Any

import boto3
import pytest
from pool_inventory.aws.calls import Deadline
from pool_inventory.aws.members import MemberRole, open_member_session
from pool_inventory.clock import Clock
from pool_inventory.collect import members
from pool_inventory.collect.members import AccountReading, Collecting, collect_accounts
from pool_inventory.model import Account, Target
from pool_inventory.terminal.demo.stand_in import ACCOUNT_ID, Answer, StandIn, deny, error, listing, reply, seed
from werkzeug.wrappers import Request, Response

from tests.makers import TIME, HeldClock, any_pools

OTHERS = ("210000000001", "210000000002", "210000000003")


def collecting(deadline: Deadline, regions: str | tuple[str, ...] = ("us-east-1",), **options: Any) -> Collecting:
    values: dict[str, Any] = {
        "session": boto3.session.Session(),
        "own": Account(ACCOUNT_ID, "aws"),
        "role": MemberRole(name="member", external_id=None, session_name="2026-11-24T18-00Z"),
        "regions": regions,
        "snapshot_time": TIME,
        "max_requests_per_second": 0.0,
        "deadline": deadline,
        "read_before": tuple,
        **options,
    }
    return Collecting(**values)


def read(
    *account_ids: str, regions: str | tuple[str, ...] = ("us-east-1",), seconds: float = 280
) -> list[AccountReading]:
    return list(collect_accounts(account_ids, collecting(HeldClock().deadline(seconds), regions)))


def of_role(account_id: str, answer: Answer) -> Answer:
    def only(request: Request) -> Response | None:
        is_its = request.form.get("RoleArn", "").startswith(f"arn:aws:iam::{account_id}:")
        return answer(request) if is_its else None

    return only


def sts_error(code: str, status: int = 400) -> Answer:
    body = f"<ErrorResponse><Error><Code>{code}</Code><Message>said</Message></Error></ErrorResponse>"
    return lambda _: Response(body, status, content_type="text/xml")


def places(found: list[AccountReading]) -> list[tuple[str, str, int | None]]:
    covered = [reading.coverage for each in found for reading in each.readings]
    return [(each.account_id, each.status, each.pools) for each in covered]


@pytest.fixture
def seeded(aws: StandIn) -> StandIn:
    for number, account_id in enumerate((ACCOUNT_ID, *OTHERS)):
        seed("us-east-1", any_pools(number + 1), account_id)
    return aws


def test_each_account_gives_its_own_pools(seeded: StandIn) -> None:
    assert places(read(ACCOUNT_ID, *OTHERS)) == [
        (account_id, "ok", number + 1) for number, account_id in enumerate((ACCOUNT_ID, *OTHERS))
    ]


def test_the_account_that_reads_needs_no_role(seeded: StandIn) -> None:
    read(ACCOUNT_ID)
    assert [each for each in seeded.requests if each.form.get("Action") == "AssumeRole"] == []


def test_a_refused_role_is_a_denial_with_its_arn(seeded: StandIn) -> None:
    seeded.answers.append(of_role(OTHERS[1], sts_error("AccessDenied", 403)))
    found = read(*OTHERS)
    failure = found[1].failure
    assert failure
    assert (failure.status, failure.error_code) == ("denied", "AccessDenied")
    assert failure.error_message == f"arn:aws:iam::{OTHERS[1]}:role/member could not be assumed: said"
    assert [each.failure for each in (found[0], found[2])] == [None, None]


def test_a_role_that_is_throttled_for_long_is_throttled(seeded: StandIn) -> None:
    seeded.answers.append(of_role(OTHERS[1], sts_error("Throttling")))
    failure = read(*OTHERS, seconds=30)[1].failure
    assert failure
    assert (failure.status, failure.error_code) == ("throttled", "Throttling")


def test_a_refused_list_of_regions_is_its_accounts_alone(seeded: StandIn) -> None:
    calls = iter([deny])
    seeded.answers.append(lambda each: next(calls, lambda _: None)(each) if each.path == "/listRegions" else None)
    (found,) = read(OTHERS[0], regions="enabled")
    failure = found.failure
    assert failure
    assert (failure.status, failure.error_code) == ("denied", "AccessDeniedException")
    assert failure.error_message.startswith("INVENTORY_REGIONS: account:ListRegions did not say which regions are")
    assert places(read(OTHERS[0], regions="enabled")) == [(OTHERS[0], "ok", 2)]


def test_a_region_of_one_account_fails_alone(seeded: StandIn) -> None:
    seeded.answers.append(listing("eu-west-1", lambda _: error("NotAuthorizedException", "no")))
    found = read(*OTHERS[:2], regions=("eu-west-1", "us-east-1"))
    assert [status for _, status, _ in places(found)] == ["denied", "ok"] * 2


def test_an_account_whose_session_cannot_be_made_fails_alone(seeded: StandIn, monkeypatch: pytest.MonkeyPatch) -> None:
    def open_one(*args: Any) -> Any:
        if OTHERS[0] in args[3]:
            raise RuntimeError("odd")
        return open_member_session(*args)

    monkeypatch.setattr(members, "open_member_session", open_one)
    found = read(*OTHERS)
    assert found[0].failure
    assert found[0].failure.status == "failed"
    assert len(places(found)) == 2


@pytest.fixture
def hanging(seeded: StandIn) -> Iterator[Callable[[str], None]]:
    """Has STS give no answer for an account until the test is over."""
    over = threading.Event()

    def hang(account_id: str) -> None:
        def wait(_: Request) -> Response:
            over.wait(20)
            return Response()

        seeded.answers.append(of_role(account_id, wait))

    yield hang
    over.set()


def test_an_account_that_hangs_leaves_the_others(hanging: Callable[[str], None]) -> None:
    hanging(OTHERS[0])
    clock = Clock()
    began = clock.monotonic()
    found = list(collect_accounts(OTHERS, collecting(Deadline.after(1, clock))))
    assert clock.monotonic() - began < 4
    failure = found[0].failure
    assert failure
    assert (failure.status, failure.error_code) == ("timed_out", "OutOfTimeError")
    assert [account_id for account_id, _, _ in places(found)] == [*OTHERS[1:]]


def test_accounts_that_all_hang_end_together(hanging: Callable[[str], None]) -> None:
    """The time kept back for their part is not used up by one of them after the other."""
    account_ids = [f"2100000001{number:02}" for number in range(12)]
    for each in account_ids:
        hanging(each)
    clock = Clock()
    began = clock.monotonic()
    found = list(collect_accounts(account_ids, collecting(Deadline.after(1, clock))))
    assert clock.monotonic() - began < 4
    assert [each.failure.status for each in found if each.failure] == ["timed_out"] * 12


def test_a_throttled_account_leaves_time_to_the_next(seeded: StandIn, monkeypatch: pytest.MonkeyPatch) -> None:
    """One at a time: each has its share of what is left."""
    monkeypatch.setattr(members, "ACCOUNTS_AT_ONCE", 1)
    held = HeldClock()
    seeded.answers.append(of_role(OTHERS[0], sts_error("Throttling")))
    found = list(collect_accounts(OTHERS, collecting(held.deadline(30))))
    assert [bool(each.failure) for each in found] == [True, False, False]


def test_what_was_read_before_is_asked_for_only_if_needed(seeded: StandIn) -> None:
    def never() -> Container[Target] | None:
        raise AssertionError("it was asked for")

    found = list(collect_accounts(OTHERS, collecting(HeldClock().deadline(), read_before=never)))
    assert [status for _, status, _ in places(found)] == ["ok"] * 3


def test_progress_names_the_account(seeded: StandIn) -> None:
    shown: list[Target] = []
    how = collecting(HeldClock().deadline(), progress=lambda target, _tally, _status: shown.append(target))
    list(collect_accounts(OTHERS[:1], how))
    assert set(shown) == {Target(OTHERS[0], "us-east-1")}


def test_an_empty_list_of_regions_is_a_failure(seeded: StandIn) -> None:
    seeded.answers.append(lambda each: reply({"Regions": []}) if each.path == "/listRegions" else None)
    (found,) = read(OTHERS[0], regions="enabled")
    assert found.failure
    assert found.failure.status == "failed"
