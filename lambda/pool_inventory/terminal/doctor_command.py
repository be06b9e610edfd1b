"""The command that checks what a run needs, one thing after another: doctor."""

import os
from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from pool_inventory import settings
from pool_inventory.aws.calls import Deadline
from pool_inventory.aws.regions import partition_of
from pool_inventory.aws.session import caller_account, open_session
from pool_inventory.clock import Clock
from pool_inventory.collect.readings import collect
from pool_inventory.collect.targets import RegionsError, choose_targets
from pool_inventory.errors import InventoryError, SnapshotError
from pool_inventory.model import Account, Coverage
from pool_inventory.snapshots import archive, keys
from pool_inventory.stores.protocol import Store
from pool_inventory.terminal import reports
from pool_inventory.terminal.console import (
    EXIT_ERROR,
    checked_as,
    configuration_errors,
    errors_on_one_line,
    parse_location,
    split_address,
    terminal_width,
    write,
)
from pool_inventory.terminal.location import open_location
from pool_inventory.terminal.tables import paragraph
from pool_inventory.terminal.verify.chain import verify
from pool_inventory.text import one_line

if TYPE_CHECKING:
    from boto3.session import Session

# How many of the newest snapshots it verifies: `verify` checks all.
VERIFIED = 2
_WIDTH = len("fail")
_WRITTEN = f"{keys.STAGING}/doctor/written"


@dataclass(frozen=True, slots=True)
class Finding:
    """What a check found: whether all is well, and else what would help."""

    ok: bool
    found: str
    remedy: str = ""


@click.command()
@click.option(
    "--to",
    "location",
    metavar="LOCATION",
    callback=lambda context, parameter, text: None if text is None else parse_location(context, parameter, text),
    help="Where snapshots go: s3://BUCKET/PREFIX or a folder. [default: look at no snapshots]",
)
@click.option(
    "--regions",
    metavar="REGIONS",
    default=settings.REGIONS.default,
    show_default=True,
    callback=checked_as(settings.REGIONS),
    help="Which regions to ask, as in `run`: `enabled`, `current`, or a comma list.",
)
@click.option("--profile", help="Whose credentials to use: a profile of the AWS CLI's configuration.")
@click.option(
    "--timeout",
    "timeout_seconds",
    metavar="SECONDS",
    type=click.IntRange(min=1),
    default=60,
    show_default=True,
    help="How long asking the regions may take.",
)
@click.option("--json", "as_json", is_flag=True, help="Write JSON, for scripts.")
@click.option("--policy", "is_policy", is_flag=True, help="Print the IAM policy that a run needs, and check nothing.")
def doctor(
    *,
    location: str | None,
    regions: str | tuple[str, ...],
    profile: str | None,
    timeout_seconds: int,
    as_json: bool,
    is_policy: bool,
) -> None:
    """Check that a run has what it needs.

    Checks who you are, which regions you may list, and where you may read and write. Each line is ok, or says what to
    grant. It asks each region for its pools as `run` does, and publishes nothing; in S3 it writes one empty object
    under _staging/, the same each time, where no reader looks. With --to it also says whether the newest snapshot is
    fresh, and whether the newest two are what was written.

    Exit status: 0 all is well; 1 something is not; 2 an option is wrong.

    \b
    Examples:
      pool-inventory doctor --to s3://my-inventory/user-pools
      pool-inventory doctor --policy --to s3://my-inventory/user-pools
    """  # noqa: D301 - \b is click's mark for lines that are not to be wrapped
    if is_policy:
        write(policy(location))
        return
    with errors_on_one_line():
        found = []
        for each in _check_all(location, regions, profile, timeout_seconds):
            found.append(each)
            if not as_json:
                write(_lines(each, terminal_width()))
        if as_json:
            write({"ok": all(each.ok for each in found), "checks": [asdict(each) for each in found]})
    if not all(each.ok for each in found):
        raise SystemExit(EXIT_ERROR)


def policy(location: str | None) -> dict[str, Any]:
    """Return the IAM policy that `run` and `doctor` need, with the bucket where there is one."""
    partition = partition_of(os.environ.get("AWS_REGION") or "us-east-1")
    statements: list[dict[str, Any]] = [
        {"Effect": "Allow", "Action": ["account:ListRegions", "cognito-idp:ListUserPools"], "Resource": "*"}
    ]
    if location and "://" in location:
        bucket, prefix = split_address(location)
        arn = f"arn:{partition}:s3:::{bucket}"
        statements += [
            {"Effect": "Allow", "Action": ["s3:GetObject", "s3:PutObject"], "Resource": f"{arn}/{prefix}/*"},
            {"Effect": "Allow", "Action": "s3:ListBucket", "Resource": arn},
        ]
    return {"Version": "2012-10-17", "Statement": statements}


def _check_all(
    location: str | None, regions: str | tuple[str, ...], profile: str | None, timeout_seconds: int
) -> Iterator[Finding]:
    with configuration_errors():
        session = open_session(profile)
    account, found = _check_account(session)
    yield found
    if account:
        yield from _check_regions(session, account, regions, Deadline.after(timeout_seconds, Clock()))
    if location is None:
        yield Finding(ok=True, found="asked for no snapshots: --to names where they go")
    else:
        yield from _check_location(location, profile)


def _check_account(session: "Session") -> tuple[Account | None, Finding]:
    try:
        account = caller_account(session, session.region_name or "us-east-1")
    except InventoryError as error:
        return None, Finding(ok=False, found=str(error))
    return account, Finding(ok=True, found=f"logged in to the account {account.account_id}")


def _check_regions(
    session: "Session", account: Account, regions: str | tuple[str, ...], deadline: Deadline
) -> Iterator[Finding]:
    try:
        targets = choose_targets(regions, session=session, account=lambda: account, deadline=deadline)
    except RegionsError as error:
        yield Finding(ok=False, found=str(error.named("--regions")))
        return
    except InventoryError as error:
        yield Finding(ok=False, found=str(error))
        return
    readings = collect(
        targets,
        session=session,
        snapshot_time=Clock().now(),
        max_requests_per_second=settings.MAX_REQUESTS_PER_SECOND.parse(str(settings.MAX_REQUESTS_PER_SECOND.default)),
        deadline=deadline,
        read_before=lambda: (),
    )
    covered = [each.coverage for each in readings]
    read = [each for each in covered if each.is_read]
    pools = sum(each.pools or 0 for each in read)
    yield Finding(ok=bool(read), found=f"{len(read)} of {len(covered)} regions can be listed: {pools} user pools")
    if absent := [each.region for each in covered if each.status == "absent"]:
        yield Finding(ok=True, found=f"no Cognito is there yet: {', '.join(absent)}")
    yield from (_unread(each) for each in covered if each.is_failed)


def _unread(each: Coverage) -> Finding:
    remedies = {
        "denied": "grant cognito-idp:ListUserPools there; a service control policy may deny it as well",
        "throttled": "try again: other callers use up the account's 15 requests a second",
        "timed_out": "try again with a longer --timeout",
    }
    text = f"{each.region}: {each.status.replace('_', ' ')} ({each.error_code}: {each.error_message})"
    return Finding(ok=False, found=text, remedy=remedies.get(each.status, "look at the network"))


def _check_location(location: str, profile: str | None) -> Iterator[Finding]:
    if "://" not in location and not Path(location).exists():
        yield Finding(ok=True, found=f"there is no {location} yet: a run makes the folder")
        yield from _check_folder(location)
        return
    try:
        store = open_location(location, profile)
        store.get(keys.LATEST)  # without snapshots, listing them would not show that objects may not be read
        identifiers = archive.finished_ids(store)
    except SnapshotError:
        identifiers = []
    except InventoryError as error:
        yield Finding(ok=False, found=f"{location} cannot be read: {error}")
        yield from _check_folder(location)
        return
    yield Finding(ok=True, found=f"{location} can be read: {_counted(len(identifiers), 'snapshot')}")
    yield from _check_writing(location, store)
    if identifiers:
        yield from _check_newest(store, identifiers)


def _check_writing(location: str, store: Store) -> Iterator[Finding]:
    if "://" not in location:
        yield from _check_folder(location)
        return
    try:
        # Over that of the last time: nothing that a run needs would remove it. A bucket may demand conditions.
        last = store.get(_WRITTEN)
        if last is None:
            store.put_if_absent(_WRITTEN, b"")
        else:
            store.replace(_WRITTEN, b"", last.etag)
    except InventoryError as error:
        yield Finding(ok=False, found=f"{location} cannot be written: {error}", remedy="grant s3:PutObject on it")
        return
    yield Finding(ok=True, found=f"{location} can be written: {store.address(_WRITTEN)} was")


def _check_folder(location: str) -> Iterator[Finding]:
    """Say whether a run could write to a folder, which it makes where it is not there."""
    if "://" in location:
        return
    folder = Path(location).absolute()
    there = next(each for each in (folder, *folder.parents) if each.exists())
    is_writable = there.is_dir() and os.access(there, os.W_OK | os.X_OK)
    text = f"{location} can{'' if is_writable else 'not'} be written"
    yield Finding(is_writable, text, "" if is_writable else "name a folder that you may write to")


def _check_newest(store: Store, identifiers: list[str]) -> Iterator[Finding]:
    warnings: list[str] = []
    try:
        newest = archive.newest(store, warnings.append)
        now = Clock().now()
        is_too_old = reports.is_too_old(newest, now)
        yield Finding(not is_too_old, reports.age_text(newest, now), "look at the schedule" if is_too_old else "")
        report = verify(store, since=identifiers[-VERIFIED:][0])
    except InventoryError as error:
        yield Finding(ok=False, found=str(error), remedy="`pool-inventory verify` says more")
        return
    yield from (Finding(ok=False, found=each, remedy="`pool-inventory verify` says more") for each in warnings)
    faults = len(report.faults)
    yield Finding(
        ok=not faults,
        found=f"in the newest {_counted(report.snapshots, 'snapshot')}: {_counted(faults, 'fault')}",
        remedy="`pool-inventory verify` names them" if faults else "",
    )


def _counted(count: int, name: str) -> str:
    return f"{count or 'no'} {name}{'' if count == 1 else 's'}"


def _lines(finding: Finding, width: int | None) -> Iterable[str]:
    mark, colour = ("ok", "green") if finding.ok else ("fail", "red")
    # A paragraph goes on two further to the right than it begins, which is below its text here.
    first, *others = paragraph(f"{' ' * _WIDTH}{one_line(finding.found)}", width and width - 2)
    yield f"{click.style(mark.ljust(_WIDTH), fg=colour)}  {first.lstrip()}"
    yield from others
    if finding.remedy:
        yield from paragraph(f"{' ' * _WIDTH}  {finding.remedy}", width)
