from pathlib import Path

import pytest
from pool_inventory.stores.folder import FolderStore

from tests.chains import add_chain, identifier
from tests.makers import ACCOUNT_ID
from tests.terminal.inventories import json_of, run, said


def events_of(folder: Path, pool_id: str) -> list[tuple[str, str | None, str]]:
    events = json_of(run("history", folder, pool_id, "--json"))["events"]
    return [(each["snapshotId"], each["previousSnapshotId"], each["change"]) for each in events]


def test_history_shows_the_events_of_a_pool(folder: Path) -> None:
    zero, one, two, three = map(identifier, range(4))
    assert events_of(folder, "us-east-1_000000007") == [(zero, None, "found"), (three, two, "deleted")]
    assert events_of(folder, "us-east-1_000000008") == [(one, zero, "created")]
    assert events_of(folder, "eu-west-1_000000001") == [(zero, None, "found"), (two, zero, "modified")]


def test_history_says_whether_the_pool_is_known_to_be_there_now(folder: Path) -> None:
    newest = identifier(3)
    assert f"It is gone in {newest}, the newest snapshot." in said(run("history", folder, "us-east-1_000000007"))
    assert f"It is there in {newest}, the newest snapshot." in said(run("history", folder, "us-east-1_000000008"))
    unread = said(run("history", folder, "eu-west-1_000000001"))
    assert f"It was there when eu-west-1 was last read, in {identifier(2)}; {newest} did not: denied." in unread
    assert "pre_sign_up: none → check:3" in unread


def test_history_takes_the_arn_of_a_pool(folder: Path) -> None:
    arn = f"arn:aws:cognito-idp:us-east-1:{ACCOUNT_ID}:userpool/us-east-1_000000008"
    assert events_of(folder, arn) == events_of(folder, "us-east-1_000000008")


def test_the_arn_of_another_account_is_an_error(folder: Path) -> None:
    arn = "arn:aws:cognito-idp:us-east-1:210987654321:userpool/us-east-1_000000008"
    result = run("history", folder, arn)
    assert result.exit_code == 1
    assert f"us-east-1_000000008 is a pool of the account {ACCOUNT_ID}, and not of 210987654321" in result.stderr


def test_a_pool_that_only_the_newest_could_miss_may_be_there(folder: Path) -> None:
    unread = run("history", folder, "eu-west-1_zzzzzzzzz").stderr
    assert "no snapshot has a pool 'eu-west-1_zzzzzzzzz'" in unread
    assert f"; {identifier(3)} did not read eu-west-1, so it may be there now" in unread
    assert "may be there now" not in run("history", folder, "us-east-1_zzzzzzzzz").stderr


def test_all_lines_of_history_fit_the_terminal(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "60")
    lines = said(run("history", folder, "eu-west-1_000000001")).splitlines()
    assert max(map(len, lines)) <= 60
    assert lines[-2:] == [
        "It was there when eu-west-1 was last read, in",
        f"  {identifier(2)}; {identifier(3)} did not: denied.",
    ]


def test_history_says_that_nothing_is_known_of_a_region(tmp_path: Path) -> None:
    add_chain(FolderStore(tmp_path), [{"eu-west-1": None, "us-east-1": []}] * 2)
    result = run("history", tmp_path, "eu-west-1_000000001")
    assert result.exit_code == 1
    said = "nothing is known of the pools of eu-west-1: it is denied in the newest snapshot, which knows of no reading"
    assert said in result.stderr


def test_a_pool_of_an_organization_is_told_with_its_account(organization: Path) -> None:
    shown = said(run("history", organization, "eu-west-1_000000003"))
    assert f"It is there in {identifier(1)}, the newest snapshot, in eu-west-1 of 210000000003." in shown
    denied = said(run("history", organization, "eu-west-1_000000004"))
    assert f"It was there when eu-west-1 of 210000000004 was last read, in {identifier(0)};" in denied
    assert json_of(run("history", organization, "eu-west-1_000000003", "--json"))["accountId"] == "210000000003"
    csv = said(run("history", organization, "eu-west-1_000000003", "--format", "csv"))
    assert csv.splitlines()[1].startswith("210000000003,")


def test_an_unknown_pool_may_be_in_an_account_never_read(organization: Path) -> None:
    result = run("history", organization, "eu-west-1_000000009")
    assert (
        "did not read 210000000002 eu-west-1, 210000000004 eu-west-1, so it may be there now: did you mean"
        in result.stderr
    )
