import json
import os
import re
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from pool_inventory.clock import Clock
from pool_inventory.snapshots import keys
from pool_inventory.stores.folder import FolderStore

from tests.chains import add_chain, add_snapshot, identifier
from tests.makers import TIME
from tests.terminal.inventories import FIRST_RELEASE, HOSTILE, READINGS, json_of, pool, run, said, shown_ids

DAYS = ("2026-11-24", "2026-11-25")


@pytest.mark.parametrize(
    ("moment", "hour"),
    [("2026-11-24", 3), ("2026-11-25", 3), ("yesterday", 3), ("today", 3), ("30m", 3), ("1h", 3), ("2d", None)],
)
def test_at_takes_a_day_and_how_long_ago(tmp_path: Path, moment: str, hour: int | None) -> None:
    """Of snapshots that are hours old: the newest up to the end of the day, or up to so long ago."""
    add_chain(FolderStore(tmp_path), READINGS)
    age_days = (Clock().now() - TIME).days
    shifted = f"{int(moment[:-1]) + age_days}d" if moment.endswith("d") else moment
    result = run("show", tmp_path, "--json", "--at", shifted)
    assert (json_of(result)["snapshotId"] if hour else result.exit_code) == (identifier(hour) if hour else 1)


def test_at_a_day_is_the_newest_of_that_day(tmp_path: Path) -> None:
    made = [add_snapshot(FolderStore(tmp_path), hour, {"eu-west-1": []}) for hour in (0, 5, 6, 29)]
    found = {day: json_of(run("show", tmp_path, "--json", "--at", day))["snapshotId"] for day in DAYS}
    assert found == {"2026-11-24": made[1], "2026-11-25": made[3]}


@pytest.mark.parametrize(
    "arguments",
    [
        ("show",),
        ("diff",),
        ("list",),
        ("history", "eu-west-1_000000001"),
        ("history", HOSTILE),
        ("verify",),
        ("export", "--format", "ndjson"),
        ("export", "--format", "json"),
        *((command, "--json") for command in ("show", "diff", "list", "verify")),
        ("history", "eu-west-1_000000001", "--json"),
    ],
)
def test_no_control_character_reaches_the_terminal(hostile_folder: Path, arguments: tuple[str, ...]) -> None:
    result = run(arguments[0], hostile_folder, *arguments[1:])
    lines = [*result.stdout.splitlines(), *result.stderr.splitlines()]
    # Tabs are between the cells: in a cell they are escapes.
    assert [line for line in lines if not line.replace("\t", " ").isprintable()] == []


def test_json_has_the_same_values_where_it_has_escapes(hostile_folder: Path) -> None:
    shown = json_of(run("show", hostile_folder, "--json"))
    assert [each["name"] for each in shown["pools"]] == [f"new {HOSTILE}"]
    assert [each["region"] for each in shown["unread"]] == [f"us-{HOSTILE}"]
    exported = [
        json.loads(line) for line in said(run("export", hostile_folder, "--format", "ndjson")).split("\n")[:-1]
    ]
    assert exported == json_of(run("export", hostile_folder, "--json")) == shown["pools"]


def test_an_unknown_value_is_not_shown_as_none(tmp_path: Path) -> None:
    unknown = pool(1)
    for member in ("CreationDate", "LastModifiedDate", "Name", "LambdaConfig"):
        del unknown[member]
    add_chain(FolderStore(tmp_path), [{"eu-west-1": [unknown], "us-east-1": None}, {"eu-west-1": None}])
    for arguments in (("show",), ("diff",), ("list",), ("verify",), ("verify", "--since", "2026-12-01T00:00:00Z")):
        assert "none" not in run(arguments[0], tmp_path, *arguments[1:]).output.lower(), arguments
    shown = said(run("history", tmp_path, "eu-west-1_000000001"))
    assert re.search(r"found\tthere when its region was first read$", shown, re.MULTILINE)
    assert "None" not in shown


def test_only_read_leaves_out_what_is_known_from_earlier(folder: Path) -> None:
    newest = {row["id"]: row["read_at"] for row in json_of(run("export", folder, "--json"))}
    assert len(newest) == 3
    read = json_of(run("export", folder, "--json", "--only-read"))
    assert [row["id"] for row in read] == ["us-east-1_000000008"] == shown_ids("--only-read", folder=folder)
    result = run("show", folder, "--only-read")
    assert "1 user pool read in" in result.stdout
    assert "eu-west-1: denied" in result.stdout


def test_a_change_is_whole_in_80_columns(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A swapped function is what a reader looks for: it is named apart from those of the pool's own account."""
    monkeypatch.setenv("COLUMNS", "80")
    strange = "arn:aws:lambda:us-east-1:666655554444:function:strange-and-quite-long"
    swapped = pool(1, Name="customers " * 8, LambdaConfig={"PreSignUp": strange})
    add_chain(FolderStore(tmp_path), [{"eu-west-1": [pool(1, Name="customers " * 8)]}, {"eu-west-1": [swapped]}])
    for arguments in (("diff",), ("history", "eu-west-1_000000001")):
        shown = said(run(arguments[0], tmp_path, *arguments[1:]))
        assert max(map(len, shown.splitlines())) <= 80
        words = " ".join(shown.split())
        for word in ("pre_sign_up:", "none →", "strange-and-quite-long", "666655554444,", "us-east-1)"):
            assert word in words


@pytest.mark.parametrize(
    "arguments",
    [
        *((command,) for command in ("show", "diff", "list", "verify", "summary", "functions")),
        ("history", "us-east-1_000000008"),
        ("show", "-o", "ndjson"),
        ("list", "-o", "csv"),
        *(("export", "--format", each) for each in ("csv", "json", "ndjson", "parquet")),
        ("sql", "SELECT 1"),
        ("sql", "FROM user_pools", "-o", "json"),
    ],
    ids=" ".join,
)
def test_what_shows_the_newest_says_how_old_it_is(folder: Path, arguments: tuple[str, ...]) -> None:
    """On standard error, where it is not among the rows."""
    assert f"the newest snapshot, {identifier(3)}, is " in run(arguments[0], folder, *arguments[1:]).stderr


def test_a_snapshot_that_was_asked_for_has_no_age(folder: Path) -> None:
    assert run("show", folder, "--at", identifier(1)).stderr == ""
    assert "old" not in run("export", folder, "--format", "csv", "--at", identifier(1)).stderr


@pytest.mark.parametrize("command", ["show", "summary", "functions", "export"])
def test_pools_that_are_lost_are_said_to_be(command: str, tmp_path: Path) -> None:
    """A bucket of 0.1 whose earlier snapshot expired: nothing has the pools of a region that it could not read."""
    shutil.copytree(FIRST_RELEASE, tmp_path / "out")
    (path,) = (tmp_path / "out/data").rglob("*T18-00Z.parquet")
    path.unlink()
    result = run(command, tmp_path / "out", *(["--format", "csv"] if command == "export" else []))
    assert result.exit_code == 0, result.output
    assert "warning: the pools of 123456789012 eu-west-1 cannot be read, and are left out: " in result.stderr


BREAKS: list[tuple[str, Callable[[Path], object], str]] = [
    ("latest.json is broken", lambda folder: (folder / keys.LATEST).write_text("{}"), "put back an earlier version"),
    (
        "data is torn",
        lambda folder: os.truncate(folder / keys.data(identifier(3)), 100),
        "has 100 bytes and is not the file of",
    ),
    ("data is gone", lambda folder: (folder / keys.data(identifier(3))).unlink(), "is gone, expired perhaps"),
    ("the manifest is gone", lambda folder: (folder / keys.manifest(identifier(3))).unlink(), "is gone"),
]


@pytest.mark.parametrize(("damage", "message"), [each[1:] for each in BREAKS], ids=[each[0] for each in BREAKS])
@pytest.mark.parametrize("command", ["show", "diff", "export"])
def test_a_broken_object_is_one_line_that_says_what_helps(
    own_folder: Path, damage: Callable[[Path], object], message: str, command: str
) -> None:
    damage(own_folder)
    result = run(command, own_folder, *(["--format", "csv"] if command == "export" else []))
    assert result.exit_code == 1
    assert re.fullmatch(r"error: .*\n", result.stderr.partition("warning")[0])
    assert message in result.stderr


def test_a_manifest_of_a_newer_release_hides_no_other(own_folder: Path) -> None:
    """Its line says to update."""
    path = own_folder / keys.manifest(identifier(1))
    path.write_text(path.read_text().replace('"contractVersion": 2', '"contractVersion": 3'))
    result = run("show", own_folder, "--at", identifier(1))
    assert result.exit_code == 1
    assert re.fullmatch(r"error: \S+ is of contract version 3, and .* 2: update pool-inventory\n", result.stderr)
    listed = run("list", own_folder)
    assert listed.exit_code == 1
    assert listed.stderr.splitlines()[1:] == result.stderr.splitlines()
    assert len(listed.stdout.splitlines()) == 4


@pytest.mark.parametrize("command", ["show", "list", "diff"])
def test_without_latest_json_manifests_are_listed_with_a_note(own_folder: Path, command: str) -> None:
    expected = said(run(command, own_folder))
    (own_folder / keys.LATEST).unlink()
    result = run(command, own_folder)
    assert said(result) == expected
    warning, _age = result.stderr.splitlines()
    assert re.fullmatch(r"warning: \S+latest.json is missing, so the manifests were listed: .*", warning)


def test_foreign_objects_are_passed_over(own_folder: Path) -> None:
    expected = {command: said(run(command, own_folder)) for command in ("show", "list", "diff")}
    for key in ("data/x.parquet", "manifests/x/manifest.json", "manifests/2026-99-99T99-99Z/manifest.checksum", "y"):
        own_folder.joinpath(key).parent.mkdir(exist_ok=True)
        own_folder.joinpath(key).write_text("mine")
    assert {command: said(run(command, own_folder)) for command in expected} == expected


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("show", "--at", "2020-01-01T00:00:00Z"), f"the first is {identifier(0)}, so name a later time"),
        (
            ("show", "--at", "2026-11-24T17-00Z"),
            f"there is no snapshot 2026-11-24T17-00Z: next to it is {identifier(0)}; `pool-inventory list` has all",
        ),
        (("diff", "2020-01-01T00:00:00Z"), f"the first is {identifier(0)}, so name a later time"),
        (("history", "us-east-1_000000088"), "did you mean us-east-1_000000008"),
        (("verify", "--since", "2026-11-25"), f"no snapshot is from then or later: the newest is {identifier(3)}"),
        (("history", "pool 8"), "did you mean us-east-1_000000008?"),
        (("history", "us-east-2_000000008"), "the snapshot covers no region 'us-east-2': it has eu-west-1, us-east-1"),
        (("history", "nothing like it"), "`pool-inventory show` has the ids"),
    ],
)
def test_a_missing_pool_or_snapshot_says_in_a_line_what_helps(
    folder: Path, arguments: tuple[str, ...], message: str
) -> None:
    result = run(arguments[0], folder, *arguments[1:])
    assert result.exit_code == 1
    assert re.fullmatch(r"error: .*\n", result.stderr)
    assert message in result.stderr


@pytest.mark.parametrize(
    ("identifier_asked", "near"),
    [
        ("2026-11-24T18-30Z", f"next to it are {identifier(0)} and {identifier(1)}"),
        ("2026-11-01T00-00Z", f"next to it is {identifier(0)}"),
        ("2026-11-25T00-00Z", f"next to it is {identifier(3)}"),
    ],
)
@pytest.mark.parametrize("command", [["show", "--at"], ["diff"]], ids=" ".join)
def test_a_snapshot_that_is_not_there_has_its_neighbours_named(
    folder: Path, command: list[str], identifier_asked: str, near: str
) -> None:
    result = run(command[0], folder, *command[1:], identifier_asked)
    assert result.exit_code == 1
    assert result.stderr == (
        f"error: there is no snapshot {identifier_asked}: {near}; `pool-inventory list` has all\n"
    )


def test_an_age_that_cannot_be_said_fails_nothing(own_folder: Path) -> None:
    (own_folder / keys.manifest(identifier(3))).write_text("{}")
    result = run("sql", own_folder, "SELECT 1 AS one")
    assert (result.exit_code, result.stdout, result.stderr) == (0, "one\n1\n", "")
