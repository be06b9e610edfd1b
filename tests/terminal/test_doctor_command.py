import json
from pathlib import Path
from types import SimpleNamespace

import boto3
import pytest
from click.testing import CliRunner, Result
from pool_inventory.snapshots import keys
from pool_inventory.stores.folder import FolderStore
from pool_inventory.stores.s3 import S3Store
from pool_inventory.terminal import command_line as cli
from pool_inventory.terminal import doctor_command
from pool_inventory.terminal.demo.stand_in import StandIn, deny, listing, seed

from tests.chains import add_chain, identifier
from tests.conftest import BUCKET
from tests.iam.calls import actions_asked
from tests.makers import ACCOUNT_ID, any_coverage, any_pools, s3_error

LOCATION = f"s3://{BUCKET}/pools"


def doctor(*arguments: str) -> Result:
    return CliRunner().invoke(cli.main, ["doctor", *arguments])


@pytest.fixture
def bucket(aws: StandIn) -> StandIn:
    """An account with pools in one of two regions, and a bucket with two snapshots."""
    aws.enabled_regions = ["sa-east-1", "us-east-1"]
    seed("us-east-1", any_pools(3))
    add_chain(S3Store.open(boto3.session.Session(), BUCKET, "pools"), [{"us-east-1": []}] * 2)
    aws.requests.clear()
    return aws


def test_where_all_is_well_each_line_is_ok(bucket: StandIn) -> None:
    """The age is left out: the snapshots of the test are old."""
    result = doctor("--to", LOCATION)
    lines = result.stdout.splitlines()
    assert lines[:3] == [
        f"ok    logged in to the account {ACCOUNT_ID}",
        "ok    2 of 2 regions can be listed: 3 user pools",
        f"ok    {LOCATION} can be read: 2 snapshots",
    ]
    assert lines[3] == f"ok    {LOCATION} can be written: s3://{BUCKET}/pools/_staging/doctor/written was"
    assert lines[4].startswith(f"fail  the newest snapshot, {identifier(1)}, is ")
    assert lines[5:] == ["      look at the schedule", "ok    in the newest 2 snapshots: no faults"]
    assert result.exit_code == 1


def test_what_it_writes_is_one_object_however_often(bucket: StandIn) -> None:
    """Nothing that is granted could remove it."""
    for _ in range(2):
        assert "can be written" in doctor("--to", LOCATION).stdout
    assert [each.method for each in bucket.requests if "doctor" in each.path] == ["GET", "PUT", "GET", "PUT"]
    listed = boto3.client("s3").list_objects_v2(Bucket=BUCKET, Prefix="pools/_staging/doctor/")["Contents"]
    assert [each["Key"] for each in listed] == ["pools/_staging/doctor/written"]


def test_an_absent_region_is_named(bucket: StandIn, monkeypatch: pytest.MonkeyPatch) -> None:
    covered = [any_coverage("us-east-1", pools=3), any_coverage("xx-new-1", status="absent", pools=None)]
    readings = [SimpleNamespace(coverage=each) for each in covered]
    monkeypatch.setattr(doctor_command, "collect", lambda *_, **__: readings)
    lines = doctor().stdout.splitlines()
    assert lines[1:3] == [
        "ok    1 of 2 regions can be listed: 3 user pools",
        "ok    no Cognito is there yet: xx-new-1",
    ]


def test_a_denied_region_says_what_to_grant(bucket: StandIn) -> None:
    bucket.answers.append(listing("sa-east-1", deny))
    result = doctor()
    assert result.exit_code == 1
    lines = result.stdout.splitlines()
    assert lines[1] == "ok    1 of 2 regions can be listed: 3 user pools"
    assert lines[2].startswith("fail  sa-east-1: denied (AccessDeniedException: ")
    assert lines[3] == "      grant cognito-idp:ListUserPools there; a service control policy may deny it as well"


def test_on_a_terminal_what_is_found_goes_on_below_itself(bucket: StandIn, monkeypatch: pytest.MonkeyPatch) -> None:
    bucket.answers.append(listing("sa-east-1", deny))
    monkeypatch.setenv("COLUMNS", "80")
    lines = doctor().stdout.splitlines()
    assert max(map(len, lines)) <= 80
    first = next(number for number, line in enumerate(lines) if line.startswith("fail  sa-east-1: denied"))
    assert lines[first + 1].startswith("      arn:aws:sts::")
    assert "      grant cognito-idp:ListUserPools there;" in "\n".join(lines)


@pytest.mark.parametrize(
    ("method", "line"),
    [("PUT", f"fail  {LOCATION} cannot be written: "), ("GET", f"fail  {LOCATION} cannot be read: ")],
)
def test_a_bucket_that_denies_says_what_to_grant(bucket: StandIn, method: str, line: str) -> None:
    refuse = s3_error("AccessDenied", 403)
    bucket.answers.append(
        lambda request: refuse(request) if request.method == method and BUCKET in request.path else None
    )
    result = doctor("--to", LOCATION)
    assert result.exit_code == 1
    assert any(each.startswith(line) for each in result.stdout.splitlines())


def test_an_empty_bucket_whose_objects_may_not_be_read_fails(bucket: StandIn) -> None:
    refuse = s3_error("AccessDenied", 403)
    bucket.answers.append(lambda request: refuse(request) if request.path.endswith(keys.LATEST) else None)
    result = doctor("--to", f"s3://{BUCKET}/empty")
    assert result.exit_code == 1
    assert any(line.startswith(f"fail  s3://{BUCKET}/empty cannot be read: ") for line in result.stdout.splitlines())


def test_without_credentials_it_says_to_sign_in(aws: StandIn, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    result = doctor("--to", str(tmp_path))
    assert result.exit_code == 1
    assert result.stdout.startswith("fail  ")
    assert "log in, as with `aws sso login`" in result.stdout
    assert "regions can be listed" not in result.stdout


def test_a_folder_is_looked_at_and_nothing_is_written_there(bucket: StandIn, tmp_path: Path) -> None:
    empty = doctor("--to", str(tmp_path / "new"))
    assert empty.exit_code == 0
    assert f"ok    there is no {tmp_path / 'new'} yet: a run makes the folder" in empty.stdout
    assert f"ok    {tmp_path / 'new'} can be written" in empty.stdout
    add_chain(FolderStore(tmp_path / "old"), [{"us-east-1": []}])
    before = sorted(tmp_path.rglob("*"))
    result = doctor("--to", str(tmp_path / "old"))
    assert result.exit_code == 0, result.output
    assert f"ok    {tmp_path / 'old'} can be read: 1 snapshot" in result.stdout
    assert sorted(tmp_path.rglob("*")) == before


def test_a_damaged_chain_is_not_ok(bucket: StandIn, tmp_path: Path) -> None:
    add_chain(FolderStore(tmp_path), [{"us-east-1": []}] * 2)
    (tmp_path / keys.changes(identifier(1))).unlink()
    result = doctor("--to", str(tmp_path))
    assert "fail  in the newest 2 snapshots: 1 fault" in result.stdout
    assert "`pool-inventory verify` names them" in result.stdout


def test_json_has_each_check(bucket: StandIn) -> None:
    found = json.loads(doctor("--json").stdout)
    assert found["ok"] is True
    assert found["checks"][0] == {"ok": True, "found": f"logged in to the account {ACCOUNT_ID}", "remedy": ""}


def test_the_policy_has_what_a_run_and_a_check_ask_for(bucket: StandIn) -> None:
    assert doctor("--to", LOCATION).exit_code == 1
    assert CliRunner().invoke(cli.main, ["run", "--to", LOCATION]).exit_code == 0
    of_sts = [request for request in bucket.requests if b"GetCallerIdentity" in request.get_data()]
    others = [request for request in bucket.requests if request not in of_sts]
    asked = {action for request in others for action, _, _ in actions_asked(request)}
    printed = json.loads(doctor("--policy", "--to", LOCATION).stdout)
    granted = {
        action
        for statement in printed["Statement"]
        for action in ([statement["Action"]] if isinstance(statement["Action"], str) else statement["Action"])
    }
    assert asked == granted
    resources = [statement["Resource"] for statement in printed["Statement"]]
    assert resources == ["*", f"arn:aws:s3:::{BUCKET}/pools/*", f"arn:aws:s3:::{BUCKET}"]


def test_a_policy_without_a_bucket_names_none() -> None:
    assert [each["Resource"] for each in json.loads(doctor("--policy").stdout)["Statement"]] == ["*"]
