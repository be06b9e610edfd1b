"""The command that writes the known pools to a file: export."""

import sys
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

import click

from pool_inventory.snapshots import archive, formats, schema, table
from pool_inventory.snapshots.known import Known
from pool_inventory.terminal.console import Moment, parse_output, warn, write_chunks
from pool_inventory.terminal.reading import (
    at,
    choose,
    newest_unless,
    only_read_option,
    opened,
    read_known,
    reading_command,
    say_age,
)
from pool_inventory.terminal.reports import unread_lines
from pool_inventory.text import printable_json


def _ndjson_chunks(known: Known) -> Iterator[bytes]:
    """Return the rows as lines of JSON, with nothing in them that moves a cursor."""
    return (printable_json(line.decode()).encode() for line in known.lines())


def _json_chunks(known: Known) -> Iterator[bytes]:
    """Return the rows as one array."""
    yield b"["
    for number, line in enumerate(_ndjson_chunks(known)):
        yield (b",\n" if number else b"\n") + line.rstrip()
    yield b"\n]\n"


# Each takes what is known, and whether to defuse cells.
_EXPORTS: dict[str, Callable[[Known, bool], Iterable[bytes]]] = {
    "csv": lambda known, defuse: formats.csv_lines(schema.DATA, known.lines(), defuse=defuse),
    "json": lambda known, _defuse: _json_chunks(known),
    "ndjson": lambda known, _defuse: _ndjson_chunks(known),
    "parquet": lambda known, _defuse: (table.encode(schema.DATA, known.lines(), {"snapshotId": known.snapshot_id}),),
}


@click.command()
@reading_command
@at
@click.option(
    "--format",
    "file_format",
    type=click.Choice(tuple(_EXPORTS)),
    help="Which format. [default: the ending of the file that -o names]",
)
@click.option(
    "-o",
    "--output",
    type=click.Path(dir_okay=False, path_type=Path),
    callback=parse_output,
    help="Where to write. [default: standard output]",
)
@click.option(
    "--raw-cells",
    is_flag=True,
    help="csv: leave cells that begin with = + - @ tab or CR as they are. A spreadsheet takes them for formulas, so "
    "they get an apostrophe before them otherwise.",
)
@only_read_option
def export(
    *,
    location: str,
    profile: str | None,
    as_json: bool,
    moment: Moment | None,
    file_format: str | None,
    output: Path | None,
    raw_cells: bool,
    only_read: bool,
) -> None:
    """Write the known user pools in another format.

    LOCATION is s3://BUCKET/PREFIX or a folder. csv has a header, structs flattened into columns with dotted names, and
    CRLF, as RFC 4180 has it. It is for files: its cells have all characters as they are, those that steer a terminal,
    too, where json and ndjson have escapes. --json is --format json.
    """
    ending = output.suffix.removeprefix(".") if output else ""
    chosen = file_format or ("json" if as_json else ending if ending in _EXPORTS else None)
    if chosen is None or (as_json and chosen != "json"):
        raise click.UsageError("name one format: --format csv, ndjson, json or parquet, or -o with such an ending")
    if chosen in {"csv", "parquet"} and output is None and sys.stdout.isatty():
        raise click.UsageError(f"{chosen} is for files, not for a terminal: name a file with -o FILE")
    with opened(location, profile) as store:
        made = choose(store, moment)
        chunks = _EXPORTS[chosen](read_known(store, made, only_read=only_read), not raw_cells)
        unread = [each for each in archive.read_coverage(store, made) if each.has_unknown_pools]
        for line in unread_lines(unread):
            warn(line)
        write_chunks(chunks, output)
        if newest := newest_unless(moment, made):
            say_age(newest)
