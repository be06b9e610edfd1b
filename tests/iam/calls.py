"""What is asked of IAM: by the function, as it was heard on the wire, and by the services that act for the stack.

What a call needs is in the Service Authorization Reference:
https://docs.aws.amazon.com/service-authorization/latest/reference/reference_policies_actions-resources-contextkeys.html
"""

import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field

from pool_inventory.terminal.demo.stand_in import ACCOUNT_ID
from werkzeug.wrappers import Request

from tests.iam.deployed import REGION, Deployed

ANY = "*"  # for actions that take no resource


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """One call, as IAM sees it.

    Attributes:
        caller: the logical id of the role that makes it, the ARN of one that is not the stack's, or the service that
            makes it for itself.
        action: such as "s3:GetObject".
        resource: an ARN, or ANY.
        context: condition keys and their values, besides TLS.
    """

    caller: str
    action: str
    resource: str
    context: Mapping[str, str] = field(default_factory=dict)

    @property
    def service(self) -> str:
        return self.action.partition(":")[0]


def all_calls(deployed: Deployed, heard: Iterable[Request]) -> list[Call]:
    """Every call of a stack whose function was heard to send these requests."""
    calls = [
        *calls_of_the_function(deployed, heard),
        *calls_of_lambda(deployed),
        *calls_of_the_scheduler(deployed),
        *calls_of_the_alarms(deployed),
    ]
    return [*calls, *(call for each in calls for call in calls_of_encryption(deployed, each))]


def calls_of_the_function(deployed: Deployed, heard: Iterable[Request]) -> Iterator[Call]:
    (function,) = deployed.of_type("AWS::Lambda::Function").values()
    role = role_of(deployed, function["Role"])
    for request in heard:
        for action, resource, context in actions_asked(request):
            yield Call(caller=role, action=action, resource=resource, context=context)


def actions_asked(request: Request, account_id: str = ACCOUNT_ID) -> Iterator[tuple[str, str, Mapping[str, str]]]:
    """The actions that a request on the wire needs in an account, each with its resource and context.

    Raises:
        ValueError: it is none that this knows.
    """
    match request.headers.get("X-Amz-Target"):
        case "AWSCognitoIdentityProviderService.ListUserPools":
            yield "cognito-idp:ListUserPools", ANY, {}
        case "AWSEvents.PutEvents":
            for bus in {entry["EventBusName"] for entry in json.loads(request.get_data())["Entries"]}:
                yield "events:PutEvents", f"arn:aws:events:{REGION}:{ACCOUNT_ID}:event-bus/{bus}", {}
        case str(target) if target.startswith("AWSOrganizationsV20161128."):
            yield f"organizations:{target.partition('.')[2]}", ANY, {}
        case None if request.path == "/listRegions":
            yield "account:ListRegions", f"arn:aws:account::{account_id}:account", {}
        case None if request.method == "POST" and request.form.get("Action") == "AssumeRole":
            external_id = request.form.get("ExternalId")
            context = {"sts:ExternalId": external_id} if external_id else {}
            yield "sts:AssumeRole", request.form["RoleArn"], context
        case None:
            yield from actions_asked_of_s3(request)
        case other:
            raise ValueError(f"no grant is known for {other}")


def actions_asked_of_s3(request: Request) -> Iterator[tuple[str, str, Mapping[str, str]]]:
    bucket, _, key = request.path.removeprefix("/").partition("/")
    match request.method:
        case "GET" if "list-type" in request.args:
            yield "s3:ListBucket", f"arn:aws:s3:::{bucket}", {"s3:prefix": request.args["prefix"]}
        case "GET" if key and not request.args:
            yield "s3:GetObject", f"arn:aws:s3:::{bucket}/{key}", {}
            # Else a missing key gets 403 and not 404: infra/snapshot_bucket.py has what S3 compares with s3:prefix.
            yield "s3:ListBucket", f"arn:aws:s3:::{bucket}", {"s3:prefix": key}
        case "PUT" if key and set(request.args) <= {"x-id"} and "x-amz-copy-source" not in request.headers:
            said = {f"s3:{name}": request.headers.get(name) for name in ("if-none-match", "if-match")}
            conditions = {name: value for name, value in said.items() if value}
            yield "s3:PutObject", f"arn:aws:s3:::{bucket}/{key}", conditions
        case _:
            raise ValueError(f"no grant is known for {request.method} {request.full_path}")


def calls_of_lambda(deployed: Deployed) -> Iterator[Call]:
    """What Lambda does in the function's role: https://docs.aws.amazon.com/lambda/latest/dg/lambda-intro-execution-role.html."""
    for logical_id, function in deployed.of_type("AWS::Lambda::Function").items():
        role = role_of(deployed, function["Role"])
        group = function["LoggingConfig"]["LogGroup"]
        stream = f"arn:aws:logs:{REGION}:{ACCOUNT_ID}:log-group:{group}:log-stream:2026/11/24/[$LATEST]0"
        yield Call(caller=role, action="logs:CreateLogStream", resource=stream)
        yield Call(caller=role, action="logs:PutLogEvents", resource=stream)
        for asynchronous in deployed.of_type("AWS::Lambda::EventInvokeConfig").values():
            if asynchronous["FunctionName"] == deployed.names[logical_id]:
                queue = asynchronous["DestinationConfig"]["OnFailure"]["Destination"]
                yield Call(caller=role, action="sqs:SendMessage", resource=queue)


def calls_of_the_scheduler(deployed: Deployed) -> Iterator[Call]:
    """What it does in the schedule's role: https://docs.aws.amazon.com/scheduler/latest/UserGuide/setting-up.html."""
    for schedule in deployed.of_type("AWS::Scheduler::Schedule").values():
        target = schedule["Target"]
        role = role_of(deployed, target["RoleArn"])
        starts = "states:StartExecution" if ":states:" in target["Arn"] else "lambda:InvokeFunction"
        yield Call(caller=role, action=starts, resource=target["Arn"])
        yield Call(caller=role, action="sqs:SendMessage", resource=target["DeadLetterConfig"]["Arn"])


def calls_of_the_alarms(deployed: Deployed) -> Iterator[Call]:
    """What CloudWatch does: https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/Notify_Users_Alarm_Changes.html."""
    for logical_id, alarm in deployed.of_type("AWS::CloudWatch::Alarm").items():
        arn = f"arn:aws:cloudwatch:{REGION}:{ACCOUNT_ID}:alarm:{deployed.names[logical_id]}"
        context = {"aws:SourceAccount": ACCOUNT_ID, "aws:SourceArn": arn}
        for topic in {*alarm["AlarmActions"], *alarm["OKActions"]}:
            yield Call(caller="cloudwatch.amazonaws.com", action="sns:Publish", resource=topic, context=context)


# Of a call on something that a key encrypts, what its service asks of the key with the caller's grants:
# https://docs.aws.amazon.com/AmazonS3/latest/userguide/UsingKMSEncryption.html
# https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/sqs-key-management.html
# https://docs.aws.amazon.com/sns/latest/dg/sns-key-management.html
_ENCRYPTION = {
    "s3:PutObject": ("kms:GenerateDataKey",),
    "s3:GetObject": ("kms:Decrypt",),
    "sqs:SendMessage": ("kms:GenerateDataKey", "kms:Decrypt"),
    "sns:Publish": ("kms:GenerateDataKey", "kms:Decrypt"),
}


def calls_of_encryption(deployed: Deployed, call: Call) -> Iterator[Call]:
    for action in _ENCRYPTION.get(call.action, ()):
        key = key_of(deployed, call.resource)
        if key is not None:
            through = {"kms:ViaService": f"{call.service}.{REGION}.amazonaws.com"}
            of_whom = {name: value for name, value in call.context.items() if name.startswith("aws:Source")}
            yield Call(caller=call.caller, action=action, resource=key, context={**through, **of_whom})


def key_of(deployed: Deployed, resource: str) -> str | None:
    """The ARN of the key that encrypts an object or a message, None where none that the stack knows does."""
    for kind in ("AWS::SQS::Queue", "AWS::SNS::Topic"):
        for logical_id, each in deployed.of_type(kind).items():
            if deployed.arn(logical_id) == resource:
                return each.get("KmsMasterKeyId")
    # Those of an organization have the same variables.
    function, *_ = deployed.of_type("AWS::Lambda::Function").values()
    variables = function["Environment"]["Variables"]
    if resource.startswith(f"arn:aws:s3:::{variables['INVENTORY_BUCKET']}/") and "INVENTORY_ENCRYPTION" in variables:
        asked_for: str = variables["INVENTORY_ENCRYPTION"]
        return asked_for if asked_for.startswith("arn:") else None
    for logical_id, bucket in deployed.of_type("AWS::S3::Bucket").items():
        if resource.startswith(f"{deployed.arn(logical_id)}/"):
            (rule,) = bucket["BucketEncryption"]["ServerSideEncryptionConfiguration"]
            key: str | None = rule["ServerSideEncryptionByDefault"].get("KMSMasterKeyID")
            return key
    return None


def role_of(deployed: Deployed, arn: str) -> str:
    """The logical id of the role that has this ARN."""
    (logical_id,) = [each for each in deployed.of_type("AWS::IAM::Role") if deployed.arn(each) == arn]
    return logical_id
