"""An organization's functions, their state machine and the member role: what they call is what they may."""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import boto3
import pytest
from mypy_boto3_s3 import S3Client
from pool_inventory.organization import batch, messages, plan, publish
from pool_inventory.snapshots import keys
from pool_inventory.terminal.demo.stand_in import ACCOUNT_ID, StandIn, reply
from werkzeug.wrappers import Request, Response

from infra.member_role import template
from tests.conftest import BUCKET, any_context
from tests.iam import simulator
from tests.iam.calls import (
    Call,
    actions_asked,
    calls_of_encryption,
    calls_of_lambda,
    calls_of_the_alarms,
    calls_of_the_scheduler,
    role_of,
)
from tests.iam.deployed import REGION, Deployed
from tests.iam.simulator import ALLOWED, IMPLICITLY_DENIED, Policy, grants, identity_policies, refused, unused
from tests.infra.makers import Synthesized, any_settings
from tests.organization.conftest import OTHERS, any_account, organization, refuse_role

ORGANIZATION_ID = "o-a1b2c3d4e5"
UNIT = "ou-ab12-34cd56ef"
BATCH_ROLE_NAME = f"PoolInventory-batch-{REGION}"
BATCH_ROLE = f"arn:aws:iam::{ACCOUNT_ID}:role/{BATCH_ROLE_NAME}"
ANOTHER_KEY = f"arn:aws:kms:{REGION}:{ACCOUNT_ID}:key/of-others"
STACKS: Mapping[str, Mapping[str, object]] = {
    "by default": {},
    "with a key, an external id and a bus": {
        "customerManagedKey": "yes",
        "externalId": "a:b",
        "eventBus": "default",
        "memberRole": "audit/inventory",
    },
    "by units, in a bucket of others under a key": {
        "accounts": f"r-ab12,-ou-ab12-34cd56ef,{OTHERS[0]}",
        "bucketName": BUCKET,
        "encryption": ANOTHER_KEY,
        "prefix": "audit/pools",
        "extraFormats": "csv",
        "dashboard": "no",
    },
}


@dataclass(frozen=True)
class Run:
    """What the runs of an organization were heard to send, by the function that sent it."""

    plan: list[Request]
    batch: list[Request]
    publish: list[Request]


@pytest.fixture(params=STACKS)
def options(request: pytest.FixtureRequest) -> Mapping[str, object]:
    default: dict[str, object] = {"accounts": "organization", "regions": "enabled", "accountsPerBatch": 2}
    return {**default, **STACKS[request.param]}


@pytest.fixture
def deployed(options: Mapping[str, object], tmp_path: Path) -> Deployed:
    template = Synthesized(tmp_path, **options).template
    resources = template["Resources"]
    names = {name: BUCKET for name, each in resources.items() if each["Type"] == "AWS::S3::Bucket"}
    batch_roles = {
        name: BATCH_ROLE_NAME for name, each in resources.items() if "RoleName" in each.get("Properties", {})
    }
    return Deployed(template, names | batch_roles)


@pytest.fixture
def run(
    deployed: Deployed, options: Mapping[str, object], aws: StandIn, s3: S3Client, monkeypatch: pytest.MonkeyPatch
) -> Run:
    """Three runs, the second with an account that denies, the third with what was staged before it damaged."""
    assert s3
    aws.enabled_regions = ["eu-west-1", "us-east-1"]
    aws.answers += [organization(*map(any_account, (ACCOUNT_ID, *OTHERS))), in_units]
    function, *_ = deployed.of_type("AWS::Lambda::Function").values()
    for name, value in function["Environment"]["Variables"].items():
        monkeypatch.setenv(name, value)
    heard = Run([], [], [])
    with monkeypatch.context() as before:
        # A run finishes what another committed, in that one's formats and not in its own.
        before.setenv("INVENTORY_EXTRA_FORMATS", "csv")
        snapshot(aws, heard, "2026-11-24T18:00:00Z")
    aws.answers.append(refuse_role(OTHERS[0], name=str(options.get("memberRole", "pool-inventory-member"))))
    snapshot(aws, heard, "2026-11-25T18:00:00Z")
    damage(s3, options, "2026-11-26T18-00Z")
    snapshot(aws, heard, "2026-11-26T18:00:00Z")
    return heard


def damage(s3: S3Client, options: Mapping[str, object], snapshot_id: str) -> None:
    """Have something else where a snapshot's objects are to be staged: it is written over."""
    for key in (keys.plan(snapshot_id), keys.batches(snapshot_id), keys.part(snapshot_id, 1)):
        s3.put_object(Bucket=BUCKET, Key=f"{options.get('prefix', 'user-pools')}/{key}", Body=b"damaged")


def snapshot(aws: StandIn, heard: Run, time: str) -> None:
    aws.requests.clear()
    planned = plan.handler({"time": time}, any_context())
    heard.plan.extend(aws.requests)
    body = boto3.client("s3").get_object(Bucket=BUCKET, Key=planned[messages.BATCHES_KEY])["Body"].read()
    aws.requests.clear()
    for event in json.loads(body):
        batch.handler(event, any_context())
    heard.batch.extend(aws.requests)
    aws.requests.clear()
    publish.handler({"time": planned["time"]}, any_context())
    heard.publish.extend(aws.requests)


def in_units(request: Request) -> Response | None:
    """Answer as an organization whose root has a unit, and one account beside it."""
    _, _, operation = request.headers.get("X-Amz-Target", "").partition("AWSOrganizationsV20161128.")
    parent = json.loads(request.get_data())["ParentId"] if operation.endswith("ForParent") else None
    if operation == "ListAccountsForParent":
        return reply({"Accounts": [any_account(ACCOUNT_ID if parent == "r-ab12" else OTHERS[2])]})
    if operation == "ListOrganizationalUnitsForParent":
        return reply({"OrganizationalUnits": [{"Id": UNIT}] if parent == "r-ab12" else []})
    return None


def is_members(request: Request) -> bool:
    """Whether a request was signed by what AssumeRole gave."""
    return "X-Amz-Security-Token" in request.headers


def all_calls(deployed: Deployed, run: Run) -> list[Call]:
    calls = [
        *calls_of_functions(deployed, run),
        *calls_of_lambda(deployed),
        *calls_of_the_machine(deployed),
        *calls_of_the_rule(deployed),
        *calls_of_the_scheduler(deployed),
        *calls_of_the_alarms(deployed),
    ]
    return [*calls, *(call for each in calls for call in calls_of_encryption(deployed, each))]


def calls_of_functions(deployed: Deployed, run: Run) -> Iterator[Call]:
    for function in deployed.of_type("AWS::Lambda::Function").values():
        name = function["Handler"].split(".")[-2]
        role = role_of(deployed, function["Role"])
        for request in getattr(run, name):
            if not is_members(request):
                for action, resource, context in actions_asked(request):
                    yield Call(caller=role, action=action, resource=resource, context=context)


def calls_of_the_machine(deployed: Deployed) -> Iterator[Call]:
    """What Step Functions does: https://docs.aws.amazon.com/step-functions/latest/dg/iam-policies-eg-dist-map.html."""
    ((logical_id, machine),) = deployed.of_type("AWS::StepFunctions::StateMachine").items()
    role, name = role_of(deployed, machine["RoleArn"]), deployed.names[logical_id]
    execution = f"arn:aws:states:{REGION}:{ACCOUNT_ID}:execution:{name}"
    function, *_ = deployed.of_type("AWS::Lambda::Function").values()
    prefix = function["Environment"]["Variables"]["INVENTORY_PREFIX"]
    asked = [
        *(("lambda:InvokeFunction", deployed.arn(each)) for each in deployed.of_type("AWS::Lambda::Function")),
        ("s3:GetObject", f"arn:aws:s3:::{BUCKET}/{prefix}/_staging/2026-11-24T18-00Z/batches.json"),
        ("states:StartExecution", deployed.arn(logical_id)),
        *(
            (f"states:{action}Execution", f"{execution}{label}:some")
            for action in ("Describe", "Stop")
            for label in ("", "/Batches")
        ),
        ("states:RedriveExecution", f"{execution}/Batches:some"),
    ]
    for action, resource in asked:
        yield Call(caller=role, action=action, resource=resource)


def calls_of_the_rule(deployed: Deployed) -> Iterator[Call]:
    """What EventBridge does: https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-use-resource-based.html."""
    for logical_id, rule in deployed.of_type("AWS::Events::Rule").items():
        context = {"aws:SourceArn": deployed.arn(logical_id), "aws:SourceAccount": ACCOUNT_ID}
        for target in rule["Targets"]:
            yield Call(
                caller="events.amazonaws.com", action="sqs:SendMessage", resource=target["Arn"], context=context
            )


def test_every_call_of_an_organization_is_granted(deployed: Deployed, run: Run) -> None:
    calls = all_calls(deployed, run)
    actions = {call.action for call in calls}
    assert {"sts:AssumeRole", "account:ListRegions"} <= actions
    assert any(action.startswith("organizations:List") for action in actions)
    assert refused(deployed, calls) == []


@pytest.mark.slow
def test_each_grant_of_an_organization_is_needed(deployed: Deployed, run: Run) -> None:
    assert list(grants(identity_policies(deployed)))
    assert unused(deployed, all_calls(deployed, run)) == []


def test_other_rules_send_no_failures(deployed: Deployed) -> None:
    (call,) = calls_of_the_rule(deployed)
    other = f"arn:aws:events:{REGION}:{ACCOUNT_ID}:rule/other"
    others = [Call(caller=call.caller, action=call.action, resource=call.resource, context={"aws:SourceArn": other})]
    assert refused(deployed, others) == others


def filled_in(value: Any, account_id: str) -> Any:
    """The member role's template as an account deploys it."""
    of_account = Deployed({"Resources": {}})
    parameters = {"ExporterRoleArn": BATCH_ROLE, "OrganizationId": ORGANIZATION_ID}
    match value:
        case {"Ref": str(name)}:
            return parameters[name]
        case {"Fn::Select": [int(at), {"Fn::Split": [str(separator), inner]}]}:
            return filled_in(inner, account_id).split(separator)[at]
        case {"Fn::Sub": str()}:
            return of_account.filled_in(value).replace(ACCOUNT_ID, account_id)
        case dict():
            return {name: filled_in(each, account_id) for name, each in value.items()}
        case list():
            return [filled_in(each, account_id) for each in value]
    return value


@dataclass(frozen=True)
class Member:
    """The role of a member account."""

    account_id: str
    role: Mapping[str, Any]

    @classmethod
    def of(cls, account_id: str, **options: object) -> "Member":
        made = template(any_settings(**{"accounts": "organization", **options}))["Resources"]["Role"]["Properties"]
        return cls(account_id, filled_in(made, account_id))

    def assumed(
        self, caller: str = BATCH_ROLE_NAME, *, organization_id: str = ORGANIZATION_ID, external_id: str | None = None
    ) -> str:
        """What STS says to a role of the exporter's account that may assume any role."""
        resource = f"arn:aws:iam::{self.account_id}:role{self.role['Path']}{self.role['RoleName']}"
        context = {
            "aws:PrincipalOrgID": organization_id,
            "aws:PrincipalArn": f"arn:aws:iam::{ACCOUNT_ID}:role/{caller}",
        }
        statement = {"Effect": "Allow", "Action": "sts:AssumeRole", "Resource": "*"}
        asked = {
            "request": {
                "principal": f"arn:aws:sts::{ACCOUNT_ID}:assumed-role/{caller}/session",
                "action": "sts:AssumeRole",
                "resource": {"resource": resource, "accountId": self.account_id},
                "contextVariables": context | ({"sts:ExternalId": external_id} if external_id else {}),
            },
            "identityPolicies": [{"name": "any", "policy": {"Version": "2012-10-17", "Statement": [statement]}}],
            "serviceControlPolicies": [],
            "resourceControlPolicies": [],
            "resourcePolicy": self.role["AssumeRolePolicyDocument"],
        }
        (decision,) = simulator.simulate([asked])
        return decision

    def decisions(self, calls: list[tuple[str, str]], policy: Policy | None = None) -> list[str]:
        """What IAM says to what the role asks in its account."""
        (own,) = self.role["Policies"]
        return simulator.simulate(
            [
                {
                    "request": {
                        "principal": f"arn:aws:sts::{self.account_id}:assumed-role/{self.role['RoleName']}/session",
                        "action": action,
                        "resource": {"resource": resource, "accountId": self.account_id},
                        "contextVariables": {},
                    },
                    "identityPolicies": [{"name": "own", "policy": policy or own["PolicyDocument"]}],
                    "serviceControlPolicies": [],
                    "resourceControlPolicies": [],
                }
                for action, resource in calls
            ]
        )


def members_calls(run: Run, account_id: str) -> list[tuple[str, str]]:
    heard = [request for request in run.batch if is_members(request)]
    return sorted({(action, on) for request in heard for action, on, _ in actions_asked(request, account_id)})


def test_the_member_role_grants_what_is_asked_and_no_more(run: Run) -> None:
    member = Member.of(OTHERS[0])
    calls = members_calls(run, member.account_id)
    assert {action for action, _ in calls} == {"account:ListRegions", "cognito-idp:ListUserPools"}
    assert set(member.decisions(calls)) == {ALLOWED}
    (own,) = member.role["Policies"]
    policies = {"member": own["PolicyDocument"]}
    for grant in grants(policies):
        without = simulator.without(policies, grant)["member"]
        assert IMPLICITLY_DENIED in member.decisions(calls, without), grant


@pytest.mark.parametrize(
    "action", ["cognito-idp:DescribeUserPool", "cognito-idp:ListUsers", "account:EnableRegion", "iam:ListRoles"]
)
def test_what_the_member_role_is_not_for_it_may_not_do(action: str) -> None:
    assert Member.of(OTHERS[0]).decisions([(action, "*")]) == [IMPLICITLY_DENIED]


def test_the_exporters_batch_role_is_trusted() -> None:
    assert Member.of(OTHERS[0], memberRole="audit/inventory").assumed() == ALLOWED


@pytest.mark.parametrize("caller", ["PoolInventory-batch-eu-west-1", "another", "PoolInventory-batch-us-east-1x"])
def test_no_other_role_of_the_exporters_account_is_trusted(caller: str) -> None:
    assert Member.of(OTHERS[0]).assumed(caller) == IMPLICITLY_DENIED


def test_a_role_that_left_the_organization_is_not_trusted() -> None:
    assert Member.of(OTHERS[0]).assumed(organization_id="o-another000") == IMPLICITLY_DENIED


@pytest.mark.parametrize(
    ("given", "decision"), [("a:b", ALLOWED), ("a:c", IMPLICITLY_DENIED), (None, IMPLICITLY_DENIED)]
)
def test_an_external_id_has_to_be_the_one_that_is_set(given: str | None, decision: str) -> None:
    assert Member.of(OTHERS[0], externalId="a:b").assumed(external_id=given) == decision
