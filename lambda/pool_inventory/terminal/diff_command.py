"""The command that compares two snapshots: diff."""

import dataclasses
from collections.abc import Iterator
from typing import Any

import click

from pool_inventory.errors import SnapshotError
from pool_inventory.model import Change, Target
from pool_inventory.snapshots import archive, difference, manifest
from pool_inventory.snapshots.difference import Difference
from pool_inventory.snapshots.manifest import Manifest
from pool_inventory.stores.protocol import Store
from pool_inventory.terminal.answers import Answer, takes_format, wide_option, write_answer
from pool_inventory.terminal.console import Moment, parse_moment, terminal_width
from pool_inventory.terminal.reading import choose, newest_unless, opened, reading_command
from pool_inventory.terminal.reports import parsed, target_lines, what_changed
from pool_inventory.terminal.tables import plain_lines, room

# In CSV: the rows before and after would be a hundred columns, and `what` says how they differ.
_COLUMNS = ("change", "account_id", "region", "id", "name", "fields", "what")


@click.command()
@reading_command
@click.argument("before", metavar="[A]", required=False, callback=parse_moment)
@click.argument("after", metavar="[B]", required=False, callback=parse_moment)
@wide_option
@takes_format
def diff(
    *,
    location: str,
    profile: str | None,
    file_format: str,
    before: Moment | None,
    after: Moment | None,
    is_wide: bool,
) -> None:
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
        answer = Answer(
            lines=lines_of(old, new, found, terminal_width(), is_wide=is_wide),
            document=_document(old, new, found),
            rows=map(_row, found.changes),
            columns=_COLUMNS,
            remarks=_not_compared(found),
            newest=newest_unless(after, new),
        )
        write_answer(file_format, answer)


def _before(store: Store, made: Manifest) -> Manifest:
    if made.previous is None:
        raise SnapshotError(f"{made.id} is the first snapshot, so there is none before it to compare it with")
    return manifest.read(store, made.previous.snapshot_id)


def lines_of(
    before: Manifest, after: Manifest, found: Difference, width: int | None, *, is_wide: bool = False
) -> Iterator[str]:
    """Show what differs between two snapshots, and what could not be compared."""
    yield f"From {before.id} to {after.id}:"
    rows = map(_row, found.changes)
    accounts = {each.account_id for each in found.changes} | {each.account_id for each in found.not_compared}
    has_several = before.accounts_file or after.accounts_file or len(accounts) > 1
    keys = ("change", *(("account_id",) if has_several else ()), "id", "name", "what")
    if found.changes:
        names = [each.removesuffix("_id") if each == "account_id" else each for each in keys]
        cells = ([each[key] or "" for key in keys] for each in rows)
        yield from plain_lines(names, cells, width=room(width, is_wide=is_wide), wrap_last=True)
    kinds = [each.change for each in found.changes]
    yield ", ".join(f"{kinds.count(kind)} {kind}" for kind in ("created", "deleted", "modified")) + "."
    yield from _not_compared(found, width)


def _not_compared(found: Difference, width: int | None = None) -> Iterator[str]:
    if found.not_compared:
        yield "Not compared, so it is not known what changed there:"
    reasons = ((Target(each.account_id, each.region), each.reason) for each in found.not_compared)
    yield from target_lines(reasons, width)


def _document(before: Manifest, after: Manifest, found: Difference) -> dict[str, Any]:
    """Return the same for a script."""
    return {
        "before": before.id,
        "after": after.id,
        "changes": [_row(each) for each in found.changes],
        "notCompared": [dataclasses.asdict(each) for each in found.not_compared],
    }


def _row(change: Change) -> dict[str, Any]:
    return {
        "change": change.change,
        "account_id": change.account_id,
        "region": change.region,
        "id": change.id,
        "name": change.name,
        "fields": change.fields,
        "what": what_changed(change.fields, change.before, change.after),
        "before": parsed(change.before),
        "after": parsed(change.after),
    }
