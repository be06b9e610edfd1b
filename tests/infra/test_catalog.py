"""What the stack states to Glue and Athena, and that it is true of the objects that are written."""

import io
import json

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from pool_inventory.snapshots import changes, coverage, data_object, keys, rows, schema, table
from pool_inventory.snapshots.changes import Comparison

from infra.athena import athena_queries
from tests.infra.makers import ROOT, Resource, Synthesized
from tests.makers import IDENTIFIER, TIME, any_change, any_coverage, any_pool, any_snapshot, any_target

VERSIONED = "struct<lambda_version:string,lambda_arn:string>"
LAMBDA_CONFIG = (
    "struct<pre_sign_up:string,custom_message:string,post_confirmation:string,pre_authentication:string,"
    "post_authentication:string,define_auth_challenge:string,create_auth_challenge:string,"
    "verify_auth_challenge_response:string,pre_token_generation:string,user_migration:string,"
    f"pre_token_generation_config:{VERSIONED},custom_sms_sender:{VERSIONED},custom_email_sender:{VERSIONED},"
    f"kms_key_id:string,inbound_federation:{VERSIONED}>"
)
DATA = {
    "snapshot_time": "timestamp",
    "account_id": "string",
    "region": "string",
    "id": "string",
    "arn": "string",
    "name": "string",
    "status": "string",
    "creation_date": "timestamp",
    "last_modified_date": "timestamp",
    "lambda_config": LAMBDA_CONFIG,
    "unmodelled": "string",
    "replica_regions": "array<string>",
    "read_at": "timestamp",
}
COVERAGE = {
    "snapshot_time": "timestamp",
    "account_id": "string",
    "region": "string",
    "status": "string",
    "pools": "bigint",
    "requests": "bigint",
    "retries": "bigint",
    "duplicates": "bigint",
    "started_at": "timestamp",
    "duration_ms": "bigint",
    "error_code": "string",
    "error_message": "string",
    "last_ok": "string",
    "compared_with": "string",
    "accepted_by": "string",
}
CHANGES = {
    "snapshot_time": "timestamp",
    "previous_snapshot_time": "timestamp",
    "change": "string",
    "account_id": "string",
    "region": "string",
    "id": "string",
    "name": "string",
    "fields": "array<string>",
    "before": "string",
    "after": "string",
}
COLUMNS = {
    "user_pools": DATA,
    "user_pools_carried": DATA,
    "user_pools_latest": DATA,
    "coverage": COVERAGE,
    "coverage_latest": COVERAGE,
    "changes": CHANGES,
}
BY_DAY = {
    "user_pools": keys.data,
    "user_pools_carried": keys.carried,
    "coverage": keys.coverage,
    "changes": keys.changes,
}
LATEST = {"user_pools_latest": keys.LATEST_DATA, "coverage_latest": keys.LATEST_COVERAGE}


def tables(stack: Synthesized) -> dict[str, Resource]:
    """What the template says of each table, by its name."""
    made = stack.of_type("AWS::Glue::Table").values()
    return {each["TableInput"]["Name"]: each["TableInput"] for each in made}


def columns(of: Resource) -> dict[str, str]:
    return {column["Name"]: column["Type"] for column in of["StorageDescriptor"]["Columns"]}


def test_the_database_has_its_settings_name_and_the_tables(by_default: Synthesized, otherwise: Synthesized) -> None:
    for stack, name in ((by_default, "poolinventory"), (otherwise, "audit")):
        (database,) = stack.of_type("AWS::Glue::Database").values()
        assert database["CatalogId"] == "${AWS::AccountId}"
        assert database["DatabaseInput"]["Name"] == name
        for found in stack.of_type("AWS::Glue::Table").values():
            assert found["CatalogId"] == "${AWS::AccountId}"
            assert found["DatabaseName"] == "${Catalog/Database}"
        assert set(tables(stack)) == set(COLUMNS)


def test_an_organization_has_a_table_of_its_accounts_too(of_an_organization: Synthesized) -> None:
    assert set(tables(of_an_organization)) == {*COLUMNS, "accounts"}
    found = tables(of_an_organization)["accounts"]
    assert list(columns(found)) == [each.name for each in schema.ACCOUNTS]
    assert found["StorageDescriptor"]["Location"] == "s3://${Storage/Bucket}/user-pools/accounts/"
    assert found["Parameters"]["storage.location.template"].endswith("/user-pools/accounts/dt=${dt}/")


@pytest.mark.parametrize("name", COLUMNS)
def test_each_column_has_its_type(by_default: Synthesized, name: str) -> None:
    assert list(columns(tables(by_default)[name]).items()) == list(COLUMNS[name].items())


@pytest.mark.parametrize("name", COLUMNS)
def test_glue_takes_each_columns_meaning(by_default: Synthesized, name: str) -> None:
    # https://docs.aws.amazon.com/glue/latest/webapi/API_Column.html
    for column in tables(by_default)[name]["StorageDescriptor"]["Columns"]:
        assert 1 <= len(column["Comment"]) <= 255
        assert "\n" not in column["Comment"]


def written(name: str) -> bytes:
    """An object of a table, as a run writes it."""
    pool = any_pool(LambdaConfig={"PreSignUp": "a", "InboundFederation": {"LambdaVersion": "V1_0", "LambdaArn": "b"}})
    row = rows.data_row(pool, partition="aws", target=any_target(), snapshot_time=TIME)
    data = data_object.encode(any_snapshot(), [rows.json_line(row)])
    covered = coverage.encode(IDENTIFIER, [any_coverage()])
    return {
        "user_pools": data,
        "user_pools_carried": table.encode(schema.DATA, [rows.json_line(row)], {"snapshotId": IDENTIFIER}),
        "user_pools_latest": data,
        "coverage": covered,
        "coverage_latest": covered,
        "changes": changes.encode(IDENTIFIER, Comparison((any_change(),), ())),
    }[name]


def as_glue_has_it(kind: pa.DataType) -> str:
    """A type of Arrow as Athena reads it from Parquet: https://docs.aws.amazon.com/athena/latest/ug/data-types.html"""
    if isinstance(kind, pa.StructType):
        return f"struct<{','.join(f'{part.name}:{as_glue_has_it(part.type)}' for part in kind)}>"
    if isinstance(kind, pa.ListType):
        return f"array<{as_glue_has_it(kind.value_type)}>"
    return {pa.string(): "string", pa.int64(): "bigint", pa.timestamp("ms", tz="UTC"): "timestamp"}[kind]


@pytest.mark.parametrize("name", COLUMNS)
def test_the_types_are_those_of_the_files_that_are_written(by_default: Synthesized, name: str) -> None:
    found = pq.ParquetFile(io.BytesIO(written(name))).schema_arrow
    assert [(field.name, as_glue_has_it(field.type)) for field in found] == list(
        columns(tables(by_default)[name]).items()
    )


@pytest.mark.parametrize("name", COLUMNS)
def test_a_table_is_read_as_parquet_from_outside_the_catalog(by_default: Synthesized, name: str) -> None:
    found = tables(by_default)[name]
    assert found["TableType"] == "EXTERNAL_TABLE"
    assert found["Parameters"]["EXTERNAL"] == "TRUE"
    assert found["Parameters"]["classification"] == "parquet"
    hive = "org.apache.hadoop.hive.ql.io.parquet"
    storage = found["StorageDescriptor"]
    assert storage["InputFormat"] == f"{hive}.MapredParquetInputFormat"
    assert storage["OutputFormat"] == f"{hive}.MapredParquetOutputFormat"
    assert storage["SerdeInfo"] == {"SerializationLibrary": f"{hive}.serde.ParquetHiveSerDe"}


@pytest.mark.parametrize("name", BY_DAY)
def test_a_partition_is_projected_for_each_day_up_to_today(otherwise: Synthesized, name: str) -> None:
    found = tables(otherwise)[name]
    assert [(key["Name"], key["Type"]) for key in found["PartitionKeys"]] == [("dt", "string")]
    folder = BY_DAY[name](IDENTIFIER).partition("/")[0]
    location = f"s3://${{Storage/Bucket}}/audit/pools/{folder}/"
    assert found["StorageDescriptor"]["Location"] == location
    assert found["Parameters"] == {
        "EXTERNAL": "TRUE",
        "classification": "parquet",
        "projection.enabled": "true",
        "projection.dt.type": "date",
        "projection.dt.format": "yyyy-MM-dd",
        "projection.dt.range": "2026-01-01,NOW",
        "projection.dt.interval": "1",
        "projection.dt.interval.unit": "DAYS",
        "storage.location.template": f"{location}dt=${{dt}}/",
    }


@pytest.mark.parametrize("name", BY_DAY)
def test_a_days_partition_is_the_folder_of_its_snapshots(by_default: Synthesized, name: str) -> None:
    template = tables(by_default)[name]["Parameters"]["storage.location.template"]
    folder, _, _ = BY_DAY[name]("2026-11-24T18-00Z").rpartition("/")
    assert template.replace("${dt}", "2026-11-24") == f"s3://${{Storage/Bucket}}/user-pools/{folder}/"


def test_cloudformation_leaves_the_day_for_athena_to_fill_in(by_default: Synthesized) -> None:
    made = by_default.template["Resources"].values()
    parameters = {
        resource["Properties"]["TableInput"]["Name"]: resource["Properties"]["TableInput"]["Parameters"]
        for resource in made
        if resource["Type"] == "AWS::Glue::Table"
    }
    # Fn::Join takes its parts as they are; Fn::Sub would look for a resource named dt.
    assert "Fn::Sub" not in json.dumps(parameters)
    join = parameters["user_pools"]["storage.location.template"]["Fn::Join"]
    assert join[1][-1] == "/user-pools/data/dt=${dt}/"


@pytest.mark.parametrize("name", LATEST)
def test_what_is_newest_is_the_one_object_of_a_folder(by_default: Synthesized, name: str) -> None:
    found = tables(by_default)[name]
    assert "PartitionKeys" not in found
    assert found["Parameters"] == {"EXTERNAL": "TRUE", "classification": "parquet"}
    folder, _, _ = LATEST[name].rpartition("/")
    assert found["StorageDescriptor"]["Location"] == f"s3://${{Storage/Bucket}}/user-pools/{folder}/"
    others = {keys.LATEST, *LATEST.values()} - {LATEST[name]}
    assert not any(key.startswith(f"{folder}/") for key in others), "else Athena would read it as rows of this table"


def test_query_results_go_where_they_expire(by_default: Synthesized) -> None:
    """A client's own settings change nothing."""
    (workgroup,) = by_default.of_type("AWS::Athena::WorkGroup").values()
    assert workgroup == {
        "Name": "PoolInventory",
        "Description": "Queries on the user pool inventory",
        "RecursiveDeleteOption": True,
        "WorkGroupConfiguration": {
            "EnforceWorkGroupConfiguration": True,
            "PublishCloudWatchMetricsEnabled": False,
            "EngineVersion": {"SelectedEngineVersion": "Athena engine version 3"},
            "ResultConfiguration": {
                "OutputLocation": "s3://${Storage/Bucket}/_athena/",
                "EncryptionConfiguration": {"EncryptionOption": "SSE_S3"},
            },
        },
    }


def test_one_account_has_no_query_of_an_organization(by_default: Synthesized) -> None:
    saved = {query["Name"] for query in by_default.of_type("AWS::Athena::NamedQuery").values()}
    assert saved == {query.name for query in athena_queries()} - {"whose_pools_they_are"}


def test_each_query_is_saved_in_the_workgroup_as_its_file_has_it(of_an_organization: Synthesized) -> None:
    saved = {query["Name"]: query for query in of_an_organization.of_type("AWS::Athena::NamedQuery").values()}
    files = {path.stem: path.read_text() for path in ROOT.joinpath("infra", "queries").glob("*.sql")}
    assert set(saved) == set(files)
    assert set(saved) == {
        "known_7_days_ago",
        "latest_complete_inventory",
        "which_pools_call_a_function",
        "changes_of_7_days",
        "targets_not_read_in_a_day",
        "pools_untouched_for_a_year",
        "legacy_trigger_versions",
        "whose_pools_they_are",
    }
    for name, text in files.items():
        first_line = text.splitlines()[0]
        assert first_line.startswith("-- ")
        assert saved[name] == {
            "Name": name,
            "Description": first_line.removeprefix("-- "),
            "QueryString": text,
            "Database": "${Catalog/Database}",
            "WorkGroup": "${Workgroup/Workgroup}",
        }


def test_athena_takes_each_querys_description() -> None:
    # https://docs.aws.amazon.com/athena/latest/APIReference/API_CreateNamedQuery.html
    for query in athena_queries():
        assert 1 <= len(query.description) <= 1024
