"""Any two snapshots → what differs between them, in the targets that both of them read."""

from collections.abc import Iterator
from dataclasses import dataclass

from pool_inventory.model import COMPLETE_STATUSES, Change, Target
from pool_inventory.snapshots import parquet as snapshot
from pool_inventory.snapshots.archive import Manifest
from pool_inventory.snapshots.changes import changes_of


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


def compare(before: tuple[Manifest, bytes], after: tuple[Manifest, bytes]) -> Difference:
    """Compare two snapshots, each given by its manifest and its data object."""
    (old, old_data), (new, new_data) = before, after
    places = sorted(old.statuses().keys() | new.statuses().keys())
    reasons = {place: reason for place in places if (reason := _reason(place, old, new))}
    old_rows, new_rows = snapshot.read_rows(old_data), snapshot.read_rows(new_data)
    found = [
        change
        for place in places
        if place not in reasons
        for change in changes_of(place, old_rows.get(place, {}), new_rows.get(place, {}), old.id)
    ]
    found.sort(key=lambda each: (each.account_id, each.region, each.id))
    return Difference(tuple(found), tuple(NotCompared(*place, reason) for place, reason in reasons.items()))


def _reason(place: Target, old: Manifest, new: Manifest) -> str:
    """Say why a target cannot be compared, or nothing where it can."""
    return " and ".join(_unread(place, (old, new)))


def _unread(place: Target, manifests: tuple[Manifest, ...]) -> Iterator[str]:
    for manifest in manifests:
        status = manifest.statuses().get(place, "not asked")
        if status not in COMPLETE_STATUSES:
            yield f"{status} in {manifest.id}"
