"""What several commands say alike: how old a snapshot is, what was not read, and what changed of a pool."""

import json
from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime, timedelta
from typing import Any

from pool_inventory.model import Coverage, Target
from pool_inventory.snapshots import keys, pools
from pool_inventory.snapshots.manifest import Manifest
from pool_inventory.terminal.tables import paragraph
from pool_inventory.text import printable

# It differs whenever anything does, so it comes last.
_MODIFIED = "last_modified_date"
# After so many periods without a snapshot the newest is too old: one may be late, or have failed and be tried again.
MAX_PERIODS = 2


def is_too_old(newest: Manifest, now: datetime) -> bool:
    """Whether the newest snapshot is older than two of the periods in which the last two came."""
    period = _period(newest)
    return period is not None and now - keys.snapshot_time(newest.id) > MAX_PERIODS * period


def age_seconds(newest: Manifest, now: datetime) -> int:
    """Return how old the newest snapshot is."""
    return max(0, round((now - keys.snapshot_time(newest.id)).total_seconds()))


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
    yield from target_lines(((each.target, _not_read(each)) for each in unread), width)


def _not_read(each: Coverage) -> str:
    last = f"last read in {each.last_ok}" if each.last_ok else "no reading is known"
    if not each.last_ok and each.compared_with:
        last = f"last read in {each.compared_with}, and forgotten since"
    why = f" ({each.error_code})" if each.error_code else ""
    return f"{each.status.replace('_', ' ')}{why}, {last}"


def target_lines(found: Iterable[tuple[Target, str]], width: int | None = None) -> Iterator[str]:
    """Say what is true of each target; an account's regions are together where it is the same of them.

    An account whose role is refused would have a line for each of its regions otherwise.
    """
    regions: dict[tuple[str, str], list[str]] = {}
    for target, text in found:
        regions.setdefault((target.account_id, text), []).append(target.region)
    for (account_id, text), names in regions.items():
        yield from paragraph(printable(f"  {account_id} {', '.join(names)}: {text}"), width)


def what_changed(fields: Sequence[str], before: str | None, after: str | None) -> str:
    """Say which columns differ, and how."""
    old, new = parsed(before), parsed(after)
    ordered = sorted(fields, key=lambda each: each == _MODIFIED)
    return "; ".join(
        f"{name.removeprefix('lambda_config.')}: {_value(old, name)} → {_value(new, name)}" for name in ordered
    )


def _value(row: dict[str, Any] | None, dotted: str) -> str:
    return pools.shown_value(row, dotted, Target(row["account_id"], row["region"])) if row else "none"


def parsed(row: str | None) -> dict[str, Any] | None:
    """Return a pool's row, which is there as JSON or not at all."""
    found: dict[str, Any] | None = json.loads(row) if row else None
    return found
