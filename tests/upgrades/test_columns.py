"""Columns may come: a release with more of them reads what one with fewer wrote, and the other way round."""

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pool_inventory.model import Target
from pool_inventory.snapshots import changes, rows, schema, table
from pool_inventory.snapshots.schema import Column, Kind
from pool_inventory.snapshots.table import Row

from tests.chains import identifier
from tests.makers import ACCOUNT_ID, TIME, any_pool
from tests.upgrades.releases import Release, longer_release, this_release


@pytest.fixture(scope="module")
def shorter() -> Release:
    return this_release()


@pytest.fixture(scope="module")
def longer(tmp_path_factory: pytest.TempPathFactory) -> Release:
    return longer_release(tmp_path_factory.mktemp("longer"))


POOL = any_pool(Name="stays")
SENT = {
    **any_pool(Name="sent"),
    "LambdaConfig": {"OfTomorrow": "arn:f"},
    "UserPoolTier": "PLUS",
    "Policy": {"Strength": "strong"},
}


@pytest.mark.parametrize("upgrade", [True, False])
def test_an_upgrade_by_itself_changes_no_pool(
    shorter: Release, longer: Release, tmp_path: Path, *, upgrade: bool
) -> None:
    first, second = (shorter, longer) if upgrade else (longer, shorter)
    pools = [POOL, SENT]
    first.publish(tmp_path, 0, pools)
    assert second.publish(tmp_path, 1, pools) == {"created": 0, "deleted": 0, "modified": 0}
    assert second.command("verify", str(tmp_path))["sound"] is True
    assert first.command("verify", str(tmp_path))["sound"] is True


@pytest.mark.parametrize(
    ("members", "fields"),
    [
        ({"Name": "other"}, ["name"]),
        ({"UserPoolTier": "LITE"}, ["tier"]),
        ({"Policy": {"Strength": "weak"}}, ["policy.strength"]),
        ({"LambdaConfig": {"OfTomorrow": "arn:g"}}, ["lambda_config.of_tomorrow"]),
    ],
)
def test_what_really_changed_is_under_its_column(
    shorter: Release, longer: Release, tmp_path: Path, members: dict[str, Any], fields: list[str]
) -> None:
    shorter.publish(tmp_path, 0, [SENT])
    assert longer.publish(tmp_path, 1, [{**SENT, **members}]) == {"created": 0, "deleted": 0, "modified": 1}
    (change,) = longer.command("diff", str(tmp_path))["changes"]
    assert change["fields"] == fields
    assert longer.command("verify", str(tmp_path))["sound"] is True


@pytest.mark.slow
def test_each_command_reads_a_history_of_both(shorter: Release, longer: Release, tmp_path: Path) -> None:
    shorter.publish(tmp_path, 0, [SENT])
    longer.publish(tmp_path, 1, [SENT, POOL])
    shorter.publish(tmp_path, 2, [SENT])
    for release in (shorter, longer):
        assert [each["id"] for each in release.command("show", str(tmp_path))["pools"]] == [SENT["Id"]]
        events = release.command("history", str(tmp_path), str(POOL["Id"]))["events"]
        assert [each["change"] for each in events] == ["created", "deleted"]
        assert [each["poolCount"] for each in release.command("list", str(tmp_path))["snapshots"]] == [1, 2, 1]
        shown = release.command("show", str(tmp_path), "--at", identifier(1))["pools"]
        assert {each["id"] for each in shown} == {SENT["Id"], POOL["Id"]}
        assert release.command("export", str(tmp_path), "--at", identifier(1)) == shown
        (deleted,) = release.command("diff", str(tmp_path))["changes"]
        assert (deleted["change"], deleted["id"]) == ("deleted", POOL["Id"])
        # The shorter release has no column for what calls it.
        _check_counts(release, str(tmp_path), ["arn:f"] if release is longer else [])


def _check_counts(release: Release, location: str, called: list[str]) -> None:
    assert release.command("summary", location)["pools"] == 1
    assert [each["arn"] for each in release.command("functions", location)["functions"]] == called
    assert str(SENT["Id"]) in release.output("report", location)
    for table_name, count in {"user_pools": 1, "data": 4, "coverage": 3, "changes": 2}.items():
        answer = release.output("sql", location, f"FROM {table_name}", "-o", "ndjson")
        assert len(answer.splitlines()) == count


NAMES = ("A", "B", "C", "D")
VALUES = st.sampled_from([None, "x", "y", 1, ["x"], {"A": "x"}, {"A": "y", "B": 2}, {}])
ANSWERS = st.dictionaries(st.sampled_from(NAMES), VALUES)
KINDS = st.sampled_from([Kind.STRING, Kind.STRINGS, Kind.STRUCT])
BASE = tuple(column for column in schema.DATA if column.name not in {"status", "lambda_config"})


@st.composite
def schemas(draw: Callable[[Any], Any]) -> tuple[tuple[Column, ...], tuple[Column, ...]]:
    """A schema, and one that extends it, also within its structs."""
    kinds = {name: draw(KINDS) for name in draw(st.lists(st.sampled_from(NAMES), unique=True))}
    known = draw(st.integers(0, len(kinds)))
    parts = (Column("a", Kind.STRING, member="A"), Column("b", Kind.STRING, member="B"))
    more = tuple(
        Column(name.lower(), kind, member=name, columns=parts if kind is Kind.STRUCT else ())
        for name, kind in kinds.items()
    )
    fewer = tuple(replace(each, columns=each.columns[: draw(st.integers(1, 2))]) for each in more[:known])
    return (*BASE, *fewer), (*BASE, *more)


def stored(answer: dict[str, Any], columns: tuple[Column, ...]) -> bytes:
    """A row of the answer as a release with these columns stores it, and reads it back."""
    pool = {"Id": "us-east-1_a", **answer}
    target = Target(ACCOUNT_ID, "us-east-1")
    row = rows.data_row(pool, target=target, partition="aws", snapshot_time=TIME, columns=columns)
    (line,) = table.lines(table.encode(columns, [rows.json_line(row)], {}), without=table.TIMES)
    return line


@given(schemas(), ANSWERS, ANSWERS, st.booleans())
def test_changes_are_what_the_answers_differ_by(
    releases: tuple[tuple[Column, ...], tuple[Column, ...]],
    before: dict[str, Any],
    after: dict[str, Any],
    upgrade: bool,  # noqa: FBT001 - hypothesis gives it by position
) -> None:
    first, second = releases if upgrade else releases[::-1]
    fitted = rows.fit_row(json.loads(stored(before, first)), first, second)
    line = rows.json_line({**fitted, "snapshot_time": rows.timestamp(TIME)})
    (old,) = table.lines(table.encode(second, [line], {}), without=table.TIMES)
    new = stored(after, second)
    target = Target(ACCOUNT_ID, "us-east-1")
    found = list(
        changes.changes_between([Row(target, "a", old)], [Row(target, "a", new)], {target: "2026-11-24T17-00Z"})
    )
    assert (old != new) == bool(found)
    # What a null says, a member that is not there says, too.
    assert bool(found) == (stored(before, second) != new)
    assert old == stored(before, second)
