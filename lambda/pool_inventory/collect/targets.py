"""Which accounts and regions to ask."""

import difflib
from collections.abc import Callable, Iterable, Mapping
from typing import TYPE_CHECKING, Any

from pool_inventory import settings
from pool_inventory.aws import failures, pages
from pool_inventory.aws.calls import Caller, Deadline
from pool_inventory.aws.regions import partition_of, sdk_regions
from pool_inventory.aws.session import CLIENT_CONFIG
from pool_inventory.errors import TargetsError
from pool_inventory.model import Account, Target
from pool_inventory.text import one_line

if TYPE_CHECKING:
    from boto3.session import Session

# https://docs.aws.amazon.com/accounts/latest/reference/API_Region.html
NOT_ENABLED_STATUSES = ("DISABLED", "DISABLING", "ENABLING")
# Names of regions are made of an area, one of these, and a number.
DIRECTIONS = frozenset(
    {"central", "north", "northeast", "east", "southeast", "south", "southwest", "west", "northwest"}
)
# By how much the number of a new region may be above those that the SDK knows at its place: ap-southeast-7 was there
# before ap-southeast-6.
MAX_NUMBERS_AHEAD = 2
# How many characters a slip changes at most: one that is put for another is two, and so are two that are swapped. Two
# short names of areas that share no letter differ in four.
MAX_SLIP = 3


class RegionsError(TargetsError):
    """The regions that the setting names cannot be asked."""

    def __init__(self, text: str, setting: str = settings.REGIONS.name) -> None:
        """Say what is wrong with the setting, by its name: the variable's, unless a door has another name for it."""
        super().__init__(f"{setting}: {text}")
        self.text = text

    def named(self, setting: str) -> "RegionsError":
        """Return the same error with another name of the setting."""
        return RegionsError(self.text, setting)


def choose_targets(
    regions: str | tuple[str, ...], *, session: "Session", account: Callable[[], Account], deadline: Deadline
) -> tuple[Target, ...]:
    """Settle which regions to ask, sorted. The SDK's list of Cognito's regions is months behind, and leaves none out.

    Args:
        regions: "enabled", "current" or the regions' names, as Settings has them.
        session: says the current region, and asks for the enabled ones.
        account: gives the account that is asked; called only once the regions' names are known to be right.
        deadline: for the call of account:ListRegions that "enabled" takes.

    Raises:
        RegionsError: a name is a slip or of another partition, no region is current, or ListRegions names none.
        TargetsError: the SDK does not know the account's partition.
    """
    named = _current_region(session) if regions == settings.CURRENT else regions
    if isinstance(named, tuple):
        check_region_names(named)
    asked = account()
    if isinstance(named, tuple):
        _check_partition(named, asked.partition)
        chosen = named
    else:
        chosen = _enabled_regions(session, asked.partition, deadline)
    return tuple(Target(asked.account_id, region) for region in sorted({*chosen}))


def _current_region(session: "Session") -> tuple[str, ...]:
    if session.region_name is None:
        raise RegionsError(f"{settings.CURRENT!r}, but no region is current: set AWS_REGION")
    return (session.region_name,)


def check_region_names(names: Iterable[str]) -> None:
    """Check that no name looks like a slip. A name that no SDK knows may be a region's that is new.

    Raises:
        RegionsError: a name is not known, and is nearly that of a known region.
    """
    known = sdk_regions()
    for name in names:
        if name not in known and not _may_be_the_next(name) and (near := _nearest(name)):
            raise RegionsError(
                f"{name!r} is no region that the SDK knows: did you mean {' or '.join(near)}? "
                f"(A new region that is enabled is asked with {settings.ENABLED!r}, whatever its name.)"
            )


def unknown_regions(regions: str | tuple[str, ...]) -> list[str]:
    """Return the regions that a setting names and no SDK knows; none of those that the account says are enabled."""
    return [each for each in regions if each not in sdk_regions()] if isinstance(regions, tuple) else []


def _may_be_the_next(name: str) -> bool:
    """Whether a name is an area, a direction and a number as AWS would go on from the regions that are known."""
    place, _, number = name.rpartition("-")
    area, _, direction = place.rpartition("-")
    known = [region.rpartition("-") for region in sdk_regions()]
    numbers = [int(each) for of, _, each in known if of == place]
    is_known_area = any(of.rpartition("-")[0] == area for of, _, _ in known)
    has_next_number = number.isdecimal() and 1 <= int(number) <= max(numbers, default=0) + MAX_NUMBERS_AHEAD
    return is_known_area and direction in DIRECTIONS and has_next_number


def _nearest(name: str) -> list[str]:
    """Return the known regions that a name differs least from, none where it differs from all in more than a slip."""
    differences = {region: _difference(name, region) for region in sdk_regions()}
    smallest = min(differences.values())
    return (
        sorted(region for region, each in differences.items() if each == smallest) if smallest[0] <= MAX_SLIP else []
    )


def _difference(name: str, other: str) -> tuple[int, bool]:
    """Return how many characters two names do not share, and whether that is more than a change of their order."""
    blocks = difflib.SequenceMatcher(None, name, other).get_matching_blocks()
    return len(name) + len(other) - 2 * sum(block.size for block in blocks), sorted(name) != sorted(other)


def _check_partition(regions: tuple[str, ...], partition: str) -> None:
    elsewhere = sorted(region for region in regions if partition_of(region) != partition)
    if elsewhere:
        raise RegionsError(
            f"it names {', '.join(elsewhere)}, but the account is in the partition {partition}, "
            f"which has {', '.join(_regions_of(partition))}"
        )


def _regions_of(partition: str) -> list[str]:
    regions = sorted(region for region, of in sdk_regions().items() if of == partition)
    if not regions:
        raise TargetsError(f"the account is in the partition {partition}, which the SDK does not know")
    return regions


def _enabled_regions(session: "Session", partition: str, deadline: Deadline) -> tuple[str, ...]:
    """Ask the account: https://docs.aws.amazon.com/accounts/latest/reference/API_ListRegions.html."""
    current = session.region_name
    region = current if current and partition_of(current) == partition else _regions_of(partition)[0]
    try:
        client = session.client("account", region_name=region, config=CLIENT_CONFIG)
        pages.keep_raw_body(client, "ListRegions")

        def request(token: str | None) -> Mapping[str, Any]:
            return client.list_regions(NextToken=token) if token else client.list_regions()

        listing = pages.pages(Caller(deadline), request, items="Regions", key="RegionName")
        regions = [region for page in listing for region in page]
    except Exception as error:  # whatever it is, there is no list of regions, and the workaround is the same
        grant = "grant it, or " if failures.is_denied(error) else ""
        raise RegionsError(
            f"account:ListRegions did not say which regions are enabled ({one_line(str(error))}): {grant}"
            "list the regions instead"
        ) from error
    # A status that this release does not know, or none, does not say that the region is disabled.
    enabled = [each["RegionName"] for each in regions if each.get("RegionOptStatus") not in NOT_ENABLED_STATUSES]
    if not enabled:
        raise RegionsError("account:ListRegions names no region that is enabled: list the regions instead")
    return tuple(enabled)
