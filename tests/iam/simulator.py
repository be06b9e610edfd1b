"""What IAM would say: by iam-simulate, which evaluates policies as AWS documents it."""

import json
import subprocess
import sys
from collections.abc import Iterable, Iterator, Sequence
from copy import deepcopy
from dataclasses import dataclass
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any

from pool_inventory.terminal.demo.stand_in import ACCOUNT_ID

from tests.iam.calls import Call
from tests.iam.deployed import Deployed

ALLOWED = "Allowed"
EXPLICITLY_DENIED = "ExplicitlyDenied"
IMPLICITLY_DENIED = "ImplicitlyDenied"
NODE = Path(sys.executable).with_name("node")
PROGRAM = Path(__file__).with_name("simulate.mjs")

Policy = dict[str, Any]
Policies = dict[str, Policy]
"""Of each role, by logical id."""


POLICY_OF_A_KEY_OF_OTHERS: Policy = {
    "Version": "2012-10-17",
    "Statement": [
        {
            "Effect": "Allow",
            "Principal": {"AWS": f"arn:aws:iam::{ACCOUNT_ID}:root"},
            "Action": "kms:*",
            "Resource": "*",
        }
    ],
}
"""What KMS itself gives a new key: https://docs.aws.amazon.com/kms/latest/developerguide/key-policy-default.html."""


def identity_policies(deployed: Deployed) -> Policies:
    """All that each role of a stack is granted, as one policy."""
    granted: Policies = {
        logical_id: {"Version": "2012-10-17", "Statement": []} for logical_id in deployed.of_type("AWS::IAM::Role")
    }
    for policy in deployed.of_type("AWS::IAM::Policy").values():
        for name in policy["Roles"]:
            (logical_id,) = [each for each in granted if deployed.names[each] == name]
            granted[logical_id]["Statement"].extend(policy["PolicyDocument"]["Statement"])
    return granted


@dataclass(frozen=True, slots=True)
class Grant:
    """One action on one resource of one statement: what can be taken out."""

    role: str
    statement: int
    action: str
    resource: str


def grants(policies: Policies) -> Iterator[Grant]:
    for role, policy in policies.items():
        for number, statement in enumerate(policy["Statement"]):
            for action in actions(statement):
                for resource in resources(statement):
                    yield Grant(role, number, action, resource)


def without(policies: Policies, grant: Grant) -> Policies:
    """The policies less one grant."""
    left = deepcopy(policies)
    statements = left[grant.role]["Statement"]
    whole = statements.pop(grant.statement)
    other_actions = [action for action in actions(whole) if action != grant.action]
    other_resources = [resource for resource in resources(whole) if resource != grant.resource]
    if other_actions:
        statements.append({**whole, "Action": other_actions})
    if other_resources:
        statements.append({**whole, "Action": [grant.action], "Resource": other_resources})
    return left


def actions(statement: Policy) -> list[str]:
    named: str | list[str] = statement["Action"]
    return [named] if isinstance(named, str) else named


def refused(deployed: Deployed, calls: Iterable[Call]) -> list[Call]:
    """The calls that IAM would refuse."""
    (refusals,) = _refusals(deployed, [identity_policies(deployed)], calls)
    return refusals


def unused(deployed: Deployed, calls: Iterable[Call]) -> list[Grant]:
    """The grants that could be taken out, one at a time, without a call being refused."""
    granted = identity_policies(deployed)
    each = list(grants(granted))
    refusals = _refusals(deployed, [without(granted, grant) for grant in each], calls)
    return [grant for grant, refusal in zip(each, refusals, strict=True) if not refusal]


def _refusals(deployed: Deployed, alternatives: Sequence[Policies], calls: Iterable[Call]) -> list[list[Call]]:
    """The calls that IAM would refuse under each alternative of what the roles are granted."""
    once = list({repr(call): call for call in calls}.values())
    decided = iter(decisions(deployed, [(policies, call) for policies in alternatives for call in once]))
    return [[call for call in once if next(decided) != ALLOWED] for _ in alternatives]


def decisions(
    deployed: Deployed, asked: Iterable[tuple[Policies, Call]], *, secure_transport: bool = True
) -> list[str]:
    """What IAM says of each call under what the roles are granted.

    Raises:
        ValueError: the simulator refuses a policy, an action, a resource, or a key of the context.
    """
    tls = str(secure_transport).lower()
    return simulate([simulation(deployed, policies, call, tls) for policies, call in asked])


def simulation(deployed: Deployed, policies: Policies, call: Call, secure_transport: str) -> dict[str, Any]:
    is_role = call.caller in policies
    session = f"arn:aws:sts::{ACCOUNT_ID}:assumed-role/{deployed.names.get(call.caller)}/session"
    asked = {
        "request": {
            "principal": session if call.caller in deployed.names else call.caller,
            "action": call.action,
            "resource": {"resource": call.resource, "accountId": ACCOUNT_ID},
            "contextVariables": {"aws:SecureTransport": secure_transport, **call.context},
        },
        "identityPolicies": [{"name": call.caller, "policy": policies[call.caller]}] if is_role else [],
        "serviceControlPolicies": [],
        "resourceControlPolicies": [],
    }
    on_it = resource_policy(deployed, call.resource)
    return {**asked, "resourcePolicy": on_it} if on_it else asked


def resource_policy(deployed: Deployed, arn: str) -> Policy | None:
    """The policy that is on a resource, None where there is none."""
    for logical_id, key in deployed.of_type("AWS::KMS::Key").items():
        if deployed.arn(logical_id) == arn:
            on_key: Policy = key["KeyPolicy"]
            return on_key
    if arn.startswith("arn:aws:kms:"):
        return POLICY_OF_A_KEY_OF_OTHERS
    for kind in ("AWS::S3::BucketPolicy", "AWS::SQS::QueuePolicy", "AWS::SNS::TopicPolicy"):
        for each in deployed.of_type(kind).values():
            document: Policy = each["PolicyDocument"]
            if any(fnmatchcase(arn, pattern) for each in document["Statement"] for pattern in resources(each)):
                return document
    return None


def resources(statement: Policy) -> list[str]:
    named: str | list[str] = statement["Resource"]
    return [named] if isinstance(named, str) else named


def simulate(simulations: Sequence[dict[str, Any]]) -> list[str]:
    outcome = subprocess.run(  # noqa: S603 - our own program
        [str(NODE), str(PROGRAM)], input=json.dumps(simulations), stdout=subprocess.PIPE, encoding="utf-8", check=True
    )
    answers = json.loads(outcome.stdout)
    for asked, answer in zip(simulations, answers, strict=True):
        if answer["errors"] or answer["ignored"]:
            raise ValueError(f"the simulator refuses {asked['request']}: {answer}")
    return [answer["result"] for answer in answers]
