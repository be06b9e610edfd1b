"""The command that takes a snapshot: run."""

import sys
from datetime import datetime

import click
from click.core import ParameterSource

from pool_inventory import settings
from pool_inventory.clock import Clock
from pool_inventory.events import parse_time, to_the_minute
from pool_inventory.terminal.console import (
    EXIT_COMPLETE,
    EXIT_PARTIAL,
    checked_as,
    complete_location,
    errors_on_one_line,
    parse_location,
)


def _parse_snapshot_time(_context: click.Context, _parameter: click.Parameter, text: str | None) -> datetime:
    now = Clock().now()
    try:
        return to_the_minute(now) if text is None else parse_time(text, now)
    except ValueError as error:
        raise click.BadParameter(f"{text!r} {error}") from error


def _refuse_without_accounts(*names: str) -> None:
    context = click.get_current_context()
    for name in names:
        if context.get_parameter_source(name) is ParameterSource.COMMANDLINE:
            option = f"--{name.replace('_', '-')}"
            raise click.UsageError(f"{option} is for other accounts: name them with --accounts, or leave {option} out")


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
@click.option(
    "--accounts",
    metavar="ACCOUNTS",
    envvar=settings.ACCOUNTS.name,
    show_envvar=True,
    default=settings.ACCOUNTS.default,
    callback=checked_as(settings.ACCOUNTS),
    help="Accounts of an organization: `organization`, ids of organizational units and accounts in a comma list, with "
    "`-` before those to leave out. [default: the account of the credentials alone]",
)
@click.option(
    "--member-role",
    metavar="NAME",
    envvar=settings.MEMBER_ROLE.name,
    show_envvar=True,
    default=settings.MEMBER_ROLE.default,
    show_default=True,
    callback=checked_as(settings.MEMBER_ROLE),
    help="The role that is assumed in each other account, with its path if it has one.",
)
@click.option(
    "--external-id",
    metavar="ID",
    envvar=settings.EXTERNAL_ID.name,
    show_envvar=True,
    default=settings.EXTERNAL_ID.default,
    callback=checked_as(settings.EXTERNAL_ID),
    help="The external id that the role asks for.",
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
    accounts: settings.Accounts | None,
    member_role: str,
    external_id: str | None,
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

    With `--accounts` it reads an organization into one snapshot: it takes the member role in each account but its own
    (sts:AssumeRole), and asks Organizations unless all accounts are named.

    Exit status: 0 the snapshot is complete; 3 it is partial, for some region could not be read; 2 an option is wrong;
    1 there is no snapshot. Output that is lost does not change it.

    \b
    Examples:
      pool-inventory run --to ~/pools --regions current
      pool-inventory run --to s3://my-inventory/user-pools --profile audit
      pool-inventory run --to ~/pools --accounts organization --member-role audit
    """  # noqa: D301 - \b is click's mark for lines that are not to be wrapped
    if accounts is None:
        _refuse_without_accounts("member_role", "external_id")
    with errors_on_one_line(needs_output=False):
        # The SDK takes longer to import than all else here, and neither help nor completion needs it.
        from pool_inventory.terminal.taking import Wanted, take_snapshot  # noqa: PLC0415 - as said above
        from pool_inventory.terminal.taking_accounts import Organization  # noqa: PLC0415 - as said above

        wanted = Wanted(
            location=location,
            regions=regions,
            profile=profile,
            snapshot_time=snapshot_time,
            max_requests_per_second=max_requests_per_second,
            encryption=encryption,
            forget_days=forget_days,
            accept_denied=accept_denied,
            timeout_seconds=timeout_seconds,
            organization=Organization(accounts, member_role, external_id) if accounts else None,
        )
        status = take_snapshot(wanted, as_json=as_json, quiet=quiet)
        sys.exit(EXIT_COMPLETE if status == "complete" else EXIT_PARTIAL)
