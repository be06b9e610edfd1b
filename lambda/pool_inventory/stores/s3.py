"""Snapshots in a bucket of S3, under a prefix."""

import base64
import hashlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from botocore.config import Config
from botocore.exceptions import ClientError, FlexibleChecksumError, HTTPClientError, IncompleteReadError
from botocore.parsers import ResponseParserError
from tenacity import retry, retry_if_exception, stop_after_attempt, wait_random_exponential

from pool_inventory.aws import session as aws_session
from pool_inventory.aws.failures import MalformedResponseError, error_code, http_status
from pool_inventory.errors import RefusedError, StoreError
from pool_inventory.settings import AES256
from pool_inventory.stores import refusals
from pool_inventory.stores.protocol import Stored

if TYPE_CHECKING:
    from boto3.session import Session
    from mypy_boto3_s3 import S3Client

CLIENT_CONFIG = aws_session.CLIENT_CONFIG.merge(
    Config(
        retries={"mode": "standard", "total_max_attempts": 5},
        # Of calls side by side, those above botocore's own 10 would each get a connection of their own.
        max_pool_connections=32,
        # Each PutObject brings a SHA-256 of its own instead.
        request_checksum_calculation="when_required",
    )
)
NOT_FOUND = 404
CONFLICT = 409
PRECONDITION_FAILED = 412
CONTENT_TYPES = {".json": "application/json", ".parquet": "application/vnd.apache.parquet"}


def _may_pass(error: BaseException) -> bool:
    """Whether the same call may succeed in a moment, where botocore does not make it again by itself."""
    if isinstance(error, ClientError):
        # Concurrent writes; and an error whose body was cut, so that it may be of the key or of the bucket.
        return http_status(error) == CONFLICT or error_code(error) == str(NOT_FOUND)
    return isinstance(
        error, FlexibleChecksumError | IncompleteReadError | MalformedResponseError | ResponseParserError
    )


_again = retry(
    retry=retry_if_exception(_may_pass),
    wait=wait_random_exponential(multiplier=0.1, max=1),
    stop=stop_after_attempt(5),
    reraise=True,
)


@dataclass(frozen=True, slots=True)
class S3Store:
    """Objects under a prefix of a bucket.

    Attributes:
        encryption: what to ask for with each write: `AES256`, a KMS key's ARN, or None to say nothing, so that the
            bucket's default holds.
    """

    client: "S3Client"
    bucket_name: str
    prefix: str
    encryption: str | None = None

    @classmethod
    def open(cls, session: "Session", bucket_name: str, prefix: str, encryption: str | None = None) -> "S3Store":
        """Return the store, with a client of the session.

        Raises:
            StoreError: there is no client, for example since there are no credentials.
        """
        try:
            client = session.client("s3", config=CLIENT_CONFIG)
        except Exception as error:
            # A program that hands out credentials fails in ways of its own: RuntimeError, ValueError, OSError.
            raise StoreError(
                f"cannot open s3://{bucket_name}/{prefix}: {refusals.reason_of(error)}: "
                f"{refusals.advice(error, writes=False)}"
            ) from error
        return cls(client, bucket_name, prefix, encryption)

    @property
    def bucket(self) -> str:
        """The bucket's ARN."""
        return f"arn:{self.client.meta.partition}:s3:::{self.bucket_name}"

    def full_key(self, key: str) -> str:
        """Put the prefix before the key."""
        return f"{self.prefix}/{key}"

    def address(self, key: str) -> str:
        """Return the object's s3:// address."""
        return f"s3://{self.bucket_name}/{self.full_key(key)}"

    def get(self, key: str) -> Stored | None:
        """Read an object: needs s3:GetObject, and s3:ListBucket for the answer that there is none."""
        try:
            return self._get(key)
        except Exception as error:
            if error_code(error) == refusals.NO_SUCH_KEY:
                return None
            raise self._error("read", key, error) from error

    def put_if_absent(self, key: str, body: bytes) -> bool:
        """Write an object unless there is another: needs s3:PutObject, and what `get` needs."""
        return self._put(key, body, IfNoneMatch="*")

    def replace(self, key: str, body: bytes, etag: str) -> bool:
        """Write over the object that has this etag: needs s3:PutObject, and what `get` needs."""
        return self._put(key, body, IfMatch=etag)

    def put(self, key: str, body: bytes) -> None:
        """Write an object, whatever is there: needs s3:PutObject."""
        self._put(key, body)

    def keys(self, folder: str, after: str = "") -> Iterator[str]:
        """List a folder: needs s3:ListBucket."""
        root = self.full_key("")
        start: str | None = f"{root}{after}"
        while start is not None:
            try:
                page, start = self._list(f"{root}{folder}/", start)
            except Exception as error:
                raise self._error("list", f"{folder}/", error) from error
            yield from (each.removeprefix(root) for each in page)

    @_again
    def _get(self, key: str) -> Stored:
        response = self.client.get_object(Bucket=self.bucket_name, Key=self.full_key(key))
        try:
            body = response["Body"].read()
        except HTTPClientError as error:
            raise MalformedResponseError(f"the body broke off: {error}") from error
        return Stored(body, _etag(response))

    @_again
    def _list(self, prefix: str, start: str) -> tuple[list[str], str | None]:
        """Return a page of keys, and the last of them where there are more."""
        page = self.client.list_objects_v2(Bucket=self.bucket_name, Prefix=prefix, StartAfter=start)
        found = [each["Key"] for each in page.get("Contents", [])]
        more = page.get("IsTruncated")
        # A proxy's page has no members, and would look like a folder without objects.
        if more is None or (more and not (found and found[-1] > start)):
            raise MalformedResponseError("the answer to ListObjectsV2 is not S3's")
        return found, found[-1] if more else None

    def _put(self, key: str, body: bytes, **condition: str) -> bool:
        try:
            self._put_object(key, body, condition)
        except Exception as error:
            if refusals.is_refused(error):
                raise self._error("write", key, error) from error
            return self._was_written(key, body, condition, error)
        return True

    @_again
    def _put_object(self, key: str, body: bytes, condition: dict[str, Any]) -> None:
        _etag(
            self.client.put_object(
                Bucket=self.bucket_name,
                Key=self.full_key(key),
                Body=body,
                ContentType=CONTENT_TYPES.get(Path(key).suffix, "text/plain"),
                # Without its name beside it, Object Lock takes no checksum for one:
                # https://docs.aws.amazon.com/AmazonS3/latest/API/API_PutObject.html
                ChecksumAlgorithm="SHA256",
                ChecksumSHA256=base64.b64encode(hashlib.sha256(body).digest()).decode(),
                **self._encryption(),
                **condition,
            )
        )

    def _encryption(self) -> dict[str, Any]:
        if self.encryption is None:
            return {}
        if self.encryption == AES256:
            return {"ServerSideEncryption": AES256}
        # Whether there is a bucket key stays the bucket's own setting: with one, the key's policy sees another
        # encryption context. https://docs.aws.amazon.com/AmazonS3/latest/userguide/bucket-key.html
        return {"ServerSideEncryption": "aws:kms", "SSEKMSKeyId": self.encryption}

    def _was_written(self, key: str, body: bytes, condition: dict[str, str], error: Exception) -> bool:
        """Whether a write happened that ended in this error, by what is there now.

        An earlier attempt's answer may have been lost. Then the next attempt meets what that one wrote, and the answer
        is 412: https://github.com/aws/aws-sdk-java-v2/issues/6580
        """
        unmet = bool(condition) and isinstance(error, ClientError) and http_status(error) == PRECONDITION_FAILED
        try:
            stored = self.get(key)
        except StoreError as unread:
            if unmet and isinstance(unread, RefusedError):
                return False  # there is one, and the caller has its own way of reading it
            raise unread if unmet else self._error("write", key, error) from error
        if stored is not None and stored.body == body:
            return True
        if unmet or not _holds(condition, stored):
            return False
        raise self._error("write", key, error) from error

    def _error(self, verb: str, key: str, error: Exception) -> StoreError:
        kind = RefusedError if refusals.is_refused(error) else StoreError
        help_ = refusals.advice(
            error,
            writes=verb not in {"read", "list"},
            bucket=self.bucket,
            objects=f"{self.bucket}/{self.full_key('*')}",
            encryption=self.encryption,
        )
        return kind(f"cannot {verb} {self.address(key)}: {refusals.reason_of(error)}: {help_}")


def _etag(response: Mapping[str, Any]) -> str:
    """Return the answer's etag. An answer without one is not S3's: a proxy's page, or headers cut short."""
    etag = response.get("ETag")
    if not etag:
        raise MalformedResponseError("an answer without an ETag is not S3's")
    return str(etag)


def _holds(condition: dict[str, str], stored: Stored | None) -> bool:
    if "IfMatch" in condition:
        return stored is not None and stored.etag == condition["IfMatch"]
    return "IfNoneMatch" not in condition or stored is None
