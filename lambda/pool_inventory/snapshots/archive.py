"""The finished snapshots of a store: which there are, and what the manifest of each says."""

from collections import deque
from collections.abc import Callable, Generator, Iterable
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import replace
from datetime import timedelta
from itertools import islice, takewhile
from typing import TypeVar

from pool_inventory.errors import SnapshotError
from pool_inventory.model import Coverage, Member
from pool_inventory.snapshots import accounts, coverage, data_object, keys, manifest, stored
from pool_inventory.snapshots.known import Known, known_of
from pool_inventory.snapshots.manifest import Manifest, check_linked, read_latest
from pool_inventory.stores.protocol import Store

T = TypeVar("T")

# How many objects to ask a bucket for at once, and how much of what is not wanted yet to have in memory, about.
AT_ONCE = 32
HELD_BYTES = 64_000_000
# How far back to list at first, for the newest snapshots, and how far if that is not enough; then comes all.
_LOOK_BACK_DAYS = (2, 16, 128, 1024)
# Sorts after each id.
_LAST = "9999-12-31T23-59Z"
_ADVICE = "put back an earlier version of it, or choose another snapshot: `pool-inventory list` has them"


def finished_ids(store: Store) -> list[str]:
    """List the snapshots whose last object is there, oldest first.

    Raises:
        SnapshotError: there is none.
        StoreError: they cannot be listed.
    """
    found = finished_since(store, "")
    if not found:
        raise SnapshotError(
            f"{store.address('')} holds no finished snapshot: name the prefix or folder that has {keys.LATEST} in it"
        )
    return found


def finished_since(store: Store, identifier: str, up_to: str = _LAST) -> list[str]:
    """List the snapshots from one id's time to another's whose last object is there, oldest first; perhaps none.

    Raises:
        StoreError: they cannot be listed.
    """
    listed = store.keys(keys.MANIFESTS, f"{keys.MANIFESTS}/{identifier}" if identifier else "")
    wanted = takewhile(lambda key: key < f"{keys.MANIFESTS}/{up_to}0", listed)  # "0" is next to the slash
    return sorted(filter(None, map(keys.finished, wanted)))


def newest_ids(store: Store, count: int) -> list[str]:
    """List the newest finished snapshots, at most so many, oldest first.

    Raises:
        SnapshotError: there is none.
        StoreError: they cannot be listed.
    """
    try:
        latest = read_latest(store)
    except SnapshotError:
        latest = None
    found = _looking_back(store, latest.snapshot_id, count) if latest else []
    return found or finished_ids(store)[-count:]


def ids_up_to(store: Store, identifier: str, count: int) -> list[str]:
    """List the newest finished snapshots that are not after an id's time, at most so many, oldest first; perhaps none.

    Raises:
        StoreError: they cannot be listed.
    """
    return _looking_back(store, identifier, count, up_to=identifier)


def _looking_back(store: Store, identifier: str, count: int, up_to: str = _LAST) -> list[str]:
    """Return the newest of what is listed back from an id's time: further until it is enough.

    A bucket lists forward only, 1,000 objects a request, and may hold snapshots of years.
    """
    found: list[str] = []
    for days in _LOOK_BACK_DAYS:
        try:
            since = keys.snapshot_id(keys.snapshot_time(identifier) - timedelta(days=days))
        except (ValueError, OverflowError):  # it is no id, or the calendar begins there
            break
        found = finished_since(store, since, up_to)
        if len(found) >= count:
            return found[-count:]
    return finished_since(store, "", up_to)[-count:]


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
    found = ids_up_to(store, identifier, 1)
    if not found:
        first = finished_ids(store)[0]
        raise SnapshotError(f"there is no snapshot up to {identifier}: the first is {first}, so name a later time")
    return manifest.read(store, found[0])


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


def is_of_several(made: Manifest, covered: Iterable[Coverage]) -> bool:
    """Whether a snapshot is of several accounts, so that texts name the account beside the region."""
    return made.accounts_file is not None or len({each.account_id for each in covered}) > 1


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


def in_turn(
    read: Callable[[str], T], identifiers: Iterable[str], *, size_bytes: Callable[[T], int] | None = None
) -> Generator[T, None, None]:
    """Return what `read` returns for each snapshot, in their order; those that come next are read meanwhile.

    Args:
        read: is called side by side, for at most AT_ONCE snapshots; what it raises is raised in that one's turn.
        identifiers: which snapshots; they are taken only as far as is read ahead.
        size_bytes: how large a result is, where it may be large: then no more is read ahead than HELD_BYTES, by the
            largest result so far.
    """
    left = iter(identifiers)
    ahead: deque[Future[T]] = deque()
    at_once, largest = (AT_ONCE, 0) if size_bytes is None else (1, 1)
    pool = ThreadPoolExecutor(AT_ONCE)
    try:
        while True:
            ahead.extend(pool.submit(read, each) for each in islice(left, max(0, at_once - len(ahead))))
            if not ahead:
                return
            found = ahead.popleft().result()
            if size_bytes is not None:
                largest = max(largest, size_bytes(found))
                at_once = min(AT_ONCE, 1 + HELD_BYTES // largest)
            yield found
    finally:
        # An interrupt, or a caller that stops early, does not wait for the reads in progress.
        pool.shutdown(wait=False, cancel_futures=True)
