"""200 accounts through the state machine and the real handlers, with all that can go wrong in some of them at once."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import boto3
import pytest
from pool_inventory.organization import batch, messages, plan, publish
from pool_inventory.snapshots import accounts, keys, table
from pool_inventory.stores.s3 import S3Store
from pool_inventory.terminal.demo import state_machine
from pool_inventory.terminal.demo.stand_in import StandIn, in_turn, listing, seed, throttle
from pool_inventory.terminal.verify.chain import verify

from tests.chains import rows_of
from tests.conftest import BUCKET, any_context
from tests.makers import any_pool
from tests.organization.conftest import OWN, any_account, of_account, organization, refuse_role

REGIONS = ("eu-west-1", "us-east-1")
# The exporter's own account is the first.
ACCOUNTS = (OWN, *(f"21{number:010d}" for number in range(1, 200)))
PER_BATCH = 22
DENIED, LEAVER = ACCOUNTS[5], ACCOUNTS[9]
DYING, DAMAGED = 3, 5
# It comes last, so that it shares its batch with one other.
THROTTLED = "299999999999"
THERE = (*(each for each in ACCOUNTS if each != LEAVER), THROTTLED)
FIRST, SECOND, THIRD = "2026-11-24T17-00Z", "2026-11-24T18-00Z", "2026-11-24T19-00Z"


pytestmark = pytest.mark.slow


@dataclass(frozen=True, slots=True)
class Told:
    """What three snapshots left: how each execution ended, what a second start did, and the store."""

    second: dict[str, Any]
    third: dict[str, Any]
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
    return set(THERE[(number - 1) * PER_BATCH : number * PER_BATCH])


UNREAD = batch_ids(DYING) | batch_ids(DAMAGED) | {DENIED}


@pytest.fixture(scope="module")
def told(server: StandIn) -> Iterator[Told]:
    """Three snapshots: of accounts that will be in trouble, of 200 with all of it at once, of 200 with one denied."""
    server.reset()
    with pytest.MonkeyPatch.context() as patch:
        settings = {"BUCKET": BUCKET, "ACCOUNTS": "organization", "ACCOUNTS_PER_BATCH": str(PER_BATCH)}
        unpaced = {"REGIONS": ",".join(REGIONS), "MAX_REQUESTS_PER_SECOND": "0"}
        for name, value in {**settings, **unpaced}.items():
            patch.setenv(f"INVENTORY_{name}", value)
        for name, value in server.environment().items():
            patch.setenv(name, value)
        boto3.client("s3").create_bucket(Bucket=BUCKET)
        for account_id in {*ACCOUNTS, THROTTLED}:
            seed("us-east-1", [any_pool()], account_id)
        server.answers[:] = [organization(*map(any_account, sorted({*UNREAD, LEAVER})))]
        start(server, FIRST)
        denied = [organization(*map(any_account, THERE)), refuse_role(DENIED)]
        server.answers[:] = [*denied, listing("us-east-1", of_account(THROTTLED, throttle))]
        second = start(server, SECOND, dying=DYING, damaged=DAMAGED)
        server.answers[:] = [*denied, listing("us-east-1", in_turn(*[throttle] * 9))]
        third = start(server, THIRD)
        again = start(server, THIRD)
        yield Told(second, third, again, S3Store.open(boto3.session.Session(), BUCKET, "user-pools", None))


def start(aws: StandIn, snapshot_id: str, *, dying: int = 0, damaged: int = 0) -> dict[str, Any]:
    """Run the state machine, one batch after the other; one may die each time, and one's part may be damaged."""

    def read_batch(event: Any, context: Any) -> Any:
        if event[messages.NUMBER] == dying:
            raise MemoryError("Runtime exited with error: signal: killed")
        # What is throttled for ever is to end soon.
        ends_soon = snapshot_id == SECOND and THROTTLED in event[messages.ACCOUNTS]
        answer = batch.handler(event, any_context(seconds=30) if ends_soon else context)
        if event[messages.NUMBER] == damaged:
            s3, key = boto3.client("s3"), f"user-pools/{keys.part(snapshot_id, damaged)}"
            body = s3.get_object(Bucket=BUCKET, Key=key)["Body"].read()
            s3.put_object(Bucket=BUCKET, Key=key, Body=body[:-20])
        return answer

    deployed = state_machine.deployed(state_machine.read_definition(), bucket=BUCKET)
    definition = state_machine.with_short_waits(deployed)
    definition["States"]["Batches"]["MaxConcurrency"] = 1
    handlers = {"Plan": plan.handler, "Batch": read_batch, "Publish": publish.handler}
    with state_machine.serve_functions(aws, handlers):
        ended = state_machine.execute(definition, {"time": f"{snapshot_id[:13]}:00:00Z"})
    assert ended.status == "SUCCEEDED"
    output: dict[str, Any] = ended.output
    return output


def test_one_denied_account_of_200_leaves_199_published(told: Told) -> None:
    """And those that were throttled at first are read."""
    found = set(told.accounts_of(keys.data(THIRD)))
    assert found == {*THERE} - {DENIED}
    assert len(found) == 199
    assert (told.third["accounts_asked"], told.third["accounts_failed"]) == (200, 1)
    assert (told.third["targets"], told.third["targets_failed"]) == (402, 2), "two are of the account that left"
    assert told.third["retries"] > 0
    assert told.third["changes"] == {"created": 0, "deleted": 0, "modified": 0}
    assert DENIED in told.accounts_of(keys.carried(THIRD))


def test_the_denied_account_is_denied_with_its_roles_arn(told: Told) -> None:
    rows = [each for each in rows_of(told.store, keys.coverage(THIRD)) if each["account_id"] == DENIED]
    assert [(each["region"], each["status"], each["error_code"]) for each in rows] == [
        (region, "denied", "AccessDenied") for region in REGIONS
    ]
    role = f"arn:aws:iam::{DENIED}:role/pool-inventory-member"
    assert all(role in each["error_message"] for each in rows)


def test_each_account_has_the_status_of_what_became_of_it(told: Told) -> None:
    statuses = told.statuses(SECOND)
    expected = {
        **{each: {"ok"} for each in ACCOUNTS},
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
    unread = UNREAD | {LEAVER}
    assert set(told.accounts_of(keys.carried(SECOND))) == unread
    assert not unread & set(told.accounts_of(keys.data(SECOND)))
    # And the accounts that joined since the first, the one that is throttled among them, are read at last.
    assert set(told.accounts_of(keys.LATEST_DATA)) == {*ACCOUNTS, THROTTLED}


def test_the_same_time_started_again_is_one_snapshot(told: Told) -> None:
    assert told.again[messages.NEXT] == messages.NOTHING
    assert list(told.store.keys(keys.DATA)) == [keys.data(each) for each in (FIRST, SECOND, THIRD)]


def test_the_accounts_of_each_snapshot_are_those_planned(told: Told) -> None:
    planned = [each.account_id for each in accounts.decode(body_of(told, keys.accounts(SECOND)))]
    assert planned == sorted(THERE)
    assert table.footer_of(body_of(told, keys.accounts(SECOND)))["snapshotId"] == SECOND


def test_the_manifest_names_the_first_unread_and_counts_all(told: Told) -> None:
    manifest = json.loads(body_of(told, keys.manifest(SECOND)))
    # In each region: the batches, and the denied account; and the throttled one in one.
    assert manifest["unreadCount"] == 2 * (2 * PER_BATCH + 1) + 1
    assert manifest["targets"]["not_asked"] == 2
    assert [each for each in manifest["unread"] if each["account_id"] == DENIED]


def test_all_snapshots_are_sound(told: Told) -> None:
    report = verify(told.store)
    assert (report.faults, report.notes) == ([], [])


def body_of(told: Told, key: str) -> bytes:
    stored = told.store.get(key)
    assert stored
    return stored.body
