"""How long the reading commands take on a folder with a long history, and how much memory they need.

Each command runs in a process of its own; its time is told with and without the import, its memory whole.

    .venv/bin/python -m benchmarks.reading
"""

import hashlib
import os
import tempfile
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

from pool_inventory.model import Coverage, Target
from pool_inventory.publish.commit import Draft, commit
from pool_inventory.publish.finish import finish
from pool_inventory.snapshots import keys, rows, schema
from pool_inventory.snapshots.known import Known, open_known
from pool_inventory.snapshots.manifest import read_latest
from pool_inventory.snapshots.schema import Kind
from pool_inventory.stores.folder import FolderStore

from benchmarks import measured

SNAPSHOTS = 100
POOLS = 10_000
# Pools that are created, deleted and modified from one snapshot to the next.
CHANGES = 3
FIRST = datetime(2026, 11, 1, tzinfo=UTC)
TARGET = Target("123456789012", "us-east-1")
FUNCTION = "arn:aws:lambda:us-east-1:123456789012:function:trigger"

PROGRAM = """
import sys, time
from pool_inventory.terminal.command_line import main
started = time.monotonic()
try:
    main(sys.argv[1:], prog_name="pool-inventory")
except SystemExit as ended:
    if ended.code:
        raise
print(time.monotonic() - started, file=sys.stderr)
"""


def pool_id(number: int) -> str:
    """Make up the id of a pool."""
    return f"us-east-1_{hashlib.sha256(str(number).encode()).hexdigest()[:9]}"


def pool_line(number: int, hour: int) -> bytes:
    """Make the row of a pool, with a trigger of every kind in each third."""
    versioned = {"LambdaVersion": "V1_0", "LambdaArn": FUNCTION}
    triggers = {each.member: versioned if each.kind is Kind.STRUCT else FUNCTION for each in schema.LAMBDA_CONFIG}
    is_modified = number < hour * CHANGES + CHANGES
    pool = {
        "Id": pool_id(number),
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
    known: Known | None = None
    for hour in range(SNAPSHOTS):
        time_of = FIRST + timedelta(hours=hour)
        identifier = keys.snapshot_id(time_of)
        coverage = Coverage(TARGET.account_id, TARGET.region, "ok", POOLS, 167, 0, 0, time_of, 17_000, None, None)
        numbers = sorted(range(hour * CHANGES, hour * CHANGES + POOLS), key=pool_id)
        committed = commit(
            store,
            Draft(
                id=identifier,
                started_at=time_of,
                ended_at=time_of + timedelta(seconds=17),
                previous=read_latest(store),
                known=known,
                coverage=(coverage,),
                lines=(pool_line(each, hour) for each in numbers),
            ),
        )
        finish(store, identifier, committed, known, now=time_of)
        known = open_known(store, identifier)


def measure(folder: Path, *arguments: str) -> None:
    """Run one command and print its figures."""
    started = time.monotonic()
    ran = measured.run(PROGRAM, arguments[0], str(folder), *arguments[1:])
    whole = time.monotonic() - started
    seconds = f"{float(ran.stderr.splitlines()[-1]):6.2f} s after import, {whole:6.2f} s in all"
    print(f"{' '.join(arguments):44} {seconds}, peak {ran.peak_mb:4.0f} MB")


def main() -> None:
    """Build the history and print a line for each command."""
    os.environ["COLUMNS"] = "100"
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        started = time.monotonic()
        build(FolderStore(folder))
        print(f"{SNAPSHOTS} snapshots of {POOLS} pools, made in {time.monotonic() - started:.0f} s")
        first = keys.snapshot_id(FIRST)
        half = keys.snapshot_id(FIRST + timedelta(hours=SNAPSHOTS // 2))
        modified = pool_id(SNAPSHOTS * CHANGES)
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
