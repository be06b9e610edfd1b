"""Coverage ⇄ its object: a row per target, sorted by account and region, read and written as a stream."""

import dataclasses
import json
from collections.abc import Iterable, Iterator
from datetime import datetime
from typing import Any, get_args

from pool_inventory.errors import SnapshotError
from pool_inventory.model import Coverage, Status
from pool_inventory.snapshots import checked, keys, rows, schema, table

_NAMES = tuple(each.name for each in dataclasses.fields(Coverage))


def encode(snapshot_id: str, coverage: Iterable[Coverage]) -> bytes:
    """Return the coverage object of a snapshot."""
    lines = (rows.json_line(row_of(snapshot_id, each)) for each in coverage)
    return table.encode(schema.COVERAGE, lines, {"snapshotId": snapshot_id})


def decode(body: bytes) -> Iterator[Coverage]:
    """Return what a coverage object says: the inverse of encode.

    Raises:
        SnapshotError: it is none of ours.
    """
    for lines in table.line_batches(body):
        try:
            # All at once: that takes half of the time.
            yield from map(from_row, json.loads(b"[" + b",".join(lines) + b"]"))
        except checked.NOT_OURS as error:
            raise SnapshotError(f"the coverage is not what this program writes: {error!r:.200}") from error


def row_of(snapshot_id: str, coverage: Coverage) -> dict[str, Any]:
    """Return a row of the coverage table, by schema.COVERAGE's names."""
    return {
        "snapshot_time": rows.timestamp(keys.snapshot_time(snapshot_id)),
        # dataclasses.asdict copies each value, which takes five times as long.
        **{name: getattr(coverage, name) for name in _NAMES},
        "started_at": rows.timestamp(coverage.started_at),
    }


def from_row(row: dict[str, Any]) -> Coverage:
    """Return what a row of coverage says, each value checked: another program may have written it.

    Raises:
        KeyError, TypeError, ValueError, AttributeError: it is not what this program writes.
    """
    numbers = {name: checked.number(row[name]) for name in ("requests", "retries", "duplicates", "duration_ms")}
    compared_with, accepted_by = row.get("compared_with"), row.get("accepted_by")
    return Coverage(
        account_id=checked.text(row["account_id"]),
        region=checked.text(row["region"]),
        status=checked.one_of(get_args(Status), row["status"]),
        pools=None if row["pools"] is None else checked.number(row["pools"]),
        started_at=datetime.fromisoformat(row["started_at"]),
        # Earlier releases wrote a service's text as it came.
        error_code=None if row["error_code"] is None else checked.line(row["error_code"]),
        error_message=None if row["error_message"] is None else checked.line(row["error_message"]),
        last_ok=None if row["last_ok"] is None else checked.identifier(row["last_ok"]),
        compared_with=None if compared_with is None else checked.identifier(compared_with),
        accepted_by=None if accepted_by is None else checked.text(accepted_by),
        **numbers,
    )
