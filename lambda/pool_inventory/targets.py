"""Which accounts and regions to ask."""

import difflib
import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import boto3
from botocore.exceptions import BotoCoreError, ClientError, CredentialRetrievalError

from pool_inventory import calls, failures, pages, settings
from pool_inventory.calls import Caller, Deadline
from pool_inventory.clock import Clock
from pool_inventory.cognito import SERVICE
from pool_inventory.errors import TargetsError
from pool_inventory.failures import MalformedResponseError
from pool_inventory.text import one_line

if TYPE_CHECKING:
    from boto3.session import Session
    from botocore.credentials import Credentials
    from mypy_boto3_sts import STSClient

# https://docs.aws.amazon.com/accounts/latest/reference/API_Region.html
NOT_ENABLED_STATUSES = ("DISABLED", "DISABLING", "ENABLING")
# How long STS may take to say whose credentials these are, in seconds: someone waits before a terminal.
CALLER_SECONDS = 30


class RegionsError(TargetsError):
    """What the setting of the regions names cannot be asked.

    Attributes:
        setting: what the text calls the setting: the variable, unless a door where it has another name says so.
    """

    setting: str = settings.REGIONS.name

    def __str__(self) -> str:
        return f"{self.setting}: {super().__str__()}"


@dataclass(frozen=True, slots=True, order=True)
class Target:
    """An account and a region to ask."""

    account_id: str
    region: str
    partition: str


@dataclass(frozen=True, slots=True)
class Account:
    """Whose user pools are asked for."""

    account_id: str
    partition: str

    @classmethod
    def from_arn(cls, arn: str) -> "Account":
        """Take the account from the ARN of something of its own.

        Raises:
            TargetsError: the text is no ARN that names an account.
        """
        parts = arn.split(":")
        has_all = len(parts) >= 6 and parts[0] == "arn"  # noqa: PLR2004 - an ARN has six parts
        if not has_all or not parts[4].isascii() or not parts[4].isdigit():
            raise TargetsError(
                f"{one_line(repr(arn), 200)} is no ARN that names an account: the function's own ARN does"
            )
        return cls(account_id=parts[4], partition=parts[1])


def open_session(profile: str | None = None) -> "Session":
    """Return a session whose region is AWS_REGION, as in other SDKs, before the profile's; boto3 passes over it.

    Its credentials, if there are any, have been loaded. Where they cannot be loaded again when they expire, each
    client of the session raises an error of botocore's.

    https://docs.aws.amazon.com/sdkref/latest/guide/feature-region.html

    Raises:
        TargetsError: there is no such profile, or the SDK's settings or credentials cannot be used.
    """
    try:
        session = boto3.session.Session(profile_name=profile, region_name=os.environ.get("AWS_REGION"))
        credentials = session.get_credentials()
        if credentials is not None:
            _refresh(credentials)
            session.events.register_first("before-sign", lambda **_: _refresh(credentials))
    except Exception as error:  # a program that hands out credentials may fail in any way
        raise _unusable_credentials(error) from error
    return session


def _refresh(credentials: "Credentials") -> None:
    """Load credentials again if they are about to expire.

    Raises:
        BotoCoreError, ClientError: they cannot be loaded, in whichever way. botocore itself raises RuntimeError for
            new ones that have expired already, ValueError for a program that prints no JSON, OSError for one that
            is not there.
    """
    try:
        credentials.get_frozen_credentials()
    except (BotoCoreError, ClientError):
        raise
    except Exception as error:
        text = f"{type(error).__name__}: {error}"
        raise CredentialRetrievalError(provider=credentials.method, error_msg=text) from error


def _unusable_credentials(error: Exception) -> TargetsError:
    is_botocores = isinstance(error, BotoCoreError | ClientError)
    text = one_line(str(error) if is_botocores else f"{type(error).__name__}: {error}")
    return TargetsError(f"the credentials cannot be used ({text}): sign in, or name a profile that is signed in")


def caller_account(session: "Session", region: str) -> Account:
    """Ask STS whose credentials these are, for where there is no function whose ARN says so.

    Raises:
        TargetsError: there are no usable credentials, or STS gives no answer.
    """
    try:
        client = session.client("sts", region_name=region, config=calls.CLIENT_CONFIG)
        arn = Caller(Deadline.after(CALLER_SECONDS, Clock())).call(lambda: _caller_arn(client))
    except Exception as error:
        if failures.is_denied(error):
            raise _unusable_credentials(error) from error
        raise TargetsError(
            f"AWS STS did not say whose credentials these are ({one_line(str(error))}): "
            "look at the network and at the SDK's settings, such as its endpoints and its proxy"
        ) from error
    return Account.from_arn(arn)


def _caller_arn(client: "STSClient") -> str:
    arn = client.get_caller_identity().get("Arn")
    if not arn:
        raise MalformedResponseError("the answer names no ARN")
    return arn


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
    targets = tuple(Target(asked.account_id, region, asked.partition) for region in sorted({*chosen} & {*available}))
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
        client = session.client("account", region_name=region, config=calls.CLIENT_CONFIG)
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
