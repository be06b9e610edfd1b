"""Where snapshots are kept."""

from collections.abc import Sequence

from aws_cdk import Duration, RemovalPolicy
from aws_cdk.aws_kms import IKey
from aws_cdk.aws_s3 import BlockPublicAccess, Bucket, BucketEncryption, LifecycleRule, ObjectOwnership
from constructs import Construct
from pool_inventory.snapshots import keys

from infra import checks

# Beside the snapshots' prefix, not under it: the function has no business there.
QUERY_RESULTS = "_athena"
# An object of a snapshot is written once, so a version that is not the current one was written over or deleted by
# somebody else, and is kept for as long as it may take until that is noticed.
_WRITTEN_OVER = Duration.days(365)
# Of what each run writes over.
_WRITTEN_OVER_BY_RUNS = Duration.days(30)
# Of what a run stages before its commit: whatever was committed has a copy among the snapshots by then.
_STAGED = Duration.days(30)
# Of what has expired: the shortest that S3 has.
_EXPIRED = Duration.days(1)


class Storage(Construct):
    """A bucket that outlives its stack.

    Attributes:
        bucket: private, encrypted, versioned, and reached by TLS only.
    """

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        prefix: str,
        folders: Sequence[str],
        snapshot_expiry_days: int,
        query_result_expiry_days: int,
        encryption_key: IKey | None,
    ) -> None:
        """Make the bucket.

        Args:
            scope: the construct that it belongs to.
            construct_id: its name in there.
            prefix: the key prefix of snapshots, without a slash at either end.
            folders: those of objects that belong to one snapshot each.
            snapshot_expiry_days: how long a snapshot's objects can be read; 0 keeps them forever.
            query_result_expiry_days: how long Athena's results can be read.
            encryption_key: what encrypts objects; None leaves that to S3's own key.
        """
        super().__init__(scope, construct_id)
        self.bucket = Bucket(
            self,
            "Bucket",
            block_public_access=BlockPublicAccess.BLOCK_ALL,
            object_ownership=ObjectOwnership.BUCKET_OWNER_ENFORCED,
            enforce_ssl=True,
            encryption=BucketEncryption.KMS if encryption_key else BucketEncryption.S3_MANAGED,
            encryption_key=encryption_key,
            # One call of KMS for many objects, and not one for each.
            bucket_key_enabled=True if encryption_key else None,
            versioned=True,
            # Not where it was made by a deploy that failed: nothing is in it then.
            removal_policy=RemovalPolicy.RETAIN_ON_UPDATE_OR_DELETE,
            lifecycle_rules=[
                _tidy(),
                _query_result_expiry(query_result_expiry_days),
                _latest(prefix),
                _staging(prefix),
                *_snapshots(prefix, folders, snapshot_expiry_days),
            ],
        )
        if self.bucket.policy is not None:  # it has one, that of TLS only, which has to stay where the bucket does
            self.bucket.policy.apply_removal_policy(RemovalPolicy.RETAIN_ON_UPDATE_OR_DELETE)
        checks.acknowledge(
            self.bucket,
            "AwsSolutions-S1",
            because="Server access logs come late, may miss requests, and would need a second bucket of the same care."
            " CloudTrail's data events show better who read or wrote what, which the account's trail records for"
            " this bucket where it is set to: docs/hardening.md says how. Objects are versioned, and each manifest"
            " holds the hashes of its files and of the manifest before, so tampering shows without a log.",
        )


def _tidy() -> LifecycleRule:
    """Drop what no reader sees: marks of deletions that nothing is left of, and uploads that were never finished.

    No rule on old versions may be for the whole bucket: where two overlap, S3 keeps to the shorter.
    https://docs.aws.amazon.com/AmazonS3/latest/userguide/lifecycle-conflicts.html
    """
    return LifecycleRule(
        id="Tidy", expired_object_delete_marker=True, abort_incomplete_multipart_upload_after=Duration.days(1)
    )


def _query_result_expiry(days: int) -> LifecycleRule:
    return LifecycleRule(
        id="Expire-query-results",
        prefix=f"{QUERY_RESULTS}/",
        expiration=Duration.days(days),
        noncurrent_version_expiration=_EXPIRED,
    )


def _latest(prefix: str) -> LifecycleRule:
    return LifecycleRule(
        id="Expire-former-latest", prefix=f"{prefix}/latest", noncurrent_version_expiration=_WRITTEN_OVER_BY_RUNS
    )


def _staging(prefix: str) -> LifecycleRule:
    return LifecycleRule(
        id="Expire-staged",
        prefix=f"{prefix}/{keys.STAGING}/",
        expiration=_STAGED,
        noncurrent_version_expiration=_EXPIRED,
    )


def _snapshots(prefix: str, folders: Sequence[str], snapshot_expiry_days: int) -> list[LifecycleRule]:
    """Return the rules by which old snapshots expire, folder by folder: what belongs to no one snapshot must stay.

    What expires is first deleted like anything else in a versioned bucket, and S3 cannot be asked to keep the versions
    that somebody else deleted for longer than those.
    """
    return [
        LifecycleRule(
            id=f"Expire-{folder}",
            prefix=f"{prefix}/{folder}/",
            expiration=Duration.days(snapshot_expiry_days) if snapshot_expiry_days else None,
            noncurrent_version_expiration=_EXPIRED if snapshot_expiry_days else _WRITTEN_OVER,
        )
        for folder in folders
    ]
