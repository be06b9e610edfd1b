"""The function that takes snapshots."""

from pathlib import Path

from aws_cdk.aws_iam import Role
from aws_cdk.aws_kms import IKey
from constructs import Construct

from infra import checks, program
from infra.grants import allow_sending
from infra.options.deploy_settings import DeploySettings
from infra.program import Program
from infra.queues import dead_letters
from infra.snapshot_bucket import SnapshotBucket


class Exporter(Construct):
    """The function, its log and the queue of its failed invocations.

    Attributes:
        function: Lambda's function.
        timeout_seconds: its time to run.
        run_seconds: the longest that a run can take, which is the same.
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
        self.timeout_seconds = self.run_seconds = settings.timeout_seconds
        self.failed = dead_letters(self, "Failed", encryption_key=encryption_key)
        self.log_group = program.log_of(self, log_group_name, settings, encryption_key)
        role = Role(self, "Role", assumed_by=program.run_by_lambda())
        program.let_list_pools(role)
        snapshots.let_write(role)
        common = Program(settings=settings, code_folder=code_folder, snapshots=snapshots, log_group=self.log_group)
        common.let_log(role)
        allow_sending(role, self.failed, encryption_key)
        program.let_put_events(role, settings.event_bus)
        self.function = common.function(
            self,
            "Function",
            description="Commits one snapshot of every Cognito user pool to S3",
            handler="pool_inventory.handler.handler",
            memory_mb=settings.memory_mb,
            timeout_seconds=settings.timeout_seconds,
            role=role,
            reserved_concurrency=settings.reserved_concurrency,
            failed=self.failed,
        )
        checks.acknowledge(
            self.function,
            "Serverless-LambdaDLQ",
            because="Failed invocations go to an on-failure destination, the queue Failed, which keeps the event as a"
            " dead-letter queue would, and the error with it. cdk-nag looks at the older setting alone.",
        )
