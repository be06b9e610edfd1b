"""The command that answers SQL: sql."""

import json
import math
import re
import signal
import sys
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from decimal import Decimal
from types import FrameType
from typing import Any

import click
from rich.cells import cell_len

from pool_inventory.snapshots import formats
from pool_inventory.snapshots.schema import Column, Kind
from pool_inventory.terminal import queries
from pool_inventory.terminal.answers import TABLE, format_of, format_option
from pool_inventory.terminal.console import (
    EXIT_INTERRUPTED,
    complete_location,
    errors_on_one_line,
    parse_location,
    say,
    terminal_width,
    warn,
    write,
    write_chunks,
)
from pool_inventory.terminal.location import open_location
from pool_inventory.terminal.reading import newest_if_readable, say_age
from pool_inventory.terminal.tables import plain_lines
from pool_inventory.text import printable_json

Rows = Iterable[Sequence[Any]]

# Each is a file to fetch; a year of them, every hour, is 8,760.
DEFAULT_LAST = 1000
# DuckDB gives its infinite times as the last and the first that Python has.
_INFINITE = {datetime.max.replace(tzinfo=UTC): "infinity", datetime.min.replace(tzinfo=UTC): "-infinity"}


@click.command()
@click.argument("location", callback=parse_location, shell_complete=complete_location)
@click.argument("query", metavar="SQL")
@click.option("--profile", help="Whose credentials to use for s3://: a profile of the AWS CLI's configuration.")
@format_option
@click.option(
    "--last",
    metavar="NUMBER",
    type=click.IntRange(min=1),
    default=DEFAULT_LAST,
    show_default=True,
    help="Of how many snapshots, the newest, the other tables than `user_pools` have rows.",
)
def sql(*, location: str, query: str, profile: str | None, file_format: str | None, last: int) -> None:
    """Answer a query in SQL over the inventory's tables.

    The SQL is DuckDB's. LOCATION is s3://BUCKET/PREFIX or a folder. The tables are `user_pools`, what is known now;
    and of each kept snapshot, by its `snapshot_time`: `data`, what it read; `carried`, what it knew from earlier;
    `coverage`, what was asked and how it went; `changes`; `accounts`, of an organization. Times are in UTC. A query
    reads these and reaches nothing else.

    \b
    Examples:
      pool-inventory sql out "SELECT region, count(*) FROM user_pools GROUP BY 1"
      pool-inventory sql out -o csv "FROM changes" > changes.csv
    """  # noqa: D301 - \b is click's mark for lines that are not to be wrapped
    chosen = format_of(file_format)
    with errors_on_one_line(), _stopped_by_signals():
        store = open_location(location, profile)
        with queries.opened(store, query, last, warn) as connection:
            names, rows = queries.answer_of(connection, query)
            if chosen == TABLE:
                write(_table(names, rows))
            else:
                write_chunks(_FORMATS[chosen](names, rows), None)
        if newest := newest_if_readable(store):
            say_age(newest)


@contextmanager
def _stopped_by_signals() -> Iterator[None]:
    """End on SIGTERM as on Ctrl-C, and not at once: copies of the inventory are to be removed."""

    def stop(number: int, _frame: FrameType | None) -> None:
        sys.exit(128 + number)

    before = signal.signal(signal.SIGTERM, stop)
    try:
        yield
    except KeyboardInterrupt:
        say("stopped")
        sys.exit(EXIT_INTERRUPTED)
    finally:
        signal.signal(signal.SIGTERM, before)


def _table(names: Sequence[str], rows: Rows) -> list[str]:
    cells = [[_text(value) for value in row] for row in rows]
    numbers = [name for name, column in zip(names, zip(*cells, strict=True), strict=False) if _are_numbers(column)]
    width = terminal_width()
    lines = plain_lines(names, cells, width=width, right=numbers)
    if width is None or not cells or max(cell_len(click.unstyle(line)) for line in lines) <= width:
        return lines
    # So many columns do not fit, however they are cut.
    return [line for row in cells for line in _record(names, row, width)]


def _record(names: Sequence[str], row: Sequence[str], width: int) -> list[str]:
    lines = plain_lines(("column", "value"), zip(names, row, strict=True), width=width, wrap_last=True)
    return [*lines, ""]


def _are_numbers(cells: Iterable[str]) -> bool:
    return all(re.fullmatch(r"(-?[\d.]+(e[+-]\d+)?)?", cell, re.ASCII) for cell in cells)


def _ndjson(names: Sequence[str], rows: Rows) -> Iterator[bytes]:
    for row in rows:
        document = dict(zip(names, map(_plain, row), strict=True))
        yield printable_json(_json_text(document)).encode() + b"\n"


def _json(names: Sequence[str], rows: Rows) -> Iterator[bytes]:
    yield b"["
    for number, line in enumerate(_ndjson(names, rows)):
        yield (b",\n" if number else b"\n") + line.rstrip()
    yield b"\n]\n"


def _csv(names: Sequence[str], rows: Rows) -> Iterator[bytes]:
    lines = (json.dumps(dict(zip(names, map(_text, row), strict=True))).encode() for row in rows)
    return formats.csv_lines(tuple(Column(name, Kind.STRING) for name in names), lines)


_FORMATS: dict[str, Callable[[Sequence[str], Rows], Iterator[bytes]]] = {"json": _json, "ndjson": _ndjson, "csv": _csv}


def _plain(value: object) -> object:
    """Return a value of DuckDB's as JSON has it: times as in all of our JSON, numbers as numbers."""
    if value is None or isinstance(value, str | int | Decimal):
        return value
    if isinstance(value, float):
        return value if math.isfinite(value) else str(value)
    if isinstance(value, datetime):
        return _time(value)
    if isinstance(value, dict):
        return {str(_plain(name)): _plain(each) for name, each in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(each) for each in value]
    return value.hex() if isinstance(value, bytes) else str(value)


def _time(value: datetime) -> str:
    """Return a time as in all of our JSON, but as fine as it is."""
    in_utc = value.replace(tzinfo=UTC)
    if in_utc in _INFINITE:
        return _INFINITE[in_utc]
    part = "microseconds" if value.microsecond % 1000 else "milliseconds" if value.microsecond else "seconds"
    return value.isoformat(timespec=part).replace("+00:00", "Z")


def _json_text(plain: object) -> str:
    """Return JSON of what _plain returns; the json module would round a Decimal."""
    if isinstance(plain, Decimal):
        return f"{plain:f}"
    if isinstance(plain, dict):
        return "{" + ", ".join(f"{_json_text(name)}: {_json_text(each)}" for name, each in plain.items()) + "}"
    if isinstance(plain, list):
        return "[" + ", ".join(map(_json_text, plain)) + "]"
    return json.dumps(plain, ensure_ascii=False)


def _text(value: object) -> str:
    """Return a value as a cell: null is empty, and a struct has only what is there."""
    if isinstance(value, dict):
        value = {name: each for name, each in value.items() if each is not None}
    plain = _plain(value)
    if plain is None or isinstance(plain, str):
        return plain or ""
    return _json_text(plain)
