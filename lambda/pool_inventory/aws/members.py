"""Sessions of an organization's other accounts, by a role that each of them has."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

from pool_inventory.aws.calls import Caller
from pool_inventory.aws.failures import MalformedResponseError
from pool_inventory.aws.session import CLIENT_CONFIG, open_session_with

if TYPE_CHECKING:
    from boto3.session import Session
    from mypy_boto3_sts import STSClient


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


def open_member_session(own: "Session", client: "STSClient", role: MemberRole, arn: str, caller: Caller) -> "Session":
    """Return a session with the role of this ARN, for the hour that STS gives.

    Raises:
        ClientError: the role may not be assumed, or does not exist: STS says the same of both.
        OutOfTimeError, UnreachableError, MalformedResponseError, BotoCoreError: as Caller.call.
    """
    external = {"ExternalId": role.external_id} if role.external_id else {}

    def assume() -> tuple[str, str, str]:
        answer = client.assume_role(RoleArn=arn, RoleSessionName=role.session_name, **external)  # type: ignore[arg-type] # one text by name
        found = answer.get("Credentials") or {}
        key_id, secret, token = found.get("AccessKeyId"), found.get("SecretAccessKey"), found.get("SessionToken")
        if not (key_id and secret and token):
            # Without what there is of them: it goes into logs.
            raise MalformedResponseError("the answer has no credentials")
        return key_id, secret, token

    return open_session_with(own, *caller.call(assume))
