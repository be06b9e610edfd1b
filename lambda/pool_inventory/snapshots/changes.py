"""Two snapshots → what was created, deleted, modified.

Each target is compared with its own last good reading, whichever snapshot has that: the footer fixed it at the commit,
so comparing again gives the same. A target that could not be read has no changes; they follow when it can be again.
"""

import dataclasses
import json
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, get_args

from pool_inventory.errors import RefusedError, SnapshotError
from pool_inventory.model import Change, ChangeKind, Snapshot, Target, Uncompared
from pool_inventory.snapshots import keys, rows, schema, table
from pool_inventory.snapshots import parquet as snapshot
from pool_inventory.snapshots.packed import PackedLines
from pool_inventory.snapshots.table import Row


@dataclass(frozen=True, slots=True)
class Comparison:
    """What a snapshot is compared with, and what cannot be compared.

    Attributes:
        changes: what changed, sorted by account, region and id: to be gone through once.
        uncompared: the targets of which the changes are not known, sorted.
    """

    changes: Iterable[Change]
    uncompared: tuple[Uncompared, ...]


def compare(data: bytes, read_data: Callable[[str], bytes]) -> Comparison:
    """Compare a committed snapshot with the last good reading of each of its targets.

    A target that was never read before has no changes, and is not among the uncompared.

    Args:
        data: the snapshot's data object.
        read_data: returns the data object of an earlier snapshot by its id, or raises SnapshotError where there is
            none, RefusedError where it is refused; called once for each snapshot that is needed, which usually is one.
    """
    committed = snapshot.decode(data)
    if committed.baselines is None:
        return Comparison((), tuple(_unknown_baselines(committed)))
    targets_by_baseline: dict[str, list[Target]] = defaultdict(list)
    for baseline in committed.baselines:
        targets_by_baseline[baseline.snapshot_id].append(baseline.target)
    streams: list[Iterator[Row]] = []
    compared: dict[Target, str] = {}
    uncompared: list[Uncompared] = []
    for baseline_id, targets in targets_by_baseline.items():
        try:
            streams.append(_read_baseline(read_data(baseline_id), targets))
        except (SnapshotError, RefusedError) as error:
            # The cost of an earlier snapshot that cannot be read is its changes, and not this snapshot.
            uncompared += (Uncompared(*target, baseline_id, str(error)) for target in targets)
            continue
        compared |= dict.fromkeys(targets, baseline_id)
    return Comparison(
        changes_between(table.merged(streams), table.pool_rows(data, compared), compared) if compared else (),
        tuple(sorted(uncompared, key=lambda each: (each.account_id, each.region))),
    )


def changes_between(before: Iterable[Row], after: Iterable[Row], baselines: Mapping[Target, str]) -> Iterator[Change]:
    """Return what became of the pools between two readings, each sorted by target and id.

    Args:
        before: the earlier rows of the targets that are compared.
        after: the later ones.
        baselines: the snapshot that has the earlier reading of each of them.
    """
    old_rows, new_rows = iter(before), iter(after)
    old, new = next(old_rows, None), next(new_rows, None)
    while old or new:
        if old and (new is None or old[:2] < new[:2]):
            yield _change_of(old, None, baselines)
            old = next(old_rows, None)
        elif new and (old is None or new[:2] < old[:2]):
            yield _change_of(None, new, baselines)
            new = next(new_rows, None)
        elif old and new:
            if old.line != new.line:
                yield _change_of(old, new, baselines)
            old, new = next(old_rows, None), next(new_rows, None)


def encode(snapshot_id: str, comparison: Comparison) -> bytes:
    """Return the changes object; its footer has the counts and what was not compared."""
    time = rows.timestamp(keys.snapshot_time(snapshot_id))
    counts: Counter[str] = Counter()
    # The footer is written first, so the counts are needed before the first row is.
    found = PackedLines()
    for change in comparison.changes:
        counts[change.change] += 1
        found.add([rows.json_line({"snapshot_time": time, **_row(change)})])
    footer = {
        "snapshotId": snapshot_id,
        "changes": {kind: counts[kind] for kind in get_args(ChangeKind)},
        "uncompared": [dataclasses.asdict(each) for each in comparison.uncompared],
    }
    return table.encode(schema.CHANGES, found, footer)


def counts_of(body: bytes) -> dict[str, int]:
    """Return how many pools were created, deleted and modified, by a changes object.

    Raises:
        SnapshotError: it is no changes object of ours.
    """
    counts = table.footer_of(body).get("changes")
    try:
        return {kind: int(counts[kind]) for kind in get_args(ChangeKind)}  # type: ignore[index] # TypeError is caught
    except (KeyError, TypeError, ValueError) as error:
        raise SnapshotError(f"the changes are not what this program writes: {error!r:.200}") from error


def decode(body: bytes) -> Comparison:
    """Return what a changes object says: the inverse of encode, its changes read as they are gone through.

    Raises:
        SnapshotError: it is no changes object of ours; its changes raise it, too.
    """
    footer = table.footer_of(body)
    try:
        uncompared = tuple(Uncompared(**each) for each in footer["uncompared"])
    except (KeyError, TypeError) as error:
        raise SnapshotError(f"the changes are not what this program writes: {error!r:.200}") from error
    return Comparison(_changes(body), uncompared)


def _changes(body: bytes) -> Iterator[Change]:
    for line in table.lines(body):
        try:
            yield _change(json.loads(line))
        except (KeyError, TypeError, ValueError, AttributeError) as error:
            raise SnapshotError(f"the changes are not what this program writes: {error!r:.200}") from error


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
        if each.is_read:
            reason = "the manifest before could not be read, which says when it was last read"
            yield Uncompared(each.account_id, each.region, None, reason)


def _read_baseline(data: bytes, targets: list[Target]) -> Iterator[Row]:
    """Return the rows of an earlier snapshot, in which these targets must have been read: else all would look new."""
    earlier = snapshot.decode(data)
    if not {each.target for each in earlier.coverage if each.is_read}.issuperset(targets):
        raise SnapshotError(f"{earlier.id} says itself that it did not read all of {targets}")
    return table.pool_rows(data, frozenset(targets))


def _change_of(old: Row | None, new: Row | None, baselines: Mapping[Target, str]) -> Change:
    known = new or old
    assert known is not None  # noqa: S101 - one of the two is there
    old_row, new_row = (json.loads(each.line) if each else {} for each in (old, new))
    return Change(
        previous_snapshot_id=baselines[known.target],
        change="created" if old is None else "deleted" if new is None else "modified",
        account_id=known.target.account_id,
        region=known.target.region,
        id=known.id,
        name=(new_row or old_row)["name"],
        fields=tuple(_differing(old_row, new_row)) if old and new else (),
        before=old.line.decode().rstrip() if old else None,
        after=new.line.decode().rstrip() if new else None,
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
