"""What a store of snapshots does: whole objects under keys that are relative to it."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Protocol


@dataclass(frozen=True, slots=True)
class Stored:
    """An object's bytes, and the tag that changes when they do."""

    body: bytes
    etag: str


class Names(Protocol):
    """The full names of objects, as their manifests have them."""

    @property
    def bucket(self) -> str:
        """What the manifest calls `destinationBucket`: the bucket's ARN, or the folder's address."""

    def full_key(self, key: str) -> str:
        """Return the key as it is counted from the bucket's or folder's root: what manifests name."""

    def address(self, key: str) -> str:
        """Return the object's address: s3://… or file://…."""


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
        """Write an object, whatever is there: for an object that can be neither read nor trusted.

        Raises:
            RefusedError, StoreError: it may not be written, or whether it was is not known.
        """

    def keys(self, folder: str, after: str = "") -> Iterator[str]:
        """Return the keys of a folder that sort after a text, sorted.

        Raises:
            RefusedError, StoreError: they cannot be listed.
        """
