"""How long a run takes and how much memory it needs, with pools that use every trigger.

The stand-in runs in a process of its own, so the memory is the program's alone. There is no pace and no throttle, and
most of the time is moto's: a bound on what this program takes, to which a real service's answers are added.

    .venv/bin/python benchmarks/large.py
"""

import multiprocessing
import os
import resource
import tempfile
import time
from multiprocessing.connection import Connection
from pathlib import Path

import boto3
from pool_inventory.aws.calls import Deadline
from pool_inventory.clock import Clock
from pool_inventory.events import to_the_minute
from pool_inventory.model import Account
from pool_inventory.run import Request, Tools, export
from pool_inventory.snapshots import schema
from pool_inventory.snapshots.schema import Kind
from pool_inventory.stores.folder import FolderStore

CASES = ((1_000, 1), (10_000, 1), (1_000, 34))


def serve(pools: int, regions: list[str], connection: Connection) -> None:
    """Serve so many pools in each region until told to stop."""
    from pool_inventory.terminal.demo import stand_in  # noqa: PLC0415 - not in the process whose memory is measured

    function = "arn:aws:lambda:us-east-1:123456789012:function:trigger"
    versioned = {"LambdaVersion": "V1_0", "LambdaArn": function}
    triggers = {each.member: versioned if each.kind is Kind.STRUCT else function for each in schema.LAMBDA_CONFIG}
    pool = {"Name": "a pool", "LambdaConfig": triggers, "CreationDate": 1.7e9, "LastModifiedDate": 1.7e9}
    with stand_in.serve() as aws:
        for region in regions:
            stand_in.seed(region, ({**pool, "Id": f"{region}_{number:09d}"} for number in range(pools)))
        connection.send(aws.environment())
        connection.recv()


def measure(pools: int, regions: list[str], connection: Connection) -> None:
    """Run once in this process; send the seconds, the peak memory in MB, and the bytes."""
    with tempfile.TemporaryDirectory() as folder:
        clock = Clock()
        started = time.monotonic()
        request = Request(snapshot_time=to_the_minute(clock.now()), regions=tuple(regions), max_requests_per_second=0)
        tools = Tools(
            session=boto3.session.Session(),
            account=lambda: Account("123456789012", "aws"),
            store=FolderStore(Path(folder)),
            deadline=Deadline.after(280, clock),
        )
        outcome = export(request, tools)
        seconds = time.monotonic() - started
    published = outcome.published
    if published is None or published.snapshot.pool_count != pools * len(regions):
        raise SystemExit(f"not all pools were read: {outcome}")
    peak_mb = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    connection.send((seconds, peak_mb, published.size_bytes))


def main() -> None:
    """Print a line for each case."""
    available = boto3.session.Session().get_available_regions("cognito-idp")
    spawn = multiprocessing.get_context("spawn")
    for pools, count in CASES:
        regions = available[:count]
        here, there = spawn.Pipe()
        server = spawn.Process(target=serve, args=(pools, regions, there))
        server.start()
        os.environ.update(here.recv())
        mine, its = spawn.Pipe()
        run = spawn.Process(target=measure, args=(pools, regions, its))
        run.start()
        seconds, peak_mb, size = mine.recv()
        run.join()
        here.send("stop")
        server.join()
        figures = f"{seconds:5.1f} s, peak {peak_mb:4.0f} MB, {size / 1e6:.2f} MB of Parquet"
        print(f"{pools:6} pools in {count:2} regions: {figures}")


if __name__ == "__main__":
    main()
