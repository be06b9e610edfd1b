import csv
import io
import json
import os
import pty
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner
from pool_inventory.clock import Clock
from pool_inventory.snapshots import keys
from pool_inventory.stores.folder import FolderStore
from pool_inventory.terminal import command_line as cli

from tests.chains import Reading, add_chain, identifier
from tests.terminal.inventories import HOSTILE, json_of, pool, run, said

POOL = "us-east-1_000000008"
# Each command that writes a table or rows, with the field of its JSON that has the rows.
ROWS: dict[tuple[str, ...], str] = {
    ("show",): "pools",
    ("diff", identifier(0), identifier(2)): "changes",
    ("history", POOL): "events",
    ("list",): "snapshots",
    ("summary",): "places",
    ("functions",): "functions",
}
COMMANDS = pytest.mark.parametrize("command", ROWS, ids=" ".join)


def ask(command: tuple[str, ...], folder: Path, *options: str) -> Any:
    return run(command[0], folder, *command[1:], *options)


@COMMANDS
def test_json_is_short_for_a_format(command: tuple[str, ...], folder: Path) -> None:
    short, long = (json_of(ask(command, folder, *options)) for options in (("--json",), ("-o", "json")))
    assert {**short, "ageSeconds": 0} == {**long, "ageSeconds": 0}
    assert json_of(ask(command, folder, "--json", "-o", "json")).keys() == short.keys()


@COMMANDS
def test_lines_of_json_are_the_rows_of_json(command: tuple[str, ...], folder: Path) -> None:
    rows = json_of(ask(command, folder, "--json"))[ROWS[command]]
    assert rows
    assert [json.loads(line) for line in said(ask(command, folder, "-o", "ndjson")).splitlines()] == rows


@COMMANDS
def test_csv_has_a_header_and_a_line_a_row(command: tuple[str, ...], folder: Path) -> None:
    header, *lines = csv.reader(io.StringIO(said(ask(command, folder, "-o", "csv"))))
    rows = json_of(ask(command, folder, "--json"))[ROWS[command]]
    assert len(lines) == len(rows)
    # Each column has a value somewhere, but for those of pools, of which these have few.
    empty = [name for number, name in enumerate(header) if not any(line[number] for line in lines)]
    assert command == ("show",) or set(empty) <= {"last_ok", "previousSnapshotId", "outside", "setIn", "fields"}


@COMMANDS
@pytest.mark.parametrize("file_format", ["csv", "ndjson", "table"])
def test_two_formats_are_refused(command: tuple[str, ...], file_format: str, folder: Path) -> None:
    result = ask(command, folder, "-o", file_format, "--json")
    assert (result.exit_code, result.stdout) == (2, "")
    assert f"--json and -o {file_format} are two formats: leave one of them out" in result.stderr


@pytest.mark.parametrize("command", [*(" ".join(each) for each in ROWS), "sql"])
def test_a_terminal_gets_no_csv(command: str, folder: Path) -> None:
    """Its cells have all characters as they are, those that steer a terminal, too."""
    main, terminal = pty.openpty()
    name, *others = [*command.split(), *(["SELECT 1"] if command == "sql" else [])]
    ran = subprocess.run(  # noqa: S603 - our own package
        [sys.executable, "-m", "pool_inventory", name, str(folder), *others, "-o", "csv"],
        stdout=terminal,
        stderr=subprocess.PIPE,
        text=True,
        check=False,
    )
    os.close(terminal)
    os.close(main)
    assert ran.returncode == 2
    assert "csv is for files, not for a terminal" in ran.stderr


@pytest.mark.parametrize("command", [("diff",), ("history", "eu-west-1_000000001"), ("functions",), ("summary",)])
@pytest.mark.parametrize("file_format", ["csv", "ndjson"])
def test_rows_say_elsewhere_what_was_not_read(command: tuple[str, ...], file_format: str, folder: Path) -> None:
    result = ask(command, folder, "-o", file_format)
    assert "eu-west-1" in result.stderr
    assert "denied" in result.stderr


@pytest.mark.parametrize("command", [("diff",), ("history", "eu-west-1_000000001"), ("list",), ("summary",)])
def test_lines_of_json_move_no_cursor(command: tuple[str, ...], hostile_folder: Path) -> None:
    result = ask(command, hostile_folder, "-o", "ndjson")
    assert [line for line in [*result.stdout.splitlines(), *result.stderr.splitlines()] if HOSTILE in line] == []
    assert all(line.isprintable() for line in result.output.splitlines())


@pytest.mark.parametrize("command", [*(each for each in ROWS if len(each) < 3), ("verify",), ("diff",)], ids=" ".join)
def test_json_says_how_old_the_newest_snapshot_is(command: tuple[str, ...], folder: Path) -> None:
    found = json_of(ask(command, folder, "--json"))
    expected = (Clock().now() - keys.snapshot_time(identifier(3))).total_seconds()
    assert found["ageSeconds"] == pytest.approx(expected, abs=60)
    assert found["isStale"] is True


@pytest.mark.parametrize(
    "command", [("show", "--at"), ("summary", "--at"), ("functions", "--at"), ("diff", identifier(0))]
)
def test_json_of_a_snapshot_asked_for_has_no_age(command: tuple[str, ...], folder: Path) -> None:
    found = json_of(run(command[0], folder, *command[1:], identifier(1), "--json"))
    assert (found["ageSeconds"], found["isStale"]) == (None, None)


def test_without_snapshots_that_can_be_read_there_is_no_age(own_folder: Path) -> None:
    for path in own_folder.rglob("manifest.json"):
        path.write_text("{}")
    found = json.loads(run("list", own_folder, "--json").stdout)
    assert found == {"snapshots": [], "ageSeconds": None, "isStale": None}
    assert json.loads(run("verify", own_folder, "--json").stdout)["ageSeconds"] is None


@pytest.mark.parametrize("command", ["diff", "history"])
def test_wide_wraps_no_line(command: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "60")
    strange = {"PreSignUp": "arn:aws:lambda:us-east-1:666655554444:function:strange"}
    chain: list[Reading] = [{"eu-west-1": [pool(1)]}, {"eu-west-1": [pool(1, LambdaConfig=strange)]}]
    add_chain(FolderStore(tmp_path), chain)
    arguments = ["eu-west-1_000000001"] if command == "history" else []
    whole = "pre_sign_up: none → strange (account 666655554444, region us-east-1)"
    assert whole not in said(run(command, tmp_path, *arguments))
    assert whole in said(run(command, tmp_path, *arguments, "--wide"))


def test_each_command_that_has_json_has_all_formats() -> None:
    """Less those that answer with yes or no."""
    without = {"run", "doctor", "verify"}
    options = {name: {each for one in command.params for each in one.opts} for name, command in cli.loaded().items()}
    having = {name for name, names in options.items() if "--json" in names}
    assert {name for name, names in options.items() if {"-o", "--format", "--json"} <= names} == having - without


def test_a_format_completes_to_what_there_is() -> None:
    result = CliRunner().invoke(cli.main, ["list", ".", "-o", "xls"])
    assert "is not one of 'table', 'json', 'ndjson', 'csv'" in result.stderr
