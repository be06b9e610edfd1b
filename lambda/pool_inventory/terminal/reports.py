"""The output of the reading commands: lines for a person, and a JSON document for a script."""

import dataclasses
import json
from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime, timedelta
from typing import Any

from pool_inventory.model import Coverage, Target
from pool_inventory.snapshots import coverage, keys, pools, rows
from pool_inventory.snapshots.difference import Difference
from pool_inventory.snapshots.manifest import Manifest
from pool_inventory.snapshots.pool_history import Event, PoolHistory
from pool_inventory.terminal.sheets import Sheet, table_lines
from pool_inventory.terminal.tables import paragraph, plain_lines
from pool_inventory.terminal.verify.report import Report
from pool_inventory.text import printable

# It differs whenever anything does, so it comes last.
_MODIFIED = "last_modified_date"
# After so many periods without a snapshot the newest is too old: one may be late, or have failed and be tried again.
MAX_PERIODS = 2
# As many columns of a terminal as any table can need.
WHOLE = 1_000_000


def pools_lines(
    made: Manifest,
    rows: Sequence[dict[str, Any]],
    found: int,
    unread: Sequence[Coverage],
    sheet: Sheet,
    width: int | None,
) -> Iterator[str]:
    """Show pools, and below them the targets that the snapshot did not read: what is known of those is older.

    Args:
        made: the snapshot.
        rows: the pools to show.
        found: how many were found, of which these are the first.
        unread: the targets.
        sheet: which columns to show, and whether to cut cells.
        width: how many columns of the terminal there are, None where output is not to one.
    """
    fits = WHOLE if sheet.is_wide and width is not None else width
    if sheet.columns:
        yield from table_lines(rows, sheet.columns, fits)
    else:
        accounts = {each["account_id"] for each in rows} | {each.account_id for each in unread}
        names = (*(("account",) if len(accounts) > 1 else ()), "id", "name", "triggers", "modified")
        cells = ([each["account_id"], *_pool_cells(each)][-len(names) :] for each in rows)
        yield from plain_lines(names, cells, width=fits)
    known = made.pool_count + made.carried.pools
    total = "" if found >= known else f" of {known}"
    first = f"The first {len(rows)} of " if len(rows) < found else ""
    yield ""
    pools = "user pool" if found == 1 and not total else "user pools"
    yield from paragraph(
        printable(f"{first}{found}{total} {pools} known in {made.id}, which is {made.status}."), width
    )
    yield from unread_lines(unread, width)


def is_too_old(newest: Manifest, now: datetime) -> bool:
    """Whether the newest snapshot is older than two of the periods in which the last two came."""
    period = _period(newest)
    return period is not None and now - keys.snapshot_time(newest.id) > MAX_PERIODS * period


def age_text(newest: Manifest, now: datetime) -> str:
    """Return how old the newest snapshot is, and what to ask where it is too old."""
    text = f"the newest snapshot, {newest.id}, is {_duration(now - keys.snapshot_time(newest.id))} old"
    period = _period(newest)
    if period is None or not is_too_old(newest, now):
        return text
    return f"{text}, and came {_duration(period)} after the one before: are snapshots still made?"


def _period(newest: Manifest) -> timedelta | None:
    """Return the time between the newest snapshot and the one before, None where it is the first."""
    if newest.previous is None:
        return None
    return keys.snapshot_time(newest.id) - keys.snapshot_time(newest.previous.snapshot_id)


def _duration(time: timedelta) -> str:
    """Return a duration in the largest unit of which there are two, or one minute at least."""
    minutes = max(0, round(time / timedelta(minutes=1)))
    for unit, size in (("day", 24 * 60), ("hour", 60)):
        if minutes >= 2 * size:
            return f"{minutes // size} {unit}s"
    return f"{minutes} minute{'' if minutes == 1 else 's'}"


def unread_lines(unread: Sequence[Coverage], width: int | None = None) -> Iterator[str]:
    """Say which targets were not read, so that what is shown of them is not taken for what is there now."""
    if unread:
        yield "Not read, so it is not known which pools are there now:"
    for each in unread:
        last = f"last read in {each.last_ok}" if each.last_ok else "no reading is known"
        if not each.last_ok and each.compared_with:
            last = f"last read in {each.compared_with}, and forgotten since"
        why = f" ({each.error_code})" if each.error_code else ""
        text = f"  {each.account_id} {each.region}: {each.status.replace('_', ' ')}{why}, {last}"
        yield from paragraph(printable(text), width)


def pools_document(made: Manifest, found: Sequence[dict[str, Any]], unread: Sequence[Coverage]) -> dict[str, Any]:
    """Return the same for a script: whole rows of data and of coverage."""
    rows_unread = [coverage.row_of(made.id, each) for each in unread]
    return {"snapshotId": made.id, "status": made.status, "pools": found, "unread": rows_unread}


def difference_lines(before: Manifest, after: Manifest, found: Difference, width: int | None) -> Iterator[str]:
    """Show what differs between two snapshots, and what could not be compared."""
    yield f"From {before.id} to {after.id}:"
    cells = (
        (each.change, each.id, each.name or "", _what(each.fields, each.before, each.after)) for each in found.changes
    )
    if found.changes:
        yield from plain_lines(("change", "id", "name", "what"), cells, width=width, wrap_last=True)
    kinds = [each.change for each in found.changes]
    yield ", ".join(f"{kinds.count(kind)} {kind}" for kind in ("created", "deleted", "modified")) + "."
    if found.not_compared:
        yield "Not compared, so it is not known what changed there:"
    for each in found.not_compared:
        yield printable(f"  {each.account_id} {each.region}: {each.reason}")


def difference_document(before: Manifest, after: Manifest, found: Difference) -> dict[str, Any]:
    """Return the same for a script."""
    return {
        "before": before.id,
        "after": after.id,
        "changes": [
            {
                "change": each.change,
                "account_id": each.account_id,
                "region": each.region,
                "id": each.id,
                "name": each.name,
                "fields": each.fields,
                "before": _parsed(each.before),
                "after": _parsed(each.after),
            }
            for each in found.changes
        ],
        "notCompared": [dataclasses.asdict(each) for each in found.not_compared],
    }


def history_lines(history: PoolHistory, width: int | None) -> Iterator[str]:
    """Show the history of a pool, and whether it is there now."""
    cells = ((each.snapshot_id, each.change, _event_text(each)) for each in history.events)
    yield from plain_lines(("snapshot", "change", "what"), cells, width=width, wrap_last=True)
    yield ""
    yield printable(_whether_there(history))


def _whether_there(history: PoolHistory) -> str:
    newest = history.newest
    unread = [each for each in history.newest_coverage if not each.is_read]
    there = "was there" if history.events[-1].after else "was gone"
    if unread:
        when = f", in {unread[0].last_ok}" if unread[0].last_ok else ""
        status = unread[0].status.replace("_", " ")
        return f"It {there} when {history.region} was last read{when}; {newest.id} did not: {status}."
    if not history.newest_coverage:
        return f"It {there} when {history.region} was last read; {newest.id} did not ask there."
    return f"It {there.replace('was', 'is')} in {newest.id}, the newest snapshot."


def history_document(history: PoolHistory) -> dict[str, Any]:
    """Return the same for a script."""
    events = [
        {
            "snapshotId": each.snapshot_id,
            "previousSnapshotId": each.previous_snapshot_id,
            "change": each.change,
            "fields": each.fields,
            "before": _parsed(each.before),
            "after": _parsed(each.after),
        }
        for each in history.events
    ]
    unread = [coverage.row_of(history.newest.id, each) for each in history.newest_coverage if not each.is_read]
    return {
        "id": history.id,
        "region": history.region,
        "events": events,
        "newestSnapshotId": history.newest.id,
        "unread": unread,
    }


def manifests_lines(manifests: Iterable[Manifest], width: int | None) -> list[str]:
    """Show snapshots, a line each. What is not known is a question mark, not 0."""
    counts = ("pools", "created", "deleted", "modified", "unread")
    return plain_lines(("snapshot", "status", *counts), map(_manifest_cells, manifests), width=width, right=counts)


def manifest_document(manifest: Manifest) -> dict[str, Any]:
    """Return the same of one snapshot for a script."""
    return {
        "snapshotId": manifest.id,
        "snapshotTime": rows.timestamp(keys.snapshot_time(manifest.id)),
        "status": manifest.status,
        "poolCount": manifest.pool_count,
        "changes": manifest.changes,
        "carried": dataclasses.asdict(manifest.carried),
        "uncompared": [{"account_id": each["account_id"], "region": each["region"]} for each in manifest.uncompared],
        "unread": list(manifest.unread),
        "unreadCount": manifest.unread_count,
    }


def verify_lines(report: Report, width: int | None = None) -> Iterator[str]:
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


def verify_document(report: Report) -> dict[str, Any]:
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


def _pool_cells(row: dict[str, Any]) -> tuple[str, str, str, str]:
    # A key is no function that is called.
    called = ", ".join(name for name in pools.triggers(row) if name != "kms_key_id")
    return row["id"], row["name"] or "", called, (row["last_modified_date"] or "")[:10]


def _manifest_cells(manifest: Manifest) -> tuple[str, ...]:
    if manifest.changes is None:
        changes = ["?", "?", "?"]
    else:
        # What could not be compared may have changed, too.
        doubt = "?" if manifest.uncompared_count else ""
        changes = [f"{manifest.changes[kind]}{doubt}" for kind in ("created", "deleted", "modified")]
    return manifest.id, manifest.status, str(manifest.pool_count), *changes, str(manifest.unread_count)


def _event_text(event: Event) -> str:
    if event.change == "found":
        created = (_parsed(event.after) or {}).get("creation_date")
        return "there when its region was first read" + (f"; created {created}" if created else "")
    since = f"since {event.previous_snapshot_id}"
    what = _what(event.fields, event.before, event.after)
    return f"{since}: {what}" if what else since


def _what(fields: Sequence[str], before: str | None, after: str | None) -> str:
    """Say which columns differ, and how."""
    old, new = _parsed(before), _parsed(after)
    ordered = sorted(fields, key=lambda each: each == _MODIFIED)
    return "; ".join(
        f"{name.removeprefix('lambda_config.')}: {_value(old, name)} → {_value(new, name)}" for name in ordered
    )


def _value(row: dict[str, Any] | None, dotted: str) -> str:
    return pools.shown_value(row, dotted, Target(row["account_id"], row["region"])) if row else "none"


def _parsed(row: str | None) -> dict[str, Any] | None:
    parsed: dict[str, Any] | None = json.loads(row) if row else None
    return parsed
