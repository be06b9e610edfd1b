"""The command that shows one pool through all snapshots: history."""

from collections.abc import Iterator
from typing import Any

import click

from pool_inventory.errors import SnapshotError
from pool_inventory.snapshots import archive, coverage, pool_history
from pool_inventory.snapshots.pool_history import Event, PoolHistory
from pool_inventory.terminal.answers import Answer, takes_format, wide_option, write_answer
from pool_inventory.terminal.console import terminal_width, warn
from pool_inventory.terminal.reading import opened, reading_command
from pool_inventory.terminal.reports import parsed, what_changed
from pool_inventory.terminal.tables import paragraph, plain_lines, room
from pool_inventory.text import printable

# In CSV, as of diff.
_COLUMNS = ("snapshotId", "previousSnapshotId", "change", "fields", "what")


@click.command()
@reading_command
@click.argument("pool_id")
@wide_option
@takes_format
def history(*, location: str, profile: str | None, file_format: str, pool_id: str, is_wide: bool) -> None:
    """Show when one user pool appeared, changed and was deleted.

    LOCATION is s3://BUCKET/PREFIX or a folder; POOL_ID is such as eu-west-1_aBcDeFgHi, or the pool's ARN.
    """
    arn, _, pool_id = pool_id.rpartition(":userpool/")
    with opened(location, profile) as store:
        found = pool_history.read_history(store, pool_id, archive.newest(store, warn))
        if arn:
            _check_account(found, arn.rpartition(":")[2])
        answer = Answer(
            lines=_lines(found, room(terminal_width(), is_wide=is_wide)),
            document=_document(found),
            rows=({**_account(found), **_row(each)} for each in found.events),
            columns=(*_account(found), *_COLUMNS),
            remarks=() if _is_read_now(found) else (_whether_there(found),),
            newest=found.newest,
        )
        write_answer(file_format, answer)


def _check_account(history: PoolHistory, account_id: str) -> None:
    """Raise where an ARN has another account than the pool: it is the ARN of no pool.

    Raises:
        SnapshotError: as said.
    """
    rows = filter(None, (parsed(line) for each in history.events for line in (each.before, each.after)))
    owners = sorted({row["account_id"] for row in rows})
    if account_id not in owners:
        raise SnapshotError(f"{history.id} is a pool of the account {', '.join(owners)}, and not of {account_id}")


def _lines(history: PoolHistory, width: int | None) -> Iterator[str]:
    """Show the history of a pool, and whether it is there now."""
    cells = ((each.snapshot_id, each.change, _event_text(each)) for each in history.events)
    yield from plain_lines(("snapshot", "change", "what"), cells, width=width, wrap_last=True)
    yield ""
    yield from paragraph(printable(_whether_there(history)), width)


def _is_read_now(history: PoolHistory) -> bool:
    """Whether the newest snapshot read the pool's region."""
    return bool(history.newest_coverage) and all(each.is_read for each in history.newest_coverage)


def _whether_there(history: PoolHistory) -> str:
    newest = history.newest
    unread = [each for each in history.newest_coverage if not each.is_read]
    place = f"{history.region} of {history.account_id}" if history.account_id else history.region
    there = "was there" if history.events[-1].after else "was gone"
    if unread:
        when = f", in {unread[0].last_ok}" if unread[0].last_ok else ""
        status = unread[0].status.replace("_", " ")
        return f"It {there} when {place} was last read{when}; {newest.id} did not: {status}."
    if not history.newest_coverage:
        return f"It {there} when {place} was last read; {newest.id} did not ask there."
    in_account = f", in {place}" if history.account_id else ""
    return f"It {there.replace('was', 'is')} in {newest.id}, the newest snapshot{in_account}."


def _document(history: PoolHistory) -> dict[str, Any]:
    """Return the same for a script."""
    unread = [coverage.row_of(history.newest.id, each) for each in history.newest_coverage if not each.is_read]
    return {
        "id": history.id,
        **_account(history),
        "region": history.region,
        "events": [_row(each) for each in history.events],
        "newestSnapshotId": history.newest.id,
        "unread": unread,
    }


def _account(history: PoolHistory) -> dict[str, str]:
    return {"accountId": history.account_id} if history.account_id else {}


def _row(event: Event) -> dict[str, Any]:
    return {
        "snapshotId": event.snapshot_id,
        "previousSnapshotId": event.previous_snapshot_id,
        "change": event.change,
        "fields": event.fields,
        "what": _event_text(event),
        "before": parsed(event.before),
        "after": parsed(event.after),
    }


def _event_text(event: Event) -> str:
    if event.change == "found":
        created = (parsed(event.after) or {}).get("creation_date")
        return "there when its region was first read" + (f"; created {created}" if created else "")
    since = f"since {event.previous_snapshot_id}"
    what = what_changed(event.fields, event.before, event.after)
    return f"{since}: {what}" if what else since
