"""What release 0.1 wrote of a snapshot, under contract version 1: does it follow from the data?"""

import json
from itertools import zip_longest
from typing import Any

from pool_inventory.errors import SnapshotError
from pool_inventory.snapshots import changes, data_object, keys, manifest, table
from pool_inventory.stores.protocol import Names, Store
from pool_inventory.terminal.verify.report import Report


def check_first_coverage(store: Store, identifier: str, data: bytes, report: Report) -> None:
    """Check the coverage object against the coverage in the footer of the data."""
    key = keys.coverage(identifier)
    stored = store.get(key)
    if stored is None:
        report.fault(key, "is missing")
        return
    report.checked(stored.body)
    try:
        found = map(json.loads, table.lines(stored.body))
        expected = (_comparable(row) for row in table.footer_of(data)["coverage"])
        empty: dict[str, Any] = {}
        if not all(_comparable(one) == other for one, other in zip_longest(found, expected, fillvalue=empty)):
            report.fault(key, "is not what follows from the data")
    except (SnapshotError, ValueError, KeyError, TypeError) as error:
        report.fault(key, f"cannot be read: {error}")


def first_manifest(names: Names, data: bytes, changes_object: bytes) -> dict[str, Any]:
    """Return the manifest that 0.1 made of a data object and of its changes object."""
    snapshot = data_object.decode(data)
    footer = table.footer_of(changes_object)
    return {
        **manifest.inventory_fields(names, snapshot, data),
        "contractVersion": 1,
        "snapshotId": snapshot.id,
        "status": snapshot.status,
        "poolCount": snapshot.pool_count,
        "changes": dict(changes.summary_of(changes_object).counts),
        "uncompared": footer["uncompared"],
        "extraFormats": list(snapshot.extra_formats),
        "previous": snapshot.previous and manifest.previous_document(names, snapshot.previous),
        "coverage": table.footer_of(data)["coverage"],
    }


def _comparable(row: dict[str, Any]) -> dict[str, Any]:
    """Return a row of coverage with its times as text of one form: Arrow leaves out what is 0."""
    return {name: value.replace(".000Z", "Z") if isinstance(value, str) else value for name, value in row.items()}
