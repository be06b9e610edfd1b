import boto3
import pytest
from botocore.loaders import JSONFileLoader
from pool_inventory.aws.session import account_from_arn, caller_account, open_session
from pool_inventory.errors import TargetsError
from pool_inventory.model import Account
from pool_inventory.terminal.demo.stand_in import StandIn
from werkzeug.wrappers import Response

from tests.makers import ACCOUNT_ID

ACCOUNT = Account(ACCOUNT_ID, "aws")


def test_the_current_region_is_the_one_that_lambda_names(aws: StandIn, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("AWS_DEFAULT_REGION", raising=False)
    monkeypatch.setenv("AWS_REGION", "eu-west-3")
    assert open_session().region_name == "eu-west-3"


def test_the_account_is_the_functions_own_or_the_callers(aws: StandIn) -> None:
    """The function's own in Lambda, and elsewhere the caller's."""
    arn = "arn:aws-us-gov:lambda:us-gov-west-1:999999999999:function:pool-inventory:live"
    assert account_from_arn(arn) == Account("999999999999", "aws-us-gov")
    assert caller_account(boto3.session.Session(), "us-east-1") == ACCOUNT


def test_an_arn_without_an_account_is_an_error() -> None:
    with pytest.raises(TargetsError, match="'arn:aws:s3:::bucket' is no ARN"):
        account_from_arn("arn:aws:s3:::bucket")


def test_credentials_that_sts_rejects_are_an_error(aws: StandIn) -> None:
    body = "<ErrorResponse><Error><Code>InvalidClientTokenId</Code><Message>invalid</Message></Error></ErrorResponse>"
    aws.answers.append(lambda _: Response(body, 403))
    with pytest.raises(TargetsError, match="the credentials cannot be used"):
        caller_account(boto3.session.Session(), "us-east-1")


def test_the_sdks_data_is_loaded_once_for_all_sessions(aws: StandIn, monkeypatch: pytest.MonkeyPatch) -> None:
    """Those of a warm function, for example."""
    open_session().client("cognito-idp")
    monkeypatch.setattr(JSONFileLoader, "load_file", None)
    open_session().client("cognito-idp", region_name="eu-west-1")


def test_a_later_session_has_what_the_environment_says_then(aws: StandIn, monkeypatch: pytest.MonkeyPatch) -> None:
    first = open_session()
    for name, value in {"AWS_ACCESS_KEY_ID": "LATER", "AWS_REGION": "eu-west-1"}.items():
        monkeypatch.setenv(name, value)
    second = open_session()
    first.client("cognito-idp").list_user_pools(MaxResults=1)
    second.client("cognito-idp").list_user_pools(MaxResults=1)
    credentials = [request.headers["Authorization"].split("/") for request in aws.requests]
    assert [(key.rpartition("=")[2], region) for key, _, region, *_ in credentials] == [
        ("testing", "us-east-1"),
        ("LATER", "eu-west-1"),
    ]
