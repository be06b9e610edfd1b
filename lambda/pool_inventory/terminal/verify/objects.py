"""The objects of one snapshot: is each what the others say it is?"""

import hashlib
from collections import Counter
from typing import Any

from pool_inventory.errors import NewerError, SnapshotError
from pool_inventory.model import Link, Snapshot
from pool_inventory.snapshots import archive, keys, table
from pool_inventory.snapshots import parquet as snapshot
from pool_inventory.snapshots.manifest import load
from pool_inventory.stores.protocol import Store
from pool_inventory.terminal.verify.finished import check_finished
from pool_inventory.terminal.verify.report import Report


def check_snapshot(store: Store, identifier: str, body: bytes, *, is_named: bool, report: Report) -> Link | None:
    """Check a snapshot's objects against its manifest, whose bytes are given; give the snapshot before.

    Raises:
        NewerError: a newer release wrote it. Where another hash was expected (not is_named), that is a fault instead.
        StoreError: an object could not be read.
    """
    report.checked_snapshot(identifier)
    report.checked(body)
    is_named = _check_checksum(store, identifier, body, report) and is_named
    manifest = _load(identifier, body, is_named=is_named, report=report)
    data = _check_data(store, identifier, manifest, report) if manifest else None
    if manifest is None or data is None:
        _check_presence(store, identifier, manifest or {}, report)
        return _previous(store, identifier, body)
    committed = snapshot.decode(data)
    _check_rows(committed, data, report)
    check_finished(store, data, manifest, report)
    return committed.previous


def _check_checksum(store: Store, identifier: str, manifest: bytes, report: Report) -> bool:
    key = keys.checksum(identifier)
    stored = store.get(key)
    if stored is None:
        report.fault(key, "is missing")
        return False
    report.checked(stored.body)
    expected = hashlib.md5(manifest, usedforsecurity=False).hexdigest().encode()
    if stored.body != expected:
        report.fault(key, f"is {stored.body!r}, and the MD5 of {keys.manifest(identifier)} is {expected.decode()}")
    return stored.body == expected


def _load(identifier: str, body: bytes, *, is_named: bool, report: Report) -> dict[str, Any] | None:
    key = keys.manifest(identifier)
    try:
        archive.parse_manifest(body, key)
        return load(body, key)
    except NewerError:
        if is_named:
            raise
        report.fault(key, "says that it is of a newer contract")
    except SnapshotError as error:
        report.fault(key, str(error))
    return None


def _check_data(store: Store, identifier: str, manifest: dict[str, Any], report: Report) -> bytes | None:
    """Return the data object where it is what its manifest says."""
    key = keys.data(identifier)
    stored = store.get(key)
    if stored is None:
        report.fault(key, "is missing")
        return None
    report.checked(stored.body)
    actual = {
        "size": len(stored.body),
        "MD5checksum": hashlib.md5(stored.body, usedforsecurity=False).hexdigest(),
        "sha256": hashlib.sha256(stored.body).hexdigest(),
    }
    said = manifest["files"][0]
    wrong = [
        f"its {name} is {value}, not {said.get(name)}" for name, value in actual.items() if said.get(name) != value
    ]
    if wrong:
        report.fault(key, f"{'; '.join(wrong)}, as {keys.manifest(identifier)} says")
        return None
    return stored.body


def _check_presence(store: Store, identifier: str, manifest: dict[str, Any], report: Report) -> None:
    """Name at least what is missing, where what it should be cannot be told."""
    made = [keys.data(identifier)] if not manifest else []
    made += [keys.coverage(identifier), keys.symlink(identifier)]
    made += [keys.changes(identifier)] if "changes" in manifest else []
    for key in made:
        if store.get(key) is None:
            report.fault(key, "is missing")


def _previous(store: Store, identifier: str, body: bytes) -> Link | None:
    """Return the snapshot before as the manifest has it, or the data object where there is no such manifest."""
    try:
        return archive.parse_manifest(body, keys.manifest(identifier)).previous
    except SnapshotError:
        stored = store.get(keys.data(identifier))
    try:
        return snapshot.decode(stored.body).previous if stored else None
    except SnapshotError:
        return None  # told already


def _check_rows(committed: Snapshot, data: bytes, report: Report) -> None:
    """Count the rows of each target. That poolCount is their sum follows with the rest of the manifest."""
    counts = Counter(row.target for row in table.pool_rows(data))
    report.rows += counts.total()
    expected = {each.target: each.pools or 0 for each in committed.coverage}
    for place in sorted(counts.keys() | expected.keys()):
        if counts[place] != expected.get(place, 0):
            said = f"coverage says {expected.get(place, 0)}"
            report.fault(keys.data(committed.id), f"has {counts[place]} rows of {' '.join(place)}, and {said}")
