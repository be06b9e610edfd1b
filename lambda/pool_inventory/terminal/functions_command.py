"""The command that shows which functions pools call: functions."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import click

from pool_inventory.clock import Clock
from pool_inventory.model import Coverage
from pool_inventory.snapshots import archive
from pool_inventory.snapshots.counted import Called, count_pools
from pool_inventory.snapshots.functions import parse
from pool_inventory.snapshots.manifest import Manifest
from pool_inventory.snapshots.swaps import read_swaps
from pool_inventory.stores.protocol import Store
from pool_inventory.terminal import reports
from pool_inventory.terminal.answers import TABLE, Answer, takes_format, wide_option, write_answer
from pool_inventory.terminal.console import Moment, terminal_width, warn
from pool_inventory.terminal.reading import at, choose, newest_unless, opened, read_known, reading_command
from pool_inventory.terminal.tables import paragraph, plain_lines, room

# As many snapshots as the page shows.
DEFAULT_LAST = 60
# In CSV.
_COLUMNS = ("arn", "outside", "setIn", "triggers", "pools", "poolIds")


@dataclass(frozen=True, slots=True)
class Row:
    """A function, the pools that call it, and the newest snapshot in which a pool was set to it, if one was."""

    called: Called
    since: str | None


@dataclass(frozen=True, slots=True)
class _Asked:
    """How to show functions: only foreign ones, set in how many snapshots, in whole cells, how wide, with accounts."""

    foreign: bool
    last: int
    is_wide: bool
    width: int | None
    name_accounts: bool

    @property
    def is_whole(self) -> bool:
        """Whether there is room for all that is known of a function."""
        return self.is_wide or self.width is None


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
@wide_option
@takes_format
def functions(
    *,
    location: str,
    profile: str | None,
    file_format: str,
    moment: Moment | None,
    foreign: bool,
    last: int,
    is_wide: bool,
) -> None:
    """Show which Lambda functions the user pools call.

    Shows which pools call each, and by which triggers. LOCATION is s3://BUCKET/PREFIX or a folder. First are functions
    of another account, then of another region; and of these, first those that a pool was set to in the last snapshots.
    A swapped trigger can let anybody in.
    """
    with opened(location, profile) as store:
        made = choose(store, moment)
        known = read_known(store, made)
        called = count_pools(known, Clock().now(), max_named=1 if file_format == TABLE else None).called
        since = _since(store, made, last)
        found = _sorted([each for each in called if each.place or not foreign], since)
        covered = list(known.coverage())
        unread = [each for each in covered if each.has_unknown_pools]
        name_accounts = archive.is_of_several(made, covered)
        asked = _Asked(foreign, last, is_wide, terminal_width(), name_accounts)
        answer = Answer(
            lines=_lines(found, unread, asked),
            document={"snapshotId": made.id, "functions": [_row(each, asked) for each in found]},
            rows=(_row(each, asked) for each in found),
            columns=(*_COLUMNS, *(("poolAccountIds",) if name_accounts else ())),
            remarks=reports.unread_lines(unread),
            newest=newest_unless(moment, made),
        )
        write_answer(file_format, answer)


def _since(store: Store, made: Manifest, last: int) -> dict[str, str]:
    problems: list[str] = []
    found = read_swaps(store, archive.ids_up_to(store, made.id, last), problems)
    for each in problems:
        warn(f"{each}: triggers that were set to another function then are not known")
    return found


def _sorted(called: Sequence[Called], since: Mapping[str, str]) -> list[Row]:
    """Return another account's functions first, then another region's; of each, first what a pool was set to last."""
    rows = [Row(each, since.get(each.arn)) for each in called]
    rows.sort(key=lambda each: each.since or "", reverse=True)
    rows.sort(key=lambda each: (not each.called.is_of_account, not each.called.place))
    return rows


def _lines(rows: Sequence[Row], unread: Sequence[Coverage], asked: _Asked) -> Iterator[str]:
    yield from _table(rows, asked)
    yield from _counts(rows, asked)
    yield from reports.unread_lines(unread, asked.width)


def _table(rows: Sequence[Row], asked: _Asked) -> Iterator[str]:
    if not rows:
        return
    # Where all are of one account, and of the pools' own, it says nothing.
    accounts = len({_place(each)[0] for each in rows}) > 1 or any(each.called.is_of_account for each in rows)
    names = ("function", *(("account",) if accounts else ()), "region", "pools", "called by")
    all_cells = (_cells(row, _called_by(row, asked) if asked.is_whole else _in_short(row)) for row in rows)
    cells = ((name, *((account,) if accounts else ()), *others) for name, account, *others in all_cells)
    yield from plain_lines(names, cells, width=room(asked.width, is_wide=asked.is_wide), right=("pools",))
    yield ""


def _counts(rows: Sequence[Row], asked: _Asked) -> Iterator[str]:
    if not rows:
        yield f"No pool calls a function{' outside its account or region' if asked.foreign else ''}."
        return
    # A function may have two rows: pools of its own account call it, and pools of others.
    outside = len({each.called.arn for each in rows if each.called.place})
    lately = len({each.called.arn for each in rows if each.since})
    # All of them are outside where only those were asked for.
    count = _counted(outside) if asked.foreign else f"{_counted(len({each.called.arn for each in rows}))}: {outside}"
    text = f"{count} outside the account or region of a pool, {lately} newly set (in {asked.last} snapshots)."
    advice = "" if asked.is_whole else " --wide has the details."
    yield from paragraph(f"{text}{advice}", asked.width)


def _counted(functions: int) -> str:
    return f"{functions} function{'' if functions == 1 else 's'}"


def _cells(row: Row, called_by: str) -> tuple[str, ...]:
    called = row.called
    function = parse(called.arn)
    name = called.arn
    if function:
        name = f"{function.name}:{function.qualifier}" if function.qualifier else function.name
    return name, *_place(row), str(called.pools), called_by


def _place(row: Row) -> tuple[str, str]:
    """Return the account and the region of a function; nothing for what is no function's ARN."""
    function = parse(row.called.arn)
    return (function.account_id, function.region) if function else ("", "")


def _in_short(row: Row) -> str:
    remarks = [*(["outside"] if row.called.place else []), *(["newly set"] if row.since else [])]
    triggers = ", ".join(row.called.triggers)
    return f"{', '.join(remarks)}: {triggers}" if remarks else triggers


def _called_by(row: Row, asked: _Asked) -> str:
    called = row.called
    remarks = [
        *([f"outside ({called.place})"] if called.place else []),
        *([f"set in {row.since}"] if row.since else []),
    ]
    first = called.named[0]
    # Only of these is it needed at once: `show --function` has the others.
    pool = f"{first.id} ({first.name})" if remarks else first.id
    pool = f"{pool} of {first.account_id}" if asked.name_accounts else pool
    more = f" and {called.pools - 1} more" if called.pools > 1 else ""
    by = f"{', '.join(called.triggers)} of {pool}{more}"
    return f"{', '.join(remarks)}: {by}" if remarks else by


def _row(row: Row, asked: _Asked) -> dict[str, Any]:
    accounts = {"poolAccountIds": [pool.account_id for pool in row.called.named]} if asked.name_accounts else {}
    return {
        "arn": row.called.arn,
        "outside": row.called.place or None,
        "setIn": row.since,
        "triggers": row.called.triggers,
        "pools": row.called.pools,
        "poolIds": [pool.id for pool in row.called.named],
        **accounts,
    }
