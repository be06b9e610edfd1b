"""Objects of snapshots that are committed or finished, as a store has them."""

from pool_inventory.errors import SnapshotError, StoreError
from pool_inventory.model import File
from pool_inventory.snapshots import data_object, keys
from pool_inventory.stores.protocol import Store

_PUBLISHED = {keys.COVERAGE: keys.coverage, keys.CARRIED: keys.carried, keys.ACCOUNTS: keys.accounts}


def read(store: Store, key: str) -> bytes:
    """Return the bytes of an object that must be there.

    Raises:
        StoreError: it is gone, or cannot be read.
    """
    stored = store.get(key)
    if stored is None:
        raise StoreError(f"{store.address(key)} is gone: something else deletes objects")
    return stored.body


def read_committed(store: Store, snapshot_id: str) -> bytes:
    """Return the data object that is committed under an id.

    Raises:
        SnapshotError: there is none, it is not ours, or it is of another id.
        StoreError: it cannot be read.
    """
    address = store.address(keys.data(snapshot_id))
    stored = store.get(keys.data(snapshot_id))
    if stored is None:
        raise SnapshotError(f"{address} is gone, expired perhaps")
    try:
        committed = data_object.decode(stored.body)
    except SnapshotError as error:
        raise type(error)(f"{address}: {error}") from error
    if committed.id != snapshot_id:
        raise SnapshotError(f"{address}: it is a copy of the snapshot {committed.id}: move it away")
    return stored.body


def read_part(store: Store, snapshot_id: str, folder: str, file: File) -> bytes:
    """Return the coverage, the carried rows or the accounts of a commit: as published, or as staged before it.

    Args:
        store: where it is.
        snapshot_id: the snapshot.
        folder: keys.COVERAGE, keys.CARRIED or keys.ACCOUNTS.
        file: its size and hash, by the footer of the data object.

    Raises:
        SnapshotError: there is no such object with that hash.
        StoreError: it cannot be read.
    """
    candidates = (_PUBLISHED[folder](snapshot_id), keys.staged(snapshot_id, folder, file.sha256))
    for key in candidates:
        stored = store.get(key)
        if stored and data_object.file_of(stored.body) == file:
            return stored.body
    raise SnapshotError(
        f"neither {store.address(candidates[0])} nor {store.address(candidates[1])} is the {folder} that "
        f"{keys.data(snapshot_id)} names by its SHA-256"
    )
