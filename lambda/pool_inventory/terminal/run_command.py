"""The command that takes a snapshot: run."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
from click.core import ParameterSource

from pool_inventory import settings
from pool_inventory.aws.calls import Deadline
from pool_inventory.aws.regions import sdk_regions
from pool_inventory.aws.session import caller_account, open_session
from pool_inventory.clock import Clock
from pool_inventory.collect.listing import cognito_regions
from pool_inventory.collect.targets import RegionsError
from pool_inventory.errors import InventoryError
from pool_inventory.events import parse_time, to_the_minute
from pool_inventory.run import Outcome, Request, Tools, export
from pool_inventory.snapshots import keys, manifest
from pool_inventory.stores.folder import FolderStore
from pool_inventory.stores.protocol import Store
from pool_inventory.stores.s3 import S3Store
from pool_inventory.terminal.console import (
    EXIT_COMPLETE,
    EXIT_PARTIAL,
    checked_as,
    complete_location,
    configuration_errors,
    errors_on_one_line,
    parse_location,
    split_address,
    warn,
    write,
)
from pool_inventory.terminal.tables import open_console, show_progress, show_table, shown, targets_table

if TYPE_CHECKING:
    from boto3.session import Session


def _parse_snapshot_time(_context: click.Context, _parameter: click.Parameter, text: str | None) -> datetime:
    now = Clock().now()
    try:
        return to_the_minute(now) if text is None else parse_time(text, now)
    except ValueError as error:
        raise click.BadParameter(f"{text!r} {error}") from error


@click.command()
@click.option(
    "--to",
    "location",
    required=True,
    metavar="LOCATION",
    callback=parse_location,
    shell_complete=complete_location,
    help="Where the snapshot goes: s3://BUCKET/PREFIX, or a folder on this machine, made if it is not there.",
)
@click.option(
    "--regions",
    metavar="REGIONS",
    envvar=settings.REGIONS.name,
    show_envvar=True,
    default=settings.REGIONS.default,
    show_default=True,
    callback=checked_as(settings.REGIONS),
    help="`enabled`: every region that the account has enabled (asks account:ListRegions). "
    "`current`: the profile's or AWS_REGION. Or a comma list.",
)
@click.option("--profile", help="Whose credentials to use: a profile of the AWS CLI's configuration.")
@click.option(
    "--time",
    "snapshot_time",
    metavar="TIME",
    callback=_parse_snapshot_time,
    help="The time that the snapshot is for, such as 2026-11-24T18:00:00Z. [default: now]",
)
@click.option(
    "--max-requests-per-second",
    metavar="NUMBER",
    envvar=settings.MAX_REQUESTS_PER_SECOND.name,
    show_envvar=True,
    default=settings.MAX_REQUESTS_PER_SECOND.default,
    show_default=True,
    callback=checked_as(settings.MAX_REQUESTS_PER_SECOND),
    help="Pace in each region, out of the 15 a second that all callers of the account share there; 0 is unpaced.",
)
@click.option(
    "--encryption",
    metavar="ENCRYPTION",
    envvar=settings.ENCRYPTION.name,
    show_envvar=True,
    default=settings.ENCRYPTION.default,
    callback=checked_as(settings.ENCRYPTION),
    help="Encryption to ask for with each write to s3://, for a bucket whose policy demands it: `AES256`, or a KMS "
    "key's ARN. [default: the bucket's own]",
)
@click.option(
    "--forget-days",
    metavar="DAYS",
    envvar=settings.FORGET_DAYS.name,
    show_envvar=True,
    default=settings.FORGET_DAYS.default,
    show_default=True,
    callback=checked_as(settings.FORGET_DAYS),
    help="After so many days without a reading, a region's last known pools are no longer carried along.",
)
@click.option(
    "--accept-denied",
    metavar="LIST",
    envvar=settings.ACCEPT_DENIED.name,
    show_envvar=True,
    default=settings.ACCEPT_DENIED.default,
    callback=checked_as(settings.ACCEPT_DENIED),
    help="Regions that may be denied and leave the snapshot complete: their names, or scp for those that were never "
    "read and that a service control policy denies.",
)
@click.option(
    "--timeout",
    "timeout_seconds",
    metavar="SECONDS",
    type=click.IntRange(min=1),
    default=900,
    show_default=True,
    help="How long collecting may take. What is unread by then is left out, and the snapshot is partial.",
)
@click.option("--json", "as_json", is_flag=True, help="Write the result as JSON, and no progress.")
@click.option("--quiet", is_flag=True, help="Write nothing but warnings and errors, for cron.")
def run(  # noqa: PLR0913 - an option each
    *,
    location: str,
    regions: str | tuple[str, ...],
    profile: str | None,
    snapshot_time: datetime,
    max_requests_per_second: float,
    encryption: str | None,
    forget_days: int,
    accept_denied: tuple[str, ...],
    timeout_seconds: int,
    as_json: bool,
    quiet: bool,
) -> None:
    """Take a snapshot now, with your own credentials.

    Needs cognito-idp:ListUserPools and, for `--regions enabled`, account:ListRegions; for s3:// also s3:GetObject and
    s3:PutObject on the prefix and s3:ListBucket on the bucket. A snapshot of the same minute is never written twice.

    Exit status: 0 the snapshot is complete; 3 it is partial, for some region could not be read; 2 an option is wrong;
    1 there is no snapshot. Output that is lost does not change it.

    \b
    Examples:
      pool-inventory run --to ~/pools --regions current
      pool-inventory run --to s3://my-inventory/user-pools --profile audit
    """  # noqa: D301 - \b is click's mark for lines that are not to be wrapped
    with errors_on_one_line(needs_output=False):
        with configuration_errors():
            session = open_session(profile)
            store = _open_store(location, session, encryption)
        named = regions if isinstance(regions, tuple) else ("us-east-1",)
        listed = cognito_regions(session)
        # A region that the SDK does not list may have no STS.
        asked = next((each for each in named if each in listed), named[0])
        shows = not quiet and not as_json
        watching = show_progress(open_console(stderr=True)) if shows else nullcontext()
        with _regions_named_as_given(), watching as progress:
            request = Request(
                snapshot_time=snapshot_time,
                regions=regions,
                max_requests_per_second=max_requests_per_second,
                forget_days=forget_days,
                accept_denied=accept_denied,
            )
            tools = Tools(
                session=session,
                account=lambda: caller_account(session, session.region_name or asked),
                store=store,
                deadline=Deadline.after(timeout_seconds, Clock()),
                progress=progress,
            )
            outcome = export(request, tools)
        for each in _unknown(regions):
            warn(f"{each!r} is no region that the SDK knows, and was asked all the same: it may be new")
        status = _status_of(outcome, store)
        if as_json:
            write(_document(outcome, store, status))
        elif not quiet:
            _show(outcome, store, status)
        sys.exit(EXIT_COMPLETE if status == "complete" else EXIT_PARTIAL)


def _unknown(regions: str | tuple[str, ...]) -> list[str]:
    """Return the regions that are named and that no SDK knows; not so those that the account says are enabled."""
    return [each for each in regions if each not in sdk_regions()] if isinstance(regions, tuple) else []


@contextmanager
def _regions_named_as_given() -> Iterator[None]:
    """Name the option in an error about the regions, unless the variable set them."""
    try:
        yield
    except RegionsError as error:
        if click.get_current_context().get_parameter_source("regions") is ParameterSource.ENVIRONMENT:
            raise
        raise error.named("--regions") from error


def _open_store(location: str, session: "Session", encryption: str | None) -> Store:
    if "://" not in location:
        return FolderStore(Path(location))
    return S3Store.open(session, *split_address(location), encryption)


def _status_of(outcome: Outcome, store: Store) -> str:
    """Return the status of the snapshot that is there now; say what someone should look at.

    Raises:
        InventoryError: a newer snapshot is there, so that none was made.
    """
    passed_by = (f"passed by {each.address}: {each.reason}" for each in outcome.passed_by)
    for warning in (*passed_by, *outcome.warnings):
        warn(warning)
    if outcome.result == "superseded":
        raise InventoryError(
            f"a snapshot newer than {outcome.snapshot_id} is there already, and they are made in their order: "
            "leave out --time, or name a later one"
        )
    if outcome.published is None:
        return manifest.read(store, outcome.snapshot_id).status
    return outcome.published.snapshot.status


def _show(outcome: Outcome, store: Store, status: str) -> None:
    console = open_console()
    for earlier in outcome.recovered:
        console.print(f"Finished {earlier.snapshot.id}, whose run had died.", highlight=False)
    where = store.address(keys.data(outcome.snapshot_id))
    if outcome.published is None:
        console.print(
            shown(f"The snapshot {outcome.snapshot_id} is there already, and is {status}: {where}"), soft_wrap=True
        )
        return
    snapshot = outcome.published.snapshot
    show_table(console, targets_table(outcome.coverage, f"Regions of {snapshot.id}"))
    changed = ", ".join(f"{count} {kind}" for kind, count in outcome.published.changes.items())
    console.print(shown(f"{snapshot.pool_count} user pools read, {status}; {changed}: {where}"), soft_wrap=True)
    if unread := [f"{each.region} ({each.status.replace('_', ' ')})" for each in outcome.coverage if each.is_failed]:
        console.print(shown(f"Not read: {', '.join(unread)}"), soft_wrap=True)


def _document(outcome: Outcome, store: Store, status: str) -> dict[str, Any]:
    """Return the result of a run for a script."""
    document: dict[str, Any] = {
        "snapshotId": outcome.snapshot_id,
        "result": outcome.result,
        "status": status,
        "manifest": store.address(keys.manifest(outcome.snapshot_id)),
        "recovered": [each.snapshot.id for each in outcome.recovered],
    }
    made = manifest.read(store, outcome.snapshot_id)
    return document | {
        "poolCount": made.pool_count,
        "changes": made.changes,
        "targets": dict(made.targets),
        "unread": list(made.unread),
        "unreadCount": made.unread_count,
    }
