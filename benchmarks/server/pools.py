"""The user pools that there are, as bytes of the answers that list them.

A third of them have no trigger, a third have two, a third have all. Each version of the inventory modifies one pool in
so many, so that a snapshot differs from the one before.
"""

import json
from dataclasses import dataclass, field
from functools import lru_cache

from pool_inventory.snapshots import schema
from pool_inventory.snapshots.schema import Kind

ID_LETTERS = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
ID_LENGTH = 9
# Odd and no multiple of 31, so that no two numbers give the same id; and large, so that ids are in no order.
ID_STEP = 7_368_787_013_927_111
# Of both, in seconds: pools are created two minutes apart, and a version modifies an hour later than the one before.
FIRST_CREATED, CREATED_APART = 1.6e9, 120
MODIFIED, MODIFIED_APART = 1.78e9, 3600
FUNCTIONS = 20


@dataclass(frozen=True, slots=True)
class Region:
    """The pools of one region, in the order in which they are listed, each as the JSON of the listing."""

    name: str
    pools: tuple[bytes, ...]
    _numbers: dict[str, int] = field(default_factory=dict)

    def pool(self, pool_id: str) -> bytes | None:
        """Return the pool that has an id, None where there is none."""
        if not self._numbers:
            self._numbers.update((make_id(self.name, number), number) for number in range(len(self.pools)))
        number = self._numbers.get(pool_id)
        return None if number is None else self.pools[number]

    def page(self, token: str | None, size: int) -> bytes:
        """Return the body of the page that a token names.

        Raises:
            ValueError: no page has given that token.
        """
        start = offset(token)
        if start > len(self.pools):
            raise ValueError(f"there is no page of the token {token!r}")
        listed = b",".join(self.pools[start : start + size])
        end = start + size
        more = f',"NextToken":"{_token(end)}"' if end < len(self.pools) else ""
        return b'{"UserPools":[%b]%b}' % (listed, more.encode())


def offset(token: str | None) -> int:
    """Return how many pools come before the page that a token names.

    Raises:
        ValueError: the token is none of ours.
    """
    return int(token.removeprefix("page-").rstrip("=")) if token else 0


def _token(start: int) -> str:
    """Return a page's token, about as long as one of the service's."""
    return f"page-{start:09d}".ljust(200, "=")


def make_id(region: str, number: int) -> str:
    """Return the id of the pool of a number, in the form of the service's own."""
    rest, letters = (number + 1) * ID_STEP % len(ID_LETTERS) ** ID_LENGTH, ""
    for _ in range(ID_LENGTH):
        rest, letter = divmod(rest, len(ID_LETTERS))
        letters += ID_LETTERS[letter]
    return f"{region}_{letters}"


@lru_cache(maxsize=64)
def make_region(name: str, pools: int, *, account_id: str, version: int, modified_every: int) -> Region:
    """Make up the pools of a region, as they are in some version of the inventory."""
    configs = [_lambda_configs(f"arn:aws:lambda:{name}:{account_id}:function:trigger-{n}") for n in range(FUNCTIONS)]

    def pool(number: int) -> bytes:
        times_modified = (version - number % modified_every) // modified_every + 1
        modified = MODIFIED + number % 1000 / 1000 + MODIFIED_APART * times_modified
        config = configs[number // 3 % FUNCTIONS][number % 3]
        return (
            f'{{"Id":"{make_id(name, number)}","Name":"customers of shop {number}","LambdaConfig":{config},'
            f'"LastModifiedDate":{modified:.3f},"CreationDate":{FIRST_CREATED + CREATED_APART * number:.3f}}}'
        ).encode()

    return Region(name, tuple(pool(number) for number in range(pools)))


def _lambda_configs(function: str) -> tuple[str, str, str]:
    """Return no trigger, two and all, calling one function."""
    versioned = {"LambdaVersion": "V1_0", "LambdaArn": function}
    triggers = {each.member: versioned if each.kind is Kind.STRUCT else function for each in schema.LAMBDA_CONFIG}
    two = {name: triggers[name] for name in ("PreSignUp", "PostConfirmation")}
    none, some, all_of_them = (json.dumps(each, separators=(",", ":")) for each in ({}, two, triggers))
    return none, some, all_of_them
