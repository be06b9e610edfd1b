"""The finished snapshots of a store: which there are, and what the manifest of each says."""

import hashlib
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from itertools import islice
from typing import Any, TypeVar

from pool_inventory.errors import SnapshotError
from pool_inventory.model import COMPLETE_STATUSES, Link, Target
from pool_inventory.snapshots import keys
from pool_inventory.snapshots.manifest import load, read_latest, read_linked
from pool_inventory.stores.protocol import Store

T = TypeVar("T")

# How many objects to ask a bucket for at once, where many small ones are read.
AT_ONCE = 32
_ADVICE = "put back an earlier version of it, or choose another snapshot: `pool-inventory list` has them"


@dataclass(frozen=True, slots=True)
class Manifest:
    """What readers need of a manifest.

    Attributes:
        changes: how many pools were created, deleted and modified; None in one of a release that did not tell.
        uncompared: the targets of which the changes are not known.
        coverage: rows by schema.COVERAGE's names.
        previous: the snapshot before, None in the first.
        size_bytes, sha256: of the data object; the hash in hexadecimal.
    """

    id: str
    status: str
    pool_count: int
    changes: dict[str, int] | None
    uncompared: tuple[Target, ...]
    coverage: list[dict[str, Any]]
    previous: Link | None
    size_bytes: int
    sha256: str

    def statuses(self) -> dict[Target, str]:
        """Return how reading each target went."""
        return {Target(each["account_id"], each["region"]): each["status"] for each in self.coverage}

    def unread(self) -> list[dict[str, Any]]:
        """Return the coverage of the targets that could not be read."""
        return [each for each in self.coverage if each["status"] not in COMPLETE_STATUSES]


def parse_manifest(body: bytes, address: str) -> Manifest:
    """Read a manifest.

    Raises:
        SnapshotError: it is not ours, or is of a newer contract.
    """
    manifest = load(body, address)
    try:
        (file,) = manifest["files"]
        previous = manifest["previous"]
        parsed = Manifest(
            id=manifest["snapshotId"],
            status=manifest["status"],
            pool_count=manifest["poolCount"],
            changes=manifest.get("changes"),
            uncompared=tuple(Target(each["account_id"], each["region"]) for each in manifest.get("uncompared", ())),
            coverage=manifest["coverage"],
            previous=previous and Link(previous["snapshotId"], previous["sha256"]),
            size_bytes=file["size"],
            sha256=file["sha256"],
        )
        parsed.statuses()
        at_its_key = file["key"].endswith(keys.data(parsed.id)) and address.endswith(keys.manifest(parsed.id))
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise SnapshotError(f"{address} is no manifest that this program writes ({error!r}): {_ADVICE}") from error
    if not at_its_key:
        raise SnapshotError(f"{address} is the manifest of another snapshot, {parsed.id}: {_ADVICE}")
    return parsed


def finished_ids(store: Store) -> list[str]:
    """List the snapshots whose last object is there, oldest first.

    Raises:
        SnapshotError: there is none.
        StoreError: they cannot be listed.
    """
    found = sorted(each for each in map(keys.finished, store.keys(keys.MANIFESTS)) if each)
    if not found:
        raise SnapshotError(
            f"{store.address('')} holds no finished snapshot: name the prefix or folder that has {keys.LATEST} in it"
        )
    return found


def newest(store: Store, warn: Callable[[str], None]) -> Manifest:
    """Read the manifest of the newest snapshot: latest.json's, or the last of a list where that is missing.

    Raises:
        SnapshotError, StoreError: as their texts say.
    """
    latest = read_latest(store)
    if latest:
        # Its hash, too, is held against latest.json.
        if read_linked(store, latest) is None:
            address = store.address(keys.manifest(latest.snapshot_id))
            raise SnapshotError(f"{address} is gone, though {keys.LATEST} names it: {_ADVICE}")
        return read_manifest(store, latest.snapshot_id)
    identifier = finished_ids(store)[-1]
    warn_of_missing_latest(store, warn)
    return read_manifest(store, identifier)


def warn_of_missing_latest(store: Store, warn: Callable[[str], None]) -> None:
    """Say that latest.json is missing, and what is done instead."""
    warn(f"{store.address(keys.LATEST)} is missing, so the manifests were listed: the next run makes it anew")


def newest_up_to(store: Store, identifier: str) -> Manifest:
    """Read the manifest of the newest snapshot that is not after an id's time.

    Raises:
        SnapshotError, StoreError: there is none, or as their texts say.
    """
    found = finished_ids(store)
    if identifier < found[0]:
        raise SnapshotError(f"there is no snapshot up to {identifier}: the first is {found[0]}, so name a later time")
    return read_manifest(store, max(each for each in found if each <= identifier))


def read_manifest(store: Store, identifier: str) -> Manifest:
    """Read the manifest of a snapshot by its id.

    Raises:
        SnapshotError, StoreError: there is none, or as their texts say.
    """
    key = keys.manifest(identifier)
    stored = store.get(key)
    if stored is None:
        raise SnapshotError(f"{store.address(key)} is not there: `pool-inventory list` has the snapshots that are")
    return parse_manifest(stored.body, store.address(key))


def read_data(store: Store, manifest: Manifest) -> bytes:
    """Read the data object that a manifest names, whole and as it was committed.

    Raises:
        SnapshotError: it is gone, or is not the one that the manifest describes.
        StoreError: it cannot be read.
    """
    key = keys.data(manifest.id)
    stored = store.get(key)
    if stored is None:
        raise SnapshotError(f"{store.address(key)} is gone, expired perhaps: choose another snapshot")
    if hashlib.sha256(stored.body).hexdigest() != manifest.sha256:
        raise SnapshotError(
            f"{store.address(key)} has {len(stored.body)} bytes and is not the file of {manifest.size_bytes} bytes "
            "that its manifest describes: `pool-inventory verify` says more; choose another snapshot with --at, or "
            "put back the earlier version"
        )
    return stored.body


def in_turn(read: Callable[[str], T], identifiers: Iterable[str]) -> Iterator[T]:
    """Return what reading each snapshot gives, in their order, a few being read ahead at once."""
    left = iter(identifiers)
    pool = ThreadPoolExecutor(AT_ONCE)
    try:
        while some := list(islice(left, AT_ONCE)):
            yield from pool.map(read, some)
    finally:
        # Whoever interrupts it, or has enough of it, does not wait for those that are under way.
        pool.shutdown(wait=False, cancel_futures=True)
