"""One pool through all snapshots: when it appeared, each change, and when it went."""

import difflib
import json
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from typing import get_args

from pool_inventory.errors import SnapshotError
from pool_inventory.model import ChangeKind, Coverage, Target
from pool_inventory.snapshots import archive, changes, checked, keys, manifest, table
from pool_inventory.snapshots.changes import changes_between
from pool_inventory.snapshots.known import Known
from pool_inventory.snapshots.manifest import Manifest
from pool_inventory.snapshots.pools import Wanted, check_places
from pool_inventory.snapshots.table import Row
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
    """The history of a pool: its events, oldest first; and the newest snapshot, with its coverage of the region."""

    id: str
    region: str
    events: tuple[Event, ...]
    newest: Manifest
    newest_coverage: tuple[Coverage, ...]


# A target, and the pool's row there, if any.
_Found = tuple[Target, Row | None]


@dataclass(frozen=True, slots=True)
class _Recorded:
    """What a snapshot says of the pool.

    Attributes:
        events: what its changes object has; None where that does not know of the pool's region.
        size_bytes: how much was read for it, at most.
        row: where it does not, the pool's target and its row, if any, out of the data; None where that was not read.
    """

    snapshot_id: str
    events: tuple[Event, ...] | None
    size_bytes: int
    row: _Found | None = None


@dataclass(frozen=True, slots=True)
class _Last:
    """The snapshot in which the pool's region was last read, and its row there, if it was there."""

    snapshot_id: str
    row: Row | None


def read_history(store: Store, pool_id: str, newest: Manifest) -> PoolHistory:
    """Follow a pool through the changes objects, and through the data where those lack it.

    Raises:
        SnapshotError: no snapshot has such a pool; the text names pools that have nearly this id, or this name, or
            says that nothing is known of its region, or that it is not covered.
        StoreError: the store cannot be read.
    """
    region = pool_id.partition("_")[0]
    read_recorded = partial(_read_recorded, store, pool_id, region)
    events: list[Event] = []
    known: _Last | None = None
    identifiers = archive.finished_ids(store)
    for recorded in archive.in_turn(read_recorded, identifiers, size_bytes=lambda each: each.size_bytes):
        row = recorded.row
        if recorded.events == () and known is None:
            row = _read_data(store, recorded.snapshot_id, pool_id, region).row
        if recorded.events or (recorded.events is not None and known):
            events += recorded.events
            known = _after(recorded.snapshot_id, recorded.events, pool_id, known)
        elif row:
            events += _compared(*row, recorded.snapshot_id, known)
            known = _Last(recorded.snapshot_id, row[1])
    everywhere = archive.read_coverage(store, newest)
    covered = tuple(each for each in everywhere if each.region == region)
    if not events:
        if "_" in pool_id:  # else it is no id, but perhaps a name
            check_places(Wanted(regions=(region,)), everywhere)
        unread = _unread(region, covered)
        raise SnapshotError(unread or _unknown(pool_id, archive.read_known(store, newest)) + _since(newest, covered))
    return PoolHistory(pool_id, region, tuple(events), newest, covered)


def _read_recorded(store: Store, pool_id: str, region: str, snapshot_id: str) -> _Recorded:
    key = keys.changes(snapshot_id)
    stored = store.get(key)
    if stored is None:
        return _read_data(store, snapshot_id, pool_id, region)
    try:
        summary = changes.summary_of(stored.body)
        events = tuple(_events_of(stored.body, pool_id, snapshot_id))
    except SnapshotError as error:
        raise SnapshotError(f"{store.address(key)}: {error}: `pool-inventory verify` says more") from error
    except checked.NOT_OURS as error:
        raise SnapshotError(
            f"{store.address(key)} is not what this program writes ({error!r:.200}): `pool-inventory verify` says more"
        ) from error
    uncompared = summary.uncompared_count > len(summary.uncompared) or any(
        each.region == region for each in summary.uncompared
    )
    if uncompared:
        return _read_data(store, snapshot_id, pool_id, region)
    return _Recorded(snapshot_id, events, len(stored.body))


def _events_of(body: bytes, pool_id: str, snapshot_id: str) -> Iterator[Event]:
    quoted = json.dumps(pool_id).encode()
    for row in (json.loads(line) for line in table.lines(body) if quoted in line):
        if row["id"] != pool_id:
            continue
        previous_id = keys.snapshot_id(datetime.fromisoformat(row["previous_snapshot_time"]))
        change = checked.one_of(get_args(ChangeKind), row["change"])
        fields = tuple(map(checked.text, row["fields"]))
        before, after = (_checked_row(row[side], fields) for side in ("before", "after"))
        yield Event(snapshot_id, previous_id, change, fields, before, after)


def _checked_row(line: object, fields: tuple[str, ...]) -> str | None:
    """Return a row as JSON that has a place and the fields that differ; it raises one of checked.NOT_OURS if not."""
    if line is None:
        return None
    found = checked.text(line)
    row = json.loads(found)
    for name in ("account_id", "region"):
        checked.text(row[name])
    for dotted in fields:
        value = row
        for name in dotted.split("."):
            value = None if value is None else value[name]
    return found


def _after(snapshot_id: str, events: tuple[Event, ...], pool_id: str, known: _Last | None) -> _Last:
    if not events:
        return _Last(snapshot_id, known.row if known else None)
    after = events[-1].after
    if after is None:
        return _Last(snapshot_id, None)
    row = json.loads(after)
    return _Last(snapshot_id, Row(Target(row["account_id"], row["region"]), pool_id, f"{after}\n".encode()))


def _read_data(store: Store, snapshot_id: str, pool_id: str, region: str) -> _Recorded:
    """Return what a snapshot's data says of the pool."""
    made = manifest.read(store, snapshot_id)
    return _Recorded(snapshot_id, None, made.data_file.size_bytes, _read_row(store, made, pool_id, region))


def _read_row(store: Store, made: Manifest, pool_id: str, region: str) -> _Found | None:
    """Return the pool's target and its row, if any, out of a snapshot's data; None where that was not read whole."""
    covered = [each for each in archive.read_coverage(store, made) if each.region == region]
    if not covered or not all(each.is_read for each in covered):
        return None
    targets = [each.target for each in covered]
    rows = table.pool_rows(archive.read_data(store, made), targets)
    found = next((row for row in rows if row.id == pool_id), None)
    return (found.target, found) if found else (targets[0], None)


def _compared(target: Target, row: Row | None, snapshot_id: str, known: _Last | None) -> Iterator[Event]:
    if known is None:
        if row:
            yield Event(snapshot_id, None, "found", (), None, row.line.decode().rstrip())
        return
    before = [known.row._replace(target=target)] if known.row else []
    for change in changes_between(before, [row] if row else [], {target: known.snapshot_id}):
        yield Event(snapshot_id, known.snapshot_id, change.change, change.fields, change.before, change.after)


def _unread(region: str, covered: tuple[Coverage, ...]) -> str | None:
    """Return that nothing is known of a region's pools, None where it was read, or nobody asked for it.

    It may have been read once and be forgotten since, so this does not say that it never was.
    """
    if not covered or any(each.last_ok or each.compared_with for each in covered):
        return None
    how = ", ".join(sorted({each.status.replace("_", " ") for each in covered}))
    return (
        f"nothing is known of the pools of {region}: it is {how} in the newest snapshot, which knows of no reading "
        "of it"
    )


def _since(newest: Manifest, covered: tuple[Coverage, ...]) -> str:
    """Return that the newest snapshot does not know either, where it did not read the region."""
    unread = [each for each in covered if not each.is_read]
    return f"; {newest.id} did not read {unread[0].region}, so it may be there now" if unread else ""


def _unknown(pool_id: str, known: Known) -> str:
    names = {row.id: json.loads(row.line)["name"] for row in known.rows()}
    near = [identifier for identifier, name in names.items() if name == pool_id][:3]
    near = near or difflib.get_close_matches(pool_id, names, cutoff=0.8)
    advice = f"did you mean {' or '.join(near)}?" if near else "`pool-inventory show` has the ids"
    return f"no snapshot has a pool {pool_id!r}: {advice}"
