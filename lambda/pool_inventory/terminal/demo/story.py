"""What the demo tells: on one screen of 80 columns and 24 lines, and from what is stored."""

import json
import shlex
import shutil
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path

from pool_inventory.errors import InventoryError
from pool_inventory.model import Target
from pool_inventory.snapshots import functions, keys, stored, table
from pool_inventory.snapshots.manifest import Manifest
from pool_inventory.stores.protocol import Store
from pool_inventory.terminal.verify.report import Report

COMMAND = "pool-inventory"
TRIGGER = "pre_sign_up"

BEGINNING = (
    "A stand-in for AWS on this machine: one account, five regions, and no AWS.",
    "The Lambda function runs in it twice, as its schedule would run it:",
    "",
)


def snapshot_line(made: Manifest) -> str:
    """Return what a snapshot read and found changed."""
    changed = ", ".join(f"{count} {kind}" for kind, count in (made.changes or {}).items()) if made.previous else ""
    return f"  {made.id}  {made.status:8}  {made.pool_count} pools read{f': {changed}' if changed else ''}"


def ending(store: Store, made: Manifest, report: Report, folder: Path, program: str) -> Iterator[str]:
    """Return that the denied region's pools are kept, what changed, that it verified, and what to try.

    Args:
        store: the inventory.
        made: its newest snapshot.
        report: the result of verifying it.
        folder: where it was copied to.
        program: what to type to run this program.

    Raises:
        InventoryError: what is stored is not what the demo did.
    """
    pool_id, name, change = _swapped(store, made.id)
    denied = ", ".join(str(each["region"]) for each in made.unread)
    yield ""
    yield f"{denied} denied the second run, on purpose. Its {made.carried.pools} pools are not gone: they"
    yield "are kept as they were last read, and each says when that was (read_at)."
    yield ""
    yield f"Of the changes, look at this one. At each sign-up, the pool {name} now"
    yield "calls a function of another account:"
    yield f"  {TRIGGER}: {change}"
    yield ""
    yield f"Verified: all {report.objects} objects are what was written. The bucket is copied to {folder}/."
    yield f"`{program} demo -v` shows each region, metric and key. Now try:"
    yield ""
    copied = f"{program} {{}} {shlex.quote(str(folder))}"
    yield f"  {copied.format('diff')}"
    yield f"  {copied.format('history')} {pool_id}"
    if find_spec("duckdb") is None:
        yield f"  {copied.format('summary')}"
        return
    yield f"  {copied.format('sql')} \\"
    yield '    "SELECT region, count(*) n, read_at FROM user_pools GROUP BY ALL ORDER BY 1"'


def _swapped(store: Store, identifier: str) -> tuple[str, str, str]:
    """Return the id and the name of the pool whose trigger was swapped, and how."""
    for row in map(json.loads, table.lines(stored.read(store, keys.changes(identifier)))):
        if row["change"] == "modified":
            target = Target(row["account_id"], row["region"])
            calls = [str(json.loads(row[side])["lambda_config"][TRIGGER]) for side in ("before", "after")]
            return row["id"], row["name"], " → ".join(functions.shown(each, target) for each in calls)
    raise InventoryError(f"{identifier} shows no modified pool, which is a fault of this program")


def called_as(path: str) -> str:
    """Return what to type to run this program again, by the path that it was run by."""
    found = shutil.which(COMMAND)
    if Path(path).name != COMMAND or (found and Path(found).resolve() == Path(path).resolve()):
        return COMMAND
    return shlex.quote(path)
