"""Each grant of the stack against each call that is made, one by one: moto forgets IAM."""

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import pytest
from pool_inventory.snapshots import keys
from pool_inventory.terminal.demo.stand_in import ACCOUNT_ID, StandIn, deny, listing, seed
from werkzeug.wrappers import Request

from tests.conftest import BUCKET, Invoke
from tests.iam import simulator
from tests.iam.calls import ANY, Call, actions_asked, all_calls, role_of
from tests.iam.deployed import Deployed
from tests.iam.simulator import (
    EXPLICITLY_DENIED,
    IMPLICITLY_DENIED,
    grants,
    identity_policies,
    refused,
    unused,
)
from tests.infra.makers import Synthesized
from tests.makers import any_pools

OBJECTS = f"arn:aws:s3:::{BUCKET}/user-pools"
WRITTEN_ONCE = (*(each for each in keys.SNAPSHOT_FOLDERS if each != keys.ACCOUNTS), keys.STAGING)
ANOTHER_KEY = f"arn:aws:kms:us-east-1:{ACCOUNT_ID}:key/of-others"
STACKS: Mapping[str, Mapping[str, object]] = {
    "by default": {},
    "with another prefix": {"prefix": "audit/pools"},
    "with a key of its own": {"customerManagedKey": "yes"},
    "with events and extra formats": {"eventBus": "default", "extraFormats": "csv,ndjson"},
    "in a bucket of others under a key": {"bucketName": BUCKET, "encryption": ANOTHER_KEY},
}


@pytest.fixture(params=STACKS)
def deployed(request: pytest.FixtureRequest, tmp_path: Path) -> Deployed:
    return deployed_stack(tmp_path, **STACKS[request.param])


def deployed_stack(tmp_path: Path, **changes: object) -> Deployed:
    template = Synthesized(tmp_path, **changes).template
    buckets = [name for name, each in template["Resources"].items() if each["Type"] == "AWS::S3::Bucket"]
    return Deployed(template, dict.fromkeys(buckets, BUCKET))


@pytest.fixture
def calls(deployed: Deployed, aws: StandIn, invoke: Invoke, monkeypatch: pytest.MonkeyPatch) -> list[Call]:
    """All that the function calls in its first run and the next, and what is called for it.

    The second cannot read a region, so it carries what was known of it.
    """
    aws.enabled_regions = ["sa-east-1", "us-east-1"]
    seed("sa-east-1", any_pools(2, "sa-east-1"))
    (function,) = deployed.of_type("AWS::Lambda::Function").values()
    for name, value in function["Environment"]["Variables"].items():
        monkeypatch.setenv(name, value)
    with monkeypatch.context() as before:
        # A run finishes what another committed, in that one's formats and not in its own.
        before.setenv("INVENTORY_EXTRA_FORMATS", "csv")
        invoke("2026-11-24T17:00:00Z")
    aws.answers.append(listing("sa-east-1", deny))
    invoke("2026-11-24T18:00:00Z")
    invoke("2026-11-24T19:00:00Z")
    return all_calls(deployed, aws.requests)


def test_every_call_is_granted(deployed: Deployed, calls: list[Call]) -> None:
    assert refused(deployed, calls) == []


def test_each_grant_is_needed_by_a_call(deployed: Deployed, calls: list[Call]) -> None:
    assert list(grants(identity_policies(deployed)))
    assert unused(deployed, calls) == []


def test_a_call_without_tls_is_refused_whatever_is_granted(deployed: Deployed, calls: list[Call]) -> None:
    ours = [call for call in calls if call.service != "s3" or deployed.of_type("AWS::S3::Bucket")]
    by_tls_only = [call for call in ours if call.service in {"s3", "sns", "sqs"}]
    asked = [(identity_policies(deployed), call) for call in by_tls_only]
    decided = simulator.decisions(deployed, asked, secure_transport=False)
    assert set(decided) == {EXPLICITLY_DENIED}


def test_alarms_of_other_accounts_neither_publish_nor_use_keys(tmp_path: Path) -> None:
    deployed = deployed_stack(tmp_path, customerManagedKey="yes")
    calls = [call for call in all_calls(deployed, []) if call.caller == "cloudwatch.amazonaws.com"]
    assert {call.action for call in calls} == {"sns:Publish", "kms:GenerateDataKey", "kms:Decrypt"}
    assert refused(deployed, calls) == []
    for name, other in (("aws:SourceAccount", "210987654321"), ("aws:SourceArn", "arn:aws:s3:::another")):
        others = [replace(call, context={**call.context, name: other}) for call in calls]
        assert {repr(call) for call in refused(deployed, others)} == {repr(call) for call in others}


def test_a_former_key_may_be_used_to_read_snapshots_alone(tmp_path: Path) -> None:
    deployed = deployed_stack(tmp_path, formerKeys=ANOTHER_KEY)
    (function,) = deployed.of_type("AWS::Lambda::Function").values()
    role = role_of(deployed, function["Role"])
    asked = [
        Call(
            caller=role,
            action=action,
            resource=ANOTHER_KEY,
            context={"kms:ViaService": f"{service}.us-east-1.amazonaws.com"},
        )
        for action, service in (("kms:Decrypt", "s3"), ("kms:Decrypt", "sqs"), ("kms:GenerateDataKey", "s3"))
    ]
    assert refused(deployed, asked) == asked[1:]


BESIDE = f"arn:aws:s3:::{BUCKET}/user-poolsX/latest.json"


@pytest.mark.parametrize(
    ("action", "resource", "context"),
    [
        ("s3:GetObject", BESIDE, {}),
        ("s3:PutObject", BESIDE, {}),
        ("s3:PutObject", "arn:aws:s3:::another/user-pools/latest.json", {}),
        ("s3:ListBucket", f"arn:aws:s3:::{BUCKET}", {"s3:prefix": "user-poolsX/"}),
        ("s3:ListBucket", f"arn:aws:s3:::{BUCKET}", {"s3:prefix": ""}),
        ("s3:ListBucket", f"arn:aws:s3:::{BUCKET}", {}),
        *(("s3:PutObject", f"{OBJECTS}/{folder}/some", {}) for folder in WRITTEN_ONCE),
        *(("s3:PutObject", f"{OBJECTS}/{folder}/some", {"s3:if-match": '"tag"'}) for folder in WRITTEN_ONCE),
        *(("s3:PutObject", f"{OBJECTS}/{key}.bak", {}) for key in keys.MOVED),
        *(("s3:DeleteObject", f"{OBJECTS}/{folder}/some", {}) for folder in WRITTEN_ONCE),
        ("s3:PutObject", f"{OBJECTS}/{keys.ACCOUNTS}/some", {"s3:if-none-match": "*"}),
        ("account:ListRegions", "arn:aws:account::210987654321:account/o-mine/210987654321", {}),
        ("s3:DeleteObject", f"arn:aws:s3:::{BUCKET}/user-pools/latest.json", {}),
        ("s3:GetObjectTagging", f"arn:aws:s3:::{BUCKET}/user-pools/latest.json", {}),
        ("cognito-idp:ListUsers", f"arn:aws:cognito-idp:us-east-1:{ACCOUNT_ID}:userpool/us-east-1_a", {}),
        ("cognito-idp:DeleteUserPool", f"arn:aws:cognito-idp:us-east-1:{ACCOUNT_ID}:userpool/us-east-1_a", {}),
        ("account:EnableRegion", ANY, {}),
        ("logs:CreateLogGroup", f"arn:aws:logs:us-east-1:{ACCOUNT_ID}:log-group:exporterlog", {}),
        ("events:PutEvents", f"arn:aws:events:us-east-1:{ACCOUNT_ID}:event-bus/default", {}),
    ],
)
def test_what_the_function_does_not_do_it_may_not_do(
    tmp_path: Path, action: str, resource: str, context: dict[str, str]
) -> None:
    deployed = deployed_stack(tmp_path)
    (function,) = deployed.of_type("AWS::Lambda::Function").values()
    call = Call(caller=role_of(deployed, function["Role"]), action=action, resource=resource, context=context)
    assert simulator.decisions(deployed, [(identity_policies(deployed), call)]) == [IMPLICITLY_DENIED]


def test_a_request_that_no_grant_is_known_for_is_an_error() -> None:
    deletion = Request({"REQUEST_METHOD": "DELETE", "PATH_INFO": f"/{BUCKET}/user-pools/latest.json"})
    with pytest.raises(ValueError, match="no grant is known for DELETE"):
        list(actions_asked(deletion))
