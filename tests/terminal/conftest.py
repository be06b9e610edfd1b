"""Inventories that many commands are asked about, and no terminal."""

from pathlib import Path

import pytest
from pool_inventory.stores.folder import FolderStore

from tests.chains import add_chain
from tests.terminal.inventories import HOSTILE, READINGS, add_organization, pool


@pytest.fixture(autouse=True)
def no_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("COLUMNS", raising=False)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Four snapshots, of which the second and the last could not read eu-west-1."""
    made = tmp_path_factory.mktemp("inventory")
    add_chain(FolderStore(made), READINGS)
    return made


@pytest.fixture
def own_folder(tmp_path: Path) -> Path:
    """The same, to be damaged."""
    add_chain(FolderStore(tmp_path), READINGS)
    return tmp_path


@pytest.fixture(scope="module")
def organization(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two snapshots of an organization, of which one account was never read, and one not in the newest."""
    made = tmp_path_factory.mktemp("organization")
    add_organization(FolderStore(made))
    return made


@pytest.fixture(scope="module")
def hostile_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two snapshots of pools whose names and functions are hostile, and of a region that could not be read."""
    made = tmp_path_factory.mktemp("hostile")
    names = (f"old {HOSTILE}", f"new {HOSTILE}")
    pools = [[pool(1, Name=name, LambdaConfig={"PreSignUp": name})] for name in names]
    add_chain(FolderStore(made), [{"eu-west-1": each, f"us-{HOSTILE}": None} for each in pools])
    return made
