"""One user pool as Cognito sends it → one row of `data`, losing nothing."""

import json
from datetime import UTC, datetime, timedelta
from typing import Any

from pool_inventory.model import Target
from pool_inventory.snapshots import schema
from pool_inventory.snapshots.schema import Column, Kind

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)

_MEMBERS = tuple(column for column in schema.DATA if column.member)


def timestamp(time: datetime) -> str:
    """Write a time in UTC as all of our JSON has it, to the millisecond: `2026-11-24T18:00:00.000Z`."""
    return time.isoformat(timespec="milliseconds").replace("+00:00", "Z")


def json_line(row: dict[str, Any]) -> bytes:
    """Write a row as a line of newline-delimited JSON."""
    return json.dumps(row, ensure_ascii=False, separators=(",", ":"), allow_nan=False).encode() + b"\n"


def data_row(pool: dict[str, Any], *, target: Target, partition: str, snapshot_time: datetime) -> dict[str, Any]:
    """Return the row of a pool: the columns of schema.DATA by name.

    A member whose value its column cannot hold as it was sent (a number where a string should be, a time finer than a
    millisecond) is in `unmodelled`, as are the members that no column is for, by their names in the response.
    """
    values, rest = _fit(pool, _MEMBERS)
    return {
        "snapshot_time": timestamp(snapshot_time),
        "account_id": target.account_id,
        "region": target.region,
        "arn": f"arn:{partition}:cognito-idp:{target.region}:{target.account_id}:userpool/{values['id']}",
        **values,
        "unmodelled": json.dumps(rest, sort_keys=True, allow_nan=False) if rest else None,
    }


def _fit(sent: dict[str, Any], columns: tuple[Column, ...]) -> tuple[dict[str, Any], dict[str, Any]]:
    """Divide what was sent into the columns' values and the rest."""
    values: dict[str, Any] = {}
    rest = dict(sent)
    for column in columns:
        if column.member not in sent:
            continue
        value = rest.pop(column.member)
        values[column.name], left = _fit_value(value, column)
        if left is not None:
            rest[column.member] = left
    return values, rest


def _fit_value(value: Any, column: Column) -> tuple[Any, Any]:  # noqa: ANN401 - whatever JSON can hold
    """Return what the column can hold of a value, and what of it is left over (None: nothing)."""
    if column.kind is Kind.STRUCT and isinstance(value, dict):
        parts, rest = _fit(value, column.columns)
        return parts, rest or None
    if column.kind is Kind.STRING and isinstance(value, str) and _is_unicode(value):
        return value, None
    if column.kind is Kind.TIMESTAMP and isinstance(value, int | float) and not isinstance(value, bool):
        return _fit_time(value)
    return None, value


def _fit_time(epoch_seconds: float) -> tuple[str | None, float | None]:
    try:
        milliseconds = round(epoch_seconds * 1000)
        time = timestamp(EPOCH + timedelta(milliseconds=milliseconds))
    except OverflowError:
        return None, epoch_seconds
    return time, None if milliseconds / 1000 == epoch_seconds else epoch_seconds


def _is_unicode(text: str) -> bool:
    """Whether the text can be written at all: JSON can hold half of a surrogate pair, Parquet cannot."""
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True
