"""What a deploy is told: cdk.json's context, or `-c name=value`, checked before anything is built.

The defaults are cdk.json's and stand nowhere else. What the function itself reads is checked by the function's own
parsers, so a value that synth takes is a value that the function takes.
"""

import dataclasses
import math
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, TypeVar

from aws_cdk.aws_logs import RetentionDays
from pool_inventory import settings as function
from pool_inventory.errors import SettingsError
from pool_inventory.settings import Variable

from infra import due
from infra.storage import QUERY_RESULTS

T = TypeVar("T")

# https://docs.aws.amazon.com/AmazonCloudWatchLogs/latest/APIReference/API_PutRetentionPolicy.html
_RETENTION = {
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
_YES_NO = {"yes": True, "no": False}
_ARCHITECTURES = {architecture: architecture for architecture in ("arm64", "x86_64")}
# Its metrics were called so before a second stack could have metrics of its own, and go on under that name.
_FIRST_STACK = "PoolInventory"
# A snapshot has to outlive the next one, so that the two can be compared, the day that EventBridge Scheduler tries to
# deliver an event, and the day that a run looks back for those that died.
_DAYS_AFTER_THE_NEXT = 2


def _one_of(choices: Mapping[str, T]) -> Callable[[str], T]:
    """Make a parser of a few named choices."""

    def parse(text: str) -> T:
        if text not in choices:
            raise ValueError(f"not one of {', '.join(choices)}")
        return choices[text]

    return parse


def _whole_number(lowest: int, highest: int) -> Callable[[str], int]:
    """Make a parser of whole numbers within two bounds, both included."""

    def parse(text: str) -> int:
        if not re.fullmatch(r"[0-9]{1,9}", text) or not lowest <= int(text) <= highest:
            raise ValueError(f"not a whole number from {lowest} to {highest}")
        return int(text)

    return parse


def _stack_name(text: str) -> str:
    if not re.fullmatch(r"[A-Za-z][A-Za-z0-9-]{0,127}", text):
        raise ValueError("not a stack's name (1 to 128 letters, digits and hyphens, a letter first)")
    return text


def _schedule(text: str) -> str:
    # https://docs.aws.amazon.com/scheduler/latest/UserGuide/schedule-types.html
    rate = r"rate\([1-9][0-9]{0,8} (minute|hour|day)s?\)"
    field = r"[A-Za-z0-9*,/#-]+"
    cron = rf"cron\({field} {field} (\? {field} {field}|{field} {field} \?) {field}\)"
    if not re.fullmatch(f"{rate}|{cron}", text):
        raise ValueError(
            "not a schedule that comes again: say rate(6 hours), or cron(minutes hours day-of-month month day-of-week"
            " year) with ? for exactly one of the two days, as in cron(0 * * * ? *)"
        )
    due.gap_of(text)
    return text


def _email_address(text: str) -> str | None:
    # Amazon SNS has the last word: it sends to no address that was not confirmed.
    if text and not (text.isprintable() and re.fullmatch(r"[^@\s]{1,64}@([^@\s.]+\.)+[^@\s.]{2,}", text)):
        raise ValueError("not an e-mail address, such as cloud-team@example.com; say one, or nothing for no e-mail")
    return text or None


def _python_version(text: str) -> str:
    if re.fullmatch(r"2(\.\d+)?|3\.(\d|10|11)", text):
        raise ValueError(
            "Lambda runs Python 3.11 and older on Amazon Linux 2, whose glibc 2.26 is too old for arro3's wheels:"
            f" say one of {', '.join(_PYTHON_VERSIONS)}"
        )
    return _one_of(_PYTHON_VERSIONS)(text)


def _database_name(text: str) -> str | None:
    # What needs no quotes in Athena's SQL: https://docs.aws.amazon.com/athena/latest/ug/tables-databases-columns-names.html
    if text and not re.fullmatch(r"[a-z][a-z0-9_]{0,127}", text):
        raise ValueError("not a database's name (1 to 128 of a-z, 0-9 and underscore, a letter first)")
    return text or None


def _bucket_name(text: str) -> str | None:
    return function.BUCKET.parse(text) if text else None


def _permissions_boundary(text: str) -> str | None:
    if text and not re.fullmatch(r"arn:aws[a-z-]*:iam::(\d{12}|aws):policy/[\w+=,.@/-]+", text, re.ASCII):
        raise ValueError("not the ARN of a managed policy, as in arn:aws:iam::123456789012:policy/boundary")
    return text or None


def _key(text: str) -> str | bool:
    """Return whether there is a key, or the ARN of one that is there already."""
    if text in _YES_NO:
        return _YES_NO[text]
    if not _is_key(text):
        raise ValueError(f"not one of {', '.join(_YES_NO)}, and not {_KEY_ARN_IN_WORDS}")
    return text


def _keys(text: str) -> tuple[str, ...]:
    arns = [arn.strip() for arn in text.split(",")] if text else []
    for arn in arns:
        if not _is_key(arn):
            raise ValueError(f"{arn!r} is not {_KEY_ARN_IN_WORDS}: say one, a comma list, or nothing")
    return tuple(sorted(set(arns)))


_KEY_ARN_IN_WORDS = "the ARN of a KMS key, as in arn:aws:kms:us-east-1:123456789012:key/KEY-ID"


def _is_key(text: str) -> bool:
    # Not an alias: a policy that names one grants nothing.
    # https://docs.aws.amazon.com/kms/latest/developerguide/cmks-in-iam-policies.html
    return bool(re.fullmatch(r"arn:aws[a-z-]*:kms:[a-z]+(-[a-z0-9]+)+:[0-9]{12}:key/[A-Za-z0-9-]+", text))


def _service_name(text: str) -> str | None:
    return function.SERVICE_NAME.parse(text) if text else None


def _reserved_concurrency(text: str) -> int | None:
    return _whole_number(0, 1000)(text) or None


def _tags(text: str) -> Mapping[str, str]:
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
            raise ValueError(f"{pair!r} is no tag: say name=value, or a comma list like team=identity,stage=prod")
        if name.lower().startswith("aws:"):
            raise ValueError(f"{name!r} is a name that AWS keeps for itself: say one without aws:")
        if name in tags:
            raise ValueError(f"{name!r} comes twice: say it once")
        tags[name] = value
    return tags


_STACK_NAME = Variable("stackName", "what CloudFormation calls the stack", None, _stack_name)
_SCHEDULE = Variable("schedule", "when a snapshot is due, as EventBridge Scheduler has it, in UTC", None, _schedule)
_PYTHON_VERSION = Variable("pythonVersion", "of the function's runtime", None, _python_version)
_ARCHITECTURE = Variable("architecture", "of the function's processor", None, _one_of(_ARCHITECTURES))
# The bounds are Lambda's: https://docs.aws.amazon.com/lambda/latest/dg/gettingstarted-limits.html
_MEMORY_MB = Variable("memoryMb", "of the function", None, _whole_number(128, 10_240))
_TIMEOUT_SECONDS = Variable("timeoutSeconds", "the function's time to run", None, _whole_number(1, 900))
_LOG_RETENTION = Variable("logRetentionDays", "how long log lines are kept", None, _one_of(_RETENTION))
_SNAPSHOT_EXPIRY_DAYS = Variable(
    "snapshotExpiryDays",
    "how long snapshots can be read, and a day later they are gone for good; 0 is for ever",
    None,
    _whole_number(0, 36_500),
)
_DATABASE_NAME = Variable(
    "databaseName",
    "of the tables, in Glue and Athena; none, the stack's name in lower case with underscores for hyphens",
    None,
    _database_name,
)
_QUERY_RESULT_EXPIRY_DAYS = Variable(
    "queryResultExpiryDays",
    "how long Athena's results can be read, and a day later they are gone for good",
    None,
    _whole_number(1, 36_500),
)
_ALARM_EMAIL = Variable(
    "alarmEmail", "who gets an e-mail when an alarm rings, once they confirm; none, nobody", None, _email_address
)
_DASHBOARD = Variable(
    "dashboard",
    "`yes` or `no`: beyond the first three of an account, CloudWatch charges $3 a month for each",
    None,
    _one_of(_YES_NO),
)
_BUCKET_NAME = Variable(
    "bucketName",
    "a bucket that is there already, in the stack's region, which keeps its own policy, encryption and expiry; none,"
    " the stack makes one",
    None,
    _bucket_name,
)
_CUSTOMER_MANAGED_KEY = Variable(
    "customerManagedKey",
    "`yes`: a KMS key of the stack's own encrypts bucket, queues, log, alarms and Athena's results; the ARN of a key:"
    " that one does; `no`: AWS's do",
    None,
    _key,
)
_FORMER_KEYS = Variable(
    "formerKeys", "comma list of ARNs of KMS keys that snapshots were encrypted under before", None, _keys
)
_PERMISSIONS_BOUNDARY = Variable(
    "permissionsBoundary", "ARN of the managed policy that bounds every role", None, _permissions_boundary
)
_RESERVED_CONCURRENCY = Variable(
    "reservedConcurrency",
    "how many runs can go at once, taken from the account's concurrency; 0 takes none",
    None,
    _reserved_concurrency,
)
_SERVICE_NAME = Variable(
    "serviceName",
    f"the `service` of each metric and log line, of which a stack needs one of its own; none, it is"
    f" `{function.SERVICE_NAME.default}` for the stack {_FIRST_STACK} and `{function.SERVICE_NAME.default}/NAME` for"
    " any other",
    None,
    _service_name,
)
_TAGS = Variable("tags", "comma list of `name=value`, put on all that can be tagged", None, _tags)

DEPLOY_VARIABLES: tuple[Variable[Any], ...] = (
    _STACK_NAME,
    _SCHEDULE,
    _PYTHON_VERSION,
    _ARCHITECTURE,
    _MEMORY_MB,
    _TIMEOUT_SECONDS,
    _LOG_RETENTION,
    _SNAPSHOT_EXPIRY_DAYS,
    _DATABASE_NAME,
    _QUERY_RESULT_EXPIRY_DAYS,
    _ALARM_EMAIL,
    _DASHBOARD,
    _BUCKET_NAME,
    _CUSTOMER_MANAGED_KEY,
    _FORMER_KEYS,
    _PERMISSIONS_BOUNDARY,
    _RESERVED_CONCURRENCY,
    _TAGS,
    _SERVICE_NAME,
)

# The function's own variables by the names that the context has for them, all but the bucket's.
FUNCTION_VARIABLES: Mapping[str, Variable[Any]] = {
    "prefix": function.PREFIX,
    "regions": function.REGIONS,
    "maxRequestsPerSecond": function.MAX_REQUESTS_PER_SECOND,
    "reserveSeconds": function.RESERVE_SECONDS,
    "extraFormats": function.EXTRA_FORMATS,
    "eventBus": function.EVENT_BUS,
    "userPoolQuota": function.USER_POOL_QUOTA,
    "regionMetrics": function.REGION_METRICS,
    "encryption": function.ENCRYPTION,
    "metricsNamespace": function.METRICS_NAMESPACE,
    "logLevel": function.LOG_LEVEL,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class DeploySettings:
    """What a deploy is told, checked.

    Attributes:
        prefix: the key prefix of snapshots, without a slash at either end.
        bucket_name: of a bucket that is not the stack's; None, the stack makes one.
        customer_managed_key: whether a key of the account's encrypts what the stack keeps, and its ARN if it is there
            already.
        former_keys: ARNs of the keys that snapshots were encrypted under before.
        encryption: what the function asks S3 for with each write, "AES256" or a key's ARN; None, nothing.
        permissions_boundary: the ARN of a managed policy, None for no bound.
        reserved_concurrency: how many runs can go at once, None for as many as the account has room for.
        tags: values by names.
        event_bus: the name or the ARN of the bus for change events, None for no events.
        alarm_email: whom the alarms write to, None for nobody.
        dashboard: whether there is one.
        environment: the function's variables and their texts, all but the bucket's name and those that are empty.
    """

    stack_name: str
    prefix: str
    schedule: str
    python_version: str
    architecture: str
    memory_mb: int
    timeout_seconds: int
    log_retention: RetentionDays
    snapshot_expiry_days: int
    database_name: str
    query_result_expiry_days: int
    bucket_name: str | None
    customer_managed_key: str | bool
    former_keys: tuple[str, ...]
    encryption: str | None
    permissions_boundary: str | None
    reserved_concurrency: int | None
    tags: Mapping[str, str]
    event_bus: str | None
    alarm_email: str | None
    dashboard: bool
    service_name: str
    metrics_namespace: str
    environment: Mapping[str, str]

    @classmethod
    def from_context(cls, context: Mapping[str, object]) -> "DeploySettings":
        """Check the context; what in it is not ours is passed over.

        Raises:
            SettingsError: the first setting that is missing or will not do, with its value and what would do.
        """
        names = [*(variable.name for variable in DEPLOY_VARIABLES), *FUNCTION_VARIABLES]
        texts = {name: _text(name, context[name]) for name in names if context.get(name) is not None}
        told = {name: _told(name, variable, texts) for name, variable in FUNCTION_VARIABLES.items()}
        stack_name = _STACK_NAME.read(texts)
        service_name = _SERVICE_NAME.read(texts) or _service_of(stack_name)
        environment = {variable.name: texts[name] for name, variable in FUNCTION_VARIABLES.items() if texts[name]}
        settings = cls(
            stack_name=stack_name,
            prefix=told["prefix"],
            schedule=_SCHEDULE.read(texts),
            python_version=_PYTHON_VERSION.read(texts),
            architecture=_ARCHITECTURE.read(texts),
            memory_mb=_MEMORY_MB.read(texts),
            timeout_seconds=_TIMEOUT_SECONDS.read(texts),
            log_retention=_LOG_RETENTION.read(texts),
            snapshot_expiry_days=_SNAPSHOT_EXPIRY_DAYS.read(texts),
            database_name=_DATABASE_NAME.read(texts) or stack_name.lower().replace("-", "_"),
            query_result_expiry_days=_QUERY_RESULT_EXPIRY_DAYS.read(texts),
            bucket_name=_BUCKET_NAME.read(texts),
            customer_managed_key=_CUSTOMER_MANAGED_KEY.read(texts),
            former_keys=_FORMER_KEYS.read(texts),
            encryption=told["encryption"],
            permissions_boundary=_PERMISSIONS_BOUNDARY.read(texts),
            reserved_concurrency=_RESERVED_CONCURRENCY.read(texts),
            tags=_TAGS.read(texts),
            event_bus=told["eventBus"],
            alarm_email=_ALARM_EMAIL.read(texts),
            dashboard=_DASHBOARD.read(texts),
            service_name=service_name,
            metrics_namespace=told["metricsNamespace"],
            environment=environment | {function.SERVICE_NAME.name: service_name},
        )
        _check_prefix(settings.prefix)
        _check_expiry(settings)
        _check_encryption(settings)
        _check_time_to_collect(reserve_seconds=told["reserveSeconds"], timeout_seconds=settings.timeout_seconds)
        return settings


def _text(name: str, value: object) -> str:
    """Return a setting as text: `-c` gives texts, cdk.json gives numbers too."""
    try:
        if isinstance(value, bool) or not isinstance(value, (str, int, float)):
            raise SettingsError(f"{name}={value!r}: neither a text nor a number")
        return str(value)
    except ValueError as error:  # Python writes out no number of thousands of digits
        raise SettingsError(f"{name} has a number that is too long ({error})") from None


def _service_of(stack_name: str) -> str:
    """Return the service of a stack's metrics: another for each stack, since no stack's name has a slash."""
    first = str(function.SERVICE_NAME.default)
    return first if stack_name == _FIRST_STACK else f"{first}/{stack_name}"


def _told(name: str, variable: Variable[T], texts: Mapping[str, str]) -> T:
    """Read one of the function's variables as the function will, but by the context's name and without a default."""
    return dataclasses.replace(variable, name=name, default=None).read(texts)


def _check_prefix(prefix: str) -> None:
    if prefix.partition("/")[0] == QUERY_RESULTS:
        raise SettingsError(f"prefix={prefix!r}: {QUERY_RESULTS} is for Athena's results, which expire; say another")


def _check_expiry(settings: DeploySettings) -> None:
    days = settings.snapshot_expiry_days
    if not days:
        return
    if settings.bucket_name is not None:
        raise SettingsError(
            f"snapshotExpiryDays={days}: a stack makes nothing expire in a bucket that is not its own, here"
            f" bucketName={settings.bucket_name}; say 0, and give that bucket a lifecycle rule"
        )
    least = math.ceil(due.gap_of(settings.schedule) / timedelta(days=1)) + _DAYS_AFTER_THE_NEXT
    if days < least:
        raise SettingsError(
            f"snapshotExpiryDays={days}: with schedule={settings.schedule} a snapshot could be gone before the next is"
            f" compared with it, or before a run that died is finished; say {least} or more, or 0"
        )


def _check_encryption(settings: DeploySettings) -> None:
    """Refuse a bucket of the stack's own whose objects would be encrypted in another way than the bucket says."""
    if settings.encryption is None or settings.bucket_name is not None:
        return
    if settings.encryption != (settings.customer_managed_key or function.AES256):
        raise SettingsError(
            f"encryption={settings.encryption!r}: what a bucket of the stack's own is encrypted with is for"
            " customerManagedKey to say; leave it empty, or, where a policy of the organization wants it said with"
            f" each write, say {function.AES256} with customerManagedKey=no, or the same key's ARN in both"
        )


def _check_time_to_collect(*, reserve_seconds: float, timeout_seconds: int) -> None:
    if reserve_seconds >= timeout_seconds:
        raise SettingsError(
            f"reserveSeconds={reserve_seconds:g}: no time to collect is left of timeoutSeconds={timeout_seconds};"
            " say a reserve that is less than the timeout"
        )
