import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pool_inventory.errors import SnapshotError
from pool_inventory.model import Baseline, Change, Link, Target, Uncompared
from pool_inventory.snapshots import changes, keys, rows, table
from pool_inventory.snapshots import parquet as snapshot

from tests.makers import ACCOUNT_ID, IDENTIFIER, any_coverage, any_pool, any_snapshot, any_target

BEFORE = "2026-11-24T17-00Z"
Inventory = Mapping[str, list[dict[str, Any]]]


def data(identifier: str, inventory: Inventory, baselines: Mapping[str, str] | None, *unread: str) -> bytes:
    """A data object in which these regions were read, and others not."""
    coverage = [any_coverage(region, pools=len(pools)) for region, pools in inventory.items()]
    coverage += [any_coverage(region, status="denied", pools=None) for region in unread]
    named = None if baselines is None else tuple(Baseline(ACCOUNT_ID, *pair) for pair in baselines.items())
    made = any_snapshot(identifier, coverage=tuple(coverage), previous=Link(BEFORE, "ab12"), baselines=named)
    time = keys.snapshot_time(identifier)
    return snapshot.encode(
        made,
        [
            rows.json_line(rows.data_row(pool, partition="aws", target=any_target(region), snapshot_time=time))
            for region, pools in sorted(inventory.items())
            for pool in sorted(pools, key=lambda each: str(each["Id"]))
        ],
    )


@dataclass(frozen=True)
class Found:
    changes: tuple[Change, ...]
    uncompared: tuple[Uncompared, ...]


def found_in(now: bytes, read_data: Callable[[str], bytes]) -> Found:
    comparison = changes.compare(now, read_data)
    return Found(tuple(comparison.changes), comparison.uncompared)


def compare(before: list[dict[str, Any]], after: list[dict[str, Any]]) -> Found:
    earlier = data(BEFORE, {"us-east-1": before}, {})
    return found_in(data(IDENTIFIER, {"us-east-1": after}, {"us-east-1": BEFORE}), {BEFORE: earlier}.__getitem__)


def test_a_pool_that_is_new_is_created_and_one_that_is_gone_is_deleted() -> None:
    kept, gone, new = any_pool(), any_pool(Name="gone"), any_pool(Name="new")
    deleted, created = sorted(compare([kept, gone], [kept, new]).changes, key=lambda each: each.change, reverse=True)
    assert (deleted.change, deleted.id, deleted.name, deleted.fields) == ("deleted", gone["Id"], "gone", ())
    assert (created.change, created.id, created.name, created.fields) == ("created", new["Id"], "new", ())
    assert (deleted.after, created.before) == (None, None)
    assert json.loads(str(deleted.before))["name"] == "gone"
    assert json.loads(str(created.after))["arn"].endswith(new["Id"])


@pytest.mark.parametrize(
    ("before", "after", "fields"),
    [
        ({"Name": "a"}, {"Name": "b"}, ("name",)),
        ({}, {"Status": "Enabled"}, ("status",)),
        ({"LambdaConfig": {"PreSignUp": "a"}}, {"LambdaConfig": {"PreSignUp": "b"}}, ("lambda_config.pre_sign_up",)),
        ({"LambdaConfig": {}}, {"LambdaConfig": {"KMSKeyID": "k"}}, ("lambda_config.kms_key_id",)),
        (
            {"LambdaConfig": {"CustomSMSSender": {"LambdaVersion": "V1_0", "LambdaArn": "a"}}},
            {"LambdaConfig": {"CustomSMSSender": {"LambdaVersion": "V1_0", "LambdaArn": "b"}}},
            ("lambda_config.custom_sms_sender.lambda_arn",),
        ),
        (
            {"LambdaConfig": {"PreTokenGenerationConfig": {}}},
            {"LambdaConfig": {}},
            ("lambda_config.pre_token_generation_config",),
        ),
        ({"LambdaConfig": None}, {"LambdaConfig": {}}, ("lambda_config",)),
        ({"CreationDate": 1.5e9, "Tier": 1}, {"CreationDate": 1.6e9, "Tier": 2}, ("creation_date", "unmodelled")),
    ],
)
def test_a_modified_pools_fields_are_the_columns_that_differ_dotted(
    before: dict[str, Any], after: dict[str, Any], fields: tuple[str, ...]
) -> None:
    pool = any_pool()
    (change,) = compare([{**pool, **before}], [{**pool, **after}]).changes
    assert (change.change, change.fields) == ("modified", fields)


def test_nothing_changed_is_no_change() -> None:
    pools = [any_pool() for _ in range(3)]
    assert compare(pools, pools[::-1]) == Found((), ())


def test_a_target_that_was_never_read_before_has_no_changes() -> None:
    found = found_in(data(IDENTIFIER, {"us-east-1": [any_pool()]}, {}), gone)
    assert found == Found((), ())


def test_a_target_that_cannot_be_read_now_has_no_changes() -> None:
    earlier = data(BEFORE, {"us-east-1": [any_pool()], "eu-west-1": []}, {})
    now = data(IDENTIFIER, {"eu-west-1": []}, {"eu-west-1": BEFORE}, "us-east-1")
    assert found_in(now, {BEFORE: earlier}.__getitem__) == Found((), ())


def test_each_earlier_snapshot_is_read_once_whatever_number_of_targets_needs_it() -> None:
    inventory: Inventory = {region: [] for region in ("eu-west-1", "eu-west-2", "us-east-1")}
    older = "2026-11-24T16-00Z"
    stored = {BEFORE: data(BEFORE, inventory, {}), older: data(older, inventory, {})}
    asked: list[str] = []

    def read_data(identifier: str) -> bytes:
        asked.append(identifier)
        return stored[identifier]

    baselines = {"eu-west-1": BEFORE, "eu-west-2": older, "us-east-1": BEFORE}
    found_in(data(IDENTIFIER, inventory, baselines), read_data)
    assert sorted(asked) == [older, BEFORE]


def gone(_: str) -> bytes:
    raise SnapshotError("it is gone, expired perhaps")


@pytest.mark.parametrize(
    ("read_data", "reason"),
    [
        (gone, "it is gone"),
        (lambda _: b"PAR1 half", "no whole Parquet file"),
        (lambda _: data(BEFORE, {}, {}, "us-east-1"), "says itself that it did not read"),
    ],
)
def test_a_baseline_that_cannot_be_read_costs_that_targets_changes_and_says_so(
    read_data: Callable[[str], bytes], reason: str
) -> None:
    now = data(IDENTIFIER, {"us-east-1": [any_pool()]}, {"us-east-1": BEFORE})
    found = found_in(now, read_data)
    assert found.changes == ()
    (uncompared,) = found.uncompared
    assert (uncompared.region, uncompared.last_ok) == ("us-east-1", BEFORE)
    assert reason in uncompared.reason


def test_baselines_that_are_not_known_cost_all_changes_and_say_so() -> None:
    found = found_in(data(IDENTIFIER, {"us-east-1": [any_pool()]}, None), gone)
    assert [(each.region, each.last_ok) for each in found.uncompared] == [("us-east-1", None)]


POOLS = {number: any_pool() for number in range(4)}
NAMES = st.sampled_from(["a", "b"])
TRIGGERS = st.sampled_from([None, {}, {"PreSignUp": "f"}, {"PreSignUp": "g", "CustomSMSSender": {"LambdaArn": "f"}}])
VERSIONS = st.fixed_dictionaries({"Name": NAMES, "LambdaConfig": TRIGGERS})
READING = st.none() | st.dictionaries(st.sampled_from(sorted(POOLS)), VERSIONS)
HISTORY = st.lists(st.fixed_dictionaries({"eu-west-1": READING, "us-east-1": READING}), min_size=1, max_size=6)


@given(HISTORY)
def test_over_any_readings_and_failures_each_change_is_told_once_and_all_of_them_sum_up(
    history: list[dict[str, dict[int, dict[str, Any]] | None]],
) -> None:
    stored: dict[str, bytes] = {}
    last_ok: dict[str, str] = {}
    told: dict[str, dict[str, str]] = {}
    for number, readings in enumerate(history):
        identifier = f"2026-11-24T{number:02d}-00Z"
        inventory = {
            region: [{**POOLS[pool], **version} for pool, version in reading.items()]
            for region, reading in readings.items()
            if reading is not None
        }
        baselines = {region: last_ok[region] for region in inventory if region in last_ok}
        unread = [region for region in readings if region not in inventory]
        stored[identifier] = data(identifier, inventory, baselines, *unread)

        comparison = found_in(stored[identifier], stored.__getitem__)

        assert comparison.uncompared == ()
        assert {each.region for each in comparison.changes} <= baselines.keys()
        for region in inventory:
            now = table.pool_rows(stored[identifier], {Target(ACCOUNT_ID, region)})
            found = {row.id: row.line.decode().rstrip() for row in now}
            if region not in told:
                told[region] = found
            apply([each for each in comparison.changes if each.region == region], told[region])
            assert told[region] == found
        last_ok |= dict.fromkeys(inventory, identifier)


def apply(told: list[Change], inventory: dict[str, str]) -> None:
    """Do to an inventory what the changes tell; each must fit what is there."""
    assert len({each.id for each in told}) == len(told)
    for each in told:
        assert inventory.get(each.id) == each.before != each.after
        if each.after is None:
            del inventory[each.id]
        else:
            inventory[each.id] = each.after
        assert each.change == ("created" if each.before is None else "deleted" if each.after is None else "modified")
        assert bool(each.fields) is (each.change == "modified")
