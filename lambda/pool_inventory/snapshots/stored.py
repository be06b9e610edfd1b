"""Snapshots that are committed or finished, by what is stored."""

import hashlib
from collections import defaultdict

from pool_inventory.errors import SnapshotError, StoreError
from pool_inventory.model import Link, Published, Snapshot, Target
from pool_inventory.snapshots import changes, keys, manifest
from pool_inventory.snapshots import parquet as snapshot
from pool_inventory.stores.protocol import Names, Store


def read_data(store: Store, identifier: str) -> bytes:
    """Return the data object of a snapshot that is committed.

    Raises:
        StoreError: it cannot be read.
    """
    return read(store, keys.data(identifier))


def read(store: Store, key: str) -> bytes:
    """Return the bytes of an object that must be there.

    Raises:
        StoreError: it is gone, or cannot be read.
    """
    stored = store.get(key)
    if stored is None:
        raise StoreError(f"{store.address(key)} is gone: something else deletes objects")
    return stored.body


def read_published(store: Store, identifier: str) -> Published:
    """Return a snapshot that is finished already, by what is stored.

    Raises:
        SnapshotError: an object of it is not ours.
        StoreError: it cannot be read.
    """
    data, changes_object, body = (
        read(store, key) for key in (keys.data(identifier), keys.changes(identifier), keys.manifest(identifier))
    )
    return describe(store, decode(data, identifier), data, changes_object, body)


def decode(data: bytes, identifier: str) -> Snapshot:
    """Return the snapshot that is committed under an id.

    Raises:
        SnapshotError: the data object is not ours, or is of another id.
    """
    committed = snapshot.decode(data)
    if committed.id != identifier:
        raise SnapshotError(f"it is a copy of the snapshot {committed.id}: move it away")
    return committed


def describe(names: Names, committed: Snapshot, data: bytes, changes_object: bytes, body: bytes) -> Published:
    """Return a finished snapshot, by its data object, its changes object and its manifest.

    Raises:
        SnapshotError: the changes object is not ours.
    """
    return Published(
        snapshot=committed,
        changes=changes.counts_of(changes_object),
        uncompared=changes.decode(changes_object).uncompared,
        link=Link(committed.id, hashlib.sha256(body).hexdigest()),
        manifest_key=names.full_key(keys.manifest(committed.id)),
        size_bytes=len(data),
    )


def last_known_pools(store: Store, committed: Snapshot) -> dict[Target, int] | None:
    """Return how many pools each target of a snapshot has: as it read them, or as they were last read.

    A target that was never read, or whose last good reading has expired, is not in it. None where the manifest that
    has the number cannot be read.
    """
    known = {each.target: each.pools for each in committed.coverage if each.pools is not None}
    unread: dict[str, list[Target]] = defaultdict(list)
    for each in committed.coverage:
        if each.pools is None and each.last_ok is not None:
            unread[each.last_ok].append(each.target)
    try:
        for identifier, places in unread.items():
            key = keys.manifest(identifier)
            stored = store.get(key)
            if stored is not None:
                then = manifest.pools(manifest.load(stored.body, store.address(key)), store.address(key))
                known |= {place: then[place] for place in places}
    except (SnapshotError, StoreError, KeyError):
        return None
    return known
