"""What a deployed stack has, as CloudFormation tells whoever is about to deploy over it."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import boto3
from botocore.config import Config
from botocore.exceptions import ClientError
from pool_inventory.settings import ACCOUNTS, ENCRYPTION, EXTERNAL_ID, MEMBER_ROLE
from pool_inventory.text import one_line

from infra.errors import NotComparedError

if TYPE_CHECKING:
    from mypy_boto3_cloudformation import CloudFormationClient

# What the CDK CLI tells the app of the credentials that it found: https://docs.aws.amazon.com/cdk/v2/guide/environments.html
ACCOUNT = "CDK_DEFAULT_ACCOUNT"
REGION = "CDK_DEFAULT_REGION"

# https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/view-stack-events.html
_NEVER_DEPLOYED = ("REVIEW_", "CREATE_FAILED", "CREATE_IN_PROGRESS", "ROLLBACK_", "DELETE_")

# The output that names the keys of older snapshots, with commas between them.
FORMER_KEYS = "FormerKeyArns"

# Somebody waits before a terminal, and three calls are made.
CLIENT_CONFIG = Config(connect_timeout=2, read_timeout=5, retries={"mode": "standard", "total_max_attempts": 1})


@dataclass(frozen=True, slots=True, kw_only=True)
class DeployedStack:
    """What a stack has.

    Attributes:
        name: the stack's.
        bucket: the bucket's name.
        owns_bucket: whether the stack made it.
        prefix: of the snapshots in it.
        key: the ARN of what encrypts, None for AWS's own keys.
        owns_key: whether the stack made it.
        former_keys: the ARNs of the keys that older snapshots are under.
        encryption: what the function asks of S3 with each write, None for nothing.
        alarm_emails: whom the alarms write to.
        of_organization: the variables that say which accounts are asked, and by which role; none for one account.
    """

    name: str
    bucket: str
    owns_bucket: bool
    prefix: str
    key: str | None
    owns_key: bool
    former_keys: tuple[str, ...]
    encryption: str | None
    alarm_emails: tuple[str, ...]
    of_organization: Mapping[str, str] = field(default_factory=dict)


def read(name: str, environment: Mapping[str, str]) -> DeployedStack | None:
    """Ask CloudFormation for the stack of a name in the account and region that a deploy would go to.

    Args:
        name: the stack's.
        environment: has what the CDK CLI found.

    Returns:
        None where no such stack was ever deployed whole.

    Raises:
        NotComparedError: there are no credentials, they are for another account, or the answer does not come.
    """
    account, region = environment.get(ACCOUNT), environment.get(REGION)
    if not account or not region:
        raise NotComparedError("the CDK found no credentials")
    try:
        return _read(name, account, region)
    except NotComparedError:
        raise
    except Exception as error:  # settings of the SDK, and programs that hand out credentials, fail in any way
        raise NotComparedError(one_line(str(error), 300)) from error


def _read(name: str, account: str, region: str) -> DeployedStack | None:
    session = boto3.session.Session(region_name=region)
    if session.get_credentials() is None:
        raise NotComparedError("the CDK has credentials and its app has none: give a profile by AWS_PROFILE=NAME")
    own = session.client("sts", config=CLIENT_CONFIG).get_caller_identity()["Account"]
    if own != account:
        raise NotComparedError(
            f"the deploy goes to the account {account}, and its app's credentials are of {own}: give a profile by"
            " AWS_PROFILE=NAME, and not by --profile, of which the app knows nothing"
        )
    client = session.client("cloudformation", config=CLIENT_CONFIG)
    outputs = _outputs(client, name)
    if outputs is None:
        return None
    if "BucketName" not in outputs:
        raise NotComparedError(f"a stack {name} is there, and has no output BucketName: it is not this program's")
    template = client.get_template(StackName=name)["TemplateBody"]
    # botocore parses a template of JSON, and leaves one of YAML a text.
    return from_template(name, outputs, json.loads(template) if isinstance(template, str) else template)


def _outputs(client: "CloudFormationClient", name: str) -> Mapping[str, str] | None:
    """Return the outputs of a stack, None where there is no such stack or its first deploy did not succeed."""
    try:
        (stack,) = client.describe_stacks(StackName=name)["Stacks"]
    except ClientError as error:
        if "does not exist" in error.response["Error"].get("Message", ""):
            return None
        raise
    if stack["StackStatus"].startswith(_NEVER_DEPLOYED):
        return None
    return {each["OutputKey"]: each["OutputValue"] for each in stack.get("Outputs", ())}


def from_template(name: str, outputs: Mapping[str, str], template: Mapping[str, Any]) -> DeployedStack:
    """Return what a stack has by its outputs, which name it, and its template, which says whose it is.

    Stacks of release 0.1 have all of these outputs but the former keys.
    """
    resources = list(template["Resources"].values())

    def properties(resource_type: str) -> list[Mapping[str, Any]]:
        return [each.get("Properties", {}) for each in resources if each["Type"] == resource_type]

    variables = [each.get("Environment", {}).get("Variables", {}) for each in properties("AWS::Lambda::Function")]
    bucket = outputs["BucketName"]
    return DeployedStack(
        name=name,
        bucket=bucket,
        owns_bucket=bool(properties("AWS::S3::Bucket")),
        prefix=outputs["SnapshotLocation"].removeprefix(f"s3://{bucket}/"),
        key=outputs.get("KeyArn"),
        owns_key=bool(properties("AWS::KMS::Key")),
        former_keys=tuple(filter(None, outputs.get(FORMER_KEYS, "").split(","))),
        encryption=next((each[ENCRYPTION.name] for each in variables if ENCRYPTION.name in each), None),
        alarm_emails=tuple(
            each["Endpoint"] for each in properties("AWS::SNS::Subscription") if each["Protocol"] == "email"
        ),
        of_organization={
            name: each[name]
            for each in variables
            for name in (ACCOUNTS.name, MEMBER_ROLE.name, EXTERNAL_ID.name)
            if ACCOUNTS.name in each and name in each
        },
    )
