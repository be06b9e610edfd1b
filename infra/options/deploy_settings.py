"""The settings of one deploy: each is stated here, once, or is one of the function's own."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, TypeVar

from aws_cdk.aws_logs import RetentionDays
from pool_inventory import settings as function
from pool_inventory.settings import Variable, setting, variables_of

from infra.options import parsers

T = TypeVar("T")

# What a command gets beside the settings of the stack: in no file of settings/, and nothing that the stack keeps.
OF_ONE_COMMAND = ("settings", "force")

# The stack whose metrics have the default service: it had them before a second stack could have its own.
FIRST_STACK = "PoolInventory"


def _option(name: str, meaning: str, parse: Callable[[str], T]) -> T:
    """Return a field that is read from the context; its default is in defaults.json."""
    return setting(Variable(name, meaning, None, parse))


@dataclass(frozen=True, slots=True, kw_only=True)
class DeploySettings:
    """The settings of one deploy, in the order of the docs' table.

    A field without an option of its own is the function's setting of the same name.

    Attributes:
        bucket_name: of a bucket that is not the stack's; None, the stack makes one.
        customer_managed_key: whether the stack makes a key, or the ARN of a key that exists already.
        permissions_boundary: the ARN of a managed policy, None for no bound.
        reserved_concurrency: how many runs can go at once, None for as many as the account has room for.
        trust_store: trust.AMAZON, trust.ALL, or the bytes of a file of roots.
        alarm_email: whom the alarms write to, None for nobody.
        runbook_url: of docs/operations.md, None where it is published nowhere.
        prefix: the key prefix of snapshots, without a slash at either end.
        encryption: what the function asks S3 for with each write, "AES256" or a key's ARN; None, nothing.
        event_bus: the name or the ARN of the bus for change events, None for no events.
        accounts: which of an organization are asked; None, the stack's own alone.
        member_role: the name of the role that is assumed in each other account, with its path.
        environment: the function's variables and their texts, all but the bucket's name and those that are empty.
    """

    stack_name: str = _option("stackName", "what CloudFormation calls the stack", parsers.stack_name)
    schedule: str = _option(
        "schedule",
        "when a snapshot is due, as EventBridge Scheduler has it, in UTC; none, `cron(0 * * * ? *)`, each hour, and"
        " where `accounts` is set `cron(0 3 * * ? *)`, each day",
        parsers.schedule,
    )
    python_version: str = _option("pythonVersion", "the function's version of Python", parsers.python_version)
    architecture: str = _option("architecture", "the function's processor", parsers.one_of(parsers.ARCHITECTURES))
    # The bounds are Lambda's: https://docs.aws.amazon.com/lambda/latest/dg/gettingstarted-limits.html
    memory_mb: int = _option("memoryMb", "the memory of one account's function", parsers.whole_number(128, 10_240))
    timeout_seconds: int = _option("timeoutSeconds", "that function's time to run", parsers.whole_number(1, 900))
    log_retention: RetentionDays = _option(  # noqa: RUF009 - it makes the field, and an enum's member never changes
        "logRetentionDays", "how long log lines are kept", parsers.one_of(parsers.RETENTION)
    )
    snapshot_expiry_days: int = _option(
        "snapshotExpiryDays",
        "how long snapshots can be read, and a day later they are gone for good; 0 keeps them forever",
        parsers.whole_number(0, 36_500),
    )
    database_name: str = _option(
        "databaseName",
        "the tables' database, in Glue and Athena; none, the stack's name in lower case with underscores for hyphens",
        parsers.database_name,
    )
    query_result_expiry_days: int = _option(
        "queryResultExpiryDays",
        "how long Athena's results can be read, and a day later they are gone for good",
        parsers.whole_number(1, 36_500),
    )
    alarm_email: str | None = _option(
        "alarmEmail",
        "who gets an e-mail when an alarm rings, once they confirm; nobody if it is empty",
        parsers.email_address,
    )
    runbook_url: str | None = _option(
        "runbookUrl",
        "where you keep docs/operations.md, as in https://wiki.example.com/pool-inventory: each alarm's mail then has"
        " the address of its section; none, the mail names the page",
        parsers.runbook_url,
    )
    dashboard: bool = _option(
        "dashboard",
        "`yes` or `no`: beyond the first three of an account, CloudWatch charges $3 a month for each",
        parsers.one_of(parsers.YES_NO),
    )
    bucket_name: str | None = _option(
        "bucketName",
        "a bucket that is there already, in the stack's region, which keeps its own policy, encryption and expiry;"
        " none, the stack makes one",
        parsers.bucket_name,
    )
    customer_managed_key: str | bool = _option(
        "customerManagedKey",
        "`yes`: a KMS key of the stack's own encrypts bucket, queues, log, alarms and Athena's results; the ARN of a"
        " key: that one does; `no`: AWS's do",
        parsers.key,
    )
    former_keys: tuple[str, ...] = _option(
        "formerKeys", "comma list of ARNs of KMS keys that snapshots were encrypted under before", parsers.keys
    )
    reader_accounts: tuple[str, ...] = _option(
        "readerAccounts",
        "comma list of the ids of other accounts that may read the snapshots in a bucket of the stack's own, and use"
        " the stack's own key for it",
        parsers.accounts,
    )
    permissions_boundary: str | None = _option(
        "permissionsBoundary", "ARN of the managed policy that bounds every role", parsers.permissions_boundary
    )
    trust_store: str | bytes = _option(
        "trustStore",
        "which roots the function trusts: `amazon`, those that AWS's endpoints are under; `all`, those of the pinned"
        " SDK, as browsers have them; or the path of a PEM file of your own, from this repository's folder",
        parsers.trust_store,
    )
    reserved_concurrency: int | None = _option(
        "reservedConcurrency",
        "how many runs of one account's function can go at once, taken from the account's concurrency; 0 takes none",
        parsers.reserved_concurrency,
    )
    tags: Mapping[str, str] = _option(
        "tags", "comma list of `name=value`, put on all that can be tagged", parsers.tags
    )
    service_name: str = _option(
        "serviceName",
        "the `service` of each metric and log line, of which a stack needs one of its own; none, it is"
        f" `{function.SERVICE_NAME.default}` for the stack {FIRST_STACK} and `{function.SERVICE_NAME.default}/NAME`"
        " for any other",
        parsers.service_name,
    )
    map_concurrency: int = _option(
        "mapConcurrency",
        "how many batches of an organization's accounts are read at once, each by a function of the account's"
        " concurrency",
        # https://docs.aws.amazon.com/step-functions/latest/dg/state-map-distributed.html
        parsers.whole_number(1, 10_000),
    )
    batch_memory_mb: int = _option(
        "batchMemoryMb", "the memory of the function that reads a batch", parsers.whole_number(128, 10_240)
    )
    batch_timeout_seconds: int = _option(
        "batchTimeoutSeconds", "that function's time to run", parsers.whole_number(1, 900)
    )
    publish_memory_mb: int = _option(
        "publishMemoryMb",
        "the memory of the function that publishes an organization's snapshot",
        parsers.whole_number(128, 10_240),
    )
    execution_hours: int = _option(
        "executionHours", "how long an organization's run may take in all", parsers.whole_number(1, 24)
    )
    organization_id: str | None = _option(
        "organizationId",
        "the organization's id, as in o-a1b2c3d4e5: the member role trusts nobody outside of it; none, it is asked for"
        " where `member-role.yaml` is deployed",
        parsers.organization_id,
    )
    stack_set: str | None = _option(
        "stackSet",
        "`management` or `delegated`: a second stack deploys the member role by a StackSet, from the management"
        " account or from a delegated administrator of StackSets; `no`: you deploy `member-role.yaml`",
        parsers.one_of(parsers.STACK_SETS),
    )
    stack_set_units: tuple[str, ...] = _option(
        "stackSetUnits",
        "comma list of the organizational units, or the root, whose accounts get the member role from the StackSet",
        parsers.organizational_units,
    )
    prefix: str
    regions: str | tuple[str, ...]
    reserve_seconds: float
    event_bus: str | None
    encryption: str | None
    metrics_namespace: str
    accounts: function.Accounts | None
    member_role: str
    external_id: str | None
    accounts_per_batch: int
    environment: Mapping[str, str]


def _camel_case(name: str) -> str:
    first, *rest = name.split("_")
    return first + "".join(word.capitalize() for word in rest)


# By the names of the fields.
_OWN = variables_of(DeploySettings)
DEPLOY_VARIABLES: tuple[Variable[Any], ...] = tuple(_OWN.values())

# The names of the function's settings that a deploy sets, by the names of their options. The stack sets the bucket.
FUNCTION_FIELDS = {
    _camel_case(name): name
    for name, variable in variables_of(function.OrganizationSettings).items()
    if name not in _OWN and variable is not function.BUCKET
}
FUNCTION_VARIABLES: Mapping[str, Variable[Any]] = {
    option: variables_of(function.OrganizationSettings)[name] for option, name in FUNCTION_FIELDS.items()
}
# Those that the function of one account does not read.
ORGANIZATION_OPTIONS = frozenset(
    option for option, name in FUNCTION_FIELDS.items() if name not in variables_of(function.Settings)
)
