"""A snapshot ⇄ its data object, whose PUT is the commit.

The object carries the rows of the targets that were read, and in its footer the snapshot, with hash and size of the
coverage and the carried rows that were staged before it. That is enough to make all the other objects from, with no
earlier one but those of the snapshot before.
"""

import dataclasses
import hashlib
from collections import Counter
from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any, get_args

from pool_inventory import settings
from pool_inventory.errors import SnapshotError
from pool_inventory.model import Carried, Counted, Coverage, File, Snapshot
from pool_inventory.snapshots import checked, coverage, rows, schema, table


def encode(snapshot: Snapshot, lines: Iterable[bytes]) -> bytes:
    """Return the data object: rows, each a line of JSON by schema.DATA's names, and the snapshot in the footer.

    The same arguments give the same bytes.
    """
    footer = {
        "snapshotId": snapshot.id,
        "startedAt": rows.timestamp(snapshot.started_at),
        "endedAt": rows.timestamp(snapshot.ended_at),
        "previous": dataclasses.asdict(snapshot.previous) if snapshot.previous else None,
        "known": snapshot.known_id,
        "knownReason": snapshot.known_reason,
        "targets": dict(snapshot.targets),
        "poolCount": snapshot.pool_count,
        "requests": snapshot.requests,
        "retries": snapshot.retries,
        "coverageFile": file_document(snapshot.coverage_file),
        "carriedFile": file_document(snapshot.carried_file),
        "carried": dataclasses.asdict(snapshot.carried),
        "extraFormats": snapshot.extra_formats,
        # Of one account there is none, and no name for it.
        **({"accountsFile": file_document(snapshot.accounts_file)} if snapshot.accounts_file else {}),
    }
    return table.encode(schema.DATA, lines, footer)


def decode(body: bytes) -> Snapshot:
    """Return what a data object's footer says: the inverse of encode, the rows apart.

    Raises:
        SnapshotError: it is no data object of ours, or one of a newer contract.
    """
    footer = table.footer_of(body)
    try:
        return _first_contract(footer) if footer["contractVersion"] == 1 else _from_footer(footer)
    except checked.NOT_OURS as error:
        raise SnapshotError(f"the file's footer is not what this program writes: {error!r:.200}") from error


def file_of(body: bytes) -> File:
    """Return the size and the hash of an object."""
    return File(len(body), hashlib.sha256(body).hexdigest())


def file_document(file: File | None) -> dict[str, Any] | None:
    """Return a file as footers and manifests have it."""
    return {"size": file.size_bytes, "sha256": file.sha256} if file else None


def counted(statuses: Iterable[Counted]) -> dict[Counted, int]:
    """Return how many targets there are of each status, every status named."""
    counts = Counter(statuses)
    return {status: counts[status] for status in get_args(Counted)}


def carried_of(document: Mapping[str, Any]) -> Carried:
    """Return what footers and manifests say of what is carried; a later release may say more.

    Raises:
        KeyError, TypeError, ValueError: it is not what this program writes.
    """
    return Carried(**{each.name: checked.number(document[each.name]) for each in dataclasses.fields(Carried)})


def first_coverage(body: bytes) -> tuple[Coverage, ...]:
    """Return the coverage that a data object of contract version 1 has in its footer, with what it was compared with.

    Raises:
        SnapshotError: it is none.
    """
    footer = table.footer_of(body)
    try:
        compared = {
            (each["account_id"], each["region"]): checked.identifier(each["snapshot_id"])
            for each in footer.get("baselines") or ()
        }
        found = map(coverage.from_row, footer["coverage"])
        return tuple(
            dataclasses.replace(each, compared_with=compared.get(each.target, None if each.is_read else each.last_ok))
            for each in found
        )
    except checked.NOT_OURS as error:
        raise SnapshotError(f"the file's footer is not what this program writes: {error!r:.200}") from error


def _from_footer(footer: dict[str, Any]) -> Snapshot:
    known_id, reason = footer["known"], footer["knownReason"]
    return Snapshot(
        **_common(footer),
        known_id=None if known_id is None else checked.identifier(known_id),
        known_reason=None if reason is None else checked.line(reason),
        targets={
            checked.one_of(get_args(Counted), status): checked.number(count)
            for status, count in footer["targets"].items()
        },
        pool_count=checked.number(footer["poolCount"]),
        requests=checked.number(footer["requests"]),
        retries=checked.number(footer["retries"]),
        coverage_file=checked.file(footer["coverageFile"]),
        carried_file=None if footer["carriedFile"] is None else checked.file(footer["carriedFile"]),
        carried=carried_of(footer["carried"]),
        accounts_file=checked.file(footer["accountsFile"]) if footer.get("accountsFile") else None,
    )


def _first_contract(footer: dict[str, Any]) -> Snapshot:
    """Return what a footer of contract version 1 says."""
    found = tuple(map(coverage.from_row, footer["coverage"]))
    common = _common(footer)
    previous = common["previous"]
    # The first footers had no baselines, and null says that they were not known.
    is_unknown = footer.get("baselines", ()) is None or ("baselines" not in footer and previous is not None)
    for each in footer.get("baselines") or ():
        checked.identifier(each["snapshot_id"])
    return Snapshot(
        **common,
        known_id=None if is_unknown or previous is None else previous.snapshot_id,
        known_reason="the manifest before could not be read, which says when it was last read" if is_unknown else None,
        targets=counted(each.status for each in found),
        pool_count=sum(each.pools or 0 for each in found),
        requests=sum(each.requests for each in found),
        retries=sum(each.retries for each in found),
        coverage_file=None,
        carried_file=None,
        carried=Carried(),
    )


def _common(footer: dict[str, Any]) -> dict[str, Any]:
    previous = footer["previous"]
    return {
        "id": checked.identifier(footer["snapshotId"]),
        "started_at": datetime.fromisoformat(footer["startedAt"]),
        "ended_at": datetime.fromisoformat(footer["endedAt"]),
        "previous": checked.link(**previous) if previous else None,
        "extra_formats": tuple(checked.one_of(settings.FORMATS, each) for each in footer.get("extraFormats", ())),
    }
