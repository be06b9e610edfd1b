"""One batch: its part is written once, is written in time, and is made again where it is damaged."""

import time
from typing import Any

import pytest
from mypy_boto3_s3 import S3Client
from pool_inventory.organization import batch, plan
from pool_inventory.snapshots import keys, part
from pool_inventory.terminal.demo.stand_in import StandIn, seed
from werkzeug.wrappers import Request, Response

from tests.conftest import any_context
from tests.makers import any_pools
from tests.organization.conftest import OTHERS, OWN, batches_of, refuse_role

IDENTIFIER = "2026-11-24T18-00Z"
PART = f"user-pools/{keys.part(IDENTIFIER, 1)}"


@pytest.fixture
def event(org: StandIn) -> dict[str, Any]:
    """The first batch, of the exporter's own account and another."""
    for account_id in (OWN, OTHERS[0]):
        seed("eu-west-1", any_pools(3, "eu-west-1"), account_id)
    found = batches_of(plan.handler({"time": "2026-11-24T18:00:00Z"}, any_context()))[0]
    org.requests.clear()
    return found


def body_of(s3: S3Client) -> bytes:
    return s3.get_object(Bucket="inventory", Key=PART)["Body"].read()


def listings(aws: StandIn) -> int:
    return sum(each.headers.get("X-Amz-Target", "").endswith(".ListUserPools") for each in aws.requests)


def test_a_part_has_the_pools_and_coverage_of_its_accounts(event: dict[str, Any], s3: S3Client) -> None:
    assert batch.handler(event, any_context()) == {}
    found = part.decode(body_of(s3), IDENTIFIER)
    assert [(each.account_id, each.region, each.pools) for each in found.coverage()] == [
        (OWN, "eu-west-1", 3),
        (OWN, "us-east-1", 0),
        (OTHERS[0], "eu-west-1", 3),
        (OTHERS[0], "us-east-1", 0),
    ]
    assert len(list(part.lines(body_of(s3)))) == 6


def test_a_part_that_is_there_asks_no_one(event: dict[str, Any], org: StandIn, s3: S3Client) -> None:
    batch.handler(event, any_context())
    before = body_of(s3)
    org.requests.clear()
    batch.handler(event, any_context())
    assert (listings(org), body_of(s3)) == (0, before)


@pytest.mark.parametrize("damage", [b"", b"PAR1", b"cut"])
def test_a_damaged_part_is_read_again(event: dict[str, Any], org: StandIn, s3: S3Client, damage: bytes) -> None:
    batch.handler(event, any_context())
    s3.put_object(Bucket="inventory", Key=PART, Body=body_of(s3)[:-9] if damage == b"cut" else damage)
    batch.handler(event, any_context())
    assert len(list(part.decode(body_of(s3), IDENTIFIER).coverage())) == 4


def test_a_part_of_other_accounts_is_read_again(event: dict[str, Any], s3: S3Client) -> None:
    batch.handler({**event, "accounts": [OTHERS[3]]}, any_context())
    batch.handler(event, any_context())
    part.decode(body_of(s3), IDENTIFIER).check_accounts((OWN, OTHERS[0]))


def test_of_two_attempts_at_once_the_first_stands(event: dict[str, Any], org: StandIn, s3: S3Client) -> None:
    written: list[bytes] = []

    def write_first(request: Request) -> None:
        """Another attempt ends just before this one writes."""
        if request.method == "PUT" and request.path.endswith(keys.part(IDENTIFIER, 1)) and not written:
            written.append(b"")
            batch.handler(event, any_context())
            written.append(body_of(s3))

    org.answers.append(write_first)
    batch.handler(event, any_context())
    assert body_of(s3) == written[1]


def test_an_account_that_hangs_leaves_the_part_in_time(
    event: dict[str, Any], org: StandIn, s3: S3Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("INVENTORY_RESERVE_SECONDS", "2")

    def hang(request: Request) -> Response | None:
        if request.form.get("Action") != "AssumeRole":
            return None
        time.sleep(5)
        return Response()

    org.answers.append(hang)
    began = time.monotonic()
    batch.handler(event, any_context(seconds=3))
    assert time.monotonic() - began < 3
    found = part.decode(body_of(s3), IDENTIFIER)
    assert {each.account_id for each in found.coverage()} == {OWN}
    assert [(each.account_id, each.status) for each in found.failures] == [(OTHERS[0], "timed_out")]


def test_a_refused_role_is_in_the_part(event: dict[str, Any], org: StandIn, s3: S3Client) -> None:
    org.answers.append(refuse_role(OTHERS[0]))
    batch.handler(event, any_context())
    (failure,) = part.decode(body_of(s3), IDENTIFIER).failures
    assert (failure.account_id, failure.status) == (OTHERS[0], "denied")


def test_the_role_is_assumed_by_its_settings(
    event: dict[str, Any], org: StandIn, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("INVENTORY_MEMBER_ROLE", "audit/reader")
    monkeypatch.setenv("INVENTORY_EXTERNAL_ID", "shared")
    batch.handler(event, any_context())
    (asked,) = (each.form for each in org.requests if each.form.get("Action") == "AssumeRole")
    assert (asked["RoleArn"], asked["ExternalId"], asked["RoleSessionName"]) == (
        f"arn:aws:iam::{OTHERS[0]}:role/audit/reader",
        "shared",
        IDENTIFIER,
    )
