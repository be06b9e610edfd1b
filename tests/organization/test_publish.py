"""An organization's snapshot: what every account gave, and what is known of those that gave nothing."""

import json
from collections.abc import Callable
from typing import Any

import boto3
import pytest
from mypy_boto3_s3 import S3Client
from pool_inventory.errors import UnreadError
from pool_inventory.handler import MAX_LOGGED
from pool_inventory.snapshots import accounts, coverage, keys, table
from pool_inventory.terminal.demo.stand_in import StandIn, deny, error, listing, seed
from werkzeug.wrappers import Request, Response

from tests.conftest import Invoke
from tests.makers import any_pools
from tests.organization.conftest import (
    OTHERS,
    OWN,
    Snapshot,
    any_account,
    of_account,
    organization,
    refuse_regions,
    refuse_role,
)

REGIONS = ("eu-west-1", "us-east-1")


@pytest.fixture(autouse=True)
def seeded(org: StandIn) -> None:
    for number, account_id in enumerate((OWN, *OTHERS)):
        for region in REGIONS:
            seed(region, any_pools(number, region), account_id)


def read(s3: S3Client, key: str) -> bytes:
    return s3.get_object(Bucket="inventory", Key=f"user-pools/{key}")["Body"].read()


def statuses(s3: S3Client, summary: dict[str, Any]) -> dict[tuple[str, str], str]:
    covered = coverage.decode(read(s3, keys.coverage(summary["snapshot_id"])))
    return {(each.account_id, each.region): each.status for each in covered}


def pools_of(s3: S3Client, key: str) -> dict[str, int]:
    counts: dict[str, int] = {}
    for row in table.pool_rows(read(s3, key)):
        counts[row.target.account_id] = counts.get(row.target.account_id, 0) + 1
    return counts


def test_one_snapshot_has_the_pools_of_all_accounts(snapshot: Snapshot, s3: S3Client) -> None:
    summary = snapshot()
    assert (summary["status"], summary["pools"], summary["targets"]) == ("complete", 20, 10)
    assert pools_of(s3, keys.data(summary["snapshot_id"])) == {each: 2 * (i + 1) for i, each in enumerate(OTHERS)}


def test_a_denied_account_is_denied_in_each_region(snapshot: Snapshot, org: StandIn, s3: S3Client) -> None:
    snapshot("2026-11-24T17:00:00Z")
    org.answers.append(refuse_role(OTHERS[1]))
    summary = snapshot("2026-11-24T18:00:00Z")
    assert (summary["status"], summary["pools"], summary["targets_failed"]) == ("partial", 16, 2)
    assert summary["changes"]["deleted"] == 0
    assert {place: status for place, status in statuses(s3, summary).items() if status != "ok"} == {
        (OTHERS[1], region): "denied" for region in REGIONS
    }
    manifest = json.loads(read(s3, keys.manifest(summary["snapshot_id"])))
    assert f"arn:aws:iam::{OTHERS[1]}:role/pool-inventory-member" in manifest["unread"][0]["error_message"]
    assert pools_of(s3, keys.LATEST_DATA)[OTHERS[1]] == 4


def test_the_accounts_of_a_batch_that_died_failed(snapshot: Snapshot, s3: S3Client) -> None:
    summary = snapshot("2026-11-24T17:00:00Z", dying=[2])
    assert {each for each, status in statuses(s3, summary).items() if status == "failed"} == {
        (account, region) for account in OTHERS[1:3] for region in REGIONS
    }


def test_an_account_that_leaves_is_not_asked_and_keeps_its_pools(
    snapshot: Snapshot, org: StandIn, s3: S3Client
) -> None:
    snapshot("2026-11-24T17:00:00Z")
    org.answers[:] = [organization(*map(any_account, (OWN, *OTHERS[:3])))]
    summary = snapshot("2026-11-24T18:00:00Z")
    assert (summary["status"], summary["changes"]["deleted"]) == ("complete", 0)
    assert statuses(s3, summary)[(OTHERS[3], "us-east-1")] == "not_asked"
    assert pools_of(s3, keys.LATEST_DATA)[OTHERS[3]] == 8


def test_the_accounts_are_a_table(snapshot: Snapshot, s3: S3Client) -> None:
    summary = snapshot()
    found = list(accounts.decode(read(s3, keys.accounts(summary["snapshot_id"]))))
    assert [each.account_id for each in found] == [OWN, *OTHERS]
    assert {each.email for each in found} == {None}
    assert found[1].name == "team 01"


def test_a_region_of_one_account_that_is_denied_is_its_own(snapshot: Snapshot, org: StandIn, s3: S3Client) -> None:
    org.answers.append(listing("eu-west-1", deny))
    summary = snapshot()
    assert summary["targets_failed"] == 5


@pytest.fixture
def crowd(org: StandIn, monkeypatch: pytest.MonkeyPatch) -> StandIn:
    """An organization of 121 accounts in 34 regions, 4,114 targets; what is denied is denied in the longest words."""
    regions = boto3.session.Session().get_available_regions("cognito-idp")
    monkeypatch.setenv("INVENTORY_REGIONS", ",".join(regions))
    others = (f"2100000{number:05d}" for number in range(1, 121))
    org.answers[:] = [organization(*map(any_account, (OWN, *others)))]
    org.answers.append(listing("us-west-2", lambda _: error("AccessDeniedException", "利" * 10_000)))
    return org


def test_thousands_of_failed_targets_fit_what_aws_takes(
    snapshot: Snapshot, crowd: StandIn, s3: S3Client, capsys: pytest.CaptureFixture[str]
) -> None:
    summary = snapshot(dying=range(2, 62))
    assert summary["targets_failed"] == 119 * 34 + 2
    assert len(json.dumps(summary)) < 1000
    lines = capsys.readouterr().out.splitlines()
    assert sum("a target could not be read" in each for each in lines) == MAX_LOGGED
    assert len(lines) < MAX_LOGGED + 20
    # CloudWatch's limit of an event, which a document of metrics is as well.
    assert max(map(len, lines)) < 256_000
    assert len(read(s3, keys.manifest(summary["snapshot_id"]))) < 1_000_000
    data = read(s3, keys.data(summary["snapshot_id"]))
    # A Parquet file ends with its footer, the footer's length in four bytes, and PAR1.
    assert int.from_bytes(data[-8:-4], "little") < 20_000


def test_an_error_of_thousands_of_targets_is_bounded(
    snapshot: Snapshot, crowd: StandIn, capsys: pytest.CaptureFixture[str]
) -> None:
    def refuse(request: Request) -> Response | None:
        asked = request.headers.get("X-Amz-Target", "").endswith(".ListUserPools")
        return error("AccessDeniedException", "利" * 10_000) if asked else None

    crowd.answers.append(refuse)
    with pytest.raises(UnreadError) as raised:
        snapshot(dying=range(2, 62))
    assert len(json.dumps(str(raised.value))) < 100_000
    *_, failed, _ = (json.loads(each) for each in capsys.readouterr().out.splitlines())
    assert failed["message"] == "the run failed"


def test_accounts_are_counted_in_metrics_without_a_dimension(
    snapshot: Snapshot, org: StandIn, output: Callable[[], list[dict[str, Any]]]
) -> None:
    org.answers.append(refuse_role(OTHERS[1]))
    snapshot()
    (line,) = [each for each in output() if "AccountsFailed" in each]
    assert (line["Accounts"], line["AccountsFailed"]) == ([5], [1])
    assert line["_aws"]["CloudWatchMetrics"][0]["Dimensions"] == [["service"]]


def test_with_one_account_no_metric_counts_accounts(
    invoke: Invoke, output: Callable[[], list[dict[str, Any]]]
) -> None:
    invoke()
    assert not [each for each in output() if "Accounts" in each]


def test_where_all_accounts_are_denied_nothing_is_published(
    snapshot: Snapshot, org: StandIn, s3: S3Client, output: Callable[[], list[dict[str, Any]]]
) -> None:
    org.answers += [*map(refuse_role, OTHERS), listing("eu-west-1", deny), listing("us-east-1", deny)]
    with pytest.raises(UnreadError, match=f"no target could be read, so nothing is published: {OWN} eu-west-1 denied"):
        snapshot()
    assert not any("data/" in each["Key"] for each in s3.list_objects_v2(Bucket="inventory")["Contents"])
    (line,) = [each for each in output() if "SnapshotComplete" in each]
    assert (line["SnapshotComplete"], line["Targets"], line["TargetsFailed"]) == ([0], [10], [10])


def test_once_the_roles_are_there_the_next_start_reads_them(snapshot: Snapshot, org: StandIn) -> None:
    """Its parts say that nothing was read: they do not stand."""
    denied = [*map(refuse_role, OTHERS), listing("eu-west-1", deny), listing("us-east-1", deny)]
    org.answers += denied
    with pytest.raises(UnreadError):
        snapshot()
    del org.answers[-len(denied) :]
    assert snapshot()["pools"] == 20


def test_a_refused_list_of_regions_is_those_of_before(
    snapshot: Snapshot, org: StandIn, s3: S3Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("INVENTORY_REGIONS", "enabled")
    org.enabled_regions = [*REGIONS]
    snapshot("2026-11-24T17:00:00Z")
    org.enabled_regions = ["us-east-1"]
    org.answers.append(of_account(OTHERS[1], refuse_regions))
    summary = snapshot("2026-11-24T18:00:00Z")
    found = statuses(s3, summary)
    assert [found[OTHERS[1], region] for region in REGIONS] == ["denied", "denied"]
    assert [found[OTHERS[0], region] for region in REGIONS] == ["not_asked", "ok"]
    assert pools_of(s3, keys.LATEST_DATA)[OTHERS[1]] == 4


@pytest.mark.parametrize("leave_out", [None, "organization,-" + OTHERS[1]])
def test_regions_of_an_account_left_out_before_are_expected(
    snapshot: Snapshot,
    org: StandIn,
    s3: S3Client,
    invoke: Invoke,
    monkeypatch: pytest.MonkeyPatch,
    leave_out: str | None,
) -> None:
    """A run that left out the whole account, as one of one account does, says nothing of its regions."""
    monkeypatch.setenv("INVENTORY_REGIONS", "enabled")
    org.enabled_regions = [*REGIONS]
    snapshot("2026-11-24T16:00:00Z")
    org.enabled_regions = ["us-east-1"]
    if leave_out:
        monkeypatch.setenv("INVENTORY_ACCOUNTS", leave_out)
        snapshot("2026-11-24T17:00:00Z")
        monkeypatch.setenv("INVENTORY_ACCOUNTS", "organization")
    else:
        invoke("2026-11-24T17:00:00Z")
    org.answers.append(refuse_role(OTHERS[1]))
    for time in ("2026-11-24T18:00:00Z", "2026-11-24T19:00:00Z"):
        found = statuses(s3, snapshot(time))
        assert [found[OTHERS[1], region] for region in REGIONS] == ["denied", "denied"]
    assert pools_of(s3, keys.LATEST_DATA)[OTHERS[1]] == 4


def test_an_account_that_joins_is_read_and_brings_no_changes(snapshot: Snapshot, org: StandIn, s3: S3Client) -> None:
    org.answers[:] = [organization(*map(any_account, (OWN, *OTHERS[:3])))]
    snapshot("2026-11-24T17:00:00Z")
    org.answers[:] = [organization(*map(any_account, (OWN, *OTHERS)))]
    summary = snapshot("2026-11-24T18:00:00Z")
    assert (summary["status"], sum(summary["changes"].values())) == ("complete", 0)
    assert pools_of(s3, keys.data(summary["snapshot_id"]))[OTHERS[3]] == 8


def test_an_account_that_left_is_carried_until_forgotten(
    snapshot: Snapshot, org: StandIn, s3: S3Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("INVENTORY_FORGET_DAYS", "2")
    snapshot("2026-11-20T18:00:00Z")
    org.answers[:] = [organization(*map(any_account, (OWN, *OTHERS[:3])))]
    assert snapshot("2026-11-22T18:00:00Z")["carried"] == {"targets": 2, "pools": 8, "forgotten": 0}
    summary = snapshot("2026-11-23T18:00:00Z")
    assert (summary["carried"]["pools"], summary["carried"]["forgotten"], summary["changes"]["deleted"]) == (0, 2, 0)
    assert OTHERS[3] not in pools_of(s3, keys.LATEST_DATA)


def test_a_named_region_accepts_no_refused_role(
    snapshot: Snapshot, org: StandIn, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Else an account that nobody reads would leave the snapshot complete."""
    monkeypatch.setenv("INVENTORY_ACCEPT_DENIED", "eu-west-1,us-east-1")
    org.answers.append(refuse_role(OTHERS[1]))
    summary = snapshot()
    assert (summary["status"], summary["targets_failed"]) == ("partial", 2)


def test_a_region_that_the_organization_forbids_is_accepted(
    snapshot: Snapshot, org: StandIn, s3: S3Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Only that: a refused role is no region that a policy forbids, whatever its words."""
    monkeypatch.setenv("INVENTORY_ACCEPT_DENIED", "scp")
    org.answers.append(listing("eu-west-1", deny))
    assert snapshot("2026-11-24T17:00:00Z")["status"] == "complete"
    org.answers.append(refuse_role(OTHERS[1], " with an explicit deny in a service control policy"))
    summary = snapshot("2026-11-24T18:00:00Z")
    assert (summary["status"], summary["targets_failed"]) == ("partial", 2)
