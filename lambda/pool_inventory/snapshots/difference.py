"""Any two snapshots → what differs between them, in the targets that both of them read."""

from collections.abc import Mapping
from dataclasses import dataclass

from pool_inventory.model import Change, Status, Target
from pool_inventory.snapshots import archive, table
from pool_inventory.snapshots.changes import changes_between
from pool_inventory.snapshots.manifest import Manifest
from pool_inventory.stores.protocol import Store


@dataclass(frozen=True, slots=True)
class NotCompared:
    """A target that one of the two snapshots did not read, so nothing is known of its pools."""

    account_id: str
    region: str
    reason: str


@dataclass(frozen=True, slots=True)
class Difference:
    """What differs, sorted by account, region and id; and what could not be compared."""

    changes: tuple[Change, ...]
    not_compared: tuple[NotCompared, ...]


@dataclass(frozen=True, slots=True)
class Side:
    """One of the two snapshots: its id, its data object, and how reading each target went."""

    id: str
    data: bytes
    statuses: Mapping[Target, Status]


def read_side(store: Store, made: Manifest) -> Side:
    """Return a snapshot to compare, by its manifest.

    Raises:
        SnapshotError, StoreError: it cannot be read, or is not ours.
    """
    covered = archive.read_coverage(store, made)
    return Side(made.id, archive.read_data(store, made), {each.target: each.status for each in covered})


def compare(old: Side, new: Side) -> Difference:
    """Compare two snapshots."""
    targets = sorted(old.statuses.keys() | new.statuses.keys())
    reasons = {target: reason for target in targets if (reason := _reason(target, old, new))}
    compared = {target: old.id for target in targets if target not in reasons}
    found = changes_between(table.pool_rows(old.data, compared), table.pool_rows(new.data, compared), compared)
    return Difference(tuple(found), tuple(NotCompared(*target, reason) for target, reason in reasons.items()))


def _reason(target: Target, *sides: Side) -> str:
    """Return why a target cannot be compared, nothing where it can: an absent one has no pools."""
    statuses = ((side.id, side.statuses.get(target, "not_asked")) for side in sides)
    unread = (
        (identifier, status.replace("_", " ")) for identifier, status in statuses if status not in ("ok", "absent")
    )
    return " and ".join(f"{status} in {identifier}" for identifier, status in unread)
