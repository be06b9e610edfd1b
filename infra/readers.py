"""Which other accounts may read the snapshots: what of it is the stack's to say.

The tables are not: a Glue catalog has one policy, which is its account's, and CloudFormation has no resource for it.
docs/reading.md says how a reader of another account gets to tables.
https://docs.aws.amazon.com/glue/latest/dg/security_iam_resource-based-policy-examples.html
"""

from collections.abc import Sequence

from aws_cdk.aws_iam import AccountPrincipal, IPrincipal, PolicyStatement
from aws_cdk.aws_kms import Key
from aws_cdk.aws_s3 import Bucket

from infra.grants import only_through


def let_read(accounts: Sequence[str], bucket: Bucket, prefix: str) -> None:
    """Allow accounts to read what is under a prefix; each decides by its own IAM which of its roles may.

    Args:
        accounts: their ids.
        bucket: of the stack's own.
        prefix: the key prefix of snapshots, without a slash at either end.
    """
    under_prefix = f"{prefix}/*"
    for sid, action, resource, condition in (
        ("ReadersGetSnapshots", "s3:GetObject", bucket.arn_for_objects(under_prefix), None),
        ("ReadersListSnapshots", "s3:ListBucket", bucket.bucket_arn, {"StringLike": {"s3:prefix": under_prefix}}),
        # Athena asks it of each bucket: https://docs.aws.amazon.com/athena/latest/ug/cross-account-permissions.html
        ("ReadersLocateBucket", "s3:GetBucketLocation", bucket.bucket_arn, None),
    ):
        bucket.add_to_resource_policy(
            PolicyStatement(
                sid=sid,
                principals=_principals(accounts),
                actions=[action],
                resources=[resource],
                conditions=condition,
            )
        )


def let_decrypt(accounts: Sequence[str], key: Key) -> None:
    """Allow accounts to use a key for what they may read in S3.

    Args:
        accounts: their ids.
        key: of the stack's own.
    """
    key.add_to_resource_policy(
        PolicyStatement(
            sid="ReadersDecryptSnapshots",
            principals=_principals(accounts),
            actions=["kms:Decrypt"],
            resources=["*"],
            conditions=only_through("s3"),
        )
    )


def _principals(accounts: Sequence[str]) -> list[IPrincipal]:
    return [AccountPrincipal(account) for account in accounts]
