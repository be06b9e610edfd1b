from collections.abc import Callable, Iterable
from pathlib import Path

import pytest
from pool_inventory.model import Member
from pool_inventory.snapshots import accounts, keys
from pool_inventory.stores.folder import FolderStore
from pool_inventory.terminal.verify.chain import verify

from tests.chains import Reading, add_chain, add_snapshot, identifier
from tests.makers import any_pool

A, B = "210000000001", "210000000002"
READING: Reading = {f"{A} eu-west-1": [any_pool("eu-west-1")], f"{B} eu-west-1": None}
KEY = keys.accounts(identifier(0))


def faults(folder: Path) -> list[str]:
    return [f"{key}: {text}" for key, text in verify(FolderStore(folder)).faults]


def published(folder: Path, members: Iterable[Member], snapshot_id: str = identifier(0)) -> list[str]:
    """Publish a snapshot with these accounts, and return the faults of the chain."""
    add_snapshot(FolderStore(folder), 0, READING, accounts=accounts.encode(snapshot_id, members))
    return faults(folder)


def test_an_organizations_snapshot_is_sound(tmp_path: Path) -> None:
    assert published(tmp_path, [Member(A, "billing"), Member(B)]) == []


@pytest.mark.parametrize(
    ("account_ids", "snapshot_id", "said"),
    [
        ((B, A), identifier(0), "its accounts are not sorted, or one is there twice"),
        ((A, A, B), identifier(0), "its accounts are not sorted, or one is there twice"),
        ((A,), identifier(0), f"lacks {B}, which coverage says was asked"),
        ((A, B), identifier(1), f"is not of {identifier(0)}: it names {identifier(1)}"),
    ],
)
def test_accounts_that_are_not_the_snapshots_are_a_fault(
    tmp_path: Path, account_ids: tuple[str, ...], snapshot_id: str, said: str
) -> None:
    (found,) = published(tmp_path, map(Member, account_ids), snapshot_id)
    assert found.startswith(KEY)
    assert said in found


@pytest.mark.parametrize("damage", [Path.unlink, lambda path: path.write_bytes(path.read_bytes()[:-1] + b"x")])
def test_damaged_or_missing_accounts_are_a_fault(tmp_path: Path, damage: Callable[[Path], object]) -> None:
    published(tmp_path, map(Member, (A, B)))
    damage(tmp_path / KEY)
    assert any(each.startswith(KEY) for each in faults(tmp_path))


def test_an_account_that_left_need_not_be_among_the_accounts(tmp_path: Path) -> None:
    published(tmp_path, map(Member, (A, B)))
    reading: Reading = {f"{B} eu-west-1": [any_pool("eu-west-1")]}
    members = accounts.encode(identifier(1), [Member(B)])
    add_snapshot(FolderStore(tmp_path), 1, reading, accounts=members)
    assert faults(tmp_path) == []


def test_one_account_has_no_accounts_object(tmp_path: Path) -> None:
    add_chain(FolderStore(tmp_path), [{"eu-west-1": [any_pool("eu-west-1")]}])
    assert not (tmp_path / KEY).exists()
    assert faults(tmp_path) == []
