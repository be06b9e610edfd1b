"""A role of another account: how it is named, assumed, and what goes wrong on the way."""

from concurrent.futures import ThreadPoolExecutor

import boto3
import pytest
from botocore.exceptions import ClientError
from pool_inventory.aws.calls import Caller
from pool_inventory.aws.failures import MalformedResponseError
from pool_inventory.aws.members import MemberRole, SharedClients, make_sts_client, open_member_session
from pool_inventory.terminal.demo.stand_in import Answer, StandIn, in_turn
from werkzeug.wrappers import Request, Response

from tests.makers import HeldClock

MEMBER, OTHER = "210000000001", "210000000002"
ROLE = MemberRole(name="audit/pool-inventory", external_id=None, session_name="2026-11-24T18-00Z")


def open_session(
    role: MemberRole = ROLE,
    held: HeldClock | None = None,
    *,
    clients: SharedClients | None = None,
    account_id: str = MEMBER,
) -> boto3.session.Session:
    own = boto3.session.Session()
    caller = Caller((held or HeldClock()).deadline())
    sts = make_sts_client(own, "eu-west-1")
    return open_member_session(clients or SharedClients.of(own), sts, role, role.arn(account_id, "aws"), caller)


def only_sts(answer: Answer) -> Answer:
    return lambda request: answer(request) if request.form.get("Action") == "AssumeRole" else None


def sts_error(code: str, status: int = 400) -> Answer:
    body = f"<ErrorResponse><Error><Code>{code}</Code><Message>said</Message></Error></ErrorResponse>"
    return lambda _: Response(body, status, content_type="text/xml")


def asked(aws: StandIn) -> list[Request]:
    return [each for each in aws.requests if each.form.get("Action") == "AssumeRole"]


def test_a_role_has_its_path_and_partition_in_its_arn() -> None:
    assert ROLE.arn(MEMBER, "aws-cn") == f"arn:aws-cn:iam::{MEMBER}:role/audit/pool-inventory"


def test_the_session_is_of_the_other_account(aws: StandIn) -> None:
    identity = open_session().client("sts").get_caller_identity()
    # AWS, and moto, leave the path out here.
    assert identity["Arn"] == f"arn:aws:sts::{MEMBER}:assumed-role/pool-inventory/2026-11-24T18-00Z"


def test_the_role_is_assumed_in_the_regions_own_endpoint(aws: StandIn) -> None:
    open_session()
    (request,) = asked(aws)
    assert "/eu-west-1/sts/" in request.headers["Authorization"]


@pytest.mark.parametrize("external_id", [None, "shared"])
def test_an_external_id_is_sent_where_there_is_one(aws: StandIn, external_id: str | None) -> None:
    open_session(MemberRole(name="r", external_id=external_id, session_name="s1"))
    assert asked(aws)[0].form.get("ExternalId") == external_id


def test_a_throttle_of_sts_is_waited_for(aws: StandIn) -> None:
    aws.answers.append(only_sts(in_turn(*[sts_error("Throttling")] * 7)))
    held = HeldClock()
    open_session(held=held)
    assert (len(asked(aws)), len(held.sleeps)) == (8, 7)


def test_a_role_that_is_refused_is_asked_for_once(aws: StandIn) -> None:
    aws.answers.append(only_sts(sts_error("AccessDenied", 403)))
    with pytest.raises(ClientError, match="AccessDenied"):
        open_session()
    assert len(asked(aws)) == 1


def test_an_answer_without_credentials_is_none(aws: StandIn) -> None:
    body = "<AssumeRoleResponse><AssumeRoleResult><Credentials><AccessKeyId>A</AccessKeyId></Credentials>"
    answer = Response(f"{body}</AssumeRoleResult></AssumeRoleResponse>", 200, content_type="text/xml")
    aws.answers.append(only_sts(lambda _: answer))
    with pytest.raises(MalformedResponseError, match="the answer has no credentials"):
        open_session()


@pytest.mark.parametrize("user", [f"<Arn>arn:aws:sts::{OTHER}:assumed-role/r/s</Arn>", "<Arn>odd</Arn>", ""])
def test_credentials_of_another_account_are_none(aws: StandIn, user: str) -> None:
    """As a cache on the way may give them: this account's calls would be answered with that one's pools."""
    members = "<AccessKeyId>A</AccessKeyId><SecretAccessKey>S</SecretAccessKey><SessionToken>T</SessionToken>"
    body = f"<Credentials>{members}</Credentials><AssumedRoleUser>{user}</AssumedRoleUser>"
    answer = f"<AssumeRoleResponse><AssumeRoleResult>{body}</AssumeRoleResult></AssumeRoleResponse>"
    aws.answers.append(only_sts(lambda _: Response(answer, 200, content_type="text/xml")))
    with pytest.raises(MalformedResponseError, match="the answer is of another account's role"):
        open_session()


def test_a_page_of_a_proxy_is_no_answer(aws: StandIn) -> None:
    page = in_turn(lambda _: Response("<html>log in", 200, content_type="text/html"))
    aws.answers.append(only_sts(page))
    open_session()
    assert len(asked(aws)) == 2


def account_of(session: boto3.session.Session) -> str:
    return session.client("sts").get_caller_identity()["Account"]


def test_accounts_share_a_client_and_each_call_is_its_own(aws: StandIn) -> None:
    clients = SharedClients.of(boto3.session.Session())
    others = [f"21000000000{number}" for number in range(1, 6)]
    sessions = [open_session(clients=clients, account_id=each) for each in others]
    with ThreadPoolExecutor(5) as pool:
        assert list(pool.map(account_of, sessions * 4)) == others * 4
    assert clients.get("sts", None, None) is clients.get("sts", None, None)


def test_a_shared_client_signs_for_no_account_by_itself(aws: StandIn) -> None:
    client = SharedClients.of(boto3.session.Session()).get("sts", "eu-west-1", None)
    with pytest.raises(LookupError):
        client.get_caller_identity()
    assert aws.requests == []
