import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result
from pool_inventory.snapshots import keys
from pool_inventory.stores.folder import FolderStore
from pool_inventory.terminal import command_line as cli

from tests.chains import add_chain, add_snapshot, identifier
from tests.makers import ACCOUNT_ID, any_pool

OWN = f"arn:aws:lambda:eu-west-1:{ACCOUNT_ID}:function:"
FOREIGN = "arn:aws:lambda:eu-west-1:666655554444:function:strange"
OF_ANOTHER_REGION = f"arn:aws:lambda:us-east-1:{ACCOUNT_ID}:function:far"


def pool(number: int, **triggers: str) -> dict[str, Any]:
    return any_pool("eu-west-1", Id=f"eu-west-1_{number}", Name=f"pool {number}", LambdaConfig=triggers)


BEFORE = [
    pool(1, PreSignUp=f"{OWN}check"),
    pool(2, PreSignUp=f"{OWN}check", PostConfirmation=f"{OWN}welcome:live"),
    pool(3, CustomMessage=OF_ANOTHER_REGION),
    pool(4, PreSignUp=f"{OWN}old"),
    pool(5, PreSignUp=f"{OWN}old"),
]
AFTER = [pool(1, PreSignUp=FOREIGN), *BEFORE[1:4], pool(5, PreSignUp=f"{OWN}new"), pool(6, PreSignUp=f"{OWN}check")]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    add_chain(FolderStore(tmp_path), [{"eu-west-1": BEFORE}, {"eu-west-1": AFTER}, {"eu-west-1": AFTER}])
    return tmp_path


def run(folder: Path, *arguments: str) -> Result:
    result = CliRunner().invoke(cli.main, ["functions", str(folder), *arguments])
    assert result.exit_code == 0, result.output
    return result


def test_older_snapshots_than_it_looks_in_are_not_listed(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A bucket may have snapshots of years."""
    starts: list[str] = []
    listed = FolderStore.keys

    def keys_of(store: FolderStore, name: str, after: str = "") -> Iterator[str]:
        starts.append(after)
        return listed(store, name, after)

    monkeypatch.setattr(FolderStore, "keys", keys_of)
    run(folder, "--last", "2")
    assert starts
    assert all(starts)


def test_a_swapped_or_foreign_function_comes_first(folder: Path) -> None:
    lines = run(folder).stdout.splitlines()
    where, swapped = f"set in {identifier(1)}", "pre_sign_up of eu-west-1_1 (pool 1)"
    assert lines == [
        "function\taccount\tregion\tpools\tcalled by",
        f"strange\t666655554444\teu-west-1\t1\toutside (account 666655554444), {where}: {swapped}",
        f"far\t{ACCOUNT_ID}\tus-east-1\t1\toutside (region us-east-1): custom_message of eu-west-1_3 (pool 3)",
        f"new\t{ACCOUNT_ID}\teu-west-1\t1\t{where}: pre_sign_up of eu-west-1_5 (pool 5)",
        f"old\t{ACCOUNT_ID}\teu-west-1\t1\tpre_sign_up of eu-west-1_4",
        f"welcome:live\t{ACCOUNT_ID}\teu-west-1\t1\tpost_confirmation of eu-west-1_2",
        f"check\t{ACCOUNT_ID}\teu-west-1\t2\tpre_sign_up of eu-west-1_2 and 1 more",
        "",
        "6 functions: 2 outside the account or region of a pool, 2 newly set (in 60 snapshots).",
    ]


def test_a_function_is_one_line_of_80_columns(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    lines = run(folder).stdout.splitlines()
    assert lines == [
        "function      account       region     pools  called by",
        "strange       666655554444  eu-west-1      1  outside, newly set: pre_sign_up",
        f"far           {ACCOUNT_ID}  us-east-1      1  outside: custom_message",
        f"new           {ACCOUNT_ID}  eu-west-1      1  newly set: pre_sign_up",
        f"old           {ACCOUNT_ID}  eu-west-1      1  pre_sign_up",
        f"welcome:live  {ACCOUNT_ID}  eu-west-1      1  post_confirmation",
        f"check         {ACCOUNT_ID}  eu-west-1      2  pre_sign_up",
        "",
        "6 functions: 2 outside the account or region of a pool, 2 newly set (in 60",
        "  snapshots). --wide has the details.",
    ]
    assert f"outside (account 666655554444), set in {identifier(1)}: pre_sign_up of" in run(folder, "--wide").stdout


def test_an_account_that_is_not_the_pools_is_shown_however_few(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    add_snapshot(FolderStore(folder), 3, {"eu-west-1": [pool(1, PreSignUp=FOREIGN)]})
    monkeypatch.setenv("COLUMNS", "80")
    assert (
        "strange   666655554444  eu-west-1      1  outside, newly set: pre_sign_up" in run(folder, "--foreign").stdout
    )


def test_foreign_leaves_out_the_functions_of_the_pools_own_place(folder: Path) -> None:
    found = json.loads(run(folder, "--foreign", "--json").stdout)["functions"]
    assert [(each["arn"], each["outside"], each["setIn"], each["poolIds"]) for each in found] == [
        (FOREIGN, "account 666655554444", identifier(1), ["eu-west-1_1"]),
        (OF_ANOTHER_REGION, "region us-east-1", None, ["eu-west-1_3"]),
    ]


def test_only_foreign_functions_are_counted_as_such(folder: Path) -> None:
    said = "2 functions outside the account or region of a pool, 1 newly set (in 60 snapshots)."
    assert run(folder, "--foreign").stdout.splitlines()[-1] == said


def test_csv_has_the_triggers_with_spaces_between(folder: Path) -> None:
    triggers = {"PreSignUp": FOREIGN, "CustomMessage": FOREIGN}
    add_snapshot(FolderStore(folder), 3, {"eu-west-1": [pool(7, **triggers), pool(8, **triggers)]})
    _, line = run(folder, "-o", "csv").stdout.splitlines()
    assert line.endswith(",custom_message pre_sign_up,2,eu-west-1_7 eu-west-1_8")


def test_json_names_each_pool_of_a_function(tmp_path: Path) -> None:
    pools = [pool(number, PreSignUp=f"{OWN}check") for number in range(20)]
    add_chain(FolderStore(tmp_path), [{"eu-west-1": pools}])
    (found,) = json.loads(run(tmp_path, "--json").stdout)["functions"]
    assert sorted(found["poolIds"]) == sorted(each["Id"] for each in pools)


def test_a_function_set_before_the_last_snapshots_is_not_swapped(folder: Path) -> None:
    found = json.loads(run(folder, "--json", "--last", "1").stdout)["functions"]
    assert {each["setIn"] for each in found} == {None}


def test_the_function_of_a_new_pool_is_not_swapped(folder: Path) -> None:
    found = json.loads(run(folder, "--json").stdout)["functions"]
    assert [each["setIn"] for each in found if each["arn"] == f"{OWN}check"] == [None]


def test_changes_that_are_gone_are_said_to_be(folder: Path) -> None:
    (folder / keys.changes(identifier(1))).unlink()
    result = run(folder)
    assert "gone, expired perhaps: triggers that were set to another function then are not known" in result.stderr
    assert "set in" not in result.stdout.replace("set in\t", "")


def test_no_function_is_said_in_a_line(tmp_path: Path) -> None:
    add_chain(FolderStore(tmp_path), [{"eu-west-1": [pool(1, PreSignUp=f"{OWN}check")], "us-east-1": None}])
    lines = run(tmp_path, "--foreign").stdout.splitlines()
    assert lines[0] == "No pool calls a function outside its account or region."
    assert "us-east-1: denied" in lines[2]


def test_what_is_no_function_is_outside_and_shown_whole(tmp_path: Path) -> None:
    add_chain(FolderStore(tmp_path), [{"eu-west-1": [pool(1, PreSignUp="not an ARN \x1b[2J")]}])
    (line,) = run(tmp_path, "--foreign").stdout.splitlines()[1:2]
    assert line.startswith(r"not an ARN \x1b[2J")
    assert "outside (no function's ARN)" in line


def test_a_pool_of_an_organization_is_named_with_its_account(organization: Path) -> None:
    (_, line, *_) = run(organization).stdout.splitlines()
    assert line.endswith("pre_sign_up of eu-west-1_000000003 (pool 3) of 210000000003")
    (found,) = json.loads(run(organization, "--json").stdout)["functions"]
    assert (found["poolIds"], found["poolAccountIds"]) == (["eu-west-1_000000003"], ["210000000003"])


def test_a_function_with_a_row_for_each_side_is_counted_once(tmp_path: Path) -> None:
    pools = [[pool(number, PreSignUp=f"{OWN}check")] for number in (1, 2)]
    add_chain(FolderStore(tmp_path), [dict(zip(("eu-west-1", "210000000001 eu-west-1"), pools, strict=True))])
    lines = run(tmp_path).stdout.splitlines()
    assert [line.split("\t")[0] for line in lines[1:3]] == ["check", "check"]
    assert lines[-1] == "1 function: 1 outside the account or region of a pool, 0 newly set (in 60 snapshots)."
