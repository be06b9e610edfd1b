"""Snapshots in a folder on this machine."""

import hashlib
import os
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import NoReturn

from pool_inventory.errors import RefusedError, StoreError
from pool_inventory.stores.protocol import Stored

# The leading dot keeps it from the keys.
LOCK = ".lock"


@dataclass(frozen=True, slots=True)
class FolderStore:
    """Objects as files under a folder, which need not exist yet."""

    folder: Path

    @property
    def bucket(self) -> str:
        """The folder's file:// address."""
        return _file_address(self.folder.resolve())

    def full_key(self, key: str) -> str:
        """Return the key as it is: the folder is the root."""
        return key

    def address(self, key: str) -> str:
        """Return the file's file:// address."""
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
        """Write over the file that has this etag, with the folder locked against other writers."""
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

        top = str(self.folder / folder)
        found: list[str] = []
        for parent, folders, names in os.walk(top, onerror=fail):
            path = f"{folder}{parent[len(top) :].replace(os.sep, '/')}/".removeprefix("/")
            # Years of snapshots are many folders, and most sort before what is asked for.
            folders[:] = [each for each in folders if f"{path}{each}/" > after or after.startswith(f"{path}{each}/")]
            found += [key for name in names if name[0] != "." and (key := f"{path}{name}") > after]
        return iter(sorted(found))

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
    # Manifests have it in UTF-8: bytes of the path that are not UTF-8 are escaped, whatever the locale.
    return f"file://{os.fsencode(path).decode(errors='backslashreplace')}"
