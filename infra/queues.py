"""Queues that keep what failed until somebody looks."""

from aws_cdk import Duration
from aws_cdk.aws_sqs import Queue, QueueEncryption
from constructs import Construct


def dead_letters(scope: Construct, construct_id: str) -> Queue:
    """Make a queue that keeps messages for 14 days, the longest that SQS does, encrypted at rest and on the way."""
    return Queue(
        scope,
        construct_id,
        encryption=QueueEncryption.SQS_MANAGED,
        enforce_ssl=True,
        retention_period=Duration.days(14),
    )
