"""One pool through all snapshots: when it appeared, each change, and when it went."""

import difflib
import json
from collections.abc import Iterable, Iterator
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

# How many accounts an error names.
MAX_NAMED = 3


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
    """The history of a pool: its events, oldest first; and the newest snapshot, with its coverage of the region.

    `account_id` is None where the newest snapshot is of one account: then texts need not name it.
    """

    id: str
    account_id: str | None
    region: str
    events: tuple[Event, ...]
    newest: Manifest
    newest_coverage: tuple[Coverage, ...]


# A target, and the pool's row there, if any.
_Found = tuple[Target, Row | None]


@dataclass(frozen=True, slots=True)
class _Recorded:
    """What a snapshot's changes object says of the pool, and of which accounts it does not know the pool's region.

    `uncompared` is None where that may be any account.
    """

    snapshot_id: str
    events: tuple[Event, ...]
    uncompared: frozenset[str] | None

    def says_all(self, account_id: str | None) -> bool:
        """Whether the pool, of an account if that is known, did not change but as the events say."""
        if self.events or self.uncompared is None:
            return bool(self.events)
        return not self.uncompared if account_id is None else account_id not in self.uncompared


@dataclass(frozen=True, slots=True)
class _Looked:
    """What a snapshot's data has: the coverage of the pool's region, the pool's row if any, and at most how large."""

    covered: tuple[Coverage, ...]
    row: Row | None
    size_bytes: int

    def found(self, account_id: str | None) -> _Found | None:
        """Return the pool's target and its row, if any; None where that was not read whole.

        Where its account is not known, it may be in any that was read; that it is in none is known if all were.
        """
        covered = [each for each in self.covered if account_id in (None, each.account_id)]
        targets = [each.target for each in covered if each.is_read]
        if self.row and self.row.target in targets:
            return self.row.target, self.row
        return (targets[0], None) if targets and len(targets) == len(covered) else None


@dataclass(frozen=True, slots=True)
class _Last:
    """The snapshot in which the pool's target was last read, and its row there, if it was there."""

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
    events, account_id = _follow(store, pool_id, region)
    everywhere = archive.read_coverage(store, newest)
    covered = tuple(each for each in everywhere if each.region == region and account_id in (None, each.account_id))
    if not events:
        if "_" in pool_id:  # else it is no id, but perhaps a name
            check_places(Wanted(regions=(region,)), everywhere)
        unread = _unread(region, covered)
        raise SnapshotError(unread or _unknown(pool_id, archive.read_known(store, newest), _since(newest, covered)))
    named = account_id if archive.is_of_several(newest, everywhere) else None
    return PoolHistory(pool_id, named, region, tuple(events), newest, covered)


def _follow(store: Store, pool_id: str, region: str) -> tuple[list[Event], str | None]:
    """Return the pool's events, oldest first, and its account; None where no account that was read had the pool."""
    recorded = list(archive.in_turn(partial(_read_recorded, store, pool_id, region), archive.finished_ids(store)))
    account_id = _account_of(recorded)
    look = partial(_look, store, pool_id, region)
    unsaid = [each.snapshot_id for each in recorded if not each.says_all(account_id)]
    looked = dict(zip(unsaid, archive.in_turn(look, unsaid, size_bytes=lambda each: each.size_bytes), strict=True))
    events: list[Event] = []
    known: _Last | None = None
    for each in recorded:
        if each.says_all(account_id) and (each.events or known):
            events += each.events
            known = _after(each.snapshot_id, each.events, known, pool_id)
        elif found := (looked.get(each.snapshot_id) or look(each.snapshot_id)).found(account_id):
            events += _compared(*found, each.snapshot_id, known)
            known = _Last(each.snapshot_id, found[1])
            account_id = found[0].account_id if found[1] else account_id
    return events, account_id


def _read_recorded(store: Store, pool_id: str, region: str, snapshot_id: str) -> _Recorded:
    key = keys.changes(snapshot_id)
    stored = store.get(key)
    if stored is None:
        return _Recorded(snapshot_id, (), None)
    try:
        summary = changes.summary_of(stored.body)
        events = tuple(_events_of(stored.body, pool_id, snapshot_id))
    except SnapshotError as error:
        raise SnapshotError(f"{store.address(key)}: {error}: `pool-inventory verify` says more") from error
    except checked.NOT_OURS as error:
        raise SnapshotError(
            f"{store.address(key)} is not what this program writes ({error!r:.200}): `pool-inventory verify` says more"
        ) from error
    are_all_named = summary.uncompared_count == len(summary.uncompared)
    uncompared = frozenset(each.account_id for each in summary.uncompared if each.region == region)
    return _Recorded(snapshot_id, events, uncompared if are_all_named else None)


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


def _after(snapshot_id: str, events: tuple[Event, ...], known: _Last | None, pool_id: str) -> _Last:
    if not events:
        return _Last(snapshot_id, known.row if known else None)
    after = events[-1].after
    if after is None:
        return _Last(snapshot_id, None)
    row = json.loads(after)
    return _Last(snapshot_id, Row(Target(row["account_id"], row["region"]), pool_id, f"{after}\n".encode()))


def _account_of(recorded: Iterable[_Recorded]) -> str | None:
    """Return the account whose pool it is; None where no changes object names the pool."""
    rows = (row for each in recorded for event in each.events if (row := event.after or event.before))
    row = next(rows, None)
    return None if row is None else str(json.loads(row)["account_id"])


def _look(store: Store, pool_id: str, region: str, snapshot_id: str) -> _Looked:
    """Look for the pool in a snapshot's data."""
    made = manifest.read(store, snapshot_id)
    covered = tuple(each for each in archive.read_coverage(store, made) if each.region == region)
    targets = [each.target for each in covered if each.is_read]
    rows = table.pool_rows(archive.read_data(store, made), targets) if targets else ()
    row = next((row for row in rows if row.id == pool_id), None)
    return _Looked(covered, row, made.data_file.size_bytes)


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
    if not covered or any(map(_was_read, covered)):
        return None
    how = ", ".join(sorted({each.status.replace("_", " ") for each in covered}))
    of_accounts = f" of {len(covered)} accounts" if len(covered) > 1 else ""
    return (
        f"nothing is known of the pools of {region}{of_accounts}: it is {how} in the newest snapshot, which knows of "
        "no reading of it"
    )


def _was_read(each: Coverage) -> bool:
    return bool(each.last_ok or each.compared_with)


def _since(newest: Manifest, covered: tuple[Coverage, ...]) -> str:
    """Return that the newest snapshot does not know either, where it did not read the region."""
    is_of_several = len({each.account_id for each in covered}) > 1
    unread = [" ".join(each.target) if is_of_several else each.region for each in covered if not each.is_read]
    if not unread:
        return ""
    more = f" and {len(unread) - MAX_NAMED} more" if len(unread) > MAX_NAMED else ""
    return f"; {newest.id} did not read {', '.join(unread[:MAX_NAMED])}{more}, so it may be there now"


def _unknown(pool_id: str, known: Known, doubt: str) -> str:
    names = {row.id: json.loads(row.line)["name"] for row in known.rows()}
    near = [identifier for identifier, name in names.items() if name == pool_id][:3]
    near = near or difflib.get_close_matches(pool_id, names, cutoff=0.8)
    advice = f"did you mean {' or '.join(near)}?" if near else "`pool-inventory show` has the ids"
    return f"no snapshot has a pool {pool_id!r}{doubt}: {advice}"
