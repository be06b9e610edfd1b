"""What a failed call means: throttled, denied, or transient."""

import socket
import ssl
import traceback
from collections.abc import Iterator
from pathlib import PurePath

import botocore.exceptions as botocore
from botocore.exceptions import ClientError, HTTPClientError, IncompleteReadError
from botocore.exceptions import ConnectionError as BotocoreConnectionError
from botocore.parsers import ResponseParserError
from urllib3.exceptions import NameResolutionError

from pool_inventory.text import one_line

# botocore's own union of what services call a throttle: botocore.retries.standard.ThrottledRetryableChecker.
THROTTLE_CODES = frozenset(
    {
        "BandwidthLimitExceeded",
        "EC2ThrottledException",
        "LimitExceededException",
        "PriorRequestNotComplete",
        "ProvisionedThroughputExceededException",
        "RequestLimitExceeded",
        "RequestThrottled",
        "RequestThrottledException",
        "SlowDown",
        "ThrottledException",
        "Throttling",
        "ThrottlingException",
        "TooManyRequestsException",
        "TransactionInProgressException",
    }
)
TRANSIENT_CODES = frozenset({"InternalErrorException", "RequestTimeout", "RequestTimeoutException"})
# Of these, UnrecognizedClientException is also what a region says that the account has not enabled.
DENIED_CODES = frozenset(
    {
        "AccessDenied",
        "AccessDeniedException",
        "ExpiredToken",
        "ExpiredTokenException",
        "IncompleteSignature",
        "InvalidClientTokenId",
        "InvalidSignatureException",
        "MissingAuthenticationTokenException",
        "NotAuthorizedException",
        "OptInRequired",
        "SignatureDoesNotMatch",
        "SubscriptionRequiredException",
        "UnauthorizedOperation",
        "UnrecognizedClientException",
    }
)
# What botocore raises where there are no credentials, or none that can be used.
CREDENTIALS_ERRORS = (
    botocore.CredentialRetrievalError,
    botocore.InvalidConfigError,
    botocore.LoginError,
    botocore.MetadataRetrievalError,
    botocore.NoAuthTokenError,
    botocore.NoCredentialsError,
    botocore.PartialCredentialsError,
    botocore.RefreshWithMFAUnsupportedError,
    botocore.SSOError,
    botocore.TokenRetrievalError,
    botocore.UnknownCredentialError,
)
# What OpenSSL says of a certificate under no root that is trusted: openssl-verification-options(1). No trust store
# mends one that has expired, or that is of another name.
_UNTRUSTED_CODES = frozenset({18, 19, 20, 21})
_TRUST_ADVICE = (
    "its certificate is under no root that is trusted here: if something inspects TLS on the way, or the endpoint is "
    "your own, deploy with -c trustStore=FILE, or set AWS_CA_BUNDLE=FILE in a terminal, a PEM file with its root; "
    "-c trustStore=all trusts the roots that browsers do"
)
TOO_MANY_REQUESTS = 429
FORBIDDEN = 403
SERVER_ERROR = 500
CODE_CHARACTERS = 100
MESSAGE_CHARACTERS = 1000
REASON_CHARACTERS = 200


class MalformedResponseError(Exception):
    """A response that says 200 but is not an answer: a proxy's page, or of another shape."""


class UnreachableError(Exception):
    """No attempt reached the endpoint."""


class UnknownNameError(UnreachableError):
    """The endpoint's name does not exist."""


def is_throttle(error: BaseException | None) -> bool:
    """Whether the service asked for fewer requests, be it as HTTP 400 (as Cognito does) or as 429."""
    return isinstance(error, ClientError) and (
        error_code(error) in THROTTLE_CODES or http_status(error) == TOO_MANY_REQUESTS
    )


def is_denied(error: BaseException | None) -> bool:
    """Whether the service refused the caller, or there were no credentials to show it."""
    if isinstance(error, ClientError):
        return error_code(error) in DENIED_CODES or http_status(error) == FORBIDDEN
    return isinstance(error, CREDENTIALS_ERRORS)


def is_transient(error: BaseException) -> bool:
    """Whether the same call may succeed if it is made again."""
    if isinstance(error, ClientError):
        return is_throttle(error) or error_code(error) in TRANSIENT_CODES or http_status(error) >= SERVER_ERROR
    if is_untrusted(error):
        return False
    return is_malformed(error) or isinstance(error, HTTPClientError | BotocoreConnectionError | IncompleteReadError)


def is_malformed(error: BaseException) -> bool:
    """Whether the response was malformed; the next one may be as well."""
    return isinstance(error, MalformedResponseError | ResponseParserError)


def is_unreachable(error: BaseException) -> bool:
    """Whether the request did not get as far as the service: no name, no connection, no TLS, no proxy."""
    # botocore raises HTTPClientError itself for whatever else ends a request before it is sent, such as a bundle of
    # certificates that is not there.
    return isinstance(error, BotocoreConnectionError) or type(error) is HTTPClientError


def is_untrusted(error: BaseException) -> bool:
    """Whether the certificate of the endpoint, or of the proxy, is under no root that is trusted."""
    return any(
        isinstance(cause, ssl.SSLCertVerificationError) and cause.verify_code in _UNTRUSTED_CODES
        for cause in _causes(error)
    )


def trust_advice(error: BaseException) -> str | None:
    """Return what to set so that an endpoint is trusted, None where that is not what is wrong."""
    return _TRUST_ADVICE if is_untrusted(error) else None


def _causes(error: BaseException | None) -> Iterator[BaseException]:
    """Return an error, and those that it was raised from: botocore keeps in its `error` what it raised its own for."""
    while error is not None:
        yield error
        inner = getattr(error, "kwargs", {}).get("error")
        error = inner if isinstance(inner, BaseException) else error.__cause__ or error.__context__


def is_answer(error: BaseException) -> bool:
    """Whether the error is what came back, or what was wrong with it."""
    return is_malformed(error) or isinstance(error, ClientError | IncompleteReadError)


def is_unknown_name(error: BaseException) -> bool:
    """Whether the endpoint's own name does not exist, by the answer of a resolver that was reached."""
    # Of a proxy's name, botocore raises ProxyConnectionError.
    inner = error.kwargs.get("error") if isinstance(error, botocore.EndpointConnectionError) else None
    cause = inner.__cause__ if isinstance(inner, NameResolutionError) else None
    # EAI_AGAIN says that no resolver answered, EAI_NODATA that the name exists: getaddrinfo(3).
    return isinstance(cause, socket.gaierror) and cause.errno == socket.EAI_NONAME


def unreachable_reason(error: BaseException) -> str:
    """Return why a request did not get as far as the service."""
    inner = getattr(error, "kwargs", {}).get("error")
    # What urllib3 says of a proxy is wrapped once more.
    inner = getattr(inner, "original_error", inner)
    if isinstance(inner, NameResolutionError):
        return "the name does not resolve"
    cause = inner.__cause__ if isinstance(inner, BaseException) else None
    if isinstance(cause, OSError) and cause.strerror:
        return one_line(cause.strerror, REASON_CHARACTERS)
    return one_line(str(inner or error), REASON_CHARACTERS)


def unreachable_endpoint(error: BaseException) -> str:
    """Return the address that a request did not reach: the endpoint's, or the proxy's."""
    named = getattr(error, "kwargs", {})
    return one_line(str(named.get("proxy_url") or named.get("endpoint_url") or "the endpoint"), REASON_CHARACTERS)


def error_code(error: BaseException) -> str:
    """Return the service's own code for an error, or the error's name where it is not the service's: a short line."""
    if isinstance(error, ClientError):
        return one_line(str(error.response.get("Error", {}).get("Code") or "Unknown"), CODE_CHARACTERS)
    return type(error).__name__


def error_message(error: BaseException) -> str:
    """Return the service's own text for an error, or the error's own: one printable line of bounded length."""
    text = error.response.get("Error", {}).get("Message") if isinstance(error, ClientError) else None
    advice = trust_advice(error)
    return one_line(f"{text or error}{_place(error)}{f': {advice}' if advice else ''}", MESSAGE_CHARACTERS)


def _place(error: BaseException) -> str:
    """Return where an unexpected error was raised: its own text may say little."""
    if type(error).__module__.partition(".")[0] in {"botocore", __name__.partition(".")[0]}:
        return ""
    frames = traceback.extract_tb(error.__traceback__)
    return f" ({PurePath(frames[-1].filename).name}, line {frames[-1].lineno})" if frames else ""


def http_status(error: ClientError) -> int:
    """Return the HTTP status that came with the service's error, 0 where none did."""
    return int(error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0))
