import json
from dataclasses import replace
from typing import Any

import pytest
from pool_inventory.errors import SnapshotError
from pool_inventory.snapshots import archive, keys, rows, schema, table
from pool_inventory.snapshots.pool_history import PoolHistory, read_history

from tests.chains import Reading, add_chain, identifier
from tests.counting import CountingStore
from tests.makers import MemoryStore, any_pool

POOL: dict[str, Any] = any_pool("eu-west-1", Id="eu-west-1_000000001", Name="customers")
RENAMED = {**POOL, "Name": "renamed"}
OTHER = any_pool("eu-west-1", Id="eu-west-1_000000002", Name="others")
THERE: Reading = {"eu-west-1": [POOL]}
GONE: Reading = {"eu-west-1": []}
UNREAD: Reading = {"eu-west-1": None, "us-east-1": []}


def followed(store: MemoryStore, pool_id: str = POOL["Id"]) -> PoolHistory:
    return read_history(store, pool_id, archive.newest(store, print))


def chained(*readings: Reading) -> MemoryStore:
    store = MemoryStore()
    add_chain(store, readings)
    return store


def events(found: PoolHistory) -> list[tuple[str, str | None, str]]:
    return [(each.snapshot_id, each.previous_snapshot_id, each.change) for each in found.events]


def test_a_pool_that_came_back_has_all_of_its_events() -> None:
    zero, one, two, three = map(identifier, range(4))
    assert events(followed(chained(GONE, THERE, GONE, THERE))) == [
        (one, zero, "created"),
        (two, one, "deleted"),
        (three, two, "created"),
    ]


@pytest.mark.parametrize("with_changes", [True, False])
def test_a_change_is_against_the_last_good_reading(*, with_changes: bool) -> None:
    """Where the changes objects are gone, the data says the same."""
    store = chained(THERE, UNREAD, {"eu-west-1": [RENAMED, OTHER]})
    if not with_changes:
        for hour in range(3):
            del store.objects[keys.changes(identifier(hour))]
    found = followed(store)
    assert events(found) == [(identifier(0), None, "found"), (identifier(2), identifier(0), "modified")]
    assert found.events[1].fields == ("name",)
    assert '"customers"' in str(found.events[1].before)
    assert '"renamed"' in str(found.events[1].after)


def test_a_history_says_how_the_newest_snapshot_knows_of_it() -> None:
    found = followed(chained(THERE, UNREAD))
    assert (found.region, found.newest.id) == ("eu-west-1", identifier(1))
    assert [(each.status, each.last_ok) for each in found.newest_coverage] == [("denied", identifier(0))]


def test_a_pool_whose_id_is_only_named_by_another_has_no_events() -> None:
    store = chained(GONE, {"eu-west-1": [{**OTHER, "Name": POOL["Id"]}]})
    with pytest.raises(SnapshotError, match=f"did you mean {OTHER['Id']}"):
        followed(store)


@pytest.mark.parametrize(
    ("asked", "message"),
    [
        ("eu-west-1_000000003", "did you mean eu-west-1_00000000"),
        ("customers", "did you mean eu-west-1_000000001"),
        ("nothing like it", "`pool-inventory show` has the ids"),
    ],
)
def test_a_pool_that_nobody_has_is_an_error_that_helps(asked: str, message: str) -> None:
    with pytest.raises(SnapshotError, match=f"no snapshot has a pool '{asked}': {message}"):
        followed(chained({"eu-west-1": [POOL, OTHER]}), asked)


def test_of_a_region_never_read_nothing_is_known() -> None:
    with pytest.raises(SnapshotError, match="nothing is known of the pools of eu-west-1: it is denied in the newest"):
        followed(chained(UNREAD))


def test_a_damaged_changes_object_is_named() -> None:
    store = chained(THERE, GONE)
    store.put(keys.changes(identifier(1)), b"PAR1 nobody's PAR1")
    with pytest.raises(SnapshotError, match=rf"{keys.changes(identifier(1))}: .*`pool-inventory verify` says more"):
        followed(store)


@pytest.mark.parametrize(
    "forged",
    [
        {"before": "no JSON"},
        {"before": "[1]"},
        {"after": "7"},
        {"after": '{"region": "eu-west-1"}'},
        {"after": "[" * 100_000},
        {"fields": None},
        {"fields": ["none.such"]},
        {"fields": ["name.part"]},
        {"change": "swapped"},
        {"previous_snapshot_time": None},
    ],
)
def test_a_forged_changes_object_is_named(forged: dict[str, Any]) -> None:
    store = chained(THERE, {"eu-west-1": [RENAMED]})
    key = keys.changes(identifier(1))
    body = store.objects[key]
    lines = [rows.json_line({**json.loads(line), **forged}) for line in table.lines(body)]
    optional = tuple(replace(column, required=False) for column in schema.CHANGES)
    store.put(key, table.encode(optional, lines, table.footer_of(body)))
    with pytest.raises(SnapshotError, match=rf"{key} is not what this program writes .*`pool-inventory verify`"):
        followed(store)


def test_snapshots_that_do_not_know_are_read_side_by_side() -> None:
    """A region that was denied for long leaves nothing to the changes objects."""
    store = CountingStore()
    add_chain(store, [THERE, *[UNREAD] * 20, THERE])
    store.forget()
    store.seconds = 0.005
    assert events(followed(store)) == [(identifier(0), None, "found")]
    assert store.most_at_once > 2


def test_a_pool_is_followed_though_many_accounts_are_unread() -> None:
    """More than a changes object names: then the data says whether the pool's own account was read."""
    others: Reading = {f"22{number:010d} eu-west-1": None for number in range(120)}
    own = ([POOL, OTHER], None, [POOL, OTHER], [POOL])
    store = chained(*({"210000000001 eu-west-1": pools, **others} for pools in own))
    gone = followed(store, OTHER["Id"])
    assert [(each.snapshot_id, each.change) for each in gone.events] == [
        (identifier(0), "found"),
        (identifier(3), "deleted"),
    ]
    assert (gone.account_id, len(gone.newest_coverage)) == ("210000000001", 1)
    assert [each.change for each in followed(store).events] == ["found"]
