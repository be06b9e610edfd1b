"""One user pool as Cognito sends it → one row of `data`, losing nothing."""

import json
from datetime import UTC, datetime, timedelta
from typing import Any

from pool_inventory.model import Target
from pool_inventory.snapshots import keys, schema
from pool_inventory.snapshots.schema import Column, Kind

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_EPOCH_OF_UTC = EPOCH.replace(tzinfo=None)
# Asking of a tuple takes a third of the time that asking of `int | float` does, twice for each pool.
_NUMBER = (int, float)
# json.dumps with these arguments makes an encoder for each row.
_ENCODER = json.JSONEncoder(ensure_ascii=False, separators=(",", ":"), allow_nan=False)


def timestamp(time: datetime) -> str:
    """Write a time in UTC as all of our JSON has it, to the millisecond: `2026-11-24T18:00:00.000Z`."""
    return time.isoformat(timespec="milliseconds").replace("+00:00", "Z")


def minute(snapshot_id: str) -> str:
    """Return the time that a snapshot's id names, as Arrow writes a time without milliseconds."""
    return f"{keys.snapshot_time(snapshot_id):%Y-%m-%dT%H:%M:%S}Z"


def json_line(row: dict[str, Any]) -> bytes:
    """Write a row as a line of newline-delimited JSON."""
    return _ENCODER.encode(row).encode() + b"\n"


def data_row(
    pool: dict[str, Any],
    *,
    target: Target,
    partition: str,
    snapshot_time: datetime,
    columns: tuple[Column, ...] = schema.DATA,
) -> dict[str, Any]:
    """Return the row of a pool: the columns by name.

    A member whose value its column cannot hold as it was sent (a number where a string should be, a time finer than a
    millisecond) is in `unmodelled`, as are the members that no column is for, by their names in the response.
    """
    values = _fit_pool(pool, columns)
    time = timestamp(snapshot_time)
    return {
        "snapshot_time": time,
        "account_id": target.account_id,
        "region": target.region,
        "arn": f"arn:{partition}:cognito-idp:{target.region}:{target.account_id}:userpool/{values['id']}",
        **values,
        "read_at": time,
    }


def fit_row(
    row: dict[str, Any], written: tuple[Column, ...], columns: tuple[Column, ...] = schema.DATA
) -> dict[str, Any]:
    """Return a row of any release as this one would have written it.

    A row is its columns and its `unmodelled`, which say all that the API sent. A member that has no column in one of
    the two releases is in `unmodelled` there.

    Args:
        row: the row, as its file gives it.
        written: the columns of its file.
        columns: those of this release.
    """
    ours = {column.name: row[column.name] for column in columns if not column.member and column.name in row}
    return {**ours, **_fit_pool(_restore(row, written), columns)}


def _fit_pool(pool: dict[str, Any], columns: tuple[Column, ...]) -> dict[str, Any]:
    values, rest = _fit(pool, columns)
    return {**values, "unmodelled": json.dumps(rest, sort_keys=True, allow_nan=False) if rest else None}


def _without_nulls(value: Any) -> Any:  # noqa: ANN401 - whatever JSON can hold
    if not isinstance(value, dict):
        return value
    return {
        name: _without_nulls(each) if isinstance(each, dict) else each
        for name, each in value.items()
        if each is not None
    }


def _restore(row: dict[str, Any], columns: tuple[Column, ...]) -> dict[str, Any]:
    """Return a pool as the API sent it, by its row."""
    sent = _restore_members(row, columns)
    try:
        rest = json.loads(row.get("unmodelled") or "{}")
    except ValueError:
        rest = None
    return _merge(sent, rest) if isinstance(rest, dict) else sent


def _restore_members(row: dict[str, Any], columns: tuple[Column, ...]) -> dict[str, Any]:
    present = ((column, row.get(column.name)) for column in columns if column.member)
    return {str(column.member): _restore_value(value, column) for column, value in present if value is not None}


def _restore_value(value: Any, column: Column) -> Any:  # noqa: ANN401 - whatever JSON can hold
    if column.kind is Kind.STRUCT:
        return _restore_members(value, column.columns)
    if column.kind is Kind.TIMESTAMP:
        return round((datetime.fromisoformat(value) - EPOCH) / timedelta(milliseconds=1)) / 1000
    return value


def _merge(sent: dict[str, Any], rest: dict[str, Any]) -> dict[str, Any]:
    """Return what was sent with what no column could hold: the rest is as it was sent, so it takes precedence."""
    merged = dict(sent)
    for member, value in rest.items():
        known = merged.get(member)
        both = isinstance(known, dict) and isinstance(value, dict)
        merged[member] = _merge(known, value) if both else value  # type: ignore[arg-type] # both are dicts
    return merged


def _fit(sent: dict[str, Any], columns: tuple[Column, ...]) -> tuple[dict[str, Any], dict[str, Any]]:
    """Divide what was sent into the values of the columns that carry a member, and the rest.

    A null means the same as an absent member, and a column can hold only the null: it is in neither.
    """
    values: dict[str, Any] = {}
    rest: dict[str, Any] = {}
    left = dict(sent)
    for column in columns:
        if column.member is None:
            continue
        value = left.pop(column.member, None)
        if value is None:
            continue
        values[column.name], unfit = _fit_value(value, column)
        if unfit is not None:
            rest[column.member] = unfit
    for member, value in left.items():
        if value is not None:
            rest[member] = _without_nulls(value)
    return values, rest


def _fit_value(value: Any, column: Column) -> tuple[Any, Any]:  # noqa: ANN401 - whatever JSON can hold
    """Return what the column can hold of a value, and what of it is left over (None: nothing)."""
    kind = column.kind
    if kind is Kind.STRING and _is_text(value):
        return value, None
    if kind is Kind.STRUCT and isinstance(value, dict):
        parts, rest = _fit(value, column.columns)
        return parts, rest or None
    if kind is Kind.STRINGS and isinstance(value, list) and all(map(_is_text, value)):
        return value, None
    if kind is Kind.TIMESTAMP and isinstance(value, _NUMBER) and not isinstance(value, bool):
        return _fit_time(value)
    return None, _without_nulls(value)


def _fit_time(epoch_seconds: float) -> tuple[str | None, float | None]:
    try:
        milliseconds = round(epoch_seconds * 1000)
        # As timestamp has it, but without a time zone to look up: each row has two of these.
        time = (_EPOCH_OF_UTC + timedelta(milliseconds=milliseconds)).isoformat(timespec="milliseconds") + "Z"
    except OverflowError:
        return None, epoch_seconds
    return time, None if milliseconds / 1000 == epoch_seconds else epoch_seconds


def _is_text(value: object) -> bool:
    """Whether a value is text that can be written at all: JSON can hold half of a surrogate pair, Parquet cannot."""
    try:
        return isinstance(value, str) and (value.isascii() or value.encode() is not None)
    except UnicodeEncodeError:
        return False
