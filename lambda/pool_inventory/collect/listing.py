"""ListUserPools of one target, to the last page."""

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, Final

from botocore.exceptions import ClientError

from pool_inventory.aws import pages
from pool_inventory.aws.calls import Caller
from pool_inventory.aws.session import CLIENT_CONFIG
from pool_inventory.snapshots.packed import PackedRows

if TYPE_CHECKING:
    from boto3.session import Session
    from mypy_boto3_cognito_idp import CognitoIdentityProviderClient

SERVICE: Final = "cognito-idp"
OPERATION = "ListUserPools"
# The most that the service takes:
# https://docs.aws.amazon.com/cognito-user-identity-pools/latest/APIReference/API_ListUserPools.html
PAGE_SIZE = 60


class ExpiredPageTokenError(ClientError):
    """The service rejects a page token that it sent, so the listing cannot continue from there."""


def cognito_regions(session: "Session") -> frozenset[str]:
    """Return the regions where the SDK knows Cognito; its list is months behind."""
    partitions = session.get_available_partitions()
    return frozenset(region for each in partitions for region in session.get_available_regions(SERVICE, each))


def make_client(session: "Session", region: str) -> "CognitoIdentityProviderClient":
    """Make a region's client, for read_user_pools. Sessions are not for threads: call it from one."""
    client = session.client(SERVICE, region_name=region, config=CLIENT_CONFIG)
    pages.keep_raw_body(client, OPERATION)
    return client


def read_user_pools(
    client: "CognitoIdentityProviderClient", caller: Caller, transform: Callable[[dict[str, Any]], bytes]
) -> PackedRows:
    """Read every user pool of one target. A listing whose page token has expired starts over, once.

    Args:
        client: made by make_client.
        caller: paces, retries and counts.
        transform: makes of each pool, as the service sent it, its row as a line.

    Returns:
        The lines, sorted by the pool's id. A pool that came twice is there once, as it came last.

    Raises:
        Exception: it could not be read to its last page, as pages.pages says; or transform raised.
    """
    try:
        return _read_from_the_start(client, caller, transform)
    except ExpiredPageTokenError:
        return _read_from_the_start(client, caller, transform)


def _read_from_the_start(
    client: "CognitoIdentityProviderClient", caller: Caller, transform: Callable[[dict[str, Any]], bytes]
) -> PackedRows:
    def request(token: str | None) -> Mapping[str, Any]:
        if token is None:
            return client.list_user_pools(MaxResults=PAGE_SIZE)
        try:
            return client.list_user_pools(MaxResults=PAGE_SIZE, NextToken=token)
        except client.exceptions.InvalidParameterException as error:
            raise ExpiredPageTokenError(error.response, OPERATION) from error

    kept = PackedRows()
    caller.tally.pools = caller.tally.duplicates = 0
    for page in pages.pages(caller, request, items="UserPools", key="Id"):
        caller.tally.duplicates += kept.add((pool["Id"], transform(pool)) for pool in page)
        caller.tally.pools = len(kept)
    return kept
