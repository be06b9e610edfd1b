"""Commit a snapshot, then finish it.

The commit is one conditional PUT of the data object. All that finishing writes is a function of what was committed, is
written only where it is not there yet, and ends with the checksum; so a run that died can be finished by any other.
"""

import gzip
import hashlib
import json
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import timedelta
from functools import partial
from itertools import takewhile
from typing import Any

from pool_inventory import changes, formats, keys, schema, snapshot
from pool_inventory.changes import Comparison
from pool_inventory.errors import SnapshotError, StoreError
from pool_inventory.snapshot import Link, Snapshot
from pool_inventory.store import Names, Store

# How far back from the newest snapshot to look for commits whose run died: longer than any run or retry takes.
LOOK_BACK = timedelta(days=1)

EXTRA_FORMATS = {"csv": formats.csv_lines, "ndjson": formats.ndjson_lines}


@dataclass(frozen=True, slots=True)
class History:
    """What the store holds as a run begins.

    Attributes:
        latest: the snapshot that latest.json names.
        unfinished: ids of the commits up to the run's own that are yet to be finished, sorted.
        committed: whether the run's own snapshot is committed already.
    """

    latest: Link | None
    unfinished: tuple[str, ...]
    committed: bool


@dataclass(frozen=True, slots=True)
class Published:
    """A finished snapshot, what changed in it, the key of its manifest, and the size of its data."""

    snapshot: Snapshot
    comparison: Comparison
    manifest_key: str
    size_bytes: int


def read_history(store: Store, identifier: str) -> History:
    """See what was there before the run whose snapshot has this id.

    Raises:
        SnapshotError, StoreError: latest.json is not ours, or the store cannot be read.
    """
    latest = read_latest(store)
    since = ""
    if latest:
        since = keys.snapshot_id(keys.snapshot_time(min(latest.snapshot_id, identifier)) - LOOK_BACK)
    committed = _ids(map(keys.committed, store.keys(keys.DATA, keys.data(since) if since else "")), identifier)
    finished = _ids(map(keys.finished, store.keys(keys.MANIFESTS, keys.manifest(since) if since else "")), identifier)
    # Where the newest is newer than latest.json, its run died before it moved that, or somebody deleted it.
    newest = max(committed & finished, default="")
    unmoved = {newest} if newest > (latest.snapshot_id if latest else "") else set()
    return History(latest, tuple(sorted(committed - finished | unmoved)), identifier in committed)


def _ids(found: Iterable[str | None], up_to: str) -> set[str]:
    return set(takewhile(lambda each: each <= up_to, (each for each in found if each)))


def read_latest(store: Store) -> Link | None:
    """Read latest.json, None where there is none yet.

    Raises:
        SnapshotError, StoreError: it is not ours, or cannot be read.
    """
    stored = store.get(keys.LATEST)
    return _parse_latest(store, stored.body) if stored else None


def _parse_latest(store: Store, body: bytes) -> Link:
    try:
        latest = json.loads(body)
        keys.snapshot_time(latest["snapshotId"])
        return Link(latest["snapshotId"], latest["sha256"])
    except (ValueError, KeyError, TypeError) as error:
        raise SnapshotError(
            f"{store.address(keys.LATEST)} is not what this program writes ({error!r}): put back an earlier version "
            "of it, or delete it to have it made anew"
        ) from error


def read_manifest(store: Store, link: Link) -> dict[str, Any]:
    """Read the manifest of a finished snapshot.

    Raises:
        SnapshotError: it is gone, or is not the one that the link names by its hash.
        NewerError: it is of a newer contract.
        StoreError: it cannot be read.
    """
    key = keys.manifest(link.snapshot_id)
    stored = store.get(key)
    if stored is None:
        raise SnapshotError(f"{store.address(key)} is gone, though {keys.LATEST} names it")
    if hashlib.sha256(stored.body).hexdigest() != link.manifest_sha256:
        raise SnapshotError(f"{store.address(key)} is not the manifest whose SHA-256 {keys.LATEST} names")
    return load_manifest(stored.body, store.address(key))


def load_manifest(body: bytes, address: str) -> dict[str, Any]:
    """Read a manifest as it is, its contract's version checked.

    Raises:
        SnapshotError: it is none of ours.
        NewerError: it is of a newer contract.
    """
    advice = "put back an earlier version of it, or choose another snapshot: `pool-inventory list` has them"
    try:
        manifest: dict[str, Any] = json.loads(body)
    except ValueError as error:
        raise SnapshotError(f"{address} is not JSON ({error}): {advice}") from error
    version = manifest.get("contractVersion") if isinstance(manifest, dict) else None
    if not isinstance(version, int):
        raise SnapshotError(f"{address} is no manifest that this program writes: {advice}")
    snapshot.check_contract(version, address)
    return manifest


def read_data(store: Store, identifier: str) -> bytes:
    """Read the data object of a snapshot that is committed.

    Raises:
        StoreError: it cannot be read.
    """
    return _read(store, keys.data(identifier))


def read_status(store: Store, identifier: str) -> str:
    """Tell whether a finished snapshot is complete or partial.

    Raises:
        StoreError: its manifest cannot be read.
    """
    return str(json.loads(_read(store, keys.manifest(identifier)))["status"])


def commit(store: Store, new: Snapshot, lines: Iterable[bytes]) -> bytes:
    """Commit a snapshot: write its data object, unless another run has committed one of the same id.

    Returns:
        The bytes that are committed, this run's or the other's.
    """
    return _write_once(store, keys.data(new.id), snapshot.encode(new, lines))


def finish(store: Store, identifier: str, data: bytes | None = None) -> Published:
    """Write all else that a committed snapshot has, and make it the latest unless a newer one is.

    Args:
        store: where it is committed.
        identifier: the snapshot's id.
        data: the bytes that are committed, where the caller has them.

    Raises:
        SnapshotError: what is committed there is not ours.
        StoreError: the store cannot be read or written.
    """
    if data is None:
        data = read_data(store, identifier)
    try:
        committed = snapshot.decode(data)
        comparison = changes.compare(data, partial(_read_earlier, store))
    except SnapshotError as error:
        raise SnapshotError(f"{store.address(keys.data(identifier))}: {error}") from error
    # What could be compared when they were first written stands, though a baseline may have expired since.
    told = _write_once(store, keys.changes(identifier), changes.encode(identifier, comparison))
    for file_format in committed.extra_formats:
        lines = EXTRA_FORMATS[file_format](data)
        # No time in gzip's header: the bytes are to be a function of the commit.
        _write_once(store, keys.in_format(identifier, file_format), gzip.compress(b"".join(lines), mtime=0))
    made = derived(store, data, told)
    for key in (keys.coverage(identifier), keys.symlink(identifier)):
        _write_once(store, key, made[key])
    manifest = _write_once(store, keys.manifest(identifier), made[keys.manifest(identifier)])
    _write_once(store, keys.checksum(identifier), hashlib.md5(manifest, usedforsecurity=False).hexdigest().encode())
    link = Link(identifier, hashlib.sha256(manifest).hexdigest())
    if _move_latest(store, link):
        _copy_latest(store, link)
    return Published(committed, comparison, store.full_key(keys.manifest(identifier)), len(data))


def derived(names: Names, data: bytes, told: bytes) -> dict[str, bytes]:
    """Give, by their keys, the objects that are a function of what is committed and of what was told to have changed.

    Args:
        names: says what keys and addresses are in full.
        data: the snapshot's data object.
        told: its changes object.
    """
    committed = snapshot.decode(data)
    return {
        keys.coverage(committed.id): snapshot.encode_coverage(committed),
        keys.symlink(committed.id): f"{names.address(keys.data(committed.id))}\n".encode(),
        keys.manifest(committed.id): _manifest(names, committed, data, snapshot.footer_of(told)),
    }


def mend_latest_data(store: Store, identifier: str) -> None:
    """Make the copy of the latest data anew, if the run that moved latest.json to this snapshot died before it did."""
    latest = read_latest(store)
    if latest and latest.snapshot_id == identifier:
        copied = store.get(keys.LATEST_DATA)
        if copied is None or copied.body != read_data(store, identifier):
            _copy_latest(store, latest)


def _read_earlier(store: Store, identifier: str) -> bytes:
    stored = store.get(keys.data(identifier))
    if stored is None:
        raise SnapshotError(f"{store.address(keys.data(identifier))} is gone, expired perhaps")
    return stored.body


def _write_once(store: Store, key: str, body: bytes) -> bytes:
    """Write an object unless it is there; give the bytes that are there then."""
    return body if store.put_if_absent(key, body) else _read(store, key)


def _read(store: Store, key: str) -> bytes:
    stored = store.get(key)
    if stored is None:
        raise StoreError(f"{store.address(key)} was there a moment ago and is gone: something else deletes objects")
    return stored.body


def _move_latest(store: Store, link: Link) -> bool:
    """Have latest.json name a snapshot, unless it names a newer one or this; tell whether it was moved."""
    body = _json(
        {
            "snapshotId": link.snapshot_id,
            "manifest": store.full_key(keys.manifest(link.snapshot_id)),
            "sha256": link.manifest_sha256,
        }
    )
    moved = store.put_if_absent(keys.LATEST, body)
    while not moved:
        stored = store.get(keys.LATEST)
        if stored is None:
            moved = store.put_if_absent(keys.LATEST, body)
        elif _parse_latest(store, stored.body).snapshot_id >= link.snapshot_id:
            return False
        else:
            # Another run may have moved it in between: then look again.
            moved = store.replace(keys.LATEST, body, stored.etag)
    return True


def _copy_latest(store: Store, link: Link) -> None:
    """Copy the newest snapshot's data; where latest.json moves on meanwhile, whichever run copies last copies that."""
    newest: Link | None = link
    copied = None
    while newest and newest != copied:
        store.copy(keys.data(newest.snapshot_id), keys.LATEST_DATA)
        copied, newest = newest, read_latest(store)


def _manifest(names: Names, committed: Snapshot, data: bytes, told: dict[str, Any]) -> bytes:
    """S3 Inventory's fields, then ours.

    https://docs.aws.amazon.com/AmazonS3/latest/userguide/storage-inventory-location.html
    """
    previous = committed.previous
    return _json(
        {
            "sourceBucket": "cognito-idp",
            "destinationBucket": names.bucket,
            "version": "2016-11-30",
            "creationTimestamp": str(round(committed.started_at.timestamp() * 1000)),
            "fileFormat": "Parquet",
            "fileSchema": schema.parquet_schema("user_pools", schema.DATA),
            "files": [
                {
                    "key": names.full_key(keys.data(committed.id)),
                    "size": len(data),
                    "MD5checksum": hashlib.md5(data, usedforsecurity=False).hexdigest(),
                    "sha256": hashlib.sha256(data).hexdigest(),
                }
            ],
            "contractVersion": snapshot.CONTRACT_VERSION,
            "snapshotId": committed.id,
            "status": committed.status,
            "poolCount": committed.pool_count,
            "changes": told["changes"],
            "uncompared": told["uncompared"],
            "extraFormats": committed.extra_formats,
            "previous": previous
            and {
                "snapshotId": previous.snapshot_id,
                "manifest": names.full_key(keys.manifest(previous.snapshot_id)),
                "sha256": previous.manifest_sha256,
            },
            "coverage": committed.coverage_rows(),
        }
    )


def _json(value: dict[str, Any]) -> bytes:
    return json.dumps(value, indent=2, ensure_ascii=False).encode() + b"\n"
