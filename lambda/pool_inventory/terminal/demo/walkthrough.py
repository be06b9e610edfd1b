"""The demo: the Lambda handler against moto, which throttles and denies as AWS would."""

import contextlib
import fcntl
import io
import json
import os
import random
import shutil
from collections.abc import Iterable, Iterator
from datetime import datetime, timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from unittest import mock

import boto3
from rich.console import Console
from rich.table import Table

from pool_inventory import handler, settings
from pool_inventory.clock import Clock
from pool_inventory.errors import InventoryError
from pool_inventory.events import to_the_minute
from pool_inventory.publish.commit import Committed, read_commit
from pool_inventory.snapshots import coverage, data_object, keys, manifest, schema, table
from pool_inventory.snapshots.manifest import Manifest
from pool_inventory.snapshots.rows import timestamp
from pool_inventory.snapshots.schema import Kind
from pool_inventory.stores.folder import FolderStore
from pool_inventory.stores.s3 import S3Store
from pool_inventory.terminal import verify_command
from pool_inventory.terminal.demo import stand_in, story
from pool_inventory.terminal.reports import what_changed
from pool_inventory.terminal.tables import pairs_table, show_table, shown, targets_table
from pool_inventory.terminal.verify.chain import verify
from pool_inventory.terminal.verify.report import Report

BUCKET = "demo-inventory"
POOLS = {"us-east-1": 320, "eu-west-1": 185, "ap-southeast-2": 61, "sa-east-1": 0, "eu-central-1": 40}
# By the second run.
DENIED_REGION = "eu-central-1"
# The pool whose trigger is swapped: its region, and its number there.
SWAPPED = ("ap-southeast-2", 7)
NAMES = (
    "customers",
    "Kunden, Köln",
    "利用者プール",
    "=staff+partners@example.com",
    "Пользователи",
    "back-office .dev",
)
# A folder that has this file was made by the demo, and may be overwritten by it.
MARKER = ".made-by-pool-inventory-demo"


def run_demo(folder: Path, console: Console, *, verbose: bool = False, program: str = story.COMMAND) -> None:
    """Run the handler twice against the stand-in for AWS, copy the bucket to a folder, and tell how it went.

    Args:
        folder: where the bucket is copied to.
        console: where it is told.
        verbose: whether to show each region, metric, change and key, too.
        program: what to type to run this program.

    Raises:
        InventoryError: the folder holds something else or cannot be written to, or the inventory is not what was
            seeded.
    """
    with folder_errors(folder):
        check_folder(folder)
    details = console if verbose else Console(quiet=True)
    hour = to_the_minute(Clock().now()).replace(minute=0)
    tell(story.BEGINNING, console)
    with contextlib.ExitStack() as held:
        with stand_in.serve() as aws, mock.patch.dict(os.environ, environment(aws), clear=True):
            store = S3Store.open(boto3.session.Session(), BUCKET, str(settings.PREFIX.default))
            store.client.create_bucket(Bucket=BUCKET)
            pools = _pools()
            _make_unkind(aws)
            _run(store, hour - timedelta(hours=1), pools, console, details)
            _change(pools)
            aws.answers.append(stand_in.listing(DENIED_REGION, stand_in.deny))
            readable = {region: each for region, each in pools.items() if region != DENIED_REGION}
            newest = _run(store, hour, readable, console, details)
            _show_changes(store, newest.id, details)
            with folder_errors(folder):
                held.enter_context(alone_in(folder))
                copy_bucket(store, folder, details)
        copied = FolderStore(folder / store.prefix)
        tell(story.ending(copied, newest, verified(copied, details), folder, program), console)


def _run(
    store: S3Store, time: datetime, readable: dict[str, list[dict[str, Any]]], console: Console, details: Console
) -> Manifest:
    """Invoke the function at a time, when these pools can be read; return the manifest of its snapshot."""
    for region, each in readable.items():
        stand_in.seed(region, each)
    output = _invoke(time)
    committed = read_commit(store, keys.snapshot_id(time))
    _check(committed.data, readable)
    made = manifest.read(store, keys.snapshot_id(time))
    tell([story.snapshot_line(made)], console)
    _show(committed, output, details)
    details.print(f"Each of the {made.pool_count} pools that can be read is in data, once.\n")
    return made


def tell(lines: Iterable[str], console: Console) -> None:
    """Write lines as they are."""
    for line in lines:
        console.print(shown(line), soft_wrap=True)


@contextlib.contextmanager
def folder_errors(folder: Path) -> Iterator[None]:
    """Say what to do where a folder cannot be written to.

    Raises:
        InventoryError: it cannot.
    """
    try:
        yield
    except OSError as error:
        raise InventoryError(
            f"cannot write to {folder}: {error.strerror or error}: name another folder with --to"
        ) from error


def check_folder(folder: Path) -> None:
    """Refuse a folder that holds something else than a demo's inventory.

    Raises:
        InventoryError: it does.
    """
    if folder.exists() and any(folder.iterdir()) and not (folder / MARKER).exists():
        raise InventoryError(f"{folder} holds something that is not a demo's: name another folder with --to")


def environment(aws: stand_in.StandIn) -> dict[str, str]:
    """Return the deployed function's environment, with nothing in it that leads to the user's own AWS."""
    return {
        **stand_in.without_aws(os.environ),
        **aws.environment(),
        settings.BUCKET.name: BUCKET,
        settings.REGIONS.name: settings.ENABLED,
    }


def _make_unkind(aws: stand_in.StandIn) -> None:
    aws.enabled_regions = list(POOLS)
    aws.answers += [
        stand_in.listing("us-east-1", stand_in.every(3, stand_in.throttle)),
        stand_in.listing("eu-west-1", stand_in.in_turn(*[stand_in.throttle] * 4)),
    ]


def _pools() -> dict[str, list[dict[str, Any]]]:
    """Make up the pools of each region; the one that will be changed has a trigger that its region has."""
    pools = {region: [make_pool(region, number) for number in range(count)] for region, count in POOLS.items()}
    own = f"arn:aws:lambda:{SWAPPED[0]}:{stand_in.ACCOUNT_ID}:function:check-sign-up"
    pools[SWAPPED[0]][SWAPPED[1]]["LambdaConfig"] = {"PreSignUp": own}
    return pools


def make_pool(region: str, number: int) -> dict[str, Any]:
    """Make up a user pool, as ListUserPools lists it; every member of LambdaConfig is in use here and there."""
    dice = random.Random(f"{region} {number}")  # noqa: S311 - the same pools at every demo
    created = 1_600_000_000 + dice.randrange(150_000_000) + dice.randrange(1000) / 1000
    function = f"arn:aws:lambda:{region}:{stand_in.ACCOUNT_ID}:function:trigger-{dice.randrange(20)}"
    triggers: dict[str, Any] = {}
    for column in dice.sample(schema.LAMBDA_CONFIG, dice.choice((0, 1, 2, 5, len(schema.LAMBDA_CONFIG)))):
        versioned = {"LambdaVersion": dice.choice(("V1_0", "V2_0", "V3_0")), "LambdaArn": function}
        triggers[str(column.member)] = versioned if column.kind is Kind.STRUCT else function
    return {
        "Id": f"{region}_{dice.randrange(36**8):09d}"[: len(region) + 10],
        "Name": f"{NAMES[number % len(NAMES)]} {number}",
        "LambdaConfig": triggers,
        "CreationDate": created,
        "LastModifiedDate": created + dice.randrange(10_000_000),
    }


def _change(pools: dict[str, list[dict[str, Any]]]) -> None:
    """Add three pools, take two away, and swap a trigger of one for a function of another account."""
    pools["us-east-1"] += [make_pool("us-east-1", POOLS["us-east-1"] + number) for number in range(3)]
    for _ in range(2):
        pools["eu-west-1"].pop()
    strange = f"arn:aws:lambda:{SWAPPED[0]}:666655554444:function:strange"
    pools[SWAPPED[0]][SWAPPED[1]]["LambdaConfig"] = {"PreSignUp": strange}


def _invoke(time: datetime) -> list[dict[str, Any]]:
    """Invoke the function as its schedule does; return the lines of JSON that it wrote."""
    context: Any = SimpleNamespace(
        aws_request_id="demo",
        get_remaining_time_in_millis=lambda: 300_000,
        invoked_function_arn=f"arn:aws:lambda:us-east-1:{stand_in.ACCOUNT_ID}:function:pool-inventory",
    )
    output = io.StringIO()
    with contextlib.redirect_stdout(output):
        handler.handler({"time": timestamp(time)}, context)
    return [json.loads(line) for line in output.getvalue().splitlines()]


def _show(committed: Committed, output: list[dict[str, Any]], console: Console) -> None:
    made = data_object.decode(committed.data)
    covered = tuple(coverage.decode(committed.coverage or b""))
    show_table(console, targets_table(covered, f"Regions of {made.id}: {made.status}"))
    metrics = [pair for line in output if "_aws" in line for pair in _metrics(line)]
    show_table(console, pairs_table("Metrics that were emitted", ("metric", "value"), metrics))


def _metrics(line: dict[str, Any]) -> Iterator[tuple[str, str]]:
    """Return the metrics of one line of EMF, with the unit, and with the region where that is a dimension."""
    for directive in line["_aws"]["CloudWatchMetrics"]:
        for metric in directive["Metrics"]:
            name = f"{metric['Name']} in {line['region']}" if "region" in line else metric["Name"]
            yield name, f"{line[metric['Name']][0]:g} {metric['Unit']}"


def _check(data: bytes, readable: dict[str, list[dict[str, Any]]]) -> None:
    """Compare the snapshot's rows with what was seeded.

    Raises:
        InventoryError: they differ.
    """
    rows = map(json.loads, table.lines(data))
    found = sorted((row["region"], row["id"], row["name"]) for row in rows)
    seeded = sorted((region, pool["Id"], pool["Name"]) for region, each in readable.items() for pool in each)
    if found != seeded:
        wrong = sorted(set(found) ^ set(seeded)) or "some are there twice"
        raise InventoryError(f"the inventory is not what was seeded, which is a fault of this program: {wrong}")


def _show_changes(store: S3Store, identifier: str, console: Console) -> None:
    stored = store.get(keys.changes(identifier))
    if stored is None:
        raise InventoryError(f"there is no changes object of {identifier}, which is a fault of this program")
    names = ("change", "id", "name", "what")
    shown_changes = Table(title=f"Changes in {identifier}", title_justify="left", title_style="bold")
    for name in names:
        shown_changes.add_column(name, overflow="fold", no_wrap=name == "id")  # to be copied
    for row in map(json.loads, table.lines(stored.body)):
        what = what_changed(row["fields"], row["before"], row["after"])
        shown_changes.add_row(*map(shown, (row["change"], row["id"], row["name"], what)))
    show_table(console, shown_changes)


@contextlib.contextmanager
def alone_in(folder: Path) -> Iterator[None]:
    """Mark a folder as a demo's, and let no other demo copy to it before the end of the block."""
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / MARKER).open("w") as marker:
        fcntl.flock(marker, fcntl.LOCK_EX)
        yield


def copy_bucket(store: S3Store, folder: Path, console: Console) -> None:
    """Copy the bucket to a folder, in place of an earlier demo's, and show its keys."""
    if folder.exists():
        shutil.rmtree(folder / store.prefix, ignore_errors=True)
    listed = store.client.list_objects_v2(Bucket=BUCKET)["Contents"]
    for each in listed:
        path = folder / each["Key"]
        path.parent.mkdir(parents=True, exist_ok=True)
        store.client.download_file(BUCKET, each["Key"], str(path))
    sizes = [(each["Key"], str(each["Size"])) for each in listed]
    show_table(console, pairs_table(f"Keys in the bucket, copied to {folder}", ("key", "bytes"), sizes))


def verified(store: FolderStore, console: Console) -> Report:
    """Check the copy as `pool-inventory verify` does.

    Raises:
        InventoryError: something is not sound.
    """
    report = verify(store)
    for line in verify_command.lines_of(report):
        console.print(line, markup=False, highlight=False)
    if report.faults:
        raise InventoryError("the history is not sound, which is a fault of this program")
    return report
