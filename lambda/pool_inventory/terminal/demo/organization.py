"""The demo of an organization: its state machine in an interpreter on this machine, twice, and what is stored then."""

import contextlib
import io
import json
import os
import shlex
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any
from unittest import mock

import boto3
import click
from rich.console import Console
from werkzeug.wrappers import Request, Response

from pool_inventory import settings
from pool_inventory.clock import Clock
from pool_inventory.errors import InventoryError
from pool_inventory.events import to_the_minute
from pool_inventory.model import Coverage
from pool_inventory.organization import batch, messages, plan, publish
from pool_inventory.snapshots import archive, coverage, keys, manifest, stored, table
from pool_inventory.snapshots.manifest import Manifest
from pool_inventory.snapshots.rows import timestamp
from pool_inventory.stores.folder import FolderStore
from pool_inventory.stores.s3 import S3Store
from pool_inventory.terminal.accounts import account_lines
from pool_inventory.terminal.demo import stand_in, state_machine
from pool_inventory.terminal.demo.story import COMMAND
from pool_inventory.terminal.demo.walkthrough import (
    BUCKET,
    alone_in,
    check_folder,
    copy_bucket,
    environment,
    folder_errors,
    make_pool,
    tell,
    verified,
)
from pool_inventory.terminal.tables import show_table, targets_table

REGIONS = ("ap-southeast-2", "eu-west-1", "us-east-1")
# The exporter's own account comes first.
ACCOUNTS = {
    stand_in.ACCOUNT_ID: "security tooling",
    "210000000001": "customer logins",
    "210000000002": "payments",
    "210000000003": "partner portal",
    "210000000004": "Kundenkonto, Köln",
    "210000000005": "data platform",
    "210000000006": "mobile app",
    "210000000007": "利用者サイト",
    "210000000008": "support desk",
    "210000000009": "warehouse",
    "210000000010": "staging",
    "210000000011": "sandbox",
}
# By the second run.
DENIED = "210000000003"
DEAD = "210000000009"
# An account without pools, which looks otherwise than one that was not read.
EMPTY = "210000000011"
WIDTH = 80

BEGINNING = (
    f"A stand-in for AWS on this machine: an organization of {len(ACCOUNTS)} accounts, and no AWS.",
    "Its state machine runs twice, as the schedule of each day would start it:",
    "plan the accounts, read a batch of each side by side, publish one snapshot.",
    "",
)

Pools = dict[tuple[str, str], list[dict[str, Any]]]


def run_organization_demo(
    folder: Path, console: Console, *, verbose: bool = False, program: str = COMMAND, width: int | None = WIDTH
) -> None:
    """Run the state machine twice against the stand-in for AWS, copy the bucket to a folder, and tell how it went.

    Args:
        folder: where the bucket is copied to.
        console: where it is told.
        verbose: whether to show each region and key, too.
        program: what to type to run this program.
        width: of the table of accounts; None, with tabs, for other programs.

    Raises:
        InventoryError: the folder holds something else or cannot be written to, or the inventory is not what was
            seeded.
    """
    with folder_errors(folder):
        check_folder(folder)
    details = console if verbose else Console(quiet=True)
    hour = to_the_minute(Clock().now()).replace(minute=0)
    tell(BEGINNING, console)
    with contextlib.ExitStack() as held:
        with stand_in.serve() as aws, mock.patch.dict(os.environ, _environment(aws), clear=True):
            store = S3Store.open(boto3.session.Session(), BUCKET, str(settings.PREFIX.default))
            store.client.create_bucket(Bucket=BUCKET)
            pools = _seeded()
            aws.enabled_regions = list(REGIONS)
            aws.answers += [_list_accounts, stand_in.listing("eu-west-1", stand_in.every(9, stand_in.throttle))]
            _run(store, hour - timedelta(days=1), aws, pools, console)
            aws.answers.append(_refuse_role)
            readable = {place: each for place, each in pools.items() if place[0] not in {DENIED, DEAD}}
            newest = _run(store, hour, aws, readable, console, dying=DEAD)
            with folder_errors(folder):
                held.enter_context(alone_in(folder))
                copy_bucket(store, folder, details)
        copied = FolderStore(folder / store.prefix)
        covered = tuple(coverage.decode(stored.read(copied, keys.coverage(newest.id))))
        show_table(details, targets_table(covered, f"Regions of {newest.id}: {newest.status}"))
        members = archive.read_accounts(copied, newest)
        for line in ("", *account_lines(covered, members, width)):
            click.echo(line, file=console.file, color=False if os.environ.get("NO_COLOR") else None)
        tell(_ending(newest, covered, verified(copied, details).objects, folder, program), console)


def _run(
    store: S3Store, time: datetime, aws: stand_in.StandIn, readable: Pools, console: Console, dying: str | None = None
) -> Manifest:
    """Run the state machine at a time, when these pools can be read; return the manifest of its snapshot.

    Raises:
        InventoryError: it ended otherwise than it should.
    """

    def read_batch(event: dict[str, Any], context: Any) -> object:  # noqa: ANN401 - Lambda's own
        if dying in event[messages.ACCOUNTS]:
            raise MemoryError("Runtime exited with error: signal: killed")
        return batch.handler(event, context)

    handlers: Mapping[str, state_machine.Handler] = {
        "Plan": plan.handler,
        "Batch": read_batch,
        "Publish": publish.handler,
    }
    definition = state_machine.deployed(state_machine.read_definition(), bucket=BUCKET)
    with state_machine.serve_functions(aws, handlers), contextlib.redirect_stdout(io.StringIO()):
        ended = state_machine.execute(state_machine.with_short_waits(definition), {"time": timestamp(time)})
    if ended.status != "SUCCEEDED":
        raise InventoryError(f"the state machine {ended.status}: {ended.error}, which is a fault of this program")
    made = manifest.read(store, keys.snapshot_id(time))
    _check(stored.read(store, keys.data(made.id)), readable)
    asked = sum(made.targets.values())
    read = made.targets.get("ok", 0)
    tell([f"  {made.id}  {made.status:8}  {read} of {asked} targets read, {made.pool_count} pools"], console)
    return made


def _ending(made: Manifest, covered: Sequence[Coverage], objects: int, folder: Path, program: str) -> Iterator[str]:
    """Return what became of the accounts that were not read, what to try, and what there is."""
    made_of = {each.account_id for each in covered}
    copied = f"{program} {{}} {shlex.quote(str(folder))}"
    yield ""
    yield f"On purpose, {DENIED} refused its role, and the function that read"
    yield f"{DEAD} died at each of its three attempts. Their {made.carried.pools} pools are not gone:"
    yield f"they are kept as they were last read. {EMPTY} was read, and has none."
    yield ""
    yield f"Verified: all {objects} objects are what was written. The bucket is copied to"
    yield f"{folder}/. Now try:"
    yield ""
    yield f"  {copied.format('summary')}"
    yield f"  {copied.format('show')} --account {DENIED}"
    yield ""
    yield f"{len(made_of)} accounts, {len(covered)} targets, {made.pool_count + made.carried.pools} pools. Sound."


def _environment(aws: stand_in.StandIn) -> dict[str, str]:
    # A batch for each account, so that one that dies is one account.
    return {
        **environment(aws),
        settings.ACCOUNTS.name: settings.ORGANIZATION,
        settings.ACCOUNTS_PER_BATCH.name: "1",
    }


def _seeded() -> Pools:
    """Make up the pools of each account's regions, and put them there."""
    pools: Pools = {}
    for index, account_id in enumerate(ACCOUNTS):
        for region in REGIONS:
            many = 0 if account_id == EMPTY else 7 * index % 12 + len(region)
            pools[account_id, region] = [make_pool(region, 1000 * index + number) for number in range(many)]
            stand_in.seed(region, pools[account_id, region], account_id)
    return pools


def _check(data: bytes, readable: Pools) -> None:
    """Compare the snapshot's rows with what was seeded.

    Raises:
        InventoryError: they differ.
    """
    rows = map(json.loads, table.lines(data))
    found = sorted((row["account_id"], row["region"], row["id"]) for row in rows)
    if found != sorted((*place, pool["Id"]) for place, each in readable.items() for pool in each):
        raise InventoryError("the inventory is not what was seeded, which is a fault of this program")


def _list_accounts(request: Request) -> Response | None:
    if not request.headers.get("X-Amz-Target", "").endswith(".ListAccounts"):
        return None
    listed = [{"Id": account_id, "Name": name, "State": "ACTIVE"} for account_id, name in ACCOUNTS.items()]
    return stand_in.reply({"Accounts": listed})


def _refuse_role(request: Request) -> Response | None:
    """Refuse the role of one account, as STS does."""
    arn = request.form.get("RoleArn", "") if request.form.get("Action") == "AssumeRole" else ""
    if f":{DENIED}:" not in arn:
        return None
    said = f"User: {stand_in.ACCOUNT_ID} is not authorized to perform: sts:AssumeRole on resource: {arn}"
    body = f"<ErrorResponse><Error><Code>AccessDenied</Code><Message>{said}</Message></Error></ErrorResponse>"
    return Response(body, 403, content_type="text/xml")
