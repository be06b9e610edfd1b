"""What a deploy left in the stand-in for AWS."""

import io
import json
import zipfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import boto3
from pool_inventory.terminal.demo.stand_in import StandIn

from tests.iam.deployed import REGION, Deployed, Resource
from tests.rehearsal.lambda_service import DeployedFunction

if TYPE_CHECKING:
    from mypy_boto3_cloudformation import CloudFormationClient
    from mypy_boto3_lambda import LambdaClient
    from mypy_boto3_s3 import S3Client

STACK = "PoolInventory"


@dataclass(frozen=True, slots=True, kw_only=True)
class Deployment:
    """What a deploy made.

    Attributes:
        stack: the template that was deployed, with the names that the deploy gave.
        functions: its functions, unpacked, by what their handlers' modules are called.
        zipped_bytes: the size of their zip.
        bucket: the snapshots' bucket.
        location: where in it they are.
    """

    stack: Deployed
    functions: Mapping[str, DeployedFunction]
    zipped_bytes: int
    bucket: str
    location: str

    @property
    def function(self) -> DeployedFunction:
        """The function of one account's stack."""
        return self.functions["handler"]

    def event(self, time: str) -> Any:
        """What EventBridge Scheduler would send at a time.

        https://docs.aws.amazon.com/scheduler/latest/UserGuide/managing-schedule-context-attributes.html
        """
        (schedule,) = self.stack.of_type("AWS::Scheduler::Schedule").values()
        return json.loads(schedule["Target"]["Input"].replace("<aws.scheduler.scheduled-time>", time))


def read_deployment(aws: StandIn, folder: Path, stack_name: str = STACK) -> Deployment:
    """Take what was deployed from where it was deployed to, and unpack the functions' code into a folder."""
    stack = read_stack(session(aws).client("cloudformation", endpoint_url=aws.url), stack_name)
    declared = stack.of_type("AWS::Lambda::Function")
    ((bucket, key),) = {(each["Code"]["S3Bucket"], each["Code"]["S3Key"]) for each in declared.values()}
    archive = read(aws, bucket, key)
    with zipfile.ZipFile(io.BytesIO(archive)) as zipped:
        zipped.extractall(folder)
    client: LambdaClient = session(aws).client("lambda", endpoint_url=aws.url)
    read_functions = [
        read_function(client, stack.names[logical_id], each, folder) for logical_id, each in declared.items()
    ]
    environment = read_functions[0].environment
    return Deployment(
        stack=stack,
        functions={each.handler.split(".")[-2]: each for each in read_functions},
        zipped_bytes=len(archive),
        bucket=environment["INVENTORY_BUCKET"],
        location=f"s3://{environment['INVENTORY_BUCKET']}/{environment['INVENTORY_PREFIX']}",
    )


def read_function(client: "LambdaClient", name: str, declared: Resource, code: Path) -> DeployedFunction:
    configuration = client.get_function_configuration(FunctionName=name)
    return DeployedFunction(
        arn=configuration["FunctionArn"],
        code=code,
        handler=configuration["Handler"],
        environment=configuration["Environment"]["Variables"],
        log_group=declared["LoggingConfig"]["LogGroup"],
        runtime=configuration["Runtime"],
        architecture=declared["Architectures"][0],  # moto takes each function for x86_64
        memory_mb=configuration["MemorySize"],
        timeout_seconds=configuration["Timeout"],
    )


def read_stack(client: "CloudFormationClient", name: str) -> Deployed:
    template = client.get_template(StackName=name)["TemplateBody"]
    pages = client.get_paginator("list_stack_resources").paginate(StackName=name)
    summaries = [summary for page in pages for summary in page["StackResourceSummaries"]]
    names = {each["LogicalResourceId"]: name_of(each["PhysicalResourceId"]) for each in summaries}
    return Deployed(json.loads(template) if isinstance(template, str) else template, names)


def name_of(physical_id: str) -> str:
    """A resource's name: the physical id of a queue is its URL, and that of a topic its ARN, which end with it."""
    if physical_id.startswith("http"):
        return physical_id.rpartition("/")[2]
    return physical_id.rpartition(":")[2] if physical_id.startswith("arn:") else physical_id


def stacks(aws: StandIn) -> set[str]:
    """The names of the stacks that there are, less CDK's own."""
    client: CloudFormationClient = session(aws).client("cloudformation", endpoint_url=aws.url)
    summaries = client.list_stacks()["StackSummaries"]
    there = {each["StackName"] for each in summaries if each["StackStatus"] != "DELETE_COMPLETE"}
    return there - {"CDKToolkit"}


def objects(aws: StandIn, bucket: str) -> dict[str, str]:
    """The ETag of each object in a bucket, by key."""
    client: S3Client = session(aws).client("s3", endpoint_url=aws.url)
    pages = client.get_paginator("list_objects_v2").paginate(Bucket=bucket)
    return {each["Key"]: each["ETag"] for page in pages for each in page["Contents"]}


def read(aws: StandIn, bucket: str, key: str) -> bytes:
    client: S3Client = session(aws).client("s3", endpoint_url=aws.url)
    return client.get_object(Bucket=bucket, Key=key)["Body"].read()


def session(aws: StandIn) -> boto3.Session:
    access = aws.environment()
    return boto3.Session(access["AWS_ACCESS_KEY_ID"], access["AWS_SECRET_ACCESS_KEY"], region_name=REGION)
