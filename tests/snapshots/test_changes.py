import dataclasses
import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pool_inventory.model import Change, Coverage, Link, Snapshot, Target, Uncompared
from pool_inventory.snapshots import changes, data_object, keys, rows, table
from pool_inventory.snapshots.known import Known
from pool_inventory.snapshots.table import Row

from tests.chains import add_snapshot
from tests.makers import (
    ACCOUNT_ID,
    IDENTIFIER,
    MemoryStore,
    any_coverage,
    any_pool,
    any_snapshot,
    any_target,
)

BEFORE = "2026-11-24T17-00Z"
Inventory = Mapping[str, list[dict[str, Any]]]


@dataclass(frozen=True)
class Made:
    """A snapshot in which these regions were read, and others not."""

    snapshot: Snapshot
    data: bytes
    coverage: tuple[Coverage, ...]

    def known(self, lost: Mapping[Target, str] | None = None) -> Known:
        return Known(self.snapshot.id, lambda: iter(self.coverage), lost or {}, {}, ((self.data, None),))


def make(
    identifier: str, inventory: Inventory, compared: Mapping[str, str], *unread: str, reason: str | None = None
) -> Made:
    coverage = [
        any_coverage(region, pools=len(pools), last_ok=identifier, compared_with=compared.get(region))
        for region, pools in inventory.items()
    ]
    coverage += [
        any_coverage(
            region, status="denied", pools=None, last_ok=compared.get(region), compared_with=compared.get(region)
        )
        for region in unread
    ]
    covered = tuple(sorted(coverage, key=lambda each: each.target))
    made = any_snapshot(identifier, coverage=covered, previous=Link(BEFORE, "ab12"), known_reason=reason)
    time = keys.snapshot_time(identifier)
    lines = [
        rows.json_line(rows.data_row(pool, partition="aws", target=any_target(region), snapshot_time=time))
        for region, pools in sorted(inventory.items())
        for pool in sorted(pools, key=lambda each: str(each["Id"]))
    ]
    return Made(made, data_object.encode(made, lines), covered)


@dataclass(frozen=True)
class Found:
    changes: tuple[Change, ...]
    uncompared: tuple[Uncompared, ...]


def found_in(now: Made, known: Known | str | None) -> Found:
    comparison = changes.compare(now.snapshot, now.data, now.coverage, known)
    return Found(tuple(comparison.changes), comparison.uncompared)


def compare(before: list[dict[str, Any]], after: list[dict[str, Any]]) -> Found:
    earlier = make(BEFORE, {"us-east-1": before}, {})
    return found_in(make(IDENTIFIER, {"us-east-1": after}, {"us-east-1": BEFORE}), earlier.known())


def test_a_new_pool_is_created_and_a_missing_one_is_deleted() -> None:
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
def test_fields_of_a_modified_pool_are_the_columns_that_differ(
    before: dict[str, Any], after: dict[str, Any], fields: tuple[str, ...]
) -> None:
    """A member of a struct is named with a dot."""
    pool = any_pool()
    (change,) = compare([{**pool, **before}], [{**pool, **after}]).changes
    assert (change.change, change.fields) == ("modified", fields)


def test_nothing_changed_is_no_change() -> None:
    pools = [any_pool() for _ in range(3)]
    assert compare(pools, pools[::-1]) == Found((), ())


def test_a_target_that_was_never_read_has_no_changes() -> None:
    earlier = make(BEFORE, {"eu-west-1": []}, {})
    assert found_in(make(IDENTIFIER, {"us-east-1": [any_pool()]}, {}), earlier.known()) == Found((), ())


def test_a_target_that_cannot_be_read_now_has_no_changes() -> None:
    earlier = make(BEFORE, {"us-east-1": [any_pool()], "eu-west-1": []}, {})
    now = make(IDENTIFIER, {"eu-west-1": []}, {"eu-west-1": BEFORE, "us-east-1": BEFORE}, "us-east-1")
    assert found_in(now, earlier.known()) == Found((), ())


def test_a_target_whose_rows_are_lost_is_named() -> None:
    earlier = make(BEFORE, {"eu-west-1": []}, {})
    now = make(IDENTIFIER, {"us-east-1": [any_pool()]}, {"us-east-1": "2026-11-24T15-00Z"})
    found = found_in(now, earlier.known({any_target(): "it is gone, expired perhaps"}))
    assert found.changes == ()
    (uncompared,) = found.uncompared
    assert uncompared == Uncompared(*any_target(), "2026-11-24T15-00Z", "it is gone, expired perhaps")


def test_an_unread_target_that_is_no_longer_carried_is_named() -> None:
    unread = any_coverage(status="denied", pools=None, last_ok=None, compared_with=BEFORE)
    now = dataclasses.replace(make(IDENTIFIER, {}, {}), coverage=(unread,))
    ((uncompared),) = found_in(now, make(BEFORE, {}, {}).known()).uncompared
    assert uncompared.last_ok == BEFORE
    assert "is no longer carried" in uncompared.reason


@pytest.mark.parametrize("reason", [None, "what was known cannot be read"])
def test_an_unreadable_history_names_every_target_uncompared(reason: str | None) -> None:
    now = make(IDENTIFIER, {"us-east-1": [any_pool()]}, {}, "eu-west-1", reason=reason)
    found = found_in(now, "what was known cannot be read")
    assert found.changes == ()
    assert [(each.region, each.reason) for each in found.uncompared] == [
        ("us-east-1", "what was known cannot be read")
    ]


POOLS = {number: any_pool() for number in range(4)}
NAMES = st.sampled_from(["a", "b"])
TRIGGERS = st.sampled_from([None, {}, {"PreSignUp": "f"}, {"PreSignUp": "g", "CustomSMSSender": {"LambdaArn": "f"}}])
VERSIONS = st.fixed_dictionaries({"Name": NAMES, "LambdaConfig": TRIGGERS})
# Its pools, None where it is denied, NOT_ASKED where it is left out.
NOT_ASKED = "not asked"
READING = st.none() | st.just(NOT_ASKED) | st.dictionaries(st.sampled_from(sorted(POOLS)), VERSIONS)
HISTORY = st.lists(st.fixed_dictionaries({"eu-west-1": READING, "us-east-1": READING}), min_size=1, max_size=6)


@given(HISTORY)
def test_over_any_readings_each_change_is_recorded_once(history: list[dict[str, Any]]) -> None:
    """All changes sum up to what is there, and latest/ is what was last read, whatever was unread or left out."""
    store = MemoryStore()
    found: dict[str, dict[str, str]] = {}
    known: dict[str, dict[str, str]] = {}
    for hour, readings in enumerate(history):
        reading = {
            region: None if each is None else [{**POOLS[pool], **version} for pool, version in each.items()]
            for region, each in readings.items()
            if each != NOT_ASKED
        }
        identifier = add_snapshot(store, hour, reading)

        said = list(changes.decode(store.objects[keys.changes(identifier)]))
        assert {each.region for each in said} <= found.keys()
        assert changes.summary_of(store.objects[keys.changes(identifier)]).uncompared_count == 0
        for region in (each for each, pools in reading.items() if pools is not None):
            now = list(table.pool_rows(store.objects[keys.data(identifier)], {Target(ACCOUNT_ID, region)}))
            known[region] = {row.id: row.line.decode().rstrip() for row in now}
            apply([each for each in said if each.region == region], found.setdefault(region, known[region].copy()))
            assert found[region] == known[region]
        latest = [(row.target.region, row.line.decode().rstrip()) for row in _latest(store)]
        assert latest == [(region, pools[each]) for region, pools in sorted(known.items()) for each in sorted(pools)]


def _latest(store: MemoryStore) -> list[Row]:
    body = store.objects.get(keys.LATEST_DATA)
    return list(table.pool_rows(body)) if body else []


def apply(said: list[Change], inventory: dict[str, str]) -> None:
    """Do to an inventory what the changes say; each must fit what is there."""
    assert len({each.id for each in said}) == len(said)
    for each in said:
        assert inventory.get(each.id) == each.before != each.after
        inventory.pop(each.id, None)
        if each.after is not None:
            inventory[each.id] = each.after
