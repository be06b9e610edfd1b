"""The real program, in a process of its own, where its output has no place to go or no characters to be written in."""

import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from pool_inventory.snapshots import keys
from pool_inventory.stores.folder import FolderStore
from pool_inventory.terminal.demo.stand_in import StandIn, deny, listing, seed
from werkzeug.wrappers import Request, Response

from tests.chains import Reading, add_chain
from tests.makers import any_pool, any_pools

NAME = "Kunden, Köln 利用者"
POOL_ID = "eu-west-1_000000001"
READINGS: list[Reading] = [
    {"eu-west-1": [any_pool("eu-west-1", Id=POOL_ID, Name="old")]},
    {"eu-west-1": [any_pool("eu-west-1", Id=POOL_ID, Name=NAME), *any_pools(2000, "eu-west-1")], "us-east-1": None},
]
# make has these tests write UTF-8; an empty value is none.
C_LOCALE = {"PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0", "LC_ALL": "C", "PYTHONIOENCODING": ""}
FULL = ">/dev/full"
CLOSED = ">&-"
ALL_CLOSED = ">&- 2>&-"
ALL_FULL = ">/dev/full 2>/dev/full"
READING = [
    ("show",),
    ("diff",),
    ("history", POOL_ID),
    ("list",),
    ("verify",),
    ("export", "--format", "ndjson"),
    ("export", "--format", "parquet"),
]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    made = tmp_path_factory.mktemp("inventory")
    add_chain(FolderStore(made), READINGS)
    return made


def program(*arguments: str | Path, ends: str = "", **environment: str) -> subprocess.CompletedProcess[bytes]:
    """Runs the program with its output redirected as a shell does it, and caught where it is not."""
    ours = [sys.executable, "-m", "pool_inventory", *map(str, arguments)]
    return subprocess.run(  # noqa: S603 - our own package
        ["/bin/sh", "-c", f'exec "$0" "$@" {ends}', *ours],
        capture_output=True,
        check=False,
        env={**os.environ, **environment},
        timeout=60,
    )


def program_without_reader(*arguments: str | Path) -> subprocess.CompletedProcess[bytes]:
    """Runs the program with nobody at the other end of its output's pipe."""
    reader, writer = os.pipe()
    os.close(reader)
    try:
        return subprocess.run(  # noqa: S603 - our own package
            [sys.executable, "-m", "pool_inventory", *map(str, arguments)],
            stdout=writer,
            stderr=subprocess.PIPE,
            check=False,
            timeout=60,
        )
    finally:
        os.close(writer)


def located(folder: Path, arguments: tuple[str, ...]) -> tuple[str, ...]:
    return (arguments[0], str(folder), *arguments[1:])


@pytest.mark.parametrize("ends", [FULL, ALL_FULL, ALL_CLOSED])
@pytest.mark.parametrize(("regions", "status"), [("us-east-1", 0), ("sa-east-1,us-east-1", 3)])
def test_a_run_exits_by_its_snapshot_wherever_its_output_went(
    aws: StandIn, tmp_path: Path, regions: str, status: int, ends: str
) -> None:
    aws.answers.append(listing("sa-east-1", deny))
    ran = program("run", "--to", tmp_path / "out", "--regions", regions, ends=ends)
    assert (ran.returncode, ran.stdout) == (status, b"")
    assert (tmp_path / "out" / keys.LATEST).exists()
    # The progress, where that could be written.
    assert b"Traceback" not in ran.stderr
    assert b"Errno" not in ran.stderr


def test_a_run_whose_pipe_was_closed_exits_by_its_snapshot(aws: StandIn, tmp_path: Path) -> None:
    ran = program_without_reader("run", "--to", tmp_path / "out", "--regions", "us-east-1")
    assert ran.returncode == 0
    assert ran.stderr.decode() == "us-east-1 ok: pools 0, requests 1, retries 0\n"
    assert (tmp_path / "out" / keys.LATEST).exists()


def test_a_run_whose_progress_is_lost_still_says_how_it_ended(aws: StandIn, tmp_path: Path) -> None:
    ran = program("run", "--to", tmp_path / "out", "--regions", "us-east-1", ends="2>/dev/full")
    assert ran.returncode == 0
    assert "0 user pools read, complete" in ran.stdout.decode()


@pytest.mark.parametrize("arguments", READING)
def test_an_answer_that_a_full_device_lost_is_an_error(folder: Path, arguments: tuple[str, ...]) -> None:
    ran = program(*located(folder, arguments), ends=FULL)
    assert ran.returncode == 1
    *warnings, error = ran.stderr.decode().splitlines()
    assert all(each.startswith("warning: ") for each in warnings)
    assert error.startswith("error: cannot write to standard output: No space left on device: ")


@pytest.mark.parametrize("arguments", [("--help",), ("--version",), ("show", "--help")])
def test_help_that_was_lost_is_an_error_too(arguments: tuple[str, ...]) -> None:
    ran = program(*arguments, ends=FULL)
    assert ran.returncode == 1
    assert ran.stderr.decode().startswith("error: cannot write to standard output: No space left on device: ")
    assert program_without_reader(*arguments).returncode == 0


def test_an_answer_without_standard_output_is_an_error(folder: Path) -> None:
    ran = program("show", folder, "--json", ends=CLOSED)
    assert ran.returncode == 1
    assert ran.stderr.decode().startswith("error: cannot write to standard output: Bad file descriptor: ")
    assert program("show", folder, ends=ALL_CLOSED).returncode == 1


def test_a_pipe_that_does_not_block_gets_all_of_an_answer(folder: Path) -> None:
    reader, writer = os.pipe()
    os.set_blocking(writer, False)
    command = [sys.executable, "-m", "pool_inventory", "export", str(folder), "--format", "ndjson"]
    with subprocess.Popen(command, stdout=writer, stderr=subprocess.PIPE) as process:  # noqa: S603 - our own package
        os.close(writer)
        with open(reader, "rb") as answer:  # noqa: PTH123 - a descriptor has no path
            assert len(answer.readlines()) == 2001
        _, said = process.communicate(timeout=60)
    assert (process.returncode, b"Traceback" in said) == (0, False)


def test_an_export_to_a_file_needs_no_standard_output(folder: Path, tmp_path: Path) -> None:
    ran = program("export", folder, "--format", "ndjson", "-o", tmp_path / "pools", ends=ALL_CLOSED)
    assert ran.returncode == 0
    assert len((tmp_path / "pools").read_bytes().splitlines()) == 2001


def test_a_closed_pipe_does_not_turn_unsound_into_sound(tmp_path: Path) -> None:
    add_chain(FolderStore(tmp_path), READINGS[:1])
    (tmp_path / keys.LATEST_DATA).write_bytes(b"torn")
    assert program_without_reader("verify", tmp_path).returncode == 4


def test_a_wrong_option_exits_2_though_its_message_is_lost() -> None:
    assert program("show", ends=ALL_FULL).returncode == 2
    assert program("show", ends=ALL_CLOSED).returncode == 2


def test_the_demo_ends_well_wherever_its_output_went(tmp_path: Path) -> None:
    ran = program("demo", "--to", tmp_path / "out", ends=FULL)
    assert (ran.returncode, ran.stderr) == (0, b"")
    assert (tmp_path / "out/user-pools" / keys.LATEST).exists()


@pytest.mark.parametrize("arguments", [*READING[:-1], ("show", "--json")])
def test_an_encoding_that_lacks_a_character_is_no_error(folder: Path, arguments: tuple[str, ...]) -> None:
    ran = program(*located(folder, arguments), **C_LOCALE)
    assert (ran.returncode, b"Traceback" in ran.stderr) == (0, False)


@pytest.mark.parametrize(
    ("environment", "encoding", "shown"),
    [
        ({"PYTHONIOENCODING": "latin-1"}, "latin-1", r"Kunden, Köln \u5229\u7528\u8005"),
        ({"PYTHONIOENCODING": "ascii:strict"}, "ascii", r"Kunden, K\xf6ln \u5229\u7528\u8005"),
        (C_LOCALE, "ascii", r"Kunden, K\xf6ln \u5229\u7528\u8005"),
        ({"PYTHONIOENCODING": "utf-8:strict"}, "utf-8", NAME),
    ],
)
def test_a_name_is_shown_in_the_terminals_encoding(
    folder: Path, environment: dict[str, str], encoding: str, shown: str
) -> None:
    header, first, *_ = program("show", folder, COLUMNS="120", **environment).stdout.decode(encoding).splitlines()
    assert f"{shown}  " in first
    # The column is as wide as what is written, and a wide character takes two columns.
    wide = sum(each > "\u3000" for each in first)
    assert len(header.rpartition("modified")[0]) == len(first.rpartition("  ")[0]) + 2 + wide


def test_an_error_is_shown_in_the_terminals_encoding(tmp_path: Path) -> None:
    ran = program("show", tmp_path / NAME, PYTHONIOENCODING="latin-1:strict")
    assert ran.returncode == 1
    assert r"/Kunden, Köln \u5229\u7528\u8005: name one that holds" in ran.stderr.decode("latin-1")
    ran = program("show", ".", "--trigger", NAME, PYTHONIOENCODING="ascii:strict")
    assert ran.returncode == 2
    assert r"Error: Invalid value for '--trigger': 'Kunden, K\xf6ln \u5229" in ran.stderr.decode("ascii")


def test_an_export_is_utf_8_whatever_the_terminals_encoding(folder: Path) -> None:
    ran = program("export", folder, "--format", "ndjson", **C_LOCALE)
    assert NAME in {json.loads(line)["name"] for line in ran.stdout.decode("utf-8").splitlines()}


def test_the_demo_draws_its_tables_in_the_terminals_encoding(tmp_path: Path) -> None:
    ran = program("demo", "-v", "--to", tmp_path / "out", PYTHONIOENCODING="latin-1", COLUMNS="160")
    assert (ran.returncode, ran.stderr) == (0, b"")
    shown = ran.stdout.decode("latin-1")
    changes = shown[shown.index("Changes in ") :].partition("Keys in the bucket")[0].rstrip().splitlines()[1:]
    assert len({len(line) for line in changes}) == 1


def test_folders_whose_names_are_not_utf_8_are_read_and_written(aws: StandIn, tmp_path: Path) -> None:
    out = os.fsdecode(os.fsencode(tmp_path) + b"/K\xf6ln\x1b")
    ran = program("run", "--to", out, "--regions", "us-east-1")
    assert ran.returncode == 0, ran.stderr
    assert r"/K\xf6ln\x1b/data/" in ran.stdout.decode()
    assert program("verify", out, **C_LOCALE).stdout.endswith(b"Sound.\n")
    ran = program("export", out, "--json", "-o", f"{out}/none/x")
    assert (ran.returncode, ran.stderr.count(b"\n"), b"Traceback" in ran.stderr) == (1, 1, False)


def test_arguments_are_shown_without_control_characters() -> None:
    for arguments in (("\x1b[2J\u202e",), ("show", "--\x1b[2J\u202e"), ("show", ".", "\x1b[2J\u202e")):
        said = program(*arguments).stderr.decode()
        assert r"\u202e" in said
        assert all(line.isprintable() for line in said.splitlines())


@pytest.mark.parametrize("file_format", ["csv", "parquet"])
def test_a_file_format_is_not_written_to_a_terminal(folder: Path, file_format: str) -> None:
    import pty  # noqa: PLC0415 - only Unix has it

    main, terminal = pty.openpty()
    command = [sys.executable, "-m", "pool_inventory", "export", str(folder), "--format", file_format]
    ran = subprocess.run(  # noqa: S603 - our own package
        command, stdout=terminal, stderr=subprocess.PIPE, check=False, timeout=60
    )
    os.close(terminal)
    os.close(main)
    assert ran.returncode == 2
    assert f"Error: {file_format} is for files, not for a terminal: name a file with -o FILE" in ran.stderr.decode()


def test_the_process_ends_when_its_work_is_done(aws: StandIn, tmp_path: Path) -> None:
    """The thread that reads an answer that trickles is left behind, and nothing waits for it."""
    seed("us-east-1", any_pools(2))

    def trickle(_: Request) -> Response:
        def body() -> Iterator[bytes]:
            for _ in range(120):
                yield b" "
                time.sleep(1)

        return Response(body(), content_type="application/x-amz-json-1.1")

    aws.answers.append(listing("sa-east-1", trickle))
    # That ends the program after a minute, and the answer takes two.
    ran = program("run", "--to", tmp_path / "out", "--regions", "sa-east-1,us-east-1", "--timeout", "2")
    assert ran.returncode == 3
    assert "2 user pools read, partial" in ran.stdout.decode()
    assert (tmp_path / "out" / keys.LATEST).exists()
