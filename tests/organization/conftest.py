import json
import re
from collections.abc import Callable, Sequence
from typing import Any

import boto3
import pytest
from moto.iam.models import get_account_id_from
from mypy_boto3_s3 import S3Client
from pool_inventory.organization import batch, messages, plan, publish
from pool_inventory.terminal.demo.stand_in import ACCOUNT_ID, Answer, StandIn, deny, reply
from werkzeug.wrappers import Request, Response

from tests.conftest import any_context

# The first is the exporter's own.
OWN = ACCOUNT_ID
OTHERS = ("210000000001", "210000000002", "210000000003", "210000000004")


def any_account(account_id: str, **members: Any) -> dict[str, Any]:
    """An account as Organizations lists it."""
    return {
        "Id": account_id,
        "Arn": f"arn:aws:organizations::{OWN}:account/o-1234567890/{account_id}",
        "Name": f"team {account_id[-2:]}",
        "Email": f"{account_id}@example.com",
        "State": "ACTIVE",
        "Status": "ACTIVE",
        "Paths": [f"o-1234567890/r-abcd/ou-abcd-11111111/{account_id}/"],
        "JoinedTimestamp": 1_600_000_000.5,
        **members,
    }


def organization(*accounts: dict[str, Any]) -> Answer:
    """Answer ListAccounts with these, two a page."""

    def answer(request: Request) -> Response | None:
        if not request.headers.get("X-Amz-Target", "").endswith(".ListAccounts"):
            return None
        start = int(json.loads(request.get_data()).get("NextToken", "0"))
        more = {"NextToken": str(start + 2)} if start + 2 < len(accounts) else {}
        return reply({"Accounts": accounts[start : start + 2], **more})

    return answer


def refuse_role(account_id: str, why: str = "", *, name: str = "pool-inventory-member") -> Answer:
    """Refuse the role of one account, as STS does, for a reason that it may add."""

    def answer(request: Request) -> Response | None:
        role = f"arn:aws:iam::{account_id}:role/{name}"
        if request.form.get("Action") != "AssumeRole" or request.form["RoleArn"] != role:
            return None
        message = f"User: {OWN} is not authorized to perform: sts:AssumeRole on resource: {role}{why}"
        body = f"<ErrorResponse><Error><Code>AccessDenied</Code><Message>{message}</Message></Error></ErrorResponse>"
        return Response(body, 403, content_type="text/xml")

    return answer


def of_account(account_id: str, answer: Answer) -> Answer:
    """Return an answer for what is asked with one account's credentials."""

    def only_its(request: Request) -> Response | None:
        key = re.search(r"Credential=(\w+)/", request.headers.get("Authorization", ""))
        is_its = key is not None and get_account_id_from(key[1]) == account_id
        return answer(request) if is_its else None

    return only_its


def refuse_regions(request: Request) -> Response | None:
    """Refuse to say which regions an account has."""
    return deny(request) if request.path == "/listRegions" else None


def refuse_organizations(request: Request) -> Response | None:
    """Refuse all calls of Organizations."""
    return deny(request) if request.headers.get("X-Amz-Target", "").startswith("AWSOrganizations") else None


@pytest.fixture
def org(aws: StandIn, s3: S3Client, monkeypatch: pytest.MonkeyPatch) -> StandIn:
    """An organization of five accounts, in batches of two."""
    monkeypatch.setenv("INVENTORY_ACCOUNTS", "organization")
    monkeypatch.setenv("INVENTORY_ACCOUNTS_PER_BATCH", "2")
    monkeypatch.setenv("INVENTORY_REGIONS", "eu-west-1,us-east-1")
    aws.answers.append(organization(*map(any_account, (OWN, *OTHERS))))
    return aws


Snapshot = Callable[..., dict[str, Any]]


@pytest.fixture
def snapshot(org: StandIn) -> Snapshot:
    """Makes a snapshot as the state machine does, less the batches that die."""

    def make(time: str = "2026-11-24T18:00:00Z", *, dying: Sequence[int] = ()) -> dict[str, Any]:
        planned = plan.handler({"time": time}, any_context())
        if planned[messages.NEXT] == messages.NOTHING:
            return planned
        for event in batches_of(planned) if planned[messages.NEXT] == messages.COLLECT else ():
            if event[messages.NUMBER] not in dying:
                assert batch.handler(event, any_context()) == {}
        return publish.handler(planned, any_context())

    return make


def batches_of(planned: dict[str, Any]) -> list[dict[str, Any]]:
    body = boto3.client("s3").get_object(Bucket="inventory", Key=planned[messages.BATCHES_KEY])["Body"].read()
    found: list[dict[str, Any]] = json.loads(body)
    return found
