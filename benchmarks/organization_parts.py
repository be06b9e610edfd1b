"""The parts that the batches of an organization write, made up and written by the program's own code."""

import json
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cache, partial
from itertools import count
from pathlib import Path

from pool_inventory.model import AccountFailure, Coverage, Target
from pool_inventory.snapshots import coverage, keys, part, rows
from pool_inventory.snapshots.part import Part
from pool_inventory.stores.folder import FolderStore

from benchmarks.cases import REGIONS
from benchmarks.fake import ACCOUNT_ID
from benchmarks.server import accounts, pools

ACCOUNTS_PER_BATCH = 20
# A service control policy allows so many regions, where there is one.
ALLOWED_REGIONS = 17
SORTED_REGIONS = sorted(REGIONS)


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """What the accounts of a snapshot answer.

    Attributes:
        name: as the table has it.
        version: which version of the pools; from one to the next each pool is modified.
        denies_accounts: whether the role of one account in a hundred is refused.
        denies_regions: whether a service control policy denies half of the regions.
    """

    name: str
    version: int = 0
    denies_accounts: bool = False
    denies_regions: bool = False


def pools_of(account: int) -> int:
    """Return how many pools the account of a number has: a hundred for each account, and most have 25."""
    if account % 250 == 0:
        return 10_000
    return 1_000 if account % 25 == 0 else 25


def is_denied(account: int) -> bool:
    """Whether the account is one of the hundredth whose role is refused: each of those has 1,000 pools."""
    return account % 100 == 25  # noqa: PLR2004 - as said


def write(folder: Path, size: int, case: Case, time: datetime) -> None:
    """Write the parts of a snapshot of so many accounts, side by side."""
    starts = range(0, size, ACCOUNTS_PER_BATCH)
    with ProcessPoolExecutor() as pool:
        list(pool.map(partial(_write, folder, size, case, time), count(1), starts))


def _write(folder: Path, size: int, case: Case, time: datetime, number: int, start: int) -> None:
    batch = range(start, min(start + ACCOUNTS_PER_BATCH, size))
    read = [each for each in batch if not (case.denies_accounts and is_denied(each))]
    identifier = keys.snapshot_id(time)
    asked = [each for account in read for each in _coverage(account, case, time)]
    made = Part(
        covered=coverage.encode(identifier, asked),
        failures=tuple(_failure(each, time) for each in batch if each not in read),
        warnings=(),
        started_at=time + timedelta(seconds=number),
        ended_at=time + timedelta(seconds=number + 30),
    )
    lines = (line for each in asked if each.is_read for line in _lines(each.target, case, time))
    FolderStore(folder).put_if_absent(keys.part(identifier, number), part.encode(identifier, made, lines))


def _account_number(account_id: str) -> int:
    return (int(account_id) - accounts.FIRST) // accounts.APART


def _numbers(account: int, place: int) -> range:
    """Return the numbers of an account's pools in the region of a place: they go round."""
    return range(place, pools_of(account), len(SORTED_REGIONS))


def _coverage(account: int, case: Case, time: datetime) -> Iterator[Coverage]:
    account_id = accounts.make_id(account)
    for place, region in enumerate(SORTED_REGIONS):
        denial = denied(account_id, region) if case.denies_regions and place >= ALLOWED_REGIONS else None
        found = len(_numbers(account, place))
        yield Coverage(
            account_id=account_id,
            region=region,
            status="denied" if denial else "ok",
            pools=None if denial else found,
            requests=1 if denial else found // 60 + 1,
            retries=0,
            duplicates=0,
            started_at=time + timedelta(milliseconds=7 * account + 13 * place),
            duration_ms=20 + (account * 31 + place * 17) % 100,
            error_code="AccessDeniedException" if denial else None,
            error_message=denial,
        )


def denied(account_id: str, region: str) -> str:
    """Return the words in which Cognito denies a role what a service control policy denies it."""
    return (
        f"User: arn:aws:sts::{account_id}:assumed-role/pool-inventory-member/2026-11-24T18-00Z is not authorized to "
        f"perform: cognito-idp:ListUserPools on resource: arn:aws:cognito-idp:{region}:{account_id}:userpool/* with "
        "an explicit deny in a service control policy: arn:aws:organizations::999999999999:policy/o-a1b2c3d4e5/"
        "service_control_policy/p-1a2b3c4d"
    )


def _failure(account: int, time: datetime) -> AccountFailure:
    role = f"arn:aws:iam::{accounts.make_id(account)}:role/pool-inventory-member"
    message = (
        f"{role} could not be assumed: User: arn:aws:sts::{ACCOUNT_ID}:assumed-role/PoolInventory-batch-us-east-1/"
        f"PoolInventory-Batch is not authorized to perform: sts:AssumeRole on resource: {role}"
    )
    return AccountFailure(accounts.make_id(account), "denied", "AccessDenied", message, time, 60)


def _lines(target: Target, case: Case, time: datetime) -> Iterator[bytes]:
    account = _account_number(target.account_id)
    numbers = _numbers(account, SORTED_REGIONS.index(target.region))
    made = {pools.make_id(target.region, account * 10_000 + number): number for number in numbers}
    for identifier, number in sorted(made.items()):
        listed = _listed(case.version)[number].replace(ACCOUNT_ID.encode(), target.account_id.encode())
        pool = json.loads(listed.replace(REGIONS[0].encode(), target.region.encode()))
        row = rows.data_row(pool | {"Id": identifier}, partition="aws", target=target, snapshot_time=time)
        yield rows.json_line(row)


@cache
def _listed(version: int) -> Sequence[bytes]:
    """Return the pools that the largest account would have in one region, for others to be made of."""
    return pools.make_region(REGIONS[0], 10_000, account_id=ACCOUNT_ID, version=version, modified_every=1).pools
