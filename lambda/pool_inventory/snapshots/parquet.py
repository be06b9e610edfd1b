"""A snapshot ⇄ its data object.

The data object carries its rows, and in its footer all else that there is to know of the snapshot. So the one object
that is committed is enough to make all the others from, and each of them is a function of it.
"""

import dataclasses
from collections.abc import Iterable
from datetime import datetime
from typing import Any, TypeVar, get_args

from pool_inventory import settings
from pool_inventory.errors import SnapshotError
from pool_inventory.model import Baseline, Coverage, Link, Snapshot, Status
from pool_inventory.snapshots import keys, rows, schema, table
from pool_inventory.text import one_line

T = TypeVar("T")


def encode(snapshot: Snapshot, lines: Iterable[bytes]) -> bytes:
    """Return the data object: rows, each a line of JSON by schema.DATA's names, and the snapshot in the footer.

    The same arguments give the same bytes.
    """
    footer = {
        "snapshotId": snapshot.id,
        "startedAt": rows.timestamp(snapshot.started_at),
        "endedAt": rows.timestamp(snapshot.ended_at),
        "previous": dataclasses.asdict(snapshot.previous) if snapshot.previous else None,
        "baselines": snapshot.baselines and [dataclasses.asdict(each) for each in snapshot.baselines],
        "extraFormats": snapshot.extra_formats,
        "coverage": coverage_rows(snapshot),
    }
    return table.encode(schema.DATA, lines, footer)


def coverage_rows(snapshot: Snapshot) -> list[dict[str, Any]]:
    """Return the rows of the coverage table, by schema.COVERAGE's names."""
    time = rows.timestamp(keys.snapshot_time(snapshot.id))
    return [
        {"snapshot_time": time, **dataclasses.asdict(each), "started_at": rows.timestamp(each.started_at)}
        for each in snapshot.coverage
    ]


def encode_coverage(snapshot: Snapshot) -> bytes:
    """Return the coverage object."""
    return table.encode(schema.COVERAGE, map(rows.json_line, coverage_rows(snapshot)), {"snapshotId": snapshot.id})


def decode(body: bytes) -> Snapshot:
    """Read a data object's footer: the inverse of encode, the rows apart.

    Raises:
        SnapshotError: it is no data object of ours, or one of a newer contract.
    """
    footer = table.footer_of(body)
    try:
        return _from_footer(footer)
    except (KeyError, TypeError, ValueError, AttributeError, OverflowError) as error:
        raise SnapshotError(f"the file's footer is not what this program writes: {error!r:.200}") from error


def _from_footer(footer: dict[str, Any]) -> Snapshot:
    """Return what a footer says, each value held against what it should be: anybody may have written it."""
    # The first footers had neither of the last two.
    baselines, extra_formats = footer.get("baselines"), footer.get("extraFormats", ())
    return Snapshot(
        id=_identifier(footer["snapshotId"]),
        started_at=datetime.fromisoformat(footer["startedAt"]),
        ended_at=datetime.fromisoformat(footer["endedAt"]),
        previous=_link(**footer["previous"]) if footer["previous"] else None,
        coverage=tuple(_coverage(row) for row in footer["coverage"]),
        baselines=None if baselines is None else tuple(_baseline(**each) for each in baselines),
        extra_formats=tuple(_one_of(settings.FORMATS, each) for each in extra_formats),
    )


def _link(snapshot_id: object, manifest_sha256: object) -> Link:
    return Link(_identifier(snapshot_id), _text(manifest_sha256))


def _baseline(account_id: object, region: object, snapshot_id: object) -> Baseline:
    return Baseline(_text(account_id), _text(region), _identifier(snapshot_id))


def _coverage(row: dict[str, Any]) -> Coverage:
    numbers = {name: _number(row[name]) for name in ("requests", "retries", "duplicates", "duration_ms")}
    return Coverage(
        account_id=_text(row["account_id"]),
        region=_text(row["region"]),
        status=_one_of(get_args(Status), row["status"]),
        pools=None if row["pools"] is None else _number(row["pools"]),
        started_at=datetime.fromisoformat(row["started_at"]),
        # Earlier releases wrote a service's text as it came.
        error_code=None if row["error_code"] is None else one_line(row["error_code"]),
        error_message=None if row["error_message"] is None else one_line(row["error_message"]),
        last_ok=None if row["last_ok"] is None else _identifier(row["last_ok"]),
        **numbers,
    )


def _text(value: object) -> str:
    if not isinstance(value, str):
        raise TypeError(f"{value!r:.100} is no text")
    value.encode()  # raises ValueError of half a surrogate pair, which Parquet cannot hold
    return value


def _number(value: object) -> int:
    # What a column of 64 bits holds.
    if not isinstance(value, int) or not 0 <= value < 1 << 63:
        raise ValueError(f"{value!r:.100} is no number")
    return value


def _identifier(value: object) -> str:
    if not isinstance(value, str) or not keys.is_id(value):
        raise ValueError(f"{value!r:.100} is no snapshot's id")
    return value


def _one_of(known: tuple[T, ...], value: object) -> T:
    for each in known:
        if each == value:
            return each
    raise ValueError(f"{value!r:.100} is none of {', '.join(map(str, known))}")
