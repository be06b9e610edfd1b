"""Which accounts and regions to ask."""

import difflib
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from pool_inventory import settings
from pool_inventory.aws import failures, pages
from pool_inventory.aws.calls import Caller, Deadline
from pool_inventory.aws.session import CLIENT_CONFIG
from pool_inventory.collect.listing import SERVICE
from pool_inventory.errors import TargetsError
from pool_inventory.model import Account, Target
from pool_inventory.text import one_line

if TYPE_CHECKING:
    from boto3.session import Session

# https://docs.aws.amazon.com/accounts/latest/reference/API_Region.html
NOT_ENABLED_STATUSES = ("DISABLED", "DISABLING", "ENABLING")


class RegionsError(TargetsError):
    """What the setting of the regions names cannot be asked.

    Attributes:
        setting: what the text calls the setting: the variable, unless a door where it has another name says so.
    """

    setting: str = settings.REGIONS.name

    def __str__(self) -> str:
        return f"{self.setting}: {super().__str__()}"


def choose_targets(
    regions: str | tuple[str, ...], *, session: "Session", account: Callable[[], Account], deadline: Deadline
) -> tuple[Target, ...]:
    """Settle which regions to ask, sorted.

    Args:
        regions: "enabled", "current" or the regions' names, as Settings has them.
        session: says the current region, and knows where Cognito is.
        account: gives the account that is asked; called only once the regions' names are known to be right.
        deadline: for the call of account:ListRegions that "enabled" takes.

    Raises:
        RegionsError: a region is unknown, without Cognito or of another partition, or ListRegions gives no answer.
        TargetsError: the account's partition has no Cognito.
    """
    named = _current_region(session) if regions == settings.CURRENT else regions
    if isinstance(named, tuple):
        for region in named:
            _check_region(session, region)
    asked = account()
    available = session.get_available_regions(SERVICE, partition_name=asked.partition)
    if not available:
        raise TargetsError(f"the partition {asked.partition} has no Amazon Cognito user pools")
    if isinstance(named, tuple):
        _check_partition(named, asked.partition, available)
        chosen = named
    else:
        chosen = _enabled_regions(session, asked.partition, deadline)
    targets = tuple(Target(asked.account_id, region) for region in sorted({*chosen} & {*available}))
    if not targets:
        raise RegionsError(
            f"none of the account's enabled regions ({one_line(', '.join(chosen)) or 'it names none'}) is one where "
            f"the SDK knows {SERVICE}: list the regions instead"
        )
    return targets


def _current_region(session: "Session") -> tuple[str, ...]:
    if session.region_name is None:
        raise RegionsError(f"{settings.CURRENT!r}, but no region is current: set AWS_REGION")
    return (session.region_name,)


def _check_region(session: "Session", region: str) -> None:
    partitions = session.get_available_partitions()
    with_cognito = [name for each in partitions for name in session.get_available_regions(SERVICE, each)]
    if region in with_cognito:
        return
    everywhere = [name for each in partitions for name in session.get_available_regions("ec2", each)]
    wrong = "has no Amazon Cognito user pools" if region in everywhere else "is no region that the SDK knows"
    near = difflib.get_close_matches(region, with_cognito, n=3, cutoff=0.7)
    raise RegionsError(
        f"{region!r} {wrong}: "
        + (f"did you mean {' or '.join(near)}?" if near else f"name some of {', '.join(sorted(with_cognito))}")
    )


def _check_partition(regions: tuple[str, ...], partition: str, available: list[str]) -> None:
    elsewhere = sorted(set(regions) - set(available))
    if elsewhere:
        raise RegionsError(
            f"it names {', '.join(elsewhere)}, but the account is in the partition {partition}, "
            f"which has {', '.join(available)}"
        )


def _enabled_regions(session: "Session", partition: str, deadline: Deadline) -> tuple[str, ...]:
    """Ask the account: https://docs.aws.amazon.com/accounts/latest/reference/API_ListRegions.html."""
    available = session.get_available_regions(SERVICE, partition_name=partition)
    region = session.region_name if session.region_name in available else available[0]
    try:
        client = session.client("account", region_name=region, config=CLIENT_CONFIG)
        pages.keep_raw_body(client, "ListRegions")

        def request(token: str | None) -> Mapping[str, Any]:
            return client.list_regions(NextToken=token) if token else client.list_regions()

        listing = pages.pages(Caller(deadline), request, items="Regions", key="RegionName")
        regions = [region for page in listing for region in page]
    except Exception as error:  # of whatever kind, there is no list of regions, and the way round is the same
        grant = "grant it, or " if failures.is_denied(error) else ""
        raise RegionsError(
            f"account:ListRegions did not say which regions are enabled ({one_line(str(error))}): {grant}"
            "list the regions instead"
        ) from error
    # A status that this release does not know, or none, does not say that the region is disabled.
    return tuple(each["RegionName"] for each in regions if each.get("RegionOptStatus") not in NOT_ENABLED_STATUSES)
