"""The command that checks what is stored: verify."""

import sys
from collections.abc import Iterator
from contextlib import nullcontext
from typing import Any

import click

from pool_inventory.terminal.console import EXIT_UNSOUND, Moment, parse_since, terminal_width, write
from pool_inventory.terminal.progress import show_checked
from pool_inventory.terminal.reading import age_of, newest_if_readable, opened, reading_command, say_age
from pool_inventory.terminal.tables import open_console, paragraph
from pool_inventory.terminal.verify.chain import verify
from pool_inventory.terminal.verify.report import Report
from pool_inventory.text import printable


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
        with nullcontext() if as_json else show_checked(open_console(stderr=True)) as progress:
            report = verify(store, since=moment.snapshot_id if moment else "", progress=progress)
        newest = newest_if_readable(store)
        if as_json:
            write({**_document(report), **age_of(newest)})
        else:
            write(lines_of(report, terminal_width()))
            if newest:
                say_age(newest)
    sys.exit(EXIT_UNSOUND if report.faults else 0)


def lines_of(report: Report, width: int | None = None) -> Iterator[str]:
    """Show what was checked, the faults and the notes."""
    for key, text in report.faults:
        yield from paragraph(f"fault: {printable(f'{key}: {text}')}", width)
    for note in report.notes:
        yield from paragraph(f"note: {printable(note)}", width)
    span = f", {report.oldest} to {report.newest}" if report.oldest else ""
    snapshots = f"{report.snapshots} snapshot{'' if report.snapshots == 1 else 's'}"
    counts = f"{report.objects} objects, {report.size_bytes:,} bytes, {report.rows:,} rows."
    yield from paragraph(f"Checked {snapshots}{span}: {counts}", width)
    count = len(report.faults)
    yield f"{count} fault{'s' if count > 1 else ''}." if count else "Sound."


def _document(report: Report) -> dict[str, Any]:
    """Return the same for a script."""
    return {
        "sound": not report.faults,
        "checked": {
            "snapshots": report.snapshots,
            "oldest": report.oldest,
            "newest": report.newest,
            "objects": report.objects,
            "bytes": report.size_bytes,
            "rows": report.rows,
        },
        "faults": [{"key": key, "fault": text} for key, text in report.faults],
        "notes": report.notes,
    }
