"""The function that takes snapshots."""

from pathlib import Path

from aws_cdk import Duration, RemovalPolicy
from aws_cdk.aws_iam import Role, ServicePrincipal
from aws_cdk.aws_lambda import Architecture, Code, Function, Runtime, RuntimeFamily
from aws_cdk.aws_lambda_destinations import SqsDestination
from aws_cdk.aws_logs import LogGroup
from aws_cdk.aws_s3 import IBucket
from constructs import Construct
from pool_inventory.settings import BUCKET

from infra.context import DeploySettings
from infra.queues import dead_letters

_ARCHITECTURES = {"arm64": Architecture.ARM_64, "x86_64": Architecture.X86_64}


class Exporter(Construct):
    """The function, its log and the queue of its failed invocations.

    Attributes:
        function: Lambda's function.
        role: what it may do, which is nothing until the stack allows it.
        log_group: where its log lines go.
        failed: the queue that keeps each event whose invocation failed for good.
    """

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        settings: DeploySettings,
        code_folder: Path,
        bucket: IBucket,
    ) -> None:
        """Make the function.

        Args:
            scope: the construct that it belongs to.
            construct_id: its name in there.
            settings: the deploy's.
            code_folder: the function's code with all that it imports.
            bucket: where snapshots go.
        """
        super().__init__(scope, construct_id)
        self.failed = dead_letters(self, "Failed")
        self.log_group = LogGroup(self, "Log", retention=settings.log_retention, removal_policy=RemovalPolicy.DESTROY)
        self.role = Role(self, "Role", assumed_by=ServicePrincipal("lambda.amazonaws.com"))
        self.function = Function(
            self,
            "Function",
            description="Commits one snapshot of every Cognito user pool to S3",
            runtime=Runtime(f"python{settings.python_version}", RuntimeFamily.PYTHON),
            architecture=_ARCHITECTURES[settings.architecture],
            handler="pool_inventory.handler.handler",
            code=Code.from_asset(str(code_folder)),
            environment={BUCKET.name: bucket.bucket_name, **settings.environment},
            memory_size=settings.memory_mb,
            timeout=Duration.seconds(settings.timeout_seconds),
            log_group=self.log_group,
            # CDK would add grants of its own to a role that takes them, two more for the queue than a send needs.
            role=self.role.without_policy_updates(),
            on_failure=SqsDestination(self.failed),
            retry_attempts=2,
        )
