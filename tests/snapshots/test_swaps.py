from pathlib import Path
from typing import Any

from pool_inventory.snapshots import keys
from pool_inventory.snapshots.swaps import read_swaps
from pool_inventory.stores.folder import FolderStore

from tests.chains import add_chain, identifier
from tests.makers import any_pool

OLD, NEW, VERSIONED = (f"arn:aws:lambda:eu-west-1:123456789012:function:{name}" for name in ("old", "new", "new:2"))


def pool(number: int = 1, **members: Any) -> dict[str, Any]:
    return any_pool("eu-west-1", Id=f"eu-west-1_{number}", **members)


def test_a_trigger_that_was_set_to_another_function_is_a_swap(tmp_path: Path) -> None:
    versioned = {"LambdaVersion": "V2_0", "LambdaArn": VERSIONED}
    configs = [{"PreSignUp": OLD}, {"PreSignUp": NEW}, {"PreTokenGenerationConfig": versioned, "PreSignUp": OLD}]
    ids = add_chain(FolderStore(tmp_path), [{"eu-west-1": [pool(LambdaConfig=each)]} for each in configs])
    problems: list[str] = []
    assert read_swaps(FolderStore(tmp_path), ids, problems) == {NEW: ids[1], OLD: ids[2], VERSIONED: ids[2]}
    assert read_swaps(FolderStore(tmp_path), ids[:2], problems) == {NEW: ids[1]}
    assert problems == []


def test_neither_a_new_pool_nor_another_change_is_a_swap(tmp_path: Path) -> None:
    before, renamed = (pool(Name=name, LambdaConfig={"PreSignUp": OLD}) for name in ("a", "b"))
    with_key = pool(3, LambdaConfig={"KMSKeyID": "arn:aws:kms:eu-west-1:123456789012:key/1"})
    without = pool(3, LambdaConfig={})
    created = pool(2, LambdaConfig={"PreSignUp": NEW})
    ids = add_chain(
        FolderStore(tmp_path), [{"eu-west-1": [before, without]}, {"eu-west-1": [renamed, created, with_key]}]
    )
    assert read_swaps(FolderStore(tmp_path), ids, []) == {}


def test_what_cannot_be_read_is_a_problem_and_no_swap(tmp_path: Path) -> None:
    configs = [{"PreSignUp": OLD}, {"PreSignUp": NEW}, {"PreSignUp": OLD}]
    ids = add_chain(FolderStore(tmp_path), [{"eu-west-1": [pool(LambdaConfig=each)]} for each in configs])
    (tmp_path / keys.changes(ids[1])).write_bytes(b"torn")
    (tmp_path / keys.changes(ids[2])).unlink()
    problems: list[str] = []
    assert read_swaps(FolderStore(tmp_path), ids, problems) == {}
    assert len(problems) == 2
    assert identifier(1) in " ".join(problems)
