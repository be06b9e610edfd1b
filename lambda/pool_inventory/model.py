"""What every layer speaks of: accounts, targets, how reading them went, snapshots, and what changed.

The standard library only, and no I/O: each module may import this one.
"""

import dataclasses
from collections import Counter
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal, NamedTuple, get_args

Status = Literal["ok", "absent", "denied", "throttled", "timed_out", "failed"]
# A target that has one of these leaves no pools unknown.
COMPLETE_STATUSES: tuple[Status, ...] = ("ok", "absent")
ChangeKind = Literal["created", "deleted", "modified"]


@dataclass(frozen=True, slots=True)
class Account:
    """Whose user pools are asked for."""

    account_id: str
    partition: str


class Target(NamedTuple):
    """An account and a region: what is asked for its pools, and the key of all that is known by target."""

    account_id: str
    region: str


@dataclass(frozen=True, slots=True)
class Coverage:
    """How reading one target went: the columns of schema.COVERAGE less the snapshot's time.

    Attributes:
        pools: how many pools were read; None where the target was not read to its last page.
        last_ok: id of the newest snapshot, this one included, in which the target was read whole.
    """

    account_id: str
    region: str
    status: Status
    pools: int | None
    requests: int
    retries: int
    duplicates: int
    started_at: datetime
    duration_ms: int
    error_code: str | None
    error_message: str | None
    last_ok: str | None = None

    @property
    def target(self) -> Target:
        """The target."""
        return Target(self.account_id, self.region)

    @property
    def is_read(self) -> bool:
        """Whether the target was read to its last page, so that its pools are known."""
        return self.status == "ok"

    @property
    def is_absent(self) -> bool:
        """Whether the region has no Cognito, so that there is nothing to read."""
        return self.status == "absent"

    @property
    def is_complete(self) -> bool:
        """Whether it leaves the snapshot complete."""
        return self.status in COMPLETE_STATUSES


@dataclass(frozen=True, slots=True)
class Link:
    """A finished snapshot, by its id and the SHA-256 of its manifest in hexadecimal."""

    snapshot_id: str
    manifest_sha256: str


@dataclass(frozen=True, slots=True)
class Baseline:
    """Which earlier snapshot has a target's last good reading."""

    account_id: str
    region: str
    snapshot_id: str

    @property
    def target(self) -> Target:
        """The target."""
        return Target(self.account_id, self.region)


@dataclass(frozen=True, slots=True)
class Snapshot:
    """What a snapshot says of itself, its rows apart.

    Attributes:
        baselines: what each target that was read is to be compared with, unless it was never read before; None where
            that is not known.
        extra_formats: in which formats besides Parquet its rows are to be written.
    """

    id: str
    started_at: datetime
    ended_at: datetime
    previous: Link | None
    coverage: tuple[Coverage, ...]
    baselines: tuple[Baseline, ...] | None = ()
    extra_formats: tuple[str, ...] = ()

    @property
    def status(self) -> Literal["complete", "partial"]:
        """Whether every target was read whole, or is absent."""
        return "complete" if all(each.is_complete for each in self.coverage) else "partial"

    @property
    def pool_count(self) -> int:
        """The number of rows: the pools of the targets that were read whole."""
        return sum(each.pools or 0 for each in self.coverage)


@dataclass(frozen=True, slots=True)
class Change:
    """What became of one pool: the columns of schema.CHANGES, with snapshots by their ids.

    `before` and `after` are the pool's rows as JSON, None where there was none.
    """

    previous_snapshot_id: str
    change: ChangeKind
    account_id: str
    region: str
    id: str
    name: str | None
    fields: tuple[str, ...]
    before: str | None
    after: str | None


@dataclass(frozen=True, slots=True)
class Uncompared:
    """A target that was read, and whose last good reading could not be: what changed there is not known."""

    account_id: str
    region: str
    last_ok: str | None
    reason: str


@dataclass(frozen=True, slots=True)
class Comparison:
    """What changed in all targets, sorted by account, region and id; and which targets could not be compared."""

    changes: tuple[Change, ...]
    uncompared: tuple[Uncompared, ...]

    def summary(self) -> dict[str, Any]:
        """Return what the manifest says of the changes: their number by kind, and the targets not compared."""
        counts = Counter(each.change for each in self.changes)
        return {
            "changes": {kind: counts[kind] for kind in get_args(ChangeKind)},
            "uncompared": [dataclasses.asdict(each) for each in self.uncompared],
        }


@dataclass(frozen=True, slots=True)
class Published:
    """A finished snapshot.

    Attributes:
        snapshot: what was committed, its rows apart.
        comparison: what changed in it, as its changes object has it.
        link: its id and its manifest's hash.
        manifest_key: the key of its manifest in full.
        size_bytes: the size of its data object.
    """

    snapshot: Snapshot
    comparison: Comparison
    link: Link
    manifest_key: str
    size_bytes: int
