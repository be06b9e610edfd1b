"""Read the settings of one deployment from its file, so that no deploy forgets a setting of the one before.

`-c settings=prod` takes settings/prod.json: one JSON object, whose names and values are those of `-c`.
"""

import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from pool_inventory.errors import SettingsError
from pool_inventory.text import did_you_mean

from infra.options import context as options

# What the CDK hands over for `-c settings=NAME`.
OPTION = "settings"


@dataclass(frozen=True, slots=True)
class Chosen:
    """The settings that a command was given.

    Attributes:
        context: the CDK's context over what the file has.
        overridden: a line for each setting of the file that the context has otherwise.
    """

    context: Mapping[str, object]
    overridden: tuple[str, ...] = ()


def choose(context: Mapping[str, object], folder: Path) -> Chosen:
    """Return the context with the settings of the file beneath it that it names, if it names one.

    Args:
        context: the CDK's.
        folder: where the files are, settings/.

    Raises:
        SettingsError: there is no such file, or something in it is wrong; with what would be accepted.
    """
    named = context.get(OPTION)
    if named is None:
        return Chosen(context)
    path = _path_of(str(named), folder)
    of_file = _read(path)
    shown = f"{folder.name}/{path.name}"
    overridden = tuple(
        f"-c {name}={context[name]} overrides {shown}, which has {value}"
        for name, value in of_file.items()
        if context.get(name) is not None and str(context[name]) != str(value)
    )
    return Chosen({**of_file, **context}, overridden)


def _path_of(name: str, folder: Path) -> Path:
    there = sorted(path.stem for path in folder.glob("*.json"))
    if name in there:
        return folder / f"{name}.json"
    there_are = f"here {'is' if len(there) == 1 else 'are'} {', '.join(there) or 'none'}"
    if not re.fullmatch(r"[\w-]+", name, re.ASCII):
        raise SettingsError(
            f"{OPTION}={name!r}: not the name of a file in {folder.name}/ without its .json; t{there_are}"
        )
    meant = did_you_mean(name, there)
    what_would_do = f"{meant} T{there_are}" if meant else f"t{there_are}"
    raise SettingsError(f"{OPTION}={name!r}: there is no {folder.name}/{name}.json: {what_would_do}")


def _read(path: Path) -> Mapping[str, object]:
    """Return what a file says, each name and value of which was checked."""
    shown = f"{path.parent.name}/{path.name}"
    try:
        values = json.loads(path.read_text(encoding="utf-8-sig"), object_pairs_hook=_once_each)
        return _checked(values)
    except (ValueError, RecursionError) as error:
        raise SettingsError(f"{shown} is no JSON that can be read ({error}): see settings/example.json") from None
    except OSError as error:
        raise SettingsError(f"{shown} cannot be read ({error.strerror})") from None
    except SettingsError as error:
        raise SettingsError(f"{shown}: {error}") from None


def _checked(values: object) -> Mapping[str, object]:
    if not isinstance(values, dict):
        raise SettingsError('it has to be one object, such as {"stackName": "PoolInventory"}')
    for name, value in values.items():
        options.check_one(name, value)
    return values


def _once_each(pairs: Iterable[tuple[str, object]]) -> Mapping[str, object]:
    values: dict[str, object] = {}
    for name, value in pairs:
        if name in values:
            raise SettingsError(f"{name!r} comes twice: name it once")
        values[name] = value
    return values
