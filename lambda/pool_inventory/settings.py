"""The environment, parsed once into a frozen Settings.

Each variable is stated here, once, and has its field in Settings: the function reads it, the CDK sets and checks it,
and the docs' table is made from it.
"""

import math
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, fields
from typing import Any, Generic, Self, TypeVar

from pool_inventory.errors import SettingsError

T = TypeVar("T")

ENABLED = "enabled"
CURRENT = "current"
MAX_ACCOUNTS_PER_BATCH = 1000
FORMATS = ("csv", "ndjson")
EACH = "each"
DAILY = "daily"
AES256 = "AES256"
SCP = "scp"
ORGANIZATION = "organization"
YES = "yes"
NO = "no"
KEY_ARN_EXAMPLE = "arn:aws:kms:us-east-1:123456789012:key/KEY-ID"
LOG_LEVELS = ("DEBUG", "INFO", "WARNING", "ERROR", "CRITICAL")

_VARIABLE = "variable"  # in the metadata of a field


@dataclass(frozen=True, slots=True)
class Variable(Generic[T]):
    """One variable of the environment: its name, its meaning for the docs, its default as text, and its parser."""

    name: str
    meaning: str
    default: str | None
    parse: Callable[[str], T]

    def read(self, environment: Mapping[str, str]) -> T:
        """Return the variable's value.

        Raises:
            SettingsError: it is required and not set, or its value is wrong.
        """
        text = environment.get(self.name, self.default)
        if text is None:
            raise SettingsError(f"{self.name} is not set: it is required ({self.meaning})")
        try:
            return self.parse(text)
        except ValueError as error:
            raise SettingsError(f"{self.name}={text!r}: {error}") from None


def setting(variable: Variable[T]) -> T:
    """Return the field of a dataclass that is read from a variable."""
    declared: T = field(metadata={_VARIABLE: variable})
    return declared


def variables_of(settings: type) -> Mapping[str, Variable[Any]]:
    """Return the variables of a dataclass's settings by the names of the fields, in the order of the fields."""
    return {each.name: each.metadata[_VARIABLE] for each in fields(settings) if _VARIABLE in each.metadata}


def _bucket(text: str) -> str:
    if not re.fullmatch(r"[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]", text):
        raise ValueError("not the name of an S3 bucket (3 to 63 of a-z, 0-9, dot and hyphen)")
    return text


def _prefix(text: str) -> str:
    # S3 would take more in a key; these need no escaping in any address, and are no wildcard in a policy.
    if not re.fullmatch(r"[\w.-]+(/[\w.-]+)*", text, re.ASCII):
        raise ValueError("a key prefix has no slash at either end and none doubled, and keeps to A-Z a-z 0-9 . _ -")
    return text


def _is_region(name: str) -> bool:
    return bool(re.fullmatch(r"[a-z]{2,}(-[a-z0-9]+)+", name))


def _regions(text: str) -> str | tuple[str, ...]:
    """Return "enabled", "current", or the listed regions, each once and sorted; that they exist is for targets.py."""
    if text in {ENABLED, CURRENT}:
        return text
    regions = [region.strip() for region in text.split(",")]
    for region in regions:
        if not _is_region(region):
            raise ValueError(
                f"{region!r} is no region's name: use {ENABLED}, {CURRENT}, or a comma list like us-east-1,eu-west-1"
            )
    return tuple(sorted(set(regions)))


def _accept_denied(text: str) -> tuple[str, ...]:
    named = [name.strip() for name in text.split(",")] if text else []
    for name in named:
        if name != SCP and not _is_region(name):
            raise ValueError(f"{name!r} is neither {SCP} nor a region's name: use one, a comma list, or nothing")
    return tuple(sorted(set(named)))


@dataclass(frozen=True, slots=True)
class Accounts:
    """Which accounts of an organization to ask: each a name as the setting has it.

    Attributes:
        included: `organization`, ids of roots or organizational units, and ids of accounts.
        excluded: ids of organizational units and accounts.
    """

    included: tuple[str, ...]
    excluded: tuple[str, ...] = ()


def is_account(name: str) -> bool:
    """Whether a name is an account's id: https://docs.aws.amazon.com/organizations/latest/APIReference/API_Account.html."""
    return bool(re.fullmatch("[0-9]{12}", name))


def _is_unit(name: str) -> bool:
    # https://docs.aws.amazon.com/organizations/latest/APIReference/API_OrganizationalUnit.html
    return bool(re.fullmatch("(r-[0-9a-z]{4,32}|ou-[0-9a-z]{4,32}-[0-9a-z]{8,32})", name))


def _accounts(text: str) -> Accounts | None:
    named = [name.strip() for name in text.split(",")] if text else []
    for name in named:
        plain = name.removeprefix("-")
        if name != ORGANIZATION and not is_account(plain) and not _is_unit(plain):
            raise ValueError(
                f"{name!r} is neither {ORGANIZATION} nor the id of an organizational unit (ou-…) or an account (12 "
                f"digits): use a comma list, with - before those to leave out, as in {ORGANIZATION},-111122223333"
            )
    included = tuple(sorted({name for name in named if not name.startswith("-")}))
    if named and not included:
        raise ValueError(f"it only leaves out: name what to ask, too, as in {ORGANIZATION},{text}")
    excluded = tuple(sorted({name[1:] for name in named if name.startswith("-")}))
    return Accounts(included, excluded) if named else None


def _role(text: str) -> str:
    # https://docs.aws.amazon.com/IAM/latest/APIReference/API_CreateRole.html
    # A path may have colons, so IAM would take an ARN for a role's path and name, and the role would be nowhere.
    if not re.fullmatch(r"(?!arn:)([\x21-\x2e\x30-\x7e]{1,64}/){0,7}[\w+=,.@-]{1,64}", text, re.ASCII):
        raise ValueError("not the name of a role, with its path before it if it has one, as in audit/pool-inventory")
    return text


def _external_id(text: str) -> str | None:
    # https://docs.aws.amazon.com/STS/latest/APIReference/API_AssumeRole.html
    if text and not re.fullmatch(r"[\w+=,.@:/-]{2,1224}", text, re.ASCII):
        raise ValueError("not an external id (2 to 1224 letters, digits and +=,.@:/-)")
    return text or None


def _yes_no(text: str) -> bool:
    if text not in {YES, NO}:
        raise ValueError(f"neither {YES} nor {NO}")
    return text == YES


def _number_from_0(text: str) -> float:
    try:
        number = float(text)
    except ValueError:
        number = math.nan
    if not 0 <= number < math.inf:
        raise ValueError("not a number of 0 or more")
    return number


def _whole_number_from_1(text: str) -> int:
    if not re.fullmatch(r"0*[1-9][0-9]{0,8}", text, re.ASCII):
        raise ValueError("not a whole number of 1 or more")
    return int(text)


def _accounts_per_batch(text: str) -> int:
    number = _whole_number_from_1(text)
    # The ids of a batch are its function's input, which may have 256 KiB; and all are read within one function's time.
    if number > MAX_ACCOUNTS_PER_BATCH:
        raise ValueError(f"more than {MAX_ACCOUNTS_PER_BATCH}: one function has 15 minutes for all of them")
    return number


def _extra_formats(text: str) -> tuple[str, ...]:
    named = [name.strip() for name in text.split(",")] if text else []
    for name in named:
        if name not in FORMATS:
            raise ValueError(f"{name!r} is none of {', '.join(FORMATS)}: use one, a comma list, or nothing")
    return tuple(sorted(set(named)))


def _event_bus(text: str) -> str | None:
    # A name or an ARN: https://docs.aws.amazon.com/eventbridge/latest/APIReference/API_PutEventsRequestEntry.html
    name = r"[/.\-_A-Za-z0-9]{1,256}"
    arn = r"arn:aws[\w-]*:events:[a-z]+(-[a-z0-9]+)+:\d{12}:event-bus/"
    if text and not re.fullmatch(f"({arn})?{name}", text, re.ASCII):
        raise ValueError("not the name or the ARN of an event bus")
    return text or None


def _region_metrics(text: str) -> str:
    if text not in {EACH, DAILY}:
        raise ValueError(f"neither {EACH} nor {DAILY}")
    return text


def is_key_arn(text: str) -> bool:
    """Whether a text is the ARN of a KMS key, and not of an alias: a policy that names one grants nothing.

    Sources: https://docs.aws.amazon.com/kms/latest/developerguide/concepts.html#key-id-key-ARN
    https://docs.aws.amazon.com/kms/latest/developerguide/cmks-in-iam-policies.html
    """
    return bool(re.fullmatch(r"arn:aws[a-z-]*:kms:[a-z]+(-[a-z0-9]+)+:[0-9]{12}:key/[A-Za-z0-9-]+", text))


def _encryption(text: str) -> str | None:
    if text and text != AES256 and not is_key_arn(text):
        raise ValueError(f"neither {AES256} nor a KMS key's ARN, such as {KEY_ARN_EXAMPLE} (no alias)")
    return text or None


def _log_level(text: str) -> str:
    if text.upper() not in LOG_LEVELS:
        raise ValueError(f"not one of {', '.join(LOG_LEVELS)}")
    return text.upper()


def _metrics_namespace(text: str) -> str:
    # https://docs.aws.amazon.com/AmazonCloudWatch/latest/APIReference/API_PutMetricData.html
    if not re.fullmatch(r"[\w.\-/#: ]{1,255}", text, re.ASCII) or text.startswith("AWS/") or not text.strip():
        raise ValueError("not a CloudWatch namespace (1 to 255 of letters, digits, space and ._-/#:, not AWS/…)")
    return text


def _service_name(text: str) -> str:
    if not re.fullmatch(r"[\x21-\x7e]([\x20-\x7e]{0,253}[\x21-\x7e])?", text) or text.startswith(":"):
        raise ValueError(
            "not a value for a CloudWatch dimension (1 to 255 printable ASCII characters, no colon first)"
        )
    return text


BUCKET = Variable("INVENTORY_BUCKET", "where snapshots go", None, _bucket)
PREFIX = Variable("INVENTORY_PREFIX", "key prefix, no leading or trailing slash", "user-pools", _prefix)
REGIONS = Variable(
    "INVENTORY_REGIONS",
    f"`{ENABLED}` (every region that the account has enabled), `{CURRENT}`, or a comma list",
    ENABLED,
    _regions,
)
MAX_REQUESTS_PER_SECOND = Variable(
    "INVENTORY_MAX_REQUESTS_PER_SECOND",
    "pace per target, so that the account's shared 15 a second stay free for others; 0 is unpaced",
    "10",
    _number_from_0,
)
RESERVE_SECONDS = Variable(
    "INVENTORY_RESERVE_SECONDS",
    "time kept back for publishing before the function's deadline",
    "20",
    _number_from_0,
)
EXTRA_FORMATS = Variable(
    "INVENTORY_EXTRA_FORMATS",
    "comma list of `ndjson`, `csv`: the same rows again, for readers without Parquet",
    "",
    _extra_formats,
)
EVENT_BUS = Variable(
    "INVENTORY_EVENT_BUS", "name or ARN of the bus for change events; none, no events", "", _event_bus
)
USER_POOL_QUOTA = Variable(
    "INVENTORY_USER_POOL_QUOTA",
    "pools allowed per account and region, for the headroom metric",
    "1000",
    _whole_number_from_1,
)
REGION_METRICS = Variable(
    "INVENTORY_REGION_METRICS",
    f"when `UserPools` of each region is sent: with `{EACH}` snapshot, or `{DAILY}`, with the first of each UTC day",
    EACH,
    _region_metrics,
)
ENCRYPTION = Variable(
    "INVENTORY_ENCRYPTION",
    f"encryption asked for with each write, for buckets whose policy demands it: `{AES256}`, or a KMS key's ARN; "
    "none, the bucket's default",
    "",
    _encryption,
)
FORGET_DAYS = Variable(
    "INVENTORY_FORGET_DAYS",
    "after so many days without a reading a target is no longer carried",
    "90",
    _whole_number_from_1,
)
ACCEPT_DENIED = Variable(
    "INVENTORY_ACCEPT_DENIED",
    f"denials that leave a snapshot complete: `{SCP}`, those by a service control policy of targets that were never "
    "read, and the names of regions, in a comma list",
    "",
    _accept_denied,
)
ACCOUNTS = Variable(
    "INVENTORY_ACCOUNTS",
    f"accounts of an organization: `{ORGANIZATION}`, ids of organizational units and accounts in a comma list, with "
    "`-` before those to leave out; none, the function's own account alone",
    "",
    _accounts,
)
MEMBER_ROLE = Variable(
    "INVENTORY_MEMBER_ROLE",
    "the role that is assumed in each other account, with its path if it has one",
    "pool-inventory-member",
    _role,
)
EXTERNAL_ID = Variable("INVENTORY_EXTERNAL_ID", "the external id that the role asks for; none", "", _external_id)
ACCOUNTS_PER_BATCH = Variable(
    "INVENTORY_ACCOUNTS_PER_BATCH", "how many accounts one function reads", "20", _accounts_per_batch
)
ACCOUNT_EMAILS = Variable(
    "INVENTORY_ACCOUNT_EMAILS",
    f"`{YES}`: the table of accounts has the address of each root user",
    NO,
    _yes_no,
)
SERVICE_NAME = Variable(
    "POWERTOOLS_SERVICE_NAME", "the `service` of each metric and log line", "pool-inventory", _service_name
)
METRICS_NAMESPACE = Variable(
    "POWERTOOLS_METRICS_NAMESPACE", "the metrics' CloudWatch namespace", "PoolInventory", _metrics_namespace
)
LOG_LEVEL = Variable("POWERTOOLS_LOG_LEVEL", "the least severe log line that is written", "INFO", _log_level)


@dataclass(frozen=True, slots=True)
class Settings:
    """The settings of a run: each field is read from its variable, in the order of the docs' table."""

    bucket: str = setting(BUCKET)
    prefix: str = setting(PREFIX)
    regions: str | tuple[str, ...] = setting(REGIONS)
    max_requests_per_second: float = setting(MAX_REQUESTS_PER_SECOND)
    reserve_seconds: float = setting(RESERVE_SECONDS)
    extra_formats: tuple[str, ...] = setting(EXTRA_FORMATS)
    event_bus: str | None = setting(EVENT_BUS)
    user_pool_quota: int = setting(USER_POOL_QUOTA)
    region_metrics: str = setting(REGION_METRICS)
    encryption: str | None = setting(ENCRYPTION)
    forget_days: int = setting(FORGET_DAYS)
    accept_denied: tuple[str, ...] = setting(ACCEPT_DENIED)
    service_name: str = setting(SERVICE_NAME)
    metrics_namespace: str = setting(METRICS_NAMESPACE)
    log_level: str = setting(LOG_LEVEL)

    @classmethod
    def from_environment(cls, environment: Mapping[str, str]) -> Self:
        """Parse the environment, touching nothing outside it.

        Raises:
            SettingsError: the first variable whose value is wrong, with the value and what would be accepted.
        """
        return cls(**{name: variable.read(environment) for name, variable in variables_of(cls).items()})


@dataclass(frozen=True, slots=True)
class OrganizationSettings(Settings):
    """The settings of a run that asks an organization's accounts."""

    accounts: Accounts | None = setting(ACCOUNTS)  # noqa: RUF009 - it makes the field
    member_role: str = setting(MEMBER_ROLE)
    external_id: str | None = setting(EXTERNAL_ID)
    accounts_per_batch: int = setting(ACCOUNTS_PER_BATCH)
    account_emails: bool = setting(ACCOUNT_EMAILS)


VARIABLES = tuple(variables_of(Settings).values())
