"""How many calls of S3 a run makes, one after another: each is a round trip that its time cannot be shorter than."""

import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import timedelta

import boto3
import pytest
from pool_inventory.aws.calls import Tally
from pool_inventory.model import Account, Status, Target
from pool_inventory.run import Outcome, Request, Tools, export
from pool_inventory.stores.protocol import Stored
from pool_inventory.terminal.demo.stand_in import StandIn, deny, listing, seed

from tests.makers import ACCOUNT_ID, TIME, HeldClock, MemoryStore, any_pools

# How long no further call may come before those that came are answered: far above what starting a thread takes.
QUIET_SECONDS = 0.25
HOUR = timedelta(hours=1)


@dataclass
class RoundsStore(MemoryStore):
    """A store that answers calls in rounds: all that were made side by side are one.

    A call that waits for another's answer comes in a later round, however fast or slow the machine is.
    """

    rounds: list[list[str]] = field(default_factory=list)
    _changed: threading.Condition = field(default_factory=threading.Condition)
    _waiting: list[str] = field(default_factory=list)

    def get(self, key: str) -> Stored | None:
        self._wait(f"get {key}")
        return super().get(key)

    def put_if_absent(self, key: str, body: bytes) -> bool:
        self._wait(f"put {key}")
        return super().put_if_absent(key, body)

    def replace(self, key: str, body: bytes, etag: str) -> bool:
        self._wait(f"put {key}")
        return super().replace(key, body, etag)

    def keys(self, folder: str, after: str = "") -> Iterator[str]:
        self._wait(f"list {folder}")
        return super().keys(folder, after)

    def wait_until_quiet(self) -> None:
        with self._changed:
            # A wait that times out heard no further call.
            while self._changed.wait(2 * QUIET_SECONDS):
                pass  # another call came: wait from the start

    def _wait(self, call: str) -> None:
        with self._changed:
            self._waiting.append(call)
            own = self._waiting
            self._changed.notify_all()
            # Each that comes makes all wait from the start.
            while own is self._waiting:
                if not self._changed.wait(QUIET_SECONDS) and own is self._waiting:
                    self.rounds.append(sorted(own))
                    self._waiting = []
                    self._changed.notify_all()


def run(
    store: MemoryStore, hours: int, progress: Callable[[Target, Tally, Status | None], None] | None = None
) -> Outcome:
    return export(
        Request(snapshot_time=TIME + hours * HOUR, regions=("eu-west-1", "us-east-1"), max_requests_per_second=0),
        Tools(
            session=boto3.session.Session(),
            account=lambda: Account(ACCOUNT_ID, "aws"),
            store=store,
            deadline=HeldClock(hours * 3600.0 + 1000).deadline(),
            progress=progress,
        ),
    )


def calls_in_a_row(store: RoundsStore, hours: int) -> list[list[str]]:
    """Run, and return the rounds that went before or after the reading of the targets.

    The snapshot before is read while they are, and each target here ends only once the store is quiet.
    """
    ended: list[int] = []

    def progress(_: Target, __: Tally, status: Status | None) -> None:
        if status:
            store.wait_until_quiet()
            ended.append(len(store.rounds))

    assert run(store, hours, progress).result == "published"
    begun = next(number for number, calls in enumerate(store.rounds) if any("get data/" in each for each in calls))
    return store.rounds[:begun] + store.rounds[max(ended) :]


@pytest.fixture
def store(aws: StandIn) -> RoundsStore:
    """Two snapshots before this run's, as in the steady state."""
    for region in ("eu-west-1", "us-east-1"):
        seed(region, any_pools(3, region))
    before = MemoryStore()
    for hours in range(3):
        run(before, hours)
    return RoundsStore(before.objects)


def test_a_run_makes_ten_calls_in_a_row(store: RoundsStore) -> None:
    rounds = calls_in_a_row(store, 3)
    assert len(rounds) <= 10, rounds


def test_carried_rows_take_one_call_more(store: RoundsStore, aws: StandIn) -> None:
    """They are there before the coverage that names them."""
    aws.answers.append(listing("eu-west-1", deny))
    rounds = calls_in_a_row(store, 3)
    assert len(rounds) <= 11, rounds


@pytest.mark.slow
def test_a_long_history_takes_no_calls_more(store: RoundsStore) -> None:
    for hours in range(3, 60):
        run(MemoryStore(store.objects), hours)
    rounds = calls_in_a_row(store, 60)
    assert len(rounds) <= 10, rounds
