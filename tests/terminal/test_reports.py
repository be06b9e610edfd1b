from datetime import timedelta
from pathlib import Path

import pytest
from pool_inventory.snapshots import archive, difference, keys, manifest
from pool_inventory.snapshots.manifest import Manifest
from pool_inventory.stores.folder import FolderStore
from pool_inventory.terminal import diff_command, reports

from tests.chains import add_chain
from tests.makers import IDENTIFIER, any_coverage, any_pool


@pytest.fixture
def newest(tmp_path: Path) -> Manifest:
    """The second of two snapshots, an hour apart."""
    add_chain(FolderStore(tmp_path), [{"eu-west-1": []}] * 2)
    return archive.newest(FolderStore(tmp_path), print)


@pytest.mark.parametrize(
    ("age", "shown", "too_old"),
    [
        (timedelta(minutes=1), "is 1 minute old", False),
        (timedelta(hours=2), "is 2 hours old", False),
        (timedelta(hours=2, minutes=1), "is 2 hours old, and came 60 minutes after the one before: are", True),
        (timedelta(days=3), "is 3 days old, and came 60 minutes after the one before: are", True),
    ],
)
def test_a_snapshot_is_too_old_past_two_periods(
    newest: Manifest,
    age: timedelta,
    shown: str,
    too_old: bool,  # noqa: FBT001 - a case
) -> None:
    now = keys.snapshot_time(newest.id) + age
    assert reports.is_too_old(newest, now) is too_old
    assert reports.age_text(newest, now).removesuffix(" snapshots still made?").endswith(shown)


def test_a_first_snapshot_is_never_too_old(tmp_path: Path) -> None:
    add_chain(FolderStore(tmp_path), [{"eu-west-1": []}])
    only = archive.newest(FolderStore(tmp_path), print)
    now = keys.snapshot_time(only.id) + timedelta(days=400)
    assert not reports.is_too_old(only, now)
    assert reports.age_text(only, now).endswith("is 400 days old")


def test_a_pool_named_like_a_function_keeps_its_name(tmp_path: Path) -> None:
    """Only the function of a trigger is shortened."""
    arn = "arn:aws:lambda:eu-west-1:123456789012:function:check"
    pools = [any_pool("eu-west-1", Id="eu-west-1_1", Name=name, LambdaConfig={}) for name in ("before", arn)]
    add_chain(FolderStore(tmp_path), [{"eu-west-1": [each]} for each in pools])
    store = FolderStore(tmp_path)
    before, after = (manifest.read(store, each) for each in archive.finished_ids(store))
    found = difference.compare(difference.read_side(store, before), difference.read_side(store, after))
    lines = "\n".join(diff_command.lines_of(before, after, found, None))
    assert f"name: before → {arn}" in lines


@pytest.mark.parametrize(
    ("columns", "said"),
    [
        ({"last_ok": "2026-11-24T17-00Z"}, "last read in 2026-11-24T17-00Z"),
        (
            {"last_ok": None, "compared_with": IDENTIFIER},
            f"last read in {IDENTIFIER}, and forgotten since",
        ),
        ({"last_ok": None}, "no reading is known"),
    ],
)
def test_what_was_read_and_forgotten_is_not_called_never_read(columns: dict[str, str | None], said: str) -> None:
    covered = any_coverage("eu-west-1", status="denied", pools=None, error_code="AccessDenied", **columns)
    assert list(reports.unread_lines([covered]))[1].endswith(f": denied (AccessDenied), {said}")


def test_an_accounts_regions_are_together_where_they_are_alike() -> None:
    denied = {"status": "denied", "pools": None, "error_code": "AccessDenied", "last_ok": IDENTIFIER}
    unread = [
        any_coverage(region, account_id=account_id, **denied | more)
        for account_id, region, more in (
            ("210000000001", "eu-west-1", {}),
            ("210000000001", "sa-east-1", {"last_ok": None}),
            ("210000000001", "us-east-1", {}),
            ("210000000002", "us-east-1", {}),
        )
    ]
    assert list(reports.unread_lines(unread))[1:] == [
        f"  210000000001 eu-west-1, us-east-1: denied (AccessDenied), last read in {IDENTIFIER}",
        "  210000000001 sa-east-1: denied (AccessDenied), no reading is known",
        f"  210000000002 us-east-1: denied (AccessDenied), last read in {IDENTIFIER}",
    ]
