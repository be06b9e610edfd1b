import boto3
import pytest
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
