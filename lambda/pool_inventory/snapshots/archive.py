"""The finished snapshots of a store: which there are, and what the manifest of each says."""

from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from itertools import islice
from typing import TypeVar

from pool_inventory.errors import SnapshotError
from pool_inventory.model import Coverage, Member
from pool_inventory.snapshots import accounts, coverage, data_object, keys, manifest, stored
from pool_inventory.snapshots.known import Known, known_of
from pool_inventory.snapshots.manifest import Manifest, check_linked, read_latest
from pool_inventory.stores.protocol import Store

T = TypeVar("T")

# How many objects to ask a bucket for at once, where many small ones are read.
AT_ONCE = 32
_ADVICE = "put back an earlier version of it, or choose another snapshot: `pool-inventory list` has them"


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
        # Its hash is checked against latest.json, too.
        if not check_linked(store, latest):
            address = store.address(keys.manifest(latest.snapshot_id))
            raise SnapshotError(f"{address} is gone, though {keys.LATEST} names it: {_ADVICE}")
        return manifest.read(store, latest.snapshot_id)
    identifier = finished_ids(store)[-1]
    warn_of_missing_latest(store, warn)
    return manifest.read(store, identifier)


def warn_of_missing_latest(store: Store, warn: Callable[[str], None]) -> None:
    """Warn that latest.json is missing, and of what is done instead."""
    warn(f"{store.address(keys.LATEST)} is missing, so the manifests were listed: the next run makes it again")


def newest_up_to(store: Store, identifier: str) -> Manifest:
    """Read the manifest of the newest snapshot that is not after an id's time.

    Raises:
        SnapshotError, StoreError: there is none, or as their texts say.
    """
    found = finished_ids(store)
    if identifier < found[0]:
        raise SnapshotError(f"there is no snapshot up to {identifier}: the first is {found[0]}, so name a later time")
    return manifest.read(store, max(each for each in found if each <= identifier))


def read_data(store: Store, made: Manifest) -> bytes:
    """Read the data object that a manifest names, whole and as it was committed.

    Raises:
        SnapshotError: it is gone, or is not the one that the manifest describes.
        StoreError: it cannot be read.
    """
    key = keys.data(made.id)
    found = store.get(key)
    if found is None:
        raise SnapshotError(f"{store.address(key)} is gone, expired perhaps: choose another snapshot")
    if data_object.file_of(found.body) != made.data_file:
        raise SnapshotError(
            f"{store.address(key)} has {len(found.body)} bytes and is not the file of {made.data_file.size_bytes} "
            "bytes that its manifest describes: `pool-inventory verify` says more; choose another snapshot with "
            "--at, or put back the earlier version"
        )
    return found.body


def read_coverage(store: Store, made: Manifest) -> tuple[Coverage, ...]:
    """Return a snapshot's coverage, by its manifest.

    Raises:
        SnapshotError: the coverage object is gone, or is not the one that the manifest describes.
        StoreError: it cannot be read.
    """
    if made.first_coverage is not None or made.coverage_file is None:
        return made.first_coverage or ()
    return tuple(coverage.decode(stored.read_part(store, made.id, keys.COVERAGE, made.coverage_file)))


def read_accounts(store: Store, made: Manifest) -> dict[str, Member]:
    """Return an organization's accounts by their ids, as a snapshot has them; none where it is of one account.

    Raises:
        SnapshotError: the accounts object is gone, or is not the one that the manifest describes.
        StoreError: it cannot be read.
    """
    if made.accounts_file is None:
        return {}
    body = stored.read_part(store, made.id, keys.ACCOUNTS, made.accounts_file)
    return {each.account_id: each for each in accounts.decode(body)}


def read_known(store: Store, made: Manifest, *, only_read: bool = False) -> Known:
    """Return what was known as of a snapshot's time: what it read, and what it carries.

    Args:
        store: where it is.
        made: its manifest.
        only_read: leave out what it carries.

    Raises:
        SnapshotError: an object of it is gone, or is not the one that is described.
        StoreError: it cannot be read.
    """
    data = read_data(store, made)
    known = known_of(store, data_object.decode(data), data)
    # The data comes first.
    return replace(known, files=known.files[:1], lost={}) if only_read else known


def in_turn(read: Callable[[str], T], identifiers: Iterable[str]) -> Iterator[T]:
    """Return what `read` returns for each snapshot, in their order; a few are read ahead concurrently."""
    left = iter(identifiers)
    pool = ThreadPoolExecutor(AT_ONCE)
    try:
        while some := list(islice(left, AT_ONCE)):
            yield from pool.map(read, some)
    finally:
        # An interrupt, or a caller that stops early, does not wait for the reads in progress.
        pool.shutdown(wait=False, cancel_futures=True)
