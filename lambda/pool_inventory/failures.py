"""What a failed call means: throttled, denied, or a failure that may pass."""

from botocore.exceptions import ClientError, HTTPClientError, IncompleteReadError
from botocore.exceptions import ConnectionError as BotocoreConnectionError

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
TOO_MANY_REQUESTS = 429
FORBIDDEN = 403
SERVER_ERROR = 500
MESSAGE_CHARACTERS = 1000


class MalformedResponseError(Exception):
    """A response that says 200 but is not an answer: cut short, a proxy's page, or of another shape."""


def is_throttle(error: BaseException | None) -> bool:
    """Tell whether the service asked for fewer requests, be it as HTTP 400 (as Cognito does) or as 429."""
    return isinstance(error, ClientError) and (
        error_code(error) in THROTTLE_CODES or http_status(error) == TOO_MANY_REQUESTS
    )


def is_denied(error: BaseException | None) -> bool:
    """Tell whether the service refused the caller, whom it does not know, does not trust any more, or does not let."""
    return isinstance(error, ClientError) and (error_code(error) in DENIED_CODES or http_status(error) == FORBIDDEN)


def is_transient(error: BaseException) -> bool:
    """Tell whether the same call may well succeed in a moment."""
    if isinstance(error, ClientError):
        return is_throttle(error) or error_code(error) in TRANSIENT_CODES or http_status(error) >= SERVER_ERROR
    return isinstance(error, HTTPClientError | BotocoreConnectionError | IncompleteReadError | MalformedResponseError)


def error_code(error: BaseException) -> str:
    """Give the service's own code for an error, or the error's name where it is not the service's."""
    if isinstance(error, ClientError):
        return str(error.response.get("Error", {}).get("Code") or "Unknown")
    return type(error).__name__


def error_message(error: BaseException) -> str:
    """Give the service's own text for an error, or the error's own, on one line of at most 1,000 characters."""
    text = error.response.get("Error", {}).get("Message") if isinstance(error, ClientError) else None
    return " ".join(str(text or error).split())[:MESSAGE_CHARACTERS]


def http_status(error: ClientError) -> int:
    """Give the HTTP status that came with the service's error, 0 where none did."""
    return int(error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0))
