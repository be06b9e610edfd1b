"""A region that the SDK does not list, and whose endpoint's name does not exist: nothing is there to read.

Each region is asked at a name of its own, as on AWS: on the wire as it is, but for the last step of looking it up.
"""

import json
import socket
from collections.abc import Callable, Container
from pathlib import Path
from typing import Any

import boto3
import pytest
from botocore.session import Session
from click.testing import CliRunner
from mypy_boto3_s3 import S3Client
from pool_inventory.aws import calls
from pool_inventory.collect.readings import collect
from pool_inventory.errors import UnreadError
from pool_inventory.model import Coverage, Status, Target
from pool_inventory.snapshots import coverage
from pool_inventory.terminal import command_line as cli
from pool_inventory.terminal.demo import stand_in
from pool_inventory.terminal.demo.stand_in import StandIn, deny, listing, seed
from werkzeug.wrappers import Response

from tests.conftest import BUCKET, Invoke
from tests.makers import TIME, HeldClock, any_pools, any_target, page
from tests.user_settings import DEAD_PROXY

NEW = "me-west-1"
NONAME, AGAIN, NODATA = socket.EAI_NONAME, socket.EAI_AGAIN, socket.EAI_NODATA

Errors = dict[str, list[int]]


@pytest.fixture
def errors(aws: StandIn, monkeypatch: pytest.MonkeyPatch) -> Errors:
    """By region, what the resolver says of its endpoint, in turn: its last error for good, 0 for an address."""
    errors: Errors = {}
    look_up = socket.getaddrinfo
    port = aws.url.rpartition(":")[2]

    def resolve(host: str, *arguments: Any, **named: Any) -> Any:
        if not host.startswith("cognito-idp."):
            return look_up(host, *arguments, **named)
        remaining = errors.get(host.split(".")[1], [0])
        if error := remaining.pop(0) if len(remaining) > 1 else remaining[0]:
            raise socket.gaierror(error, "as the resolver says")
        return look_up("127.0.0.1", *arguments, **named)

    create = Session.create_client

    def create_client(session: Session, service_name: str, region_name: str | None = None, **named: Any) -> Any:
        if service_name == "cognito-idp":
            named["endpoint_url"] = f"http://cognito-idp.{region_name}.amazonaws.com:{port}"
        return create(session, service_name, region_name, **named)

    monkeypatch.setattr(socket, "getaddrinfo", resolve)
    monkeypatch.setattr(Session, "create_client", create_client)
    for name in ("NO_PROXY", "no_proxy"):
        monkeypatch.setenv(name, "*")
    return errors


def read(
    *regions: str, clock: HeldClock | None = None, read_before: Container[Target] | None = ()
) -> dict[str, Coverage]:
    readings = collect(
        [any_target(region) for region in regions],
        session=boto3.session.Session(),
        snapshot_time=TIME,
        max_requests_per_second=0,
        deadline=(clock or HeldClock()).deadline(),
        read_before=lambda: read_before,
    )
    return {reading.coverage.region: reading.coverage for reading in readings}


def status_of_new(**how: Any) -> Status:
    return read("us-east-1", NEW, **how)[NEW].status


def new_pools(count: int) -> stand_in.Answer:
    """moto does not know the region either."""
    body = page(any_pools(count, NEW))
    return listing(NEW, lambda _: Response(body))


def test_a_new_region_without_a_name_is_absent(errors: Errors) -> None:
    errors[NEW] = [NONAME]
    clock = HeldClock()
    began = clock.seconds
    found = read("us-east-1", NEW, clock=clock)[NEW]
    assert (found.status, found.pools, found.requests) == ("absent", None, 3)
    assert found.error_code == "UnknownNameError"
    assert f"the name in http://cognito-idp.{NEW}.amazonaws.com:" in str(found.error_message)
    assert clock.seconds - began < calls.MAX_UNREACHABLE_SECONDS


def test_a_new_region_that_answers_is_read(aws: StandIn, errors: Errors) -> None:
    aws.answers.append(new_pools(3))
    errors[NEW] = [NONAME, NONAME, 0]
    found = read(NEW)[NEW]
    assert (found.status, found.pools, found.requests) == ("ok", 3, 3)


def test_a_region_that_the_sdk_lists_is_failed(errors: Errors) -> None:
    errors["eu-west-1"] = [NONAME]
    found = read("us-east-1", "eu-west-1")["eu-west-1"]
    assert (found.status, found.error_code) == ("failed", "UnreachableError")


def test_a_name_is_absent_if_three_answers_in_a_row_say_so(errors: Errors) -> None:
    errors[NEW] = [NONAME, NONAME, AGAIN, NONAME]
    assert read("us-east-1", NEW)[NEW].requests == 6


@pytest.mark.parametrize("error", [AGAIN, NODATA])
def test_a_name_whose_lookup_is_undecided_is_failed(errors: Errors, error: int) -> None:
    errors[NEW] = [NONAME, NONAME, error]
    assert status_of_new() == "failed"


def test_a_region_that_was_read_before_is_failed(errors: Errors) -> None:
    errors[NEW] = [NONAME]
    assert status_of_new(read_before={any_target(NEW)}) == "failed"
    assert status_of_new(read_before={any_target("us-east-1")}) == "absent"


def test_a_region_of_unknown_history_is_failed(errors: Errors) -> None:
    errors[NEW] = [NONAME]
    assert status_of_new(read_before=None) == "failed"


@pytest.mark.parametrize("error", [NONAME, AGAIN])
def test_a_region_is_failed_where_no_other_endpoint_answers(errors: Errors, error: int) -> None:
    errors |= {NEW: [NONAME], "us-east-1": [error]}
    assert {each.status for each in read("us-east-1", NEW).values()} == {"failed"}


@pytest.mark.parametrize("answer", [deny, lambda _: Response("<html>"), lambda _: Response(status=503)])
def test_any_answer_of_another_endpoint_is_enough(aws: StandIn, errors: Errors, answer: stand_in.Answer) -> None:
    errors[NEW] = [NONAME]
    aws.answers.append(listing("us-east-1", answer))
    assert status_of_new() == "absent"


@pytest.mark.parametrize(
    "answer",
    [
        lambda _: Response("<html>"),
        lambda _: Response("no such host", 404),
        lambda _: stand_in.error("UnknownOperationException", "unknown"),
    ],
)
def test_a_new_region_that_answers_wrongly_is_failed(aws: StandIn, errors: Errors, answer: stand_in.Answer) -> None:
    aws.answers.append(listing(NEW, answer))
    assert status_of_new() == "failed"
    assert errors == {}


def test_a_proxy_without_a_name_makes_no_region_absent(errors: Errors, monkeypatch: pytest.MonkeyPatch) -> None:
    errors["proxy"] = [NONAME]
    monkeypatch.setenv("HTTP_PROXY", "http://cognito-idp.proxy:9")
    for name in ("NO_PROXY", "no_proxy"):
        monkeypatch.setenv(name, "us-east-1.amazonaws.com")
    found = read("us-east-1", NEW)
    assert (found["us-east-1"].status, found[NEW].status) == ("ok", "failed")
    assert "proxy:9" in str(found[NEW].error_message)
    monkeypatch.setenv("HTTP_PROXY", DEAD_PROXY)
    errors[NEW] = [NONAME]
    assert status_of_new() == "failed"


def enable(aws: StandIn, *regions: str, monkeypatch: pytest.MonkeyPatch) -> None:
    aws.enabled_regions = list(regions)
    monkeypatch.setenv("INVENTORY_REGIONS", "enabled")


def test_an_absent_region_leaves_a_run_complete(
    aws: StandIn,
    errors: Errors,
    invoke: Invoke,
    output: Callable[[], list[dict[str, Any]]],
    s3: S3Client,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    enable(aws, "us-east-1", NEW, monkeypatch=monkeypatch)
    errors[NEW] = [NONAME]
    summary = invoke()
    assert (summary["status"], summary["targets"], summary["targets_failed"]) == ("complete", 2, 0)
    manifest = json.loads(s3.get_object(Bucket=BUCKET, Key=summary["manifest"])["Body"].read())
    assert (manifest["status"], manifest["targets"]["absent"], manifest["unread"]) == ("complete", 1, [])
    covered = coverage.decode(s3.get_object(Bucket=BUCKET, Key=manifest["coverageFile"]["key"])["Body"].read())
    assert [(each.region, each.status, each.pools) for each in covered] == [
        (NEW, "absent", None),
        ("us-east-1", "ok", 0),
    ]
    lines = output()
    (totals,) = (line for line in lines if "TargetsFailed" in line)
    assert (totals["Targets"], totals["TargetsFailed"], totals["SnapshotComplete"]) == ([2], [0], [1])
    assert [line["level"] for line in lines if "level" in line] == ["INFO"]


def test_a_region_that_was_read_is_never_absent_after(
    aws: StandIn, errors: Errors, invoke: Invoke, monkeypatch: pytest.MonkeyPatch
) -> None:
    enable(aws, "us-east-1", NEW, monkeypatch=monkeypatch)
    aws.answers.append(new_pools(3))
    errors[NEW] = [NONAME]
    absent = invoke("2026-11-24T17:00:00Z")
    errors[NEW] = [0]
    read = invoke("2026-11-24T18:00:00Z")
    errors[NEW] = [NONAME]
    monkeypatch.setattr(calls, "MAX_UNREACHABLE_SECONDS", 1)
    lost = invoke("2026-11-24T19:00:00Z")
    assert [each["status"] for each in (absent, read, lost)] == ["complete", "complete", "partial"]
    assert read["changes"] == lost["changes"] == {"created": 0, "deleted": 0, "modified": 0}


def test_a_run_whose_other_regions_all_failed_raises(
    aws: StandIn, errors: Errors, invoke: Invoke, s3: S3Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    enable(aws, "us-east-1", NEW, monkeypatch=monkeypatch)
    errors[NEW] = [NONAME]
    aws.answers.append(listing("us-east-1", deny))
    with pytest.raises(UnreadError, match=rf"{NEW} absent .*us-east-1 denied"):
        invoke()
    assert s3.list_objects_v2(Bucket=BUCKET)["KeyCount"] == 0


@pytest.mark.parametrize("regions", ["enabled", f"us-east-1,{NEW}"])
def test_the_terminal_shows_an_absent_region_and_exits_0(
    aws: StandIn, errors: Errors, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, regions: str
) -> None:
    enable(aws, "us-east-1", NEW, monkeypatch=monkeypatch)
    seed("us-east-1", any_pools(3))
    errors[NEW] = [NONAME]
    result = CliRunner().invoke(cli.main, ["run", "--to", str(tmp_path), "--regions", regions])
    assert result.exit_code == 0, result.output
    shown = [line for line in result.stderr.splitlines() if line.startswith(NEW)]
    assert shown == [f"{NEW} absent: requests 3, retries 2"]
    assert "3 user pools read, complete" in result.stdout
    listed = CliRunner().invoke(cli.main, ["show", str(tmp_path)])
    assert "Not read" not in listed.stdout
    assert "which is complete." in listed.stdout
