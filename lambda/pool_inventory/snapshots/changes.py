"""What a snapshot found, and what was known before → what was created, deleted, modified.

Each target is compared with its own last good reading, which the snapshot before has in its data or carries: the
commit fixed which, so comparing again gives the same. A target that could not be read has no changes; they follow when
it can be again.
"""

import dataclasses
import json
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any, get_args

from pool_inventory.errors import SnapshotError
from pool_inventory.model import Change, ChangeKind, Coverage, Snapshot, Target, Uncompared
from pool_inventory.snapshots import checked, keys, rows, schema, table
from pool_inventory.snapshots.packed import PackedLines
from pool_inventory.snapshots.table import Row

if TYPE_CHECKING:
    from pool_inventory.snapshots.known import Known

# How many targets a manifest names; coverage has all of them.
MAX_NAMED = 100
_NAMES = tuple(each.name for each in dataclasses.fields(Change) if each.name != "previous_snapshot_id")


@dataclass(frozen=True, slots=True)
class Comparison:
    """What changed in a snapshot, and what cannot be known.

    Attributes:
        changes: what changed, sorted by account, region and id: to be gone through once.
        uncompared: the targets of which the changes are not known, sorted.
    """

    changes: Iterable[Change]
    uncompared: tuple[Uncompared, ...]


def compare(snapshot: Snapshot, data: bytes, coverage: Iterable[Coverage], known: "Known | str | None") -> Comparison:
    """Compare what a committed snapshot read with what was known before.

    A target that was never read before has no changes, and is not among the uncompared.

    Args:
        snapshot: the snapshot.
        data: its data object.
        coverage: its coverage.
        known: what the snapshot before says is known; why that cannot be read; None where there is none.

    Raises:
        SnapshotError: the data is not ours; the changes raise it, too, as they are gone through.
    """
    reason = snapshot.known_reason or (known if isinstance(known, str) else None)
    lost = {} if known is None or isinstance(known, str) else known.lost
    compared: dict[Target, str] = {}
    uncompared: list[Uncompared] = []
    for each in coverage:
        if why := _why_uncompared(each, reason, lost):
            uncompared.append(Uncompared(*each.target, each.compared_with, why))
        elif each.is_read and each.compared_with:
            compared[each.target] = each.compared_with
    if not compared or known is None or isinstance(known, str):
        return Comparison((), tuple(uncompared))
    found = changes_between(known.rows(compared), table.pool_rows(data, compared), compared)
    return Comparison(found, tuple(uncompared))


def _why_uncompared(each: Coverage, reason: str | None, lost: Mapping[Target, str]) -> str | None:
    """Return why it is not known what changed in a target, None where it is, or will be when it is read again."""
    if reason:
        return reason if each.is_read or each.compared_with else None
    if each.compared_with is None or (not each.is_read and each.last_ok == each.compared_with):
        return None
    if each.target in lost:
        return lost[each.target]
    return None if each.is_read else f"it was last read in {each.compared_with}, and is no longer carried"


def changes_between(before: Iterable[Row], after: Iterable[Row], baselines: Mapping[Target, str]) -> Iterator[Change]:
    """Return the changes of pools between two readings, each sorted by target and id.

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
    """Return the changes object; its footer has the counts, and the first of what was not compared."""
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
        "uncompared": [dataclasses.asdict(each) for each in comparison.uncompared[:MAX_NAMED]],
        "uncomparedCount": len(comparison.uncompared),
    }
    return table.encode(schema.CHANGES, found, footer)


@dataclass(frozen=True, slots=True)
class Summary:
    """What a changes object says in its footer.

    Attributes:
        counts: how many pools were created, deleted and modified.
        uncompared: the first targets that were not compared, MAX_NAMED at most.
        uncompared_count: how many were not.
    """

    counts: Mapping[str, int]
    uncompared: tuple[Uncompared, ...]
    uncompared_count: int


def summary_of(body: bytes) -> Summary:
    """Return what a changes object says in its footer.

    Raises:
        SnapshotError: it is no changes object of ours.
    """
    footer = table.footer_of(body)
    try:
        uncompared = tuple(Uncompared(**each) for each in footer["uncompared"])
        counts = {kind: checked.number(footer["changes"][kind]) for kind in get_args(ChangeKind)}
        return Summary(counts, uncompared, checked.number(footer.get("uncomparedCount", len(uncompared))))
    except checked.NOT_OURS as error:
        raise SnapshotError(f"the changes are not what this program writes: {error!r:.200}") from error


def decode(body: bytes) -> Iterator[Change]:
    """Return the changes of a changes object, in their order.

    Raises:
        SnapshotError: it is no changes object of ours.
    """
    for line in table.lines(body):
        try:
            yield _change(json.loads(line))
        except checked.NOT_OURS as error:
            raise SnapshotError(f"the changes are not what this program writes: {error!r:.200}") from error


def _change(row: dict[str, Any]) -> Change:
    values = {name: value for name, value in row.items() if name != "snapshot_time"}
    previous_time = datetime.fromisoformat(values.pop("previous_snapshot_time"))
    return Change(
        **{**values, "previous_snapshot_id": keys.snapshot_id(previous_time), "fields": tuple(row["fields"])}
    )


def _row(change: Change) -> dict[str, Any]:
    previous_time = rows.timestamp(keys.snapshot_time(change.previous_snapshot_id))
    # Not by dataclasses.asdict, as in coverage.row_of.
    return {"previous_snapshot_time": previous_time, **{name: getattr(change, name) for name in _NAMES}}


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
