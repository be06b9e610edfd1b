"""What readers see: the objects of a real run, read back with the tools that read them."""

import hashlib
import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import duckdb
import pyarrow.dataset as ds
import pyarrow.parquet as pq
import pytest
from mypy_boto3_s3 import S3Client
from pool_inventory.snapshots import schema
from pool_inventory.snapshots.schema import Column, Kind
from pool_inventory.terminal.demo.stand_in import StandIn, deny, listing, seed

from tests.conftest import BUCKET, Invoke
from tests.makers import ACCOUNT_ID, any_pool

ARN = f"arn:aws:lambda:us-east-1:{ACCOUNT_ID}:function"
NAMES = ["plain", "Kunden, Köln", "利用者プール", '=HYPERLINK("x")', "+1 -1 @home", "two\nlines", "tab\tbed", "'\";--"]


def with_every_trigger(number: int) -> dict[str, Any]:
    return {
        str(column.member): {"LambdaVersion": "V3_0", "LambdaArn": f"{ARN}:{column.name}-{number}"}
        if column.kind is Kind.STRUCT
        else f"{ARN}:{column.name}-{number}"
        for column in schema.LAMBDA_CONFIG
    }


POOLS = [
    *(any_pool(Name=name, LambdaConfig=with_every_trigger(number)) for number, name in enumerate(NAMES)),
    *(
        any_pool(LambdaConfig={column.member: with_every_trigger(0)[str(column.member)]})
        for column in schema.LAMBDA_CONFIG
    ),
    any_pool(LambdaConfig={}, Status="Enabled"),
    any_pool(CreationDate=0.001, LastModifiedDate=4_102_444_800.999),
]


@pytest.fixture
def inventory(invoke: Invoke, aws: StandIn, s3: S3Client, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The bucket that the handler wrote, as a folder: two snapshots of us-east-1, with eu-west-1 denied."""
    monkeypatch.setenv("INVENTORY_REGIONS", "us-east-1,eu-west-1,sa-east-1")
    seed("us-east-1", POOLS)
    aws.answers.append(listing("eu-west-1", deny))
    invoke("2026-11-23T18:00:00Z")
    invoke("2026-11-24T18:00:00Z")
    for each in s3.list_objects_v2(Bucket=BUCKET)["Contents"]:
        path = tmp_path / each["Key"]
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(s3.get_object(Bucket=BUCKET, Key=each["Key"])["Body"].read())
    return tmp_path / "user-pools"


def expected_rows(day: int = 24) -> list[dict[str, Any]]:
    """What was seeded, by the contract's column names, written down here and not by the code under test."""

    def config(sent: dict[str, Any] | None, columns: tuple[Column, ...]) -> dict[str, Any] | None:
        if sent is None:
            return None
        members = {column.name: sent.get(str(column.member)) for column in columns}
        return members | {
            column.name: config(members[column.name], column.columns) for column in columns if column.columns
        }

    def time(seconds: float) -> datetime:
        return datetime(1970, 1, 1, tzinfo=UTC) + timedelta(milliseconds=round(seconds * 1000))

    return [
        {
            "snapshot_time": datetime(2026, 11, day, 18, tzinfo=UTC),
            "account_id": ACCOUNT_ID,
            "region": "us-east-1",
            "id": pool["Id"],
            "arn": f"arn:aws:cognito-idp:us-east-1:{ACCOUNT_ID}:userpool/{pool['Id']}",
            "name": pool["Name"],
            "status": pool.get("Status"),
            "creation_date": time(pool["CreationDate"]),
            "last_modified_date": time(pool["LastModifiedDate"]),
            "lambda_config": config(pool["LambdaConfig"], schema.LAMBDA_CONFIG),
            "unmodelled": None,
            "replica_regions": pool.get("ReplicaRegions"),
            "read_at": datetime(2026, 11, day, 18, tzinfo=UTC),
        }
        for pool in sorted(POOLS, key=lambda pool: str(pool["Id"]))
    ]


def data(inventory: Path, day: int = 24) -> Path:
    return inventory / f"data/dt=2026-11-{day}/user-pools-2026-11-{day}T18-00Z.parquet"


def test_pyarrow_reads_back_each_column_of_each_pool(inventory: Path) -> None:
    table = pq.ParquetFile(data(inventory)).read()
    assert table.column_names == [column.name for column in schema.DATA]
    found = table.to_pylist()
    expected = expected_rows()
    for column in table.column_names:
        assert [row[column] for row in found] == [row[column] for row in expected], column


def test_duckdb_reads_back_each_column_of_each_pool(inventory: Path) -> None:
    with duckdb.connect() as connection:
        connection.execute("SET TimeZone = 'UTC'")
        result = connection.execute(f"SELECT * FROM read_parquet('{data(inventory)}', hive_partitioning = false)")
        names = [column[0] for column in result.description or ()]
        found = [dict(zip(names, row, strict=True)) for row in result.fetchall()]
    expected = expected_rows()
    assert names == [column.name for column in schema.DATA]
    for column in names:
        assert [_in_utc(row[column]) for row in found] == [row[column] for row in expected], column


def _in_utc(value: Any) -> Any:
    return value.astimezone(UTC) if isinstance(value, datetime) else value


def test_a_days_partition_is_a_column_for_duckdb_and_pyarrow(inventory: Path) -> None:
    with duckdb.connect() as connection:
        query = f"SELECT dt::VARCHAR, count(*) FROM '{inventory}/data/*/*.parquet' GROUP BY 1 ORDER BY 1"
        days = connection.execute(query).fetchall()
    assert days == [("2026-11-23", len(POOLS)), ("2026-11-24", len(POOLS))]
    dataset = ds.dataset(inventory / "data", partitioning="hive")
    assert dataset.count_rows(filter=ds.field("dt") == "2026-11-24") == len(POOLS)


def test_the_columns_types_are_the_contracts(inventory: Path) -> None:
    found = {field.name: str(field.type) for field in pq.ParquetFile(data(inventory)).schema_arrow}
    versioned = "struct<lambda_version: string, lambda_arn: string>"
    assert found.pop("lambda_config") == (
        "struct<pre_sign_up: string, custom_message: string, post_confirmation: string, pre_authentication: string, "
        "post_authentication: string, define_auth_challenge: string, create_auth_challenge: string, "
        "verify_auth_challenge_response: string, pre_token_generation: string, user_migration: string, "
        f"pre_token_generation_config: {versioned}, custom_sms_sender: {versioned}, custom_email_sender: {versioned}, "
        f"kms_key_id: string, inbound_federation: {versioned}>"
    )
    assert found.pop("replica_regions") == "list<element: string not null>"
    times = {"snapshot_time", "creation_date", "last_modified_date", "read_at"}
    assert found == {name: "timestamp[ms, tz=UTC]" if name in times else "string" for name in found}


def test_the_data_is_compressed_with_zstd(inventory: Path) -> None:
    group = pq.ParquetFile(data(inventory)).metadata.row_group(0)
    assert {group.column(number).compression for number in range(group.num_columns)} == {"ZSTD"}


def test_coverage_tells_the_denied_region_from_the_empty_one(inventory: Path) -> None:
    with duckdb.connect() as connection:
        query = (
            "SELECT region, status, pools, requests, error_code, last_ok "
            f"FROM '{inventory}/coverage/dt=2026-11-24/*.parquet' ORDER BY region"
        )
        rows = connection.execute(query).fetchall()
    assert rows == [
        ("eu-west-1", "denied", None, 1, "AccessDeniedException", None),
        ("sa-east-1", "ok", 0, 1, None, "2026-11-24T18-00Z"),
        ("us-east-1", "ok", len(POOLS), 1, None, "2026-11-24T18-00Z"),
    ]


def test_the_coverage_object_has_the_schemas_columns(inventory: Path) -> None:
    path = inventory / "coverage/dt=2026-11-24/coverage-2026-11-24T18-00Z.parquet"
    assert pq.ParquetFile(path).read().column_names == [column.name for column in schema.COVERAGE]
    assert (inventory / "latest-coverage/coverage.parquet").read_bytes() == path.read_bytes()


def manifest(inventory: Path, day: int = 24) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((inventory / f"manifests/2026-11-{day}T18-00Z/manifest.json").read_bytes())
    return found


def test_the_manifest_describes_its_data_file_to_the_byte(inventory: Path) -> None:
    found = manifest(inventory)
    body = data(inventory).read_bytes()
    assert found["files"] == [
        {
            "key": "user-pools/data/dt=2026-11-24/user-pools-2026-11-24T18-00Z.parquet",
            "size": len(body),
            "MD5checksum": hashlib.md5(body, usedforsecurity=False).hexdigest(),
            "sha256": hashlib.sha256(body).hexdigest(),
        }
    ]


def test_the_manifest_has_s3_inventorys_fields_and_ours(inventory: Path) -> None:
    found = manifest(inventory)
    coverage = pq.ParquetFile(inventory / "coverage/dt=2026-11-24/coverage-2026-11-24T18-00Z.parquet").read()
    started_ms = round(min(row["started_at"] for row in coverage.to_pylist()).timestamp() * 1000)
    assert 0 <= started_ms - int(found["creationTimestamp"]) < 60_000, "when the scan started, in milliseconds"
    assert {
        name: found[name] for name in found if name not in {"creationTimestamp", "files", "previous", "unread"}
    } == {
        "sourceBucket": "cognito-idp",
        "destinationBucket": f"arn:aws:s3:::{BUCKET}",
        "version": "2016-11-30",
        "fileFormat": "Parquet",
        "fileSchema": schema.parquet_schema("user_pools", schema.DATA),
        "contractVersion": 2,
        "snapshotId": "2026-11-24T18-00Z",
        "status": "partial",
        "poolCount": len(POOLS),
        "targets": {
            "ok": 2,
            "absent": 0,
            "denied": 1,
            "accepted": 0,
            "throttled": 0,
            "timed_out": 0,
            "failed": 0,
            "not_asked": 0,
        },
        "coverageFile": file(inventory, "coverage/dt=2026-11-24/coverage-2026-11-24T18-00Z.parquet"),
        "carriedFile": None,
        "changesFile": file(inventory, "changes/dt=2026-11-24/changes-2026-11-24T18-00Z.parquet"),
        "changes": {"created": 0, "deleted": 0, "modified": 0},
        "carried": {"targets": 0, "pools": 0, "forgotten": 0},
        "unreadCount": 1,
        "uncompared": [],
        "uncomparedCount": 0,
        "extraFormats": [],
    }
    (unread,) = found["unread"]
    assert (unread["region"], unread["status"], unread["error_code"]) == (
        "eu-west-1",
        "denied",
        "AccessDeniedException",
    )


def file(inventory: Path, key: str) -> dict[str, Any]:
    body = (inventory / key).read_bytes()
    return {"key": f"user-pools/{key}", "size": len(body), "sha256": hashlib.sha256(body).hexdigest()}


def test_the_manifest_is_named_by_its_md5_and_its_sha_256(inventory: Path) -> None:
    body = (inventory / "manifests/2026-11-24T18-00Z/manifest.json").read_bytes()
    checksum = (inventory / "manifests/2026-11-24T18-00Z/manifest.checksum").read_text()
    assert checksum == hashlib.md5(body, usedforsecurity=False).hexdigest()
    assert json.loads((inventory / "latest.json").read_bytes()) == {
        "snapshotId": "2026-11-24T18-00Z",
        "manifest": "user-pools/manifests/2026-11-24T18-00Z/manifest.json",
        "sha256": hashlib.sha256(body).hexdigest(),
        "previous": [manifest(inventory)["previous"]],
    }


def test_the_symlink_lists_the_data_file_as_s3_inventory_does(inventory: Path) -> None:
    listed = (inventory / "hive/dt=2026-11-24-18-00/symlink.txt").read_text()
    assert listed == f"s3://{BUCKET}/user-pools/data/dt=2026-11-24/user-pools-2026-11-24T18-00Z.parquet\n"
