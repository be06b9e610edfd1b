"""How long the reading commands take on a folder with a long history, and how much memory they need.

Each command runs in a process of its own; its time is told with and without the import, its memory whole.

    .venv/bin/python benchmarks/reading.py
"""

import hashlib
import json
import os
import subprocess
import sys
import tempfile
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

from pool_inventory.model import Baseline, Coverage, Snapshot, Target
from pool_inventory.publish import finish as publish
from pool_inventory.snapshots import keys, rows, schema
from pool_inventory.snapshots.manifest import read_latest
from pool_inventory.snapshots.schema import Kind
from pool_inventory.stores.folder import FolderStore

SNAPSHOTS = 100
POOLS = 10_000
# Pools that are created, deleted and modified from one snapshot to the next.
CHANGES = 3
FIRST = datetime(2026, 11, 1, tzinfo=UTC)
TARGET = Target("123456789012", "us-east-1")
FUNCTION = "arn:aws:lambda:us-east-1:123456789012:function:trigger"

# Told by the process itself: how long after the import it took, and its memory at its highest.
PROGRAM = """
import json, resource, sys, time
from pool_inventory.terminal.command_line import main
started = time.monotonic()
try:
    main(sys.argv[1:], prog_name="pool-inventory")
finally:
    seconds = time.monotonic() - started
    print(json.dumps([seconds, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024]), file=sys.stderr)
"""


def pool_line(number: int, hour: int) -> bytes:
    """Make the row of a pool, with a trigger of every kind in each third."""
    digits = hashlib.sha256(str(number).encode()).hexdigest()[:9]
    versioned = {"LambdaVersion": "V1_0", "LambdaArn": FUNCTION}
    triggers = {each.member: versioned if each.kind is Kind.STRUCT else FUNCTION for each in schema.LAMBDA_CONFIG}
    is_modified = number < hour * CHANGES + CHANGES
    pool = {
        "Id": f"us-east-1_{digits}",
        "Name": f"customers of shop {number}",
        "LambdaConfig": triggers if number % 3 == 0 else {},
        "CreationDate": 1.6e9 + number,
        "LastModifiedDate": 1.7e9 + number + (hour if is_modified else 0),
    }
    return rows.json_line(
        rows.data_row(pool, partition="aws", target=TARGET, snapshot_time=FIRST + timedelta(hours=hour))
    )


def build(store: FolderStore) -> None:
    """Publish the snapshots, an hour apart."""
    before: str | None = None
    for hour in range(SNAPSHOTS):
        time_of = FIRST + timedelta(hours=hour)
        identifier = keys.snapshot_id(time_of)
        coverage = Coverage(
            TARGET.account_id, TARGET.region, "ok", POOLS, 167, 0, 0, time_of, 17_000, None, None, identifier
        )
        baselines = (Baseline(TARGET.account_id, TARGET.region, before),) if before else ()
        latest = read_latest(store)
        made = Snapshot(identifier, time_of, time_of + timedelta(seconds=17), latest, (coverage,), baselines)
        numbers = range(hour * CHANGES, hour * CHANGES + POOLS)
        data = publish.commit(store, made, (pool_line(each, hour) for each in numbers))
        publish.finish(store, identifier, data, now=time_of)
        before = identifier


def measure(folder: Path, *arguments: str) -> None:
    """Run one command and print its figures."""
    command = [sys.executable, "-c", PROGRAM, arguments[0], str(folder), *arguments[1:]]
    started = time.monotonic()
    ran = subprocess.run(  # noqa: S603 - our own program
        command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, check=True, env={**os.environ, "COLUMNS": "100"}
    )
    whole = time.monotonic() - started
    seconds, peak_mb = json.loads(ran.stderr.splitlines()[-1])
    print(f"{' '.join(arguments):44} {seconds:6.2f} s after import, {whole:6.2f} s in all, peak {peak_mb:4.0f} MB")


def main() -> None:
    """Build the history and print a line for each command."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        started = time.monotonic()
        build(FolderStore(folder))
        print(f"{SNAPSHOTS} snapshots of {POOLS} pools, made in {time.monotonic() - started:.0f} s")
        first = keys.snapshot_id(FIRST)
        half = keys.snapshot_id(FIRST + timedelta(hours=SNAPSHOTS // 2))
        modified = json.loads(pool_line(SNAPSHOTS * CHANGES, 0))["id"]
        measure(folder, "show")
        measure(folder, "show", "--json", "--at", half)
        measure(folder, "show", "--function", FUNCTION)
        measure(folder, "diff")
        measure(folder, "diff", first)
        measure(folder, "list")
        measure(folder, "history", modified)
        measure(folder, "export", "--format", "csv")
        measure(folder, "export", "--format", "ndjson")
        measure(folder, "verify", "--since", half)
        measure(folder, "verify")


if __name__ == "__main__":
    main()
