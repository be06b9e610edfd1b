"""Where snapshots are kept: a bucket of S3, or a folder on this machine.

Keys are relative to the store: to the prefix in the bucket, or to the folder.
"""

import base64
import hashlib
import os
import uuid
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn, Protocol

from botocore.config import Config
from botocore.exceptions import ClientError, FlexibleChecksumError, HTTPClientError, IncompleteReadError
from botocore.parsers import ResponseParserError
from tenacity import retry, retry_if_exception, stop_after_attempt, wait_random_exponential

from pool_inventory import __version__, refusals
from pool_inventory.errors import RefusedError, StoreError
from pool_inventory.failures import MalformedResponseError, error_code, http_status
from pool_inventory.settings import AES256

if TYPE_CHECKING:
    from boto3.session import Session
    from mypy_boto3_s3 import S3Client

CLIENT_CONFIG = Config(
    connect_timeout=3,
    read_timeout=10,
    retries={"mode": "standard", "total_max_attempts": 5},
    # Each PutObject brings a SHA-256 of its own instead.
    request_checksum_calculation="when_required",
    user_agent_extra=f"pool-inventory/{__version__}",
)
NOT_FOUND = 404
CONFLICT = 409
PRECONDITION_FAILED = 412
# Its name keeps it from the keys.
LOCK = ".lock"
CONTENT_TYPES = {".json": "application/json", ".parquet": "application/vnd.apache.parquet"}


@dataclass(frozen=True, slots=True)
class Stored:
    """An object's bytes, and the tag that changes when they do."""

    body: bytes
    etag: str


class Names(Protocol):
    """What objects are called in full, which their manifests tell."""

    @property
    def bucket(self) -> str:
        """What the manifest calls `destinationBucket`: the bucket's ARN, or the folder's address."""

    def full_key(self, key: str) -> str:
        """Give the key as it is counted from the bucket's or folder's root: what manifests name."""

    def address(self, key: str) -> str:
        """Give the object's address: s3://… or file://…."""


class Store(Names, Protocol):
    """Whole objects, each put in one step that either happens or does not.

    Each call raises RefusedError where this object is refused and would be again, and StoreError where it could not be
    done otherwise.
    """

    def get(self, key: str) -> Stored | None:
        """Read an object, None where there is none.

        Raises:
            RefusedError, StoreError: it cannot be read.
        """

    def put_if_absent(self, key: str, body: bytes) -> bool:
        """Write an object unless there is another; return whether the object has this body.

        One of the same body counts as written, for it may have been this call whose answer was lost. So two who write
        the same may both get True.

        Raises:
            RefusedError, StoreError: it may not be written, or whether it was is not known.
        """

    def replace(self, key: str, body: bytes, etag: str) -> bool:
        """Write over the object that has this etag, unless it has another by now; return whether it has this body.

        Raises:
            RefusedError, StoreError: it may not be written, or whether it was is not known.
        """

    def put(self, key: str, body: bytes) -> None:
        """Write an object, whatever is there: for one that can be neither read nor believed.

        Raises:
            RefusedError, StoreError: it may not be written, or whether it was is not known.
        """

    def keys(self, folder: str, after: str = "") -> Iterator[str]:
        """Return the keys of a folder that sort after a text, sorted.

        Raises:
            RefusedError, StoreError: they cannot be listed.
        """


def _may_pass(error: BaseException) -> bool:
    """Whether the same call may succeed in a moment, where botocore does not make it again by itself."""
    if isinstance(error, ClientError):
        # Writes that met; and an error whose body was cut, which may be of the key or of the bucket.
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
            StoreError: there is no client, since the credentials cannot be had, for example.
        """
        try:
            client = session.client("s3", config=CLIENT_CONFIG)
        except Exception as error:
            # A program that hands out credentials fails in ways of its own: RuntimeError, ValueError, OSError.
            raise StoreError(
                f"cannot open s3://{bucket_name}/{prefix}: {refusals.said(error)}: "
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
        return kind(f"cannot {verb} {self.address(key)}: {refusals.said(error)}: {help_}")


def _etag(response: Mapping[str, Any]) -> str:
    """Return the answer's etag, without which it is not S3's: a proxy's page, or cut short in its headers."""
    etag = response.get("ETag")
    if not etag:
        raise MalformedResponseError("an answer without an ETag is not S3's")
    return str(etag)


def _holds(condition: dict[str, str], stored: Stored | None) -> bool:
    if "IfMatch" in condition:
        return stored is not None and stored.etag == condition["IfMatch"]
    return "IfNoneMatch" not in condition or stored is None


@dataclass(frozen=True, slots=True)
class FolderStore:
    """Objects as files under a folder, which may be there or not."""

    folder: Path

    @property
    def bucket(self) -> str:
        """The folder's file:// address."""
        return _file_address(self.folder.resolve())

    def full_key(self, key: str) -> str:
        """Give the key as it is: the folder is the root."""
        return key

    def address(self, key: str) -> str:
        """Give the file's file:// address."""
        return _file_address(self.folder.resolve() / key)

    def get(self, key: str) -> Stored | None:
        """Read a file."""
        try:
            body = (self.folder / key).read_bytes()
        except FileNotFoundError:
            return None
        except OSError as error:
            self._fail("read", key, error)
        return Stored(body, hashlib.sha256(body).hexdigest())

    def put_if_absent(self, key: str, body: bytes) -> bool:
        """Write a file unless there is one: a hard link, like S3's If-None-Match, is made whole or not at all."""
        try:
            written = self._write_aside(key, body)
            try:
                os.link(written, self.folder / key)
            except FileExistsError:
                return self._has(key, body)
            finally:
                written.unlink()
        except OSError as error:
            self._fail("write", key, error)
        return True

    def replace(self, key: str, body: bytes, etag: str) -> bool:
        """Write over the file that has this etag, with the folder locked against others who would."""
        try:
            if not self.folder.exists():
                return False
            with self._locked():
                stored = self.get(key)
                if stored is None or stored.etag != etag:
                    return stored is not None and stored.body == body
                self._write_over(key, body)
        except OSError as error:
            self._fail("write", key, error)
        return True

    def put(self, key: str, body: bytes) -> None:
        """Write a file, whatever is there."""
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
            with self._locked():
                self._write_over(key, body)
        except OSError as error:
            self._fail("write", key, error)

    def keys(self, folder: str, after: str = "") -> Iterator[str]:
        """List a folder's files, less those that are being written."""

        def fail(error: OSError) -> None:
            # os.walk, as pathlib does, passes over what it cannot list; only what is not there is empty.
            if not isinstance(error, FileNotFoundError):
                self._fail("list", f"{folder}/", error)

        walked = os.walk(self.folder / folder, onerror=fail)
        paths = (Path(parent, name) for parent, _, names in walked for name in names if name[0] != ".")
        keys = (path.relative_to(self.folder).as_posix() for path in paths)
        return iter(sorted(key for key in keys if key > after))

    def _has(self, key: str, body: bytes) -> bool:
        try:
            stored = self.get(key)
        except RefusedError:
            return False  # there is one, and the caller has its own way of reading it
        return stored is not None and stored.body == body

    @contextmanager
    def _locked(self) -> Iterator[None]:
        """Hold the folder's lock, which only writers take.

        Raises:
            StoreError: this system has no such locks.
        """
        try:
            import fcntl  # noqa: PLC0415 - Windows has none, and reads without it
        except ImportError as error:
            raise StoreError(
                f"cannot write over what is in {self.folder}: this system has no fcntl.flock: write snapshots on "
                "Linux or macOS, or to s3://BUCKET/PREFIX"
            ) from error
        # Open for writing: NFS makes of flock a lock of fcntl's, which refuses LOCK_EX to a descriptor for reading.
        # https://man7.org/linux/man-pages/man2/flock.2.html
        with (self.folder / LOCK).open("ab") as file:
            fcntl.flock(file, fcntl.LOCK_EX)
            yield

    def _write_over(self, key: str, body: bytes) -> None:
        written = self._write_aside(key, body)
        try:
            written.replace(self.folder / key)
        finally:
            written.unlink(missing_ok=True)

    def _write_aside(self, key: str, body: bytes) -> Path:
        """Write a file that no reader takes for an object, beside where it is to be."""
        path = (self.folder / key).with_name(f".{uuid.uuid4().hex}.part")
        path.parent.mkdir(parents=True, exist_ok=True)
        with path.open("xb") as file:
            file.write(body)
            file.flush()
            os.fsync(file.fileno())
        return path

    def _fail(self, verb: str, key: str, error: OSError) -> NoReturn:
        kind = RefusedError if isinstance(error, PermissionError | IsADirectoryError) else StoreError
        help_ = "read" if verb in {"read", "list"} else "written to, on a file system with hard links and file locks"
        raise kind(
            f"cannot {verb} {self.folder / key}: {error.strerror or error}: name a folder that can be {help_}"
        ) from error


def _file_address(path: Path) -> str:
    # Manifests name it, in UTF-8: what is none in the path's own bytes, whatever the locale, is written as escapes.
    return f"file://{os.fsencode(path).decode(errors='backslashreplace')}"
