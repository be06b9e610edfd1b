"""What a failed call to S3 means, and what would help."""

import re

from botocore.exceptions import (
    BotoCoreError,
    ClientError,
    FlexibleChecksumError,
    HTTPClientError,
    IncompleteReadError,
    NoCredentialsError,
)
from botocore.exceptions import ConnectionError as BotocoreConnectionError
from botocore.parsers import ResponseParserError

from pool_inventory.aws.failures import (
    FORBIDDEN,
    SERVER_ERROR,
    MalformedResponseError,
    error_code,
    http_status,
    trust_advice,
)
from pool_inventory.text import one_line

NO_SUCH_KEY = "NoSuchKey"
# About the caller, whatever the object: https://docs.aws.amazon.com/AmazonS3/latest/API/ErrorResponses.html
CALLER_CODES = frozenset(
    {
        "AccountProblem",
        "AuthFailure",
        "ExpiredToken",
        "InvalidAccessKeyId",
        "InvalidSecurity",
        "InvalidToken",
        "NotSignedUp",
        "SignatureDoesNotMatch",
        "TokenRefreshRequired",
    }
)
CLOCK_CODES = frozenset({"RequestExpired", "RequestTimeTooSkewed"})
# Archived; under a key of the customer's own that each request has to bring (SSE-C).
REFUSED_CODES = frozenset({"InvalidObjectState", "InvalidRequest"})
NETWORK_ERRORS = (
    BotocoreConnectionError,
    FlexibleChecksumError,
    HTTPClientError,
    IncompleteReadError,
    MalformedResponseError,
    ResponseParserError,
)

_LOG_IN_AGAIN = "check the credentials: log in again, as with `aws sso login`, or use another profile or role"
_EXPIRED = "log in again, as with `aws sso login`"
_BY_CODE = {
    **dict.fromkeys(CALLER_CODES, _LOG_IN_AGAIN),
    **dict.fromkeys(CLOCK_CODES, "set this machine's clock"),
    "ExpiredToken": _EXPIRED,
    "TokenRefreshRequired": _EXPIRED,
    "InvalidAccessKeyId": "the access key is not, or no longer, there: use another key, or another profile or role",
    "NoSuchBucket": "create the bucket, or name another: look for a slip in its name",
    "InvalidObjectState": "it is archived: restore it (s3:RestoreObject), or delete it",
}
# botocore follows S3 to the bucket's region by itself, unless it was given an endpoint.
_REGION_CODES = frozenset({"IllegalLocationConstraintException", "PermanentRedirect", "TemporaryRedirect"})
_REGION_HEADER = "x-amz-bucket-region"
_REGION = re.compile(r"[a-z]{2,}(-[a-z]+)+-\d+")
_PASSING_KEY_CODE = re.compile("Throttl|Internal|Timeout|Unavailable")
_OF_A_KEY = re.compile(r"\bkms:[A-Z]|:kms:|master key")
_KEY_ARN = re.compile(r"arn:[\w-]+:kms:[\w-]*:\d{12}:(?:key|alias)/[\w/-]+")
_KEY_HEADER = "x-amz-server-side-encryption-aws-kms-key-id"
# https://docs.aws.amazon.com/IAM/latest/UserGuide/troubleshoot_access-denied.html
_DENIAL = re.compile(
    r"(?P<deny>explicit deny in an? |because no )(?P<policy>permissions boundary|"
    r"(?:identity-based|resource-based|service control|resource control|session|VPC endpoint) policy)"
)
_RESOURCE_POLICY = "resource-based policy"


def is_refused(error: BaseException) -> bool:
    """Whether S3 refuses this object to this caller, and would again."""
    if not isinstance(error, ClientError):
        return False
    code = error_code(error)
    if code in CALLER_CODES | CLOCK_CODES or http_status(error) >= SERVER_ERROR:
        return False
    if code.startswith("KMS"):
        return not _PASSING_KEY_CODE.search(code)
    return code in REFUSED_CODES or http_status(error) == FORBIDDEN


def reason_of(error: BaseException) -> str:
    """Return the error's text on one line, with its type where it is not botocore's own."""
    text = one_line(str(error)).rstrip(". ")
    return text if isinstance(error, ClientError | BotoCoreError) else f"{type(error).__name__}: {text}"


def advice(
    error: BaseException, *, writes: bool, bucket: str = "", objects: str = "", encryption: str | None = None
) -> str:
    """Return what would help.

    Args:
        error: what the call raised.
        writes: whether it was to write.
        bucket: the bucket's ARN.
        objects: the ARN of all objects under the prefix.
        encryption: what is asked for with each write.
    """
    if not isinstance(error, ClientError):
        return _advice_without_an_answer(error)
    known = _advice_by_code(error)
    if known:
        return known
    if is_refused(error) and _is_of_a_key(error):
        return _advice_on_the_key(error, writes=writes, encryption=encryption)
    if http_status(error) == FORBIDDEN:
        return _advice_on_the_denial(error, writes=writes, bucket=bucket, objects=objects, encryption=encryption)
    said = f"HTTP status {http_status(error)}"
    return f"{said}: S3 is busy or has trouble, try again later" if http_status(error) >= SERVER_ERROR else said


def _advice_without_an_answer(error: BaseException) -> str:
    trust = trust_advice(error)
    if trust:
        return trust
    if isinstance(error, NETWORK_ERRORS):
        return "check the network between here and S3, and any proxy"
    if isinstance(error, NoCredentialsError):
        return "log in, as with `aws sso login`, or name a profile that is logged in, with --profile or AWS_PROFILE"
    return _LOG_IN_AGAIN


def _advice_by_code(error: ClientError) -> str | None:
    region = _region_of_the_bucket(error)
    if region or error_code(error) in _REGION_CODES:
        return _advice_on_the_region(region)
    return _BY_CODE.get(error_code(error))


def _region_of_the_bucket(error: ClientError) -> str | None:
    """Return the region that S3 says to use instead, None where that is not what is wrong."""
    if error_code(error) not in _REGION_CODES | {"AuthorizationHeaderMalformed"}:
        return None
    headers = error.response.get("ResponseMetadata", {}).get("HTTPHeaders", {})
    named = headers.get(_REGION_HEADER) or str(error.response["Error"].get("Region", ""))
    return named if _REGION.fullmatch(named) else None


def _advice_on_the_region(region: str | None) -> str:
    if region is None:
        return (
            "the bucket is in another region: set AWS_REGION to the one that `aws s3api get-bucket-location` says, "
            "and no endpoint of another (AWS_ENDPOINT_URL)"
        )
    return f"the bucket is in {region}: set AWS_REGION={region}, and no endpoint of another region (AWS_ENDPOINT_URL)"


def _is_of_a_key(error: ClientError) -> bool:
    return error_code(error).startswith("KMS") or bool(_OF_A_KEY.search(one_line(str(error))))


def _advice_on_the_key(error: ClientError, *, writes: bool, encryption: str | None) -> str:
    text = one_line(str(error))
    headers = error.response.get("ResponseMetadata", {}).get("HTTPHeaders", {})
    named = _KEY_ARN.search(text) or _KEY_ARN.search(one_line(headers.get(_KEY_HEADER, "")))
    asked = encryption if writes and encryption and _KEY_ARN.fullmatch(encryption) else None
    key = named[0] if named else asked or "that encrypts it"
    actions = "kms:GenerateDataKey and kms:Decrypt" if writes else "kms:Decrypt"
    denial = _DENIAL.search(text)
    if denial and denial["deny"].startswith("explicit"):
        whose = "the key's own policy" if denial["policy"] == _RESOURCE_POLICY else f"a {denial['policy']}"
        return f"{whose} denies the use of the key {key}, which no grant outweighs: except the caller from the denial"
    return f"see that the key {key} is enabled, and grant {actions} on it, in the key's policy and in the caller's"


def _advice_on_the_denial(
    error: ClientError, *, writes: bool, bucket: str, objects: str, encryption: str | None
) -> str:
    denial = _DENIAL.search(one_line(str(error)))
    policy = denial["policy"] if denial else ""
    if denial and denial["deny"].startswith("explicit"):
        if policy != _RESOURCE_POLICY:
            return f"an explicit deny in a {policy} outweighs every grant: except the caller from it there"
        if not writes:
            return (
                "the bucket's policy denies it, which no grant outweighs: see what its Deny statements demand, such "
                "as a VPC endpoint or an address"
            )
        return (
            "the bucket's policy denies it, which no grant outweighs: see what its Deny statements demand. For "
            "encryption, set INVENTORY_ENCRYPTION or --encryption to AES256 or to the KMS key's ARN "
            f"(now: {encryption or 'none'}); for an ACL (x-amz-acl), which is never sent, change the policy; it may "
            "also demand a VPC endpoint or an address"
        )
    where = f"in the {policy}, " if policy else ""
    return (
        f"{where}grant s3:GetObject{' and s3:PutObject' if writes else ''} on {objects}, and s3:ListBucket on "
        f"{bucket}, without which S3 says so of an object that is not there, too"
        f"{'' if policy else '; or correct the name, if it is the bucket of somebody else'}"
    )
