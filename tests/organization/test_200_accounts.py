"""200 accounts through the real handlers, with all that can go wrong in some of them at once.

What calls the handlers is the state machine's: tests/rehearsal has that.
"""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import boto3
import pytest
from pool_inventory.organization import batch, messages, plan, publish
from pool_inventory.snapshots import accounts, keys, table
from pool_inventory.stores.s3 import S3Store
from pool_inventory.terminal.demo.stand_in import StandIn, listing, seed, throttle
from pool_inventory.terminal.verify.chain import verify

from tests.chains import rows_of
from tests.conftest import BUCKET, any_context
from tests.makers import any_pool
from tests.organization.conftest import OWN, any_account, batches_of, of_account, organization, refuse_role

REGIONS = ("eu-west-1", "us-east-1")
# The exporter's own account is the first.
ACCOUNTS = (OWN, *(f"21{number:010d}" for number in range(1, 200)))
PER_BATCH = 22
# Denied in the first snapshot alone, and in the second alone.
DENIED_FIRST, DENIED, LEAVER = ACCOUNTS[1], ACCOUNTS[5], ACCOUNTS[9]
DYING, DAMAGED = 3, 5
JOINER, THROTTLED = "299999999998", "299999999999"
FIRST, SECOND = "2026-11-24T17-00Z", "2026-11-24T18-00Z"


@dataclass(frozen=True, slots=True)
class Told:
    """What the two snapshots left: what each publish returned, what a second start did, and the store."""

    first: dict[str, Any]
    second: dict[str, Any]
    again: dict[str, Any]
    store: S3Store

    def statuses(self, snapshot_id: str) -> dict[str, set[str]]:
        """The statuses that each account has in its regions."""
        found: dict[str, set[str]] = {}
        for each in rows_of(self.store, keys.coverage(snapshot_id)):
            found.setdefault(each["account_id"], set()).add(each["status"])
        return found

    def accounts_of(self, key: str) -> list[str]:
        """The account of each pool."""
        return [each["account_id"] for each in rows_of(self.store, key)]


def batch_ids(number: int) -> set[str]:
    """The accounts of a batch of the second snapshot."""
    left = [each for each in ACCOUNTS if each != LEAVER]
    return set(left[(number - 1) * PER_BATCH : number * PER_BATCH])


@pytest.fixture(scope="module")
def told(server: StandIn) -> Iterator[Told]:
    """Two snapshots, an hour apart: in the first one account is denied, in the second one of each can go wrong."""
    server.reset()
    with pytest.MonkeyPatch.context() as patch:
        settings = {"BUCKET": BUCKET, "ACCOUNTS": "organization", "ACCOUNTS_PER_BATCH": str(PER_BATCH)}
        unpaced = {"REGIONS": ",".join(REGIONS), "MAX_REQUESTS_PER_SECOND": "0"}
        for name, value in {**settings, **unpaced}.items():
            patch.setenv(f"INVENTORY_{name}", value)
        for name, value in server.environment().items():
            patch.setenv(name, value)
        boto3.client("s3").create_bucket(Bucket=BUCKET)
        for account_id in (*ACCOUNTS, JOINER):
            seed("us-east-1", [any_pool()], account_id)
        server.answers[:] = [organization(*map(any_account, ACCOUNTS)), refuse_role(DENIED_FIRST)]
        first = start(FIRST)
        there = [each for each in ACCOUNTS if each != LEAVER]
        server.answers[:] = [
            organization(*map(any_account, (*there, JOINER, THROTTLED))),
            refuse_role(DENIED),
            listing("us-east-1", of_account(THROTTLED, throttle)),
        ]
        second = start(SECOND, dying=DYING, damaged=DAMAGED)
        again = start(SECOND)
        yield Told(first, second, again, S3Store.open(boto3.session.Session(), BUCKET, "user-pools", None))


def start(snapshot_id: str, *, dying: int = 0, damaged: int = 0) -> dict[str, Any]:
    """Make a snapshot as the state machine does; of the batches one may die, and one's part may be damaged."""
    planned = plan.handler({"time": f"{snapshot_id[:13]}:00:00Z"}, any_context())
    if planned[messages.NEXT] == messages.NOTHING:
        return planned
    for event in batches_of(planned):
        # The account that is throttled for ever has the last batch to itself and another: it ends soon.
        is_last = THROTTLED in event[messages.ACCOUNTS]
        if event[messages.NUMBER] != dying:
            batch.handler(event, any_context(seconds=30 if is_last else 500))
    if damaged:
        s3, key = boto3.client("s3"), f"user-pools/{keys.part(snapshot_id, damaged)}"
        body = s3.get_object(Bucket=BUCKET, Key=key)["Body"].read()
        s3.put_object(Bucket=BUCKET, Key=key, Body=body[:-20])
    return publish.handler(planned, any_context(seconds=500))


def test_one_denied_account_leaves_the_others_published(told: Told) -> None:
    found = told.accounts_of(keys.data(FIRST))
    assert (len(set(found)), DENIED_FIRST in found) == (199, False)
    assert (told.first["accounts_asked"], told.first["accounts_failed"]) == (200, 1)
    assert (told.first["targets"], told.first["targets_failed"]) == (400, 2)


def test_the_denied_account_is_denied_with_its_roles_arn(told: Told) -> None:
    rows = [each for each in rows_of(told.store, keys.coverage(FIRST)) if each["account_id"] == DENIED_FIRST]
    assert [(each["region"], each["status"], each["error_code"]) for each in rows] == [
        (region, "denied", "AccessDenied") for region in REGIONS
    ]
    role = f"arn:aws:iam::{DENIED_FIRST}:role/pool-inventory-member"
    assert all(role in each["error_message"] for each in rows)


def test_each_account_has_the_status_of_what_became_of_it(told: Told) -> None:
    statuses = told.statuses(SECOND)
    expected = {
        **{each: {"ok"} for each in (*ACCOUNTS, JOINER)},
        **{each: {"failed"} for each in batch_ids(DYING) | batch_ids(DAMAGED)},
        DENIED: {"denied"},
        LEAVER: {"not_asked"},
        THROTTLED: {"ok", "throttled"},
    }
    assert statuses == expected
    assert told.second["accounts_failed"] == 1 + 2 * PER_BATCH


def test_no_pool_of_an_account_that_was_not_read_is_deleted(told: Told) -> None:
    changed = {(each["account_id"], each["change"]) for each in rows_of(told.store, keys.changes(SECOND))}
    assert told.second["changes"] == {"created": 0, "deleted": 0, "modified": 0}, changed
    unread = batch_ids(DYING) | batch_ids(DAMAGED) | {DENIED, LEAVER}
    assert set(told.accounts_of(keys.carried(SECOND))) == unread
    assert not unread & set(told.accounts_of(keys.data(SECOND)))
    # And the first snapshot's denied account is read now.
    assert set(told.accounts_of(keys.LATEST_DATA)) == {*ACCOUNTS, JOINER}


def test_the_same_time_started_again_is_one_snapshot(told: Told) -> None:
    assert told.again[messages.NEXT] == messages.NOTHING
    assert list(told.store.keys(keys.DATA)) == [keys.data(FIRST), keys.data(SECOND)]


def test_the_accounts_of_each_snapshot_are_those_planned(told: Told) -> None:
    planned = [each.account_id for each in accounts.decode(body_of(told, keys.accounts(SECOND)))]
    assert planned == sorted({*ACCOUNTS, JOINER, THROTTLED} - {LEAVER})
    assert table.footer_of(body_of(told, keys.accounts(SECOND)))["snapshotId"] == SECOND


def test_the_manifest_names_the_first_unread_and_counts_all(told: Told) -> None:
    manifest = json.loads(body_of(told, keys.manifest(SECOND)))
    # In each region: the batches, and the denied account; and the throttled one in one.
    assert manifest["unreadCount"] == 2 * (2 * PER_BATCH + 1) + 1
    assert manifest["targets"]["not_asked"] == 2
    assert [each for each in manifest["unread"] if each["account_id"] == DENIED]


def test_both_snapshots_are_sound(told: Told) -> None:
    report = verify(told.store)
    assert (report.faults, report.notes) == ([], [])


def body_of(told: Told, key: str) -> bytes:
    stored = told.store.get(key)
    assert stored
    return stored.body
