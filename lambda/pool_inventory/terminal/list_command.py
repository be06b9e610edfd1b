"""The command that lists the snapshots: list."""

import dataclasses
import sys
from collections.abc import Iterable, Iterator
from typing import Any

import click

from pool_inventory.errors import InventoryError, RefusedError, SnapshotError
from pool_inventory.snapshots import archive, keys, manifest, rows
from pool_inventory.snapshots.manifest import Manifest
from pool_inventory.stores.protocol import Store
from pool_inventory.terminal.answers import Answer, takes_format, write_answer
from pool_inventory.terminal.console import EXIT_ERROR, say_error, terminal_width, warn
from pool_inventory.terminal.reading import opened, reading_command
from pool_inventory.terminal.tables import plain_lines

# In CSV.
_COLUMNS = (
    "snapshotId",
    "snapshotTime",
    "status",
    "poolCount",
    "knownCount",
    "changes.created",
    "changes.deleted",
    "changes.modified",
    "uncomparedCount",
    "unreadCount",
)


@click.command("list")
@reading_command
@click.option("--last", metavar="NUMBER", type=click.IntRange(min=1), help="Only the newest so many. [default: all]")
@takes_format
def list_command(*, location: str, profile: str | None, file_format: str, last: int | None) -> None:
    """List the snapshots, oldest first, and count what changed.

    Also shows how many pools each has, and how many of its regions could not be read. LOCATION is s3://BUCKET/PREFIX
    or a folder. Only manifests are read.
    """
    with opened(location, profile) as store:
        if store.get(keys.LATEST) is None:
            archive.warn_of_missing_latest(store, warn)
        identifiers = archive.newest_ids(store, last) if last else archive.finished_ids(store)
        errors: list[InventoryError] = []
        found = list(_readable(store, identifiers, errors))
        documents = [_document(each) for each in found]
        answer = Answer(
            lines=_lines(found, terminal_width()),
            document={"snapshots": documents},
            rows=documents,
            columns=_COLUMNS,
            remarks=(),
            newest=found[-1] if found else None,
        )
        write_answer(file_format, answer)
        for error in errors:
            say_error(str(error))
    sys.exit(EXIT_ERROR if errors else 0)


def _readable(store: Store, identifiers: list[str], errors: list[InventoryError]) -> Iterator[Manifest]:
    """Return the manifests that can be read, and add why the others cannot."""

    def read(identifier: str) -> Manifest | InventoryError:
        try:
            return manifest.read(store, identifier)
        except (SnapshotError, RefusedError) as error:
            return error

    for each in archive.in_turn(read, identifiers):
        if isinstance(each, InventoryError):
            errors.append(each)
        else:
            yield each


def _lines(manifests: Iterable[Manifest], width: int | None) -> list[str]:
    """Show snapshots, a line each. What is not known is a question mark, not 0."""
    counts = ("read", "known", "created", "deleted", "modified", "unread")
    return plain_lines(("snapshot", "status", *counts), map(_manifest_cells, manifests), width=width, right=counts)


def _document(manifest: Manifest) -> dict[str, Any]:
    """Return the same of one snapshot for a script."""
    return {
        "snapshotId": manifest.id,
        "snapshotTime": rows.timestamp(keys.snapshot_time(manifest.id)),
        "status": manifest.status,
        "poolCount": manifest.pool_count,
        "knownCount": _known_count(manifest),
        "changes": manifest.changes,
        "carried": dataclasses.asdict(manifest.carried),
        "uncompared": [{"account_id": each["account_id"], "region": each["region"]} for each in manifest.uncompared],
        "uncomparedCount": manifest.uncompared_count,
        "unread": list(manifest.unread),
        "unreadCount": manifest.unread_count,
    }


def _manifest_cells(manifest: Manifest) -> tuple[str, ...]:
    if manifest.changes is None:
        changes = ["?", "?", "?"]
    else:
        # What could not be compared may have changed, too.
        doubt = "?" if manifest.uncompared_count else ""
        changes = [f"{manifest.changes[kind]}{doubt}" for kind in ("created", "deleted", "modified")]
    known = _known_count(manifest)
    counts = (str(manifest.pool_count), "?" if known is None else str(known))
    return manifest.id, manifest.status, *counts, *changes, str(manifest.unread_count)


def _known_count(manifest: Manifest) -> int | None:
    """Return how many pools are known: those that were read, and those of an earlier reading.

    None where the manifest does not say: release 0.1 carried none, and its manifests do not count them.
    """
    is_first_contract = manifest.first_coverage is not None
    return None if is_first_contract and manifest.unread_count else manifest.pool_count + manifest.carried.pools
