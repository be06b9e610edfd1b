"""A function of the bundle, and what several of them are granted."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from aws_cdk import ArnFormat, Duration, RemovalPolicy, Stack
from aws_cdk.aws_iam import Role, ServicePrincipal
from aws_cdk.aws_kms import IKey
from aws_cdk.aws_lambda import Architecture, Code, Function, Runtime, RuntimeFamily
from aws_cdk.aws_lambda_destinations import SqsDestination
from aws_cdk.aws_logs import ILogGroup, LogGroup
from aws_cdk.aws_sqs import IQueue
from constructs import Construct
from pool_inventory.settings import BUCKET

from infra import checks
from infra.bundle import trust
from infra.bundle.bytecode import FOLDER_IN_LAMBDA
from infra.grants import allow
from infra.options.deploy_settings import DeploySettings
from infra.snapshot_bucket import SnapshotBucket

_ARCHITECTURES = {"arm64": Architecture.ARM_64, "x86_64": Architecture.X86_64}


@dataclass(frozen=True, slots=True, kw_only=True)
class Program:
    """What all functions of a stack have in common.

    Attributes:
        settings: the deploy's.
        code_folder: the code with all that it imports.
        snapshots: where snapshots go.
        log_group: where log lines go.
    """

    settings: DeploySettings
    code_folder: Path
    snapshots: SnapshotBucket
    log_group: ILogGroup

    def function(
        self,
        scope: Construct,
        construct_id: str,
        *,
        handler: str,
        description: str,
        memory_mb: int,
        timeout_seconds: int,
        role: Role,
        reserved_concurrency: int | None = None,
        failed: IQueue | None = None,
    ) -> Function:
        """Make a function; CDK adds nothing to its role.

        Args:
            scope: the construct that it belongs to.
            construct_id: its name in there.
            handler: its entry point.
            description: what it does.
            memory_mb: its memory.
            timeout_seconds: its time to run.
            role: what it runs in.
            reserved_concurrency: how many of it can run at once; None, as many as the account has room for.
            failed: the queue for events that it failed three times, where it is invoked without waiting for it.
        """
        function = Function(
            scope,
            construct_id,
            description=description,
            runtime=Runtime(f"python{self.settings.python_version}", RuntimeFamily.PYTHON),
            architecture=_ARCHITECTURES[self.settings.architecture],
            handler=handler,
            code=Code.from_asset(str(self.code_folder)),
            environment=self._environment(),
            memory_size=memory_mb,
            timeout=Duration.seconds(timeout_seconds),
            reserved_concurrent_executions=reserved_concurrency,
            log_group=self.log_group,
            # CDK would add grants of its own to a role that takes them, two more for the queue than a send needs.
            role=role.without_policy_updates(),
            on_failure=SqsDestination(failed) if failed else None,
            retry_attempts=2 if failed else None,
        )
        checks.acknowledge(
            function,
            "AwsSolutions-L1",
            "Serverless-LambdaLatestVersion",
            because="The setting pythonVersion chooses among the versions that Lambda patches, the latest included."
            " The default is the one that the tests run, and whose bytecode the function's code is compiled to.",
        )
        checks.acknowledge(
            function,
            "Serverless-LambdaTracing",
            because="No request passes through other services, so a trace would have one segment. What it would show"
            " is in the log and the coverage table: each region's requests, retries, duration and error. It would need"
            " xray:PutTraceSegments on every resource.",
        )
        return function

    def let_log(self, role: Role) -> None:
        """Grant a role to write the log."""
        allow(role, "logs:CreateLogStream", "logs:PutLogEvents", on=self.log_group.log_group_arn)

    def _environment(self) -> Mapping[str, str]:
        return {
            BUCKET.name: self.snapshots.bucket.bucket_name,
            "AWS_CA_BUNDLE": f"{FOLDER_IN_LAMBDA}/{trust.FILE}",
            **self.settings.environment,
        }


def run_by_lambda() -> ServicePrincipal:
    """Return who may take a function's role."""
    return ServicePrincipal("lambda.amazonaws.com")


def log_of(scope: Construct, name: str, settings: DeploySettings, encryption_key: IKey | None) -> LogGroup:
    """Make the log of a stack's functions.

    Args:
        scope: the construct that it belongs to.
        name: one that the account and region do not have yet.
        settings: the deploy's.
        encryption_key: of the log.
    """
    return LogGroup(
        scope,
        "Log",
        log_group_name=name,
        retention=settings.log_retention,
        encryption_key=encryption_key,
        removal_policy=RemovalPolicy.DESTROY,
    )


def let_list_pools(role: Role) -> None:
    """Grant a role to list user pools in each region of its own account."""
    allow(
        role,
        "cognito-idp:ListUserPools",
        on="*",
        wildcard="IAM knows no resource for the action, so it can be granted on * alone. It only lists.",
    )
    let_list_regions(role)


def let_list_regions(role: Role) -> None:
    """Grant a role to list the regions of its own account."""
    # https://docs.aws.amazon.com/service-authorization/latest/reference/list_awsaccountmanagement.html
    account = Stack.of(role).format_arn(
        service="account", region="", resource="account", arn_format=ArnFormat.NO_RESOURCE_NAME
    )
    allow(role, "account:ListRegions", on=account)


def let_put_events(role: Role, event_bus: str | None) -> None:
    """Grant a role to put events onto the bus of this name, in its own account and region, or of this ARN."""
    if event_bus is None:
        return
    stack = Stack.of(role)
    is_arn = event_bus.startswith("arn:")
    arn = event_bus if is_arn else stack.format_arn(service="events", resource="event-bus", resource_name=event_bus)
    allow(role, "events:PutEvents", on=arn)
