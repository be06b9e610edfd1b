from datetime import timedelta
from pathlib import Path
from typing import Any

from pool_inventory.model import Target
from pool_inventory.snapshots.counted import Count, Counted, Use, count_pools
from pool_inventory.snapshots.known import open_known
from pool_inventory.stores.folder import FolderStore

from tests.chains import Reading, add_chain
from tests.makers import ACCOUNT_ID, TIME, any_pool

HERE, THERE = (Target(ACCOUNT_ID, region) for region in ("eu-west-1", "us-east-1"))
OWN = f"arn:aws:lambda:eu-west-1:{ACCOUNT_ID}:function:check"
STRANGE = "arn:aws:lambda:eu-west-1:666655554444:function:strange"
DAY_SECONDS = 24 * 60 * 60


def counted(folder: Path, *readings: Reading, max_listed: int = 0) -> Counted:
    ids = add_chain(FolderStore(folder), readings)
    known = open_known(FolderStore(folder), ids[-1])
    return count_pools(known, TIME + timedelta(hours=len(ids)), max_listed=max_listed)


def pool(region: str = "eu-west-1", **members: Any) -> dict[str, Any]:
    return any_pool(region, **{"LambdaConfig": {}, **members})


def test_pools_known_from_earlier_are_counted_apart(tmp_path: Path) -> None:
    there = [pool("us-east-1"), pool("us-east-1")]
    found = counted(tmp_path, {"eu-west-1": [pool()], "us-east-1": there}, {"eu-west-1": [pool()], "us-east-1": None})
    assert found.places == {HERE: Count(read=1), THERE: Count(earlier=2)}
    assert (found.total, found.total.total) == (Count(read=1, earlier=2), 3)


def test_functions_are_counted_whatever_their_version(tmp_path: Path) -> None:
    pools = [
        pool(LambdaConfig={"PreSignUp": OWN, "PostConfirmation": f"{OWN}:2"}),
        pool(LambdaConfig={"PreSignUp": STRANGE, "KMSKeyID": f"arn:aws:kms:eu-west-1:{ACCOUNT_ID}:key/1"}),
        pool(),
    ]
    found = counted(tmp_path, {"eu-west-1": pools})
    assert (found.functions, found.uses) == (2, {HERE: Use(pools=2, functions=2, foreign=1)})
    assert found.triggers == {("pre_sign_up", "eu-west-1"): 2, ("post_confirmation", "eu-west-1"): 1}


def test_functions_of_other_accounts_come_first(tmp_path: Path) -> None:
    """A function is outside for one pool and not for another: it is there for each."""
    readings: Reading = {
        "eu-west-1": [pool(LambdaConfig={"PreSignUp": OWN}), pool(LambdaConfig={"PreSignUp": STRANGE})],
        "us-east-1": [pool("us-east-1", LambdaConfig={"CustomMessage": OWN})],
    }
    found = counted(tmp_path, readings)
    assert [(each.arn, each.place, each.triggers) for each in found.called] == [
        (STRANGE, "account 666655554444", ("pre_sign_up",)),
        (OWN, "region eu-west-1", ("custom_message",)),
        (OWN, "", ("pre_sign_up",)),
    ]
    assert found.foreign == found.called[:2]


def test_pools_are_listed_and_named_up_to_a_limit(tmp_path: Path) -> None:
    found = counted(tmp_path, {"eu-west-1": [pool(LambdaConfig={"PreSignUp": OWN}) for _ in range(9)]}, max_listed=3)
    (called,) = found.called
    assert (len(found.listed), called.pools, len(called.named)) == (3, 9, 5)


def test_how_long_a_pool_is_untouched_is_in_bands(tmp_path: Path) -> None:
    now = TIME.timestamp()
    pools = [pool(LastModifiedDate=now - days * DAY_SECONDS) for days in (0, 8, 8, 4000)]
    unknown = pool()
    del unknown["LastModifiedDate"]
    found = counted(tmp_path, {"eu-west-1": [*pools, unknown]})
    assert {text: count.total for text, count in found.untouched.items() if count.total} == {
        "under a week": 1,
        "a week to a month": 2,
        "over 5 years": 1,
        "not known": 1,
    }
