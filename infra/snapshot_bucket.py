"""Where snapshots go, whichever bucket that is, and what a role needs to write them there."""

from dataclasses import dataclass

from aws_cdk.aws_iam import Role
from aws_cdk.aws_kms import IKey, Key
from aws_cdk.aws_s3 import Bucket, IBucket
from constructs import Construct
from pool_inventory.snapshots import keys

from infra import readers
from infra.grants import ENCRYPT, allow, only_through
from infra.options.deploy_settings import DeploySettings
from infra.storage import Storage

_REASON = "A snapshot's objects are named for its time, so all that is known of their keys is the {}."


@dataclass(frozen=True, slots=True)
class SnapshotBucket:
    """A bucket, and what is known of it.

    Attributes:
        bucket: the bucket.
        prefix: the key prefix of snapshots, without a slash at either end.
        key: what encrypts its objects; None where the stack knows of no key.
        former_keys: the ARNs of the keys that encrypt older objects.
        folders: those of objects that belong to one snapshot each.
    """

    bucket: IBucket
    prefix: str
    key: IKey | None
    former_keys: tuple[str, ...]
    folders: tuple[str, ...]

    def let_write(self, role: Role) -> None:
        """Grant a role to read what is there and to write snapshots."""
        self._let_get(role)
        # Each of these objects is written once: without If-None-Match, S3 would let it be written over.
        # https://docs.aws.amazon.com/AmazonS3/latest/userguide/conditional-writes-enforce.html
        allow(
            role,
            "s3:PutObject",
            on=[self._objects(f"{self.prefix}/{folder}/*") for folder in (*self.folders, keys.STAGING)],
            where={"Null": {"s3:if-none-match": "false"}},
            wildcard=_REASON.format("folder"),
        )
        allow(role, "s3:PutObject", on=[self._objects(f"{self.prefix}/{key}") for key in keys.MOVED])
        self._let_list_and_use_keys(role)

    def let_stage(self, role: Role) -> None:
        """Grant a role to read what is there and to stage what is not published yet."""
        self._let_get(role)
        # A plan that is damaged and a part that read nothing are written over, but only as they were read.
        for condition in ("s3:if-none-match", "s3:if-match"):
            allow(
                role,
                "s3:PutObject",
                on=self.staged_objects,
                where={"Null": {condition: "false"}},
                wildcard=_REASON.format("folder"),
            )
        self._let_list_and_use_keys(role)

    def let_read_staged(self, role: Role) -> None:
        """Grant a role to read what is staged."""
        allow(role, "s3:GetObject", on=self.staged_objects, wildcard=_REASON.format("folder"))
        if self.key is not None:
            allow(role, "kms:Decrypt", on=self.key.key_arn, where=only_through("s3"))

    @property
    def staged_objects(self) -> str:
        """The ARN of all that is staged."""
        return self._objects(f"{self.prefix}/{keys.STAGING}/*")

    def _let_get(self, role: Role) -> None:
        allow(role, "s3:GetObject", on=self._objects(f"{self.prefix}/*"), wildcard=_REASON.format("prefix"))

    def _let_list_and_use_keys(self, role: Role) -> None:
        # Without it S3 answers a GET of a missing key, such as the first run's latest.json, with 403 and not 404. The
        # key that was asked for is what S3 then compares with s3:prefix: https://github.com/ceph/ceph/pull/68577
        under_prefix = {"StringLike": {"s3:prefix": f"{self.prefix}/*"}}
        allow(role, "s3:ListBucket", on=self.bucket.bucket_arn, where=under_prefix)
        if self.key is not None:
            # S3 needs the first for a PUT and the second for a GET:
            # https://docs.aws.amazon.com/AmazonS3/latest/userguide/UsingKMSEncryption.html
            allow(role, *ENCRYPT, on=self.key.key_arn, where=only_through("s3"))
        for former in self.former_keys:
            allow(role, "kms:Decrypt", on=former, where=only_through("s3"))

    def _objects(self, pattern: str) -> str:
        return self.bucket.arn_for_objects(pattern)


def snapshot_bucket(scope: Construct, settings: DeploySettings, key: IKey | None) -> SnapshotBucket:
    """Return the bucket that exists already where the settings name one, or else make one.

    Args:
        scope: the construct that it belongs to.
        settings: the deploy's.
        key: what encrypts what the stack keeps.
    """
    # One account has no table of accounts.
    folders = tuple(each for each in keys.SNAPSHOT_FOLDERS if settings.accounts or each != keys.ACCOUNTS)
    if settings.bucket_name is not None:
        bucket = Bucket.from_bucket_name(scope, "Bucket", settings.bucket_name)
        asked_for = settings.encryption if (settings.encryption or "").startswith("arn:") else None
        its_key = Key.from_key_arn(scope, "BucketKey", asked_for) if asked_for else None
        return SnapshotBucket(bucket, settings.prefix, its_key, settings.former_keys, folders)
    storage = Storage(
        scope,
        "Storage",
        prefix=settings.prefix,
        folders=folders,
        snapshot_expiry_days=settings.snapshot_expiry_days,
        query_result_expiry_days=settings.query_result_expiry_days,
        encryption_key=key,
    )
    if settings.reader_accounts:
        readers.let_read(settings.reader_accounts, storage.bucket, settings.prefix)
        if isinstance(key, Key):  # else its policy is not the stack's to write
            readers.let_decrypt(settings.reader_accounts, key)
    return SnapshotBucket(storage.bucket, settings.prefix, key, settings.former_keys, folders)
