"""Runs that die, meet, come twice or come late: what is published is whole, once, and never goes back."""

import hashlib
import io
import json
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path

import boto3
import pytest
from arro3.io import read_parquet
from pool_inventory.errors import StoreError, UnreadError
from pool_inventory.model import Account
from pool_inventory.run import MAX_WARNINGS, Outcome, Request, Tools, export, first_of
from pool_inventory.snapshots import keys
from pool_inventory.stores.folder import FolderStore
from pool_inventory.stores.protocol import Store, Stored
from pool_inventory.stores.s3 import S3Store
from pool_inventory.terminal.demo.stand_in import StandIn, deny, listing, seed

from tests.conftest import BUCKET
from tests.counting import CountingStore
from tests.makers import ACCOUNT_ID, IDENTIFIER, TIME, HeldClock, any_pools

# staged coverage, data, coverage, changes, symlink, manifest, checksum, the latest coverage and data, latest.json
WRITES = 10
DATA, CHECKSUM = 2, 7
LATER = TIME + timedelta(hours=1)
EARLIER = TIME - timedelta(hours=1)


class RunEndedError(BaseException):
    """What a run does not see coming, and cannot handle."""


@dataclass
class WatchedStore:
    """A store that counts its writes, ends the run before one of them, or has it wait there for others."""

    store: Store
    ends_before_write: int | None = None
    before_data: Callable[[], object] = lambda: None
    written: list[str] = field(default_factory=list)
    counting: threading.Lock = field(default_factory=threading.Lock)

    @property
    def bucket(self) -> str:
        return self.store.bucket

    def full_key(self, key: str) -> str:
        return self.store.full_key(key)

    def address(self, key: str) -> str:
        return self.store.address(key)

    def get(self, key: str) -> Stored | None:
        return self.store.get(key)

    def keys(self, folder: str, after: str = "") -> Iterator[str]:
        return self.store.keys(folder, after)

    def put_if_absent(self, key: str, body: bytes) -> bool:
        if key.startswith(keys.DATA):
            self.before_data()
        self._count(key)
        return self.store.put_if_absent(key, body)

    def replace(self, key: str, body: bytes, etag: str) -> bool:
        self._count(key)
        return self.store.replace(key, body, etag)

    def put(self, key: str, body: bytes) -> None:
        self._count(key)
        self.store.put(key, body)

    def _count(self, key: str) -> None:
        with self.counting:
            if len(self.written) + 1 == self.ends_before_write:
                raise RunEndedError
            self.written.append(key)


@pytest.fixture(params=["s3", "folder"])
def store(request: pytest.FixtureRequest, aws: StandIn, tmp_path: Path) -> Store:
    seed("us-east-1", any_pools(61))
    if request.param == "s3":
        return S3Store.open(boto3.session.Session(), BUCKET, "user-pools")
    return FolderStore(tmp_path / "out")


def run(
    store: Store,
    time: datetime = TIME,
    regions: tuple[str, ...] = ("us-east-1",),
    before_asking: Callable[[], object] = lambda: None,
) -> Outcome:
    """The same run each time: its clock stands still, so what it finds is all that its bytes depend on."""
    request = Request(snapshot_time=time, regions=regions, max_requests_per_second=0)

    def account() -> Account:
        before_asking()
        return Account(ACCOUNT_ID, "aws")

    tools = Tools(
        session=boto3.session.Session(),
        account=account,
        store=store,
        deadline=HeldClock((time - TIME).total_seconds() + 1000).deadline(),
    )
    return export(request, tools)


def contents(store: Store) -> dict[str, bytes]:
    found = {key: store.get(key) for folder in keys.SNAPSHOT_FOLDERS for key in store.keys(folder)}
    found |= {key: store.get(key) for key in (keys.LATEST, keys.LATEST_DATA, keys.LATEST_COVERAGE)}
    return {key: stored.body for key, stored in found.items() if stored}


def assert_whatever_looks_finished_is(store: Store) -> None:
    """What a reader relies on: latest.json names a manifest, and by a checksum stand all objects of its snapshot."""
    found = contents(store)
    if keys.LATEST in found:
        latest = json.loads(found[keys.LATEST])
        manifest = found[keys.manifest(latest["snapshotId"])]
        assert latest["manifest"] == store.full_key(keys.manifest(latest["snapshotId"]))
        assert latest["sha256"] == hashlib.sha256(manifest).hexdigest()
        assert keys.checksum(latest["snapshotId"]) in found
    for identifier in filter(None, map(keys.finished, found)):
        manifest = found[keys.manifest(identifier)]
        assert found[keys.checksum(identifier)].decode() == hashlib.md5(manifest, usedforsecurity=False).hexdigest()
        (file,) = json.loads(manifest)["files"]
        data = found[keys.data(identifier)]
        assert file["key"] == store.full_key(keys.data(identifier))
        assert file["size"] == len(data)
        assert file["MD5checksum"] == hashlib.md5(data, usedforsecurity=False).hexdigest()
        assert file["sha256"] == hashlib.sha256(data).hexdigest()
        assert {keys.changes(identifier), keys.coverage(identifier), keys.symlink(identifier)} <= set(found)


def test_a_run_writes_each_object_once_and_in_a_safe_order(store: Store) -> None:
    """What a reader finds first may point only to what is there already."""
    watched = WatchedStore(store)
    assert run(watched).result == "published"
    side_by_side = {keys.coverage(IDENTIFIER), keys.changes(IDENTIFIER), keys.symlink(IDENTIFIER)}
    moved = {keys.LATEST_COVERAGE, keys.LATEST_DATA}
    in_turn = [
        keys.data(IDENTIFIER),
        keys.manifest(IDENTIFIER),
        keys.checksum(IDENTIFIER),
        keys.LATEST,
    ]
    staged, *written = watched.written
    assert staged.startswith(f"_staging/{IDENTIFIER}/coverage-")
    assert [*written[:1], *written[4:6], *written[8:]] == in_turn
    assert set(written[1:4]) == side_by_side
    assert set(written[6:8]) == moved
    assert set(contents(store)) == side_by_side | moved | set(in_turn)
    assert_whatever_looks_finished_is(store)


@pytest.mark.parametrize("write", range(1, WRITES + 1))
def test_a_run_killed_before_any_write_is_made_whole_by_the_next(
    store: Store, aws: StandIn, write: int, tmp_path: Path
) -> None:
    """The next delivery of the same event, that is."""
    with pytest.raises(RunEndedError):
        run(WatchedStore(store, ends_before_write=write))
    assert_whatever_looks_finished_is(store)
    aws.requests.clear()

    outcome = run(store)

    committed = write > DATA
    finished = write > CHECKSUM
    assert outcome.result == ("unchanged" if finished else "finished" if committed else "published")
    assert contents(store)[keys.LATEST_DATA] == contents(store)[keys.data(IDENTIFIER)]
    asked = [request for request in aws.requests if "ListUserPools" in request.headers.get("X-Amz-Target", "")]
    assert bool(asked) is not committed, "a commit is finished without asking Cognito"
    assert_whatever_looks_finished_is(store)
    assert json.loads(contents(store)[keys.LATEST])["snapshotId"] == IDENTIFIER
    assert run(store).result == "unchanged"


@pytest.mark.parametrize("write", range(1, WRITES + 1))
def test_the_objects_are_the_same_though_the_run_was_killed(aws: StandIn, tmp_path: Path, write: int) -> None:
    seed("us-east-1", any_pools(61))
    store = FolderStore(tmp_path / "inventory")
    run(store)
    undisturbed = contents(store)
    for path in tmp_path.rglob("*"):
        if path.is_file():
            path.unlink()

    with pytest.raises(RunEndedError):
        run(WatchedStore(store, ends_before_write=write))
    run(store)

    assert contents(store) == undisturbed


@pytest.mark.parametrize("write", range(DATA + 1, WRITES))
def test_a_run_that_died_is_finished_first_by_the_next(store: Store, write: int) -> None:
    with pytest.raises(RunEndedError):
        run(WatchedStore(store, ends_before_write=write))
    outcome = run(store, LATER)
    assert outcome.result == "published"
    finished = write > CHECKSUM
    assert [each.snapshot.id for each in outcome.recovered] == ([] if finished else [IDENTIFIER])
    assert outcome.published is not None
    assert outcome.published.snapshot.previous is not None
    assert outcome.published.snapshot.previous.snapshot_id == IDENTIFIER
    assert_whatever_looks_finished_is(store)


def test_an_overtaken_commit_is_finished_but_not_the_latest(store: Store) -> None:
    overtaken = WatchedStore(store, before_data=lambda: run(store, LATER), ends_before_write=DATA + 1)
    with pytest.raises(RunEndedError):
        run(overtaken)
    finishing = WatchedStore(store)
    assert run(finishing).result == "finished"
    assert keys.LATEST_DATA not in finishing.written
    assert_whatever_looks_finished_is(store)
    assert json.loads(contents(store)[keys.LATEST])["snapshotId"] == keys.snapshot_id(LATER)


def test_a_second_delivery_changes_nothing_and_asks_nobody(store: Store, aws: StandIn) -> None:
    run(store)
    before = contents(store)
    aws.requests.clear()
    watched = WatchedStore(store)
    assert run(watched).result == "unchanged"
    assert (watched.written, contents(store)) == ([], before)
    assert not any("ListUserPools" in request.headers.get("X-Amz-Target", "") for request in aws.requests)


def test_an_older_delivery_does_nothing(store: Store) -> None:
    run(store)
    before = contents(store)
    assert run(store, EARLIER).result == "superseded"
    assert contents(store) == before


def test_two_runs_at_once_end_in_one_snapshot(store: Store) -> None:
    together = threading.Barrier(2, timeout=20)
    outcomes: list[Outcome] = []

    def one() -> None:
        outcomes.append(run(WatchedStore(store, before_data=together.wait)))

    threads = [threading.Thread(target=one) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    first, second = outcomes
    assert first.published == second.published
    assert len(contents(store)) == WRITES - 1
    assert_whatever_looks_finished_is(store)


def test_the_run_that_loses_the_commit_reports_the_winners_data(store: Store) -> None:
    def win() -> None:
        seed("us-east-1", any_pools(5))
        run(store)

    outcome = run(WatchedStore(store, before_data=win))
    assert outcome.published is not None
    assert outcome.published.snapshot.pool_count == 5
    assert_whatever_looks_finished_is(store)


def test_of_runs_of_two_minutes_at_once_the_newer_is_the_latest(store: Store) -> None:
    together = threading.Barrier(2, timeout=20)
    threads = [
        threading.Thread(target=run, args=(WatchedStore(store, before_data=together.wait), time))
        for time in (LATER, TIME)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert json.loads(contents(store)[keys.LATEST])["snapshotId"] == keys.snapshot_id(LATER)
    assert_whatever_looks_finished_is(store)


def said(store: Store, time: datetime) -> list[tuple[str, str]]:
    """The changes of a snapshot, each by its region and kind."""
    table = read_parquet(io.BytesIO(contents(store)[keys.changes(keys.snapshot_id(time))])).read_all()
    return list(zip(table["region"].to_pylist(), table["change"].to_pylist(), strict=True))


def test_a_change_is_recorded_once_by_runs_at_once(store: Store) -> None:
    """The later run sees before its commit that the earlier one has published meanwhile."""
    run(store, EARLIER)
    seed("us-east-1", any_pools(1))
    outcome = run(store, LATER, before_asking=lambda: run(store, TIME))
    assert len(said(store, TIME)) == 62
    assert said(store, LATER) == []
    assert outcome.published is not None
    assert outcome.published.snapshot.previous is not None
    assert outcome.published.snapshot.previous.snapshot_id == IDENTIFIER


def test_a_run_overtaken_while_reading_writes_nothing(store: Store) -> None:
    outcome = run(store, before_asking=lambda: run(store, LATER))
    assert outcome.result == "superseded"
    assert not any(IDENTIFIER in key for key in contents(store))


def test_a_killed_runs_report_is_made_again(store: Store) -> None:
    """The metrics of a run that died before its checksum come from whoever finishes it: at least once."""
    reported: list[str] = []

    def run_reporting(watched: Store, time: datetime) -> None:
        request = Request(snapshot_time=time, regions=("us-east-1",), max_requests_per_second=0)
        tools = Tools(
            session=boto3.session.Session(),
            account=lambda: Account(ACCOUNT_ID, "aws"),
            store=watched,
            deadline=HeldClock().deadline(),
            report=lambda published: reported.append(published.snapshot.id),
        )
        export(request, tools)

    with pytest.raises(RunEndedError):
        run_reporting(WatchedStore(store, ends_before_write=CHECKSUM), TIME)
    assert reported == [IDENTIFIER]
    run_reporting(store, LATER)
    run_reporting(store, LATER)
    assert reported == [IDENTIFIER, IDENTIFIER, keys.snapshot_id(LATER)]


def test_an_expired_previous_snapshot_leaves_changes_unknown(tmp_path: Path, aws: StandIn) -> None:
    """The manifest names each target whose changes are unknown, and the run warns."""
    store = FolderStore(tmp_path)
    run(store, TIME)
    (tmp_path / keys.data(IDENTIFIER)).unlink()
    seed("us-east-1", any_pools(1))
    outcome = run(store, LATER)
    manifest = json.loads(contents(store)[keys.manifest(keys.snapshot_id(LATER))])
    assert manifest["changes"] == {"created": 0, "deleted": 0, "modified": 0}
    (uncompared,) = manifest["uncompared"]
    assert (uncompared["region"], uncompared["last_ok"]) == ("us-east-1", IDENTIFIER)
    assert "is gone, expired perhaps" in uncompared["reason"]
    assert "what changed in us-east-1 since 2026-11-24T18-00Z is not known" in outcome.warnings[0]


def test_no_target_that_can_be_read_publishes_nothing(store: Store, aws: StandIn) -> None:
    aws.answers += [listing("us-east-1", deny), listing("eu-west-1", deny)]
    with pytest.raises(UnreadError, match=r"eu-west-1 denied \(AccessDenied.*; us-east-1 denied \(AccessDenied"):
        run(store, regions=("us-east-1", "eu-west-1"))
    assert contents(store) == {}


def test_a_deleted_latest_json_is_rebuilt_from_the_newest(tmp_path: Path, aws: StandIn) -> None:
    store = FolderStore(tmp_path)
    for hours in range(3):
        run(store, TIME + timedelta(hours=hours))
    before = contents(store)
    (tmp_path / keys.LATEST).unlink()
    outcome = run(store, TIME + timedelta(hours=2))
    assert (outcome.result, outcome.recovered) == ("unchanged", ())
    assert contents(store) == before


def test_a_commit_that_cannot_be_finished_does_not_block_runs(store: Store) -> None:
    store.put_if_absent(keys.data(keys.snapshot_id(EARLIER)), b"PAR1 half a fi")
    outcome = run(store)
    assert outcome.result == "published"
    (passed_by,) = outcome.passed_by
    assert passed_by.address == store.address(keys.data(keys.snapshot_id(EARLIER)))
    assert_whatever_looks_finished_is(store)


def lose(store: Store, key: str) -> None:
    """Make an object one that is not ours."""
    found = store.get(key)
    assert found is not None
    store.replace(key, b"lost", found.etag)


def test_an_older_snapshot_is_used_where_the_previous_is_lost(store: Store, aws: StandIn) -> None:
    """Its rows are carried, and what changed since is named as unknown: the lost one may have said it already."""
    regions = ("eu-west-1", "us-east-1")
    seed("eu-west-1", any_pools(2, "eu-west-1"))
    run(store, EARLIER, regions)
    run(store, TIME, regions)
    lose(store, keys.data(IDENTIFIER))
    aws.answers.append(listing("eu-west-1", deny))
    outcome = run(store, LATER, regions)
    manifest = json.loads(contents(store)[keys.manifest(keys.snapshot_id(LATER))])
    assert [each["region"] for each in manifest["uncompared"]] == ["eu-west-1", "us-east-1"]
    assert IDENTIFIER in manifest["uncompared"][0]["reason"]
    assert manifest["carried"] == {"targets": 1, "pools": 2, "forgotten": 0}
    assert {each.region: each.last_ok for each in outcome.coverage()} == {
        "eu-west-1": keys.snapshot_id(EARLIER),
        "us-east-1": keys.snapshot_id(LATER),
    }


def test_a_file_in_place_of_the_folder_stops_the_run(aws: StandIn, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(StoreError, match="cannot read"):
        run(FolderStore(tmp_path / "file"))


@pytest.mark.usefixtures("aws")
def test_a_run_asks_as_little_of_s3_after_years_as_on_a_day() -> None:
    """What is older than a day is neither listed nor read."""
    store = CountingStore()
    for hour in range(10):
        run(store, TIME + timedelta(hours=hour))
    years = CountingStore(objects=dict(store.objects))
    for hour in range(1, 10_000):
        old = keys.snapshot_id(TIME - timedelta(hours=hour))
        years.objects |= {key(old): b"" for key in (keys.data, keys.manifest, keys.checksum, keys.announced)}
    calls = []
    for each in (store, years):
        each.forget()
        assert run(each, TIME + timedelta(hours=10)).result == "published"
        calls.append(each.calls)
    assert calls[0] == calls[1]
    # Before and after collecting, the last day is listed: 25 snapshots, of each its data and three more objects.
    assert len(years.listed) <= 2 * 25 * 4


@pytest.mark.parametrize(("given", "expected"), [(3, 3), (MAX_WARNINGS, MAX_WARNINGS), (5000, MAX_WARNINGS + 1)])
def test_a_warning_of_every_target_is_not_told_of_each(given: int, expected: int) -> None:
    found = first_of(f"{number}" for number in range(given))
    assert found[:3] == ("0", "1", "2")
    assert len(found) == expected
    assert ("left out" in found[-1]) == (given > MAX_WARNINGS)
