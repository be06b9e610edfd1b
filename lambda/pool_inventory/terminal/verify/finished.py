"""What finish wrote of one snapshot: does it follow from what is committed?

Parquet files are compared by their bytes where the same release of the library wrote them, and else by their rows.
"""

import dataclasses
import functools
import json
import re
import zlib
from collections.abc import Container, Iterator
from dataclasses import dataclass
from itertools import zip_longest
from typing import Any

from pool_inventory.errors import SnapshotError
from pool_inventory.model import Target, Uncompared
from pool_inventory.publish import finish as publish
from pool_inventory.snapshots import archive, changes, formats, keys, rows, schema, table
from pool_inventory.snapshots import parquet as snapshot
from pool_inventory.snapshots.changes import Comparison
from pool_inventory.snapshots.schema import Column
from pool_inventory.stores.protocol import Store
from pool_inventory.terminal.verify.report import Report

# What the manifests of the first release do not have.
ADDED_FIELDS = frozenset({"changes", "uncompared", "extraFormats"})

# What reading an object that someone wrote into can raise, over and above what reading a torn one does.
_UNREADABLE = (SnapshotError, ValueError, KeyError, TypeError)

# No time in it, the most compression; its last byte, for the system, is 3 or 255 from one Python to another.
_GZIP_HEADERS = frozenset({b"\x1f\x8b\x08\0\0\0\0\0\x02\x03", b"\x1f\x8b\x08\0\0\0\0\0\x02\xff"})

_NOT_DERIVED = "is not what follows from the data and from what that is compared with"


@dataclass(frozen=True, slots=True)
class Origin:
    """Where the snapshots were written to, by what their manifest says: a copy of them keeps its names.

    Attributes:
        bucket: the bucket's ARN, or the folder's address.
        root: what keys have before them, which ends with a slash, or nothing.
    """

    bucket: str
    root: str

    def full_key(self, key: str) -> str:
        """Return the key as manifests name it."""
        return f"{self.root}{key}"

    def address(self, key: str) -> str:
        """Return the address that the object had there."""
        bucket = f"s3://{self.bucket.rpartition(':')[2]}" if self.bucket.startswith("arn:") else self.bucket
        return f"{bucket}/{self.full_key(key)}"


def origin_of(manifest: dict[str, Any]) -> Origin:
    """Return where a manifest, as it is, says that its snapshot was written to."""
    key: str = manifest["files"][0]["key"]
    return Origin(str(manifest.get("destinationBucket")), key.removesuffix(keys.data(manifest["snapshotId"])))


def check_finished(store: Store, data: bytes, manifest: dict[str, Any], report: Report) -> None:
    """Check all that finish wrote, against a data object that is what its manifest says."""
    committed = snapshot.decode(data)
    is_of_first_release = "changes" not in manifest
    by_bytes = not is_of_first_release and _writer(data) == _own_writer()
    if not by_bytes:
        report.note("some snapshots were written by another release: rows were compared there, not bytes")
    comparison = _compare_again(store, data)
    changes_object = (
        changes.encode(committed.id, comparison)
        if is_of_first_release
        else _check_changes(store, manifest, comparison, data, by_bytes=by_bytes, report=report)
    )
    for file_format in committed.extra_formats:
        _check_extra(store, data, keys.in_format(committed.id, file_format), file_format, report)
    made = publish.derived(origin_of(manifest), data, changes_object)
    _check_object(store, keys.coverage(committed.id), made, by_bytes=by_bytes, report=report)
    _check_object(store, keys.symlink(committed.id), made, by_bytes=True, report=report)
    _check_fields(manifest, json.loads(made[keys.manifest(committed.id)]), report)


def _compare_again(store: Store, data: bytes) -> Comparison:
    def read_baseline(identifier: str) -> bytes:
        return archive.read_data(store, archive.read_manifest(store, identifier))

    return changes.compare(data, read_baseline)


def _check_changes(
    store: Store, manifest: dict[str, Any], again: Comparison, data: bytes, *, by_bytes: bool, report: Report
) -> bytes:
    """Check the changes object; return what it should be, so that one that is not is reported once."""
    key = keys.changes(manifest["snapshotId"])
    # Why a target was not compared is said in words that name where the snapshots were then.
    said = _said_uncompared(manifest, again)
    expected = changes.encode(manifest["snapshotId"], dataclasses.replace(again, uncompared=said))
    stored = store.get(key)
    if stored is None:
        report.fault(key, "is missing")
        return expected
    report.checked(stored.body)
    if stored.body == expected:
        return expected
    try:
        columns = table.columns_of(data)
        unknown = _targets(said) ^ _targets(again.uncompared)
        leave_out = _targets(said) | _targets(again.uncompared) if unknown else frozenset()
        is_same = _same_changes(stored.body, expected, columns, leave_out=leave_out)
        is_another_schema = columns != table.columns_of(table.encode(schema.DATA, [], {}))
        if not is_same or (by_bytes and not unknown and not is_another_schema):
            report.fault(key, _NOT_DERIVED)
        elif unknown:
            report.note(f"{key} was not checked in all targets: what they are compared with cannot be read any more")
            table.footer_of(stored.body)
            return stored.body
    except _UNREADABLE as error:
        report.fault(key, f"cannot be read: {error}")
    return expected


def _said_uncompared(manifest: dict[str, Any], again: Comparison) -> tuple[Uncompared, ...]:
    try:
        return tuple(Uncompared(**each) for each in manifest["uncompared"])
    except (KeyError, TypeError):
        return again.uncompared  # reported with the manifest's fields


def _same_changes(
    stored: bytes, expected: bytes, columns: tuple[Column, ...], *, leave_out: Container[Target]
) -> bool:
    """Whether two changes objects say the same, though releases with other columns may have written them."""
    pairs = zip_longest(_comparable(stored, columns, leave_out), _comparable(expected, schema.DATA, leave_out))
    return all(one == other for one, other in pairs)


def _comparable(body: bytes, columns: tuple[Column, ...], leave_out: Container[Target]) -> Iterator[dict[str, Any]]:
    for row in map(json.loads, table.lines(body)):
        if Target(row["account_id"], row["region"]) not in leave_out:
            fitted = {name: row[name] and rows.fit_row(json.loads(row[name]), columns) for name in ("before", "after")}
            # Which columns differ depends on which columns a release has.
            yield {**row, **fitted, "fields": None}


def _same_rows(stored: bytes, expected: bytes) -> bool:
    return all(one == other for one, other in zip_longest(table.lines(stored), table.lines(expected)))


def _check_extra(store: Store, data: bytes, key: str, file_format: str, report: Report) -> None:
    stored = store.get(key)
    if stored is None:
        report.fault(key, "is missing")
        return
    report.checked(stored.body)
    expected = formats.compressed(publish.EXTRA_FORMATS[file_format](data))
    is_gzip = stored.body[:10] in _GZIP_HEADERS
    if is_gzip and stored.body[10:] == expected[10:]:
        return
    if not is_gzip or _inflated(stored.body) != _inflated(expected):
        report.fault(key, "is not the rows of the data as gzip has them")
    elif len(stored.body) == len(expected):
        # Another zlib would hardly need as many bytes for another result.
        report.fault(key, "has the rows of the data, and bytes that were changed")
    else:
        report.note(f"{key} has the rows of the data, and was compressed by another zlib than this machine's")


def _inflated(body: bytes) -> bytes | None:
    """Return what one whole gzip stream, and nothing after it, holds."""
    stream = zlib.decompressobj(wbits=31)
    try:
        inflated = stream.decompress(body)
    except zlib.error:
        return None
    return inflated if stream.eof and not stream.unused_data else None


def _check_object(store: Store, key: str, made: dict[str, bytes], *, by_bytes: bool, report: Report) -> None:
    stored = store.get(key)
    if stored is None:
        report.fault(key, "is missing")
        return
    report.checked(stored.body)
    if stored.body == made[key]:
        return
    try:
        if by_bytes or not _same_rows(stored.body, made[key]):
            report.fault(key, "is not what follows from the data")
    except SnapshotError as error:
        report.fault(key, f"cannot be read: {error}")


def _check_fields(manifest: dict[str, Any], made: dict[str, Any], report: Report) -> None:
    for name in sorted(manifest.keys() | made.keys()):
        if name not in manifest and name in ADDED_FIELDS:
            continue
        if manifest.get(name) != made.get(name):
            key = keys.manifest(made["snapshotId"])
            said, follows = (f"{each.get(name)!r}"[:200] for each in (manifest, made))
            report.fault(key, f"its {name} is {said}, and {follows} follows from the data")


def _targets(uncompared: tuple[Uncompared, ...]) -> frozenset[Target]:
    return frozenset(Target(each.account_id, each.region) for each in uncompared)


def _writer(body: bytes) -> bytes:
    """Return the name and version of the library that wrote a Parquet file: its footer's last text of that form."""
    found = re.findall(rb"parquet-rs version [\d.]+", body)
    return found[-1] if found else b""


@functools.cache
def _own_writer() -> bytes:
    return _writer(table.encode(schema.COVERAGE, [], {}))
