import dataclasses
import hashlib
import json
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import pytest
from pool_inventory.errors import NewerError, RefusedError
from pool_inventory.model import Link
from pool_inventory.publish.history import MAX_CANDIDATES, History, KnownBefore, read_history, read_known
from pool_inventory.snapshots import keys, manifest
from pool_inventory.stores.protocol import Stored

from tests.chains import Reading, add_chain, add_snapshot, changes_of, commit_snapshot, identifier, manifest_of
from tests.makers import TIME, MemoryStore, any_pools, any_target

WEST = any_pools(2, "eu-west-1")
EAST = any_pools(2)
BOTH: Reading = {"eu-west-1": WEST, "us-east-1": EAST}
FAR = "9999-12-31T23-59Z"
Damage = Callable[[MemoryStore], object]


@dataclass
class RefusingStore(MemoryStore):
    """A store that refuses to read what is under some key."""

    refused: str = "-"

    def get(self, key: str) -> Stored | None:
        if key == self.refused:
            raise RefusedError("it is archived")
        return super().get(key)


def history(store: MemoryStore, hour: int = 2, *, now: datetime | None = None) -> History:
    """What the store holds as the run of an hour begins."""
    return read_history(store, identifier(hour), now=now or TIME + timedelta(hours=hour))


def any_history(**members: Any) -> History:
    """The history of an empty store, less what is stated."""
    return dataclasses.replace(
        History(
            latest=None,
            is_named=True,
            newest_id="",
            unfinished=(),
            is_committed=False,
            unannounced=(),
            passed_by=(),
            listed_since="",
        ),
        **members,
    )


def latest_id(found: History) -> str | None:
    return found.latest.snapshot_id if found.latest else None


def known_before(store: MemoryStore, hour: int = 2) -> KnownBefore:
    return read_known(store, history(store, hour), before=identifier(hour))


def known_ids(before: KnownBefore) -> list[str]:
    return [row.id for row in before.known.rows()] if before.known else []


def passed_by(found: History) -> list[str]:
    return [each.address for each in found.passed_by]


def link_of(store: MemoryStore, snapshot_id: str) -> Link:
    return Link(snapshot_id, hashlib.sha256(store.objects[keys.manifest(snapshot_id)]).hexdigest())


def name_latest(store: MemoryStore, snapshot_id: str, body: bytes) -> None:
    """Write a manifest of some bytes, and a latest.json that names it."""
    store.put(keys.LATEST, manifest.encode_latest(store, Link(snapshot_id, hashlib.sha256(body).hexdigest()), ()))


@pytest.fixture
def store() -> MemoryStore:
    """Two snapshots of two regions."""
    made = MemoryStore()
    add_chain(made, [BOTH, BOTH])
    return made


def test_before_the_first_run_there_is_nothing() -> None:
    found = history(MemoryStore())
    assert found == any_history()
    assert read_known(MemoryStore(), found, before=identifier(2)) == KnownBefore(None)


def test_the_latest_is_the_one_that_latest_json_names(store: MemoryStore) -> None:
    found = history(store)
    newest = identifier(1)
    expected = any_history(latest=link_of(store, newest), newest_id=newest, unannounced=(newest,))
    assert found == dataclasses.replace(expected, listed_since="2026-11-23T19-00Z")
    before = known_before(store)
    assert (known_ids(before), before.reason) == ([each["Id"] for each in (*WEST, *EAST)], None)


def test_without_latest_json_the_newest_is_found(store: MemoryStore) -> None:
    del store.objects[keys.LATEST]
    found = history(store)
    assert (found.latest, found.is_named) == (link_of(store, identifier(1)), False)
    assert found.passed_by == ()


def test_a_snapshot_that_latest_json_does_not_name_yet_is_found(store: MemoryStore) -> None:
    """Its run died before it moved latest.json."""
    latest = store.objects[keys.LATEST]
    add_snapshot(store, 2, BOTH)
    store.put(keys.LATEST, latest)
    found = history(store, 3)
    assert (found.latest, found.is_named, found.newest_id) == (link_of(store, identifier(2)), False, identifier(2))


def test_a_run_finds_its_own_commit(store: MemoryStore) -> None:
    commit_snapshot(store, 2, BOTH)
    found = history(store)
    assert (found.is_committed, found.unfinished) == (True, (identifier(2),))
    assert history(store, 1).is_committed
    assert not history(store, 3).is_committed


def test_unfinished_commits_are_those_up_to_the_runs_own(store: MemoryStore) -> None:
    """A newer one is left to its own run."""
    for hour in (2, 3, 4):
        commit_snapshot(store, hour, BOTH)
    assert history(store, 3).unfinished == (identifier(2), identifier(3))


def test_what_died_more_than_a_day_ago_is_not_looked_for(store: MemoryStore) -> None:
    commit_snapshot(store, 2, BOTH)
    assert history(store, 40).unfinished == (identifier(2),)
    add_snapshot(store, 30, BOTH)
    assert history(store, 40).unfinished == ()


def test_an_older_run_sees_that_there_is_a_newer_snapshot(store: MemoryStore) -> None:
    found = history(store, -1)
    assert (found.newest_id, found.is_committed) == (identifier(1), False)


@pytest.mark.parametrize(
    "key",
    [
        "data/dt=2026-11-24/notes.parquet",
        "data/dt=2026-11-24/user-pools-2026-11-24T99-99Z.parquet",
        "data/user-pools-2026-11-24T19-30Z.parquet",
        "manifests/notes/manifest.checksum",
        "manifests/2026-99-99T18-00Z/manifest.checksum",
    ],
)
def test_a_foreign_object_is_passed_over(store: MemoryStore, key: str) -> None:
    expected = history(store)
    store.put(key, b"somebody else's")
    assert history(store) == expected


def test_a_lost_manifest_loses_nothing(store: MemoryStore) -> None:
    """All that is needed of a snapshot is named by its data object."""
    made = add_snapshot(store, 2, {"eu-west-1": None, "us-east-1": EAST})
    store.put(keys.manifest(made), b"lost")
    found = history(store, 3)
    assert passed_by(found) == [store.address(keys.manifest(made))]
    assert (latest_id(found), found.is_named) == (made, True)
    before = known_before(store, 3)
    assert (known_ids(before), before.reason) == ([each["Id"] for each in (*WEST, *EAST)], None)
    after = add_snapshot(store, 3, {"eu-west-1": WEST[1:], "us-east-1": EAST})
    assert changes_of(store, after) == [("eu-west-1", "deleted")]


@pytest.mark.parametrize("body", [b"{}", b"[]", b"gone"])
def test_a_foreign_manifest_that_is_named_loses_nothing(store: MemoryStore, body: bytes) -> None:
    store.put(keys.manifest(identifier(1)), body)
    name_latest(store, identifier(1), body)
    found = history(store)
    assert passed_by(found) == [store.address(keys.manifest(identifier(1)))]
    assert latest_id(found) == identifier(1)
    assert known_before(store).reason is None


def test_a_manifest_that_is_gone_is_passed_by_and_its_data_used(store: MemoryStore) -> None:
    del store.objects[keys.manifest(identifier(1))]
    found = history(store)
    assert latest_id(found) == identifier(1)
    assert "it is gone, though latest.json names it" in found.passed_by[0].reason


@pytest.mark.parametrize(
    ("damage", "reason"),
    [
        (lambda store: store.put(keys.LATEST, b"[]"), "is not what this program writes"),
        (lambda store: name_latest(store, FAR, b""), f"it names {FAR}, a time more than a day ahead"),
        (
            lambda store: name_latest(store, identifier(0)[:-3] + "59Z", b""),
            "it names 2026-11-24T18-59Z, and there is no",
        ),
    ],
)
def test_a_latest_json_that_cannot_be_believed_is_passed_by(store: MemoryStore, damage: Damage, reason: str) -> None:
    """The newest snapshot is looked for instead."""
    damage(store)
    found = history(store)
    assert (found.latest, found.is_named) == (link_of(store, identifier(1)), False)
    (latest,) = (each for each in found.passed_by if each.address == store.address(keys.LATEST))
    assert reason in latest.reason


def test_a_latest_json_that_may_not_be_read_is_passed_by() -> None:
    store = RefusingStore()
    add_chain(store, [BOTH, BOTH])
    store.refused = keys.LATEST
    found = history(store)
    assert found.latest == link_of(store, identifier(1))
    assert [each.reason for each in found.passed_by] == ["it is archived"]


def test_a_finished_snapshot_of_the_far_future_is_not_the_newest(store: MemoryStore) -> None:
    store.put(keys.checksum(FAR), b"nobody's")
    assert history(store).newest_id == identifier(1)


def test_the_newest_is_the_one_whose_checksum_fits(store: MemoryStore) -> None:
    del store.objects[keys.LATEST]
    store.put(keys.manifest(identifier(1)), b"altered")
    found = history(store)
    assert (found.latest, found.newest_id) == (link_of(store, identifier(0)), identifier(1))
    assert [each.reason for each in found.passed_by] == ["it is not what its checksum says"]


def test_a_snapshot_of_a_newer_contract_stops_the_run(store: MemoryStore) -> None:
    """It is intact, so the function was rolled back."""
    body = json.dumps({**manifest_of(store, identifier(1)), "contractVersion": 3}).encode()
    store.put(keys.manifest(identifier(1)), body)
    name_latest(store, identifier(1), body)
    with pytest.raises(NewerError, match="is of contract version 3"):
        history(store)


def test_events_may_not_be_out_of_what_is_after_a_mark(store: MemoryStore) -> None:
    """A bus may be set only now: without a mark it is the newest alone."""
    add_snapshot(store, 2, BOTH)
    assert history(store, 3).unannounced == (identifier(2),)
    store.put(keys.announced(identifier(0)), b"")
    assert history(store, 3).unannounced == (identifier(1), identifier(2))
    store.put(keys.announced(identifier(2)), b"")
    assert history(store, 3).unannounced == (identifier(1),)
    add_snapshot(store, 25, BOTH)
    assert history(store, 26).unannounced == (identifier(25),)


def test_an_older_snapshot_is_used_where_the_previous_is_lost(store: MemoryStore) -> None:
    """Its rows stay known as of then; the lost one may have said already what changed since."""
    store.put(keys.data(identifier(1)), b"lost")
    before = known_before(store)
    assert before.known
    assert before.known.snapshot_id == identifier(1)
    assert known_ids(before) == [each["Id"] for each in (*WEST, *EAST)]
    assert before.known.lost.keys() == {any_target("eu-west-1"), any_target("us-east-1")}
    assert set(before.known.older_ok.values()) == {identifier(0)}


def test_where_the_previous_is_lost_the_one_before_is_known(store: MemoryStore) -> None:
    for key in (keys.data, keys.manifest):
        store.put(key(identifier(1)), b"lost")
    before = known_before(store)
    assert before.known
    assert before.known.snapshot_id == identifier(0)
    assert f"what was known in {identifier(1)} cannot be read: " in str(before.reason)


def test_where_nothing_can_be_read_nothing_is_known(store: MemoryStore) -> None:
    """And whether a target was ever read is not known either."""
    for hour in (0, 1):
        for key in (keys.data, keys.manifest):
            store.put(key(identifier(hour)), b"lost")
    before = known_before(store)
    assert (before.known, before.read_targets()) == (None, None)
    assert before.reason


def test_a_damaged_history_is_not_read_to_its_beginning() -> None:
    store = MemoryStore()
    made = add_chain(store, [BOTH] * (MAX_CANDIDATES + 1))
    for each in made[1:]:
        for key in (keys.data, keys.manifest):
            store.put(key(each), b"lost")
    assert known_before(store, len(made)).known is None


def test_the_targets_that_were_ever_read_are_known() -> None:
    store = MemoryStore()
    assert known_before(store).read_targets() == frozenset()
    add_chain(store, [{"eu-west-1": WEST, "sa-east-1": None}, {"eu-west-1": None, "sa-east-1": None}])
    assert known_before(store).read_targets() == frozenset({any_target("eu-west-1")})
