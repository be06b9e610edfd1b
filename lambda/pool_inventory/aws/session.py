"""A session of the SDK, the configuration of its clients, and the account that it belongs to."""

import os
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, Any, cast

import botocore.session
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError, CredentialRetrievalError, ProfileNotFound
from botocore.loaders import Loader, create_loader

from pool_inventory import __version__
from pool_inventory.aws import failures
from pool_inventory.aws.calls import Caller, Deadline
from pool_inventory.aws.failures import MalformedResponseError
from pool_inventory.clock import Clock
from pool_inventory.errors import TargetsError
from pool_inventory.model import Account
from pool_inventory.text import one_line

if TYPE_CHECKING:
    from boto3.session import Session
    from botocore.credentials import Credentials
    from mypy_boto3_sts import STSClient

# The one configuration of all clients. Whoever lets botocore retry merges its own number of attempts into it.
CLIENT_CONFIG = Config(
    connect_timeout=3,
    read_timeout=10,
    retries={"mode": "standard", "total_max_attempts": 1},
    user_agent_extra=f"pool-inventory/{__version__}",
)
# How long STS may take to say whose credentials these are, in seconds: someone waits before a terminal.
CALLER_SECONDS = 30
# https://docs.aws.amazon.com/IAM/latest/UserGuide/reference-arns.html
ARN_PARTS = 6


@dataclass(frozen=True, slots=True)
class SdkSession:
    """What this program uses of boto3's Session, by whose types it goes.

    boto3 itself imports multiprocessing and its own documentation, a tenth of the function's Init.
    """

    botocore: botocore.session.Session

    @property
    def region_name(self) -> str | None:
        """The current region, None where none is set."""
        region: str | None = self.botocore.get_config_variable("region")
        return region

    @property
    def profile_name(self) -> str:
        """The profile whose settings are used, `default` where none is named."""
        return self.botocore.profile or "default"

    def client(self, service_name: str, region_name: str | None = None, config: Config | None = None) -> Any:  # noqa: ANN401 - boto3's stubs have a type for each service
        """Return a client of a service."""
        return self.botocore.create_client(service_name, region_name=region_name, config=config)

    def get_available_partitions(self) -> list[str]:
        """Return the partitions that the SDK knows."""
        partitions: list[str] = self.botocore.get_available_partitions()
        return partitions

    def get_available_regions(self, service_name: str, partition_name: str = "aws") -> list[str]:
        """Return the regions of a partition where the SDK knows a service."""
        regions: list[str] = self.botocore.get_available_regions(service_name, partition_name)
        return regions


@cache
def _loader(data_path: str | None) -> Loader:
    """Return what loads the SDK's data from these folders and its own, once for all sessions of the process."""
    return create_loader(data_path)


def open_session(profile: str | None = None) -> "Session":
    """Return a session whose region is AWS_REGION, as in other SDKs, before the profile's; boto3 ignores it.

    Its credentials, if there are any, have been loaded. Where they cannot be loaded again when they expire, each
    client of the session raises an error of botocore's.

    https://docs.aws.amazon.com/sdkref/latest/guide/feature-region.html

    Raises:
        TargetsError: there is no such profile, or the SDK's settings or credentials cannot be used.
    """
    try:
        session = botocore.session.get_session()
        if profile is not None:
            session.set_config_variable("profile", profile)
        if region := os.environ.get("AWS_REGION"):
            session.set_config_variable("region", region)
        session.register_component("data_loader", _loader(session.get_config_variable("data_path")))
        credentials = session.get_credentials()
        if credentials is not None:
            _refresh(credentials)
            events = session.get_component("event_emitter")
            events.register_first("before-sign", lambda **_: _refresh(credentials))
    except Exception as error:  # a program that hands out credentials may fail in any way
        raise _unusable_credentials(error) from error
    return cast("Session", SdkSession(session))


def open_session_with(own: "Session", credentials: "Credentials") -> SdkSession:
    """Return a session that signs with these credentials, in the current region and with the profile of another.

    A profile has more than credentials: endpoints, such as those of FIPS, and whom to trust.
    """
    session = botocore.session.get_session()
    if own.profile_name != (session.profile or "default"):
        session.set_config_variable("profile", own.profile_name)
    # set_credentials takes texts, and makes credentials of its own of them.
    session._credentials = credentials  # type: ignore[attr-defined] # noqa: SLF001 - as said
    if own.region_name:
        session.set_config_variable("region", own.region_name)
    session.register_component("data_loader", _loader(session.get_config_variable("data_path")))
    return SdkSession(session)


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
    if isinstance(error, ProfileNotFound):
        return TargetsError(f"{text}: name one that `aws configure list-profiles` has, with --profile or AWS_PROFILE")
    return TargetsError(
        f"the credentials cannot be used ({text}): log in, as with `aws sso login`, or name a profile that is logged "
        "in, with --profile or AWS_PROFILE"
    )


def caller_account(session: "Session", region: str) -> Account:
    """Return the account of the credentials, by STS; in Lambda, the function's ARN has it.

    Raises:
        TargetsError: there are no usable credentials, or STS gives no answer.
    """
    try:
        client = session.client("sts", region_name=region, config=CLIENT_CONFIG)
        arn = Caller(Deadline.after(CALLER_SECONDS, Clock())).call(lambda: _caller_arn(client))
    except Exception as error:
        if failures.is_denied(error):
            raise _unusable_credentials(error) from error
        raise TargetsError(
            f"AWS STS did not say whose credentials these are ({one_line(str(error))}): "
            "look at the network and at the SDK's settings, such as its endpoints and its proxy"
        ) from error
    return account_from_arn(arn)


def _caller_arn(client: "STSClient") -> str:
    arn = client.get_caller_identity().get("Arn")
    if not arn:
        raise MalformedResponseError("the answer names no ARN")
    return arn


def account_from_arn(arn: str) -> Account:
    """Return the account in an ARN.

    Raises:
        TargetsError: the text is no ARN that names an account.
    """
    parts = arn.split(":")
    has_all = len(parts) >= ARN_PARTS and parts[0] == "arn"
    if not has_all or not parts[4].isascii() or not parts[4].isdigit():
        raise TargetsError(f"{one_line(repr(arn), 200)} is no ARN that names an account: the function's own ARN does")
    return Account(account_id=parts[4], partition=parts[1])
