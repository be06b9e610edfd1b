"""The command that shows which functions pools call: functions."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import chain
from typing import Any

import click

from pool_inventory.clock import Clock
from pool_inventory.snapshots import archive
from pool_inventory.snapshots.counted import Called, count_pools
from pool_inventory.snapshots.functions import parse
from pool_inventory.snapshots.manifest import Manifest
from pool_inventory.snapshots.swaps import read_swaps
from pool_inventory.stores.protocol import Store
from pool_inventory.terminal import reports
from pool_inventory.terminal.console import Moment, terminal_width, warn, write
from pool_inventory.terminal.reading import at, choose, opened, read_known, reading_command, say_age
from pool_inventory.terminal.tables import plain_lines

# As many snapshots as the page shows.
DEFAULT_LAST = 60


@dataclass(frozen=True, slots=True)
class Row:
    """A function, the pools that call it, and the newest snapshot in which a pool was set to it, if one was."""

    called: Called
    since: str | None


@click.command()
@reading_command
@at
@click.option("--foreign", is_flag=True, help="Only functions outside the account or the region of a pool.")
@click.option(
    "--last",
    metavar="NUMBER",
    type=click.IntRange(min=1),
    default=DEFAULT_LAST,
    show_default=True,
    help="In how many snapshots to look for triggers that were set to another function.",
)
def functions(
    *, location: str, profile: str | None, as_json: bool, moment: Moment | None, foreign: bool, last: int
) -> None:
    """Show which Lambda functions the user pools call.

    Shows which pools call each, and by which triggers. LOCATION is s3://BUCKET/PREFIX or a folder. First are functions
    of another account, then of another region; and of these, first those that a pool was set to in the last snapshots.
    A swapped trigger can let anybody in.
    """
    with opened(location, profile) as store:
        made = choose(store, moment)
        known = read_known(store, made)
        called = count_pools(known, Clock().now(), max_named=None if as_json else 1).called
        since = _since(store, made, last)
        found = _sorted([each for each in called if each.place or not foreign], since)
        unread = [each for each in known.coverage() if each.has_unknown_pools]
        if as_json:
            write(_document(made, found))
        else:
            width = terminal_width()
            write(chain(_lines(found, foreign=foreign, width=width), reports.unread_lines(unread, width)))
            say_age(made, moment)


def _since(store: Store, made: Manifest, last: int) -> dict[str, str]:
    problems: list[str] = []
    identifiers = [each for each in archive.finished_ids(store) if each <= made.id][-last:]
    found = read_swaps(store, identifiers, problems)
    for each in problems:
        warn(f"{each}: triggers that were set to another function then are not known")
    return found


def _sorted(called: Sequence[Called], since: Mapping[str, str]) -> list[Row]:
    """Return another account's functions first, then another region's; of each, first what a pool was set to last."""
    rows = [Row(each, since.get(each.arn)) for each in called]
    rows.sort(key=lambda each: each.since or "", reverse=True)
    rows.sort(key=lambda each: (not each.called.is_of_account, not each.called.place))
    return rows


def _lines(rows: Sequence[Row], *, foreign: bool, width: int | None) -> Iterator[str]:
    kind = " outside its account or region" if foreign else ""
    if not rows:
        yield f"No pool calls a function{kind}."
        return
    accounts = len({_place(each)[0] for each in rows}) > 1
    names = ("function", *(("account",) if accounts else ()), "region", "pools", "called by")
    cells = ((name, *((account,) if accounts else ()), *others) for name, account, *others in map(_cells, rows))
    yield from plain_lines(names, cells, width=width, right=("pools",), wrap_last=True)
    yield ""
    yield f"{len(rows)} function{'' if len(rows) == 1 else 's'}{kind}."


def _cells(row: Row) -> tuple[str, ...]:
    called = row.called
    function = parse(called.arn)
    name = called.arn
    if function:
        name = f"{function.name}:{function.qualifier}" if function.qualifier else function.name
    return name, *_place(row), str(called.pools), _called_by(row)


def _place(row: Row) -> tuple[str, str]:
    """Return the account and the region of a function; nothing for what is no function's ARN."""
    function = parse(row.called.arn)
    return (function.account_id, function.region) if function else ("", "")


def _called_by(row: Row) -> str:
    called = row.called
    remarks = [
        *([f"outside ({called.place})"] if called.place else []),
        *([f"set in {row.since}"] if row.since else []),
    ]
    first = called.named[0]
    # Only of these is it needed at once: `show --function` has the others.
    pool = f"{first.id} ({first.name})" if remarks else first.id
    more = f" and {called.pools - 1} more" if called.pools > 1 else ""
    by = f"{', '.join(called.triggers)} of {pool}{more}"
    return f"{', '.join(remarks)}: {by}" if remarks else by


def _document(made: Manifest, rows: Sequence[Row]) -> dict[str, Any]:
    return {
        "snapshotId": made.id,
        "functions": [
            {
                "arn": each.called.arn,
                "outside": each.called.place or None,
                "setIn": each.since,
                "triggers": each.called.triggers,
                "pools": each.called.pools,
                "poolIds": [pool.id for pool in each.called.named],
            }
            for each in rows
        ],
    }
