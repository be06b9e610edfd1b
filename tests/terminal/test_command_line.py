import json
import os
import shlex
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner
from pool_inventory.stores.folder import FolderStore
from pool_inventory.terminal import command_line

from tests.chains import add_chain, changing_readings

PROGRAM = Path(sys.executable).with_name("pool-inventory")
# Each takes longer to import than a shell's user waits for a completion.
SDK = {"aws_lambda_powertools", "boto3", "botocore", "tenacity", "urllib3"}
STAND_IN = {"flask", "moto", "werkzeug"}
SLOW = SDK | STAND_IN | {"arro3", "duckdb", "jinja2", "rich"}
# Each command that reads a folder, with what it needs of that which is slow.
READING: dict[str, set[str]] = {
    "show FOLDER": {"arro3", "rich"},
    "show FOLDER --json": {"arro3", "rich"},
    "diff FOLDER": {"arro3", "rich"},
    "history FOLDER POOL": {"arro3", "rich"},
    "list FOLDER": {"arro3", "rich"},
    "export FOLDER --format csv": {"arro3", "rich"},
    "verify FOLDER": {"arro3", "rich"},
    "summary FOLDER": {"arro3", "rich"},
    "functions FOLDER": {"arro3", "rich"},
    "report FOLDER -o /dev/null": {"arro3", "jinja2", "rich"},
    "sql FOLDER 'SELECT 1'": {"arro3", "duckdb", "rich"},
}
COMMANDS = command_line.loaded()


@pytest.mark.parametrize("name", COMMANDS)
def test_the_summary_is_the_first_sentence_of_a_commands_help(name: str) -> None:
    summary = " ".join(str(COMMANDS[name].help).partition("\n\n")[0].split())
    assert (command_line.main.commands[name].help, COMMANDS[name].name) == (summary, name)


def slow_modules(*arguments: str, **environment: str) -> tuple[str, set[str]]:
    """What a command writes in a process of its own, and which of the slow modules it imports."""
    script = """
import json, sys
sys.argv[0] = "pool-inventory"
from pool_inventory import __main__ as program
program.os._exit = lambda status: None
program.main()
print(json.dumps(sorted(sys.modules)))
"""
    ran = subprocess.run(  # noqa: S603 - the script above
        [sys.executable, "-c", script, *arguments],
        env={**os.environ, **environment},
        capture_output=True,
        encoding="utf-8",
        check=True,
    )
    said, _, modules = ran.stdout.rstrip("\n").rpartition("\n")
    return said, SLOW & set(json.loads(modules))


@pytest.fixture(scope="module")
def inventory(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """A folder of two snapshots, and a pool in it."""
    folder = tmp_path_factory.mktemp("inventory")
    readings = changing_readings(2)
    add_chain(FolderStore(folder), readings)
    return {"FOLDER": str(folder), "POOL": (readings[0]["eu-west-1"] or [])[0]["Id"]}


def test_help_imports_none_of_what_is_slow() -> None:
    said, slow = slow_modules("--help")
    assert "Take a snapshot now, with your own credentials." in said
    assert slow == set()


@pytest.mark.parametrize("words", READING)
def test_reading_a_folder_imports_only_what_it_needs(inventory: dict[str, str], words: str) -> None:
    said, slow = slow_modules(*(inventory.get(word, word) for word in shlex.split(words)))
    assert said or "-o" in words
    assert slow == READING[words]


def test_reading_commands_are_all_in_the_test_above() -> None:
    assert {words.split()[0] for words in READING} == COMMANDS.keys() - {"run", "demo", "doctor"}


def test_help_of_run_imports_no_sdk() -> None:
    said, slow = slow_modules("run", "--help")
    assert "--max-requests-per-second" in said
    assert slow == set()


def completed(words: str) -> tuple[list[str], set[str]]:
    """What bash is told that a line may go on with, and which of the slow modules that takes."""
    position = str(len(shlex.split(words)) - (not words.endswith(" ")))
    variables = {"_POOL_INVENTORY_COMPLETE": "bash_complete", "COMP_WORDS": words, "COMP_CWORD": position}
    said, slow = slow_modules(**variables)
    return said.splitlines(), slow


def test_completing_a_command_imports_none_of_what_is_slow() -> None:
    assert completed("pool-inventory s") == (["plain,show", "plain,sql", "plain,summary"], set())


@pytest.mark.parametrize("command", [name for name in COMMANDS if name != "doctor"])
def test_completing_an_option_imports_no_sdk(command: str) -> None:
    said, slow = completed(f"pool-inventory {command} --h")
    assert said == ["plain,--help"]
    assert slow <= {"arro3", "rich"}


def test_values_and_folders_are_completed() -> None:
    assert completed("pool-inventory export out --format p")[0] == ["plain,parquet"]
    for words in ("show ou", "sql ou", "report ou", "run --to ou"):
        assert completed(f"pool-inventory {words}")[0] == ["dir,ou"]
    assert completed("pool-inventory show s3://inv")[0] == []


def test_bash_completes_by_the_line_that_the_docs_have(tmp_path: Path) -> None:
    script = """
complete() { :; }
eval "$(_POOL_INVENTORY_COMPLETE=bash_source pool-inventory)"
COMP_WORDS=(pool-inventory hist) COMP_CWORD=1
_pool_inventory_completion pool-inventory
echo "${COMPREPLY[@]}"
"""
    environment = {**os.environ, "PATH": f"{PROGRAM.parent}:/usr/bin:/bin"}
    ran = subprocess.run(["bash", "-c", script], env=environment, capture_output=True, encoding="utf-8", check=True)  # noqa: S603, S607 - bash, with the script above
    assert ran.stdout == "history\n"


@pytest.mark.parametrize(("shell", "line"), [("zsh", "compdef _pool_inventory_completion"), ("fish", "complete")])
def test_other_shells_get_a_script_of_their_own(shell: str, line: str) -> None:
    environment = {**os.environ, "_POOL_INVENTORY_COMPLETE": f"{shell}_source"}
    ran = subprocess.run([PROGRAM], env=environment, capture_output=True, encoding="utf-8", check=True)  # noqa: S603 - this program
    assert line in ran.stdout


@pytest.mark.parametrize("command", [None, *COMMANDS])
def test_help_fits_80_columns_and_no_summary_is_cut(command: str | None) -> None:
    """click ends a summary that does not fit with three dots."""
    result = CliRunner().invoke(command_line.main, [*([command] if command else []), "--help"], terminal_width=80)
    assert result.exit_code == 0
    lines = result.stdout.splitlines()
    assert [line for line in lines if len(line) > 80] == []
    assert command or [line for line in lines[1:] if line.endswith("...")] == []


@pytest.mark.parametrize("when", ["the first import", "a command's import"])
def test_an_interrupt_while_modules_are_imported_is_quiet(when: str, tmp_path: Path) -> None:
    """Python would show where it was, and end with 1."""
    module = "click" if when == "the first import" else "pool_inventory.terminal.list_command"
    # A module of this name waits to be interrupted.
    script = f"""
import importlib.abc, os, runpy, signal, sys, time
signal.signal(signal.SIGINT, signal.default_int_handler)
class Slow(importlib.abc.MetaPathFinder):
    def find_spec(self, name, *_):
        if name == {module!r}:
            os.kill(os.getpid(), signal.SIGINT)
            time.sleep(5)
sys.meta_path.insert(0, Slow())
sys.argv = ["pool-inventory", "list", {str(tmp_path)!r}]
from pool_inventory.__main__ import main
main()
"""
    ran = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=False)  # noqa: S603 - this program
    # To a shell, to be ended by the signal is 130, too.
    assert ran.returncode in {130, -signal.SIGINT}
    assert (ran.stdout, ran.stderr.strip()) == ("", "")
