"""A snapshot ⇄ Parquet bytes.

The data object carries its rows, and in its footer all else that there is to know of the snapshot. So the one object
that is committed is enough to make all the others from, and each of them is a function of it.
"""

import dataclasses
import io
import json
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal

from arro3.io import read_json, read_parquet, write_parquet

from pool_inventory import keys, rows, schema
from pool_inventory.collect import Coverage
from pool_inventory.errors import SnapshotError
from pool_inventory.schema import Column

FOOTER_KEY = "pool_inventory"
PARQUET_MAGIC = b"PAR1"
# The version of the contract that docs/contract.md states: footer, columns, keys and manifest.
CONTRACT_VERSION = 1


@dataclass(frozen=True, slots=True)
class Link:
    """A finished snapshot, by its id and the SHA-256 of its manifest in hexadecimal."""

    snapshot_id: str
    manifest_sha256: str


@dataclass(frozen=True, slots=True)
class Snapshot:
    """What a snapshot says of itself, its rows apart."""

    id: str
    started_at: datetime
    ended_at: datetime
    previous: Link | None
    coverage: tuple[Coverage, ...]

    @property
    def status(self) -> Literal["complete", "partial"]:
        """Tell whether every target was read whole."""
        return "complete" if all(each.status == "ok" for each in self.coverage) else "partial"

    @property
    def pool_count(self) -> int:
        """Give the number of rows: the pools of the targets that were read whole."""
        return sum(each.pools or 0 for each in self.coverage)

    def coverage_rows(self) -> list[dict[str, Any]]:
        """Give the rows of the coverage table, by schema.COVERAGE's names."""
        time = rows.timestamp(keys.snapshot_time(self.id))
        return [
            {"snapshot_time": time, **dataclasses.asdict(each), "started_at": rows.timestamp(each.started_at)}
            for each in self.coverage
        ]


def encode(snapshot: Snapshot, lines: Iterable[bytes]) -> bytes:
    """Give the data object: the rows, which are lines of JSON by schema.DATA's names, and the snapshot in the footer.

    The same arguments give the same bytes.
    """
    footer = {
        "contractVersion": CONTRACT_VERSION,
        "snapshotId": snapshot.id,
        "startedAt": rows.timestamp(snapshot.started_at),
        "endedAt": rows.timestamp(snapshot.ended_at),
        "previous": dataclasses.asdict(snapshot.previous) if snapshot.previous else None,
        "coverage": snapshot.coverage_rows(),
    }
    return _parquet(schema.DATA, lines, {FOOTER_KEY: json.dumps(footer, sort_keys=True)})


def encode_coverage(snapshot: Snapshot) -> bytes:
    """Give the coverage object."""
    return _parquet(schema.COVERAGE, map(rows.json_line, snapshot.coverage_rows()), {})


def decode(body: bytes) -> Snapshot:
    """Read a data object's footer: the inverse of encode, the rows apart.

    Raises:
        SnapshotError: it is no data object of ours, or one of a newer contract.
    """
    footer = json.loads(_metadata(body).get(FOOTER_KEY.encode(), b"{}"))
    version = footer.get("contractVersion")
    if version != CONTRACT_VERSION:
        raise SnapshotError(
            f"the file's contract version is {version!r}, and this release knows {CONTRACT_VERSION}: "
            + ("update it" if isinstance(version, int) else "some other program wrote it")
        )
    return Snapshot(
        id=footer["snapshotId"],
        started_at=datetime.fromisoformat(footer["startedAt"]),
        ended_at=datetime.fromisoformat(footer["endedAt"]),
        previous=Link(**footer["previous"]) if footer["previous"] else None,
        coverage=tuple(_coverage(row) for row in footer["coverage"]),
    )


def _metadata(body: bytes) -> dict[bytes, bytes]:
    if body[:4] != PARQUET_MAGIC or body[-4:] != PARQUET_MAGIC:
        raise SnapshotError(f"its {len(body)} bytes are no whole Parquet file: they do not begin and end as one")
    try:
        return read_parquet(io.BytesIO(body)).schema.metadata
    except BaseException as error:
        # arro3 raises plain Exceptions, and for some footers Rust's panic, which has no name that can be imported.
        if isinstance(error, Exception) or type(error).__name__ == "PanicException":
            raise SnapshotError(f"its {len(body)} bytes are no whole Parquet file: {error}") from error
        raise


def _coverage(row: dict[str, Any]) -> Coverage:
    values = {name: value for name, value in row.items() if name != "snapshot_time"}
    return Coverage(**{**values, "started_at": datetime.fromisoformat(row["started_at"])})


def _parquet(columns: tuple[Column, ...], lines: Iterable[bytes], metadata: dict[str, str]) -> bytes:
    reader = read_json(io.BytesIO(b"".join(lines)), schema.arrow_schema(columns))
    file = io.BytesIO()
    write_parquet(reader, file, compression="zstd(3)", key_value_metadata=metadata)
    return file.getvalue()
