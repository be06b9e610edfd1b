"""All that one deploy makes."""

from pathlib import Path

from aws_cdk import Annotations, CfnOutput, Stack, Tags
from aws_cdk.aws_iam import ManagedPolicy, PermissionsBoundary
from constructs import Construct
from pool_inventory.collect.targets import unknown_regions

from infra.athena import Workgroup
from infra.catalog import Catalog
from infra.deployed import FORMER_KEYS
from infra.encryption import customer_managed_key
from infra.exporter import Exporter
from infra.monitoring import Monitoring
from infra.options.deploy_settings import DeploySettings
from infra.organization import Organization
from infra.organization.functions import batch_role_arn
from infra.schedule import ExportSchedule
from infra.snapshot_bucket import snapshot_bucket


class PoolInventoryStack(Stack):
    """A bucket, the function that writes snapshots into it, what wakes it, tables to read them by, and alarms."""

    def __init__(self, scope: Construct, *, settings: DeploySettings, code_folder: Path) -> None:
        """Make the stack.

        Args:
            scope: the app.
            settings: the deploy's.
            code_folder: the function's code with all that it imports.
        """
        whose = "an organization" if settings.accounts else "the account"
        super().__init__(
            scope, settings.stack_name, description=f"Every Amazon Cognito user pool of {whose}, as snapshots in S3"
        )
        for name, value in settings.tags.items():
            Tags.of(self).add(name, value)
        if settings.permissions_boundary is not None:
            boundary = ManagedPolicy.from_managed_policy_arn(self, "Boundary", settings.permissions_boundary)
            PermissionsBoundary.of(self).apply(boundary)

        log_group_name = f"/pool-inventory/{settings.stack_name}"
        key = customer_managed_key(
            self,
            "Key",
            asked_for=settings.customer_managed_key,
            stack_name=settings.stack_name,
            log_group_name=log_group_name,
        )
        snapshots = snapshot_bucket(self, settings, key)
        # An organization is asked by other functions, which stand in the stack as a construct of another name.
        exporter = (Organization if settings.accounts else Exporter)(
            self,
            "Organization" if settings.accounts else "Exporter",
            settings=settings,
            code_folder=code_folder,
            snapshots=snapshots,
            log_group_name=log_group_name,
            encryption_key=key,
        )
        machine = exporter.machine if isinstance(exporter, Organization) else None
        schedule = ExportSchedule(
            self,
            "Schedule",
            expression=settings.schedule,
            wakes=machine or exporter.function,
            encryption_key=key,
        )
        if machine:  # which takes one policy more than it waits for
            schedule.node.add_dependency(exporter)
        catalog = Catalog(
            self,
            "Catalog",
            database_name=settings.database_name,
            bucket=snapshots.bucket,
            prefix=settings.prefix,
            of_organization=settings.accounts is not None,
        )
        workgroup = Workgroup(
            self,
            "Workgroup",
            name=settings.stack_name,
            bucket=snapshots.bucket,
            database=catalog.database,
            # A bucket whose policy demands an encryption demands it of Athena, too.
            encryption_key=snapshots.key if settings.encryption else key,
            of_organization=settings.accounts is not None,
        )
        monitoring = Monitoring(
            self, "Monitoring", settings=settings, exporter=exporter, schedule=schedule, encryption_key=key
        )
        _add_notes(self, settings)

        outputs = {
            "BucketName": (snapshots.bucket.bucket_name, None),
            "SnapshotLocation": (f"s3://{snapshots.bucket.bucket_name}/{settings.prefix}", "Where snapshots are"),
            **(
                {
                    "StateMachineArn": (machine.state_machine_arn, "What takes a snapshot"),
                    "BatchRoleArn": (
                        batch_role_arn(self, settings.stack_name),
                        "Whom the member role in each account has to trust",
                    ),
                }
                if machine
                else {"FunctionName": (exporter.function.function_name, None)}
            ),
            "DatabaseName": (catalog.database.ref, "Where the tables are"),
            "WorkgroupName": (workgroup.workgroup.ref, "Where Athena has saved queries"),
            "FailedQueueUrl": (exporter.failed.queue_url, "Events without a run that ended well"),
            "UndeliveredQueueUrl": (
                schedule.undelivered.queue_url,
                f"Events that {'Step Functions' if machine else 'Lambda'} did not accept",
            ),
            "AlarmTopicArn": (monitoring.topic.topic_arn, "Where all alarms are published"),
            "LogGroupName": (
                exporter.log_group.log_group_name,
                "The functions' log" if machine else "The function's log",
            ),
            "LogQueriesFolder": (
                settings.stack_name,
                "Where CloudWatch Logs Insights has saved queries on the log, under Queries",
            ),
        }
        if monitoring.dashboard_name is not None:
            outputs["DashboardName"] = (monitoring.dashboard_name, "CloudWatch's dashboard")
        if key is not None:
            outputs["KeyArn"] = (key.key_arn, "What encrypts; a reader needs kms:Decrypt on it")
        if settings.former_keys:
            outputs[FORMER_KEYS] = (",".join(settings.former_keys), "What older snapshots are encrypted under")
        for name, (value, description) in outputs.items():
            CfnOutput(self, name, value=value, description=description)


def _add_notes(stack: Stack, settings: DeploySettings) -> None:
    """Say what synth cannot check; as notes, because `cdk synth --strict` takes warnings for errors."""
    if settings.alarm_email is None:
        Annotations.of(stack).add_info_v2(
            "pool-inventory:noAlarmEmail",
            "alarmEmail is not set, so no alarm reaches anybody: set it, or subscribe to the topic of the output"
            " AlarmTopicArn.",
        )
    if unknown := unknown_regions(settings.regions):
        Annotations.of(stack).add_info_v2(
            "pool-inventory:unknownRegions",
            f"regions: no SDK knows {', '.join(unknown)}. The function asks there all the same, since a region may be"
            " new; but where there is none, snapshots are complete without it: look for a slip.",
        )
    others = [settings.customer_managed_key, *settings.former_keys]
    keys = ", ".join(key for key in others if isinstance(key, str))
    if settings.reader_accounts and keys:
        Annotations.of(stack).add_info_v2(
            "pool-inventory:readersKeys",
            f"readerAccounts: the stack does not write the policies of {keys}. Each has to let these accounts do"
            " kms:Decrypt, or they cannot read what is encrypted under it.",
        )
    if settings.accounts and isinstance(settings.customer_managed_key, str):
        Annotations.of(stack).add_info_v2(
            "pool-inventory:rulesKey",
            f"customerManagedKey: the stack does not write the policy of {settings.customer_managed_key}. It has to"
            " let events.amazonaws.com do kms:GenerateDataKey and kms:Decrypt, or events of failed executions are"
            " lost.",
        )
    if settings.bucket_name is not None:
        Annotations.of(stack).add_info_v2(
            "pool-inventory:bucketRegion",
            f"bucketName={settings.bucket_name} has to be in the stack's region, which synth cannot see: Athena writes"
            " no result into a bucket of another region, so that every query on the tables would fail.",
        )
