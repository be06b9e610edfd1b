"""The manifest of a snapshot, and latest.json, which names the newest: written and read here."""

import hashlib
import json
import re
from typing import Any

from pool_inventory.errors import SnapshotError, StoreError
from pool_inventory.model import Link, Snapshot, Target
from pool_inventory.snapshots import keys, schema, table
from pool_inventory.snapshots import parquet as snapshot
from pool_inventory.stores.protocol import Names, Store

LastOk = dict[Target, str | None]
"""The snapshot that has the last good reading of each target, None for a target that was never read."""

_ADVICE = "put back an earlier version of it, or choose another snapshot: `pool-inventory list` has them"
# Besides what is no JSON: an object whose members are not what they should be, or are nested without end.
_NOT_OURS = (ValueError, KeyError, TypeError, AttributeError, RecursionError)


def encode(names: Names, committed: Snapshot, data: bytes, changes_footer: dict[str, Any]) -> bytes:
    """Return a manifest: S3 Inventory's fields, then ours.

    https://docs.aws.amazon.com/AmazonS3/latest/userguide/storage-inventory-location.html

    Args:
        names: says what keys are in full.
        committed: the snapshot.
        data: its data object.
        changes_footer: the footer of its changes object.
    """
    previous = committed.previous
    return _json(
        {
            "sourceBucket": "cognito-idp",
            "destinationBucket": names.bucket,
            "version": "2016-11-30",
            "creationTimestamp": str(round(committed.started_at.timestamp() * 1000)),
            "fileFormat": "Parquet",
            "fileSchema": schema.parquet_schema("user_pools", table.columns_of(data)),
            "files": [
                {
                    "key": names.full_key(keys.data(committed.id)),
                    "size": len(data),
                    "MD5checksum": hashlib.md5(data, usedforsecurity=False).hexdigest(),
                    "sha256": hashlib.sha256(data).hexdigest(),
                }
            ],
            "contractVersion": table.CONTRACT_VERSION,
            "snapshotId": committed.id,
            "status": committed.status,
            "poolCount": committed.pool_count,
            "changes": changes_footer["changes"],
            "uncompared": changes_footer["uncompared"],
            "extraFormats": committed.extra_formats,
            "previous": previous
            and {
                "snapshotId": previous.snapshot_id,
                "manifest": names.full_key(keys.manifest(previous.snapshot_id)),
                "sha256": previous.manifest_sha256,
            },
            "coverage": snapshot.coverage_rows(committed),
        }
    )


def load(body: bytes, address: str) -> dict[str, Any]:
    """Return a manifest as it is, its contract's version checked.

    Raises:
        SnapshotError: it is none of ours.
        NewerError: it is of a newer contract.
    """
    try:
        manifest: dict[str, Any] = json.loads(body)
    except (ValueError, RecursionError) as error:
        raise SnapshotError(f"{address} is not JSON ({error}): {_ADVICE}") from error
    version = manifest.get("contractVersion") if isinstance(manifest, dict) else None
    if not isinstance(version, int):
        raise SnapshotError(f"{address} is no manifest that this program writes: {_ADVICE}")
    table.check_contract(version, address)
    return manifest


def checksum(body: bytes) -> bytes:
    """Return what the checksum object of a manifest holds: its MD5, as S3 Inventory has it."""
    return hashlib.md5(body, usedforsecurity=False).hexdigest().encode()


def read_linked(store: Store, link: Link) -> dict[str, Any] | None:
    """Return the manifest that a link names by its hash, None where there is no such object.

    Raises:
        SnapshotError: it is not the one that the link names, or none of ours.
        NewerError: it is of a newer contract.
        StoreError: it cannot be read.
    """
    key = keys.manifest(link.snapshot_id)
    stored = store.get(key)
    if stored is None:
        return None
    if hashlib.sha256(stored.body).hexdigest() != link.manifest_sha256:
        raise SnapshotError(f"{store.address(key)} is not the manifest whose SHA-256 {keys.LATEST} names")
    return load(stored.body, store.address(key))


def read_status(store: Store, identifier: str) -> str:
    """Return whether a finished snapshot is `complete` or `partial`.

    Raises:
        SnapshotError, StoreError: its manifest is not ours, or cannot be read.
    """
    key = keys.manifest(identifier)
    stored = store.get(key)
    if stored is None:
        raise StoreError(f"{store.address(key)} is gone: something else deletes objects")
    return str(load(stored.body, store.address(key)).get("status"))


def last_ok(manifest: dict[str, Any], address: str) -> LastOk:
    """Return which snapshot has the last good reading of each target, by a manifest as it is.

    Raises:
        SnapshotError: the coverage is not what this program writes.
    """
    try:
        found = {Target(row["account_id"], row["region"]): row["last_ok"] for row in manifest["coverage"]}
        for place, identifier in found.items():
            _check_strings(*place)
            if identifier is not None:
                keys.snapshot_time(identifier)
    except _NOT_OURS as error:
        raise SnapshotError(f"the coverage in {address} is not what this program writes ({error!r})") from error
    return found


def pools(manifest: dict[str, Any], address: str) -> dict[Target, int]:
    """Return the number of pools of each target that was read, by a manifest as it is.

    Raises:
        SnapshotError: the coverage is not what this program writes.
    """
    try:
        return {
            Target(row["account_id"], row["region"]): int(row["pools"])
            for row in manifest["coverage"]
            if row["pools"] is not None
        }
    except _NOT_OURS as error:
        raise SnapshotError(f"the coverage in {address} is not what this program writes ({error!r})") from error


def encode_latest(names: Names, link: Link) -> bytes:
    """Return latest.json, which names a snapshot as the newest."""
    return _json(
        {
            "snapshotId": link.snapshot_id,
            "manifest": names.full_key(keys.manifest(link.snapshot_id)),
            "sha256": link.manifest_sha256,
        }
    )


def parse_latest(body: bytes, address: str) -> Link:
    """Return the snapshot that latest.json names.

    Raises:
        SnapshotError: it is not ours.
    """
    try:
        latest = json.loads(body)
        link = Link(latest["snapshotId"], latest["sha256"])
        keys.snapshot_time(link.snapshot_id)
        if not re.fullmatch("[0-9a-f]{64}", link.manifest_sha256):
            raise ValueError(f"{link.manifest_sha256!r:.100} is no SHA-256")
    except _NOT_OURS as error:
        raise SnapshotError(
            f"{address} is not what this program writes ({error!r:.200}): put back an earlier version of it, or "
            "delete it and the next run makes it again"
        ) from error
    return link


def read_latest(store: Store) -> Link | None:
    """Return the snapshot that latest.json names, None where there is no latest.json.

    Raises:
        SnapshotError: it is not ours.
        StoreError: it cannot be read.
    """
    stored = store.get(keys.LATEST)
    return parse_latest(stored.body, store.address(keys.LATEST)) if stored else None


def _check_strings(*values: object) -> None:
    for value in values:
        if not isinstance(value, str):
            raise TypeError(f"{value!r:.100} is no string")


def _json(value: dict[str, Any]) -> bytes:
    return json.dumps(value, indent=2, ensure_ascii=False, allow_nan=False).encode() + b"\n"
