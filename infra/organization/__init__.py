"""What asks an organization's accounts: three functions, the state machine over them, and where its failures go."""

from pathlib import Path

from aws_cdk import Stack
from aws_cdk.aws_kms import IKey
from constructs import Construct

from infra import program
from infra.options.deploy_settings import DeploySettings
from infra.organization.failures import Failures
from infra.organization.functions import TIMEOUT_SECONDS, Functions
from infra.organization.machine import Machine
from infra.program import Program
from infra.snapshot_bucket import SnapshotBucket


class Organization(Construct):
    """An organization's exporter, in the place of the one account's.

    Attributes:
        machine: Step Functions' state machine.
        function: the one that publishes.
        timeout_seconds: its time to run.
        run_seconds: the longest that a run can take.
        log_group: where the log lines of all functions go.
        failed: the queue that keeps the event of each execution that did not end well.
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
        """Make functions and machine.

        Args:
            scope: the construct that it belongs to.
            construct_id: its name in there.
            settings: the deploy's.
            code_folder: the functions' code with all that it imports.
            snapshots: where snapshots go.
            log_group_name: one that the account and region do not have yet.
            encryption_key: of the queue and the log.
        """
        super().__init__(scope, construct_id)
        # The log of the one account's function, by its path: a stack that begins to ask an organization keeps it.
        of_one_account = Construct(Stack.of(self), "Exporter")
        self.log_group = program.log_of(of_one_account, log_group_name, settings, encryption_key)
        common = Program(settings=settings, code_folder=code_folder, snapshots=snapshots, log_group=self.log_group)
        functions = Functions(self, "Functions", common)
        self.machine = Machine(
            self, "Machine", settings=settings, functions=functions, snapshots=snapshots
        ).state_machine
        self.failed = Failures(self, "Failures", machine=self.machine, encryption_key=encryption_key).queue
        self.function = functions.publish
        self.timeout_seconds = TIMEOUT_SECONDS
        self.run_seconds = settings.execution_hours * 3600
