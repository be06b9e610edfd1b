"""Read the settings of a deploy from the CDK's context: cdk.json's, or `-c name=value`.

The defaults are cdk.json's and stand nowhere else. What the function itself reads is checked by the function's own
parsers, so a value that synth accepts is a value that the function accepts.
"""

import dataclasses
from collections.abc import Mapping
from typing import TypeVar

from pool_inventory import settings as function
from pool_inventory.errors import SettingsError
from pool_inventory.settings import Variable

from infra.options import conflicts, names, variables
from infra.options.deploy_settings import DeploySettings
from infra.options.regions import check_region_names

T = TypeVar("T")


def read(context: Mapping[str, object]) -> DeploySettings:
    """Check the context; the names of the CDK's own in it are passed over.

    Raises:
        SettingsError: a name that no setting has, the first setting that is missing or wrong, or a region's name that
            looks like a slip; with what would be accepted.
    """
    known = [*(variable.name for variable in variables.DEPLOY_VARIABLES), *variables.FUNCTION_VARIABLES]
    names.check(context, known)
    texts = {name: _text(name, context[name]) for name in known if context.get(name) is not None}
    told = {name: _told(name, variable, texts) for name, variable in variables.FUNCTION_VARIABLES.items()}
    stack_name = variables.STACK_NAME.read(texts)
    service_name = variables.SERVICE_NAME.read(texts) or _service_of(stack_name)
    environment = {
        variable.name: texts[name] for name, variable in variables.FUNCTION_VARIABLES.items() if texts[name]
    }
    settings = DeploySettings(
        stack_name=stack_name,
        prefix=told["prefix"],
        schedule=variables.SCHEDULE.read(texts),
        python_version=variables.PYTHON_VERSION.read(texts),
        architecture=variables.ARCHITECTURE.read(texts),
        memory_mb=variables.MEMORY_MB.read(texts),
        timeout_seconds=variables.TIMEOUT_SECONDS.read(texts),
        log_retention=variables.LOG_RETENTION.read(texts),
        snapshot_expiry_days=variables.SNAPSHOT_EXPIRY_DAYS.read(texts),
        database_name=variables.DATABASE_NAME.read(texts) or stack_name.lower().replace("-", "_"),
        query_result_expiry_days=variables.QUERY_RESULT_EXPIRY_DAYS.read(texts),
        bucket_name=variables.BUCKET_NAME.read(texts),
        customer_managed_key=variables.CUSTOMER_MANAGED_KEY.read(texts),
        former_keys=variables.FORMER_KEYS.read(texts),
        encryption=told["encryption"],
        permissions_boundary=variables.PERMISSIONS_BOUNDARY.read(texts),
        reserved_concurrency=variables.RESERVED_CONCURRENCY.read(texts),
        tags=variables.TAGS.read(texts),
        event_bus=told["eventBus"],
        alarm_email=variables.ALARM_EMAIL.read(texts),
        dashboard=variables.DASHBOARD.read(texts),
        service_name=service_name,
        metrics_namespace=told["metricsNamespace"],
        environment=environment | {function.SERVICE_NAME.name: service_name},
    )
    if isinstance(told["regions"], tuple):
        check_region_names(told["regions"])
    conflicts.check(settings, reserve_seconds=told["reserveSeconds"])
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
    return first if stack_name == variables.FIRST_STACK else f"{first}/{stack_name}"


def _told(name: str, variable: Variable[T], texts: Mapping[str, str]) -> T:
    """Read one of the function's variables as the function will, but by the context's name and without a default."""
    return dataclasses.replace(variable, name=name, default=None).read(texts)
