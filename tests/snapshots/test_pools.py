import re
from typing import Any

import pytest
from pool_inventory.errors import SnapshotError
from pool_inventory.snapshots.functions import Asked, asked_for
from pool_inventory.snapshots.known import open_known
from pool_inventory.snapshots.pools import Wanted, check_places, read_pools, shown_value, trigger_named, triggers

from tests.chains import add_snapshot
from tests.makers import ACCOUNT_ID, IDENTIFIER, MemoryStore, any_coverage, any_pools, any_target

ARN = f"arn:aws:lambda:eu-west-1:{ACCOUNT_ID}:function:check"
ROW: dict[str, Any] = {
    "account_id": ACCOUNT_ID,
    "region": "eu-west-1",
    "name": "customers [beta]",
    "lambda_config": {
        "pre_sign_up": ARN,
        "user_migration": None,
        "pre_token_generation_config": {"lambda_version": "V2_0", "lambda_arn": f"{ARN}:2"},
    },
}


@pytest.mark.parametrize(
    ("wanted", "is_it"),
    [
        (Wanted(), True),
        (Wanted(regions=("us-east-1", "eu-west-1")), True),
        (Wanted(regions=("us-east-1",)), False),
        (Wanted(accounts=(ACCOUNT_ID,)), True),
        (Wanted(accounts=("42",)), False),
        (Wanted(name="customers*"), True),
        (Wanted(name="Customers*"), False),
        (Wanted(trigger="pre_sign_up"), True),
        (Wanted(trigger="user_migration"), False),
        (Wanted(function=asked_for(ARN)), True),
        (Wanted(function=Asked("", lambda arn: arn.endswith(":2"))), True),
        (Wanted(function=Asked("", lambda arn: arn.endswith(":2")), trigger="pre_sign_up"), False),
        (Wanted(function=Asked("", lambda arn: arn.endswith(":3"))), False),
        (Wanted(regions=("eu-west-1",), name="nobody"), False),
    ],
)
def test_a_pool_is_asked_for_by_all_that_is_said_of_it(wanted: Wanted, is_it: bool) -> None:  # noqa: FBT001 - a case
    assert wanted.has(ROW) is is_it


@pytest.mark.parametrize(
    "wanted", [Wanted(name="?*"), Wanted(trigger="pre_sign_up"), Wanted(function=Asked("", lambda _: True))]
)
def test_a_pool_without_name_and_triggers_is_not_found_by_them(wanted: Wanted) -> None:
    bare = {**ROW, "name": None, "lambda_config": None}
    assert not wanted.has(bare)
    assert Wanted().has(bare)


def test_a_trigger_calls_its_arn_whether_or_not_versioned() -> None:
    assert triggers(ROW) == {"pre_sign_up": ARN, "pre_token_generation_config": f"{ARN}:2"}
    assert triggers({"lambda_config": None}) == {}


@pytest.mark.parametrize("name", ["PreSignUp", "pre_sign_up", "pre-sign-up", "PRE SIGN UP"])
def test_a_trigger_is_known_by_each_way_of_writing_it(name: str) -> None:
    assert trigger_named(name) == "pre_sign_up"


@pytest.mark.parametrize(("name", "message"), [("pre_sing_up", "did you mean pre_sign_up?"), ("x", "use pre_sign_up")])
def test_an_unknown_trigger_is_an_error_that_helps(name: str, message: str) -> None:
    with pytest.raises(ValueError, match=re.escape(f"is no trigger: {message}")):
        trigger_named(name)


def test_pools_are_read_from_what_is_known() -> None:
    store = MemoryStore()
    west = any_pools(2, "eu-west-1")
    add_snapshot(store, 0, {"eu-west-1": west, "us-east-1": any_pools(1)})
    found = read_pools(open_known(store, IDENTIFIER), Wanted(regions=("eu-west-1",)))
    assert [each["id"] for each in found] == [each["Id"] for each in west]


@pytest.mark.parametrize(
    ("wanted", "message"),
    [
        (Wanted(regions=("nowhere-1",)), "covers no region 'nowhere-1': it has eu-west-1, us-east-1"),
        (Wanted(regions=("us-east-1", "us-esat-1")), "did you mean us-east-1"),
        (Wanted(accounts=("42",)), f"covers no account '42': it has {ACCOUNT_ID}"),
    ],
)
def test_a_place_that_is_not_covered_is_an_error(wanted: Wanted, message: str) -> None:
    covered = [any_coverage("us-east-1"), any_coverage("eu-west-1", status="denied")]
    check_places(Wanted(regions=("eu-west-1",)), covered)
    with pytest.raises(SnapshotError, match=message):
        check_places(wanted, covered)


def test_an_error_names_some_of_many_places() -> None:
    covered = [any_coverage(account_id=f"{number:012d}") for number in range(45)]
    with pytest.raises(SnapshotError, match=r"000000000039 and 5 more$"):
        check_places(Wanted(accounts=("nobody",)), covered)


def test_only_the_function_of_a_trigger_is_shortened() -> None:
    """Whoever makes a pool chooses its name, which may look like a function's ARN."""
    arn = f"arn:aws:lambda:eu-west-1:{ACCOUNT_ID}:function:check"
    config = {"pre_sign_up": arn, "custom_sms_sender": {"lambda_version": "V1_0", "lambda_arn": arn}}
    row = {"name": arn, "lambda_config": config, "status": None}
    target = any_target("eu-west-1")
    names = ("name", "lambda_config.pre_sign_up", "lambda_config.custom_sms_sender", "status", "status.of.nothing")
    assert [shown_value(row, name, target) for name in names] == [arn, "check", "check", "none", "none"]
