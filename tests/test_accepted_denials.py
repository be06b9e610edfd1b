"""Denials that the operator accepts: they leave a snapshot complete, and never look like a region without pools."""

import json
from typing import Any

import pytest
from mypy_boto3_s3 import S3Client
from pool_inventory.errors import UnreadError
from pool_inventory.snapshots import coverage, keys
from pool_inventory.terminal.demo.stand_in import ACCOUNT_ID, StandIn, error, listing, seed
from werkzeug.wrappers import Request, Response

from tests.conftest import BUCKET, Invoke
from tests.makers import any_pools

# As AWS sends it, the policy's ARN after it or not:
# https://github.com/kubernetes-sigs/aws-load-balancer-controller/issues/2322
SENTENCE = (
    f"User: arn:aws:sts::{ACCOUNT_ID}:assumed-role/pool-inventory/run is not authorized to perform: "
    f"cognito-idp:ListUserPools on resource: arn:aws:cognito-idp:eu-west-1:{ACCOUNT_ID}:userpool/* "
)
BY_SCP = SENTENCE + "with an explicit deny in a service control policy"
BY_A_NAMED_SCP = f"{BY_SCP}: arn:aws:organizations::{ACCOUNT_ID}:policy/o-y3vn941x7j/service_control_policy/p-kfhxcsd9"
OTHER_DENIALS = [
    SENTENCE + "with an explicit deny in an identity-based policy",
    SENTENCE + "with an explicit deny in a resource control policy",
    SENTENCE + "because no identity-based policy allows the cognito-idp:ListUserPools action",
    SENTENCE + "because no service control policy allows the cognito-idp:ListUserPools action",
    SENTENCE + "with an explicit deny",
    "",
]


@pytest.fixture(autouse=True)
def two_regions(aws: StandIn, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("INVENTORY_REGIONS", "eu-west-1,us-east-1")
    seed("eu-west-1", any_pools(2, "eu-west-1"))
    seed("us-east-1", any_pools(3))


def deny(aws: StandIn, message: str, region: str = "eu-west-1") -> None:
    def answer(_: Request) -> Response:
        return error("AccessDeniedException", message)

    aws.answers.append(listing(region, answer))


def read(s3: S3Client, key: str) -> bytes:
    return s3.get_object(Bucket=BUCKET, Key=f"user-pools/{key}")["Body"].read()


def manifest_of(s3: S3Client, summary: dict[str, Any]) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(read(s3, keys.manifest(summary["snapshot_id"])))
    return found


def west_of(s3: S3Client, summary: dict[str, Any]) -> tuple[str, str | None, int | None]:
    covered = {each.region: each for each in coverage.decode(read(s3, keys.coverage(summary["snapshot_id"])))}
    west = covered["eu-west-1"]
    return west.status, west.accepted_by, west.pools


@pytest.mark.parametrize("message", [BY_SCP, BY_A_NAMED_SCP])
def test_a_service_control_policy_can_be_accepted(
    invoke: Invoke, aws: StandIn, s3: S3Client, monkeypatch: pytest.MonkeyPatch, message: str
) -> None:
    monkeypatch.setenv("INVENTORY_ACCEPT_DENIED", "scp")
    deny(aws, message)
    summary = invoke()
    assert (summary["status"], summary["targets_failed"], summary["pools"]) == ("complete", 0, 3)
    assert west_of(s3, summary) == ("denied", "scp", None)
    found = manifest_of(s3, summary)
    assert (found["targets"]["denied"], found["targets"]["accepted"], found["unreadCount"]) == (0, 1, 1)
    assert [(each["region"], each["accepted_by"]) for each in found["unread"]] == [("eu-west-1", "scp")]


@pytest.mark.parametrize("message", OTHER_DENIALS)
def test_scp_accepts_no_other_denial(
    invoke: Invoke, aws: StandIn, s3: S3Client, monkeypatch: pytest.MonkeyPatch, message: str
) -> None:
    monkeypatch.setenv("INVENTORY_ACCEPT_DENIED", "scp,ap-south-2")
    deny(aws, message)
    summary = invoke()
    assert (summary["status"], summary["targets_failed"]) == ("partial", 1)
    assert west_of(s3, summary) == ("denied", None, None)


def test_no_denial_is_accepted_unless_it_is_set(invoke: Invoke, aws: StandIn) -> None:
    deny(aws, BY_SCP)
    assert invoke()["status"] == "partial"


def test_scp_does_not_accept_a_region_that_was_read_before(
    invoke: Invoke, aws: StandIn, s3: S3Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is news, until the region is named; its pools stay known all the while."""
    monkeypatch.setenv("INVENTORY_ACCEPT_DENIED", "scp")
    invoke("2026-11-24T17:00:00Z")
    deny(aws, BY_SCP)
    news = invoke("2026-11-24T18:00:00Z")
    assert (news["status"], west_of(s3, news)) == ("partial", ("denied", None, None))
    monkeypatch.setenv("INVENTORY_ACCEPT_DENIED", "eu-west-1")
    named = invoke("2026-11-24T19:00:00Z")
    assert (named["status"], west_of(s3, named)) == ("complete", ("denied", "eu-west-1", None))
    assert (named["changes"]["deleted"], named["carried"]["pools"]) == (0, 2)


def test_scp_accepts_nothing_after_an_unreadable_snapshot(
    invoke: Invoke, aws: StandIn, s3: S3Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("INVENTORY_ACCEPT_DENIED", "scp")
    first = invoke("2026-11-24T17:00:00Z")["snapshot_id"]
    for key in (keys.data(first), keys.coverage(first), keys.manifest(first)):
        s3.put_object(Bucket=BUCKET, Key=f"user-pools/{key}", Body=b"damaged")
    deny(aws, BY_SCP)
    assert invoke("2026-11-24T18:00:00Z")["status"] == "partial"


def test_a_named_region_accepts_any_denial_and_no_failure(
    invoke: Invoke, aws: StandIn, s3: S3Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("INVENTORY_ACCEPT_DENIED", "eu-west-1,us-east-1")
    deny(aws, "")
    summary = invoke("2026-11-24T17:00:00Z")
    assert (summary["status"], west_of(s3, summary)) == ("complete", ("denied", "eu-west-1", None))
    aws.answers[:] = [listing("eu-west-1", lambda _: error("InvalidParameterException", "1 validation error"))]
    summary = invoke("2026-11-24T18:00:00Z")
    assert (summary["status"], west_of(s3, summary)) == ("partial", ("failed", None, None))


def test_a_run_that_read_nothing_fails_whatever_is_accepted(
    invoke: Invoke, aws: StandIn, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("INVENTORY_ACCEPT_DENIED", "scp,eu-west-1,us-east-1")
    for region in ("eu-west-1", "us-east-1"):
        deny(aws, BY_SCP, region)
    with pytest.raises(UnreadError, match="no target could be read"):
        invoke()
