"""Read the settings of a deploy from the CDK's context, which `-c name=value` fills.

The defaults are in defaults.json and nowhere else. What the function itself reads is checked by the function's own
parsers, so a value that synth accepts is a value that the function accepts.
"""

import dataclasses
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from pool_inventory import settings as function
from pool_inventory.collect.targets import RegionsError, check_region_names
from pool_inventory.errors import SettingsError
from pool_inventory.settings import Variable, variables_of

from infra.options import conflicts, names, parsers
from infra.options.deploy_settings import (
    DEPLOY_VARIABLES,
    FIRST_STACK,
    FUNCTION_FIELDS,
    FUNCTION_VARIABLES,
    OF_ONE_COMMAND,
    ORGANIZATION_OPTIONS,
    DeploySettings,
)

DEFAULTS: Mapping[str, object] = json.loads(Path(__file__).with_name("defaults.json").read_text(encoding="utf-8"))
SETTINGS = (*(variable.name for variable in DEPLOY_VARIABLES), *FUNCTION_VARIABLES)
# When a snapshot is due where nothing else is said: of one account, and of an organization.
HOURLY = "cron(0 * * * ? *)"
DAILY = "cron(0 3 * * ? *)"
_BY_NAME: Mapping[str, Variable[Any]] = {**{each.name: each for each in DEPLOY_VARIABLES}, **FUNCTION_VARIABLES}


def read(context: Mapping[str, object]) -> DeploySettings:
    """Check the context; the names of the CDK's own in it are passed over, and what it lacks has its default.

    Raises:
        SettingsError: a name that no setting has, or the first setting that is wrong; with what would be accepted.
        RegionsError: a region's name looks like a slip of another's.
    """
    names.check(context, [*SETTINGS, *OF_ONE_COMMAND])
    texts = {name: _text(name, given(context, name)) for name in SETTINGS}
    values = _function_values(texts) | {
        name: variable.read(texts) for name, variable in variables_of(DeploySettings).items()
    }
    values["database_name"] = values["database_name"] or values["stack_name"].lower().replace("-", "_")
    values["service_name"] = values["service_name"] or _service_of(values["stack_name"])
    values["schedule"] = values["schedule"] or (DAILY if values["accounts"] else HOURLY)
    environment = {
        variable.name: texts[name]
        for name, variable in FUNCTION_VARIABLES.items()
        if texts[name] and (values["accounts"] or name not in ORGANIZATION_OPTIONS)
    }
    values["environment"] = environment | {function.SERVICE_NAME.name: values["service_name"]}
    settings = DeploySettings(**{field.name: values[field.name] for field in dataclasses.fields(DeploySettings)})
    if isinstance(settings.regions, tuple):
        _check_regions(settings.regions)
    conflicts.check(settings)
    return settings


def check_one(name: str, value: object) -> None:
    """Check a setting by itself.

    Raises:
        SettingsError: no setting has this name, or the value is wrong; with what would be accepted.
    """
    names.check_one(name, SETTINGS)
    dataclasses.replace(_BY_NAME[name], name=name).read({name: _text(name, value)})


def is_forced(context: Mapping[str, object]) -> bool:
    """Whether the deployed stack may lose what these settings leave out.

    Raises:
        SettingsError: force is neither yes nor no.
    """
    return Variable(
        "force", "whether the deployed stack may lose something", "no", parsers.one_of(parsers.YES_NO)
    ).read({"force": _text("force", context.get("force", "no"))})


def given(context: Mapping[str, object], name: str) -> object:
    """Return a setting's value as the context has it, its default where the context has none."""
    value = context.get(name)
    return DEFAULTS[name] if value is None else value


def _check_regions(regions: tuple[str, ...]) -> None:
    try:
        check_region_names(regions)
    except RegionsError as error:
        raise error.named("regions") from error


def _text(name: str, value: object) -> str:
    """Return a setting as text: `-c` gives texts, a file gives numbers too."""
    try:
        if isinstance(value, bool) or not isinstance(value, (str, int, float)):
            raise SettingsError(f"{name}={value!r}: neither a text nor a number: write it as -c has it, in quotes")
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
