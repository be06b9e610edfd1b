import hashlib
import json
from collections.abc import Callable
from typing import Any

import pytest
from mypy_boto3_s3 import S3Client
from pool_inventory.errors import EventError, NewerError, SettingsError, StoreError, UnreadError
from pool_inventory.handler import handler
from pool_inventory.terminal.demo.stand_in import StandIn, deny, every, in_turn, listing, seed, throttle
from werkzeug.wrappers import Request, Response

from tests.conftest import BUCKET, Invoke
from tests.makers import IDENTIFIER, any_pools, written_with

Output = Callable[[], list[dict[str, Any]]]


def keys_in(s3: S3Client) -> set[str]:
    return {each["Key"] for each in s3.list_objects_v2(Bucket=BUCKET).get("Contents", [])}


def metrics(lines: list[dict[str, Any]]) -> dict[str, float]:
    (line,) = (each for each in lines if "_aws" in each and "region" not in each)
    return {metric["Name"]: line[metric["Name"]][0] for metric in line["_aws"]["CloudWatchMetrics"][0]["Metrics"]}


def logs(lines: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return [line for line in lines if "_aws" not in line]


def listings(aws: StandIn) -> int:
    return sum("ListUserPools" in request.headers.get("X-Amz-Target", "") for request in aws.requests)


def test_the_schedules_event_makes_a_snapshot_and_a_summary(invoke: Invoke, s3: S3Client) -> None:
    seed("us-east-1", any_pools(61))
    summary = invoke("2026-11-24T18:00:00Z")
    assert {key for key in keys_in(s3) if "_staging" not in key} == {
        "user-pools/data/dt=2026-11-24/user-pools-2026-11-24T18-00Z.parquet",
        "user-pools/coverage/dt=2026-11-24/coverage-2026-11-24T18-00Z.parquet",
        "user-pools/changes/dt=2026-11-24/changes-2026-11-24T18-00Z.parquet",
        "user-pools/hive/dt=2026-11-24-18-00/symlink.txt",
        "user-pools/manifests/2026-11-24T18-00Z/manifest.json",
        "user-pools/manifests/2026-11-24T18-00Z/manifest.checksum",
        "user-pools/latest.json",
        "user-pools/latest/user-pools.parquet",
        "user-pools/latest-coverage/coverage.parquet",
    }
    assert (
        summary.items()
        >= {
            "snapshot_id": IDENTIFIER,
            "result": "published",
            "status": "complete",
            "pools": 61,
            "targets": 1,
            "targets_failed": 0,
            "requests": 2,
            "retries": 0,
            "manifest": "user-pools/manifests/2026-11-24T18-00Z/manifest.json",
        }.items()
    )
    assert json.loads(json.dumps(summary)) == summary


def test_the_prefix_is_the_settings(invoke: Invoke, s3: S3Client, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("INVENTORY_PREFIX", "cognito/inventory")
    invoke()
    assert {key.rpartition("inventory/")[0] for key in keys_in(s3)} == {"cognito/"}


def test_a_partial_run_logs_each_unread_target_and_one_summary(
    invoke: Invoke, aws: StandIn, output: Output, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each line has the snapshot's id."""
    monkeypatch.setenv("INVENTORY_REGIONS", "us-east-1,eu-west-1,eu-west-2,sa-east-1")
    aws.answers += [listing("eu-west-1", deny), listing("eu-west-2", deny), listing("us-east-1", in_turn(throttle))]
    invoke()
    lines = output()
    *unread, summary = logs(lines)
    assert [(line["level"], line["region"], line["status"]) for line in unread] == [
        ("WARNING", "eu-west-1", "denied"),
        ("WARNING", "eu-west-2", "denied"),
    ]
    assert unread[0]["error_code"] == "AccessDeniedException"
    assert (summary["status"], summary["targets_failed"], summary["retries"]) == ("partial", 2, 1)
    assert {line["snapshot_id"] for line in logs(lines)} == {IDENTIFIER}
    assert {line["service"] for line in logs(lines)} == {"pool-inventory"}
    assert metrics(lines)["SnapshotComplete"] == 0


def test_metrics_are_in_the_namespace_and_service_that_are_set(
    invoke: Invoke, output: Output, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("POWERTOOLS_METRICS_NAMESPACE", "Audit")
    monkeypatch.setenv("POWERTOOLS_SERVICE_NAME", "pools of audit")
    seed("us-east-1", any_pools(3))
    invoke()
    lines = output()
    assert metrics(lines).items() >= {"UserPools": 3, "Targets": 1, "SnapshotComplete": 1}.items()
    assert {line["_aws"]["CloudWatchMetrics"][0]["Namespace"] for line in lines if "_aws" in line} == {"Audit"}
    assert {line["service"] for line in lines} == {"pools of audit"}


def test_daily_metrics_of_regions_come_with_a_days_first_run(
    invoke: Invoke, output: Output, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("INVENTORY_REGION_METRICS", "daily")
    seed("us-east-1", any_pools(3))

    def regions(time: str) -> list[str]:
        invoke(time)
        return [line["region"] for line in output() if "_aws" in line and "region" in line]

    assert regions("2026-11-23T22:00:00Z") == ["us-east-1"]
    assert regions("2026-11-23T23:00:00Z") == []
    assert regions("2026-11-24T00:00:00Z") == ["us-east-1"]


def test_of_10000_pools_none_is_lost_to_throttling(
    invoke: Invoke, aws: StandIn, output: Output, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One call in five is throttled; each pool is there once."""
    monkeypatch.setenv("INVENTORY_MAX_REQUESTS_PER_SECOND", "0")
    seed("us-east-1", any_pools(10_000))
    aws.answers.append(listing("us-east-1", every(5, throttle)))
    summary = invoke()
    assert (summary["status"], summary["pools"]) == ("complete", 10_000)
    assert metrics(output()).items() >= {"UserPools": 10_000, "Requests": 209, "Retries": 42}.items()


def test_a_second_delivery_says_so_and_emits_no_metrics_again(invoke: Invoke, aws: StandIn, output: Output) -> None:
    invoke()
    output()
    aws.requests.clear()
    assert invoke()["result"] == "unchanged"
    assert listings(aws) == 0
    assert [line["message"] for line in output()] == ["the run is done"]


def test_an_older_delivery_says_so(invoke: Invoke) -> None:
    invoke("2026-11-24T18:00:00Z")
    assert invoke("2026-11-24T17:00:00Z")["result"] == "superseded"


def test_an_unread_region_counts_as_it_was_last_read(
    invoke: Invoke, aws: StandIn, output: Output, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Else `UserPools` dips, and the alarm on the quota ends, because a region was denied."""
    monkeypatch.setenv("INVENTORY_REGIONS", "us-east-1,eu-west-1,sa-east-1")
    monkeypatch.setenv("INVENTORY_USER_POOL_QUOTA", "10")
    seed("us-east-1", any_pools(3))
    seed("eu-west-1", any_pools(9, "eu-west-1"))
    aws.answers.append(listing("sa-east-1", deny))
    invoke("2026-11-24T17:00:00Z")
    aws.answers.append(listing("eu-west-1", deny))
    for time in ("2026-11-24T18:00:00Z", "2026-11-24T19:00:00Z"):
        output()
        assert invoke(time)["pools"] == 3
        lines = output()
        assert metrics(lines).items() >= {"UserPools": 12, "QuotaUtilization": 90, "TargetsFailed": 2}.items()
        by_region = {line["region"]: line["UserPools"] for line in lines if "_aws" in line and "region" in line}
        assert by_region == {"eu-west-1": [9], "us-east-1": [3]}


def test_objects_that_are_passed_by_are_logged_and_counted(invoke: Invoke, s3: S3Client, output: Output) -> None:
    s3.put_object(Bucket=BUCKET, Key="user-pools/latest.json", Body=b"[]")
    assert invoke()["result"] == "published"
    lines = output()
    (warning,) = (line for line in lines if line.get("message") == "passed by")
    assert (warning["level"], warning["object"]) == ("WARNING", "s3://inventory/user-pools/latest.json")
    assert "is not what this program writes" in warning["reason"]
    assert [line["PassedBy"] for line in lines if "PassedBy" in line] == [[1]]


def test_an_event_of_the_year_1_stops_no_run_after_it(invoke: Invoke) -> None:
    assert invoke("0001-01-01T00:00:00Z")["result"] == "published"
    assert invoke("2026-11-24T18:00:00Z")["result"] == "published"
    assert invoke("2026-11-24T19:00:00Z")["result"] == "published"


def test_a_run_without_a_readable_target_raises(invoke: Invoke, aws: StandIn, s3: S3Client, output: Output) -> None:
    """It emits the metrics that it knows."""
    aws.answers.append(listing("us-east-1", deny))
    with pytest.raises(UnreadError):
        invoke()
    lines = output()
    assert metrics(lines).keys() == {
        "Targets",
        "TargetsFailed",
        "Requests",
        "Retries",
        "SnapshotComplete",
        "SnapshotDuration",
    }
    unread, failed = logs(lines)
    assert (unread["region"], unread["status"]) == ("us-east-1", "denied")
    assert failed["level"] == "ERROR"
    assert "no target could be read" in failed["error"]
    assert keys_in(s3) == set()


@pytest.mark.parametrize(
    ("name", "value"),
    [("INVENTORY_RESERVE_SECONDS", "soon"), ("INVENTORY_REGIONS", "us-east-9"), ("POWERTOOLS_LOG_LEVEL", "LOUD")],
)
def test_a_wrong_setting_stops_the_run_before_it_asks_any_target(
    invoke: Invoke, aws: StandIn, output: Output, monkeypatch: pytest.MonkeyPatch, name: str, value: str
) -> None:
    monkeypatch.setenv(name, value)
    with pytest.raises(Exception, match=f"{name}.*{value}"):
        invoke()
    lines = output()
    assert metrics(lines).keys() == {"SnapshotComplete", "SnapshotDuration"}
    assert name in logs(lines)[-1]["error"]
    assert listings(aws) == 0


def test_a_missing_bucket_setting_stops_the_run_before_any_call(
    invoke: Invoke, aws: StandIn, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("INVENTORY_BUCKET")
    with pytest.raises(SettingsError):
        invoke()
    assert aws.requests == []


def test_a_wrong_time_stops_the_run_before_any_call(invoke: Invoke, aws: StandIn) -> None:
    with pytest.raises(EventError, match=r"<aws[.]scheduler[.]scheduled-time>"):
        invoke("<aws.scheduler.scheduled-time>")
    assert aws.requests == []


def test_a_warm_functions_wrong_event_is_logged_without_an_id(invoke: Invoke, output: Output) -> None:
    """The id would be that of the invocation before."""
    invoke("2026-11-24T18:00:00Z")
    output()
    with pytest.raises(EventError):
        invoke("yesterday")
    assert "snapshot_id" not in logs(output())[-1]


@pytest.mark.parametrize("encryption", [None, "AES256"])
def test_each_write_asks_for_the_encryption_that_is_set(
    invoke: Invoke, aws: StandIn, monkeypatch: pytest.MonkeyPatch, encryption: str | None
) -> None:
    if encryption:
        monkeypatch.setenv("INVENTORY_ENCRYPTION", encryption)
    invoke()
    assert written_with(aws) == {encryption}


def test_a_bucket_that_is_denied_stops_the_run_at_once(invoke: Invoke, aws: StandIn) -> None:
    denied = Response("<Error><Code>AccessDenied</Code><Message>Access Denied</Message></Error>", 403)
    aws.answers.append(lambda request: denied if request.path.startswith(f"/{BUCKET}") else None)
    with pytest.raises(StoreError, match="grant s3:GetObject"):
        invoke()
    # latest.json alone may be denied, so the bucket is listed.
    assert (len(aws.requests), listings(aws)) == (3, 0)


def test_a_bucket_that_denies_writes_raises_with_metrics(invoke: Invoke, aws: StandIn, output: Output) -> None:
    """The metrics of what was read are emitted."""

    def deny_put(request: Request) -> Response | None:
        body = "<Error><Code>AccessDenied</Code><Message>Access Denied</Message></Error>"
        return Response(body, 403) if request.method == "PUT" else None

    aws.answers.append(deny_put)
    with pytest.raises(StoreError, match="cannot write s3://inventory/user-pools/_staging/"):
        invoke()
    assert (
        metrics(output()).items() >= {"Targets": 1, "TargetsFailed": 0, "Requests": 1, "SnapshotComplete": 0}.items()
    )


def test_the_time_for_publishing_is_kept_back_from_collecting(
    invoke: Invoke, aws: StandIn, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("INVENTORY_RESERVE_SECONDS", "20")
    with pytest.raises(UnreadError, match="us-east-1 timed_out"):
        invoke(seconds=20)
    assert listings(aws) == 0


def test_a_warm_function_reads_its_environment_again(
    invoke: Invoke, s3: S3Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    invoke()
    monkeypatch.setenv("INVENTORY_PREFIX", "another")
    invoke()
    assert {key.partition("/")[0] for key in keys_in(s3)} == {"user-pools", "another"}


def test_a_bug_of_ours_is_logged_with_its_traceback(
    aws: StandIn, output: Output, monkeypatch: pytest.MonkeyPatch
) -> None:
    broken: Any = None
    with pytest.raises(AttributeError):
        handler({}, broken)
    (line,) = logs(output())
    assert "Traceback" in line["exception"]


def make_newer(s3: S3Client, *keys: str) -> None:
    for key in keys:
        body = s3.get_object(Bucket=BUCKET, Key=key)["Body"].read()
        s3.put_object(Bucket=BUCKET, Key=key, Body=body.replace(b'"contractVersion": 2', b'"contractVersion": 3'))


def test_a_run_after_a_newer_release_stops_and_says_to_update(
    invoke: Invoke, aws: StandIn, s3: S3Client, output: Output
) -> None:
    """It asks no target and writes nothing."""
    manifest = invoke("2026-11-24T18:00:00Z")["manifest"]
    make_newer(s3, manifest)
    body = s3.get_object(Bucket=BUCKET, Key=manifest)["Body"].read()
    latest = {"snapshotId": IDENTIFIER, "manifest": manifest, "sha256": hashlib.sha256(body).hexdigest()}
    s3.put_object(Bucket=BUCKET, Key="user-pools/latest.json", Body=json.dumps(latest).encode())
    there = keys_in(s3)
    aws.requests.clear()
    output()
    with pytest.raises(NewerError, match=f"{manifest} is of contract version 3, and this release knows 2: update"):
        invoke("2026-11-24T19:00:00Z")
    assert listings(aws) == 0
    assert keys_in(s3) == there
    assert metrics(output())["SnapshotComplete"] == 0


@pytest.mark.parametrize(("days", "forgotten"), [("1", 1), ("2", 0)])
def test_a_target_unread_for_the_days_set_is_forgotten(
    invoke: Invoke, aws: StandIn, monkeypatch: pytest.MonkeyPatch, days: str, forgotten: int
) -> None:
    monkeypatch.setenv("INVENTORY_FORGET_DAYS", days)
    monkeypatch.setenv("INVENTORY_REGIONS", "us-east-1,eu-west-1")
    seed("eu-west-1", any_pools(2, "eu-west-1"))
    invoke("2026-11-22T17:00:00Z")
    aws.answers.append(listing("eu-west-1", deny))
    carried = invoke("2026-11-23T18:00:00Z")["carried"]
    assert carried == {"targets": 1 - forgotten, "pools": 2 * (1 - forgotten), "forgotten": forgotten}
