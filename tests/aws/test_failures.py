import re
from pathlib import Path
from typing import Any

import pytest
from botocore.awsrequest import AWSRequest
from botocore.exceptions import (
    BotoCoreError,
    ClientError,
    ConnectionClosedError,
    ConnectTimeoutError,
    CredentialRetrievalError,
    EndpointConnectionError,
    NoCredentialsError,
    ParamValidationError,
    PartialCredentialsError,
    ReadTimeoutError,
    SSOTokenLoadError,
    TokenRetrievalError,
    UnauthorizedSSOTokenError,
)
from botocore.httpsession import URLLib3Session
from pool_inventory.aws import failures
from pool_inventory.terminal.demo.stand_in import StandIn

from tests import tls


def client_error(code: str, status: int = 400, message: str = "said") -> ClientError:
    response: Any = {"Error": {"Code": code, "Message": message}, "ResponseMetadata": {"HTTPStatusCode": status}}
    return ClientError(response, "ListUserPools")


@pytest.mark.parametrize(
    "error",
    [
        client_error("TooManyRequestsException"),
        client_error("ThrottlingException"),
        client_error("RequestLimitExceeded"),
        client_error("SomethingNew", 429),
        client_error("InternalErrorException"),
        client_error("InternalErrorException", 500),
        client_error("502", 502),
        client_error("ServiceUnavailable", 503),
        ReadTimeoutError(endpoint_url="x"),
        ConnectTimeoutError(endpoint_url="x"),
        ConnectionClosedError(endpoint_url="x"),
        EndpointConnectionError(endpoint_url="x"),
        failures.MalformedResponseError("cut"),
    ],
)
def test_a_transient_error_is_retried(error: Exception) -> None:
    assert failures.is_transient(error)


@pytest.mark.parametrize(
    "error",
    [
        client_error("AccessDeniedException"),
        client_error("NotAuthorizedException"),
        client_error("UnrecognizedClientException"),
        client_error("ExpiredTokenException"),
        client_error("InvalidParameterException"),
        client_error("Unknown", 403),
        NoCredentialsError(),
        ParamValidationError(report="MaxResults"),
        ValueError("ours"),
    ],
)
def test_a_permanent_error_is_not_retried(error: Exception) -> None:
    assert not failures.is_transient(error)


@pytest.mark.parametrize(
    "code", ["AccessDeniedException", "UnrecognizedClientException", "ExpiredTokenException", "NotAuthorizedException"]
)
def test_a_caller_that_is_refused_is_denied(code: str) -> None:
    assert failures.is_denied(client_error(code))
    assert not failures.is_denied(client_error("InvalidParameterException"))


def test_an_errors_text_is_one_line_of_bounded_length() -> None:
    message = failures.error_message(client_error("400", message="<html>\n<p>" + "x" * 5000))
    assert message.startswith("<html> <p>xxx")
    assert len(message) == 1000


@pytest.mark.parametrize(
    "error",
    [
        NoCredentialsError(),
        CredentialRetrievalError(provider="custom-process", error_msg="still expired"),
        PartialCredentialsError(provider="env", cred_var="AWS_SECRET_ACCESS_KEY"),
        UnauthorizedSSOTokenError(),
        SSOTokenLoadError(profile_name="audit", error_msg="expired"),
        TokenRetrievalError(provider="sso", error_msg="expired"),
    ],
)
def test_a_caller_without_usable_credentials_is_denied(error: Exception) -> None:
    assert failures.is_denied(error)
    assert not failures.is_transient(error)


def test_a_services_text_is_shown_without_control_characters() -> None:
    error = client_error("Odd\x1b[2J" * 100, message="half \ud83d, \x9b, \u202e")
    assert failures.error_message(error) == r"half \ud83d, \x9b, \u202e"
    assert failures.error_code(error).startswith(r"Odd\x1b[2JOdd")
    assert len(failures.error_code(error)) == 100


def test_an_unexpected_error_says_where_it_was_raised() -> None:
    with pytest.raises(ValueError, match="seven") as caught:
        raise ValueError("seven")
    assert re.fullmatch(r"seven \(test_failures[.]py, line \d+\)", failures.error_message(caught.value))
    assert failures.error_message(failures.UnreachableError("no")) == "no"


def refused_certificate(stand_in: StandIn, folder: Path, *, days: int, trusted: bool) -> BotoCoreError:
    with tls.serve(stand_in, folder, days=days) as endpoint:
        verify: Any = str(endpoint.root) if trusted else True
        request = AWSRequest("GET", endpoint.url).prepare()
        with pytest.raises(BotoCoreError) as caught:
            URLLib3Session(verify=verify).send(request)
    return caught.value


def test_a_certificate_under_no_trusted_root_is_final(aws: StandIn, tmp_path: Path) -> None:
    """And its text says what to set, in a deploy and in a terminal."""
    error = refused_certificate(aws, tmp_path, days=1, trusted=False)
    assert not failures.is_transient(error)
    assert "-c trustStore=FILE, or set AWS_CA_BUNDLE=FILE in a terminal" in failures.error_message(error)


def test_a_certificate_that_has_expired_is_asked_again(aws: StandIn, tmp_path: Path) -> None:
    """Another machine behind the same name may have its successor; no trust store would help."""
    error = refused_certificate(aws, tmp_path, days=-1, trusted=True)
    assert failures.is_transient(error)
    assert "certificate has expired" in failures.error_message(error)
    assert "trustStore" not in failures.error_message(error)
