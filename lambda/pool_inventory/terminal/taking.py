"""Taking a snapshot from a terminal: what `run` does once its options are right."""

import dataclasses
from collections.abc import Iterable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
from click.core import ParameterSource

from pool_inventory.aws.calls import Deadline
from pool_inventory.aws.session import caller_account, open_session
from pool_inventory.clock import Clock
from pool_inventory.collect.listing import cognito_regions
from pool_inventory.collect.targets import RegionsError, unknown_regions
from pool_inventory.errors import InventoryError
from pool_inventory.model import Coverage
from pool_inventory.run import Outcome, Request, Tools, export
from pool_inventory.snapshots import archive, keys, manifest
from pool_inventory.stores.folder import FolderStore
from pool_inventory.stores.protocol import Store
from pool_inventory.stores.s3 import S3Store
from pool_inventory.terminal.accounts import account_lines
from pool_inventory.terminal.console import configuration_errors, split_address, terminal_width, warn, write
from pool_inventory.terminal.progress import show_progress
from pool_inventory.terminal.tables import open_console, show_table, shown, targets_table
from pool_inventory.terminal.taking_accounts import AccountProgress, Organization, show_account_progress

if TYPE_CHECKING:
    from boto3.session import Session


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """What the options of `run` say of the snapshot."""

    location: str
    regions: str | tuple[str, ...]
    profile: str | None
    snapshot_time: datetime
    max_requests_per_second: float
    encryption: str | None
    forget_days: int
    accept_denied: tuple[str, ...]
    timeout_seconds: int
    organization: Organization | None = None


def take_snapshot(wanted: Wanted, *, as_json: bool, quiet: bool) -> str:
    """Take a snapshot, and write how it went; return its status.

    Raises:
        InventoryError: there is no snapshot.
        BotoCoreError: the SDK cannot be used.
    """
    with configuration_errors():
        session = open_session(wanted.profile)
        store = _open_store(wanted.location, session, wanted.encryption)
    named = wanted.regions if isinstance(wanted.regions, tuple) else ("us-east-1",)
    listed = cognito_regions(session)
    # A region that the SDK does not list may have no STS.
    asked = next((each for each in named if each in listed), named[0])
    shows = not quiet and not as_json
    with _regions_named_as_given(), ExitStack() as showing:
        request = Request(
            snapshot_time=wanted.snapshot_time,
            regions=wanted.regions,
            max_requests_per_second=wanted.max_requests_per_second,
            forget_days=wanted.forget_days,
            accept_denied=wanted.accept_denied,
        )
        tools = Tools(
            session=session,
            account=lambda: caller_account(session, session.region_name or asked),
            store=store,
            deadline=Deadline.after(wanted.timeout_seconds, Clock()),
        )
        console = open_console(stderr=True)
        if wanted.organization is None:
            progress = showing.enter_context(show_progress(console)) if shows else None
            outcome = export(request, dataclasses.replace(tools, progress=progress))
        else:
            told = showing.enter_context(show_account_progress(console)) if shows else AccountProgress()
            outcome = export(request, tools, partial(wanted.organization.ask, progress=told))
    for each in unknown_regions(wanted.regions):
        warn(f"{each!r} is no region that the SDK knows, and was asked all the same: it may be new")
    status = _status_of(outcome, store)
    if as_json:
        write(_document(outcome, store, status))
    elif not quiet:
        _show(outcome, store, status)
    return status


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
    if snapshot.accounts_file:
        members = archive.read_accounts(store, manifest.read(store, snapshot.id))
        write([f"Accounts of {snapshot.id}", *account_lines(outcome.coverage(), members, terminal_width())])
    else:
        show_table(console, targets_table(outcome.coverage(), f"Regions of {snapshot.id}"))
    changed = ", ".join(f"{count} {kind}" for kind, count in outcome.published.changes.items())
    console.print(shown(f"{snapshot.pool_count} user pools read, {status}; {changed}: {where}"), soft_wrap=True)
    unread = _unread(outcome.coverage(), name_accounts=bool(snapshot.accounts_file))
    if unread:
        console.print(shown(f"Not read: {', '.join(unread)}"), soft_wrap=True)


def _unread(covered: Iterable[Coverage], *, name_accounts: bool) -> list[str]:
    """Return what could not be read: regions, and accounts of which no region could."""
    covered = list(covered)
    partly = {each.account_id for each in covered if not each.is_failed}

    def place(each: Coverage) -> str:
        if not name_accounts:
            return each.region
        return f"{each.account_id} {each.region}" if each.account_id in partly else each.account_id

    failed = (f"{place(each)} ({each.status.replace('_', ' ')})" for each in covered if each.is_failed)
    return list(dict.fromkeys(failed))


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
    if outcome.published and (counts := outcome.published.accounts):
        document |= {"accounts": counts.asked, "accountsFailed": counts.failed}
    return document | {
        "poolCount": made.pool_count,
        "changes": made.changes,
        "targets": dict(made.targets),
        "unread": list(made.unread),
        "unreadCount": made.unread_count,
    }
