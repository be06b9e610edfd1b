"""All that one deploy makes, and every grant of it."""

from collections.abc import Mapping
from pathlib import Path

from aws_cdk import CfnOutput, Stack
from aws_cdk.aws_iam import PolicyStatement, Role
from constructs import Construct

from infra.alarms import Alarms
from infra.athena import Workgroup
from infra.catalog import Catalog
from infra.context import DeploySettings
from infra.dashboard import SnapshotDashboard
from infra.exporter import Exporter
from infra.log_queries import LogQueries
from infra.metrics import SnapshotMetrics
from infra.schedule import ExportSchedule
from infra.storage import Storage
from infra.topic import AlarmTopic
from infra.watch import Watch


class PoolInventoryStack(Stack):
    """A bucket, the function that writes snapshots into it, what wakes it, tables to read them by, and alarms."""

    def __init__(self, scope: Construct, *, settings: DeploySettings, code_folder: Path) -> None:
        """Make the stack.

        Args:
            scope: the app.
            settings: the deploy's.
            code_folder: the function's code with all that it imports.
        """
        super().__init__(
            scope, settings.stack_name, description="Every Amazon Cognito user pool of the account, as snapshots in S3"
        )
        storage = Storage(
            self,
            "Storage",
            prefix=settings.prefix,
            snapshot_expiry_days=settings.snapshot_expiry_days,
            query_result_expiry_days=settings.query_result_expiry_days,
        )
        exporter = Exporter(self, "Exporter", settings=settings, code_folder=code_folder, bucket=storage.bucket)
        schedule = ExportSchedule(self, "Schedule", expression=settings.schedule, function=exporter.function)
        catalog = Catalog(
            self, "Catalog", database_name=settings.database_name, bucket=storage.bucket, prefix=settings.prefix
        )
        workgroup = Workgroup(
            self, "Workgroup", name=settings.stack_name, bucket=storage.bucket, database=catalog.database
        )
        topic = AlarmTopic(self, "Alarm", email=settings.alarm_email)
        metrics = SnapshotMetrics(namespace=settings.metrics_namespace, service=settings.service_name)
        alarms = Alarms(
            self,
            "Alarms",
            metrics=metrics,
            function=exporter.function,
            failed=exporter.failed,
            undelivered=schedule.undelivered,
            watch=Watch.over(settings.schedule, timeout_seconds=settings.timeout_seconds),
            topic=topic.topic,
        )
        if settings.dashboard:
            SnapshotDashboard(
                self,
                "Dashboard",
                stack_name=settings.stack_name,
                metrics=metrics,
                function=exporter.function,
                queues=[("failed", exporter.failed), ("undelivered", schedule.undelivered)],
                timeout_seconds=settings.timeout_seconds,
                alarms=alarms.alarms,
            )
        LogQueries(self, "LogQueries", folder=settings.stack_name, log_group=exporter.log_group)

        under_prefix = f"{settings.prefix}/*"
        # Neither action takes a resource.
        _allow(exporter.role, "cognito-idp:ListUserPools", "account:ListRegions", on="*")
        _allow(exporter.role, "s3:GetObject", "s3:PutObject", on=storage.bucket.arn_for_objects(under_prefix))
        # Without it S3 answers a GET of a missing key, such as the first run's latest.json, with 403 and not 404. The
        # key that was asked for is what S3 then holds against s3:prefix: https://github.com/ceph/ceph/pull/68577
        _allow(
            exporter.role,
            "s3:ListBucket",
            on=storage.bucket.bucket_arn,
            where={"StringLike": {"s3:prefix": under_prefix}},
        )
        _allow(exporter.role, "logs:CreateLogStream", "logs:PutLogEvents", on=exporter.log_group.log_group_arn)
        _allow(exporter.role, "sqs:SendMessage", on=exporter.failed.queue_arn)
        if settings.event_bus is not None:
            _allow(exporter.role, "events:PutEvents", on=_event_bus_arn(self, settings.event_bus))
        _allow(schedule.role, "lambda:InvokeFunction", on=exporter.function.function_arn)
        _allow(schedule.role, "sqs:SendMessage", on=schedule.undelivered.queue_arn)

        location = f"s3://{storage.bucket.bucket_name}/{settings.prefix}"
        CfnOutput(self, "BucketName", value=storage.bucket.bucket_name)
        CfnOutput(self, "SnapshotLocation", value=location, description="Where snapshots are")
        CfnOutput(self, "FunctionName", value=exporter.function.function_name)
        CfnOutput(self, "DatabaseName", value=catalog.database.ref, description="Where the tables are")
        CfnOutput(self, "WorkgroupName", value=workgroup.workgroup.ref, description="Where Athena has saved queries")
        CfnOutput(self, "FailedQueueUrl", value=exporter.failed.queue_url, description="Events that runs failed at")
        CfnOutput(
            self, "UndeliveredQueueUrl", value=schedule.undelivered.queue_url, description="Events without a run"
        )
        CfnOutput(self, "AlarmTopicArn", value=topic.topic.topic_arn, description="Where all alarms are told to")


def _event_bus_arn(stack: Stack, name_or_arn: str) -> str:
    """Give a bus's ARN; a name means one of this account and region."""
    if name_or_arn.startswith("arn:"):
        return name_or_arn
    return stack.format_arn(service="events", resource="event-bus", resource_name=name_or_arn)


def _allow(role: Role, *actions: str, on: str, where: Mapping[str, Mapping[str, str]] | None = None) -> None:
    """Grant a role some actions on one resource, under conditions if any."""
    role.add_to_policy(PolicyStatement(actions=list(actions), resources=[on], conditions=where))
