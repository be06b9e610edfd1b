from pool_inventory.snapshots import schema


def test_the_file_schema_is_a_parquet_message() -> None:
    message = schema.parquet_schema("coverage", schema.COVERAGE[:2] + schema.COVERAGE[4:5])
    assert message == (
        "message coverage { required int64 snapshot_time (TIMESTAMP(MILLIS,true)); "
        "required binary account_id (STRING); optional int64 pools; }"
    )


def test_a_struct_is_a_group_in_the_file_schema() -> None:
    message = schema.parquet_schema("config", schema.LAMBDA_CONFIG[-1:])
    assert message == (
        "message config { optional group inbound_federation { "
        "optional binary lambda_version (STRING); optional binary lambda_arn (STRING); } }"
    )
