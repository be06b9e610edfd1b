"""The newest snapshots of a store: how each target's reading went in each of them, and what changed."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import groupby
from typing import TypeVar

from pool_inventory.errors import RefusedError, SnapshotError
from pool_inventory.model import COMPLETE, Status, Target
from pool_inventory.snapshots import archive, manifest
from pool_inventory.snapshots.manifest import Manifest
from pool_inventory.stores.protocol import Store
from pool_inventory.terminal.page.changed import PoolChange, first, read_changes

T = TypeVar("T")

# How many targets have a row of their own in the strip.
MAX_TARGETS = 40
# How many rows of coverage are read in all: an organization's may have hundreds of thousands in each snapshot.
MAX_COVERAGE_ROWS = 300_000


@dataclass(frozen=True, slots=True)
class Reading:
    """How reading a target went: its status, and the error's code."""

    status: Status
    code: str | None


@dataclass(frozen=True, slots=True)
class Span:
    """Snapshots in a row in which reading a target went the same way, by the places of the first and the last.

    `reading` is None where it is not known: the coverage does not have the target, or was not read.
    """

    first: int
    last: int
    reading: Reading | None


@dataclass(frozen=True, slots=True)
class Strip:
    """How reading went, target by snapshot.

    Attributes:
        rows: the spans of each target that has a row of its own; where there are too many, those that failed.
        others: how many targets without a row failed in no snapshot.
        left_out: how many targets without a row did.
    """

    rows: Mapping[Target, tuple[Span, ...]]
    others: int
    left_out: int


@dataclass(frozen=True, slots=True)
class Recent:
    """The newest snapshots, oldest first.

    Attributes:
        manifests: what the manifest of each says.
        strip: how reading went.
        changes: the newest changes, newest first, as changed.first has them.
        problems: what could not be read, and why.
    """

    manifests: tuple[Manifest, ...]
    strip: Strip
    changes: tuple[PoolChange, ...]
    problems: tuple[str, ...]

    @property
    def arrivals(self) -> Mapping[str, str]:
        """The ARNs that pools came to call, each with the last snapshot in which one did."""
        return {arn: each.snapshot_id for each in reversed(self.changes) for arn in each.arrivals}


def read_recent(store: Store, newest: Manifest, last: int) -> Recent:
    """Read the last so many snapshots up to the newest.

    Raises:
        StoreError: the store cannot be read.
    """
    problems: list[str] = []

    def readable(read: Callable[[str], T], identifiers: Iterable[str]) -> Iterator[tuple[str, T]]:
        """Return what can be read of each snapshot, and keep why the rest cannot."""

        def attempt(identifier: str) -> tuple[str, T] | str:
            try:
                return identifier, read(identifier)
            except (SnapshotError, RefusedError) as error:
                return str(error)

        for each in archive.in_turn(attempt, identifiers):
            if isinstance(each, str):
                problems.append(each)
            else:
                yield each

    finished = (each for each in archive.ids_up_to(store, newest.id, last) if each < newest.id)
    identifiers = [*finished, newest.id][-last:]
    made = dict(readable(lambda each: newest if each == newest.id else manifest.read(store, each), identifiers))
    covered = list(_within_budget(made.values()))
    if len(covered) < len(made):
        problems.append(
            f"The coverage of the {len(made) - len(covered)} oldest of these snapshots is too much to show"
        )
    read = dict(readable(lambda each: _readings(store, made[each]), covered))
    found = (each for _, some in readable(partial(read_changes, store), reversed(made)) for each in some)
    strip = _strip([read.get(each, {}) for each in made])
    return Recent(tuple(made.values()), strip, tuple(first(found)), tuple(problems))


def _within_budget(manifests: Iterable[Manifest]) -> Iterator[str]:
    """Return the newest snapshot, and those before it as far as their coverage is not too much to read."""
    rows = 0
    for number, each in enumerate(sorted(manifests, key=lambda each: each.id, reverse=True)):
        rows += sum(each.targets.values())
        if number and rows > MAX_COVERAGE_ROWS:
            return
        yield each.id


def _readings(store: Store, made: Manifest) -> dict[Target, Reading]:
    return {each.target: Reading(each.status, each.error_code) for each in archive.read_coverage(store, made)}


def _strip(readings: Sequence[Mapping[Target, Reading]]) -> Strip:
    targets = sorted({target for each in readings for target in each})
    ways = {target: [each.get(target) for each in readings] for target in targets}
    if len(targets) <= MAX_TARGETS:
        return Strip({target: tuple(_spans(way)) for target, way in ways.items()}, 0, 0)
    last_failed = {target: place for target, way in ways.items() if (place := _last_failure(way)) is not None}
    chosen = sorted(last_failed, key=lambda target: (-last_failed[target], target))[:MAX_TARGETS]
    rows = {target: tuple(_spans(ways[target])) for target in chosen}
    return Strip(rows, len(targets) - len(last_failed), len(last_failed) - len(chosen))


def _last_failure(way: Sequence[Reading | None]) -> int | None:
    failed = [place for place, each in enumerate(way) if each and each.status not in COMPLETE]
    return failed[-1] if failed else None


def _spans(way: Sequence[Reading | None]) -> Iterator[Span]:
    for reading, group in groupby(enumerate(way), key=lambda each: each[1]):
        places = [place for place, _ in group]
        yield Span(places[0], places[-1], reading)
