"""Rows for readers without Parquet: lines of JSON, and CSV, as a stream."""

import csv
import io
import json
import zlib
from collections.abc import Iterable, Iterator
from typing import Any

from pool_inventory.snapshots import table
from pool_inventory.snapshots.schema import Column, Kind

# https://owasp.org/www-community/attacks/CSV_Injection
FORMULA_BEGINS = ("=", "+", "-", "@", "\t", "\r")


def compressed(lines: Iterable[bytes]) -> bytes:
    """Return lines as gzip has them, with no time in its header: equal lines give equal bytes."""
    stream = zlib.compressobj(9, wbits=31)
    packed = [stream.compress(line) for line in lines]
    return b"".join(packed) + stream.flush()


def csv_lines(columns: tuple[Column, ...], lines: Iterable[bytes], *, defuse: bool = True) -> Iterator[bytes]:
    r"""Return a header and each row as RFC 4180 has them, in UTF-8, each ending with \r\n.

    Structs are flattened into columns with dotted names; null is an empty cell, and a list's values have a space
    between them.

    Args:
        columns: the rows' columns.
        lines: the rows, each as a line of JSON.
        defuse: put an apostrophe before a cell that a spreadsheet would take for a formula.
    """
    names = list(flat_names(columns))
    yield _csv_line(names)
    for line in lines:
        flat = dict(flat_cells(json.loads(line)))
        cells = (flat.get(name, "") for name in names)
        yield _csv_line(map(_defused, cells) if defuse else cells)


def data_lines(file_format: str, data: bytes) -> Iterator[bytes]:
    """Return the rows of a data object in a format, as its own file has them.

    Args:
        file_format: one of settings.FORMATS.
        data: the data object.
    """
    return csv_lines(table.columns_of(data), table.lines(data)) if file_format == "csv" else table.lines(data)


def flat_names(columns: Iterable[Column], prefix: str = "") -> Iterator[str]:
    """Return the columns' names, those of a struct's members with a dot."""
    for column in columns:
        if column.kind is Kind.STRUCT:
            yield from flat_names(column.columns, f"{prefix}{column.name}.")
        else:
            yield f"{prefix}{column.name}"


def flat_cells(row: dict[str, Any], prefix: str = "") -> Iterator[tuple[str, str]]:
    """Return the cells of a row that are not null, each with its name as flat_names has it."""
    for name, value in row.items():
        if isinstance(value, dict):
            yield from flat_cells(value, f"{prefix}{name}.")
        elif isinstance(value, list):
            yield f"{prefix}{name}", " ".join(map(str, value))
        elif value is not None:
            yield f"{prefix}{name}", str(value)


def _defused(cell: str) -> str:
    return f"'{cell}" if cell.startswith(FORMULA_BEGINS) else cell


def _csv_line(cells: Iterable[str]) -> bytes:
    text = io.StringIO(newline="")
    csv.writer(text, lineterminator="\r\n").writerow(cells)
    return text.getvalue().encode()
