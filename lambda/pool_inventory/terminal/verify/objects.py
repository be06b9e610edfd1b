"""The objects of one snapshot: is each what the others say it is?"""

import hashlib
import json
from collections import Counter
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from pool_inventory.errors import NewerError, SnapshotError
from pool_inventory.model import Link, Snapshot, Target
from pool_inventory.publish.commit import Committed
from pool_inventory.publish.finish import Finishing, prepare
from pool_inventory.snapshots import accounts, checked, data_object, keys, rows, table
from pool_inventory.snapshots.manifest import Manifest, load
from pool_inventory.snapshots.manifest import decode as read_manifest
from pool_inventory.stores.protocol import Store
from pool_inventory.terminal.verify.finished import check_finished
from pool_inventory.terminal.verify.report import Report


def check_snapshot(store: Store, identifier: str, body: bytes, *, is_named: bool, report: Report) -> Link | None:
    """Check a snapshot's objects against its manifest, whose bytes are given; return the snapshot before.

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
    snapshot = as_described(data_object.decode(data), read_manifest(body, keys.manifest(identifier)))
    committed = _check_parts(store, snapshot, data, report)
    if committed is None:
        _check_presence(store, identifier, manifest, report)
        return snapshot.previous
    found = prepare(store, committed, None, snapshot)
    _check_rows(found, report, has_carried=snapshot.carried_file is not None)
    _check_accounts(found, report)
    check_finished(store, found, manifest, report)
    return snapshot.previous


def as_described(committed: Snapshot, made: Manifest) -> Snapshot:
    """Return a snapshot with the objects of its manifest, where a later release finished what 0.1 committed."""
    if committed.coverage_file is not None or made.coverage_file is None:
        return committed
    return replace(committed, coverage_file=made.coverage_file, carried_file=made.carried_file, carried=made.carried)


def _check_parts(store: Store, snapshot: Snapshot, data: bytes, report: Report) -> Committed | None:
    """Return a commit's objects, None where one of them is not what the commit names by its hash."""
    wanted = (
        (keys.coverage(snapshot.id), snapshot.coverage_file),
        (keys.carried(snapshot.id), snapshot.carried_file),
        (keys.accounts(snapshot.id), snapshot.accounts_file),
    )
    bodies: list[bytes | None] = []
    for key, file in wanted:
        stored = store.get(key) if file else None
        if file and stored is None:
            report.fault(key, "is missing")
        elif stored and data_object.file_of(stored.body) != file:
            report.fault(key, f"is not what {keys.data(snapshot.id)} names by its SHA-256")
        else:
            bodies.append(stored.body if stored else None)
        if stored:
            report.checked(stored.body)
    return Committed(data, *bodies) if len(bodies) == len(wanted) else None


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
        read_manifest(body, key)
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
    stated = manifest["files"][0]
    wrong = [
        f"its {name} is {value}, not {stated.get(name)}" for name, value in actual.items() if stated.get(name) != value
    ]
    if wrong:
        report.fault(key, f"{'; '.join(wrong)}, as {keys.manifest(identifier)} says")
        return None
    return stored.body


def _check_presence(store: Store, identifier: str, manifest: dict[str, Any], report: Report) -> None:
    """Report at least which objects are missing, where their content is not known."""
    made = [keys.data(identifier)] if not manifest else []
    made += [keys.coverage(identifier), keys.symlink(identifier)]
    made += [keys.changes(identifier)] if "changes" in manifest else []
    for key in made:
        if store.get(key) is None:
            report.fault(key, "is missing")


def _previous(store: Store, identifier: str, body: bytes) -> Link | None:
    """Return the snapshot before as the manifest has it, or the data object where there is no such manifest."""
    try:
        return read_manifest(body, keys.manifest(identifier)).previous
    except SnapshotError:
        stored = store.get(keys.data(identifier))
    try:
        return data_object.decode(stored.body).previous if stored else None
    except SnapshotError:
        return None  # reported already


def _check_rows(found: Finishing, report: Report, *, has_carried: bool) -> None:
    """Check the rows of each target, read and carried, against its coverage."""
    identifier = found.snapshot.id
    covered = {each.target: each for each in found.covered}
    read = {each.target: each.pools or 0 for each in covered.values() if each.is_read}
    _check_counts(keys.data(identifier), found.committed.data, read, report)
    if found.committed.carried is None or not has_carried:
        return
    carried = {each.target: None for each in covered.values() if not each.is_read and each.last_ok}
    _check_counts(keys.carried(identifier), found.committed.carried, carried, report)
    times = {each.target: rows.minute(each.last_ok) for each in covered.values() if each.last_ok}
    for row in map(json.loads, table.lines(found.committed.carried)):
        target = Target(row["account_id"], row["region"])
        if row["read_at"] != times.get(target):
            stated = f"and coverage says {times.get(target)}"
            of_account = f" of {target.account_id}" if found.snapshot.accounts_file else ""
            report.fault(keys.carried(identifier), f"{row['id']}{of_account} was read at {row['read_at']}, {stated}")
            return


def _check_accounts(found: Finishing, report: Report) -> None:
    """Check that the accounts object is the snapshot's own, is sorted, and has each account that was asked."""
    body, key = found.committed.accounts, keys.accounts(found.snapshot.id)
    if body is None:
        return
    try:
        stated = table.footer_of(body).get("snapshotId")
        found_rows = [json.loads(line) for line in table.lines(body)]
        times = {each["snapshot_time"] for each in found_rows}
        account_ids = [each.account_id for each in accounts.decode(body)]
    except (*checked.NOT_OURS, SnapshotError) as error:
        report.fault(key, f"cannot be read: {error!s:.200}")
        return
    expected = rows.minute(found.snapshot.id)
    if stated != found.snapshot.id or times - {expected}:
        report.fault(key, f"is not of {found.snapshot.id}: it names {stated} and {', '.join(map(str, sorted(times)))}")
    if account_ids != sorted(set(account_ids)):
        report.fault(key, "its accounts are not sorted, or one is there twice")
    asked = {each.account_id for each in found.covered if each.status != "not_asked"}
    for account_id in sorted(asked - set(account_ids)):
        report.fault(key, f"lacks {account_id}, which coverage says was asked")


def _check_counts(key: str, body: bytes, expected: Mapping[Target, int | None], report: Report) -> None:
    """Count the rows of each target, and see that they are sorted."""
    counts: Counter[Target] = Counter()
    last: tuple[Target, str] | None = None
    has_several = len({each.account_id for each in expected}) > 1
    for row in table.pool_rows(body):
        counts[row.target] += 1
        if last and row[:2] <= last:
            of_account = f" of {row.target.account_id}" if has_several else ""
            report.fault(key, f"{row.id}{of_account} is not in its place: rows are sorted by account, region and id")
            break
        last = row[:2]
    report.rows += counts.total()
    for target in sorted(counts.keys() | expected.keys()):
        stated = expected.get(target, 0)
        if stated is not None and counts[target] != stated:
            report.fault(key, f"has {counts[target]} rows of {' '.join(target)}, and coverage says {stated}")
