"""The role that the exporter takes in each other account of an organization: what it may do, and how it gets there."""

import json
from collections.abc import Mapping
from typing import Any

from aws_cdk import Aws, CfnStackSet, Stack, Tags
from constructs import Construct

from infra.options.deploy_settings import DeploySettings
from infra.organization.functions import batch_role_arn

FILE_NAME = "member-role.yaml"
# The template's parameters.
EXPORTER_ROLE_ARN = "ExporterRoleArn"
ORGANIZATION_ID = "OrganizationId"


class MemberRoleStack(Stack):
    """A StackSet that keeps the role in each account of some organizational units, those that join them included."""

    def __init__(self, scope: Construct, *, settings: DeploySettings) -> None:
        """Make the stack.

        Args:
            scope: the app.
            settings: the deploy's, of an organization with a StackSet.
        """
        name = stack_name(settings)
        super().__init__(scope, name, description="The role that the user pool inventory takes in each account")
        for tag, value in settings.tags.items():
            Tags.of(self).add(tag, value)
        CfnStackSet(
            self,
            "Accounts",
            stack_set_name=name,
            description="The role that the user pool inventory takes",
            permission_model="SERVICE_MANAGED",
            call_as=settings.stack_set,
            # An account that leaves has no more to do with the inventory.
            auto_deployment=CfnStackSet.AutoDeploymentProperty(enabled=True, retain_stacks_on_account_removal=False),
            capabilities=["CAPABILITY_NAMED_IAM"],
            # An account that refuses is told of in coverage, and is no reason to leave out the others.
            operation_preferences=CfnStackSet.OperationPreferencesProperty(
                failure_tolerance_percentage=100, max_concurrent_percentage=100
            ),
            parameters=[
                CfnStackSet.ParameterProperty(
                    parameter_key=EXPORTER_ROLE_ARN, parameter_value=batch_role_arn(self, settings.stack_name)
                ),
                CfnStackSet.ParameterProperty(
                    parameter_key=ORGANIZATION_ID, parameter_value=str(settings.organization_id)
                ),
            ],
            stack_instances_group=[
                CfnStackSet.StackInstancesProperty(
                    deployment_targets=CfnStackSet.DeploymentTargetsProperty(
                        organizational_unit_ids=list(settings.stack_set_units)
                    ),
                    # A role is of all regions, so one stack in each account makes it.
                    regions=[Aws.REGION],
                )
            ],
            template_body=json.dumps(template(settings)),
        )


def stack_name(settings: DeploySettings) -> str:
    """Return what CloudFormation calls the stack, and the StackSet in it."""
    return f"{settings.stack_name}-member-role"


def template(settings: DeploySettings) -> Mapping[str, Any]:
    """Return the role's own template: it deploys alone, in any account."""
    path, _, name = settings.member_role.rpartition("/")
    exporter = {"Ref": EXPORTER_ROLE_ARN}
    of_organization: dict[str, Any] = {
        "Type": "String",
        "Description": "The id of the organization, outside of which nobody is trusted",
        "AllowedPattern": "o-[a-z0-9]{10,32}",
    }
    if settings.organization_id:
        of_organization["Default"] = settings.organization_id
    conditions: dict[str, Any] = {"aws:PrincipalArn": exporter, "aws:PrincipalOrgID": {"Ref": ORGANIZATION_ID}}
    if settings.external_id:
        conditions["sts:ExternalId"] = settings.external_id
    return {
        "AWSTemplateFormatVersion": "2010-09-09",
        "Description": "Lets the user pool inventory list the Amazon Cognito user pools of this account",
        "Parameters": {
            EXPORTER_ROLE_ARN: {
                "Type": "String",
                "Description": "The role of the exporter's function, the output BatchRoleArn of its stack",
                "AllowedPattern": "arn:aws[a-z-]*:iam::[0-9]{12}:role/[A-Za-z0-9_+=,.@/-]+",
            },
            ORGANIZATION_ID: of_organization,
        },
        "Resources": {
            "Role": {
                "Type": "AWS::IAM::Role",
                "Properties": {
                    "RoleName": name,
                    "Path": f"/{path}/" if path else "/",
                    "Description": "Taken by the user pool inventory",
                    "AssumeRolePolicyDocument": {
                        "Version": "2012-10-17",
                        "Statement": [
                            {
                                "Effect": "Allow",
                                "Action": "sts:AssumeRole",
                                # The account, and of it the one role by its name: one that was made again is the same.
                                "Principal": {"AWS": {"Fn::Select": [4, {"Fn::Split": [":", exporter]}]}},
                                "Condition": {"StringEquals": conditions},
                            }
                        ],
                    },
                    "Policies": [
                        {
                            "PolicyName": "ListUserPools",
                            "PolicyDocument": {
                                "Version": "2012-10-17",
                                "Statement": [
                                    {"Effect": "Allow", "Action": "cognito-idp:ListUserPools", "Resource": "*"},
                                    {
                                        "Effect": "Allow",
                                        "Action": "account:ListRegions",
                                        "Resource": {
                                            "Fn::Sub": "arn:${AWS::Partition}:account::${AWS::AccountId}:account"
                                        },
                                    },
                                ],
                            },
                        }
                    ],
                },
            }
        },
        "Outputs": {
            "RoleArn": {"Value": {"Fn::GetAtt": ["Role", "Arn"]}},
        },
    }


def as_yaml(value: Mapping[str, Any] | list[Any], indent: str = "") -> str:
    """Return a template as YAML: what is no container is written as JSON, which YAML reads as well.

    Of texts that are printable, as a template's are.
    """
    lines: list[str] = []
    pairs = value.items() if isinstance(value, Mapping) else ((None, each) for each in value)
    for key, each in pairs:
        start = f"{indent}- " if key is None else f"{indent}{key if _is_plain(key) else json.dumps(key)}: "
        if not isinstance(each, Mapping | list):
            lines.append(f"{start}{json.dumps(each, ensure_ascii=False)}\n")
        elif key is None:
            lines.append(start + as_yaml(each, f"{indent}  ").removeprefix(f"{indent}  "))
        else:
            lines.append(f"{start.rstrip()}\n{as_yaml(each, f'{indent}  ')}")
    return "".join(lines)


def _is_plain(key: str) -> bool:
    # Some words mean more to YAML than their letters.
    return (
        key.isascii()
        and key.isalpha()
        and key.lower() not in {"y", "n", "yes", "no", "on", "off", "true", "false", "null"}
    )
