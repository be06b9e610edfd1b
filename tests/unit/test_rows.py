import json
from typing import Any

import pytest
from botocore.session import Session
from pool_inventory import rows, schema
from pool_inventory.schema import Column, Kind

from tests.makers import ACCOUNT_ID, TIME, any_pool, any_target


def row(**members: Any) -> dict[str, Any]:
    return rows.data_row(any_pool(**members), target=any_target("eu-west-1"), snapshot_time=TIME)


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
    }


def test_a_member_that_nobody_has_modelled_survives_wherever_it_stands() -> None:
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
def test_a_value_that_its_column_cannot_hold_is_kept_as_it_was_sent(member: str, value: Any, column: str) -> None:
    found = row(**{member: value})
    assert found[column] is None
    assert json.loads(found["unmodelled"]) == {member: value}


def test_a_time_finer_than_its_column_is_kept_whole_beside_it() -> None:
    found = row(CreationDate=1_700_000_000.1234)
    assert found["creation_date"] == "2023-11-14T22:13:20.123Z"
    assert json.loads(found["unmodelled"]) == {"CreationDate": 1_700_000_000.1234}


def test_no_triggers_and_no_word_of_triggers_are_told_apart() -> None:
    silent = any_pool()
    del silent["LambdaConfig"]
    assert row(LambdaConfig={})["lambda_config"] == {}
    assert "lambda_config" not in rows.data_row(silent, target=any_target(), snapshot_time=TIME)


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


def test_each_member_of_the_services_own_model_is_in_a_column_or_in_unmodelled() -> None:
    model = Session().get_service_model("cognito-idp").operation_model("ListUserPools").output_shape
    pool = any_value(model.members["UserPools"].member)  # type: ignore[union-attr] # the model has an output
    found = rows.data_row(pool, target=any_target(), snapshot_time=TIME)
    again = sent_again(found, schema.DATA)
    assert again.pop("CreationDate") == again.pop("LastModifiedDate") == "2023-11-14T22:13:20.000Z"
    unmodelled = json.loads(found["unmodelled"] or "{}")
    del pool["CreationDate"], pool["LastModifiedDate"]
    assert {**unmodelled, **again} == pool
    # What the design's own page of the API has is all in columns; the SDK has since learnt of one member more.
    assert set(unmodelled) <= {"ReplicaRegions"}
