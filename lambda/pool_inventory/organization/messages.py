"""What the functions of the state machine hand each other; infra and the tests speak of it by these names.

The due time goes through all of them, `{"time": "2026-11-24T18:00:00Z"}`, as the schedule sends it to one account's
function. What is larger than a few hundred bytes goes through S3: a state's input may have 256 KiB.
https://docs.aws.amazon.com/step-functions/latest/dg/service-quotas.html
"""

import json
from dataclasses import asdict, dataclass
from typing import Any, Final

from pool_inventory.errors import EventError, SnapshotError
from pool_inventory.model import Account, Member
from pool_inventory.snapshots import accounts, checked

# Members of the events and the answers.
TIME: Final = "time"
NEXT: Final = "next"
BATCHES_KEY: Final = "batchesKey"
NUMBER: Final = "number"
ACCOUNTS: Final = "accounts"
# What the plan says is to be done next.
COLLECT: Final = "collect"
PUBLISH: Final = "publish"
NOTHING: Final = "nothing"


@dataclass(frozen=True, slots=True)
class Plan:
    """Which accounts a snapshot is to ask: the first plan of a snapshot stands, whatever later ones would find.

    Attributes:
        own: the account of the exporter.
        own_regions: the regions that were to be asked in it: what is expected of an account that was never read.
        members: the accounts, sorted by id.
        accounts_per_batch: how many of them one batch has.
    """

    own: Account
    own_regions: tuple[str, ...]
    members: tuple[Member, ...]
    accounts_per_batch: int

    def batches(self) -> list[tuple[str, ...]]:
        """Return the ids of the accounts of each batch, neighbours together; a batch's number counts from 1."""
        ids = [each.account_id for each in self.members]
        return [
            tuple(ids[start : start + self.accounts_per_batch])
            for start in range(0, len(ids), self.accounts_per_batch)
        ]


def encode_plan(plan: Plan) -> bytes:
    """Return a plan as it is staged."""
    document = {
        "own": asdict(plan.own),
        "ownRegions": plan.own_regions,
        "members": [accounts.document(each) for each in plan.members],
        "accountsPerBatch": plan.accounts_per_batch,
    }
    return json.dumps(document, ensure_ascii=False).encode()


def decode_plan(body: bytes, address: str) -> Plan:
    """Return what a staged plan says: the inverse of encode_plan.

    Raises:
        SnapshotError: it is none of ours.
    """
    try:
        document = json.loads(body)
        own = document["own"]
        plan = Plan(
            own=Account(checked.text(own["account_id"]), checked.text(own["partition"])),
            own_regions=tuple(map(checked.text, document["ownRegions"])),
            members=tuple(map(accounts.from_document, document["members"])),
            accounts_per_batch=checked.number(document["accountsPerBatch"]),
        )
        if not plan.members or not plan.own_regions or not plan.accounts_per_batch:
            raise ValueError("it has no account, no region or no batch")
        ids = [each.account_id for each in plan.members]
        if ids != sorted(set(ids)):
            raise ValueError("its accounts are not sorted, or one is there twice")
    except checked.NOT_OURS as error:
        raise SnapshotError(f"{address} is no plan that this program writes: {error!r:.200}") from error
    return plan


def encode_batches(plan: Plan, time: str) -> bytes:
    """Return the list of batches as the Distributed Map reads it: the event of each batch's function."""
    events = [{TIME: time, NUMBER: number, ACCOUNTS: list(ids)} for number, ids in enumerate(plan.batches(), start=1)]
    return json.dumps(events).encode()


def batch_of(event: dict[str, Any]) -> tuple[int, tuple[str, ...]]:
    """Return the number and the accounts of a batch's event.

    Raises:
        EventError: it is none.
    """
    try:
        number, account_ids = checked.number(event[NUMBER]), tuple(map(checked.text, event[ACCOUNTS]))
        if not account_ids:
            raise ValueError("it has no account")
    except checked.NOT_OURS as error:
        raise EventError(f"the event is none of a batch that a plan has: {error!r:.200}") from error
    return number, account_ids
