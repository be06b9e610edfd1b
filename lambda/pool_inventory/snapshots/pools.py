"""The pools of a snapshot, and which of them a reader asks for."""

import json
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import Any

from pool_inventory.errors import SnapshotError
from pool_inventory.model import Coverage, Target
from pool_inventory.snapshots import schema
from pool_inventory.snapshots.functions import Asked, parse, shown
from pool_inventory.snapshots.known import Known
from pool_inventory.text import did_you_mean

TRIGGER_PREFIX = "lambda_config."
TRIGGERS = tuple(column.name for column in schema.LAMBDA_CONFIG)
# How many regions or accounts an error names.
MAX_NAMED = 40


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which pools are asked for; what is empty or None asks for all.

    Attributes:
        trigger: only pools that have this member of lambda_config, by its column's name.
        function: only pools that call this function.
        name: only pools whose name is like this pattern of the shell.
    """

    regions: tuple[str, ...] = ()
    accounts: tuple[str, ...] = ()
    trigger: str | None = None
    function: Asked | None = None
    name: str | None = None

    def has_place(self, row: dict[str, Any]) -> bool:
        """Whether a row, of a pool or of coverage, is in a region and an account that are asked for."""
        return (not self.regions or row["region"] in self.regions) and (
            not self.accounts or row["account_id"] in self.accounts
        )

    def has_target(self, coverage: Coverage) -> bool:
        """Whether a target is in a region and an account that are asked for."""
        return self.has_place({"account_id": coverage.account_id, "region": coverage.region})

    def has(self, row: dict[str, Any]) -> bool:
        """Whether a pool is asked for, by its row."""
        if not self.has_place(row) or (self.name is not None and not fnmatchcase(row["name"] or "", self.name)):
            return False
        if self.trigger is None and self.function is None:
            return True
        called = triggers(row)
        arns = called.values() if self.trigger is None else [called[self.trigger]] if self.trigger in called else []
        return any(self.function is None or self.function.has(arn) for arn in arns)


def read_pools(known: Known, wanted: Wanted) -> Iterator[dict[str, Any]]:
    """Return the known rows that are asked for, as JSON has them, sorted by account, region and id."""
    return filter(wanted.has, map(json.loads, known.lines()))


def function_meant(known: Known, asked: Asked) -> str | None:
    """Return a question that names the nearest of the functions that pools call; None where none is near.

    Raises:
        SnapshotError: a file is not what this program writes.
    """
    arns = {arn for row in read_pools(known, Wanted()) for arn in triggers(row).values()}
    names = {function.name for function in map(parse, arns) if function}
    return None if asked.name in names else did_you_mean(asked.name, names)


def triggers(row: dict[str, Any]) -> dict[str, str]:
    """Return the members of lambda_config that a pool has, each with the ARN that it calls.

    A trigger that this release has no column for is among them, under the service's own name for it.
    """
    members = {name: value for name, value in (row["lambda_config"] or {}).items() if value is not None}
    arns = {name: value["lambda_arn"] if isinstance(value, dict) else value for name, value in members.items()}
    return {name: arn or "" for name, arn in arns.items()} | _unmodelled_triggers(row)


def _unmodelled_triggers(row: dict[str, Any]) -> dict[str, str]:
    if not row.get("unmodelled"):
        return {}
    unmodelled = json.loads(row["unmodelled"])
    config = unmodelled.get("LambdaConfig") if isinstance(unmodelled, dict) else None
    found: dict[str, str] = {}
    for name, value in config.items() if isinstance(config, dict) else ():
        for each in value.values() if isinstance(value, dict) else (value,):
            if isinstance(each, str) and parse(each):
                found[name] = each
    return found


def trigger_named(text: str) -> str:
    """Return the column of a trigger by its name as people write it, such as PreSignUp or pre-sign-up.

    Raises:
        ValueError: no trigger is named like that.
    """
    columns = {_letters(name): column.name for column in schema.LAMBDA_CONFIG for name in (column.name, column.member)}
    found = columns.get(_letters(text))
    if found is None:
        raise ValueError(f"is no trigger: {did_you_mean(text, TRIGGERS) or 'use ' + ', '.join(TRIGGERS)}")
    return found


def value_of(row: Mapping[str, Any], dotted: str) -> Any:  # noqa: ANN401 - whatever a column holds
    """Return a column's value by its dotted name, None where the row has none."""
    value: Any = row
    for name in dotted.split("."):
        value = value.get(name) if isinstance(value, Mapping) else None
    return value


def shown_value(row: Mapping[str, Any], dotted: str, target: Target) -> str:
    """Return a column's value for people; the function of a trigger by its short name, seen from its pool."""
    value = value_of(row, dotted)
    if isinstance(value, Mapping):  # a trigger that has a version
        value = value.get("lambda_arn")
    if value is None:
        return "none"
    # A pool's name may look like a function's.
    return shown(str(value), target) if dotted.startswith(TRIGGER_PREFIX) else str(value)


def check_places(wanted: Wanted, covered: Iterable[Coverage]) -> None:
    """Raise where a region or an account is asked for that a snapshot knows nothing of: it would look empty.

    Raises:
        SnapshotError: the text names what there is, or what was meant.
    """
    targets = [each.target for each in covered]
    for kind, asked, there in (
        ("region", wanted.regions, {each.region for each in targets}),
        ("account", wanted.accounts, {each.account_id for each in targets}),
    ):
        for name in asked:
            if name not in there:
                meant = did_you_mean(name, there)
                advice = f"it has {_some(there)}" + (f"; {meant}" if meant else "")
                raise SnapshotError(f"the snapshot covers no {kind} {name!r}: {advice}")


def _some(names: Iterable[str]) -> str:
    first = sorted(names)
    return ", ".join(first[:MAX_NAMED]) + (f" and {len(first) - MAX_NAMED} more" if len(first) > MAX_NAMED else "")


def _letters(name: object) -> str:
    return re.sub("[^a-z0-9]", "", str(name).lower())
