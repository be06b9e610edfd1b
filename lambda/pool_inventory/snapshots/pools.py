"""The pools of a snapshot, and which of them a reader asks for."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import Any

from pool_inventory.model import Coverage
from pool_inventory.snapshots import schema
from pool_inventory.snapshots.known import Known

TRIGGERS = tuple(column.name for column in schema.LAMBDA_CONFIG)


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which pools are asked for; what is empty or None asks for all.

    Attributes:
        trigger: only pools that have this member of lambda_config.
        function: only pools that call this function: an ARN, of any version or alias where it names none.
        name: only pools whose name is like this pattern of the shell.
    """

    regions: tuple[str, ...] = ()
    accounts: tuple[str, ...] = ()
    trigger: str | None = None
    function: str | None = None
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
        return any(self.function is None or _is_of(arn, self.function) for arn in arns)


def read_pools(known: Known, wanted: Wanted) -> Iterator[dict[str, Any]]:
    """Return the known rows that are asked for, as JSON has them, sorted by account, region and id."""
    return filter(wanted.has, map(json.loads, known.lines()))


def triggers(row: dict[str, Any]) -> dict[str, str]:
    """Return the members of lambda_config that a pool has, each with the ARN that it calls."""
    members = {name: value for name, value in (row["lambda_config"] or {}).items() if value is not None}
    arns = {name: value["lambda_arn"] if isinstance(value, dict) else value for name, value in members.items()}
    return {name: arn or "" for name, arn in arns.items()}


def _is_of(arn: str, function: str) -> bool:
    return arn == function or arn.startswith(f"{function}:")
