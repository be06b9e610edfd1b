"""The key that encrypts what the stack keeps, where a deploy asks for one, and who but the roles may use it."""

from aws_cdk import ArnFormat, Aws, RemovalPolicy, Stack
from aws_cdk.aws_iam import PolicyStatement, ServicePrincipal
from aws_cdk.aws_kms import IKey, Key
from constructs import Construct


def customer_managed_key(
    scope: Construct, construct_id: str, *, asked_for: str | bool, stack_name: str, log_group_name: str
) -> IKey | None:
    """Return the key that is asked for: one of the stack's own, one that is there already, or none.

    A key of the stack's own outlives it, since what it encrypts does: without it the snapshots cannot be read again.
    Its policy begins with the one statement that KMS itself gives a new key: the account may administer it through
    IAM. Without that statement nobody could change or delete the key, and no role's policy could allow its use.
    https://docs.aws.amazon.com/kms/latest/developerguide/key-policy-default.html

    Args:
        scope: the construct that it belongs to.
        construct_id: its name in there.
        asked_for: whether the stack makes one, or the ARN of one whose policy is not the stack's to change.
        stack_name: the stack's.
        log_group_name: of the log that it encrypts.
    """
    if isinstance(asked_for, str):
        return Key.from_key_arn(scope, construct_id, asked_for)
    if not asked_for:
        return None
    key = Key(
        scope,
        construct_id,
        description=f"Encrypts what the stack {stack_name} keeps: snapshots, failed events, log lines and alarms",
        # A stack's name is the one that no other stack of the account and region has.
        alias=stack_name,
        enable_key_rotation=True,
        # Not where it was made by a deploy that failed: nothing is encrypted under it then, and it costs.
        removal_policy=RemovalPolicy.RETAIN_ON_UPDATE_OR_DELETE,
    )
    _let_logs_use(key, log_group_name)
    _let_alarms_use(key)
    return key


def _let_logs_use(key: Key, log_group_name: str) -> None:
    """Allow CloudWatch Logs to use a key for one log group, which it names in each call.

    Source: https://docs.aws.amazon.com/AmazonCloudWatch/latest/logs/encrypt-log-data-kms.html
    """
    log_group = Stack.of(key).format_arn(
        service="logs",
        resource="log-group",
        resource_name=log_group_name,
        arn_format=ArnFormat.COLON_RESOURCE_NAME,
    )
    key.add_to_resource_policy(
        PolicyStatement(
            principals=[ServicePrincipal(f"logs.{Aws.REGION}.amazonaws.com")],
            actions=["kms:Encrypt", "kms:Decrypt", "kms:ReEncrypt*", "kms:GenerateDataKey*", "kms:Describe*"],
            resources=["*"],
            conditions={"ArnEquals": {"kms:EncryptionContext:aws:logs:arn": log_group}},
        )
    )


def _let_alarms_use(key: Key) -> None:
    """Allow CloudWatch to use a key for the alarms of this account and region, which publish to an encrypted topic.

    Source: https://docs.aws.amazon.com/sns/latest/dg/sns-key-management.html#compatibility-with-aws-services
    """
    alarms = Stack.of(key).format_arn(
        service="cloudwatch", resource="alarm", resource_name="*", arn_format=ArnFormat.COLON_RESOURCE_NAME
    )
    key.add_to_resource_policy(
        PolicyStatement(
            principals=[ServicePrincipal("cloudwatch.amazonaws.com")],
            actions=["kms:Decrypt", "kms:GenerateDataKey*"],
            resources=["*"],
            conditions={
                "StringEquals": {"aws:SourceAccount": Aws.ACCOUNT_ID},
                "ArnLike": {"aws:SourceArn": alarms},
            },
        )
    )
