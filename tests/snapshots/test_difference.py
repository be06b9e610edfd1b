from typing import Any

from pool_inventory.snapshots import difference, manifest
from pool_inventory.snapshots.difference import Difference

from tests.chains import Reading, add_chain, identifier
from tests.makers import ACCOUNT_ID, MemoryStore, any_pool, any_pools

WEST, EAST = any_pools(3, "eu-west-1"), any_pools(2)
RENAMED: dict[str, Any] = {**WEST[1], "Name": "renamed"}


def compared(*readings: Reading) -> Difference:
    """The difference between the first of some snapshots and the last."""
    store = MemoryStore()
    made = add_chain(store, readings)
    return difference.compare(*(difference.read_side(store, manifest.read(store, made[at])) for at in (0, -1)))


def test_two_snapshots_that_are_not_neighbours_are_compared() -> None:
    """What came and went between them is no difference."""
    new = any_pool("eu-west-1")
    between: Reading = {"eu-west-1": any_pools(4, "eu-west-1")}
    found = compared({"eu-west-1": WEST}, between, {"eu-west-1": [RENAMED, WEST[2], new]})
    assert [(each.change, each.id, each.fields) for each in found.changes] == [
        ("deleted", WEST[0]["Id"], ()),
        ("modified", WEST[1]["Id"], ("name",)),
        ("created", new["Id"], ()),
    ]
    assert {each.previous_snapshot_id for each in found.changes} == {identifier(0)}
    assert found.not_compared == ()


def test_a_region_that_one_side_did_not_read_is_not_compared() -> None:
    found = compared(
        {"eu-west-1": None, "sa-east-1": None, "us-east-1": EAST},
        {"eu-west-1": WEST, "sa-east-1": None, "us-west-2": [], "us-east-1": []},
    )
    assert [(each.change, each.region) for each in found.changes] == [("deleted", "us-east-1")] * 2
    assert [(each.account_id, each.region, each.reason) for each in found.not_compared] == [
        (ACCOUNT_ID, "eu-west-1", f"denied in {identifier(0)}"),
        (ACCOUNT_ID, "sa-east-1", f"denied in {identifier(0)} and denied in {identifier(1)}"),
        (ACCOUNT_ID, "us-west-2", f"not asked in {identifier(0)}"),
    ]


def test_a_region_that_was_left_out_is_not_compared() -> None:
    found = compared({"eu-west-1": WEST, "us-east-1": EAST}, {"us-east-1": EAST})
    assert found.changes == ()
    assert [(each.region, each.reason) for each in found.not_compared] == [
        ("eu-west-1", f"not asked in {identifier(1)}")
    ]
