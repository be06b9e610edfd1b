"""What every command of the terminal shares: how it exits, reports errors, takes a location, and writes."""

import json
import os
import re
import shutil
import sys
import textwrap
import uuid
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, TypeVar

import click
from click.core import ParameterSource
from click.shell_completion import CompletionItem

from pool_inventory import settings
from pool_inventory.clock import Clock
from pool_inventory.errors import InventoryError, StoreError, TargetsError
from pool_inventory.events import parse_time, to_the_minute
from pool_inventory.settings import Variable
from pool_inventory.snapshots import keys
from pool_inventory.terminal.streams import check_output, is_lost
from pool_inventory.text import one_line, printable_json

T = TypeVar("T")

EXIT_COMPLETE = 0
EXIT_ERROR = 1
EXIT_PARTIAL = 3
EXIT_UNSOUND = 4
# As a shell has it: 128 and the number of the signal.
EXIT_INTERRUPTED = 130

_FIRST_MINUTE = "00:00"
_LAST_MINUTE = "23:59"
_UNITS = {"m": "minutes", "h": "hours", "d": "days", "w": "weeks"}
# An error may name each region of a partition, and what was wrong there.
_MAX_CHARACTERS = 20_000


@dataclass(frozen=True, slots=True)
class Moment:
    """Which snapshot is meant: the one of this id, or else the newest up to it, where a time was given."""

    snapshot_id: str
    exact: bool


def parse_location(_context: click.Context, _parameter: click.Parameter, text: str) -> str:
    """Check a location: s3://BUCKET or s3://BUCKET/PREFIX, or a folder, of which there is nothing to check."""
    if "://" not in text:
        return text
    bucket, prefix = split_address(text)
    try:
        settings.BUCKET.parse(bucket)
        settings.PREFIX.parse(prefix)
    except ValueError as error:
        raise click.BadParameter(
            f"{text!r}: {error}: name s3://BUCKET/PREFIX, such as s3://my-inventory/user-pools, or a folder"
        ) from error
    return text


def complete_location(_context: click.Context, _parameter: click.Parameter, incomplete: str) -> list[CompletionItem]:
    """Return that the shell completes the name of a folder; to list buckets would take a call."""
    return [] if incomplete.startswith("s3:") else [CompletionItem(incomplete, type="dir")]


def split_address(address: str) -> tuple[str, str]:
    """Return the bucket and the prefix of s3://BUCKET/PREFIX; without one, the default prefix."""
    bucket, _, prefix = address.removeprefix("s3://").rstrip("/").partition("/")
    return bucket, prefix or str(settings.PREFIX.default)


def parse_moment(_context: click.Context, _parameter: click.Parameter, text: str | None) -> Moment | None:
    """Check an option that names the newest snapshot up to a time, or to the end of a day; or one by its id."""
    return None if text is None else _moment(text, _LAST_MINUTE)


def parse_since(_context: click.Context, _parameter: click.Parameter, text: str | None) -> Moment | None:
    """Check an option that names the first snapshot from a time on, or from the start of a day; or one by its id."""
    return None if text is None else _moment(text, _FIRST_MINUTE)


def _moment(text: str, minute_of_a_day: str) -> Moment:
    with suppress(ValueError):  # it is a time then, or neither
        keys.snapshot_time(text)
        return Moment(text, exact=True)
    now = Clock().now()
    day = _day(text, now)
    try:
        time = _ago(text, now) or parse_time(f"{day}T{minute_of_a_day}Z" if day else text, now)
    except ValueError as error:
        others = (
            "; or a day, such as 2026-11-24 or yesterday; or how long ago, such as 24h or 7d; or a snapshot's id, "
            "such as 2026-11-24T18-00Z"
        )
        is_unknown = str(error).startswith("is no time")
        raise click.BadParameter(f"{text!r} {error}{others if is_unknown else ''}") from error
    return Moment(keys.snapshot_id(time), exact=False)


def _day(text: str, now: datetime) -> str | None:
    """Return the day in UTC that a text names, in ISO 8601; None where it names none."""
    days_ago = {"today": 0, "yesterday": 1}.get(text)
    if days_ago is not None:
        return (now - timedelta(days=days_ago)).date().isoformat()
    return text if re.fullmatch(r"\d{4}-\d\d-\d\d", text, re.ASCII) else None


def _ago(text: str, now: datetime) -> datetime | None:
    """Return the time so many minutes, hours, days or weeks before now, None where the text is none of these."""
    found = re.fullmatch(r"(\d{1,6})([mhdw])", text, re.ASCII)
    if not found:
        return None
    try:
        return to_the_minute(now - timedelta(**{_UNITS[found[2]]: int(found[1])}))
    except OverflowError:
        raise ValueError("is before the calendar begins") from None


def parse_list(_context: click.Context, parameter: click.Parameter, texts: tuple[str, ...]) -> tuple[str, ...]:
    """Return what an option names that may be repeated and may be a comma list."""
    names = tuple(name.strip() for text in texts for name in text.split(","))
    if not all(names):
        raise click.BadParameter(
            f"{','.join(texts)!r} has an empty name: use one name, or several with commas between", param=parameter
        )
    return names


def parsed_by(parse: Callable[[str], T]) -> Callable[[click.Context, click.Parameter, str | None], T | None]:
    """Return the check of an option by a function that raises ValueError with what is wrong."""

    def check(_context: click.Context, _parameter: click.Parameter, text: str | None) -> T | None:
        try:
            return None if text is None else parse(text)
        except ValueError as error:
            raise click.BadParameter(f"{text!r} {error}") from error

    return check


def checked_as(variable: Variable[T]) -> Callable[[click.Context, click.Parameter, str], T]:
    """Return the check of an option as the function's variable of the same meaning is checked."""

    def check(context: click.Context, parameter: click.Parameter, text: str) -> T:
        try:
            return variable.parse(text)
        except ValueError as error:
            # It may name a part of the value, or all of it.
            message = str(error) if str(error).startswith(repr(text)) else f"{text!r}: {error}"
            raise click.BadParameter(message, param_hint=_source(context, parameter)) from error

    return check


def _source(context: click.Context, parameter: click.Parameter) -> str | None:
    """Return the option that gave a value; None where the variable did, for click to name both."""
    is_set_by_variable = context.get_parameter_source(parameter.name or "") is ParameterSource.ENVIRONMENT
    return None if is_set_by_variable else f"'{parameter.opts[-1]}'"


@contextmanager
def configuration_errors() -> Iterator[None]:
    """Turn what the user's credentials and configuration raise into an error that says so.

    Raises:
        TargetsError: they cannot be used.
    """
    try:
        yield
    except _errors_said_as_they_are():
        raise
    except Exception as error:
        # botocore lets pass what a credential_process and the files of the AWS CLI lead to, such as RuntimeError
        # (expired already), JSONDecodeError, FileNotFoundError and ValueError (an endpoint that is no address).
        raise TargetsError(
            f"the credentials or the configuration of the AWS CLI cannot be used ({type(error).__name__}: {error}): "
            "correct them, or name another profile with --profile"
        ) from error


@contextmanager
def errors_on_one_line(*, needs_output: bool = True) -> Iterator[None]:
    """End with an error's text, without a traceback, where the user can act on it.

    Args:
        needs_output: what goes to standard output is what the command is for, so it failed where that is lost.
    """
    try:
        yield
        if needs_output:
            check_output()
    except _errors_said_as_they_are() as error:
        say_error(str(error))
        sys.exit(EXIT_ERROR)
    except KeyboardInterrupt:
        say("stopped: whatever was committed is whole, and the next run finishes it")
        sys.exit(EXIT_INTERRUPTED)


def _errors_said_as_they_are() -> tuple[type[Exception], ...]:
    """Return our errors and the SDK's own; where the SDK was not imported, it raised none."""
    sdk = sys.modules.get("botocore.exceptions")
    return (InventoryError, sdk.BotoCoreError) if sdk else (InventoryError,)


def say(text: str, colour: str | None = None) -> None:
    """Write a line to standard error, where it does not mix with what a script reads; on a terminal, wrapped."""
    line = one_line(text, _MAX_CHARACTERS)
    if sys.stderr.isatty():
        line = "\n".join(textwrap.wrap(line, shutil.get_terminal_size().columns, break_on_hyphens=False)) or line
    click.echo(click.style(line, fg=colour), file=sys.stderr)


def say_error(text: str) -> None:
    """Write what stopped the command, or a part of it, to standard error."""
    say(f"error: {text}")


def warn(text: str) -> None:
    """Write a warning to standard error; the command goes on."""
    say(f"warning: {text}", colour="yellow")


def write(content: dict[str, Any] | Iterable[str]) -> None:
    """Write to standard output: a document as JSON; or lines, with colours if it is a terminal that may have them."""
    if isinstance(content, dict):
        document = printable_json(json.dumps(content, indent=2, ensure_ascii=False))
        click.echo(document.encode(), file=sys.stdout)
        return
    click.echo("\n".join(content), file=sys.stdout, color=False if os.environ.get("NO_COLOR") else None)


def write_chunks(chunks: Iterable[bytes], output: Path | None) -> None:
    """Write bytes to a file, which is there whole or as it was before, or to standard output.

    Raises:
        StoreError: the file cannot be written.
    """
    if output is None:
        for chunk in chunks:
            sys.stdout.buffer.write(chunk)
            if is_lost(sys.stdout):
                return
        return
    try:
        # A device, a pipe or a link must stay what it is.
        if output.is_symlink() or (output.exists() and not output.is_file()):
            with output.open("wb") as file:
                file.writelines(chunks)
        else:
            _write_whole(chunks, output)
    except OSError as error:
        raise StoreError(
            f"cannot write {output}: {error.strerror or error}: name a file in a folder that can be written to"
        ) from error


def _write_whole(chunks: Iterable[bytes], output: Path) -> None:
    aside = output.with_name(f".{output.name}.{uuid.uuid4().hex}.part")
    try:
        with aside.open("xb") as file:
            file.writelines(chunks)
        aside.replace(output)
    finally:
        aside.unlink(missing_ok=True)


def parse_output(_context: click.Context, _parameter: click.Parameter, path: Path | None) -> Path | None:
    """Check the file that an option names."""
    if path is not None and not path.name:
        raise click.BadParameter("it has no name: name a file")
    return path


def terminal_width() -> int | None:
    """Return the columns that a table must fit into; None where output is not to a terminal."""
    if sys.stdout.isatty() or "COLUMNS" in os.environ:
        return shutil.get_terminal_size().columns
    return None
