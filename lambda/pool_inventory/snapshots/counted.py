"""The known pools of a snapshot, gone through once: how many there are of what, and which functions they call."""

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any

from pool_inventory.model import Target
from pool_inventory.snapshots import functions, pools
from pool_inventory.snapshots.functions import Function
from pool_inventory.snapshots.known import Known
from pool_inventory.snapshots.pools import Wanted, read_pools

# How many pools are named that call a function.
MAX_NAMED = 5
# Since when a pool has not been touched, in days; the last has no end.
AGES = (
    (7, "under a week"),
    (30, "a week to a month"),
    (90, "1 to 3 months"),
    (365, "3 months to a year"),
    (2 * 365, "1 to 2 years"),
    (5 * 365, "2 to 5 years"),
    (None, "over 5 years"),
)
UNKNOWN_AGE = "not known"


@dataclass(frozen=True, slots=True)
class Call:
    """A function that a pool calls, by its short name, and by which triggers."""

    function: str
    triggers: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Pool:
    """A pool as it is listed; `read_at` is None where the snapshot read it itself."""

    id: str
    name: str
    account_id: str
    region: str
    calls: tuple[Call, ...]
    modified: str
    read_at: str | None


@dataclass(frozen=True, slots=True)
class Called:
    """A function and the pools that call it from one side: from its own account and region, or from outside.

    Attributes:
        arn: the function, as the triggers name it.
        place: where it is, as far as that differs from the pools: an account, a region, or both; empty where nothing
            differs.
        is_of_account: whether it is in another account than a pool that calls it.
        triggers: by which triggers it is called.
        pools: how many pools call it.
        named: the first of them.
    """

    arn: str
    place: str
    is_of_account: bool
    triggers: tuple[str, ...]
    pools: int
    named: tuple[Pool, ...]


@dataclass(frozen=True, slots=True)
class Count:
    """How many pools the snapshot read, and how many are known only from earlier."""

    read: int = 0
    earlier: int = 0

    @property
    def total(self) -> int:
        """How many are known."""
        return self.read + self.earlier

    def plus(self, other: "Count") -> "Count":
        """Return both together."""
        return Count(self.read + other.read, self.earlier + other.earlier)


@dataclass(frozen=True, slots=True)
class Use:
    """What the pools of a target call.

    Attributes:
        pools: how many pools have a trigger.
        functions: how many functions they call, whatever the version.
        foreign: how many of those are outside the account or the region.
    """

    pools: int = 0
    functions: int = 0
    foreign: int = 0


@dataclass(frozen=True, slots=True)
class Counted:
    """What is known of all pools.

    Attributes:
        listed: the first pools, as many as were asked for.
        places: how many pools each target has.
        uses: what they call, by target.
        triggers: how many pools use a trigger in a region, by both.
        functions: how many functions are called, whatever the version.
        called: each function as triggers name it, those of another account first, then of another region.
        untouched: how many pools have not been modified for how long, by the texts of AGES.
        traits: how many pools have what; what is described of a pool goes here as well.
    """

    listed: tuple[Pool, ...]
    places: Mapping[Target, Count]
    uses: Mapping[Target, Use]
    triggers: Mapping[tuple[str, str], int]
    functions: int
    called: tuple[Called, ...]
    untouched: Mapping[str, Count]
    traits: Mapping[str, Count]

    @property
    def total(self) -> Count:
        """How many pools there are."""
        total = Count()
        for each in self.places.values():
            total = total.plus(each)
        return total

    @property
    def foreign(self) -> tuple[Called, ...]:
        """The functions outside the account or the region of pools that call them."""
        return tuple(each for each in self.called if each.place)


@dataclass(slots=True)
class _Calls:
    """What is gathered of a function."""

    is_of_account: bool
    triggers: set[str] = field(default_factory=set)
    pools: int = 0
    named: list[Pool] = field(default_factory=list)


@dataclass(slots=True)
class _Counting:
    """What is gathered of all pools, one after the other."""

    now: datetime
    max_listed: int
    max_named: int | None
    listed: list[Pool] = field(default_factory=list)
    places: dict[Target, Count] = field(default_factory=lambda: defaultdict(Count))
    triggers: Counter[tuple[str, str]] = field(default_factory=Counter)
    callers: Counter[Target] = field(default_factory=Counter)
    functions: dict[Target, set[Function]] = field(default_factory=lambda: defaultdict(set))
    called: dict[tuple[str, str], _Calls] = field(default_factory=dict)
    untouched: dict[str, Count] = field(default_factory=lambda: {text: Count() for _, text in AGES})
    traits: dict[str, Count] = field(default_factory=lambda: defaultdict(Count))

    def add(self, row: Mapping[str, Any]) -> None:
        """Count a pool, by its row as JSON has it."""
        target = Target(row["account_id"], row["region"])
        called = {name: arn for name, arn in pools.triggers(dict(row)).items() if name != "kms_key_id"}
        pool = _pool(row, called, target)
        one = Count(read=1) if pool.read_at is None else Count(earlier=1)
        self.places[target] = self.places[target].plus(one)
        age = _age(row["last_modified_date"], self.now)
        self.untouched[age] = self.untouched.get(age, Count()).plus(one)
        for trait in _traits(row, called):
            self.traits[trait] = self.traits[trait].plus(one)
        for arn in set(called.values()):
            self._add_call(arn, [name for name, each in called.items() if each == arn], pool, target)
        self.triggers.update((name, row["region"]) for name in called)
        self.callers[target] += bool(called)
        if len(self.listed) < self.max_listed:
            self.listed.append(pool)

    def _add_call(self, arn: str, triggers: Iterable[str], pool: Pool, target: Target) -> None:
        function = functions.parse(arn)
        if function:
            self.functions[target].add(replace(function, qualifier=None))
        is_of_account = function is None or function.account_id != target.account_id
        calls = self.called.setdefault((arn, _place(function, target)), _Calls(is_of_account))
        calls.triggers.update(triggers)
        calls.pools += 1
        if self.max_named is None or len(calls.named) < self.max_named:
            calls.named.append(pool)


def count_pools(known: Known, now: datetime, *, max_listed: int = 0, max_named: int | None = MAX_NAMED) -> Counted:
    """Go through all pools that are known.

    Args:
        known: what is known.
        now: when: how long a pool has not been modified counts up to then.
        max_listed: how many pools to list.
        max_named: how many pools to name of each function, None for all.

    Raises:
        SnapshotError: a file is not what this program writes.
    """
    counting = _Counting(now, max_listed, max_named)
    for row in read_pools(known, Wanted()):
        counting.add(row)
    called = (
        Called(arn, place, each.is_of_account, tuple(sorted(each.triggers)), each.pools, tuple(each.named))
        for (arn, place), each in counting.called.items()
    )
    return Counted(
        listed=tuple(counting.listed),
        places=dict(counting.places),
        uses={target: _use(counting, target) for target in counting.places},
        triggers=dict(counting.triggers),
        functions=len(set[Function]().union(*counting.functions.values())),
        # What few pools call is more likely to be wrong than what all do.
        called=tuple(sorted(called, key=lambda each: (not each.is_of_account, not each.place, each.pools, each.arn))),
        untouched=counting.untouched,
        traits=dict(counting.traits),
    )


def _use(counting: _Counting, target: Target) -> Use:
    called = counting.functions[target]
    return Use(counting.callers[target], len(called), sum(each.is_foreign(target) for each in called))


def _pool(row: Mapping[str, Any], called: Mapping[str, str], target: Target) -> Pool:
    triggers: dict[str, list[str]] = defaultdict(list)
    for name, arn in called.items():
        triggers[functions.shown(arn, target)].append(name)
    return Pool(
        id=row["id"],
        name=row["name"] or "",
        account_id=target.account_id,
        region=target.region,
        calls=tuple(Call(function, tuple(names)) for function, names in triggers.items()),
        modified=(row["last_modified_date"] or "")[:10],
        read_at=None if row["read_at"] == row["snapshot_time"] else row["read_at"],
    )


def _place(function: Function | None, target: Target) -> str:
    if function is None:
        return "no function's ARN"
    return " and ".join(
        (
            *([f"account {function.account_id}"] if function.account_id != target.account_id else []),
            *([f"region {function.region}"] if function.region != target.region else []),
        )
    )


def _age(modified: str | None, now: datetime) -> str:
    if not modified:
        return UNKNOWN_AGE
    days = (now - datetime.fromisoformat(modified)).days
    return next(text for end, text in AGES if end is None or days < end)


def _traits(row: Mapping[str, Any], called: Mapping[str, str]) -> Iterable[str]:
    """Return what a pool has that is counted; what is described of a pool goes here."""
    yield "with a trigger" if called else "without a trigger"
    if row["replica_regions"]:
        yield "replicated to other regions"
    if row["unmodelled"]:
        yield "with a member that this release has no column for"
