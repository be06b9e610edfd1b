"""What changed in a snapshot, as the page shows it: each column that differs, with its values before and after."""

import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from pool_inventory.errors import SnapshotError
from pool_inventory.model import Change, Target
from pool_inventory.snapshots import changes, checked, keys, pools
from pool_inventory.stores.protocol import Store

# How many changes are listed, of triggers and of all else.
MAX_CHANGES = 100
# It differs whenever anything does, so it is said only where nothing else is.
_MODIFIED = "last_modified_date"


@dataclass(frozen=True, slots=True)
class Difference:
    """A column that differs, by its dotted name, with both values as a person reads them."""

    column: str
    before: str
    after: str


@dataclass(frozen=True, slots=True)
class PoolChange:
    """A change of a pool, and the snapshot that shows it.

    Attributes:
        arrivals: the ARNs that the pool calls now and did not call before.
    """

    snapshot_id: str
    change: Change
    differences: tuple[Difference, ...]
    arrivals: frozenset[str]

    @property
    def is_of_trigger(self) -> bool:
        """Whether a trigger of a pool that was there before is set to another function, or to none."""
        return any(name.startswith(pools.TRIGGER_PREFIX) for name in self.change.fields)


def read_changes(store: Store, snapshot_id: str) -> list[PoolChange]:
    """Return the first changes of a snapshot, as first has them.

    Raises:
        SnapshotError: they are gone, or are not ours.
        StoreError: they cannot be read.
    """
    key = keys.changes(snapshot_id)
    found = store.get(key)
    if found is None:
        raise SnapshotError(f"{store.address(key)} is gone, expired perhaps")
    try:
        return list(first(_pool_change(snapshot_id, each) for each in changes.decode(found.body)))
    except SnapshotError as error:
        raise SnapshotError(f"{store.address(key)}: {error}") from error
    except checked.NOT_OURS as error:
        raise SnapshotError(f"{store.address(key)} is not what this program writes: {error!r:.200}") from error


def _pool_change(snapshot_id: str, change: Change) -> PoolChange:
    before, after = ({} if text is None else json.loads(text) for text in (change.before, change.after))
    old, new = (set(pools.triggers(row).values()) if row else set() for row in (before, after))
    return PoolChange(snapshot_id, change, tuple(_differences(change, before, after)), frozenset(new - old))


def first(found: Iterable[PoolChange]) -> Iterator[PoolChange]:
    """Return the first MAX_CHANGES of triggers, and as many others: many new pools hide no swapped trigger."""
    left = {True: MAX_CHANGES, False: MAX_CHANGES}
    for each in found:
        if left[each.is_of_trigger]:
            left[each.is_of_trigger] -= 1
            yield each


def _differences(change: Change, before: dict[str, Any], after: dict[str, Any]) -> Iterator[Difference]:
    """Return what differs in a modified pool, and what a created one calls."""
    target = Target(change.account_id, change.region)
    named = change.fields
    if change.change == "created":
        named = tuple(f"{pools.TRIGGER_PREFIX}{name}" for name in pools.triggers(after))
    for name in [each for each in named if each != _MODIFIED] or named:
        yield Difference(name, pools.shown_value(before, name, target), pools.shown_value(after, name, target))
