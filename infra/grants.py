"""How a role is granted what it does: each grant stands beside the construct that needs it."""

from collections.abc import Mapping

from aws_cdk import Aws
from aws_cdk.aws_iam import PolicyStatement, Role
from aws_cdk.aws_kms import IKey
from aws_cdk.aws_sqs import IQueue

from infra import checks

# What a role needs of a key to write what it encrypts, and to read it again.
ENCRYPT = ("kms:GenerateDataKey", "kms:Decrypt")


def allow(
    role: Role,
    *actions: str,
    on: str | list[str],
    where: Mapping[str, Mapping[str, str]] | None = None,
    wildcard: str | None = None,
) -> None:
    """Grant a role some actions.

    Args:
        role: the role.
        actions: such as "s3:GetObject".
        on: the ARN of a resource, or several.
        where: conditions, as a policy has them.
        wildcard: the reason for each * in the resources; without it cdk-nag reports them.
    """
    resources = [on] if isinstance(on, str) else on
    role.add_to_policy(PolicyStatement(actions=list(actions), resources=resources, conditions=where))
    if wildcard is not None:
        for resource in resources:
            checks.acknowledge_wildcard(role, resource, because=wildcard)


def allow_sending(role: Role, queue: IQueue, encryption_key: IKey | None) -> None:
    """Grant a role to send to a queue.

    A queue asks both of who sends to it, Lambda and EventBridge Scheduler as these roles:
    https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/sqs-key-management.html

    Args:
        role: the role.
        queue: the queue.
        encryption_key: of the queue.
    """
    allow(role, "sqs:SendMessage", on=queue.queue_arn)
    if encryption_key is not None:
        allow(role, *ENCRYPT, on=encryption_key.key_arn, where=only_through("sqs"))


def only_through(service: str) -> Mapping[str, Mapping[str, str]]:
    """Return the condition that a service uses a key for the role, and never the role by itself.

    Source: https://docs.aws.amazon.com/kms/latest/developerguide/conditions-kms.html#conditions-kms-via-service
    """
    return {"StringEquals": {"kms:ViaService": f"{service}.{Aws.REGION}.amazonaws.com"}}
