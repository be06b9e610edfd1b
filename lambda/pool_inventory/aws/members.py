"""Sessions of an organization's other accounts, by a role that each of them has.

They share one client for each service and region, and so its connections: to make a client and to greet a server takes
longer than to list the pools of most accounts. Each call is signed with the credentials of the account that it is for.
"""

from collections.abc import Callable
from contextvars import ContextVar
from dataclasses import dataclass, field
from functools import wraps
from threading import Lock
from typing import TYPE_CHECKING, Any, cast

from botocore.config import Config
from botocore.credentials import Credentials, ReadOnlyCredentials

from pool_inventory.aws.calls import Caller
from pool_inventory.aws.failures import MalformedResponseError
from pool_inventory.aws.session import CLIENT_CONFIG, SdkSession, open_session_with
from pool_inventory.text import one_line

if TYPE_CHECKING:
    from boto3.session import Session
    from mypy_boto3_sts import STSClient

# Whose the call is that this thread makes. Without it there is no signing: no call is ever made as another account.
_OF_THIS_CALL: ContextVar[ReadOnlyCredentials] = ContextVar("_OF_THIS_CALL")


@dataclass(frozen=True, slots=True, kw_only=True)
class MemberRole:
    """The role that is assumed in each other account.

    Attributes:
        name: with its path before it, if it has one.
        external_id: what the role asks for, None if for nothing.
        session_name: what CloudTrail calls the session: the snapshot's id.
    """

    name: str
    external_id: str | None
    session_name: str

    def arn(self, account_id: str, partition: str) -> str:
        """Return the role's ARN in an account."""
        return f"arn:{partition}:iam::{account_id}:role/{self.name}"


def make_sts_client(session: "Session", region: str) -> "STSClient":
    """Make a client of a region's own STS endpoint. Sessions are not for threads: call it from one.

    https://docs.aws.amazon.com/IAM/latest/UserGuide/id_credentials_temp_region-endpoints.html
    """
    return session.client("sts", region_name=region, config=CLIENT_CONFIG)


class _CredentialsOfTheCall(Credentials):
    """What the shared clients sign with."""

    def __init__(self) -> None:
        super().__init__("none", "none")

    def get_frozen_credentials(self) -> ReadOnlyCredentials:
        return _OF_THIS_CALL.get()


@dataclass(frozen=True, slots=True)
class SharedClients:
    """The clients that the sessions of other accounts share, each made once."""

    session: SdkSession
    _made: dict[tuple[str, str | None], Any] = field(default_factory=dict)
    _lock: Lock = field(default_factory=Lock)

    @classmethod
    def of(cls, own: "Session") -> "SharedClients":
        """Return the clients for accounts that are read from this session's account."""
        session = open_session_with(own, _CredentialsOfTheCall())
        # What all threads ask the session for besides clients is loaded here, once.
        session.get_available_partitions()
        return cls(session)

    def get(self, service_name: str, region_name: str | None, config: Config | None) -> Any:  # noqa: ANN401 - as SdkSession.client
        """Return a client; the first caller decides its configuration."""
        with self._lock:
            if (service_name, region_name) not in self._made:
                made = self.session.client(service_name, region_name=region_name, config=config)
                self._made[service_name, region_name] = made
            return self._made[service_name, region_name]


@dataclass(frozen=True, slots=True)
class _Client:
    """A shared client whose calls are of one account."""

    shared: Any
    credentials: ReadOnlyCredentials

    def __getattr__(self, name: str) -> Any:  # noqa: ANN401 - whatever a client has
        found = getattr(self.shared, name)
        return _signed_with(self.credentials, found) if callable(found) else found


def _signed_with(credentials: ReadOnlyCredentials, operation: Callable[..., Any]) -> Callable[..., Any]:
    @wraps(operation)
    def call(*args: Any, **arguments: Any) -> Any:  # noqa: ANN401 - whatever the operation takes
        before = _OF_THIS_CALL.set(credentials)
        try:
            return operation(*args, **arguments)
        finally:
            _OF_THIS_CALL.reset(before)

    return call


@dataclass(frozen=True, slots=True)
class _MemberSession(SdkSession):
    shared: SharedClients
    credentials: ReadOnlyCredentials

    def client(self, service_name: str, region_name: str | None = None, config: Config | None = None) -> Any:  # noqa: ANN401 - as SdkSession.client
        return _Client(self.shared.get(service_name, region_name, config), self.credentials)


def _account_in(arn: str) -> list[str]:
    return arn.split(":")[4:5]


def open_member_session(
    clients: SharedClients, sts: "STSClient", role: MemberRole, arn: str, caller: Caller
) -> "Session":
    """Return a session with the role of this ARN, for the hour that STS gives.

    Raises:
        ClientError: the role may not be assumed, or does not exist: STS says the same of both.
        OutOfTimeError, UnreachableError, MalformedResponseError, BotoCoreError: as Caller.call.
    """
    external = {"ExternalId": role.external_id} if role.external_id else {}

    def assume() -> ReadOnlyCredentials:
        answer = sts.assume_role(RoleArn=arn, RoleSessionName=role.session_name, **external)  # type: ignore[arg-type] # one text by name
        found = answer.get("Credentials") or {}
        key_id, secret, token = found.get("AccessKeyId"), found.get("SecretAccessKey"), found.get("SessionToken")
        if not (key_id and secret and token):
            # Without what there is of them: it goes into logs.
            raise MalformedResponseError("the answer has no credentials")
        # Whatever mixed them up on the way: nothing that is listed with them says whose it is.
        whose = (answer.get("AssumedRoleUser") or {}).get("Arn") or ""
        if _account_in(whose) != _account_in(arn):
            raise MalformedResponseError(f"the answer is of another account's role: {one_line(repr(whose), 200)}")
        return ReadOnlyCredentials(key_id, secret, token)

    return cast("Session", _MemberSession(clients.session.botocore, clients, caller.call(assume)))
