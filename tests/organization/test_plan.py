"""The plan of a snapshot: the first stands, and what is done is not planned again."""

import json
from collections.abc import Callable
from typing import Any

import boto3
import pytest
from mypy_boto3_s3 import S3Client
from pool_inventory.errors import SettingsError, TargetsError
from pool_inventory.organization import messages, plan
from pool_inventory.snapshots import keys
from pool_inventory.terminal.demo.stand_in import StandIn

from tests.conftest import any_context
from tests.organization.conftest import (
    OTHERS,
    OWN,
    Snapshot,
    any_account,
    batches_of,
    organization,
    refuse_organizations,
)

EVENT = {"time": "2026-11-24T18:00:00Z"}
PLAN = f"user-pools/{keys.plan('2026-11-24T18-00Z')}"
BATCHES = f"user-pools/{keys.batches('2026-11-24T18-00Z')}"


def planned(event: object = EVENT) -> dict[str, Any]:
    return plan.handler(event, any_context())


def test_a_plan_has_numbered_batches_of_neighbours(org: StandIn) -> None:
    said = planned()
    assert said == {"time": "2026-11-24T18:00:00+00:00", "next": "collect", "batchesKey": BATCHES}
    assert [(each["number"], each["accounts"]) for each in batches_of(said)] == [
        (1, [OWN, OTHERS[0]]),
        (2, [*OTHERS[1:3]]),
        (3, [OTHERS[3]]),
    ]


def test_the_first_plan_stands_and_no_one_is_asked_again(org: StandIn) -> None:
    first = planned()
    before = batches_of(first)
    org.answers[:] = [refuse_organizations]
    org.requests.clear()
    assert planned() == first
    assert batches_of(first) == before
    assert not any("Organizations" in each.headers.get("X-Amz-Target", "") for each in org.requests)


@pytest.mark.parametrize("body", [b"", b"{}", b"{", b'{"own": 1}'])
def test_a_plan_that_is_damaged_is_made_again(org: StandIn, s3: S3Client, body: bytes) -> None:
    first = batches_of(planned())
    s3.put_object(Bucket="inventory", Key=PLAN, Body=body)
    s3.put_object(Bucket="inventory", Key=BATCHES, Body=body)
    assert batches_of(planned()) == first
    assert json.loads(s3.get_object(Bucket="inventory", Key=PLAN)["Body"].read())["ownRegions"]


def test_a_snapshot_that_is_done_is_not_planned_again(snapshot: Snapshot) -> None:
    assert snapshot()["result"] == "published"
    assert planned() == {"time": "2026-11-24T18:00:00+00:00", "next": "nothing"}


def test_a_snapshot_that_is_superseded_is_not_planned(snapshot: Snapshot) -> None:
    snapshot("2026-11-24T19:00:00Z")
    assert planned()["next"] == messages.NOTHING


def test_a_snapshot_that_is_committed_is_published(snapshot: Snapshot, s3: S3Client) -> None:
    snapshot()
    s3.delete_object(Bucket="inventory", Key=f"user-pools/{keys.checksum('2026-11-24T18-00Z')}")
    said = planned()
    assert said["next"] == messages.PUBLISH
    assert snapshot()["result"] == "finished"


def test_what_is_left_of_a_finished_snapshot_is_published(snapshot: Snapshot, s3: S3Client) -> None:
    snapshot("2026-11-24T17:00:00Z")
    before = s3.get_object(Bucket="inventory", Key=f"user-pools/{keys.LATEST}")["Body"].read()
    snapshot()
    s3.put_object(Bucket="inventory", Key=f"user-pools/{keys.LATEST}", Body=before)
    assert planned()["next"] == messages.PUBLISH
    assert snapshot()["result"] == "unchanged"
    assert b"2026-11-24T18-00Z" in s3.get_object(Bucket="inventory", Key=f"user-pools/{keys.LATEST}")["Body"].read()
    assert planned()["next"] == messages.NOTHING


def test_events_that_are_not_out_are_left_to_publish(
    snapshot: Snapshot, s3: S3Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    boto3.client("events").create_event_bus(Name="security")
    monkeypatch.setenv("INVENTORY_EVENT_BUS", "security")
    snapshot()
    assert planned()["next"] == messages.NOTHING
    s3.delete_object(Bucket="inventory", Key=f"user-pools/{keys.announced('2026-11-24T18-00Z')}")
    assert planned()["next"] == messages.PUBLISH


@pytest.mark.parametrize("value", [None, ""])
def test_a_plan_of_no_accounts_says_which_setting(
    org: StandIn, monkeypatch: pytest.MonkeyPatch, value: str | None
) -> None:
    if value is None:
        monkeypatch.delenv("INVENTORY_ACCOUNTS")
    else:
        monkeypatch.setenv("INVENTORY_ACCOUNTS", value)
    with pytest.raises(SettingsError, match="INVENTORY_ACCOUNTS is not set"):
        planned()
    assert org.requests == []


def test_a_denied_organization_ends_the_plan_and_is_logged(
    org: StandIn, output: Callable[[], list[dict[str, Any]]]
) -> None:
    org.answers[:] = [refuse_organizations]
    with pytest.raises(TargetsError, match="Organizations did not say"):
        planned()
    assert "Organizations did not say which accounts there are" in output()[-1]["error"]


def test_named_accounts_are_planned_without_organizations(org: StandIn, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("INVENTORY_ACCOUNTS", f"{OTHERS[2]},{OTHERS[0]}")
    org.answers[:] = [refuse_organizations]
    assert [each["accounts"] for each in batches_of(planned())] == [[OTHERS[0], OTHERS[2]]]


def test_addresses_are_staged_only_where_asked_for(
    org: StandIn, s3: S3Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    planned()
    assert b"@example.com" not in s3.get_object(Bucket="inventory", Key=PLAN)["Body"].read()
    monkeypatch.setenv("INVENTORY_ACCOUNT_EMAILS", "yes")
    org.answers[:] = [organization(any_account(OWN))]
    planned({"time": "2026-11-24T19:00:00Z"})
    body = s3.get_object(Bucket="inventory", Key=PLAN.replace("18-00Z", "19-00Z"))["Body"].read()
    assert b"@example.com" in body
