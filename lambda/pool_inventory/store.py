"""Where snapshots are kept: a bucket of S3, or a folder on this machine.

Keys are relative to the store: to the prefix in the bucket, or to the folder.
"""

import base64
import fcntl
import hashlib
import os
import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn, Protocol

from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError, FlexibleChecksumError, HTTPClientError, IncompleteReadError
from tenacity import retry, retry_if_exception, stop_after_attempt, wait_random_exponential

from pool_inventory.errors import StoreError
from pool_inventory.failures import error_code, http_status, is_denied

if TYPE_CHECKING:
    from boto3.session import Session
    from mypy_boto3_s3 import S3Client

CLIENT_CONFIG = Config(
    connect_timeout=3,
    read_timeout=10,
    retries={"mode": "standard", "total_max_attempts": 5},
    # Each PutObject brings a SHA-256 of its own instead.
    request_checksum_calculation="when_required",
)
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
    """Whole objects, each put in one step that either happens or does not."""

    def get(self, key: str) -> Stored | None:
        """Read an object, None where there is none.

        Raises:
            StoreError: it could not be told.
        """

    def put_if_absent(self, key: str, body: bytes) -> bool:
        """Write an object unless there is one; tell whether it was written.

        Raises:
            StoreError: it could not be told.
        """

    def replace(self, key: str, body: bytes, etag: str) -> bool:
        """Write over the object that has this etag; tell whether it was, so still had it.

        Raises:
            StoreError: it could not be told.
        """

    def copy(self, source: str, target: str) -> None:
        """Write over an object, or make it, with the bytes of another; a reader sees the old ones or the new.

        Raises:
            StoreError: it could not be done, or there is no source.
        """

    def keys(self, folder: str, after: str = "") -> Iterator[str]:
        """Give the keys of a folder that sort after a text, sorted.

        Raises:
            StoreError: they could not be listed.
        """


def _may_pass(error: BaseException) -> bool:
    """Tell what botocore does not try again by itself: a body that broke off, and writes that met."""
    if isinstance(error, ClientError):
        return error_code(error) in {"ConditionalRequestConflict", "OperationAborted"}
    return isinstance(error, HTTPClientError | IncompleteReadError | FlexibleChecksumError)


_again = retry(
    retry=retry_if_exception(_may_pass),
    wait=wait_random_exponential(multiplier=0.1, max=1),
    stop=stop_after_attempt(5),
    reraise=True,
)


@dataclass(frozen=True, slots=True)
class S3Store:
    """Objects under a prefix of a bucket."""

    client: "S3Client"
    bucket_name: str
    prefix: str

    @classmethod
    def open(cls, session: "Session", bucket_name: str, prefix: str) -> "S3Store":
        """Give the store, with a client of the session."""
        return cls(session.client("s3", config=CLIENT_CONFIG), bucket_name, prefix)

    @property
    def bucket(self) -> str:
        """The bucket's ARN."""
        return f"arn:{self.client.meta.partition}:s3:::{self.bucket_name}"

    def full_key(self, key: str) -> str:
        """Put the prefix before the key."""
        return f"{self.prefix}/{key}"

    def address(self, key: str) -> str:
        """Give the object's s3:// address."""
        return f"s3://{self.bucket_name}/{self.full_key(key)}"

    def get(self, key: str) -> Stored | None:
        """Read an object: needs s3:GetObject, and s3:ListBucket for the answer that there is none."""
        try:
            return self._get(key)
        except ClientError as error:
            if error_code(error) == "NoSuchKey":
                return None
            self._fail("read", key, error)
        except BotoCoreError as error:
            self._fail("read", key, error)

    def put_if_absent(self, key: str, body: bytes) -> bool:
        """Write an object unless there is one: needs s3:PutObject."""
        return self._put(key, body, IfNoneMatch="*")

    def replace(self, key: str, body: bytes, etag: str) -> bool:
        """Write over the object that has this etag: needs s3:PutObject and s3:GetObject."""
        return self._put(key, body, IfMatch=etag)

    def copy(self, source: str, target: str) -> None:
        """Copy an object within S3, which takes it up to 5 GB: needs s3:GetObject and s3:PutObject."""
        try:
            self.client.copy_object(
                Bucket=self.bucket_name,
                Key=self.full_key(target),
                CopySource={"Bucket": self.bucket_name, "Key": self.full_key(source)},
                # Tags are not asked for, which would take s3:GetObjectTagging.
                TaggingDirective="REPLACE",
                ChecksumAlgorithm="SHA256",
            )
        except (ClientError, BotoCoreError) as error:
            self._fail("copy", source, error)

    def keys(self, folder: str, after: str = "") -> Iterator[str]:
        """List a folder: needs s3:ListBucket."""
        root = self.full_key("")
        pages = self.client.get_paginator("list_objects_v2").paginate(
            Bucket=self.bucket_name, Prefix=f"{root}{folder}/", StartAfter=f"{root}{after}"
        )
        try:
            for page in pages:
                yield from (each["Key"].removeprefix(root) for each in page.get("Contents", []))
        except (ClientError, BotoCoreError) as error:
            self._fail("list", f"{folder}/", error)

    @_again
    def _get(self, key: str) -> Stored:
        response = self.client.get_object(Bucket=self.bucket_name, Key=self.full_key(key))
        return Stored(response["Body"].read(), response["ETag"])

    def _put(self, key: str, body: bytes, **condition: str) -> bool:
        try:
            self._put_object(key, body, condition)
        except ClientError as error:
            if error_code(error) == "PreconditionFailed" or (
                "IfMatch" in condition and error_code(error) == "NoSuchKey"
            ):
                return False
            self._fail("write", key, error)
        except BotoCoreError as error:
            self._fail("write", key, error)
        return True

    @_again
    def _put_object(self, key: str, body: bytes, condition: dict[str, Any]) -> None:
        self.client.put_object(
            Bucket=self.bucket_name,
            Key=self.full_key(key),
            Body=body,
            ContentType=CONTENT_TYPES.get(Path(key).suffix, "text/plain"),
            ChecksumSHA256=base64.b64encode(hashlib.sha256(body).digest()).decode(),
            **condition,
        )

    def _fail(self, verb: str, key: str, error: Exception) -> NoReturn:
        if isinstance(error, ClientError) and error_code(error) == "NoSuchBucket":
            advice = "create the bucket, or name another"
        elif is_denied(error):
            writes = "" if verb in {"read", "list"} else " and s3:PutObject"
            advice = (
                f"grant s3:GetObject{writes} on {self.bucket}/{self.full_key('*')}, and s3:ListBucket on the bucket, "
                "without which S3 says so of an object that is not there, too"
            )
        elif isinstance(error, ClientError):
            advice = f"HTTP status {http_status(error)}"
        else:
            advice = "check the network between here and S3"
        raise StoreError(f"cannot {verb} {self.address(key)}: {error}: {advice}") from error


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
                return False
            finally:
                written.unlink()
        except OSError as error:
            self._fail("write", key, error)
        return True

    def replace(self, key: str, body: bytes, etag: str) -> bool:
        """Write over the file that has this etag, with the folder locked against others who would."""
        try:
            folder = os.open(self.folder, os.O_RDONLY)
            try:
                fcntl.flock(folder, fcntl.LOCK_EX)
                stored = self.get(key)
                if stored is None or stored.etag != etag:
                    return False
                self._write_aside(key, body).replace(self.folder / key)
            finally:
                os.close(folder)
        except OSError as error:
            self._fail("write", key, error)
        return True

    def copy(self, source: str, target: str) -> None:
        """Copy a file."""
        try:
            self._write_aside(target, (self.folder / source).read_bytes()).replace(self.folder / target)
        except OSError as error:
            self._fail("copy", source, error)

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
        raise StoreError(
            f"cannot {verb} {self.folder / key}: {error.strerror or error}: name a folder that can be written to, "
            "on a file system with hard links"
        ) from error


def _file_address(path: Path) -> str:
    # Manifests name it, in UTF-8: what is none in the path's own bytes, whatever the locale, is written as escapes.
    return f"file://{os.fsencode(path).decode(errors='backslashreplace')}"
