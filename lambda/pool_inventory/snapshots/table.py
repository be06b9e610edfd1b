"""Rows ⇄ a Parquet file: the one place where lines of JSON become Parquet, and Parquet lines of JSON.

Both ways are streams: a few thousand rows are in memory at a time, whatever the file holds.
"""

import hashlib
import heapq
import io
import json
import operator
from collections.abc import Container, Iterable, Iterator, Sequence
from contextlib import contextmanager
from itertools import groupby
from typing import Any, NamedTuple

from arro3.core import RecordBatch, RecordBatchReader, Schema
from arro3.io import read_json, read_parquet, write_ndjson, write_parquet

from pool_inventory.errors import NewerError, SnapshotError
from pool_inventory.model import Target
from pool_inventory.snapshots import rows, schema
from pool_inventory.snapshots.schema import Column

FOOTER_KEY = "pool_inventory"
PARQUET_MAGIC = b"PAR1"
# The version of the contract that docs/contract.md speaks of: columns, keys, manifest, and the footer. What an
# earlier one wrote is read by every later release.
CONTRACT_VERSION = 2
# What a writer holds of one row group, and a reader of one batch.
ROW_GROUP_ROWS = 16_384
BATCH_ROWS = 1024
# The columns that say when a row was read. They describe the reading, not the pool.
TIMES = tuple(column.name for column in (schema.SNAPSHOT_TIME, schema.READ_AT))


# Each file has its own SHA-256 in its footer, taken while there were zeros in its place. For some damaged bytes arro3
# ends the process (a panic that cannot unwind), and no error could be reported: they are found before it reads them.
DIGEST = "fileSha256"
_DIGEST_BEGINS = f'"{DIGEST}": "'.encode()
_NO_DIGEST = "0" * 64
# A footer has what Parquet says of each row group, and ours: 370 kB for a million pools. It is looked for in so many
# bytes of the end, and in more if it is not there: the length that a damaged file says is not believed.
_TAIL_BYTES = 1_000_000


class Row(NamedTuple):
    """One pool's row: its target and id, and JSON of all its columns less TIMES."""

    target: Target
    id: str
    line: bytes


class _Lines(io.RawIOBase):
    """A file that arro3 reads lines of JSON from as they are made."""

    def __init__(self, lines: Iterable[bytes]) -> None:
        super().__init__()
        self._lines = iter(lines)
        self._left = b""

    def readable(self) -> bool:
        return True

    def read(self, size: int = -1) -> bytes:
        parts, length = [self._left], len(self._left)
        for line in self._lines:
            parts.append(line)
            length += len(line)
            if 0 <= size <= length:
                break
        held = b"".join(parts)
        end = len(held) if size < 0 else size
        self._left = held[end:]
        return held[:end]


def encode(columns: tuple[Column, ...], lines: Iterable[bytes], footer: dict[str, Any]) -> bytes:
    """Return a Parquet file of rows, each a line of JSON by the columns' names, with a footer for footer_of.

    The same arguments give the same bytes.
    """
    members = schema.members_of(columns)
    described = {"members": members} if members else {}
    all_of_it = {"contractVersion": CONTRACT_VERSION, **footer, **described, DIGEST: _NO_DIGEST}
    text = json.dumps(all_of_it, sort_keys=True)
    file = io.BytesIO()
    write_parquet(
        _batches(columns, lines),
        file,
        compression="zstd(3)",
        key_value_metadata={FOOTER_KEY: text},
        max_row_group_size=ROW_GROUP_ROWS,
    )
    # In place: a copy of a large account's file is memory that the function needs.
    with file.getbuffer() as view:
        place = _place_of_digest(view)
        view[place.start : place.stop] = _digest(view, place).encode()
    return file.getvalue()


def lines(body: bytes, *, without: Container[str] = ()) -> Iterator[bytes]:
    r"""Return the rows of a Parquet file, each as a line of JSON with its nulls, that ends with \n.

    Args:
        body: the file.
        without: names of columns to leave out.

    Raises:
        SnapshotError: it is none.
    """
    for written in line_batches(body, without=without):
        yield from written


def line_batches(body: bytes, *, without: Container[str] = ()) -> Iterator[list[bytes]]:
    """Return what lines returns, many at a time.

    Raises:
        SnapshotError: as lines.
    """
    for batch in _read(body):
        with _reading(body):
            written = _json_lines(batch, without)
        yield written


def pool_rows(body: bytes, targets: Container[Target] | None = None) -> Iterator[Row]:
    """Return the rows of a file of pools as this release would have written them, in the file's order.

    Args:
        body: a data object, of whichever release.
        targets: whose rows to return; all of them if None.

    Raises:
        SnapshotError: it is no data object of ours.
    """
    found = _as_written(body, targets)
    return found if is_as_now(body) else _fitted(found, columns_of(body))


def is_as_now(body: bytes) -> bool:
    """Whether the rows of a file of pools are as this release writes them, but for TIMES.

    Raises:
        SnapshotError: it is no Parquet file of ours.
    """
    return _feeding(columns_of(body)) == _feeding(schema.DATA)


def columns_of(body: bytes) -> tuple[Column, ...]:
    """Return a file's own columns, with the API's members that they carry.

    Raises:
        SnapshotError: it is no Parquet file of ours.
    """
    members = footer_of(body).get("members") or schema.members_of(schema.DATA)
    if not isinstance(members, dict):
        raise SnapshotError(f"the file's footer has members that are none: {members!r:.100}")
    return schema.columns_of(_schema(body), members)


def footer_of(body: bytes) -> dict[str, Any]:
    """Return the footer of an object that this program wrote.

    Raises:
        SnapshotError: it is no Parquet file of ours.
        NewerError: it is one of a newer contract.
    """
    metadata = _schema(body).metadata
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
    """Raise NewerError for an object of a newer contract: its meaning may differ.

    Raises:
        NewerError: the version is newer than this release's.
    """
    if version > CONTRACT_VERSION:
        raise NewerError(
            f"{what} is of contract version {version}, and this release knows {CONTRACT_VERSION}: "
            "update pool-inventory"
        )


def timed(row: Row, snapshot_time: str, read_at: str) -> bytes:
    """Return a row's line with TIMES in it, as rows.minute has them."""
    return f'{{"snapshot_time":"{snapshot_time}",'.encode() + row.line[1:-2] + f',"read_at":"{read_at}"}}\n'.encode()


def merged(streams: Sequence[Iterable[Row]]) -> Iterator[Row]:
    """Return rows of several sorted streams as one, sorted by target and id."""
    return heapq.merge(*streams, key=operator.itemgetter(0, 1)) if len(streams) != 1 else iter(streams[0])


def _as_written(body: bytes, targets: Container[Target] | None) -> Iterator[Row]:
    for batch in _read(body):
        with _reading(body):
            names = [batch[column].to_pylist() for column in ("account_id", "region", "id")]
            if any(None in column for column in names):
                raise ValueError("a row has no account, region or id")
            written = _json_lines(batch, TIMES)
        for account_id, region, identifier, line in zip(*names, written, strict=True):
            target = Target(account_id, region)
            if targets is None or target in targets:
                yield Row(target, identifier, line)


def _feeding(columns: Iterable[Column]) -> tuple[object, ...]:
    """Return what of the columns a row's JSON depends on."""
    return tuple(
        (each.name, each.kind, each.member, _feeding(each.columns)) for each in columns if each.name not in TIMES
    )


def _fitted(found: Iterable[Row], columns: tuple[Column, ...]) -> Iterator[Row]:
    """Return rows as this release would have written them: through Arrow, so that equal values are equal text."""
    now = tuple(column for column in schema.DATA if column.name not in TIMES)
    for _, numbered in groupby(enumerate(found), key=lambda each: each[0] // BATCH_ROWS):
        batch = [row for _, row in numbered]
        fitted = (rows.json_line(rows.fit_row(json.loads(row.line), columns)) for row in batch)
        written = (line for each in _batches(now, fitted) for line in _json_lines(each, ()))
        yield from (row._replace(line=line) for row, line in zip(batch, written, strict=True))


def _batches(columns: tuple[Column, ...], lines: Iterable[bytes]) -> RecordBatchReader:
    # arro3 calls read(size) alone, which its stubs do not say.
    file: Any = _Lines(lines)
    return read_json(file, schema.arrow_schema(columns), batch_size=BATCH_ROWS)


def _json_lines(batch: RecordBatch, without: Container[str]) -> list[bytes]:
    file = io.BytesIO()
    kept = [name for name in batch.column_names if name not in without]
    write_ndjson(batch.select(kept), file, explicit_nulls=True)
    return file.getvalue().splitlines(keepends=True)


def _read(body: bytes) -> Iterator[RecordBatch]:
    _check_whole(body)
    with _reading(body):
        yield from read_parquet(io.BytesIO(body), batch_size=BATCH_ROWS)


def _schema(body: bytes) -> Schema:
    _check_whole(body)
    with _reading(body):
        return read_parquet(io.BytesIO(body)).schema


@contextmanager
def _reading(body: bytes) -> Iterator[None]:
    """Raise SnapshotError for what is not a Parquet file, however arro3 reports it."""
    try:
        yield
    except BaseException as error:
        # arro3 raises plain Exceptions, and for some footers Rust's panic, which has no name that can be imported.
        is_arro3s = type(error) is Exception or type(error).__name__ == "PanicException"
        if is_arro3s or isinstance(error, ValueError | OSError | KeyError):
            raise SnapshotError(f"its {len(body)} bytes are no whole Parquet file: {error}") from error
        raise


def _check_whole(body: bytes) -> None:
    """Raise SnapshotError where a file is not what was written; those of 0.1 do not have their own SHA-256."""
    if body[:4] != PARQUET_MAGIC or body[-4:] != PARQUET_MAGIC:
        raise SnapshotError(f"its {len(body)} bytes are no whole Parquet file: they do not begin and end as one")
    view = memoryview(body)
    place = _place_of_digest(view)
    if place and view[place.start : place.stop] != _digest(view, place).encode():
        raise SnapshotError(f"its {len(body)} bytes are not the file that was written: its SHA-256 is another")


def _place_of_digest(view: memoryview) -> range:
    """Return where in a file its own SHA-256 is; nowhere if it has none."""
    tail_bytes = _TAIL_BYTES
    while True:
        tail = max(0, len(view) - tail_bytes)
        # The last, which is in the footer: rows before it may hold any text.
        found = bytes(view[tail:]).rfind(_DIGEST_BEGINS)
        if found >= 0:
            start = tail + found + len(_DIGEST_BEGINS)
            return range(start, start + len(_NO_DIGEST))
        if not tail:
            return range(0)
        tail_bytes *= 8


def _digest(view: memoryview, place: range) -> str:
    """Return the SHA-256 of a file with zeros where its own is."""
    found = hashlib.sha256(view[: place.start])
    found.update(_NO_DIGEST.encode())
    found.update(view[place.stop :])
    return found.hexdigest()
