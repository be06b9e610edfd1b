from pathlib import Path

import pytest
from pool_inventory.errors import StoreError
from pool_inventory.stores.folder import FolderStore
from pool_inventory.stores.s3 import S3Store
from pool_inventory.terminal.demo.stand_in import StandIn
from pool_inventory.terminal.location import open_location

from tests.conftest import BUCKET


def copy_of_a_bucket(folder: Path, name: str = "latest.json") -> Path:
    """What makes a folder one of snapshots."""
    path = folder / name
    path.parent.mkdir(parents=True)
    path.touch()
    return folder


@pytest.mark.parametrize("name", ["latest.json", "manifests/2026-11-24T18-00Z"])
def test_a_folder_of_snapshots_is_opened(tmp_path: Path, name: str) -> None:
    folder = copy_of_a_bucket(tmp_path / "out", name)
    assert open_location(str(folder), None) == FolderStore(folder)


def test_the_one_folder_inside_that_has_snapshots_is_opened(tmp_path: Path) -> None:
    """As a copy of a whole bucket has it."""
    (tmp_path / "other").mkdir()
    (tmp_path / "file").touch()
    folder = copy_of_a_bucket(tmp_path / "user-pools")
    assert open_location(str(tmp_path), None) == FolderStore(folder)


def test_of_several_folders_one_must_be_named(tmp_path: Path) -> None:
    folders = [copy_of_a_bucket(tmp_path / name) for name in ("a", "b")]
    with pytest.raises(StoreError, match=f"in several folders: name one of {folders[0]}, {folders[1]}$"):
        open_location(str(tmp_path), None)


def test_what_has_no_snapshots_is_an_error_that_helps(tmp_path: Path) -> None:
    with pytest.raises(StoreError, match=f"{tmp_path} holds no snapshots: .* `pool-inventory run --to {tmp_path}`"):
        open_location(str(tmp_path), None)
    with pytest.raises(StoreError, match=r"there is no folder \S+gone: name one that holds latest.json"):
        open_location(str(tmp_path / "gone"), None)
    (tmp_path / "file").touch()
    with pytest.raises(StoreError, match=r"cannot read \S+file: Not a directory: name a folder that can be read"):
        open_location(str(tmp_path / "file"), None)


@pytest.mark.parametrize(("address", "key"), [("a/b/", "a/b/latest.json"), ("", "user-pools/latest.json")])
def test_an_address_of_a_bucket_opens_its_prefix(aws: StandIn, address: str, key: str) -> None:
    store = open_location(f"s3://{BUCKET}/{address}", None)
    assert isinstance(store, S3Store)
    assert store.full_key("latest.json") == key
