"""Buckets that S3 locks or copies: what docs/deploying.md promises of them."""

import boto3
import pytest
from botocore.exceptions import ClientError
from click.testing import CliRunner
from mypy_boto3_s3 import S3Client
from pool_inventory.terminal import command_line
from pool_inventory.terminal.demo.stand_in import StandIn, seed

from tests.conftest import Invoke
from tests.makers import any_pools

LOCKED = "locked"
REPLICA = "replica"


def say(*arguments: str) -> tuple[int, str]:
    outcome = CliRunner().invoke(command_line.main, arguments)
    return outcome.exit_code, outcome.output


@pytest.fixture
def locked(aws: StandIn, s3: S3Client, invoke: Invoke, monkeypatch: pytest.MonkeyPatch) -> str:
    """A bucket that keeps each version for a month, with two snapshots in it."""
    s3.create_bucket(Bucket=LOCKED, ObjectLockEnabledForBucket=True)
    retention = {"Mode": "COMPLIANCE", "Days": 30}
    s3.put_object_lock_configuration(
        Bucket=LOCKED,
        ObjectLockConfiguration={"ObjectLockEnabled": "Enabled", "Rule": {"DefaultRetention": retention}},  # type: ignore[typeddict-item] # the keys are those of the API
    )
    monkeypatch.setenv("INVENTORY_BUCKET", LOCKED)
    seed("us-east-1", any_pools(2))
    invoke("2026-11-24T18:00:00Z")
    seed("us-east-1", any_pools(3))
    invoke("2026-11-24T19:00:00Z")
    return f"s3://{LOCKED}/user-pools"


def test_a_locked_bucket_takes_snapshots_and_moves_the_latest(locked: str) -> None:
    code, said = say("verify", locked)
    assert code == 0, said
    assert "Checked 2 snapshots" in said


def test_a_lock_keeps_each_version_of_all_that_is_written(locked: str, s3: S3Client) -> None:
    versions = s3.list_object_versions(Bucket=LOCKED)["Versions"]
    assert len({each["Key"] for each in versions}) < len(versions), "latest.json was written over"
    for each in versions:
        with pytest.raises(ClientError, match="AccessDenied"):
            s3.delete_object(Bucket=LOCKED, Key=each["Key"], VersionId=each["VersionId"])


@pytest.fixture
def replica(aws: StandIn, s3: S3Client, invoke: Invoke) -> S3Client:
    """A bucket to which all of two snapshots was copied but the newest data, which S3 may copy last."""
    s3.create_bucket(Bucket=REPLICA)
    seed("us-east-1", any_pools(2))
    invoke("2026-11-24T18:00:00Z")
    invoke("2026-11-24T19:00:00Z")
    source = boto3.client("s3")
    for each in source.list_objects_v2(Bucket="inventory")["Contents"]:
        if "user-pools-2026-11-24T19-00Z" not in each["Key"]:
            s3.copy_object(Bucket=REPLICA, Key=each["Key"], CopySource={"Bucket": "inventory", "Key": each["Key"]})
    return s3


def test_a_copy_that_is_not_whole_yet_is_named_by_verify(replica: S3Client) -> None:
    location = f"s3://{REPLICA}/user-pools"
    code, said = say("verify", location)
    assert code != 0
    assert "user-pools-2026-11-24T19-00Z.parquet: is missing" in said
    code, said = say("show", location, "--at", "2026-11-24T18-00Z")
    assert code == 0
    assert "2 user pools known in 2026-11-24T18-00Z, which is complete." in said


def test_a_function_goes_on_in_a_copy(replica: S3Client, invoke: Invoke, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("INVENTORY_BUCKET", REPLICA)
    key = "user-pools/data/dt=2026-11-24/user-pools-2026-11-24T19-00Z.parquet"
    replica.copy_object(Bucket=REPLICA, Key=key, CopySource={"Bucket": "inventory", "Key": key})
    summary = invoke("2026-11-24T20:00:00Z")
    assert summary["changes"] == {"created": 0, "deleted": 0, "modified": 0}
    code, said = say("verify", f"s3://{REPLICA}/user-pools")
    assert code == 0, said
    assert "Checked 3 snapshots" in said
