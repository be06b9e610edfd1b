"""One pool through all snapshots: when it appeared, each change, and when it went."""

import difflib
import io
import json
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from functools import partial

from arro3.io import read_parquet, write_ndjson

from pool_inventory.errors import SnapshotError
from pool_inventory.model import COMPLETE_STATUSES, Target
from pool_inventory.snapshots import archive, keys
from pool_inventory.snapshots import parquet as snapshot
from pool_inventory.snapshots.archive import Manifest
from pool_inventory.snapshots.changes import changes_of
from pool_inventory.snapshots.parquet import Rows, reading
from pool_inventory.stores.protocol import Store


@dataclass(frozen=True, slots=True)
class Event:
    """What a snapshot shows of the pool, against the last good reading of its region before.

    `change` is as in `changes`, or `found`: it was there when its region was first read, in the snapshots that are
    kept. `before` and `after` are its rows as JSON, None where it was not there.
    """

    snapshot_id: str
    previous_snapshot_id: str | None
    change: str
    fields: tuple[str, ...]
    before: str | None
    after: str | None


@dataclass(frozen=True, slots=True)
class PoolHistory:
    """What became of a pool: its events, oldest first, and the newest snapshot, in which its region may be unread."""

    id: str
    region: str
    events: tuple[Event, ...]
    newest: Manifest


@dataclass(frozen=True, slots=True)
class _Told:
    """What a snapshot's changes object tells of the pool; None where it does not know of the pool's region."""

    snapshot_id: str
    events: tuple[Event, ...] | None


@dataclass(frozen=True, slots=True)
class _Known:
    """The snapshot in which the pool's region was last read, and its row there, if it was there."""

    snapshot_id: str
    rows: Rows


def read_history(store: Store, pool_id: str, newest: Manifest) -> PoolHistory:
    """Follow a pool through the changes objects, and through the data where those do not tell.

    Raises:
        SnapshotError: no snapshot has such a pool; the text names pools that have nearly this id, or this name.
        StoreError: the store cannot be read.
    """
    region = pool_id.partition("_")[0]
    read_told = partial(_read_told, store, pool_id, region)
    events: list[Event] = []
    known: _Known | None = None
    for told in archive.in_turn(read_told, archive.finished_ids(store)):
        if told.events or (told.events is not None and known):
            events += told.events
            known = _after(told.snapshot_id, told.events, pool_id, known)
        elif row := _read_row(store, told.snapshot_id, pool_id, region):
            events += _compared(pool_id, row, told.snapshot_id, known)
            known = _Known(told.snapshot_id, row[1])
    if not events:
        raise SnapshotError(_unknown(pool_id, archive.read_data(store, newest)))
    return PoolHistory(pool_id, region, tuple(events), newest)


def _read_told(store: Store, pool_id: str, region: str, snapshot_id: str) -> _Told:
    key = keys.changes(snapshot_id)
    stored = store.get(key)
    if stored is None:
        return _Told(snapshot_id, None)
    try:
        footer = snapshot.footer_of(stored.body)
        events = tuple(_events_of(stored.body, pool_id, snapshot_id))
    except SnapshotError as error:
        raise SnapshotError(f"{store.address(key)}: {error}: `pool-inventory verify` says more") from error
    uncompared = any(each["region"] == region for each in footer["uncompared"])
    return _Told(snapshot_id, None if uncompared else events)


def _events_of(body: bytes, pool_id: str, snapshot_id: str) -> Iterator[Event]:
    with reading(body):
        table = read_parquet(io.BytesIO(body)).read_all()
        numbers = [number for number, each in enumerate(table["id"].to_pylist()) if each == pool_id]
        lines = io.BytesIO()
        for number in numbers:
            write_ndjson(table.slice(number, 1), lines, explicit_nulls=True)
    for row in map(json.loads, lines.getvalue().splitlines()):
        previous_id = keys.snapshot_id(datetime.fromisoformat(row["previous_snapshot_time"]))
        yield Event(snapshot_id, previous_id, row["change"], tuple(row["fields"]), row["before"], row["after"])


def _after(snapshot_id: str, events: tuple[Event, ...], pool_id: str, known: _Known | None) -> _Known:
    if not events:
        return _Known(snapshot_id, known.rows if known else {})
    row = events[-1].after
    return _Known(snapshot_id, {} if row is None else {pool_id: row.encode()})


def _read_row(store: Store, snapshot_id: str, pool_id: str, region: str) -> tuple[Target, Rows] | None:
    """Return the pool's target and its row, if any, out of a snapshot's data; None where that was not read whole."""
    manifest = archive.read_manifest(store, snapshot_id)
    statuses = {place: status for place, status in manifest.statuses().items() if place[1] == region}
    if not statuses or any(status not in COMPLETE_STATUSES for status in statuses.values()):
        return None
    found = snapshot.read_rows(archive.read_data(store, manifest))
    for place in statuses:
        if pool_id in found.get(place, {}):
            return place, {pool_id: found[place][pool_id]}
    return next(iter(statuses)), {}


def _compared(pool_id: str, row: tuple[Target, Rows], snapshot_id: str, known: _Known | None) -> Iterator[Event]:
    place, rows = row
    if known is None:
        if rows:
            yield Event(snapshot_id, None, "found", (), None, rows[pool_id].decode())
        return
    for change in changes_of(place, known.rows, rows, known.snapshot_id):
        yield Event(snapshot_id, known.snapshot_id, change.change, change.fields, change.before, change.after)


def _unknown(pool_id: str, data: bytes) -> str:
    names = {
        identifier: json.loads(line)["name"]
        for rows in snapshot.read_rows(data).values()
        for identifier, line in rows.items()
    }
    near = [identifier for identifier, name in names.items() if name == pool_id][:3]
    near = near or difflib.get_close_matches(pool_id, names, cutoff=0.8)
    advice = f"did you mean {' or '.join(near)}?" if near else "`pool-inventory show` has the ids"
    return f"no snapshot has a pool {pool_id!r}: {advice}"
