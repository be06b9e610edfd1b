"""All that the page says, gathered from a store: the newest snapshots, and the pools that are known."""

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from pool_inventory.model import Coverage
from pool_inventory.snapshots import archive
from pool_inventory.snapshots.counted import Counted, count_pools
from pool_inventory.snapshots.manifest import Manifest
from pool_inventory.stores.protocol import Store
from pool_inventory.terminal import reports
from pool_inventory.terminal.page.recent import Recent, read_recent

# How many targets that were not read are named, and how many problems.
MAX_UNREAD = 50
# How many pools can be searched: the page would be too large to open with all that an organization may have.
MAX_LISTED = 20_000
MAX_PROBLEMS = 20


@dataclass(frozen=True, slots=True)
class Facts:
    """What the page says.

    Attributes:
        address: where the snapshots are.
        made_at: when the page was made.
        newest: the newest snapshot.
        age: how old it is, and what to ask where it is too old.
        is_too_old: whether it is.
        unread: the first targets that it did not read and that may have pools.
        unread_count: how many there are.
        accounts: how many accounts it speaks of, those without pools too.
        recent: the snapshots up to it.
        pools: the pools that are known.
        problems: what could not be read, and why.
    """

    address: str
    made_at: datetime
    newest: Manifest
    age: str
    is_too_old: bool
    unread: tuple[Coverage, ...]
    unread_count: int
    accounts: int
    recent: Recent
    pools: Counted
    problems: tuple[str, ...]

    @property
    def targets_read(self) -> int:
        """How many targets the newest snapshot read whole."""
        return self.newest.targets.get("ok", 0)

    @property
    def targets(self) -> int:
        """How many it may have pools of: an absent one has none."""
        return sum(self.newest.targets.values()) - self.newest.targets.get("absent", 0)

    @property
    def changes(self) -> Counter[str]:
        """How many pools were created, deleted and modified in the recent snapshots, as far as that is known."""
        total: Counter[str] = Counter()
        for each in self.recent.manifests:
            total.update(each.changes or {})
        return total

    @property
    def may_be_more(self) -> bool:
        """Whether more may have changed: a target was not compared, or a manifest does not say."""
        return any(each.changes is None or each.uncompared_count for each in self.recent.manifests)


def gather(store: Store, now: datetime, last: int, warn: Callable[[str], None]) -> Facts:
    """Gather what the page says of the newest snapshot, and of the last so many.

    Raises:
        SnapshotError, StoreError: the newest snapshot cannot be read, or is not ours.
    """
    newest = archive.newest(store, warn)
    known = archive.read_known(store, newest)
    covered = tuple(known.coverage())
    unread = tuple(each for each in covered if each.has_unknown_pools)
    recent = read_recent(store, newest, last)
    lost = tuple(f"the pools of {' '.join(target)} cannot be read: {why}" for target, why in known.lost.items())
    return Facts(
        address=store.address(""),
        made_at=now,
        newest=newest,
        age=reports.age_text(newest, now),
        is_too_old=reports.is_too_old(newest, now),
        unread=unread[:MAX_UNREAD],
        unread_count=len(unread),
        accounts=len({each.account_id for each in covered}),
        recent=recent,
        pools=count_pools(known, now, max_listed=MAX_LISTED),
        problems=_first(recent.problems + lost),
    )


def _first(problems: tuple[str, ...]) -> tuple[str, ...]:
    more = len(problems) - MAX_PROBLEMS
    return (*problems[:MAX_PROBLEMS], f"and {more:,} more problems") if more > 0 else problems
