import io
import json
from datetime import timedelta
from typing import Any

import hypothesis.strategies as st
import pyarrow as pa
import pytest
from arro3.io import read_json
from botocore.session import Session
from hypothesis import example, given
from pool_inventory.snapshots import rows, schema
from pool_inventory.snapshots.schema import Column, Kind

from tests.makers import ACCOUNT_ID, TIME, any_pool, any_target


def row(**members: Any) -> dict[str, Any]:
    return rows.data_row(any_pool(**members), partition="aws", target=any_target("eu-west-1"), snapshot_time=TIME)


def test_a_row_has_each_column_of_a_pool() -> None:
    arn = "arn:aws:lambda:eu-west-1:123456789012:function:f"
    found = row(
        Id="eu-west-1_AbCdEfGhI",
        Name="Kunden, Köln",
        Status="Enabled",
        CreationDate=1_700_000_000.123,
        LastModifiedDate=1_700_000_060,
        LambdaConfig={"PreSignUp": arn, "CustomSMSSender": {"LambdaVersion": "V1_0", "LambdaArn": arn}},
    )
    assert found == {
        "snapshot_time": "2026-11-24T18:00:00.000Z",
        "account_id": ACCOUNT_ID,
        "region": "eu-west-1",
        "id": "eu-west-1_AbCdEfGhI",
        "arn": f"arn:aws:cognito-idp:eu-west-1:{ACCOUNT_ID}:userpool/eu-west-1_AbCdEfGhI",
        "name": "Kunden, Köln",
        "status": "Enabled",
        "creation_date": "2023-11-14T22:13:20.123Z",
        "last_modified_date": "2023-11-14T22:14:20.000Z",
        "lambda_config": {"pre_sign_up": arn, "custom_sms_sender": {"lambda_version": "V1_0", "lambda_arn": arn}},
        "unmodelled": None,
        "read_at": "2026-11-24T18:00:00.000Z",
    }


def test_an_unmodelled_member_is_kept_at_any_depth() -> None:
    config = {"PreSignUp": "a", "PreSignIn": {"LambdaArn": "b"}, "InboundFederation": {"LambdaArn": "c", "Mode": [1]}}
    found = row(UserPoolTier="PLUS", LambdaConfig=config)
    assert found["lambda_config"] == {"pre_sign_up": "a", "inbound_federation": {"lambda_arn": "c"}}
    assert json.loads(found["unmodelled"]) == {
        "UserPoolTier": "PLUS",
        "LambdaConfig": {"PreSignIn": {"LambdaArn": "b"}, "InboundFederation": {"Mode": [1]}},
    }


@pytest.mark.parametrize(
    ("member", "value", "column"),
    [
        ("Name", 7, "name"),
        ("Name", "half a pair \ud83d", "name"),
        ("Status", {"State": "Enabled"}, "status"),
        ("CreationDate", "2026-11-24", "creation_date"),
        ("CreationDate", True, "creation_date"),
        ("CreationDate", 1e300, "creation_date"),
        ("LambdaConfig", "arn:aws:lambda", "lambda_config"),
        ("LambdaConfig", [], "lambda_config"),
    ],
)
def test_a_value_that_its_column_cannot_hold_is_kept_as_sent(member: str, value: Any, column: str) -> None:
    found = row(**{member: value})
    assert found[column] is None
    assert json.loads(found["unmodelled"]) == {member: value}


def test_a_time_finer_than_its_column_is_kept_whole_beside_it() -> None:
    found = row(CreationDate=1_700_000_000.1234)
    assert found["creation_date"] == "2023-11-14T22:13:20.123Z"
    assert json.loads(found["unmodelled"]) == {"CreationDate": 1_700_000_000.1234}


def test_no_triggers_differ_from_a_missing_lambda_config() -> None:
    silent = any_pool()
    del silent["LambdaConfig"]
    assert row(LambdaConfig={})["lambda_config"] == {}
    assert "lambda_config" not in rows.data_row(silent, partition="aws", target=any_target(), snapshot_time=TIME)


def sent_again(row: dict[str, Any], columns: tuple[Column, ...]) -> dict[str, Any]:
    """The columns' values under the names that the service has for them."""
    return {
        str(column.member): sent_again(row[column.name], column.columns)
        if column.kind is Kind.STRUCT
        else row[column.name]
        for column in columns
        if column.member and column.name in row
    }


def any_value(shape: Any) -> Any:
    """A value of a shape of the service's model, with every member that it can have."""
    if shape.type_name == "structure":
        return {name: any_value(member) for name, member in shape.members.items()}
    if shape.type_name == "list":
        return [any_value(shape.member)]
    return 1_700_000_000 if shape.type_name == "timestamp" else f"any {shape.name}"


def test_each_member_of_the_sdks_model_is_kept() -> None:
    """In a column, or in unmodelled."""
    model = Session().get_service_model("cognito-idp").operation_model("ListUserPools").output_shape
    pool = any_value(model.members["UserPools"].member)  # type: ignore[union-attr] # the model has an output
    found = rows.data_row(pool, partition="aws", target=any_target(), snapshot_time=TIME)
    again = sent_again(found, schema.DATA)
    assert again.pop("CreationDate") == again.pop("LastModifiedDate") == "2023-11-14T22:13:20.000Z"
    unmodelled = json.loads(found["unmodelled"] or "{}")
    del pool["CreationDate"], pool["LastModifiedDate"]
    assert {**unmodelled, **again} == pool
    # What the design's own page of the API has is all in columns; the SDK has since learnt of one member more.
    assert set(unmodelled) <= {"ReplicaRegions"}


NAMES = [str(column.member) for column in (*schema.DATA, *schema.LAMBDA_CONFIG) if column.member] + ["New"]
LEAVES = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(st.characters(codec=None), max_size=8)
)
ANY_JSON = st.recursive(
    LEAVES,
    lambda parts: st.lists(parts, max_size=3) | st.dictionaries(st.sampled_from(NAMES) | st.text(max_size=4), parts),
    max_leaves=10,
)


def refuse(constant: str) -> None:
    raise AssertionError(f"{constant} is no JSON")


def without_nulls(sent: Any) -> Any:
    """What was sent less the members that are null, which a column does not tell from those that are not there."""
    if isinstance(sent, dict):
        return {name: without_nulls(each) for name, each in sent.items() if each is not None}
    return sent


def merged(values: Any, rest: Any) -> Any:
    """The columns' values with what was left over; that is whole where a column has only a part, as of a time."""
    if isinstance(values, dict) and isinstance(rest, dict):
        return {name: merged(values.get(name), rest.get(name)) for name in values.keys() | rest.keys()}
    return values if rest is None else rest


def as_sent(row: dict[str, Any], columns: tuple[Column, ...]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for column in columns:
        value = row.get(column.name)
        if column.member and value is not None:
            if column.kind is Kind.STRUCT:
                value = as_sent(value, column.columns)
            elif column.kind is Kind.TIMESTAMP:
                value = (value - rows.EPOCH) / timedelta(seconds=1)
            found[column.member] = value
    return found


@given(st.dictionaries(st.sampled_from(NAMES) | st.text(max_size=4), ANY_JSON), ANY_JSON)
@example({"CreationDate": 1e308, "LastModifiedDate": -1e308}, 0)
@example({"CreationDate": -62135596800, "LastModifiedDate": 253402300799.999}, 0)
@example({"LambdaConfig": {"PreTokenGenerationConfig": {"LambdaArn": ["\ud83d"]}}}, -0.0)
def test_whatever_is_sent_is_in_the_row_as_parquet_has_it(pool: dict[str, Any], extra: Any) -> None:
    sent = {**pool, "Extra": extra, "Id": "us-east-1_AbCdEfGhI"}
    line = rows.json_line(rows.data_row(sent, partition="aws", target=any_target(), snapshot_time=TIME))
    json.loads(line, parse_constant=refuse)
    (read,) = pa.table(read_json(io.BytesIO(line), schema.arrow_schema(schema.DATA)).read_all()).to_pylist()
    rest = json.loads(read["unmodelled"] or "{}", parse_constant=refuse)
    assert without_nulls(merged(as_sent(read, schema.DATA), rest)) == without_nulls(sent)
