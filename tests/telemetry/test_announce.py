import dataclasses
import json
from collections import Counter
from collections.abc import Callable
from datetime import datetime
from typing import Any, get_args

import boto3
import pytest
from mypy_boto3_events import EventBridgeClient
from mypy_boto3_s3 import S3Client
from pool_inventory.model import Change, ChangeKind, Member, Uncompared
from pool_inventory.snapshots import accounts
from pool_inventory.snapshots.changes import Summary
from pool_inventory.telemetry import announce
from pool_inventory.terminal.demo.stand_in import StandIn, deny, in_turn, reply, seed
from werkzeug.wrappers import Request, Response

from tests.chains import add_snapshot
from tests.conftest import BUCKET, Invoke
from tests.makers import (
    ACCOUNT_ID,
    IDENTIFIER,
    TIME,
    MemoryStore,
    any_change,
    any_coverage,
    any_pool,
    any_snapshot,
)

BUS = "arn:aws:events:eu-west-1:123456789012:event-bus/security"
WHERE = "s3://inventory/user-pools/changes/dt=2026-11-24/changes-2026-11-24T18-00Z.parquet"


@pytest.fixture
def client(aws: StandIn) -> EventBridgeClient:
    made = announce.make_client(boto3.session.Session(), "security")
    made.create_event_bus(Name="security")
    return made


@pytest.fixture
def security_bus(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("INVENTORY_EVENT_BUS", "security")


def put(client: EventBridgeClient, *changes: Change) -> list[str]:
    """Put a snapshot's events as they are put, and return what failed."""
    entries = announce.entries_of("security", announcement(*changes))
    return [code for batch in announce.batches(entries) for code in announce.put(client, batch)]


def announcement(*found: Change, **members: Any) -> announce.Announcement:
    counts = Counter(each.change for each in found)
    return announce.Announcement(
        snapshot=any_snapshot(coverage=(any_coverage(pools=7),)),
        summary=Summary({kind: counts[kind] for kind in get_args(ChangeKind)}, (), 0),
        changes=found if len(found) <= announce.MAX_CHANGES else None,
        changes_address=WHERE,
        manifest_key="user-pools/manifests/manifest.json",
        **members,
    )


def calls(aws: StandIn) -> list[list[dict[str, Any]]]:
    """The entries of each call of PutEvents."""
    asked = [each for each in aws.requests if each.headers.get("X-Amz-Target") == "AWSEvents.PutEvents"]
    return [json.loads(request.get_data())["Entries"] for request in asked]


def test_a_snapshot_has_an_event_and_then_each_change(client: EventBridgeClient, aws: StandIn) -> None:
    change = any_change("modified", lambda_config={"pre_sign_up": "arn:aws:lambda:us-east-1:1:function:strange"})
    assert put(client, change) == []
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
        "uncomparedCount": 0,
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
    put(client, any_change(kind))
    assert calls(aws)[0][1]["DetailType"] == detail_type


def test_events_go_out_ten_at_a_time(client: EventBridgeClient, aws: StandIn) -> None:
    put(client, *(any_change(number=number) for number in range(100)))
    assert [len(entries) for entries in calls(aws)] == [10] * 10 + [1]
    announced = [
        json.loads(entry["Detail"])["id"] for entries in calls(aws) for entry in entries if entry["Resources"]
    ]
    assert announced == [f"us-east-1_{number:09d}" for number in range(100)]


def test_above_100_changes_only_the_snapshot_has_an_event(client: EventBridgeClient, aws: StandIn) -> None:
    """Its event says where the changes can be read."""
    put(client, *(any_change(number=number) for number in range(101)))
    ((summary,),) = calls(aws)
    detail = json.loads(summary["Detail"])
    assert detail["changes"]["modified"] == 101
    assert (detail["changeEventsFollow"], detail["changesAddress"]) == (False, WHERE)


def test_no_call_is_larger_than_eventbridge_takes(client: EventBridgeClient, aws: StandIn) -> None:
    large = [any_change("created", number, unmodelled="ü" * 50_000) for number in range(5)]
    assert put(client, *large) == []
    assert [len(entries) for entries in calls(aws)] == [3, 2, 1]
    for entries in calls(aws):
        size = sum(
            14 + sum(len(entry[name].encode()) for name in ("Source", "DetailType", "Detail")) for entry in entries
        )
        assert size < 256 * 1024


def test_a_snapshot_with_too_long_reasons_is_sent_without_them() -> None:
    reasons = tuple(Uncompared(f"{n:012d}", "us-east-1", IDENTIFIER, "利" * 1000) for n in range(100))
    of_many = dataclasses.replace(announcement(), summary=Summary({}, reasons, 340_000))
    (entry,) = announce.entries_of("security", of_many)
    detail = json.loads(entry["Detail"])
    assert (detail["uncompared"], detail["uncomparedCount"]) == ([], 340_000)
    assert announce.size_bytes(entry) <= announce.MAX_BYTES


def test_a_change_with_too_large_rows_is_sent_without_them(client: EventBridgeClient, aws: StandIn) -> None:
    assert put(client, any_change(unmodelled="x" * 200_000)) == []
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


def test_only_what_failed_of_a_batch_is_put_again(client: EventBridgeClient, aws: StandIn) -> None:
    aws.answers.append(in_turn(failing(1, 3), failing(0)))
    changes = [any_change(number=number) for number in range(4)]
    assert put(client, *changes) == []
    ids = [[json.loads(entry["Detail"]).get("id") for entry in entries] for entries in calls(aws)]
    assert ids == [
        [None, "us-east-1_000000000", "us-east-1_000000001", "us-east-1_000000002", "us-east-1_000000003"],
        ["us-east-1_000000000", "us-east-1_000000002"],
        ["us-east-1_000000000"],
    ]


def test_events_that_fail_every_time_are_returned(client: EventBridgeClient, aws: StandIn) -> None:
    aws.answers.append(failing(0))
    assert put(client) == ["ThrottlingException"]


def of_events(answer: Callable[[Request], Response | None]) -> Callable[[Request], Response | None]:
    """Answer to PutEvents alone."""
    return lambda request: answer(request) if "AWSEvents" in request.headers.get("X-Amz-Target", "") else None


Output = Callable[[], list[dict[str, Any]]]


@pytest.mark.parametrize(
    ("answer", "reason"),
    [
        (deny, "is not authorized"),
        (lambda _: Response(b"\xff\xfe", 400), ""),
        (lambda _: reply(["no", "object"], 400), ""),
        (lambda _: reply({"__type": 7}, 400), ""),
        (lambda _: reply({}), ""),
        (lambda _: reply({"Entries": "none"}), ""),
        (lambda _: reply({"Entries": []}), ""),
        (lambda _: Response(b"<html>", 200), ""),
    ],
)
@pytest.mark.usefixtures("security_bus")
def test_no_answer_of_the_bus_ends_a_run(
    invoke: Invoke, aws: StandIn, s3: S3Client, output: Output, answer: Any, reason: str
) -> None:
    """The snapshot is published by then. What did not get out is a metric that an alarm looks at."""
    aws.answers.append(of_events(answer))
    assert invoke()["result"] == "published"
    lines = output()
    warning, summary = (line for line in lines if "_aws" not in line)
    assert (warning["level"], warning["message"]) == ("WARNING", "events did not get onto the bus")
    assert (warning["bus"], warning["snapshot_id"], warning["events"]) == ("security", IDENTIFIER, 1)
    assert reason in warning["reason"]
    assert summary["message"] == "the run is done"
    assert [line["EventsFailed"] for line in lines if "EventsFailed" in line] == [[1]]
    assert not marks(s3)


def marks(s3: S3Client) -> list[str]:
    found = [each["Key"] for each in s3.list_objects_v2(Bucket=BUCKET)["Contents"]]
    return [key.split("/")[2] for key in found if key.endswith("/announced")]


def test_events_come_after_latest_json_moved(
    invoke: Invoke, aws: StandIn, s3: S3Client, client: EventBridgeClient, monkeypatch: pytest.MonkeyPatch
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
    assert marks(s3) == ["2026-11-24T17-00Z", "2026-11-24T18-00Z"]


def told_of(aws: StandIn) -> list[str]:
    """The snapshots that events were put of, in order."""
    return [json.loads(entry["Detail"])["snapshotId"] for entries in calls(aws) for entry in entries]


@pytest.mark.parametrize("next_time", ["2026-11-24T18:00:00Z", "2026-11-24T19:00:00Z"])
def test_events_that_a_killed_run_left_are_put_by_the_next(
    invoke: Invoke, aws: StandIn, client: EventBridgeClient, monkeypatch: pytest.MonkeyPatch, next_time: str
) -> None:
    """A run may die between moving latest.json and PutEvents."""
    monkeypatch.setenv("INVENTORY_EVENT_BUS", "security")
    invoke("2026-11-24T17:00:00Z")
    with monkeypatch.context() as killed:
        killed.setattr(announce, "announce", ended)
        with pytest.raises(RunEndedError):
            invoke("2026-11-24T18:00:00Z")
    aws.requests.clear()
    invoke(next_time)
    assert told_of(aws) == sorted({"2026-11-24T18-00Z", next_time[:16].replace(":", "-") + "Z"})
    aws.requests.clear()
    invoke(next_time)
    assert told_of(aws) == []


class RunEndedError(BaseException):
    """What a run does not see coming, and cannot handle."""


def ended(*_: object) -> None:
    raise RunEndedError


def test_events_that_failed_are_put_by_the_next_run_in_order(
    invoke: Invoke, aws: StandIn, client: EventBridgeClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("INVENTORY_EVENT_BUS", "security")
    aws.answers.append(of_events(in_turn(deny, deny, deny)))
    for time in ("2026-11-24T17:00:00Z", "2026-11-24T18:00:00Z"):
        invoke(time)
    aws.requests.clear()
    invoke("2026-11-24T19:00:00Z")
    assert told_of(aws) == ["2026-11-24T18-00Z", "2026-11-24T19-00Z"]


def test_failed_events_are_put_though_later_ones_succeeded(
    invoke: Invoke, aws: StandIn, client: EventBridgeClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("INVENTORY_EVENT_BUS", "security")
    invoke("2026-11-24T17:00:00Z")
    # Those of 18:00 fail in its own run and in the next, which then puts its own.
    aws.answers.append(of_events(in_turn(deny, deny)))
    for time in ("2026-11-24T18:00:00Z", "2026-11-24T19:00:00Z"):
        invoke(time)
    aws.requests.clear()
    invoke("2026-11-24T20:00:00Z")
    assert told_of(aws) == ["2026-11-24T18-00Z", "2026-11-24T20-00Z"]


def test_a_bus_that_is_set_later_gets_the_newest_snapshots_alone(
    invoke: Invoke, aws: StandIn, client: EventBridgeClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    for hour in range(15, 18):
        invoke(f"2026-11-24T{hour}:00:00Z")
    monkeypatch.setenv("INVENTORY_EVENT_BUS", "security")
    invoke("2026-11-24T18:00:00Z")
    assert told_of(aws) == ["2026-11-24T17-00Z", "2026-11-24T18-00Z"]


def test_a_bus_of_another_region_is_called_there(
    invoke: Invoke, aws: StandIn, monkeypatch: pytest.MonkeyPatch, output: Output
) -> None:
    """Signed for the function's own region, the call would be refused."""
    monkeypatch.setenv("INVENTORY_EVENT_BUS", BUS)
    boto3.client("events", region_name="eu-west-1").create_event_bus(Name="security")
    aws.requests.clear()
    invoke()
    (request,) = (each for each in aws.requests if each.headers.get("X-Amz-Target") == "AWSEvents.PutEvents")
    assert "/eu-west-1/events/" in request.headers["Authorization"]
    assert all("EventsFailed" not in line for line in output())


def test_without_a_bus_there_are_no_events(invoke: Invoke, aws: StandIn) -> None:
    invoke()
    assert calls(aws) == []


@pytest.mark.parametrize(("names", "expected"), [({ACCOUNT_ID: "billing"}, "billing"), ({}, None)])
def test_a_change_in_an_organization_has_the_accounts_name(names: dict[str, str], expected: str | None) -> None:
    _, changed = announce.entries_of("security", announcement(any_change(), account_names=names))
    assert json.loads(changed["Detail"])["accountName"] == expected


def test_a_change_too_large_for_its_rows_has_the_accounts_name() -> None:
    change = any_change(description="x" * announce.MAX_BYTES)
    _, changed = announce.entries_of("security", announcement(change, account_names={ACCOUNT_ID: "billing"}))
    detail = json.loads(changed["Detail"])
    assert (detail["accountName"], detail["rowsTooLarge"]) == ("billing", True)


def test_a_change_in_one_account_has_no_accounts_name() -> None:
    _, changed = announce.entries_of("security", announcement(any_change()))
    assert "accountName" not in json.loads(changed["Detail"])


@pytest.mark.parametrize("is_damaged", [False, True])
def test_damaged_accounts_keep_no_event_back(*, is_damaged: bool) -> None:
    store = MemoryStore()
    body = accounts.encode(IDENTIFIER, [Member(ACCOUNT_ID, "billing")])
    add_snapshot(store, 0, {"us-east-1": [any_pool()]}, accounts=body)
    if is_damaged:
        damaged = [each for each in store.objects if "accounts" in each]
        store.objects.update(dict.fromkeys(damaged, b"PAR1"))
    names = announce.read_announcement(store, IDENTIFIER).account_names
    assert names == ({} if is_damaged else {ACCOUNT_ID: "billing"})
