"""What finish wrote of one snapshot: does it follow from what is committed?

Parquet files are compared by their bytes where the same release of the library wrote them, and else by their rows.
"""

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
from pool_inventory.publish.finish import Finishing, derived_changes, symlink
from pool_inventory.snapshots import changes, formats, keys, rows, schema, table
from pool_inventory.snapshots.manifest import encode as encode_manifest
from pool_inventory.snapshots.schema import Column
from pool_inventory.stores.protocol import Store
from pool_inventory.terminal.verify.first_contract import check_first_coverage, first_manifest
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


def check_finished(store: Store, found: Finishing, manifest: dict[str, Any], report: Report) -> None:
    """Check all that finish wrote, against a commit that is what its manifest says.

    Args:
        store: where it is.
        found: the commit, with what it was finished from.
        manifest: the manifest as it is.
        report: what is added to.
    """
    identifier, data = found.snapshot.id, found.committed.data
    origin = origin_of(manifest)
    by_bytes = manifest["contractVersion"] == table.CONTRACT_VERSION and writer_of(data) == _own_writer()
    if not by_bytes:
        report.note("some snapshots were written by another release: rows were compared there, not bytes")
    changes_object = derived_changes(found)
    if "changes" in manifest:  # the very first manifests had none
        changes_object = _check_changes(store, found, changes_object, by_bytes=by_bytes, report=report)
    for file_format in found.snapshot.extra_formats:
        _check_extra(store, data, keys.in_format(identifier, file_format), file_format, report)
    _check_bytes(store, keys.symlink(identifier), symlink(origin, identifier), report)
    if manifest["contractVersion"] == 1:
        check_first_coverage(store, identifier, data, report)
        expected = first_manifest(origin, data, changes_object)
    else:
        parts = {keys.coverage(identifier): found.committed.coverage or b"", keys.changes(identifier): changes_object}
        if found.committed.carried:
            parts[keys.carried(identifier)] = found.committed.carried
        if found.committed.accounts:
            parts[keys.accounts(identifier)] = found.committed.accounts
        expected = json.loads(encode_manifest(origin, found.snapshot, data, found.covered, parts))
    _check_fields(manifest, expected, report)


def _check_changes(store: Store, found: Finishing, again: bytes, *, by_bytes: bool, report: Report) -> bytes:
    """Check the changes object; return what it should be, so that one that is not is reported once.

    Args:
        store: where it is.
        found: the commit.
        again: the changes object that follows from what can be read now.
        by_bytes: whether this release, with these columns, would have written the same bytes.
        report: what is added to.
    """
    key = keys.changes(found.snapshot.id)
    stored = store.get(key)
    if stored is None:
        report.fault(key, "is missing")
        return again
    report.checked(stored.body)
    if stored.body == again:
        return again
    try:
        stated, now = changes.summary_of(stored.body).uncompared, changes.summary_of(again).uncompared
        columns = table.columns_of(found.committed.data)
        leave_out = _targets(stated) | _targets(now) if _targets(stated) != _targets(now) else frozenset()
        is_same = _same_changes(stored.body, again, columns, leave_out=leave_out)
        is_rewritten = by_bytes and stated == now and columns == table.columns_of(table.encode(schema.DATA, [], {}))
        if not is_same or is_rewritten:
            report.fault(key, _NOT_DERIVED)
            return again
        if leave_out:
            report.note(f"{key} was not checked in all targets: what they are compared with cannot be read any more")
    except _UNREADABLE as error:
        report.fault(key, f"cannot be read: {error}")
        return again
    return stored.body


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


def _check_extra(store: Store, data: bytes, key: str, file_format: str, report: Report) -> None:
    stored = store.get(key)
    if stored is None:
        report.fault(key, "is missing")
        return
    report.checked(stored.body)
    expected = formats.compressed(formats.data_lines(file_format, data))
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


def _check_bytes(store: Store, key: str, expected: bytes, report: Report) -> None:
    stored = store.get(key)
    if stored is None:
        report.fault(key, "is missing")
        return
    report.checked(stored.body)
    if stored.body != expected:
        report.fault(key, "is not what follows from the data")


def _check_fields(manifest: dict[str, Any], made: dict[str, Any], report: Report) -> None:
    if unknown := sorted(manifest.keys() - made.keys()):
        report.note(f"some manifests have fields that this release does not know and did not check: {unknown}")
    for name in sorted(made):
        if name not in manifest and name in ADDED_FIELDS:
            continue
        if manifest.get(name) != made[name]:
            key = keys.manifest(made["snapshotId"])
            stated, follows = (f"{value!r}"[:200] for value in (manifest.get(name), made[name]))
            report.fault(key, f"its {name} is {stated}, and {follows} follows from the data")


def _targets(uncompared: tuple[Uncompared, ...]) -> frozenset[Target]:
    return frozenset(Target(each.account_id, each.region) for each in uncompared)


def writer_of(body: bytes) -> bytes:
    """Return the name and version of the library that wrote a Parquet file: its footer's last text of that form."""
    found = re.findall(rb"parquet-rs version [\d.]+", body)
    return found[-1] if found else b""


@functools.cache
def _own_writer() -> bytes:
    return writer_of(table.encode(schema.COVERAGE, [], {}))
