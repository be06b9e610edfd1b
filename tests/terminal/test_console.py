import errno
import os
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path

import click
import pytest
from click.testing import CliRunner
from pool_inventory.clock import Clock
from pool_inventory.stores.folder import FolderStore
from pool_inventory.terminal import command_line as cli
from pool_inventory.terminal import console
from pool_inventory.terminal.console import Moment, parse_list, parse_moment, parse_since

from tests.chains import Reading, add_chain, identifier
from tests.terminal.inventories import pool

CONTEXT = click.Context(click.Command("show"))
OPTION = click.Option(["--region"])


@pytest.mark.parametrize(
    ("text", "up_to", "since"),
    [
        ("2026-11-24", "2026-11-24T23-59Z", "2026-11-24T00-00Z"),
        ("2026-11-24T18:00:00Z", "2026-11-24T18-00Z", "2026-11-24T18-00Z"),
        ("2026-11-24T18:00:00+02:00", "2026-11-24T16-00Z", "2026-11-24T16-00Z"),
    ],
)
def test_a_day_is_whole_whichever_end_is_asked_for(text: str, up_to: str, since: str) -> None:
    assert parse_moment(CONTEXT, OPTION, text) == Moment(up_to, exact=False)
    assert parse_since(CONTEXT, OPTION, text) == Moment(since, exact=False)


def test_today_and_yesterday_are_days_in_utc(monkeypatch: pytest.MonkeyPatch) -> None:
    now = datetime(2026, 11, 24, 0, 30, tzinfo=UTC)
    monkeypatch.setattr(console, "Clock", lambda: Clock(now=lambda: now))
    assert parse_since(CONTEXT, OPTION, "today") == Moment("2026-11-24T00-00Z", exact=False)
    assert parse_since(CONTEXT, OPTION, "yesterday") == Moment("2026-11-23T00-00Z", exact=False)
    assert parse_moment(CONTEXT, OPTION, "yesterday") == Moment("2026-11-23T23-59Z", exact=False)
    assert parse_since(CONTEXT, OPTION, "24h") == Moment("2026-11-23T00-30Z", exact=False)


def test_an_id_names_its_snapshot_alone() -> None:
    assert parse_since(CONTEXT, OPTION, "2026-11-24T18-00Z") == Moment("2026-11-24T18-00Z", exact=True)


def test_a_list_has_its_names_without_white_space() -> None:
    assert parse_list(CONTEXT, OPTION, ("us-east-1, eu-west-1", "sa-east-1")) == (
        "us-east-1",
        "eu-west-1",
        "sa-east-1",
    )
    assert parse_list(CONTEXT, OPTION, ()) == ()


@pytest.mark.parametrize("texts", [("",), ("us-east-1,,eu-west-1",), ("us-east-1", " ")])
def test_a_list_has_no_empty_name(texts: tuple[str, ...]) -> None:
    """It would otherwise ask for all."""
    with pytest.raises(click.BadParameter, match="has an empty name"):
        parse_list(CONTEXT, OPTION, texts)


@pytest.mark.parametrize(("address", "expected"), [("s3://b", ("b", "user-pools")), ("s3://b/a/c/", ("b", "a/c"))])
def test_an_address_without_a_prefix_has_the_default(address: str, expected: tuple[str, str]) -> None:
    assert console.split_address(address) == expected


def test_a_time_more_than_a_day_ahead_is_refused() -> None:
    ahead = (Clock().now() + timedelta(days=3)).date().isoformat()
    for parse in (parse_moment, parse_since):
        with pytest.raises(click.BadParameter, match="more than a day to come"):
            parse(CONTEXT, OPTION, ahead)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("show", "gs://inventory/pools"), "name s3://BUCKET/PREFIX"),
        (("show", "s3:///pools"), "name s3://BUCKET/PREFIX"),
        (("export", ".", "-o", "pools.xls"), "name one format"),
        (("show", ".", "--region", ""), "'' has an empty name: use one name, or several with commas between"),
        (("show", ".", "--region", "us-east-1,"), "'us-east-1,' has an empty name"),
        (("show", ".", "--account", " , "), "has an empty name"),
        (("show", ".", "--at", "2999-01-01"), "'2999-01-01' is more than a day to come"),
        (("show", ".", "--at", "2026-13-45"), "'2026-13-45' is no time in ISO 8601"),
        (("verify", ".", "--since", "2026-13-45"), "'2026-13-45' is no time in ISO 8601"),
        (("show", ".", "--at", "last week"), "or a snapshot's id, such as 2026-11-24T18-00Z"),
        (("show", ".", "--trigger", "x"), "'x' is no trigger: use pre_sign_up"),
        (("show", ".", "--trigger", "PreSignup2"), "'PreSignup2' is no trigger: did you mean pre_sign_up?"),
        (("show", ".", "--function", "arn of it"), "'arn of it' is no function: use its name, NAME:ALIAS"),
        (("diff", ".", "1", "2"), "or a snapshot's id"),
        (("show", ".", "--at", "999999w"), "'999999w' is before the calendar begins"),
        (("list", ".", "--last", "0"), "0 is not in the range"),
        (("export", ".", "-o", ""), "it has no name: name a file"),
        (("report", ".", "-o", ""), "it has no name: name a file"),
        (("export", "."), "name one format"),
        (("export", ".", "--json", "--format", "csv"), "name one format"),
        (("history", "."), "Missing argument 'POOL_ID'"),
        (("verify",), "Missing argument 'LOCATION'"),
    ],
)
def test_a_wrong_option_exits_2_and_says_what_is_valid(arguments: tuple[str, ...], message: str) -> None:
    result = CliRunner().invoke(cli.main, arguments)
    assert result.exit_code == 2
    assert message in " ".join(result.stderr.split())


def piped(folder: Path, *arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "pool_inventory", *arguments[:1], str(folder), *arguments[1:]]
    return subprocess.run(  # noqa: S603 - our own package
        command, capture_output=True, text=True, check=True, env={**os.environ, **environment}
    )


@pytest.mark.parametrize("arguments", [("export", "--format", "csv"), ("show",), ("show", "--json"), ("list",)])
def test_a_closed_pipe_ends_a_command_quietly(tmp_path: Path, arguments: tuple[str, ...]) -> None:
    reading: Reading = {"eu-west-1": [pool(number) for number in range(2000)]}
    add_chain(FolderStore(tmp_path), [reading])
    command = [sys.executable, "-m", "pool_inventory", arguments[0], str(tmp_path), *arguments[1:]]
    reader, writer = os.pipe()
    os.close(reader)
    with subprocess.Popen(  # noqa: S603 - our own package
        command, stdout=writer, stderr=subprocess.PIPE, text=True
    ) as process:
        os.close(writer)
        _, error = process.communicate(timeout=60)
    assert (process.returncode, error) == (0, "")


def test_output_to_no_terminal_has_no_colours_and_whole_lines(folder: Path) -> None:
    shown = piped(folder, "diff", identifier(0), identifier(2)).stdout
    assert "\x1b" not in shown
    assert "pre_sign_up: none → check:3" in shown


def test_a_character_that_the_terminal_lacks_is_no_error(tmp_path: Path) -> None:
    add_chain(FolderStore(tmp_path), [{"eu-west-1": [pool(1, Name="利用者")]}])
    assert r"\u5229\u7528\u8005" in piped(tmp_path, "show", PYTHONIOENCODING="ascii").stdout


@pytest.mark.parametrize(("no_color", "coloured"), [("", True), ("1", False)])
def test_colours_are_for_terminals_that_may_have_them(folder: Path, no_color: str, coloured: bool) -> None:  # noqa: FBT001 - a case
    import pty  # noqa: PLC0415 - only Unix has it

    main, terminal = pty.openpty()
    environment = {**os.environ, "TERM": "xterm-256color", "COLUMNS": "100", "NO_COLOR": no_color}
    command = [sys.executable, "-m", "pool_inventory", "list", str(folder)]
    with subprocess.Popen(command, stdout=terminal, env=environment) as process:  # noqa: S603 - our own package
        os.close(terminal)
        shown = b""
        try:
            while block := os.read(main, 4096):
                shown += block
        except OSError as error:
            assert error.errno == errno.EIO  # noqa: PT017 - Linux ends a terminal that nobody writes to so
    os.close(main)
    assert process.returncode == 0
    assert (b"\x1b[" in shown) == coloured
