"""The commands that read what is stored: verify, show, diff, history, list, export."""

import sys
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

import click

from pool_inventory.errors import InventoryError, RefusedError, SnapshotError
from pool_inventory.model import Coverage
from pool_inventory.snapshots import (
    archive,
    difference,
    formats,
    functions,
    keys,
    manifest,
    pool_history,
    schema,
    table,
)
from pool_inventory.snapshots.known import Known
from pool_inventory.snapshots.manifest import Manifest
from pool_inventory.snapshots.pools import TRIGGERS, Wanted, check_places, function_meant, read_pools, trigger_named
from pool_inventory.stores.protocol import Store
from pool_inventory.terminal import reports
from pool_inventory.terminal.console import (
    EXIT_ERROR,
    EXIT_UNSOUND,
    Moment,
    parse_list,
    parse_moment,
    parse_output,
    parse_since,
    parsed_by,
    say_error,
    terminal_width,
    warn,
    write,
    write_chunks,
)
from pool_inventory.terminal.reading import at, choose, only_read_option, opened, read_known, reading_command, say_age
from pool_inventory.terminal.sheets import Sheet, file_chunks, sheet_options
from pool_inventory.terminal.verify.chain import verify
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


@click.command("verify")
@reading_command
@click.option(
    "--since",
    "moment",
    metavar="TIME",
    callback=parse_since,
    help="Leave out the snapshots before a time, before a day in UTC (2026-11-24, yesterday), or older than so long "
    "(24h, 7d). [default: check all]",
)
def verify_command(*, location: str, profile: str | None, as_json: bool, moment: Moment | None) -> None:
    """Check that what is stored is what was written.

    Walks the chain of manifests from the newest back, and checks each manifest's hash against the one that names it,
    each file's size and hashes, row counts, and that all other objects follow from the data. LOCATION is
    s3://BUCKET/PREFIX or a folder.

    Exit status: 0 all is sound; 4 something is not, and each fault is named; 2 an option is wrong; 1 it could not be
    checked.
    """
    with opened(location, profile) as store:
        report = verify(store, since=moment.snapshot_id if moment else "")
        write(reports.verify_document(report) if as_json else reports.verify_lines(report, terminal_width()))
    sys.exit(EXIT_UNSOUND if report.faults else 0)


@click.command()
@reading_command
@at
@click.option(
    "--region",
    "regions",
    multiple=True,
    metavar="REGIONS",
    callback=parse_list,
    help="Only pools of this region, or of a comma list; repeatable.",
)
@click.option(
    "--account",
    "accounts",
    multiple=True,
    metavar="IDS",
    callback=parse_list,
    help="Only pools of this account, or of a comma list; repeatable.",
)
@click.option(
    "--trigger",
    metavar="NAME",
    callback=parsed_by(trigger_named),
    help=f"Only pools that have this trigger, as in PreSignUp or pre-sign-up: {', '.join(TRIGGERS)}.",
)
@click.option(
    "--function",
    "function",
    metavar="FUNCTION",
    callback=parsed_by(functions.asked_for),
    help="Only pools that call this function: its name, NAME:ALIAS, ACCOUNT:function:NAME or its ARN; any version, "
    "if it names none.",
)
@click.option("--name", metavar="GLOB", help="Only pools whose name is like this, such as 'customers*'.")
@only_read_option
@sheet_options
def show(  # noqa: PLR0913 - an option each
    *,
    location: str,
    profile: str | None,
    moment: Moment | None,
    regions: tuple[str, ...],
    accounts: tuple[str, ...],
    trigger: str | None,
    function: functions.Asked | None,
    name: str | None,
    only_read: bool,
    sheet: Sheet,
) -> None:
    """Show the user pools that are known as of a snapshot.

    LOCATION is s3://BUCKET/PREFIX or a folder. Regions that the snapshot did not read keep the pools of their last
    reading, and are named below them with its time.
    """
    wanted = Wanted(regions, accounts, trigger, function, name)
    with opened(location, profile) as store:
        made = choose(store, moment)
        covered = archive.read_coverage(store, made)
        check_places(wanted, covered)
        known = read_known(store, made, only_read=only_read)
        found = list(read_pools(known, wanted))
        if not found and function and (meant := function_meant(known, function)):
            warn(f"no pool calls a function {function.name!r}: {meant}")
        unread = [each for each in covered if wanted.has_target(each) and each.has_unknown_pools]
        _write_pools(sheet, made, found, unread)
        if sheet.file_format == "table":
            say_age(made, moment)


def _write_pools(sheet: Sheet, made: Manifest, found: Sequence[dict[str, Any]], unread: Sequence[Coverage]) -> None:
    rows = sheet.arranged(found)
    if sheet.file_format == "json":
        write(reports.pools_document(made, [sheet.chosen(row) for row in rows], unread))
    elif sheet.file_format == "table":
        write(reports.pools_lines(made, rows, len(found), unread, sheet, terminal_width()))
    else:
        for line in reports.unread_lines(unread):
            warn(line)
        write_chunks(file_chunks(sheet, rows), None)


@click.command()
@reading_command
@click.argument("before", metavar="[A]", required=False, callback=parse_moment)
@click.argument("after", metavar="[B]", required=False, callback=parse_moment)
def diff(*, location: str, profile: str | None, as_json: bool, before: Moment | None, after: Moment | None) -> None:
    """Show what differs between two snapshots.

    These are A and B, or A and the newest, or the newest and the one before. A and B are ids, such as
    2026-11-24T18-00Z, or times. LOCATION is s3://BUCKET/PREFIX or a folder. A region that either of them could not
    read is not compared, and is named below.
    """
    with opened(location, profile) as store:
        new = choose(store, after)
        old = choose(store, before) if before else _before(store, new)
        sides = {each.id: each for each in (old, new)}
        read = archive.in_turn(lambda each: difference.read_side(store, sides[each]), (old.id, new.id))
        found = difference.compare(*read)
        if as_json:
            write(reports.difference_document(old, new, found))
        else:
            write(reports.difference_lines(old, new, found, terminal_width()))
            say_age(new, after)


@click.command()
@reading_command
@click.argument("pool_id")
def history(*, location: str, profile: str | None, as_json: bool, pool_id: str) -> None:
    """Show when one user pool appeared, changed and was deleted.

    LOCATION is s3://BUCKET/PREFIX or a folder; POOL_ID is such as eu-west-1_aBcDeFgHi, or the pool's ARN.
    """
    pool_id = pool_id.rpartition(":userpool/")[2]
    with opened(location, profile) as store:
        found = pool_history.read_history(store, pool_id, archive.newest(store, warn))
        if as_json:
            write(reports.history_document(found))
        else:
            write(reports.history_lines(found, terminal_width()))
            say_age(found.newest)


@click.command("list")
@reading_command
@click.option("--last", metavar="NUMBER", type=click.IntRange(min=1), help="Only the newest so many. [default: all]")
def list_command(*, location: str, profile: str | None, as_json: bool, last: int | None) -> None:
    """List the snapshots, oldest first, and count what changed.

    Also shows how many pools each has, and how many of its regions could not be read. LOCATION is s3://BUCKET/PREFIX
    or a folder. Only manifests are read.
    """
    with opened(location, profile) as store:
        if store.get(keys.LATEST) is None:
            archive.warn_of_missing_latest(store, warn)
        identifiers = archive.newest_ids(store, last) if last else archive.finished_ids(store)
        errors: list[InventoryError] = []
        found = list(_readable(store, identifiers, errors))
        if as_json:
            write({"snapshots": [reports.manifest_document(each) for each in found]})
        else:
            write(reports.manifests_lines(found, terminal_width()))
            if found:
                say_age(found[-1])
        for error in errors:
            say_error(str(error))
    sys.exit(EXIT_ERROR if errors else 0)


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
        for line in reports.unread_lines(unread):
            warn(line)
        write_chunks(chunks, output)


def _before(store: Store, made: Manifest) -> Manifest:
    if made.previous is None:
        raise SnapshotError(f"{made.id} is the first snapshot, so there is none before it to compare it with")
    return manifest.read(store, made.previous.snapshot_id)


def _readable(store: Store, identifiers: list[str], errors: list[InventoryError]) -> Iterator[Manifest]:
    """Return the manifests that can be read, and add why the others cannot."""

    def read(identifier: str) -> Manifest | InventoryError:
        try:
            return manifest.read(store, identifier)
        except (SnapshotError, RefusedError) as error:
            return error

    for each in archive.in_turn(read, identifiers):
        if isinstance(each, InventoryError):
            errors.append(each)
        else:
            yield each
