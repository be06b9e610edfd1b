"""Read the settings of a deploy from the CDK's context: cdk.json's, or `-c name=value`.

The defaults are cdk.json's and stand nowhere else. What the function itself reads is checked by the function's own
parsers, so a value that synth accepts is a value that the function accepts.
"""

import dataclasses
from collections.abc import Mapping
from typing import Any

from pool_inventory import settings as function
from pool_inventory.collect.targets import RegionsError, check_region_names
from pool_inventory.errors import SettingsError
from pool_inventory.settings import variables_of

from infra.options import conflicts, names
from infra.options.deploy_settings import (
    DEPLOY_VARIABLES,
    FIRST_STACK,
    FUNCTION_FIELDS,
    FUNCTION_VARIABLES,
    DeploySettings,
)


def read(context: Mapping[str, object]) -> DeploySettings:
    """Check the context; the names of the CDK's own in it are passed over.

    Raises:
        SettingsError: a name that no setting has, or the first setting that is missing or wrong; with what would be
            accepted.
        RegionsError: a region's name looks like a slip of another's.
    """
    known = [*(variable.name for variable in DEPLOY_VARIABLES), *FUNCTION_VARIABLES]
    names.check(context, known)
    texts = {name: _text(name, context[name]) for name in known if context.get(name) is not None}
    values = _function_values(texts) | {
        name: variable.read(texts) for name, variable in variables_of(DeploySettings).items()
    }
    values["database_name"] = values["database_name"] or values["stack_name"].lower().replace("-", "_")
    values["service_name"] = values["service_name"] or _service_of(values["stack_name"])
    environment = {variable.name: texts[name] for name, variable in FUNCTION_VARIABLES.items() if texts[name]}
    values["environment"] = environment | {function.SERVICE_NAME.name: values["service_name"]}
    settings = DeploySettings(**{field.name: values[field.name] for field in dataclasses.fields(DeploySettings)})
    if isinstance(settings.regions, tuple):
        _check_regions(settings.regions)
    conflicts.check(settings)
    return settings


def _check_regions(regions: tuple[str, ...]) -> None:
    try:
        check_region_names(regions)
    except RegionsError as error:
        raise error.named("regions") from error


def _text(name: str, value: object) -> str:
    """Return a setting as text: `-c` gives texts, cdk.json gives numbers too."""
    try:
        if isinstance(value, bool) or not isinstance(value, (str, int, float)):
            raise SettingsError(f"{name}={value!r}: neither a text nor a number")
        return str(value)
    except ValueError as error:  # Python writes out no number of thousands of digits
        raise SettingsError(f"{name} has a number that is too long ({error})") from None


def _function_values(texts: Mapping[str, str]) -> dict[str, Any]:
    """Return the function's settings as the function will read them, but named as options and without defaults."""
    return {
        FUNCTION_FIELDS[name]: dataclasses.replace(variable, name=name, default=None).read(texts)
        for name, variable in FUNCTION_VARIABLES.items()
    }


def _service_of(stack_name: str) -> str:
    """Return the service of a stack's metrics: another for each stack, since no stack's name has a slash."""
    first = str(function.SERVICE_NAME.default)
    return first if stack_name == FIRST_STACK else f"{first}/{stack_name}"
