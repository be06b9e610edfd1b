"""What a reading command answers, in the format that is asked for: a table, JSON, lines of JSON, or CSV."""

import functools
import json
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import click

from pool_inventory.snapshots import formats, schema
from pool_inventory.snapshots.manifest import Manifest
from pool_inventory.terminal.console import warn, write, write_chunks
from pool_inventory.terminal.reading import age_of, say_age
from pool_inventory.text import printable_json

TABLE, JSON, NDJSON, CSV = FORMATS = ("table", "json", "ndjson", "csv")


@dataclass(frozen=True, slots=True)
class Answer:
    """What there is to say, in all formats.

    Attributes:
        lines: for a person: tables, and what is to be said with them.
        document: the same for a script, as JSON.
        rows: the rows alone, for lines of JSON and for CSV.
        columns: those of CSV, flattened, which has no others.
        remarks: what the rows do not say, to be said beside them.
        newest: the newest snapshot, where it answers from that; None where another was asked for.
    """

    lines: Iterable[str]
    document: Mapping[str, Any]
    rows: Iterable[Mapping[str, Any]]
    columns: Sequence[str]
    remarks: Iterable[str]
    newest: Manifest | None


format_option = click.option(
    "-o",
    "--format",
    "file_format",
    type=click.Choice(FORMATS),
    help="How to write it. csv has an apostrophe before cells that a spreadsheet would take for formulas. "
    f"[default: {TABLE}]",
)
wide_option = click.option(
    "--wide", "is_wide", is_flag=True, help="table: leave cells whole, whatever fits the terminal."
)


def takes_format(function: Callable[..., None]) -> Callable[..., None]:
    """Add -o to a command that has --json, which is short for -o json; it gets the `file_format` of the two."""

    @functools.wraps(function)
    def command(*, file_format: str | None, as_json: bool, **others: object) -> None:
        function(file_format=format_of(file_format, as_json=as_json), **others)

    return format_option(command)


def format_of(file_format: str | None, *, as_json: bool = False) -> str:
    """Return the format that -o and --json ask for.

    Raises:
        click.UsageError: they ask for two, or for what a terminal should not get.
    """
    if as_json and file_format not in {None, JSON}:
        raise click.UsageError(f"--json and -o {file_format} are two formats: leave one of them out")
    chosen = JSON if as_json else file_format or TABLE
    if chosen == CSV and sys.stdout.isatty():
        # Its cells have all characters as they are, those that steer a terminal, too.
        raise click.UsageError("csv is for files, not for a terminal: send it to one, as in -o csv … > FILE")
    return chosen


def write_answer(file_format: str, answer: Answer) -> None:
    """Write an answer to standard output; to standard error what goes with it, and how old the newest snapshot is."""
    if file_format == JSON:
        write({**answer.document, **age_of(answer.newest)})
        return
    if file_format == TABLE:
        write(answer.lines)
    else:
        for each in answer.remarks:
            warn(each)
        write_chunks(chunks(file_format, answer.columns, answer.rows), None)
    if answer.newest:
        say_age(answer.newest)


def chunks(file_format: str, columns: Sequence[str], rows: Iterable[Mapping[str, Any]]) -> Iterator[bytes]:
    """Return rows as lines of JSON, with nothing in them that moves a cursor; or these columns of them as CSV."""
    if file_format == CSV:
        lines = (json.dumps(row).encode() for row in rows)
        yield from formats.csv_lines(tuple(schema.Column(name, schema.Kind.STRING) for name in columns), lines)
        return
    for row in rows:
        yield printable_json(json.dumps(row, ensure_ascii=False)).encode() + b"\n"
