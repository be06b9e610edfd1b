"""Each setting of a deploy: its name, its meaning for the docs, and its parser."""

from collections.abc import Mapping
from typing import Any

from pool_inventory import settings as function
from pool_inventory.settings import Variable

from infra.options import parsers

# Its metrics were called so before a second stack could have metrics of its own, and go on under that name.
FIRST_STACK = "PoolInventory"

STACK_NAME = Variable("stackName", "what CloudFormation calls the stack", None, parsers.stack_name)
SCHEDULE = Variable(
    "schedule", "when a snapshot is due, as EventBridge Scheduler has it, in UTC", None, parsers.schedule
)
PYTHON_VERSION = Variable("pythonVersion", "of the function's runtime", None, parsers.python_version)
ARCHITECTURE = Variable("architecture", "of the function's processor", None, parsers.one_of(parsers.ARCHITECTURES))
# The bounds are Lambda's: https://docs.aws.amazon.com/lambda/latest/dg/gettingstarted-limits.html
MEMORY_MB = Variable("memoryMb", "of the function", None, parsers.whole_number(128, 10_240))
TIMEOUT_SECONDS = Variable("timeoutSeconds", "the function's time to run", None, parsers.whole_number(1, 900))
LOG_RETENTION = Variable("logRetentionDays", "how long log lines are kept", None, parsers.one_of(parsers.RETENTION))
SNAPSHOT_EXPIRY_DAYS = Variable(
    "snapshotExpiryDays",
    "how long snapshots can be read, and a day later they are gone for good; 0 is for ever",
    None,
    parsers.whole_number(0, 36_500),
)
DATABASE_NAME = Variable(
    "databaseName",
    "of the tables, in Glue and Athena; none, the stack's name in lower case with underscores for hyphens",
    None,
    parsers.database_name,
)
QUERY_RESULT_EXPIRY_DAYS = Variable(
    "queryResultExpiryDays",
    "how long Athena's results can be read, and a day later they are gone for good",
    None,
    parsers.whole_number(1, 36_500),
)
ALARM_EMAIL = Variable(
    "alarmEmail",
    "who gets an e-mail when an alarm rings, once they confirm; none, nobody",
    None,
    parsers.email_address,
)
DASHBOARD = Variable(
    "dashboard",
    "`yes` or `no`: beyond the first three of an account, CloudWatch charges $3 a month for each",
    None,
    parsers.one_of(parsers.YES_NO),
)
BUCKET_NAME = Variable(
    "bucketName",
    "a bucket that is there already, in the stack's region, which keeps its own policy, encryption and expiry; none,"
    " the stack makes one",
    None,
    parsers.bucket_name,
)
CUSTOMER_MANAGED_KEY = Variable(
    "customerManagedKey",
    "`yes`: a KMS key of the stack's own encrypts bucket, queues, log, alarms and Athena's results; the ARN of a key:"
    " that one does; `no`: AWS's do",
    None,
    parsers.key,
)
FORMER_KEYS = Variable(
    "formerKeys", "comma list of ARNs of KMS keys that snapshots were encrypted under before", None, parsers.keys
)
PERMISSIONS_BOUNDARY = Variable(
    "permissionsBoundary", "ARN of the managed policy that bounds every role", None, parsers.permissions_boundary
)
RESERVED_CONCURRENCY = Variable(
    "reservedConcurrency",
    "how many runs can go at once, taken from the account's concurrency; 0 takes none",
    None,
    parsers.reserved_concurrency,
)
SERVICE_NAME = Variable(
    "serviceName",
    f"the `service` of each metric and log line, of which a stack needs one of its own; none, it is"
    f" `{function.SERVICE_NAME.default}` for the stack {FIRST_STACK} and `{function.SERVICE_NAME.default}/NAME` for"
    " any other",
    None,
    parsers.service_name,
)
TAGS = Variable("tags", "comma list of `name=value`, put on all that can be tagged", None, parsers.tags)

DEPLOY_VARIABLES: tuple[Variable[Any], ...] = (
    STACK_NAME,
    SCHEDULE,
    PYTHON_VERSION,
    ARCHITECTURE,
    MEMORY_MB,
    TIMEOUT_SECONDS,
    LOG_RETENTION,
    SNAPSHOT_EXPIRY_DAYS,
    DATABASE_NAME,
    QUERY_RESULT_EXPIRY_DAYS,
    ALARM_EMAIL,
    DASHBOARD,
    BUCKET_NAME,
    CUSTOMER_MANAGED_KEY,
    FORMER_KEYS,
    PERMISSIONS_BOUNDARY,
    RESERVED_CONCURRENCY,
    TAGS,
    SERVICE_NAME,
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
