from collections.abc import Iterable

import pytest
from pool_inventory.errors import SnapshotError
from pool_inventory.publish.commit import commit, read_commit
from pool_inventory.snapshots import data_object, keys

from tests.chains import (
    Reading,
    add_chain,
    add_snapshot,
    changes_of,
    commit_snapshot,
    coverage_of,
    identifier,
    lines_of,
    manifest_of,
    rows_of,
)
from tests.makers import IDENTIFIER, MemoryStore, any_coverage, any_draft, any_pools

WEST = any_pools(3, "eu-west-1")
EAST = any_pools(2)
DAY_HOURS = 24


def written_folders(keys_written: Iterable[str]) -> list[str]:
    """The folder of each key, or of what is staged, in the order in which they were written."""
    staging = f"{keys.STAGING}/{identifier(1)}/"
    return [key.removeprefix(staging).partition("-" if key.startswith(staging) else "/")[0] for key in keys_written]


def test_what_a_commit_names_is_there_before_it() -> None:
    store = MemoryStore()
    add_snapshot(store, 0, {"eu-west-1": WEST, "us-east-1": EAST})
    before = set(store.objects)
    commit_snapshot(store, 1, {"eu-west-1": None, "us-east-1": EAST})
    written = [key for key in store.objects if key not in before]
    assert written_folders(written) == [keys.COVERAGE, keys.CARRIED, keys.DATA]


def test_the_run_that_loses_the_commit_gets_the_winners() -> None:
    """What it staged itself is another object, so the two do not mix."""
    store = MemoryStore()
    won = commit(store, any_draft(coverage=(any_coverage(pools=5),), lines=lines_of(0, {"us-east-1": any_pools(5)})))
    lost = commit(store, any_draft(coverage=(any_coverage(pools=2),), lines=lines_of(0, {"us-east-1": EAST})))
    assert lost == won == read_commit(store, IDENTIFIER)
    assert data_object.decode(lost.data).pool_count == 5


def test_a_commit_whose_coverage_is_gone_cannot_be_read() -> None:
    store = MemoryStore()
    commit(store, any_draft())
    (staged,) = (key for key in store.objects if key.startswith(keys.STAGING))
    del store.objects[staged]
    with pytest.raises(SnapshotError, match=rf"{staged} is the coverage that \S+ names by its SHA-256"):
        read_commit(store, IDENTIFIER)


def test_nothing_is_carried_where_all_was_read() -> None:
    store = MemoryStore()
    add_chain(store, [{"eu-west-1": WEST}] * 2)
    assert not [key for key in store.objects if keys.CARRIED in key]
    assert manifest_of(store, identifier(1))["carriedFile"] is None


def test_last_ok_is_kept_while_a_target_cannot_be_read() -> None:
    store = MemoryStore()
    regions: list[Reading] = [
        {"eu-west-1": WEST, "sa-east-1": None, "us-east-1": EAST},
        {"eu-west-1": None, "sa-east-1": None, "us-east-1": EAST},
        {"eu-west-1": None, "sa-east-1": None, "us-east-1": EAST},
        {"eu-west-1": WEST, "sa-east-1": [], "us-east-1": EAST},
    ]
    made = add_chain(store, regions)
    covered = [list(coverage_of(store, each).values()) for each in made]
    assert [[each.last_ok for each in some] for some in covered] == [
        [made[0], None, made[0]],
        [made[0], None, made[1]],
        [made[0], None, made[2]],
        [made[3], made[3], made[3]],
    ]
    assert [[each.compared_with for each in some] for some in covered] == [
        [None, None, None],
        [made[0], None, made[0]],
        [made[0], None, made[1]],
        [made[0], None, made[2]],
    ]


def test_the_rows_of_a_region_that_is_left_out_are_carried() -> None:
    """They say when they were read; and what changed meanwhile is told once the region is read again."""
    store = MemoryStore()
    add_snapshot(store, 0, {"eu-west-1": WEST, "us-east-1": EAST})
    add_snapshot(store, 1, {"us-east-1": EAST})
    add_snapshot(store, 2, {"us-east-1": EAST})
    covered = coverage_of(store, identifier(2))
    assert {region: each.status for region, each in covered.items()} == {"eu-west-1": "not_asked", "us-east-1": "ok"}
    made = manifest_of(store, identifier(2))
    assert (made["status"], made["carried"]) == ("complete", {"targets": 1, "pools": 3, "forgotten": 0})
    carried = rows_of(store, keys.carried(identifier(2)))
    assert [each["id"] for each in carried] == [each["Id"] for each in WEST]
    assert {each["read_at"] for each in carried} == {"2026-11-24T18:00:00Z"}
    assert {each["snapshot_time"] for each in carried} == {"2026-11-24T20:00:00Z"}
    add_snapshot(store, 3, {"eu-west-1": WEST[1:], "us-east-1": EAST})
    assert changes_of(store, identifier(3)) == [("eu-west-1", "deleted")]


def test_a_region_that_was_never_read_can_be_left_out() -> None:
    """Nothing is known of it, so nothing is said of it."""
    store = MemoryStore()
    add_chain(store, [{"eu-west-1": None, "us-east-1": EAST}, {"us-east-1": EAST}])
    assert coverage_of(store, identifier(1)).keys() == {"us-east-1"}


def test_an_unread_target_is_forgotten_after_90_days() -> None:
    store = MemoryStore()
    add_snapshot(store, 0, {"eu-west-1": WEST, "us-east-1": EAST})
    for days, carried in ((90, (1, 3, 0)), (91, (0, 0, 1)), (92, (0, 0, 0))):
        made = manifest_of(store, add_snapshot(store, days * DAY_HOURS, {"eu-west-1": None, "us-east-1": EAST}))
        assert tuple(made["carried"].values()) == carried
        assert [each["region"] for each in made["uncompared"]] == (["eu-west-1"] if days == 91 else [])
    last = add_snapshot(store, 93 * DAY_HOURS, {"eu-west-1": WEST, "us-east-1": EAST})
    assert changes_of(store, last) == []


@pytest.mark.parametrize(("forget_days", "carried"), [(1, 0), (2, 3), (1_000_000, 3)])
def test_the_setting_says_after_how_many_days(forget_days: int, carried: int) -> None:
    """A number of days from before the calendar begins forgets nothing."""
    store = MemoryStore()
    add_snapshot(store, 0, {"eu-west-1": WEST, "us-east-1": EAST})
    reading: Reading = {"eu-west-1": None, "us-east-1": EAST}
    made = add_snapshot(store, 2 * DAY_HOURS, reading, forget_days=forget_days)
    assert manifest_of(store, made)["carried"]["pools"] == carried
