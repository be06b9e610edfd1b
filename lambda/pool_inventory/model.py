"""The types that every layer shares: accounts, targets, coverage, snapshots and changes.

The standard library only, and no I/O: each module may import this one.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Literal, NamedTuple

Status = Literal["ok", "absent", "denied", "throttled", "timed_out", "failed", "not_asked"]
FailedStatus = Literal["denied", "throttled", "timed_out", "failed"]
# How a snapshot counts its targets: `accepted` are those denied ones of which the operator's settings say so, and
# `denied` the others.
Counted = Literal["ok", "absent", "denied", "accepted", "throttled", "timed_out", "failed", "not_asked"]
# With these alone a snapshot is complete: read whole, does not exist, or left out by settings or by a listing.
COMPLETE: frozenset[Counted] = frozenset({"ok", "absent", "accepted", "not_asked"})
ChangeKind = Literal["created", "deleted", "modified"]


@dataclass(frozen=True, slots=True)
class Account:
    """Whose user pools are asked for."""

    account_id: str
    partition: str


@dataclass(frozen=True, slots=True)
class Member:
    """An account of an organization: the columns of schema.ACCOUNTS less the snapshot's time.

    Attributes:
        name: what the organization calls it; None where that was not asked for.
        email: the address of its root user, where it is asked for.
        organizational_unit_path: where in the organization it is: `o-…/r-…/ou-…/…`.
        state: the organization's own word, such as `ACTIVE`.
        joined_at: when it joined.
    """

    account_id: str
    name: str | None = None
    email: str | None = None
    organizational_unit_path: str | None = None
    state: str | None = None
    joined_at: datetime | None = None


class Target(NamedTuple):
    """An account and a region: what is asked for its pools, and the key of all that is known by target."""

    account_id: str
    region: str


@dataclass(frozen=True, slots=True)
class Coverage:
    """How reading one target went: the columns of schema.COVERAGE less the snapshot's time.

    Attributes:
        pools: how many pools were read; None where the target was not read to its last page.
        last_ok: id of the newest snapshot, this one included, in which the target was read whole and whose pools are
            known.
        compared_with: id of the snapshot that has the target's last good reading before this one.
        accepted_by: what in the operator's settings accepts that the target is denied: `scp`, or the region; None,
            nothing does, or it is not denied.
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
    compared_with: str | None = None
    accepted_by: str | None = None

    @property
    def target(self) -> Target:
        """The target."""
        return Target(self.account_id, self.region)

    @property
    def is_read(self) -> bool:
        """Whether the target was read to its last page, so that its pools are in the snapshot's data."""
        return self.status == "ok"

    @property
    def has_unknown_pools(self) -> bool:
        """Whether the target may have pools that the snapshot did not read: an absent one has none."""
        return self.status not in {"ok", "absent"}

    @property
    def counted(self) -> Counted:
        """As what a snapshot counts the target."""
        return "accepted" if self.accepted_by else self.status

    @property
    def is_failed(self) -> bool:
        """Whether the target was asked and could not be read, and no setting accepts that."""
        return self.counted not in COMPLETE


@dataclass(frozen=True, slots=True)
class AccountFailure:
    """Why none of an account's regions could be asked: each that was expected is unread for this reason."""

    account_id: str
    status: FailedStatus
    error_code: str
    error_message: str
    started_at: datetime
    duration_ms: int

    def coverage(self, region: str) -> Coverage:
        """Return the coverage of a region of the account."""
        return Coverage(
            account_id=self.account_id,
            region=region,
            status=self.status,
            pools=None,
            requests=0,
            retries=0,
            duplicates=0,
            started_at=self.started_at,
            duration_ms=self.duration_ms,
            error_code=self.error_code,
            error_message=self.error_message,
        )


@dataclass(frozen=True, slots=True)
class Link:
    """A finished snapshot, by its id and the SHA-256 of its manifest in hexadecimal."""

    snapshot_id: str
    manifest_sha256: str


@dataclass(frozen=True, slots=True)
class File:
    """An object, by its size and the SHA-256 of its bytes in hexadecimal."""

    size_bytes: int
    sha256: str


@dataclass(frozen=True, slots=True)
class Carried:
    """What a snapshot carries of targets that it did not read.

    Attributes:
        targets: how many targets.
        pools: how many pools they had when they were last read.
        forgotten: how many targets it does not carry any more: they were not read for too long.
    """

    targets: int = 0
    pools: int = 0
    forgotten: int = 0


@dataclass(frozen=True, slots=True)
class Snapshot:
    """A snapshot's metadata: the footer of its data object.

    Attributes:
        previous: the finished snapshot before it; None for the first.
        known_id: id of the snapshot whose known pools it is compared with, and carries from; None where there is none.
        known_reason: why that is not the snapshot before; None where it is.
        targets: how many targets there are of each status, and accepted.
        requests, retries: calls of ListUserPools, in all.
        coverage_file: its coverage object; None for one of contract version 1, which has its coverage in its footer.
        carried_file: its carried object; None where it carries nothing.
        extra_formats: in which formats besides Parquet its rows are to be written.
        accounts_file: its accounts object; None where it is of one account.
    """

    id: str
    started_at: datetime
    ended_at: datetime
    previous: Link | None
    known_id: str | None
    known_reason: str | None
    targets: Mapping[Counted, int]
    pool_count: int
    requests: int
    retries: int
    coverage_file: File | None
    carried_file: File | None
    carried: Carried
    extra_formats: tuple[str, ...] = ()
    accounts_file: File | None = None

    @property
    def status(self) -> Literal["complete", "partial"]:
        """Whether every target that was asked was read whole, does not exist, or is denied as the settings accept."""
        return "partial" if self.targets_failed else "complete"

    @property
    def targets_failed(self) -> int:
        """How many targets were asked and could not be read, and no setting accepts that."""
        return sum(count for status, count in self.targets.items() if status not in COMPLETE)

    @property
    def targets_unread(self) -> int:
        """How many targets were asked and could not be read."""
        return self.targets_failed + self.targets["accepted"]


@dataclass(frozen=True, slots=True)
class Change:
    """A change of one pool: the columns of schema.CHANGES, with snapshots by their ids.

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
    """A target of which it is not known what changed, since its last good reading before cannot be read."""

    account_id: str
    region: str
    last_ok: str | None
    reason: str


class AccountCounts(NamedTuple):
    """How many accounts of an organization were asked, and of how many no target was read and one failed."""

    asked: int
    failed: int


@dataclass(frozen=True, slots=True)
class Published:
    """A finished snapshot.

    Attributes:
        snapshot: what was committed.
        changes: how many pools were created, deleted and modified.
        uncompared: the first targets of which the changes are not known, 100 at most.
        known_pools: how many pools each target has that has any: as read in it, or as carried by it.
        link: its id and its manifest's hash.
        manifest_key: the key of its manifest in full.
        size_bytes: the size of its data object.
        accounts: how many accounts were asked; None where it is of one account.
    """

    snapshot: Snapshot
    changes: Mapping[str, int]
    uncompared: tuple[Uncompared, ...]
    known_pools: Mapping[Target, int]
    link: Link
    manifest_key: str
    size_bytes: int
    accounts: AccountCounts | None = None
