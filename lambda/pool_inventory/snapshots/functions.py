"""Lambda functions, as triggers name them and as people ask for them."""

import re
from collections.abc import Callable
from dataclasses import dataclass

from pool_inventory.model import Target

# https://docs.aws.amazon.com/lambda/latest/api/API_Invoke.html#API_Invoke_RequestParameters
_ARN = re.compile(
    r"arn:(?P<partition>[^:]+):lambda:(?P<region>[^:]+):(?P<account_id>\d{12}):function:(?P<name>[^:]+)"
    r"(:(?P<qualifier>[^:]+))?"
)
# All that Lambda takes for a function besides a whole ARN: NAME, NAME:ALIAS, ACCOUNT:function:NAME[:ALIAS].
_ASKED = re.compile(r"((?P<account_id>\d{12}):function:)?(?P<name>[\w-]+)(:(?P<qualifier>[\w$-]+))?", re.ASCII)


@dataclass(frozen=True, slots=True)
class Function:
    """A function, as an ARN names it.

    Attributes:
        qualifier: the version or the alias, None where the ARN names none.
    """

    account_id: str
    region: str
    name: str
    qualifier: str | None

    def is_foreign(self, target: Target) -> bool:
        """Whether it is in another account or region than a pool's."""
        return (self.account_id, self.region) != target

    def shown(self, target: Target) -> str:
        """Return what tells it apart, seen from a pool: its name, and the account and the region if it is foreign."""
        name = f"{self.name}:{self.qualifier}" if self.qualifier else self.name
        places = [
            *([f"account {self.account_id}"] if self.account_id != target.account_id else []),
            *([f"region {self.region}"] if self.region != target.region else []),
        ]
        return f"{name} ({', '.join(places)})" if places else name


def parse(arn: str) -> Function | None:
    """Return the function that an ARN names; None where it names none, but for example a key."""
    found = _ARN.fullmatch(arn)
    return Function(found["account_id"], found["region"], found["name"], found["qualifier"]) if found else None


def shown(arn: str, target: Target) -> str:
    """Return a function's short name, with the account and the region where they are not the pool's."""
    function = parse(arn)
    return function.shown(target) if function else arn


@dataclass(frozen=True, slots=True)
class Asked:
    """A function that is asked for: its name, and whether an ARN is of it."""

    name: str
    has: Callable[[str], bool]


def asked_for(asked: str) -> Asked:
    """Return the function that is asked for, in any version where none is asked for.

    Args:
        asked: an ARN, or what Lambda takes instead: NAME, NAME:ALIAS, ACCOUNT:function:NAME or with :ALIAS.

    Raises:
        ValueError: it is none of these.
    """
    if asked.startswith("arn:"):
        function = parse(asked)
        return Asked(function.name if function else asked, lambda arn: arn == asked or arn.startswith(f"{asked}:"))
    found = _ASKED.fullmatch(asked)
    if not found:
        raise ValueError("is no function: use its name, NAME:ALIAS, ACCOUNT:function:NAME or its ARN")
    wanted = {key: value for key, value in found.groupdict().items() if value}

    def has(arn: str) -> bool:
        function = parse(arn)
        return function is not None and all(getattr(function, key) == value for key, value in wanted.items())

    return Asked(found["name"], has)
