"""What the tests of the reading commands share: an inventory of four snapshots, and how a command is run."""

import json
from pathlib import Path
from typing import Any

from click.testing import CliRunner, Result
from pool_inventory.model import Member
from pool_inventory.snapshots import accounts
from pool_inventory.stores.protocol import Store
from pool_inventory.terminal import command_line as cli

from tests.chains import Reading, add_snapshot, identifier
from tests.makers import ACCOUNT_ID, any_pool

FIRST_RELEASE = Path(__file__).parents[1] / "first_release/user-pools"
FUNCTION = f"arn:aws:lambda:eu-west-1:{ACCOUNT_ID}:function:check"


def pool(number: int, region: str = "eu-west-1", **members: Any) -> dict[str, Any]:
    named = {"Id": f"{region}_{number:09d}", "Name": f"pool {number}", "LambdaConfig": {}}
    return any_pool(region, **{**named, "CreationDate": 1.7e9, "LastModifiedDate": 1.7e9, **members})


SWAPPED = pool(1, LambdaConfig={"PreSignUp": f"{FUNCTION}:3"})
READINGS: list[Reading] = [
    {"eu-west-1": [pool(1), pool(2)], "us-east-1": [pool(7, "us-east-1")]},
    {"eu-west-1": None, "us-east-1": [pool(7, "us-east-1"), pool(8, "us-east-1")]},
    {"eu-west-1": [SWAPPED, pool(3)], "us-east-1": [pool(7, "us-east-1"), pool(8, "us-east-1")]},
    {"eu-west-1": None, "us-east-1": [pool(8, "us-east-1")]},
]
# Of an organization: the second account has nothing that is known, the third the pool that changes, the last nothing
# in the newest snapshot.
MEMBERS = {"210000000001": "billing", "210000000002": "vault", "210000000003": None, "210000000004": "search"}
ORGANIZATION: list[Reading] = [
    {
        "210000000001 eu-west-1": [pool(1)],
        "210000000002 eu-west-1": None,
        "210000000003 eu-west-1": [pool(3)],
        "210000000004 eu-west-1": [pool(4)],
    },
    {
        "210000000001 eu-west-1": [pool(1)],
        "210000000002 eu-west-1": None,
        "210000000003 eu-west-1": [pool(3, LambdaConfig={"PreSignUp": f"{FUNCTION}:3"})],
        "210000000004 eu-west-1": None,
    },
]
# Each of these moves a cursor, clears a screen or turns the direction of text.
HOSTILE = "\x1b[2J\x7f\x9b2J\u202e\u2066x"


def add_organization(store: Store) -> None:
    """Publish the snapshots of ORGANIZATION."""
    for hour, reading in enumerate(ORGANIZATION):
        members = (Member(account_id, name) for account_id, name in MEMBERS.items())
        add_snapshot(store, hour, reading, accounts=accounts.encode(identifier(hour), members))


def run(command: str, location: Path | str, *arguments: str) -> Result:
    return CliRunner().invoke(cli.main, [command, str(location), *arguments])


def said(result: Result) -> str:
    assert result.exit_code == 0, result.output
    return result.stdout


def json_of(result: Result) -> Any:
    return json.loads(said(result))


def shown_ids(*arguments: str, folder: Path) -> list[str]:
    return [each["id"] for each in json_of(run("show", folder, "--json", *arguments))["pools"]]
