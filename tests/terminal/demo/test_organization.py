"""The demo of an organization, as its reader sees it."""

import io
import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from pool_inventory.errors import InventoryError
from pool_inventory.terminal.demo.organization import run_organization_demo
from rich.cells import cell_len
from rich.console import Console

PAGE = Path(__file__).parents[3] / "docs/organization.md"
PROGRAM = Path(sys.executable).with_name("pool-inventory")


def command(folder: Path, *arguments: str, **environment: str) -> "subprocess.CompletedProcess[bytes]":
    variables = {name: value for name, value in os.environ.items() if name != "COLUMNS"}
    return subprocess.run(  # noqa: S603 - our own program
        [PROGRAM, *arguments], cwd=folder, env={**variables, **environment}, capture_output=True, check=False
    )


@pytest.fixture(scope="module")
def shown(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, list[str]]:
    """The folder of a demo, whose name has a space, and the lines that it showed at 80 columns."""
    folder = tmp_path_factory.mktemp("a checkout")
    ran = command(folder, "demo", "--organization", COLUMNS="80")
    assert (ran.returncode, ran.stderr) == (0, b"")
    return folder, ran.stdout.decode().splitlines()


def test_its_last_line_counts_and_says_that_it_is_sound(shown: tuple[Path, list[str]]) -> None:
    assert shown[1][-1] == "12 accounts, 36 targets, 535 pools. Sound."


def test_the_table_has_one_account_denied_and_one_failed(shown: tuple[Path, list[str]]) -> None:
    rows = [re.split(r"\s{2,}", line) for line in shown[1] if re.match(r"\d{12}  ", line)]
    assert len(rows) == 12
    assert [row[2:] for row in rows[:10] if row[2] != "3 of 3" or len(row) != 4] == []
    assert rows[9][1:] == ["sandbox", "3 of 3", "0"]
    assert [row[1:] for row in rows[10:]] == [
        ["partner portal", "0 of 3", "-", "denied (AccessDenied)"],
        ["warehouse", "0 of 3", "-", "failed (NoPart)"],
    ]


def test_the_story_is_some_30_lines_of_80_columns(shown: tuple[Path, list[str]]) -> None:
    lines = [line for line in shown[1] if str(PROGRAM) not in line]
    assert len(shown[1]) <= 34
    assert max(map(cell_len, lines)) <= 80


def test_the_page_shows_what_it_says(shown: tuple[Path, list[str]]) -> None:
    (block,) = re.findall(r"(?ms)^\$ make run-organization\n(.*?)^```$", PAGE.read_text(encoding="utf-8"))
    assert [*map(comparable, block.splitlines())] == [*map(comparable, shown[1])]


def comparable(line: str) -> str:
    """A line less the day, and less where the command is."""
    return re.sub(r"\S*pool-inventory ", "pool-inventory ", re.sub(r"\d{4}-\d\d-\d\dT\d\d-00Z", "ID", line))


def test_the_commands_that_it_names_work(shown: tuple[Path, list[str]]) -> None:
    folder, lines = shown
    summary, show = (line.partition("pool-inventory ")[2].split() for line in lines if " out-organization" in line)
    assert command(folder, *summary, COLUMNS="80").returncode == 0
    kept = command(folder, *show, COLUMNS="80").stdout.decode()
    assert "us-east-1_" in kept
    assert "last read in" in " ".join(kept.split())


@pytest.mark.slow
def test_it_works_in_a_pipe_under_all_that_a_user_may_have_set(tmp_path: Path) -> None:
    settings = {"LANG": "C", "LC_ALL": "C", "NO_COLOR": "1", "AWS_PROFILE": "nobody", "INVENTORY_PREFIX": "other"}
    ran = command(tmp_path, "demo", "--organization", "--to", "an out", **settings)
    assert (ran.returncode, ran.stderr) == (0, b"")
    assert b"\x1b" not in ran.stdout
    assert b"210000000003\tpartner portal\t0 of 3\t-\tdenied (AccessDenied)\n" in ran.stdout
    assert b" summary 'an out'\n" in ran.stdout


def test_ctrl_c_ends_it_without_a_traceback(tmp_path: Path) -> None:
    process = subprocess.Popen(  # noqa: S603 - our own program
        [PROGRAM, "demo", "--organization"], cwd=tmp_path, stdout=subprocess.PIPE, stderr=subprocess.PIPE
    )
    assert process.stdout
    assert process.stdout.readline().startswith(b"A stand-in")
    time.sleep(1)
    process.send_signal(signal.SIGINT)
    _, said = process.communicate(timeout=60)
    assert process.returncode == 130
    assert b"Traceback" not in said
    assert not (tmp_path / "out-organization").exists()


@pytest.mark.slow
def test_two_at_once_into_one_folder_are_both_sound(tmp_path: Path) -> None:
    both = [
        subprocess.Popen([PROGRAM, "demo", "--organization"], cwd=tmp_path, stdout=subprocess.PIPE)  # noqa: S603 - our own program
        for _ in range(2)
    ]
    for process in both:
        said, _ = process.communicate(timeout=120)
        assert said.endswith(b" Sound.\n")


def test_a_folder_that_is_not_a_demos_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "thesis.txt").write_text("years of work")
    with pytest.raises(InventoryError, match="holds something that is not a demo's: name another folder with --to"):
        run_organization_demo(tmp_path, Console(file=io.StringIO()))
