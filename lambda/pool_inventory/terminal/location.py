"""Where a reader finds snapshots: a bucket's prefix, or a folder, which may be a copy of a bucket."""

from pathlib import Path

from pool_inventory.errors import StoreError
from pool_inventory.snapshots import keys
from pool_inventory.stores.folder import FolderStore
from pool_inventory.stores.protocol import Store
from pool_inventory.terminal.console import configuration_errors, split_address


def open_location(location: str, profile: str | None) -> Store:
    """Return the store that s3://BUCKET/PREFIX names, or a folder, or the one folder inside it that has snapshots.

    Raises:
        StoreError: there is no such folder, or none that has snapshots.
        TargetsError: the credentials or the configuration cannot be used.
        BotoCoreError: there is no such profile.
    """
    if "://" in location:
        # Most of the time that a command takes to start, and a folder needs none of it.
        from pool_inventory.aws.session import open_session  # noqa: PLC0415 - as said above
        from pool_inventory.stores.s3 import S3Store  # noqa: PLC0415 - as said above

        with configuration_errors():
            return S3Store.open(open_session(profile), *split_address(location))
    return FolderStore(_folder_of_snapshots(Path(location)))


def _folder_of_snapshots(folder: Path) -> Path:
    try:
        if _has_snapshots(folder):
            return folder
        found = [each for each in sorted(folder.iterdir()) if each.is_dir() and _has_snapshots(each)]
    except FileNotFoundError:
        raise StoreError(
            f"there is no folder {folder}: name one that holds {keys.LATEST}, or s3://BUCKET/PREFIX"
        ) from None
    except OSError as error:
        raise StoreError(f"cannot read {folder}: {error.strerror or error}: name a folder that can be read") from error
    if len(found) == 1:
        return found[0]
    if found:
        raise StoreError(f"{folder} has snapshots in several folders: name one of {', '.join(map(str, found))}")
    raise StoreError(
        f"{folder} holds no snapshots: name the folder that has {keys.LATEST} in it, or make one with "
        f"`pool-inventory run --to {folder}`"
    )


def _has_snapshots(folder: Path) -> bool:
    return any((folder / name).exists() for name in (keys.LATEST, keys.MANIFESTS))
