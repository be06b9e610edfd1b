"""Two snapshots → what was created, deleted, modified.

Each target is compared with its own last good reading, whichever snapshot has that: the footer fixed it at the commit,
so comparing again gives the same. A target that could not be read has no changes; they are told when it can be again.
"""

import dataclasses
import json
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping
from datetime import datetime
from typing import Any

from pool_inventory.errors import RefusedError, SnapshotError
from pool_inventory.model import Change, Comparison, Snapshot, Target, Uncompared
from pool_inventory.snapshots import keys, rows, schema
from pool_inventory.snapshots import parquet as snapshot
from pool_inventory.snapshots.parquet import Rows


def compare(data: bytes, read_data: Callable[[str], bytes]) -> Comparison:
    """Compare a committed snapshot with the last good reading of each of its targets.

    A target that was never read before has no changes, and is not among the uncompared.

    Args:
        data: the snapshot's data object.
        read_data: gives the data object of an earlier snapshot by its id, or raises SnapshotError where there is none
            to be had, RefusedError where it is refused; it is called once for each snapshot that is needed, which
            usually is one.
    """
    committed = snapshot.decode(data)
    if committed.baselines is None:
        return Comparison((), tuple(_unknown_baselines(committed)))
    places_by_baseline: dict[str, list[Target]] = defaultdict(list)
    for baseline in committed.baselines:
        places_by_baseline[baseline.snapshot_id].append(baseline.target)
    after = snapshot.read_rows(data) if places_by_baseline else {}
    changes: list[Change] = []
    uncompared: list[Uncompared] = []
    for baseline_id, places in places_by_baseline.items():
        try:
            before = _read_baseline(read_data(baseline_id), places)
        except (SnapshotError, RefusedError) as error:
            # The cost of an earlier snapshot that cannot be read is its changes, and not this snapshot.
            uncompared += (Uncompared(*place, baseline_id, str(error)) for place in places)
            continue
        for place in places:
            changes += changes_of(place, before.get(place, {}), after.get(place, {}), baseline_id)
    return Comparison(
        tuple(sorted(changes, key=lambda each: (each.account_id, each.region, each.id))),
        tuple(sorted(uncompared, key=lambda each: (each.account_id, each.region))),
    )


def encode(snapshot_id: str, comparison: Comparison) -> bytes:
    """Return the changes object; its footer has the counts and what was not compared."""
    time = rows.timestamp(keys.snapshot_time(snapshot_id))
    lines = (rows.json_line({"snapshot_time": time, **_row(each)}) for each in comparison.changes)
    return snapshot.encode_table(schema.CHANGES, lines, {"snapshotId": snapshot_id, **comparison.summary()})


def decode(body: bytes) -> Comparison:
    """Return what a changes object says: the inverse of encode.

    Raises:
        SnapshotError: it is no changes object of ours.
    """
    footer = snapshot.footer_of(body)
    try:
        found = tuple(_change(json.loads(line)) for line in snapshot.read_lines(body))
        uncompared = tuple(Uncompared(**each) for each in footer["uncompared"])
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise SnapshotError(f"the changes are not what this program writes: {error!r:.200}") from error
    return Comparison(found, uncompared)


def _change(row: dict[str, Any]) -> Change:
    values = {name: value for name, value in row.items() if name != "snapshot_time"}
    previous_time = datetime.fromisoformat(values.pop("previous_snapshot_time"))
    return Change(
        **{**values, "previous_snapshot_id": keys.snapshot_id(previous_time), "fields": tuple(row["fields"])}
    )


def _row(change: Change) -> dict[str, Any]:
    row = dataclasses.asdict(change)
    previous_time = keys.snapshot_time(row.pop("previous_snapshot_id"))
    return {"previous_snapshot_time": rows.timestamp(previous_time), **row}


def _unknown_baselines(committed: Snapshot) -> Iterator[Uncompared]:
    for each in committed.coverage:
        if each.status == "ok":
            reason = "the manifest before could not be read, which says when it was last read"
            yield Uncompared(each.account_id, each.region, None, reason)


def _read_baseline(data: bytes, places: list[Target]) -> Mapping[Target, Rows]:
    """Read the rows of an earlier snapshot, in which these targets must have been read: else all would look new."""
    earlier = snapshot.decode(data)
    read = {(each.account_id, each.region) for each in earlier.coverage if each.status == "ok"}
    if not read.issuperset(places):
        raise SnapshotError(f"{earlier.id} says itself that it did not read all of {places}")
    return snapshot.read_rows(data)


def changes_of(place: Target, before: Rows, after: Rows, baseline_id: str) -> Iterator[Change]:
    """Return what became of one target's pools between two readings, the earlier of which is in the named snapshot."""
    for identifier in before.keys() | after.keys():
        old, new = before.get(identifier), after.get(identifier)
        if old == new:
            continue
        old_row, new_row = (json.loads(line or b"{}") for line in (old, new))
        yield Change(
            previous_snapshot_id=baseline_id,
            change="created" if old is None else "deleted" if new is None else "modified",
            account_id=place[0],
            region=place[1],
            id=identifier,
            name=(new_row or old_row)["name"],
            fields=tuple(_differing(old_row, new_row)) if old and new else (),
            before=old.decode() if old else None,
            after=new.decode() if new else None,
        )


def _differing(before: Any, after: Any, name: str = "") -> Iterator[str]:  # noqa: ANN401 - whatever a column holds
    """Name the columns that differ, dotted down to the innermost."""
    if before == after:
        return
    if not isinstance(before, dict | None) or not isinstance(after, dict | None):
        yield name
        return
    old, new = before or {}, after or {}
    inner = [
        differing
        for part in {**old, **new}
        for differing in _differing(old.get(part), new.get(part), f"{name}.{part}" if name else part)
    ]
    # A struct that came or went without a value in it.
    yield from inner or [name]
