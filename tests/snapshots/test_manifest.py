import json
from pathlib import Path
from typing import Any

import pytest
from pool_inventory.errors import SnapshotError
from pool_inventory.model import Coverage, Link, Uncompared
from pool_inventory.snapshots import changes, coverage, data_object, keys, manifest
from pool_inventory.snapshots.changes import Comparison
from pool_inventory.stores.folder import FolderStore

from tests.chains import add_chain, identifier
from tests.makers import IDENTIFIER, any_coverage, any_snapshot

# More than any line that coverage and changes keep, in characters that take the most bytes in JSON.
REASON = "利" * 1000


def encoded(covered: tuple[Coverage, ...], uncompared: tuple[Uncompared, ...] = ()) -> bytes:
    """The manifest of a snapshot without pools."""
    snapshot = any_snapshot(coverage=covered)
    parts = {
        keys.coverage(IDENTIFIER): coverage.encode(IDENTIFIER, covered),
        keys.changes(IDENTIFIER): changes.encode(IDENTIFIER, Comparison((), uncompared)),
    }
    return manifest.encode(FolderStore(Path("out")), snapshot, data_object.encode(snapshot, []), covered, parts)


def failed(number: int) -> Coverage:
    return any_coverage(
        f"us-{number:05d}-1",
        status="denied",
        pools=None,
        error_code="AccessDenied",
        error_message=REASON,
        last_ok=None,
    )


def uncompared(number: int) -> Uncompared:
    return Uncompared(account_id=f"{number:012d}", region="us-east-1", last_ok=IDENTIFIER, reason=REASON)


@pytest.fixture(scope="module")
def large() -> bytes:
    """The manifest of 5,000 targets that could not be read, and 5,000 that could not be compared."""
    return encoded(tuple(map(failed, range(5000))), tuple(map(uncompared, range(5000))))


def test_a_manifest_names_the_first_100_and_counts_the_rest(large: bytes) -> None:
    document = json.loads(large)
    assert [each["region"] for each in document["unread"]] == [failed(number).region for number in range(100)]
    assert document["unread"][0]["error_message"] == REASON
    assert [each["account_id"] for each in document["uncompared"]] == [f"{number:012d}" for number in range(100)]
    assert (document["unreadCount"], document["uncomparedCount"]) == (5000, 5000)


def test_a_manifest_stays_under_1_mb(large: bytes) -> None:
    assert len(large) < 1_000_000


def test_a_manifest_counts_targets_by_each_status_and_accepted() -> None:
    document = json.loads(encoded((any_coverage(pools=2), failed(1))))
    assert document["targets"] == {
        "ok": 1,
        "absent": 0,
        "denied": 1,
        "accepted": 0,
        "throttled": 0,
        "timed_out": 0,
        "failed": 0,
        "not_asked": 0,
    }


def test_latest_json_names_the_two_snapshots_before(tmp_path: Path) -> None:
    store = FolderStore(tmp_path)
    add_chain(store, [{"eu-west-1": []}] * 4)
    latest = json.loads((tmp_path / keys.LATEST).read_text())
    assert latest["snapshotId"] == identifier(3)
    assert [each["snapshotId"] for each in latest["previous"]] == [identifier(2), identifier(1)]
    for each in latest["previous"]:
        assert manifest.check_linked(store, Link(each["snapshotId"], each["sha256"]))


@pytest.mark.parametrize("more", [{"ours": 1}, {"carried": {"targets": 0, "pools": 0, "forgotten": 0, "ours": 1}}])
def test_a_field_of_a_later_release_is_passed_over(more: dict[str, Any]) -> None:
    body = encoded((any_coverage(),))
    address = f"out/{keys.manifest(IDENTIFIER)}"
    later = json.dumps({**json.loads(body), **more}).encode()
    assert manifest.decode(later, address) == manifest.decode(body, address)


@pytest.mark.parametrize("body", [b"", b"[]", b"{}", b'{"contractVersion": 2}', b"[" * 100_000])
def test_what_is_no_manifest_is_an_error_that_says_what_helps(body: bytes) -> None:
    with pytest.raises(SnapshotError, match="put back an earlier version of it, or choose another snapshot"):
        manifest.decode(body, "out/manifest.json")
