"""How a snapshot of an organization's targets is committed and finished: 10,000 accounts of 34 regions.

Each snapshot is made by a process of its own, so that the memory is the program's alone; the process that starts it
answers S3. No target has pools. All targets are read in the first snapshot, half of them in the second, and one in
the third: the others are denied in a service's long words.

    .venv/bin/python -m benchmarks.many_targets
"""

import os
import sys
import time
from collections.abc import Iterator
from datetime import timedelta
from io import BytesIO

import boto3
import pyarrow.parquet as pq
from pool_inventory.model import Coverage
from pool_inventory.publish.commit import Draft, commit
from pool_inventory.publish.finish import finish
from pool_inventory.publish.history import read_history, read_known
from pool_inventory.snapshots import keys, stored
from pool_inventory.stores.protocol import Store
from pool_inventory.stores.s3 import S3Store
from pool_inventory.terminal.demo import stand_in

from benchmarks import measured, usage

ACCOUNTS = 10_000
REGIONS = 34
PREFIX = "user-pools"
# What part of the targets is denied in each snapshot: one of so many is read.
CASES = {"all read": 1, "half denied": 2, "all but one denied": ACCOUNTS * REGIONS}

PROGRAM = """
import sys
from benchmarks import many_targets
many_targets.publish(*map(int, sys.argv[1:]))
"""


def coverage(hour: int, read_every: int) -> Iterator[Coverage]:
    """Make up the coverage of all targets, sorted, of which one in so many is read."""
    regions = sorted(boto3.session.Session().get_available_regions("cognito-idp"))[:REGIONS]
    started_at = usage.EVENING + timedelta(hours=hour)
    for number in range(ACCOUNTS * REGIONS):
        account_id, region = f"{100_000_000_000 + 89_999_999 * (number // REGIONS)}", regions[number % REGIONS]
        is_read = number % read_every == 0
        yield Coverage(
            account_id=account_id,
            region=region,
            status="ok" if is_read else "denied",
            pools=0 if is_read else None,
            requests=1,
            retries=0,
            duplicates=0,
            started_at=started_at + timedelta(milliseconds=7 * number),
            duration_ms=20 + hash((hour, number)) % 100,
            error_code=None if is_read else "AccessDeniedException",
            error_message=None if is_read else denial(account_id, region),
        )


def denial(account_id: str, region: str) -> str:
    """Return the words in which Cognito denies a role what a service control policy denies it."""
    return (
        f"User: arn:aws:sts::{account_id}:assumed-role/pool-inventory-member/2026-11-24T18-00Z is not authorized to "
        f"perform: cognito-idp:ListUserPools on resource: arn:aws:cognito-idp:{region}:{account_id}:userpool/* with "
        "an explicit deny in a service control policy: arn:aws:organizations::999999999999:policy/o-a1b2c3d4e5/"
        "service_control_policy/p-1a2b3c4d"
    )


def publish(hour: int, read_every: int) -> None:
    """Commit and finish a snapshot in this process; print the seconds."""
    store = S3Store.open(boto3.session.Session(), usage.BUCKET, PREFIX)
    time_of = usage.EVENING + timedelta(hours=hour)
    identifier = keys.snapshot_id(time_of)
    started = time.monotonic()
    history = read_history(store, identifier, now=time_of)
    known_before = read_known(store, history, before=identifier)
    draft = Draft(
        id=identifier,
        started_at=time_of,
        ended_at=time_of + timedelta(minutes=40),
        previous=history.latest,
        known=known_before.known,
        known_reason=known_before.reason,
        coverage=coverage(hour, read_every),
        lines=(),
    )
    finish(store, identifier, commit(store, draft), known_before.known, now=time_of)
    sys.stdout.write(f"{time.monotonic() - started}\n")


def show(store: Store, case: str, hour: int) -> None:
    """Publish a snapshot in a process of its own, and print a line for it."""
    ran = measured.run(PROGRAM, str(hour), str(CASES[case]))
    identifier = keys.snapshot_id(usage.EVENING + timedelta(hours=hour))
    of = (keys.manifest(identifier), keys.coverage(identifier), keys.data(identifier))
    manifest, covered, data = (stored.read(store, key) for key in of)
    targets = pq.read_metadata(BytesIO(covered)).num_rows
    if targets != ACCOUNTS * REGIONS:
        raise SystemExit(f"the snapshot covers {targets:,} targets")
    # A Parquet file ends with its footer, the footer's length in four bytes, and PAR1.
    footer = int.from_bytes(data[-8:-4], "little")
    print(
        f"{targets:,} targets, {case}: {float(ran.stdout):.0f} s, peak {ran.peak_mb:.0f} MB; "
        f"coverage {len(covered) / 1e6:.1f} MB, manifest {len(manifest) / 1e3:.0f} kB, footer {footer / 1e3:.1f} kB",
        flush=True,
    )


def main() -> None:
    """Print a line for each snapshot."""
    with stand_in.serve() as aws:
        os.environ.update(aws.environment())
        session = boto3.session.Session()
        session.client("s3").create_bucket(Bucket=usage.BUCKET)
        for hour, case in enumerate(CASES):
            show(S3Store.open(session, usage.BUCKET, PREFIX), case, hour)


if __name__ == "__main__":
    main()
