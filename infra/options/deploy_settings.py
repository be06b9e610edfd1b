"""The settings of one deploy, parsed."""

from collections.abc import Mapping
from dataclasses import dataclass

from aws_cdk.aws_logs import RetentionDays


@dataclass(frozen=True, slots=True, kw_only=True)
class DeploySettings:
    """The settings of one deploy.

    Attributes:
        prefix: the key prefix of snapshots, without a slash at either end.
        bucket_name: of a bucket that is not the stack's; None, the stack makes one.
        customer_managed_key: whether a key of the account's encrypts what the stack keeps, and its ARN if it is there
            already.
        former_keys: ARNs of the keys that snapshots were encrypted under before.
        encryption: what the function asks S3 for with each write, "AES256" or a key's ARN; None, nothing.
        permissions_boundary: the ARN of a managed policy, None for no bound.
        reserved_concurrency: how many runs can go at once, None for as many as the account has room for.
        tags: values by names.
        event_bus: the name or the ARN of the bus for change events, None for no events.
        alarm_email: whom the alarms write to, None for nobody.
        dashboard: whether there is one.
        environment: the function's variables and their texts, all but the bucket's name and those that are empty.
    """

    stack_name: str
    prefix: str
    schedule: str
    python_version: str
    architecture: str
    memory_mb: int
    timeout_seconds: int
    log_retention: RetentionDays
    snapshot_expiry_days: int
    database_name: str
    query_result_expiry_days: int
    bucket_name: str | None
    customer_managed_key: str | bool
    former_keys: tuple[str, ...]
    encryption: str | None
    permissions_boundary: str | None
    reserved_concurrency: int | None
    tags: Mapping[str, str]
    event_bus: str | None
    alarm_email: str | None
    dashboard: bool
    service_name: str
    metrics_namespace: str
    environment: Mapping[str, str]
