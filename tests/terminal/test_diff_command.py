import re
from pathlib import Path

import pytest
from pool_inventory.stores.folder import FolderStore

from tests.chains import add_chain, identifier
from tests.makers import ACCOUNT_ID
from tests.terminal.inventories import FUNCTION, READINGS, json_of, pool, run, said


def test_diff_defaults_to_the_newest_and_the_one_before(folder: Path) -> None:
    shown = said(run("diff", folder))
    assert f"From {identifier(2)} to {identifier(3)}:" in shown
    assert re.search(r"^deleted\tus-east-1_000000007\tpool 7\t$", shown, re.MULTILINE)
    assert "0 created, 1 deleted, 0 modified." in shown


def test_diff_never_has_a_pool_of_an_unread_region_deleted(folder: Path) -> None:
    shown = said(run("diff", folder))
    assert "eu-west-1_" not in shown
    assert f"  {ACCOUNT_ID} eu-west-1: denied in {identifier(3)}" in shown


def test_all_lines_of_diff_fit_the_terminal(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    add_chain(FolderStore(tmp_path), [{"eu-west-1": None, "us-east-1": []}] * 2)
    monkeypatch.setenv("COLUMNS", "80")
    lines = said(run("diff", tmp_path)).splitlines()
    assert max(map(len, lines)) <= 80
    first = f"  {ACCOUNT_ID} eu-west-1: denied in {identifier(0)} and denied in"
    assert lines[-2:] == [first, f"    {identifier(1)}"]


def test_diff_of_two_says_which_columns_differ_and_how(folder: Path) -> None:
    shown = said(run("diff", folder, identifier(0), "2026-11-24T20:30:00Z"))
    assert "pre_sign_up: none → check:3" in shown
    found = json_of(run("diff", folder, identifier(0), identifier(2), "--json"))
    changes = [(each["change"], each["id"], each["fields"]) for each in found["changes"]]
    assert changes == [
        ("modified", "eu-west-1_000000001", ["lambda_config.pre_sign_up"]),
        ("deleted", "eu-west-1_000000002", []),
        ("created", "eu-west-1_000000003", []),
        ("created", "us-east-1_000000008", []),
    ]
    assert found["changes"][0]["before"]["lambda_config"]["pre_sign_up"] is None
    assert found["changes"][0]["after"]["lambda_config"]["pre_sign_up"] == f"{FUNCTION}:3"


def test_diff_of_one_is_with_the_newest(folder: Path) -> None:
    found = json_of(run("diff", folder, identifier(0), "--json"))
    assert (found["before"], found["after"]) == (identifier(0), identifier(3))
    assert found["notCompared"] == [
        {"account_id": ACCOUNT_ID, "region": "eu-west-1", "reason": f"denied in {identifier(3)}"}
    ]


def test_a_region_that_only_one_of_two_asked_is_not_compared(tmp_path: Path) -> None:
    add_chain(FolderStore(tmp_path), [{"us-east-1": []}, {"us-east-1": [], "eu-west-1": [pool(1)]}])
    shown = said(run("diff", tmp_path))
    assert "0 created, 0 deleted, 0 modified." in shown
    assert f"eu-west-1: not asked in {identifier(0)}" in shown


def test_the_first_snapshot_has_none_before_it(tmp_path: Path) -> None:
    add_chain(FolderStore(tmp_path), READINGS[:1])
    result = run("diff", tmp_path)
    assert result.exit_code == 1
    assert "is the first snapshot, so there is none before it to compare it with" in result.stderr


def test_a_change_in_an_organization_names_its_account(organization: Path) -> None:
    lines = said(run("diff", organization)).splitlines()
    assert lines[1:3] == [
        "change\taccount\tid\tname\twhat",
        f"modified\t210000000003\teu-west-1_000000003\tpool 3\tpre_sign_up: none → check:3 (account {ACCOUNT_ID})",
    ]
    assert f"  210000000004 eu-west-1: denied in {identifier(1)}" in lines
