"""The key that encrypts what the stack keeps, where a deploy asks for one of its own."""

from aws_cdk import RemovalPolicy
from aws_cdk.aws_kms import Key
from constructs import Construct


def customer_managed_key(scope: Construct, construct_id: str, *, stack_name: str) -> Key:
    """Make a key that outlives its stack, since what it encrypts does: without it the snapshots cannot be read again.

    CDK's default policy is the one statement that KMS itself gives a new key: the account may administer it through
    IAM. Without that statement nobody could change or delete the key, and no role's policy could allow its use.
    https://docs.aws.amazon.com/kms/latest/developerguide/key-policy-default.html
    """
    return Key(
        scope,
        construct_id,
        description=f"Encrypts what the stack {stack_name} keeps: snapshots, failed events, log lines and alarms",
        # A stack's name is the one that no other stack of the account and region has.
        alias=stack_name,
        enable_key_rotation=True,
        removal_policy=RemovalPolicy.RETAIN,
    )
