"""Parse the text of one setting; a ValueError names what would be accepted."""

import re
import ssl
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TypeVar

from aws_cdk.aws_logs import RetentionDays
from pool_inventory import settings as function

from infra import due
from infra.bundle import trust

T = TypeVar("T")

# https://docs.aws.amazon.com/AmazonCloudWatchLogs/latest/APIReference/API_PutRetentionPolicy.html
RETENTION = {
    "1": RetentionDays.ONE_DAY,
    "3": RetentionDays.THREE_DAYS,
    "5": RetentionDays.FIVE_DAYS,
    "7": RetentionDays.ONE_WEEK,
    "14": RetentionDays.TWO_WEEKS,
    "30": RetentionDays.ONE_MONTH,
    "60": RetentionDays.TWO_MONTHS,
    "90": RetentionDays.THREE_MONTHS,
    "120": RetentionDays.FOUR_MONTHS,
    "150": RetentionDays.FIVE_MONTHS,
    "180": RetentionDays.SIX_MONTHS,
    "365": RetentionDays.ONE_YEAR,
    "400": RetentionDays.THIRTEEN_MONTHS,
    "545": RetentionDays.EIGHTEEN_MONTHS,
    "731": RetentionDays.TWO_YEARS,
    "1096": RetentionDays.THREE_YEARS,
    "1827": RetentionDays.FIVE_YEARS,
    "2192": RetentionDays.SIX_YEARS,
    "2557": RetentionDays.SEVEN_YEARS,
    "2922": RetentionDays.EIGHT_YEARS,
    "3288": RetentionDays.NINE_YEARS,
    "3653": RetentionDays.TEN_YEARS,
}
_PYTHON_VERSIONS = {version: version for version in ("3.12", "3.13", "3.14")}
_URL_CHARACTERS = 400
YES_NO = {"yes": True, "no": False}
# As whom CloudFormation is called for a StackSet.
STACK_SETS: Mapping[str, str | None] = {"management": "SELF", "delegated": "DELEGATED_ADMIN", "no": None}
ARCHITECTURES = {architecture: architecture for architecture in ("arm64", "x86_64")}
_KEY_ARN_IN_WORDS = f"the ARN of a KMS key, as in {function.KEY_ARN_EXAMPLE}"


def one_of(choices: Mapping[str, T]) -> Callable[[str], T]:
    """Return a parser of a few named choices."""

    def parse(text: str) -> T:
        if text not in choices:
            raise ValueError(f"not one of {', '.join(choices)}")
        return choices[text]

    return parse


def whole_number(lowest: int, highest: int) -> Callable[[str], int]:
    """Return a parser of whole numbers within two bounds, both included."""

    def parse(text: str) -> int:
        if not re.fullmatch(r"[0-9]{1,9}", text) or not lowest <= int(text) <= highest:
            raise ValueError(f"not a whole number from {lowest} to {highest}")
        return int(text)

    return parse


def stack_name(text: str) -> str:
    """Return the name of a CloudFormation stack."""
    if not re.fullmatch(r"[A-Za-z][A-Za-z0-9-]{0,127}", text):
        raise ValueError("not a stack's name (1 to 128 letters, digits and hyphens, a letter first)")
    return text


def schedule(text: str) -> str:
    """Return an expression of EventBridge Scheduler that is due again and again, or nothing."""
    if not text:
        return text
    # https://docs.aws.amazon.com/scheduler/latest/UserGuide/schedule-types.html
    rate = r"rate\([1-9][0-9]{0,8} (minute|hour|day)s?\)"
    field = r"[A-Za-z0-9*,/#-]+"
    cron = rf"cron\({field} {field} (\? {field} {field}|{field} {field} \?) {field}\)"
    if not re.fullmatch(f"{rate}|{cron}", text):
        raise ValueError(
            "not a schedule that comes again: use rate(6 hours), or cron(minutes hours day-of-month month day-of-week"
            " year) with ? for exactly one of the two days, as in cron(0 * * * ? *)"
        )
    due.gap_of(text)
    return text


def email_address(text: str) -> str | None:
    """Return an e-mail address, None for an empty text."""
    # Amazon SNS has the last word: it sends to no address that was not confirmed.
    if text and not (text.isprintable() and re.fullmatch(r"[^@\s]{1,64}@([^@\s.]+\.)+[^@\s.]{2,}", text)):
        raise ValueError("not an e-mail address, such as cloud-team@example.com; or leave it empty")
    return text or None


def runbook_url(text: str) -> str | None:
    """Return the https address of a page, None for an empty text."""
    # Of the 1024 characters of an alarm's description the alarm's own words take less than half.
    host = r"(?=.{1,253}[/?#:]|.{1,253}$)([A-Za-z0-9-]{1,63}\.)*[A-Za-z0-9-]{1,63}(:[0-9]{1,5})?"
    if text and (len(text) > _URL_CHARACTERS or not re.fullmatch(rf"https://{host}([/?#][!-~]*)?", text)):
        raise ValueError(
            f"not an https address of at most {_URL_CHARACTERS} characters, without a user's name and with"
            " anything that is not ASCII as %XX, such as https://wiki.example.com/pool-inventory; or leave it empty"
        )
    return text or None


def python_version(text: str) -> str:
    """Return the version of a Lambda runtime that the function's dependencies have wheels for."""
    if re.fullmatch(r"2(\.\d+)?|3\.(\d|10|11)", text):
        raise ValueError(
            "Lambda runs Python 3.11 and older on Amazon Linux 2, whose glibc 2.26 is too old for arro3's wheels:"
            f" use one of {', '.join(_PYTHON_VERSIONS)}"
        )
    return one_of(_PYTHON_VERSIONS)(text)


def database_name(text: str) -> str:
    """Return the name of a Glue database, or nothing."""
    # What needs no quotes in Athena's SQL: https://docs.aws.amazon.com/athena/latest/ug/tables-databases-columns-names.html
    if text and not re.fullmatch(r"[a-z][a-z0-9_]{0,127}", text):
        raise ValueError("not a database's name (1 to 128 of a-z, 0-9 and underscore, a letter first)")
    return text


def bucket_name(text: str) -> str | None:
    """Return the name of a bucket, None for an empty text."""
    return function.BUCKET.parse(text) if text else None


def permissions_boundary(text: str) -> str | None:
    """Return the ARN of a managed policy, None for an empty text."""
    if text and not re.fullmatch(r"arn:aws[a-z-]*:iam::(\d{12}|aws):policy/[\w+=,.@/-]+", text, re.ASCII):
        raise ValueError("not the ARN of a managed policy, as in arn:aws:iam::123456789012:policy/boundary")
    return text or None


def key(text: str) -> str | bool:
    """Return whether the stack makes a key, or the ARN of a key that exists already."""
    if text in YES_NO:
        return YES_NO[text]
    if not function.is_key_arn(text):
        raise ValueError(f"not one of {', '.join(YES_NO)}, and not {_KEY_ARN_IN_WORDS}")
    return text


def keys(text: str) -> tuple[str, ...]:
    """Return the ARNs of a comma list, each once and sorted."""
    arns = [arn.strip() for arn in text.split(",")] if text else []
    for arn in arns:
        if not function.is_key_arn(arn):
            raise ValueError(f"{arn!r} is not {_KEY_ARN_IN_WORDS}: use one, a comma list, or nothing")
    return tuple(sorted(set(arns)))


def accounts(text: str) -> tuple[str, ...]:
    """Return the ids of a comma list of accounts, each once and sorted."""
    ids = [account.strip() for account in text.split(",")] if text else []
    for account in ids:
        if not re.fullmatch(r"[0-9]{12}", account):
            raise ValueError(
                f"{account!r} is not an account's id of 12 digits, zeros at its front included: use one, a comma list,"
                " or nothing"
            )
    return tuple(sorted(set(ids)))


def organization_id(text: str) -> str | None:
    """Return the id of an organization, None for an empty text."""
    # https://docs.aws.amazon.com/organizations/latest/APIReference/API_Organization.html
    if text and not re.fullmatch("o-[a-z0-9]{10,32}", text):
        raise ValueError("not the id of an organization, as in o-a1b2c3d4e5; or leave it empty")
    return text or None


def organizational_units(text: str) -> tuple[str, ...]:
    """Return the ids of a comma list of roots and organizational units, each once and sorted."""
    ids = [each.strip() for each in text.split(",")] if text else []
    for each in ids:
        # https://docs.aws.amazon.com/organizations/latest/APIReference/API_OrganizationalUnit.html
        if not re.fullmatch("r-[0-9a-z]{4,32}|ou-[0-9a-z]{4,32}-[0-9a-z]{8,32}", each):
            raise ValueError(
                f"{each!r} is the id of neither a root, as in r-ab12, nor an organizational unit, as in"
                " ou-ab12-34cd56ef: use one, a comma list, or nothing"
            )
    return tuple(sorted(set(ids)))


def service_name(text: str) -> str:
    """Return the service of metrics and log lines, or nothing."""
    return function.SERVICE_NAME.parse(text) if text else ""


def trust_store(text: str) -> str | bytes:
    """Return whom the function trusts: trust.AMAZON, trust.ALL, or the bytes of a PEM file with roots."""
    if text in {trust.AMAZON, trust.ALL}:
        return text
    wanted = f"use {trust.AMAZON}, {trust.ALL}, or the path of a PEM file with the certificates of roots"
    try:
        content = Path(text).expanduser().read_bytes()
    except (OSError, RuntimeError, ValueError) as error:  # no such file; ~USER, and there is no such user; a NUL
        reason = getattr(error, "strerror", None) or str(error)
        raise ValueError(f"no file that can be read ({reason}): {wanted}") from None
    if b"PRIVATE KEY" in content:
        raise ValueError(f"the file has a private key, which would go into the function's code: {wanted} alone")
    try:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context.load_verify_locations(cadata=content.decode("ascii", errors="replace"))
        roots = context.cert_store_stats()["x509_ca"]
    except (ssl.SSLError, ValueError) as error:
        raise ValueError(f"not a PEM file with certificates ({error}): {wanted}") from None
    if not roots:
        raise ValueError(f"no certificate in the file is one of an authority (CA:TRUE): {wanted}")
    return content


def reserved_concurrency(text: str) -> int | None:
    """Return a number of concurrent runs, None for 0."""
    return whole_number(0, 1000)(text) or None


def tags(text: str) -> Mapping[str, str]:
    """Return the tags by name; the characters and lengths are those that every service takes.

    Source: https://docs.aws.amazon.com/tag-editor/latest/userguide/best-practices-and-strats.html
    """
    tags: dict[str, str] = {}
    for pair in text.split(",") if text else ():
        name, equals, value = (part.strip() for part in pair.partition("="))
        if (
            not equals
            or not re.fullmatch(r"[\w .:/+@-]{1,128}", name)
            or not re.fullmatch(r"[\w .:/=+@-]{0,256}", value)
        ):
            raise ValueError(f"{pair!r} is no tag: use name=value, or a comma list like team=identity,stage=prod")
        if name.lower().startswith("aws:"):
            raise ValueError(f"{name!r} is a name that AWS keeps for itself: use one without aws:")
        if name in tags:
            raise ValueError(f"{name!r} comes twice: name it once")
        tags[name] = value
    return tags
