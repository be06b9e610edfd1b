"""Columns may come: a release with more of them reads what one with fewer wrote, and the other way round."""

import json
import os
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pool_inventory.model import Target
from pool_inventory.snapshots import changes, rows, schema, table
from pool_inventory.snapshots.schema import Column, Kind
from pool_inventory.snapshots.table import Row

from tests.makers import ACCOUNT_ID, TIME, any_pool

PACKAGE = Path(__file__).parents[2] / "lambda"
# What the longer release has and this one has not: a member of lambda_config, a column, and a struct.
MEMBER = '    _string("of_tomorrow", member="OfTomorrow"),\n'
COLUMNS = """    _string("tier", "the pool's tier", "UserPoolTier"),
    Column("policy", Kind.STRUCT, "a policy", "Policy", (_string("strength", member="Strength"),)),
"""


@dataclass(frozen=True)
class Release:
    """A release of the package, run as a process of its own."""

    package: Path

    def publish(self, folder: Path, hour: int, pools: list[dict[str, Any]]) -> dict[str, Any]:
        """Publish a snapshot of one region whose pools the API lists so; return how many changes it has."""
        script = Path(__file__).with_name("publish.py")
        given_pools = json.dumps(pools)
        found: dict[str, Any] = json.loads(self._run(str(script), str(folder), str(hour), text=given_pools))
        return found

    def command(self, *arguments: str) -> Any:
        return json.loads(self._run("-m", "pool_inventory", *arguments, "--json"))

    def _run(self, *arguments: str, text: str = "") -> str:
        environment = {**os.environ, "PYTHONPATH": os.pathsep.join((str(self.package), str(PACKAGE.parent)))}
        command = [sys.executable, *arguments]
        return subprocess.run(  # noqa: S603 - this package's own modules
            command, env=environment, input=text, capture_output=True, check=True, encoding="utf-8"
        ).stdout


@pytest.fixture(scope="module")
def shorter() -> Release:
    return Release(PACKAGE)


@pytest.fixture(scope="module")
def longer(tmp_path_factory: pytest.TempPathFactory) -> Release:
    """This release with a longer schema, as its next one may be."""
    package = tmp_path_factory.mktemp("longer")
    for source in PACKAGE.joinpath("pool_inventory").rglob("*.py"):
        copy = package / source.relative_to(PACKAGE)
        copy.parent.mkdir(parents=True, exist_ok=True)
        copy.write_bytes(source.read_bytes())
    path = package / "pool_inventory/snapshots/schema.py"
    text = path.read_text(encoding="utf-8")
    for before, added in (
        ('    _versioned_trigger("inbound_federation", "InboundFederation"),\n', MEMBER),
        ("    READ_AT,\n)", COLUMNS),
    ):
        assert text.count(before) == 1
        text = text.replace(before, f"    READ_AT,\n{added})" if before.endswith(")") else f"{before}{added}")
    path.write_text(text, encoding="utf-8")
    return Release(package)


POOL = any_pool(Name="stays")
SENT = {
    **any_pool(Name="sent"),
    "LambdaConfig": {"OfTomorrow": "arn:f"},
    "UserPoolTier": "PLUS",
    "Policy": {"Strength": "strong"},
}


@pytest.mark.parametrize("upgrade", [True, False])
def test_another_release_by_itself_changes_no_pool(
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


def test_each_command_reads_a_history_of_both(shorter: Release, longer: Release, tmp_path: Path) -> None:
    shorter.publish(tmp_path, 0, [SENT])
    longer.publish(tmp_path, 1, [SENT, POOL])
    shorter.publish(tmp_path, 2, [SENT])
    for release in (shorter, longer):
        assert [each["id"] for each in release.command("show", str(tmp_path))["pools"]] == [SENT["Id"]]
        events = release.command("history", str(tmp_path), str(POOL["Id"]))["events"]
        assert [each["change"] for each in events] == ["created", "deleted"]
        assert [each["poolCount"] for each in release.command("list", str(tmp_path))["snapshots"]] == [1, 2, 1]
        (deleted,) = release.command("diff", str(tmp_path))["changes"]
        assert (deleted["change"], deleted["id"]) == ("deleted", POOL["Id"])


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
