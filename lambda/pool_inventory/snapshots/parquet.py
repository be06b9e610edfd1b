"""A snapshot ⇄ Parquet bytes.

The data object carries its rows, and in its footer all else that there is to know of the snapshot. So the one object
that is committed is enough to make all the others from, and each of them is a function of it.
"""

import dataclasses
import io
import json
from collections import defaultdict
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from datetime import datetime
from typing import Any, TypeVar, get_args

from arro3.io import read_json, read_parquet, write_ndjson, write_parquet

from pool_inventory import settings
from pool_inventory.errors import NewerError, SnapshotError
from pool_inventory.model import Baseline, Coverage, Link, Snapshot, Status, Target
from pool_inventory.snapshots import keys, rows, schema
from pool_inventory.snapshots.schema import Column
from pool_inventory.text import one_line

T = TypeVar("T")

FOOTER_KEY = "pool_inventory"
PARQUET_MAGIC = b"PAR1"
# The version of the contract that docs/architecture.md speaks of: columns, keys, manifest, and the footer. What an
# earlier one wrote is read by every later release.
CONTRACT_VERSION = 1


Rows = dict[str, bytes]
"""The rows of one target by the pool's id, each as JSON."""


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
    return encode_table(schema.DATA, lines, footer)


def coverage_rows(snapshot: Snapshot) -> list[dict[str, Any]]:
    """Return the rows of the coverage table, by schema.COVERAGE's names."""
    time = rows.timestamp(keys.snapshot_time(snapshot.id))
    return [
        {"snapshot_time": time, **dataclasses.asdict(each), "started_at": rows.timestamp(each.started_at)}
        for each in snapshot.coverage
    ]


def encode_coverage(snapshot: Snapshot) -> bytes:
    """Return the coverage object."""
    return encode_table(schema.COVERAGE, map(rows.json_line, coverage_rows(snapshot)), {"snapshotId": snapshot.id})


def decode(body: bytes) -> Snapshot:
    """Read a data object's footer: the inverse of encode, the rows apart.

    Raises:
        SnapshotError: it is no data object of ours, or one of a newer contract.
    """
    footer = footer_of(body)
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


def read_rows(body: bytes) -> dict[Target, Rows]:
    """Return a data object's rows, by target and by the pool's id, each as JSON of all its columns less snapshot_time.

    Raises:
        SnapshotError: it is no data object of ours.
    """
    file = io.BytesIO()
    found: dict[Target, Rows] = defaultdict(dict)
    with reading(body):
        table = read_parquet(io.BytesIO(body)).read_all()
        write_ndjson(table.drop_columns(["snapshot_time"]), file, explicit_nulls=True)
        names = [table[column].to_pylist() for column in ("account_id", "region", "id")]
        for account_id, region, identifier, line in zip(*names, file.getvalue().splitlines(), strict=True):
            found[Target(account_id, region)][identifier] = line
    return found


def read_lines(body: bytes) -> list[bytes]:
    """Return the rows of a Parquet file, each as JSON.

    Raises:
        SnapshotError: it is none.
    """
    file = io.BytesIO()
    with reading(body):
        write_ndjson(read_parquet(io.BytesIO(body)), file, explicit_nulls=True)
    return file.getvalue().splitlines()


def footer_of(body: bytes) -> dict[str, Any]:
    """Read what an object of ours says of itself in its footer.

    Raises:
        SnapshotError: it is no Parquet file of ours.
        NewerError: it is one of a newer contract.
    """
    with reading(body):
        metadata = read_parquet(io.BytesIO(body)).schema.metadata
    try:
        footer: dict[str, Any] = json.loads(metadata.get(FOOTER_KEY.encode(), b"{}"))
        version = footer.get("contractVersion")
    except (ValueError, AttributeError, RecursionError) as error:
        raise SnapshotError(f"the file's footer is not what this program writes: {error!r:.200}") from error
    if not isinstance(version, int):
        raise SnapshotError(f"the file's contract version is {version!r}: some other program wrote it")
    check_contract(version, "the file")
    return footer


def check_contract(version: int, what: str) -> None:
    """Refuse to read by this contract what a newer one may mean otherwise.

    Raises:
        NewerError: the version is newer than this release's.
    """
    if version > CONTRACT_VERSION:
        raise NewerError(
            f"{what} is of contract version {version}, and this release knows {CONTRACT_VERSION}: "
            "update pool-inventory"
        )


def encode_table(columns: tuple[Column, ...], lines: Iterable[bytes], footer: dict[str, Any]) -> bytes:
    """Return a Parquet file of rows, each a line of JSON by the columns' names, with a footer for footer_of.

    The same arguments give the same bytes.
    """
    metadata = {FOOTER_KEY: json.dumps({"contractVersion": CONTRACT_VERSION, **footer}, sort_keys=True)}
    reader = read_json(io.BytesIO(b"".join(lines)), schema.arrow_schema(columns))
    file = io.BytesIO()
    write_parquet(reader, file, compression="zstd(3)", key_value_metadata=metadata)
    return file.getvalue()


@contextmanager
def reading(body: bytes) -> Iterator[None]:
    """Tell of a Parquet file that is none, whichever way arro3 does."""
    if body[:4] != PARQUET_MAGIC or body[-4:] != PARQUET_MAGIC:
        raise SnapshotError(f"its {len(body)} bytes are no whole Parquet file: they do not begin and end as one")
    try:
        yield
    except BaseException as error:
        # arro3 raises plain Exceptions, and for some footers Rust's panic, which has no name that can be imported.
        if isinstance(error, Exception) or type(error).__name__ == "PanicException":
            raise SnapshotError(f"its {len(body)} bytes are no whole Parquet file: {error}") from error
        raise
