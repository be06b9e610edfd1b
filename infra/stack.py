"""All that one deploy makes, and every grant of it."""

from collections.abc import Mapping
from pathlib import Path

from aws_cdk import Annotations, ArnFormat, Aws, CfnOutput, Stack, Tags
from aws_cdk.aws_iam import ManagedPolicy, PermissionsBoundary, PolicyStatement, Role
from aws_cdk.aws_kms import IKey, Key
from aws_cdk.aws_s3 import Bucket, IBucket
from constructs import Construct
from pool_inventory.snapshots import keys

from infra import checks
from infra.athena import Workgroup
from infra.catalog import Catalog
from infra.encryption import customer_managed_key
from infra.exporter import Exporter
from infra.monitoring import Monitoring
from infra.options.deploy_settings import DeploySettings
from infra.schedule import ExportSchedule
from infra.storage import Storage

# What it takes of a key to write what it encrypts, and to read it again.
_ENCRYPT = ("kms:GenerateDataKey", "kms:Decrypt")


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
        bucket = self._bucket(settings, key)
        bucket_key = self._bucket_key(settings, key)
        exporter = Exporter(
            self,
            "Exporter",
            settings=settings,
            code_folder=code_folder,
            bucket=bucket,
            log_group_name=log_group_name,
            encryption_key=key,
        )
        schedule = ExportSchedule(
            self, "Schedule", expression=settings.schedule, function=exporter.function, encryption_key=key
        )
        catalog = Catalog(self, "Catalog", database_name=settings.database_name, bucket=bucket, prefix=settings.prefix)
        workgroup = Workgroup(
            self,
            "Workgroup",
            name=settings.stack_name,
            bucket=bucket,
            database=catalog.database,
            # A bucket that wants to be asked for an encryption wants it of Athena, too.
            encryption_key=bucket_key if settings.encryption else key,
        )
        monitoring = Monitoring(
            self, "Monitoring", settings=settings, exporter=exporter, schedule=schedule, encryption_key=key
        )

        _let_run(exporter, bucket, settings)
        _let_wake(schedule, exporter)
        if key is not None:
            # A queue asks both of who sends to it, Lambda and EventBridge Scheduler as these roles:
            # https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/sqs-key-management.html
            _allow(exporter.role, *_ENCRYPT, on=key.key_arn, where=_only_through("sqs"))
            _allow(schedule.role, *_ENCRYPT, on=key.key_arn, where=_only_through("sqs"))
        if bucket_key is not None:
            # S3 asks the first of a PUT, the second of a GET, both of a copy:
            # https://docs.aws.amazon.com/AmazonS3/latest/userguide/UsingKMSEncryption.html
            _allow(exporter.role, *_ENCRYPT, on=bucket_key.key_arn, where=_only_through("s3"))
        for former in settings.former_keys:
            _allow(exporter.role, "kms:Decrypt", on=former, where=_only_through("s3"))
        _note_what_synth_cannot_see_to(self, settings)

        outputs = {
            "BucketName": (bucket.bucket_name, None),
            "SnapshotLocation": (f"s3://{bucket.bucket_name}/{settings.prefix}", "Where snapshots are"),
            "FunctionName": (exporter.function.function_name, None),
            "DatabaseName": (catalog.database.ref, "Where the tables are"),
            "WorkgroupName": (workgroup.workgroup.ref, "Where Athena has saved queries"),
            "FailedQueueUrl": (exporter.failed.queue_url, "Events without a run that ended well"),
            "UndeliveredQueueUrl": (schedule.undelivered.queue_url, "Events that Lambda did not accept"),
            "AlarmTopicArn": (monitoring.topic.topic_arn, "Where all alarms are told to"),
        }
        if key is not None:
            outputs["KeyArn"] = (key.key_arn, "What encrypts; a reader needs kms:Decrypt on it")
        for name, (value, description) in outputs.items():
            CfnOutput(self, name, value=value, description=description)

    def _bucket(self, settings: DeploySettings, key: IKey | None) -> IBucket:
        """Return the bucket that is there already where one is named, or else make one."""
        if settings.bucket_name is not None:
            return Bucket.from_bucket_name(self, "Bucket", settings.bucket_name)
        storage = Storage(
            self,
            "Storage",
            prefix=settings.prefix,
            snapshot_expiry_days=settings.snapshot_expiry_days,
            query_result_expiry_days=settings.query_result_expiry_days,
            encryption_key=key,
        )
        return storage.bucket

    def _bucket_key(self, settings: DeploySettings, key: IKey | None) -> IKey | None:
        """Return the key that encrypts what is in the bucket, None where the stack knows of none."""
        if settings.bucket_name is None:
            return key
        if settings.encryption is None or not settings.encryption.startswith("arn:"):
            return None
        return Key.from_key_arn(self, "BucketKey", settings.encryption)


def _note_what_synth_cannot_see_to(stack: Stack, settings: DeploySettings) -> None:
    """Say what is left to the operator; as notes, not as warnings, which `cdk synth --strict` takes for errors."""
    if settings.alarm_email is None:
        Annotations.of(stack).add_info_v2(
            "pool-inventory:noAlarmEmail",
            "alarmEmail is not set, so no alarm reaches anybody: set it, or subscribe to the topic of the output"
            " AlarmTopicArn.",
        )
    if settings.bucket_name is not None:
        Annotations.of(stack).add_info_v2(
            "pool-inventory:bucketRegion",
            f"bucketName={settings.bucket_name} has to be in the stack's region, which synth cannot see: Athena writes"
            " no result into a bucket of another region, so that every query on the tables would fail.",
        )


def _let_run(exporter: Exporter, bucket: IBucket, settings: DeploySettings) -> None:
    """Grant the function what a run takes."""
    role = exporter.role
    under_prefix = f"{settings.prefix}/*"
    _allow(
        role,
        "cognito-idp:ListUserPools",
        on="*",
        wildcard="IAM knows no resource for the action, so it can be granted on * alone. It only lists.",
    )
    # https://docs.aws.amazon.com/service-authorization/latest/reference/list_awsaccountmanagement.html
    account = Stack.of(role).format_arn(
        service="account", region="", resource="account", arn_format=ArnFormat.NO_RESOURCE_NAME
    )
    _allow(role, "account:ListRegions", on=account)
    named_for_its_time = "A snapshot's objects are named for its time, so all that is known of their keys is the {}."
    _allow(
        role,
        "s3:GetObject",
        on=bucket.arn_for_objects(under_prefix),
        wildcard=named_for_its_time.format("prefix"),
    )
    # Each object of a snapshot is written once: without If-None-Match, S3 would let it be written over.
    # https://docs.aws.amazon.com/AmazonS3/latest/userguide/conditional-writes-enforce.html
    _allow(
        role,
        "s3:PutObject",
        on=[bucket.arn_for_objects(f"{settings.prefix}/{folder}/*") for folder in keys.SNAPSHOT_FOLDERS],
        where={"Null": {"s3:if-none-match": "false"}},
        wildcard=named_for_its_time.format("folder"),
    )
    latest = [bucket.arn_for_objects(f"{settings.prefix}/{key}") for key in (keys.LATEST, keys.LATEST_DATA)]
    _allow(role, "s3:PutObject", on=latest)
    # Without it S3 answers a GET of a missing key, such as the first run's latest.json, with 403 and not 404. The key
    # that was asked for is what S3 then holds against s3:prefix: https://github.com/ceph/ceph/pull/68577
    _allow(role, "s3:ListBucket", on=bucket.bucket_arn, where={"StringLike": {"s3:prefix": under_prefix}})
    _allow(role, "logs:CreateLogStream", "logs:PutLogEvents", on=exporter.log_group.log_group_arn)
    _allow(role, "sqs:SendMessage", on=exporter.failed.queue_arn)
    if settings.event_bus is not None:
        _allow(role, "events:PutEvents", on=_event_bus_arn(Stack.of(exporter), settings.event_bus))


def _let_wake(schedule: ExportSchedule, exporter: Exporter) -> None:
    """Grant the schedule to invoke the function, and to keep what it could not deliver."""
    _allow(schedule.role, "lambda:InvokeFunction", on=exporter.function.function_arn)
    _allow(schedule.role, "sqs:SendMessage", on=schedule.undelivered.queue_arn)


def _event_bus_arn(stack: Stack, name_or_arn: str) -> str:
    """Return a bus's ARN; a name means one of this account and region."""
    if name_or_arn.startswith("arn:"):
        return name_or_arn
    return stack.format_arn(service="events", resource="event-bus", resource_name=name_or_arn)


def _allow(
    role: Role,
    *actions: str,
    on: str | list[str],
    where: Mapping[str, Mapping[str, str]] | None = None,
    wildcard: str | None = None,
) -> None:
    """Grant a role some actions on a resource or some, under conditions if any; a * in them has its reason."""
    resources = [on] if isinstance(on, str) else on
    role.add_to_policy(PolicyStatement(actions=list(actions), resources=resources, conditions=where))
    if wildcard is not None:
        for resource in resources:
            checks.acknowledge_wildcard(role, resource, because=wildcard)


def _only_through(service: str) -> Mapping[str, Mapping[str, str]]:
    """Return the condition that a key is used by a service on the role's behalf, and never by the role itself.

    Source: https://docs.aws.amazon.com/kms/latest/developerguide/conditions-kms.html#conditions-kms-via-service
    """
    return {"StringEquals": {"kms:ViaService": f"{service}.{Aws.REGION}.amazonaws.com"}}
