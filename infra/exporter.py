"""The function that takes snapshots."""

from pathlib import Path

from aws_cdk import ArnFormat, Duration, RemovalPolicy, Stack
from aws_cdk.aws_iam import Role, ServicePrincipal
from aws_cdk.aws_kms import IKey
from aws_cdk.aws_lambda import Architecture, Code, Function, Runtime, RuntimeFamily
from aws_cdk.aws_lambda_destinations import SqsDestination
from aws_cdk.aws_logs import LogGroup
from constructs import Construct
from pool_inventory.settings import BUCKET

from infra import checks
from infra.bundle import trust
from infra.bundle.bytecode import FOLDER_IN_LAMBDA
from infra.grants import allow, allow_sending
from infra.options.deploy_settings import DeploySettings
from infra.queues import dead_letters
from infra.snapshot_bucket import SnapshotBucket

_ARCHITECTURES = {"arm64": Architecture.ARM_64, "x86_64": Architecture.X86_64}


class Exporter(Construct):
    """The function, its log and the queue of its failed invocations.

    Attributes:
        function: Lambda's function.
        log_group: where its log lines go.
        failed: the queue that keeps each event that Lambda accepted and of which no run ended well.
    """

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        settings: DeploySettings,
        code_folder: Path,
        snapshots: SnapshotBucket,
        log_group_name: str,
        encryption_key: IKey | None,
    ) -> None:
        """Make the function.

        Args:
            scope: the construct that it belongs to.
            construct_id: its name in there.
            settings: the deploy's.
            code_folder: the function's code with all that it imports.
            snapshots: where snapshots go.
            log_group_name: one that the account and region do not have yet.
            encryption_key: of the queue and the log.
        """
        super().__init__(scope, construct_id)
        self.failed = dead_letters(self, "Failed", encryption_key=encryption_key)
        self.log_group = LogGroup(
            self,
            "Log",
            log_group_name=log_group_name,
            retention=settings.log_retention,
            encryption_key=encryption_key,
            removal_policy=RemovalPolicy.DESTROY,
        )
        role = Role(self, "Role", assumed_by=ServicePrincipal("lambda.amazonaws.com"))
        _let_read_pools(role)
        snapshots.let_write(role)
        allow(role, "logs:CreateLogStream", "logs:PutLogEvents", on=self.log_group.log_group_arn)
        allow_sending(role, self.failed, encryption_key)
        if settings.event_bus is not None:
            allow(role, "events:PutEvents", on=_event_bus_arn(Stack.of(self), settings.event_bus))
        self.function = Function(
            self,
            "Function",
            description="Commits one snapshot of every Cognito user pool to S3",
            runtime=Runtime(f"python{settings.python_version}", RuntimeFamily.PYTHON),
            architecture=_ARCHITECTURES[settings.architecture],
            handler="pool_inventory.handler.handler",
            code=Code.from_asset(str(code_folder)),
            environment={
                BUCKET.name: snapshots.bucket.bucket_name,
                "AWS_CA_BUNDLE": f"{FOLDER_IN_LAMBDA}/{trust.FILE}",
                **settings.environment,
            },
            memory_size=settings.memory_mb,
            timeout=Duration.seconds(settings.timeout_seconds),
            reserved_concurrent_executions=settings.reserved_concurrency,
            log_group=self.log_group,
            # CDK would add grants of its own to a role that takes them, two more for the queue than a send needs.
            role=role.without_policy_updates(),
            on_failure=SqsDestination(self.failed),
            retry_attempts=2,
        )
        _acknowledge(self.function)


def _let_read_pools(role: Role) -> None:
    allow(
        role,
        "cognito-idp:ListUserPools",
        on="*",
        wildcard="IAM knows no resource for the action, so it can be granted on * alone. It only lists.",
    )
    # https://docs.aws.amazon.com/service-authorization/latest/reference/list_awsaccountmanagement.html
    account = Stack.of(role).format_arn(
        service="account", region="", resource="account", arn_format=ArnFormat.NO_RESOURCE_NAME
    )
    allow(role, "account:ListRegions", on=account)


def _event_bus_arn(stack: Stack, name_or_arn: str) -> str:
    """Return a bus's ARN; a name means one of this account and region."""
    if name_or_arn.startswith("arn:"):
        return name_or_arn
    return stack.format_arn(service="events", resource="event-bus", resource_name=name_or_arn)


def _acknowledge(function: Function) -> None:
    checks.acknowledge(
        function,
        "AwsSolutions-L1",
        "Serverless-LambdaLatestVersion",
        because="The setting pythonVersion chooses among the versions that Lambda patches, the latest included."
        " The default is the one that the tests run, and whose bytecode the function's code is compiled to.",
    )
    checks.acknowledge(
        function,
        "Serverless-LambdaDLQ",
        because="Failed invocations go to an on-failure destination, the queue Failed, which keeps the event as a"
        " dead-letter queue would, and the error with it. cdk-nag looks at the older setting alone.",
    )
    checks.acknowledge(
        function,
        "Serverless-LambdaTracing",
        because="No request passes through other services, so a trace would have one segment. What it would show"
        " is in the log and the coverage table: each region's requests, retries, duration and error. It would need"
        " xray:PutTraceSegments on every resource.",
    )
