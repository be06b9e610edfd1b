"""Queues that keep what failed until somebody looks."""

from aws_cdk import Duration
from aws_cdk.aws_kms import IKey
from aws_cdk.aws_sqs import Queue, QueueEncryption
from constructs import Construct

from infra import checks


def dead_letters(scope: Construct, construct_id: str, *, encryption_key: IKey | None) -> Queue:
    """Make a queue that keeps messages for 14 days, the longest that SQS does, encrypted at rest and in transit.

    Args:
        scope: the construct that it belongs to.
        construct_id: its name in there.
        encryption_key: what encrypts messages; None leaves that to SQS's own key.
    """
    queue = Queue(
        scope,
        construct_id,
        encryption=QueueEncryption.KMS if encryption_key else QueueEncryption.SQS_MANAGED,
        encryption_master_key=encryption_key,
        enforce_ssl=True,
        retention_period=Duration.days(14),
    )
    checks.acknowledge(
        queue,
        "AwsSolutions-SQS3",
        "Serverless-SQSRedrivePolicy",
        because="This is the dead-letter queue, of a Lambda destination or a schedule, which cdk-nag does not look at."
        " No consumer takes messages from it, so none is ever moved on: one stays until a person deals with it.",
    )
    return queue
