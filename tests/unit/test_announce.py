import json
from collections.abc import Callable
from datetime import datetime
from typing import Any

import boto3
import pytest
from mypy_boto3_events import EventBridgeClient
from pool_inventory import announce
from pool_inventory.changes import Change, Comparison
from pool_inventory.publish import Published
from pool_inventory.terminal.stand_in import StandIn, deny, in_turn, reply, seed
from werkzeug.wrappers import Request, Response

from tests.conftest import Invoke
from tests.makers import ACCOUNT_ID, IDENTIFIER, TIME, any_change, any_coverage, any_pool, any_snapshot

WHERE = "s3://inventory/user-pools/changes/dt=2026-11-24/changes-2026-11-24T18-00Z.parquet"


@pytest.fixture
def client(aws: StandIn) -> EventBridgeClient:
    made = boto3.client("events", config=announce.CLIENT_CONFIG)
    made.create_event_bus(Name="security")
    return made


def published(*changes: Change) -> Published:
    snapshot = any_snapshot(coverage=(any_coverage(pools=7),))
    return Published(snapshot, Comparison(changes, ()), "user-pools/manifests/manifest.json", size_bytes=1)


def calls(aws: StandIn) -> list[list[dict[str, Any]]]:
    """The entries of each call of PutEvents."""
    asked = [each for each in aws.requests if each.headers.get("X-Amz-Target") == "AWSEvents.PutEvents"]
    return [json.loads(request.get_data())["Entries"] for request in asked]


def test_a_snapshot_is_told_of_and_then_each_change_with_the_row(client: EventBridgeClient, aws: StandIn) -> None:
    change = any_change("modified", lambda_config={"pre_sign_up": "arn:aws:lambda:us-east-1:1:function:strange"})
    assert announce.announce(client, "security", published(change), WHERE) == ()
    ((summary, changed),) = calls(aws)
    assert (summary["Source"], summary["DetailType"], summary["EventBusName"]) == (
        "pool-inventory",
        "Snapshot Published",
        "security",
    )
    assert json.loads(summary["Detail"]) == {
        "snapshotId": IDENTIFIER,
        "status": "complete",
        "poolCount": 7,
        "changes": {"created": 0, "deleted": 0, "modified": 1},
        "uncompared": [],
        "changeEventsFollow": True,
        "changesAddress": WHERE,
        "manifest": "user-pools/manifests/manifest.json",
    }
    assert changed["DetailType"] == "User Pool Modified"
    assert changed["Resources"] == [f"arn:aws:cognito-idp:us-east-1:{ACCOUNT_ID}:userpool/{change.id}"]
    assert datetime.fromtimestamp(changed["Time"], TIME.tzinfo) == TIME
    detail = json.loads(changed["Detail"])
    assert detail["fields"] == ["name"]
    assert detail["before"] == json.loads(str(change.before))
    assert detail["after"]["lambda_config"] == {"pre_sign_up": "arn:aws:lambda:us-east-1:1:function:strange"}


@pytest.mark.parametrize(
    ("kind", "detail_type"),
    [("created", "User Pool Created"), ("deleted", "User Pool Deleted"), ("modified", "User Pool Modified")],
)
def test_each_kind_of_change_has_its_type(
    client: EventBridgeClient, aws: StandIn, kind: Any, detail_type: str
) -> None:
    announce.announce(client, "security", published(any_change(kind)), WHERE)
    assert calls(aws)[0][1]["DetailType"] == detail_type


def test_events_go_out_ten_at_a_time(client: EventBridgeClient, aws: StandIn) -> None:
    announce.announce(client, "security", published(*(any_change(number=number) for number in range(100))), WHERE)
    assert [len(entries) for entries in calls(aws)] == [10] * 10 + [1]
    told = [json.loads(entry["Detail"])["id"] for entries in calls(aws) for entry in entries if entry["Resources"]]
    assert told == [f"us-east-1_{number:09d}" for number in range(100)]


def test_above_a_hundred_changes_only_the_snapshot_is_told_of_with_where_to_read(
    client: EventBridgeClient, aws: StandIn
) -> None:
    announce.announce(client, "security", published(*(any_change(number=number) for number in range(101))), WHERE)
    ((summary,),) = calls(aws)
    detail = json.loads(summary["Detail"])
    assert detail["changes"]["modified"] == 101
    assert (detail["changeEventsFollow"], detail["changesAddress"]) == (False, WHERE)


def test_no_call_is_larger_than_eventbridge_takes(client: EventBridgeClient, aws: StandIn) -> None:
    large = [any_change("created", number, unmodelled="ü" * 50_000) for number in range(5)]
    assert announce.announce(client, "security", published(*large), WHERE) == ()
    assert [len(entries) for entries in calls(aws)] == [3, 2, 1]
    for entries in calls(aws):
        size = sum(
            14 + sum(len(entry[name].encode()) for name in ("Source", "DetailType", "Detail")) for entry in entries
        )
        assert size < 256 * 1024


def test_a_change_whose_rows_are_too_large_is_told_without_them(client: EventBridgeClient, aws: StandIn) -> None:
    assert announce.announce(client, "security", published(any_change(unmodelled="x" * 200_000)), WHERE) == ()
    detail = json.loads(calls(aws)[0][1]["Detail"])
    assert (detail["rowsTooLarge"], detail["changesAddress"]) == (True, WHERE)
    assert "after" not in detail


def failing(*positions: int) -> Callable[[Request], Response]:
    """Take all entries but some."""

    def answer(request: Request) -> Response:
        count = len(json.loads(request.get_data())["Entries"])
        failed = {"ErrorCode": "ThrottlingException", "ErrorMessage": "slow down"}
        results = [failed if number in positions else {"EventId": str(number)} for number in range(count)]
        return reply({"FailedEntryCount": len(positions), "Entries": results})

    return answer


def test_what_failed_of_a_batch_is_put_again_and_nothing_else(client: EventBridgeClient, aws: StandIn) -> None:
    aws.answers.append(in_turn(failing(1, 3), failing(0)))
    changes = [any_change(number=number) for number in range(4)]
    assert announce.announce(client, "security", published(*changes), WHERE) == ()
    ids = [[json.loads(entry["Detail"]).get("id") for entry in entries] for entries in calls(aws)]
    assert ids == [
        [None, "us-east-1_000000000", "us-east-1_000000001", "us-east-1_000000002", "us-east-1_000000003"],
        ["us-east-1_000000000", "us-east-1_000000002"],
        ["us-east-1_000000000"],
    ]


def test_what_fails_to_the_last_is_told(client: EventBridgeClient, aws: StandIn) -> None:
    aws.answers.append(failing(0))
    (warning,) = announce.announce(client, "security", published(), WHERE)
    assert warning == "1 events did not get onto the bus security: ThrottlingException"


def test_failing_events_undo_no_snapshot(
    invoke: Invoke, aws: StandIn, monkeypatch: pytest.MonkeyPatch, output: Callable[[], list[dict[str, Any]]]
) -> None:
    monkeypatch.setenv("INVENTORY_EVENT_BUS", "security")

    def deny_events(request: Request) -> Response | None:
        return deny(request) if "AWSEvents" in request.headers.get("X-Amz-Target", "") else None

    aws.answers.append(deny_events)
    assert invoke()["result"] == "published"
    warning, summary = (line for line in output() if "_aws" not in line)
    assert warning["level"] == "WARNING"
    assert "did not get onto the bus security" in warning["message"]
    assert summary["message"] == "the run is done"


def test_events_tell_of_what_the_run_found_after_latest_json_moved(
    invoke: Invoke, aws: StandIn, client: EventBridgeClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("INVENTORY_EVENT_BUS", "security")

    seed("us-east-1", [any_pool(Name="kept")])
    invoke("2026-11-24T17:00:00Z")
    seed("us-east-1", [any_pool(Name="new")])
    aws.requests.clear()
    summary = invoke("2026-11-24T18:00:00Z")
    assert summary["changes"] == {"created": 1, "deleted": 1, "modified": 0}
    asked = [(request.method, request.path, request.headers.get("X-Amz-Target")) for request in aws.requests]
    moved = asked.index(("PUT", "/inventory/user-pools/latest.json", None))
    assert asked.index(("POST", "/", "AWSEvents.PutEvents")) > moved
    types = [entry["DetailType"] for entries in calls(aws) for entry in entries]
    assert sorted(types) == ["Snapshot Published", "User Pool Created", "User Pool Deleted"]


def test_without_a_bus_there_are_no_events(invoke: Invoke, aws: StandIn) -> None:
    invoke()
    assert calls(aws) == []
