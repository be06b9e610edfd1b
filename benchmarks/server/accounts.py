"""The accounts of an organization, and the role that is assumed in each of them."""

from typing import Any
from urllib.parse import parse_qs

from benchmarks.server.answers import Answer, Request, xml

# As many as Organizations lists on a page.
PAGE_SIZE = 20
FIRST, APART = 100_000_000_000, 8_999_999


def make_id(number: int) -> str:
    """Return the id of the account of a number; they are in the order of the numbers."""
    return f"{FIRST + APART * number}"


def page(accounts: int, token: str | None) -> dict[str, Any]:
    """Return the page of ListAccounts that a token names."""
    start = int(token or 0)
    end = min(start + PAGE_SIZE, accounts)
    more = {"NextToken": str(end)} if end < accounts else {}
    return {"Accounts": [_account(number) for number in range(start, end)], **more}


def assume_role(request: Request) -> Answer:
    """Return credentials whose access key is the account of the role, which the server then takes for the account."""
    account_id = parse_qs(request.body.decode())["RoleArn"][0].split(":")[4]
    return xml(
        '<AssumeRoleResponse xmlns="https://sts.amazonaws.com/doc/2011-06-15/"><AssumeRoleResult><Credentials>'
        f"<AccessKeyId>{account_id}</AccessKeyId><SecretAccessKey>testing</SecretAccessKey>"
        f"<SessionToken>{'testing' * 100}</SessionToken><Expiration>2026-11-25T18:00:00Z</Expiration></Credentials>"
        f"<AssumedRoleUser><Arn>arn:aws:sts::{account_id}:assumed-role/member/session</Arn></AssumedRoleUser>"
        "</AssumeRoleResult></AssumeRoleResponse>"
    )


def _account(number: int) -> dict[str, Any]:
    account_id = make_id(number)
    return {
        "Id": account_id,
        "Arn": f"arn:aws:organizations::999999999999:account/o-a1b2c3d4e5/{account_id}",
        "Name": f"team {number}, production",
        "Email": f"aws+{number}@example.com",
        "State": "ACTIVE",
        "Status": "ACTIVE",
        "Paths": [f"o-a1b2c3d4e5/r-ab12/ou-ab12-{number % 100:08}/{account_id}/"],
        "JoinedTimestamp": 1.6e9 + 60 * number,
    }
