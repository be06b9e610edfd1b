"""The manifest of a snapshot, and latest.json, which names the newest: written and read here alone."""

import dataclasses
import hashlib
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, get_args

from pool_inventory.errors import RefusedError, SnapshotError
from pool_inventory.model import COMPLETE, Carried, ChangeKind, Counted, Coverage, File, Link, Snapshot
from pool_inventory.snapshots import changes, checked, coverage, data_object, keys, schema, table
from pool_inventory.stores.protocol import Names, Store

_ADVICE = "put back an earlier version of it, or choose another snapshot: `pool-inventory list` has them"


@dataclass(frozen=True, slots=True)
class Manifest:
    """What readers need of a manifest.

    Attributes:
        status: `complete` or `partial`.
        changes: how many pools were created, deleted and modified; None in one of a release that did not say.
        targets: how many targets there are of each status, and accepted.
        unread: rows of the first targets that could not be read, those first that no setting accepts; all of them in
            contract version 1.
        uncompared: rows of the first targets of which the changes are not known.
        uncompared_count: how many there are of those.
        previous: the snapshot before, None in the first.
        data_file: the data object.
        coverage_file: the coverage object; None in contract version 1, which has its coverage in the manifest.
        carried_file: the carried object, None where there is none.
        first_coverage: the coverage of contract version 1; None in a later one.
    """

    id: str
    status: str
    pool_count: int
    changes: Mapping[str, int] | None
    targets: Mapping[Counted, int]
    unread: tuple[Mapping[str, Any], ...]
    uncompared: tuple[Mapping[str, Any], ...]
    uncompared_count: int
    carried: Carried
    previous: Link | None
    data_file: File
    coverage_file: File | None
    carried_file: File | None
    first_coverage: tuple[Coverage, ...] | None

    @property
    def unread_count(self) -> int:
        """How many targets were asked and could not be read, those included of which a setting accepts it."""
        return sum(count for status, count in self.targets.items() if status not in COMPLETE - {"accepted"})


def encode(
    names: Names, committed: Snapshot, data: bytes, covered: Iterable[Coverage], parts: Mapping[str, bytes]
) -> bytes:
    """Return a manifest: S3 Inventory's fields, then ours.

    https://docs.aws.amazon.com/AmazonS3/latest/userguide/storage-inventory-location.html

    Args:
        names: says what keys are in full.
        committed: the snapshot.
        data: its data object.
        covered: its coverage.
        parts: its other objects by their keys: the coverage, the changes, and what it carries, if anything.
    """
    unread = _first_unread(covered)
    summary = changes.summary_of(parts[keys.changes(committed.id)])

    def file(key: str) -> dict[str, Any] | None:
        document = data_object.file_document(data_object.file_of(parts[key])) if key in parts else None
        return document and {"key": names.full_key(key), **document}

    return _json(
        {
            **inventory_fields(names, committed, data),
            "contractVersion": table.CONTRACT_VERSION,
            "snapshotId": committed.id,
            "status": committed.status,
            "poolCount": committed.pool_count,
            "targets": dict(committed.targets),
            "coverageFile": file(keys.coverage(committed.id)),
            "carriedFile": file(keys.carried(committed.id)),
            "changesFile": file(keys.changes(committed.id)),
            "changes": dict(summary.counts),
            "carried": dataclasses.asdict(committed.carried),
            "unread": [_unread_document(each) for each in unread],
            "unreadCount": committed.targets_unread,
            "uncompared": [dataclasses.asdict(each) for each in summary.uncompared],
            "uncomparedCount": summary.uncompared_count,
            "extraFormats": committed.extra_formats,
            "previous": committed.previous and previous_document(names, committed.previous),
        }
    )


def inventory_fields(names: Names, committed: Snapshot, data: bytes) -> dict[str, Any]:
    """Return the fields that a manifest of S3 Inventory has."""
    return {
        "sourceBucket": "cognito-idp",
        "destinationBucket": names.bucket,
        "version": "2016-11-30",
        "creationTimestamp": str(round(committed.started_at.timestamp() * 1000)),
        "fileFormat": "Parquet",
        # The file's own: another release may have written it, with other columns.
        "fileSchema": schema.parquet_schema("user_pools", table.columns_of(data)),
        "files": [
            {
                "key": names.full_key(keys.data(committed.id)),
                "size": len(data),
                "MD5checksum": hashlib.md5(data, usedforsecurity=False).hexdigest(),
                "sha256": hashlib.sha256(data).hexdigest(),
            }
        ],
    }


def previous_document(names: Names, link: Link) -> dict[str, Any]:
    """Return a finished snapshot as the manifest after it, and latest.json, name it."""
    return {
        "snapshotId": link.snapshot_id,
        "manifest": names.full_key(keys.manifest(link.snapshot_id)),
        "sha256": link.manifest_sha256,
    }


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


def decode(body: bytes, address: str) -> Manifest:
    """Return what a manifest says.

    Args:
        body: the manifest, of any contract version up to this release's.
        address: where it is: it must be the manifest of the snapshot that belongs there.

    Raises:
        SnapshotError: it is not ours, or is of a newer contract.
    """
    manifest = load(body, address)
    try:
        (file,) = manifest["files"]
        parsed = _parsed(manifest)
        at_its_key = file["key"].endswith(keys.data(parsed.id)) and address.endswith(keys.manifest(parsed.id))
    except checked.NOT_OURS as error:
        raise SnapshotError(
            f"{address} is no manifest that this program writes ({error!r:.200}): {_ADVICE}"
        ) from error
    if not at_its_key:
        raise SnapshotError(f"{address} is the manifest of another snapshot, {parsed.id}: {_ADVICE}")
    return parsed


def _parsed(manifest: dict[str, Any]) -> Manifest:
    (file,) = manifest["files"]
    previous = manifest["previous"]
    is_first = manifest["contractVersion"] == 1
    covered = tuple(map(coverage.from_row, manifest["coverage"])) if is_first else None
    uncompared = tuple(map(dict, manifest.get("uncompared", ())))
    return Manifest(
        id=checked.identifier(manifest["snapshotId"]),
        status=checked.text(manifest["status"]),
        pool_count=checked.number(manifest["poolCount"]),
        changes=_counts(manifest["changes"]) if "changes" in manifest else None,
        targets=data_object.counted(each.status for each in covered)
        if covered is not None
        else {status: checked.number(count) for status, count in manifest["targets"].items()},
        unread=tuple(_unread_document(each) for each in covered if each.is_failed)
        if covered is not None
        else tuple(manifest["unread"]),
        uncompared=uncompared,
        uncompared_count=len(uncompared) if is_first else checked.number(manifest["uncomparedCount"]),
        carried=Carried() if is_first else data_object.carried_of(manifest["carried"]),
        previous=None if previous is None else checked.link(previous["snapshotId"], previous["sha256"]),
        data_file=checked.file(file),
        coverage_file=None if is_first else checked.file(manifest["coverageFile"]),
        carried_file=None if is_first or manifest["carriedFile"] is None else checked.file(manifest["carriedFile"]),
        first_coverage=covered,
    )


def _counts(document: Mapping[str, Any]) -> dict[str, int]:
    return {kind: checked.number(document[kind]) for kind in get_args(ChangeKind)}


def _first_unread(covered: Iterable[Coverage]) -> list[Coverage]:
    """Return the first targets that could not be read: those that a setting accepts only where there is room."""
    failed: list[Coverage] = []
    accepted: list[Coverage] = []
    for each in covered:
        kind = failed if each.is_failed else accepted
        if (each.is_failed or each.accepted_by) and len(kind) < changes.MAX_NAMED:
            kind.append(each)
    return [*failed, *accepted][: changes.MAX_NAMED]


def _unread_document(each: Coverage) -> dict[str, Any]:
    return {
        "account_id": each.account_id,
        "region": each.region,
        "status": each.status,
        "error_code": each.error_code,
        "error_message": each.error_message,
        "last_ok": each.last_ok,
        # An earlier release's manifest does not have it, and is verified to the byte.
        **({"accepted_by": each.accepted_by} if each.accepted_by else {}),
    }


def checksum(body: bytes) -> bytes:
    """Return what the checksum object of a manifest holds: its MD5, as S3 Inventory has it."""
    return hashlib.md5(body, usedforsecurity=False).hexdigest().encode()


def read(store: Store, identifier: str) -> Manifest:
    """Return what the manifest of a snapshot says, by the snapshot's id.

    Raises:
        SnapshotError: there is none, or it is not ours.
        StoreError: it cannot be read.
    """
    key = keys.manifest(identifier)
    stored = store.get(key)
    if stored is None:
        raise SnapshotError(f"{store.address(key)} is not there: `pool-inventory list` has the snapshots that are")
    return decode(stored.body, store.address(key))


def check_linked(store: Store, link: Link) -> bool:
    """Return whether there is the manifest that a link names.

    Raises:
        SnapshotError: it is not the one that the link names by its hash, or none of ours.
        NewerError: it is of a newer contract.
        StoreError: it cannot be read.
    """
    key = keys.manifest(link.snapshot_id)
    stored = store.get(key)
    if stored is None:
        return False
    if hashlib.sha256(stored.body).hexdigest() != link.manifest_sha256:
        raise SnapshotError(f"{store.address(key)} is not the manifest whose SHA-256 {keys.LATEST} names")
    load(stored.body, store.address(key))
    return True


def encode_latest(names: Names, link: Link, before: Iterable[Link] | None) -> bytes:
    """Return latest.json, which names a snapshot as the newest, and the two before it; 0.1 did not name those."""
    named = {} if before is None else {"previous": [previous_document(names, each) for each in before]}
    return _json({**previous_document(names, link), **named})


def links_before(store: Store, previous: Link | None) -> tuple[Link, ...]:
    """Return the two snapshots before one, by its own link to the first of them; fewer where there are not two.

    Raises:
        StoreError: the store cannot be read.
    """
    if previous is None:
        return ()
    try:
        before = read(store, previous.snapshot_id).previous
    except (SnapshotError, RefusedError):
        return (previous,)  # the manifest that names the other is gone, or is not ours: a run has reported that
    return (previous, before) if before else (previous,)


def parse_latest(body: bytes, address: str) -> Link:
    """Return the snapshot that latest.json names.

    Raises:
        SnapshotError: it is not ours.
    """
    try:
        latest = json.loads(body)
        return Link(checked.identifier(latest["snapshotId"]), checked.sha256(latest["sha256"]))
    except checked.NOT_OURS as error:
        raise SnapshotError(
            f"{address} is not what this program writes ({error!r:.200}): put back an earlier version of it, or "
            "delete it and the next run makes it again"
        ) from error


def read_latest(store: Store) -> Link | None:
    """Return the snapshot that latest.json names, None where there is no latest.json.

    Raises:
        SnapshotError: it is not ours.
        StoreError: it cannot be read.
    """
    stored = store.get(keys.LATEST)
    return parse_latest(stored.body, store.address(keys.LATEST)) if stored else None


def _json(value: dict[str, Any]) -> bytes:
    return json.dumps(value, indent=2, ensure_ascii=False, allow_nan=False).encode() + b"\n"
