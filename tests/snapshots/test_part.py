"""A batch's part, as publishing reads it back."""

import json
from collections.abc import Callable

import pytest
from pool_inventory.errors import SnapshotError
from pool_inventory.model import AccountFailure
from pool_inventory.snapshots import coverage, part, rows, schema, table
from pool_inventory.snapshots.part import Part
from pool_inventory.snapshots.schema import Column, Kind

from tests.makers import ACCOUNT_ID, IDENTIFIER, TIME, any_coverage, any_pool, any_target

FAILURE = AccountFailure("210000000001", "denied", "AccessDenied", "no", TIME, 7)
COVERED = coverage.encode(IDENTIFIER, [any_coverage(last_ok=None)])
PART = Part(COVERED, (FAILURE,), ("look",), TIME, TIME)
LINE = rows.json_line(rows.data_row(any_pool(), target=any_target(), partition="aws", snapshot_time=TIME))


def test_a_part_is_read_as_it_was_written() -> None:
    body = part.encode(IDENTIFIER, PART, [LINE])
    found = part.decode(body, IDENTIFIER)
    assert found == PART
    assert list(found.coverage()) == [any_coverage(last_ok=None)]
    assert [json.loads(line)["account_id"] for line in part.lines(body)] == [ACCOUNT_ID]


OLDER = tuple(each for each in schema.DATA if each.name != "replica_regions")
NEWER = (*schema.DATA, Column("tier", Kind.STRING, "", "Tier"))


@pytest.mark.parametrize("columns", [OLDER, NEWER])
def test_a_part_of_another_release_loses_nothing(monkeypatch: pytest.MonkeyPatch, columns: tuple[Column, ...]) -> None:
    """A deploy came between a batch and its publishing: the rows are as this release would have written them."""
    pool = any_pool(ReplicaRegions=["eu-west-1"], Tier="PLUS")
    written, ours = (
        rows.json_line(rows.data_row(pool, target=any_target(), partition="aws", snapshot_time=TIME, columns=each))
        for each in (columns, schema.DATA)
    )
    with monkeypatch.context() as other_release:
        other_release.setattr(schema, "DATA", columns)
        body = part.encode(IDENTIFIER, PART, [written])
    published = [table.encode(schema.DATA, each, {}) for each in (part.lines(body), [ours])]
    assert published[0] == published[1]


def test_a_part_of_another_snapshot_is_refused() -> None:
    with pytest.raises(SnapshotError, match="it is a part of '2026-11-24T17-00Z'"):
        part.decode(part.encode("2026-11-24T17-00Z", PART, [LINE]), IDENTIFIER)


@pytest.mark.parametrize("damage", [lambda body: body[:-1], lambda _: b"", lambda body: body.replace(b"us-", b"xx-")])
def test_a_damaged_part_is_refused(damage: Callable[[bytes], bytes]) -> None:
    with pytest.raises(SnapshotError):
        part.decode(damage(part.encode(IDENTIFIER, PART, [LINE])), IDENTIFIER)


@pytest.mark.parametrize("account_ids", [(ACCOUNT_ID,), (ACCOUNT_ID, FAILURE.account_id, "210000000002")])
def test_a_part_speaks_for_the_accounts_of_its_batch_alone(account_ids: tuple[str, ...]) -> None:
    PART.check_accounts((ACCOUNT_ID, FAILURE.account_id))
    with pytest.raises(SnapshotError, match="they differ in 21000000000"):
        PART.check_accounts(account_ids)


@pytest.mark.parametrize("status", ["ok", "not_asked", "new"])
def test_a_failure_has_the_status_of_one(status: str) -> None:
    odd = Part(COVERED, (AccountFailure("1", status, "c", "m", TIME, 0),), (), TIME, TIME)  # type: ignore[arg-type] # as said
    with pytest.raises(SnapshotError, match="is none of denied"):
        part.decode(part.encode(IDENTIFIER, odd, ()), IDENTIFIER)
