"""A data object's rows for readers without Parquet: lines of JSON, and CSV.

Each is a function of the data object's bytes, a few thousand rows in memory at a time.
"""

import csv
import io
import json
from collections.abc import Iterable, Iterator
from typing import Any

from arro3.io import read_parquet, write_ndjson

from pool_inventory.snapshots import schema
from pool_inventory.snapshots.schema import Column, Kind

# https://owasp.org/www-community/attacks/CSV_Injection
FORMULA_BEGINS = ("=", "+", "-", "@", "\t", "\r")


def ndjson_lines(data: bytes) -> Iterator[bytes]:
    r"""Return each row as a line of JSON by schema.DATA's names, nulls included, that ends with \n."""
    for batch in read_parquet(io.BytesIO(data)):
        written = io.BytesIO()
        write_ndjson(batch, written, explicit_nulls=True)
        yield from written.getvalue().splitlines(keepends=True)


def csv_lines(data: bytes, *, defuse: bool = True) -> Iterator[bytes]:
    r"""Return a header and each row as RFC 4180 has them, in UTF-8, each ending with \r\n.

    Structs are flattened into columns with dotted names; null is an empty cell.

    Args:
        data: the data object.
        defuse: put an apostrophe before a cell that a spreadsheet would take for a formula.
    """
    names = list(_flat_names(schema.DATA))
    yield _csv_line(names)
    for line in ndjson_lines(data):
        flat = dict(_flat_cells(json.loads(line)))
        cells = (flat.get(name, "") for name in names)
        yield _csv_line(map(_defused, cells) if defuse else cells)


def _flat_names(columns: Iterable[Column], prefix: str = "") -> Iterator[str]:
    for column in columns:
        if column.kind is Kind.STRUCT:
            yield from _flat_names(column.columns, f"{prefix}{column.name}.")
        else:
            yield f"{prefix}{column.name}"


def _flat_cells(row: dict[str, Any], prefix: str = "") -> Iterator[tuple[str, str]]:
    for name, value in row.items():
        if isinstance(value, dict):
            yield from _flat_cells(value, f"{prefix}{name}.")
        elif value is not None:
            yield f"{prefix}{name}", str(value)


def _defused(cell: str) -> str:
    return f"'{cell}" if cell.startswith(FORMULA_BEGINS) else cell


def _csv_line(cells: Iterable[str]) -> bytes:
    text = io.StringIO(newline="")
    csv.writer(text, lineterminator="\r\n").writerow(cells)
    return text.getvalue().encode()
