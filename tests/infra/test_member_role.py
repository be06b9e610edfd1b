"""The member role: its template, as a file and in a StackSet."""

import json
from typing import Any

import boto3
import pytest
import yaml  # type: ignore[import-untyped] # it says nothing of its types
from aws_cdk import App
from aws_cdk.assertions import Template
from hypothesis import given
from hypothesis import strategies as st
from pool_inventory.terminal.demo.stand_in import StandIn

from infra.member_role import MemberRoleStack, as_yaml, template
from tests.infra.makers import Synthesized, any_settings
from tests.infra.test_checks import lint

EXPORTER = "arn:aws:iam::123456789012:role/PoolInventory-batch-us-east-1"
ORGANIZATION = "o-a1b2c3d4e5"


def settings_of(**changes: object) -> Any:
    return any_settings(**{"accounts": "organization", "organizationId": ORGANIZATION, **changes})


def role(**changes: object) -> dict[str, Any]:
    made: dict[str, Any] = template(settings_of(**changes))["Resources"]["Role"]["Properties"]
    return made


def test_the_role_lists_pools_and_regions_and_nothing_else() -> None:
    (policy,) = role()["Policies"]
    assert [(each["Action"], each["Resource"]) for each in policy["PolicyDocument"]["Statement"]] == [
        ("cognito-idp:ListUserPools", "*"),
        ("account:ListRegions", {"Fn::Sub": "arn:${AWS::Partition}:account::${AWS::AccountId}:account"}),
    ]


@pytest.mark.parametrize(("external_id", "more"), [("", {}), ("a:b", {"sts:ExternalId": "a:b"})])
def test_the_role_trusts_one_role_of_one_organization(external_id: str, more: dict[str, str]) -> None:
    (trust,) = role(externalId=external_id)["AssumeRolePolicyDocument"]["Statement"]
    assert trust["Condition"] == {
        "StringEquals": {
            "aws:PrincipalArn": {"Ref": "ExporterRoleArn"},
            "aws:PrincipalOrgID": {"Ref": "OrganizationId"},
            **more,
        }
    }


@pytest.mark.parametrize(
    ("member_role", "path", "name"),
    [("inventory", "/", "inventory"), ("audit/deep/inventory", "/audit/deep/", "inventory")],
)
def test_the_roles_name_and_path_are_settings(member_role: str, path: str, name: str) -> None:
    made = role(memberRole=member_role)
    assert (made["Path"], made["RoleName"]) == (path, name)


def test_an_organization_that_is_not_set_is_asked_for() -> None:
    assert template(settings_of())["Parameters"]["OrganizationId"]["Default"] == ORGANIZATION
    assert "Default" not in template(settings_of(organizationId=""))["Parameters"]["OrganizationId"]


@pytest.mark.parametrize("external_id", ["", "a:b"])
def test_the_file_is_the_template(external_id: str) -> None:
    made = template(settings_of(externalId=external_id, memberRole="audit/inventory"))
    assert yaml.safe_load(as_yaml(made)) == made
    assert lint(made) == set()


TEXTS = st.text(st.characters(min_codepoint=32, max_codepoint=126), max_size=30)
VALUES = st.recursive(
    TEXTS | st.integers() | st.booleans(),
    lambda inner: st.lists(inner, min_size=1) | st.dictionaries(TEXTS, inner, min_size=1),
    max_leaves=8,
)


@given(st.dictionaries(TEXTS, VALUES, min_size=1))
def test_yaml_says_what_it_was_made_of(value: dict[str, Any]) -> None:
    assert yaml.safe_load(as_yaml(value)) == value


@pytest.mark.filterwarnings("ignore:Tried to parse")
def test_the_file_deploys_alone(aws: StandIn) -> None:
    assert aws
    client = boto3.client("cloudformation")
    client.create_stack(
        StackName="member",
        TemplateBody=as_yaml(template(settings_of(externalId="a:b", memberRole="audit/inventory"))),
        Parameters=[{"ParameterKey": "ExporterRoleArn", "ParameterValue": EXPORTER}],
        Capabilities=["CAPABILITY_NAMED_IAM"],
    )
    made = boto3.client("iam").get_role(RoleName="inventory")["Role"]
    assert made["Path"] == "/audit/"
    trust: Any = made["AssumeRolePolicyDocument"]
    (statement,) = trust["Statement"]
    assert statement["Principal"] == {"AWS": "123456789012"}
    assert statement["Condition"]["StringEquals"] == {
        "aws:PrincipalArn": EXPORTER,
        "aws:PrincipalOrgID": ORGANIZATION,
        "sts:ExternalId": "a:b",
    }


@pytest.mark.parametrize(("stack_set", "call_as"), [("management", "SELF"), ("delegated", "DELEGATED_ADMIN")])
def test_the_stack_set_keeps_the_role_in_each_account(stack_set: str, call_as: str) -> None:
    settings = settings_of(stackSet=stack_set, stackSetUnits="ou-ab12-34cd56ef,ou-ab12-00000000", tags="team=identity")
    made = Template.from_stack(MemberRoleStack(App(), settings=settings)).to_json()
    assert lint(made) == set()
    (properties,) = (each["Properties"] for each in made["Resources"].values())
    assert json.loads(properties.pop("TemplateBody")) == template(settings)
    parameters = {each["ParameterKey"]: each["ParameterValue"] for each in properties.pop("Parameters")}
    assert set(parameters) == set(template(settings)["Parameters"])
    assert parameters["OrganizationId"] == ORGANIZATION
    assert ":role/PoolInventory-batch-" in json.dumps(parameters["ExporterRoleArn"])
    properties.pop("Description")
    assert properties == {
        "StackSetName": "PoolInventory-member-role",
        "PermissionModel": "SERVICE_MANAGED",
        "CallAs": call_as,
        "AutoDeployment": {"Enabled": True, "RetainStacksOnAccountRemoval": False},
        "OperationPreferences": {"FailureTolerancePercentage": 100, "MaxConcurrentPercentage": 100},
        "Capabilities": ["CAPABILITY_NAMED_IAM"],
        "StackInstancesGroup": [
            {
                "DeploymentTargets": {"OrganizationalUnitIds": ["ou-ab12-00000000", "ou-ab12-34cd56ef"]},
                "Regions": [{"Ref": "AWS::Region"}],
            }
        ],
        "Tags": [{"Key": "team", "Value": "identity"}],
    }


def test_no_partition_is_taken_for_granted(of_an_organization: Synthesized) -> None:
    """Neither in the role's account nor in the exporter's: GovCloud's ARNs begin otherwise."""
    stack_set = MemberRoleStack(App(), settings=settings_of(stackSet="management", stackSetUnits="r-ab12"))
    for made in (template(settings_of()), of_an_organization.template, Template.from_stack(stack_set).to_json()):
        # Saved queries have an ARN for an example.
        resources = [each for each in made["Resources"].values() if each["Type"] != "AWS::Athena::NamedQuery"]
        assert "arn:aws:" not in json.dumps([resources, made.get("Outputs")])
