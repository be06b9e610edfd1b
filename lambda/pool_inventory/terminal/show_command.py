"""The command that shows the user pools that are known: show."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import click

from pool_inventory.model import Coverage
from pool_inventory.snapshots import archive, coverage, functions, pools
from pool_inventory.snapshots.manifest import Manifest
from pool_inventory.snapshots.pools import TRIGGERS, Wanted, check_places, function_meant, read_pools, trigger_named
from pool_inventory.terminal.answers import Answer, write_answer
from pool_inventory.terminal.console import Moment, parse_list, parsed_by, terminal_width, warn
from pool_inventory.terminal.reading import (
    at,
    choose,
    newest_unless,
    only_read_option,
    opened,
    read_known,
    reading_command,
)
from pool_inventory.terminal.reports import unread_lines
from pool_inventory.terminal.sheets import ACCOUNT_NAME, COLUMNS, Sheet, sheet_options, table_lines
from pool_inventory.terminal.tables import paragraph, plain_lines, room
from pool_inventory.text import printable

# With an account's id and name there is no room for the date of a pool in fewer columns: its names would be cut to a
# few letters.
_ROOM_FOR_ALL = 100


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
        names = {each.account_id: each.name for each in archive.read_accounts(store, made).values()}
        found = [_with_name(row, names) for row in read_pools(known, wanted)]
        if not found and function and (meant := function_meant(known, function)):
            warn(f"no pool calls a function {function.name!r}: {meant}")
        unread = [each for each in covered if wanted.has_target(each) and each.has_unknown_pools]
        rows = sheet.arranged(found)
        owners = {each.account_id for each in covered if wanted.has_target(each)}
        places = ("account", "account name") if names else ("account",) if len(owners) > 1 else ()
        counted = _counted(made, len(rows), len(found), only_read=only_read)
        answer = Answer(
            lines=_lines(rows, counted, unread, sheet, places),
            document=_document(made, [sheet.chosen(row) for row in rows], unread),
            rows=map(sheet.chosen, rows),
            columns=sheet.columns or (*COLUMNS, *((ACCOUNT_NAME,) if names else ())),
            remarks=unread_lines(unread),
            newest=newest_unless(moment, made),
        )
        write_answer(sheet.file_format, answer)


def _with_name(row: dict[str, Any], names: Mapping[str, str | None]) -> dict[str, Any]:
    """Return a pool with what the organization calls its account; as it is where there is no organization."""
    return {**row, ACCOUNT_NAME: names.get(row["account_id"])} if names else row


def _lines(
    rows: Sequence[dict[str, Any]], counted: str, unread: Sequence[Coverage], sheet: Sheet, places: tuple[str, ...]
) -> Iterator[str]:
    """Show pools, and below them the targets that the snapshot did not read: what is known of those is older.

    Args:
        rows: the pools to show.
        counted: how many these are, and of which.
        unread: the targets.
        sheet: which columns to show, and whether to cut cells.
        places: the columns that say whose pool it is: none where pools of one account were asked for.
    """
    width = terminal_width()
    fits = room(width, is_wide=sheet.is_wide)
    if sheet.columns:
        yield from table_lines(rows, sheet.columns, fits)
    else:
        names = (*places, "id", "name", "triggers", "modified")
        if len(places) > 1 and fits is not None and fits < _ROOM_FOR_ALL:
            names = names[:-1]
        cells = ([*_place_cells(each)[: len(places)], *_pool_cells(each)][: len(names)] for each in rows)
        yield from plain_lines(names, cells, width=fits)
    yield ""
    yield from paragraph(printable(counted), width)
    yield from unread_lines(unread, width)


def _counted(made: Manifest, shown: int, found: int, *, only_read: bool) -> str:
    pools, how = (made.pool_count, "read") if only_read else (made.pool_count + made.carried.pools, "known")
    total = "" if found >= pools else f" of {pools}"
    first = f"The first {shown} of " if shown < found else ""
    name = "user pool" if found == 1 and not total else "user pools"
    return f"{first}{found}{total} {name} {how} in {made.id}, which is {made.status}."


def _document(made: Manifest, found: Sequence[dict[str, Any]], unread: Sequence[Coverage]) -> dict[str, Any]:
    """Return the same for a script: rows of data and of coverage."""
    rows_unread = [coverage.row_of(made.id, each) for each in unread]
    return {"snapshotId": made.id, "status": made.status, "pools": found, "unread": rows_unread}


def _place_cells(row: dict[str, Any]) -> tuple[str, str]:
    return row["account_id"], row.get(ACCOUNT_NAME) or ""


def _pool_cells(row: dict[str, Any]) -> tuple[str, str, str, str]:
    # A key is no function that is called.
    called = ", ".join(name for name in pools.triggers(row) if name != "kms_key_id")
    return row["id"], row["name"] or "", called, (row["last_modified_date"] or "")[:10]
