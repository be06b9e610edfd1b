"""Which accounts of an organization are asked, by what Organizations says on the wire."""

import json
from typing import Any

import boto3
import pytest
from pool_inventory.aws.calls import Caller
from pool_inventory.collect.accounts import choose_accounts
from pool_inventory.errors import TargetsError
from pool_inventory.model import Member
from pool_inventory.settings import Accounts
from pool_inventory.terminal.demo.stand_in import Answer, StandIn, deny, error, in_turn, reply, throttle
from werkzeug.wrappers import Request, Response

from tests.makers import HeldClock

ROOT, UNIT, INNER, EMPTY = "r-abcd", "ou-abcd-11111111", "ou-abcd-22222222", "ou-abcd-33333333"
UNITS = {ROOT: [UNIT, EMPTY], UNIT: [INNER], INNER: [], EMPTY: []}
MEMBERS = {ROOT: ["100000000001"], UNIT: ["100000000002", "100000000003"], INNER: ["100000000004"], EMPTY: []}
ALL = [f"10000000000{number}" for number in (1, 2, 3, 4)]


def listed(account_id: str, **members: Any) -> dict[str, Any]:
    return {"Id": account_id, "Name": f"team {account_id[-1]}", "State": "ACTIVE", **members}


def tree(**odd: dict[str, Any]) -> Answer:
    """Answer as the service does, one item a page; `odd` has accounts of other states by `a` and their ids."""

    def answer(request: Request) -> Response | None:
        target = request.headers.get("X-Amz-Target", "")
        if not target.startswith("AWSOrganizations"):
            return None
        asked = json.loads(request.get_data())
        if target.endswith(".ListAccounts"):
            return page("Accounts", accounts([each for ids in MEMBERS.values() for each in ids]), asked)
        if asked["ParentId"] not in UNITS:
            return error("ParentNotFoundException", "You specified parent that doesn't exist.")
        if target.endswith(".ListAccountsForParent"):
            return page("Accounts", accounts(MEMBERS[asked["ParentId"]]), asked)
        return page("OrganizationalUnits", [{"Id": each} for each in UNITS[asked["ParentId"]]], asked)

    def accounts(ids: list[str]) -> list[dict[str, Any]]:
        return [listed(each, **odd.get(f"a{each}", {})) for each in ids]

    return answer


def page(items: str, found: list[dict[str, Any]], asked: dict[str, Any]) -> Response:
    start = int(asked.get("NextToken", "0"))
    more = {"NextToken": str(start + 1)} if start + 1 < len(found) else {}
    return reply({items: found[start : start + 1], **more})


def members(
    *included: str, excluded: tuple[str, ...] = (), emails: bool = False, seconds: float = 280
) -> list[Member]:
    found = choose_accounts(
        Accounts(included, excluded),
        session=boto3.session.Session(),
        caller=Caller(HeldClock().deadline(seconds)),
        with_emails=emails,
    )
    return list(found)


def chosen(*included: str, excluded: tuple[str, ...] = ()) -> list[str]:
    return [each.account_id for each in members(*included, excluded=excluded)]


def refusal(*included: str, seconds: float = 280) -> str:
    with pytest.raises(TargetsError) as raised:
        members(*included, seconds=seconds)
    return str(raised.value)


@pytest.fixture
def organizations(aws: StandIn) -> StandIn:
    aws.answers.append(tree())
    return aws


def test_accounts_that_are_named_need_no_organization(aws: StandIn, monkeypatch: pytest.MonkeyPatch) -> None:
    """Not even a client of it, whatever endpoint the SDK's settings have for it."""
    monkeypatch.setenv("AWS_ENDPOINT_URL_ORGANIZATIONS", "no address")
    assert chosen("100000000009", "100000000008", excluded=("100000000009",)) == ["100000000008"]
    assert aws.requests == []


@pytest.mark.usefixtures("organizations")
@pytest.mark.parametrize(
    ("included", "excluded", "expected"),
    [
        (("organization",), (), "1234"),
        (("organization",), ("100000000002",), "134"),
        (("organization",), (UNIT,), "1"),
        (("organization",), (INNER,), "123"),
        ((ROOT,), (), "1234"),
        ((UNIT,), (), "234"),
        ((UNIT,), ("100000000003", INNER), "2"),
        ((INNER, "100000000001"), (), "14"),
        ((INNER, "100000000008"), (), "48"),
    ],
)
def test_units_are_walked_with_all_in_them(
    included: tuple[str, ...], excluded: tuple[str, ...], expected: str
) -> None:
    assert "".join(each[-1] for each in chosen(*included, excluded=excluded)) == expected


def test_leaving_out_an_account_needs_no_listing_of_it(organizations: StandIn) -> None:
    chosen(UNIT, excluded=("100000000004",))
    operations = {each.headers["X-Amz-Target"].partition(".")[2] for each in organizations.requests}
    assert operations == {"ListAccountsForParent", "ListOrganizationalUnitsForParent"}


@pytest.mark.parametrize(
    ("said", "is_asked"),
    [
        ({"State": "SUSPENDED"}, False),
        ({"State": "PENDING_CLOSURE"}, False),
        ({"State": "ACTIVE", "Status": "SUSPENDED"}, True),
        ({"State": "SUSPENDED", "Status": "ACTIVE"}, False),
        ({"State": None, "Status": "ACTIVE"}, True),
        ({"State": None, "Status": "SUSPENDED"}, False),
        ({"State": None}, True),
        ({"State": 7}, True),
    ],
)
def test_an_account_is_asked_unless_it_is_not_active(aws: StandIn, *, said: dict[str, Any], is_asked: bool) -> None:
    aws.answers.append(tree(a100000000003=said))
    assert ("100000000003" in chosen("organization")) is is_asked


def test_an_account_that_is_named_and_closed_is_not_asked(aws: StandIn) -> None:
    aws.answers.append(tree(a100000000003={"State": "CLOSED"}))
    assert "100000000003" not in chosen("organization", "100000000003")


def test_what_the_organization_says_of_an_account_is_kept(aws: StandIn) -> None:
    said = {
        "Name": "a\nb",
        "Email": "root@example.com",
        "JoinedTimestamp": 1_600_000_000.5,
        "Paths": [f"o-1/{ROOT}/{UNIT}/100000000003/"],
    }
    aws.answers.append(tree(a100000000003=said))
    (found,) = (each for each in members("organization", emails=True) if each.account_id == "100000000003")
    assert (found.name, found.email, found.state) == ("a b", "root@example.com", "ACTIVE")
    assert found.organizational_unit_path == f"o-1/{ROOT}/{UNIT}/100000000003/"
    assert str(found.joined_at) == "2020-09-13 12:26:40.500000+00:00"


def test_addresses_are_left_out_unless_they_are_asked_for(aws: StandIn) -> None:
    aws.answers.append(tree(a100000000003={"Email": "root@example.com"}))
    assert {each.email for each in members("organization")} == {None}


@pytest.mark.parametrize(
    "odd", [{"JoinedTimestamp": 1e300}, {"JoinedTimestamp": "soon"}, {"Name": ["x"]}, {"Paths": "p"}, {"Paths": [1]}]
)
def test_what_decides_nothing_may_be_odd(aws: StandIn, odd: dict[str, Any]) -> None:
    aws.answers.append(tree(a100000000003=odd))
    assert chosen("organization") == ALL


def test_a_throttled_organization_is_read_to_its_end(aws: StandIn) -> None:
    aws.answers += [in_turn(*[throttle] * 9), tree()]
    assert chosen("organization") == ALL


def test_a_throttle_to_the_end_of_time_is_named(aws: StandIn) -> None:
    aws.answers.append(throttle)
    assert "TooManyRequestsException" in refusal("organization", seconds=20)


def test_a_denied_organization_says_what_to_do(aws: StandIn) -> None:
    aws.answers.append(deny)
    assert refusal("organization").startswith(
        "Organizations did not say which accounts there are in the organization ("
    )
    assert refusal("organization").endswith(
        "grant it, in an account that the organization lets list them, or list them in INVENTORY_ACCOUNTS instead"
    )


def test_no_organization_is_an_error_that_says_so(aws: StandIn) -> None:
    aws.answers.append(
        lambda _: error("AWSOrganizationsNotInUseException", "Your account is not a member of an organization.")
    )
    assert "Your account is not a member of an organization.): list them in" in refusal("organization")


@pytest.mark.usefixtures("organizations")
def test_a_unit_that_is_not_there_is_named() -> None:
    assert "ou-abcd-99999999" in refusal("ou-abcd-99999999")


@pytest.mark.parametrize(
    "answer",
    [
        {"Accounts": {}},
        {"Accounts": [{"Name": "x"}]},
        {"Accounts": [{"Id": "12"}]},
        {"Accounts": [{"Id": "10000000000x"}]},
        {},
    ],
)
def test_an_answer_that_is_none_leaves_no_account_out(aws: StandIn, answer: dict[str, Any]) -> None:
    aws.answers.append(lambda _: reply(answer))
    assert "Organizations did not say which accounts there are" in refusal("organization")


def test_a_unit_within_itself_is_not_walked_for_ever(aws: StandIn) -> None:
    units = reply({"Accounts": [], "OrganizationalUnits": [{"Id": UNIT}]})
    aws.answers.append(lambda _: units)
    assert f"the unit {UNIT} is said to be in itself" in refusal(UNIT)


@pytest.mark.usefixtures("organizations")
def test_a_setting_that_leaves_no_account_is_an_error() -> None:
    with pytest.raises(TargetsError, match="INVENTORY_ACCOUNTS leaves no active account"):
        chosen(INNER, excluded=("100000000004",))
