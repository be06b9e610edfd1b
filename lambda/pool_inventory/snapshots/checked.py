"""Values from stored JSON, each checked: other programs may have written them.

Each function raises one of NOT_OURS for what this program does not write.
"""

import re
from typing import TypeVar

from pool_inventory.model import File, Link
from pool_inventory.snapshots import keys
from pool_inventory.text import one_line

T = TypeVar("T")

# What an object raises whose members are not what they should be, or are nested without end.
NOT_OURS = (ValueError, KeyError, TypeError, AttributeError, OverflowError, RecursionError)


def text(value: object) -> str:
    """Return a value that is text, which Parquet can hold."""
    if not isinstance(value, str):
        raise TypeError(f"{value!r:.100} is no text")
    value.encode()  # raises ValueError of half a surrogate pair, which Parquet cannot hold
    return value


def line(value: object) -> str:
    """Return a value that is text, on one printable line."""
    return one_line(text(value))


def number(value: object) -> int:
    """Return a value that is a number from 0, which a column of 64 bits can hold."""
    if not isinstance(value, int) or not 0 <= value < 1 << 63:
        raise ValueError(f"{value!r:.100} is no number")
    return value


def identifier(value: object) -> str:
    """Return a value that is a snapshot's id."""
    if not isinstance(value, str) or not keys.is_id(value):
        raise ValueError(f"{value!r:.100} is no snapshot's id")
    return value


def sha256(value: object) -> str:
    """Return a value that is a SHA-256 in hexadecimal."""
    if not isinstance(value, str) or not re.fullmatch("[0-9a-f]{64}", value):
        raise ValueError(f"{value!r:.100} is no SHA-256")
    return value


def one_of(known: tuple[T, ...], value: object) -> T:
    """Return a value that is one of those that are known."""
    for each in known:
        if each == value:
            return each
    raise ValueError(f"{value!r:.100} is none of {', '.join(map(str, known))}")


def link(snapshot_id: object, manifest_sha256: object) -> Link:
    """Return a link to a snapshot."""
    return Link(identifier(snapshot_id), text(manifest_sha256))


def file(value: object) -> File:
    """Return an object's size and hash, as footers and manifests have them."""
    if not isinstance(value, dict):
        raise TypeError(f"{value!r:.100} is no file")
    return File(number(value["size"]), sha256(value["sha256"]))
