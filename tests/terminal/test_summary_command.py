import json
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result
from pool_inventory.stores.folder import FolderStore
from pool_inventory.terminal import command_line as cli

from tests.chains import Reading, add_chain
from tests.makers import ACCOUNT_ID, any_pool

OWN = f"arn:aws:lambda:eu-west-1:{ACCOUNT_ID}:function:check"
FOREIGN = "arn:aws:lambda:eu-west-1:666655554444:function:strange"


def pool(region: str = "eu-west-1", **triggers: str) -> dict[str, Any]:
    return any_pool(region, LambdaConfig=triggers)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Two snapshots: the second could not read us-east-1, whose pool is known from the first."""
    pools = [pool(PreSignUp=OWN), pool(PreSignUp=f"{OWN}:3", PostConfirmation=OWN), pool(PreSignUp=FOREIGN), pool()]
    first: Reading = {"eu-west-1": pools, "us-east-1": [pool("us-east-1", PreSignUp=OWN)], "sa-east-1": []}
    add_chain(FolderStore(tmp_path), [first, {**first, "us-east-1": None}])
    return tmp_path


def run(folder: Path, *arguments: str) -> Result:
    return CliRunner().invoke(cli.main, ["summary", str(folder), *arguments])


def test_a_summary_counts_by_region_and_by_trigger(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    shown = run(folder, "--quota", "40").stdout
    assert shown.splitlines() == [
        "5 user pools known in 2026-11-24T19-00Z, which is partial.",
        "2 of 3 regions were read.",
        "Not read, so it is not known which pools are there now:",
        f"  {ACCOUNT_ID} us-east-1: denied (AccessDeniedException), last read in",
        "    2026-11-24T18-00Z",
        "",
        "account       region     known  quota  triggers  functions  outside",
        f"{ACCOUNT_ID}  eu-west-1      4  10.0%         3          2        1",
        f"{ACCOUNT_ID}  us-east-1      1   2.5%         1          1        1  *",
        "* known from an earlier snapshot",
        "1 region has no pools.",
        "",
        "trigger            pools  functions",
        "pre_sign_up            4          2",
        "post_confirmation      1          1",
        "",
        "Functions outside the account or the region of a pool that calls them:",
        "  strange (account 666655554444): pre_sign_up of 1 pool",
        "  check (region eu-west-1): pre_sign_up of 1 pool",
    ]


def test_a_summary_for_a_script_has_every_region(folder: Path) -> None:
    found = json.loads(run(folder, "--json").stdout)
    assert (found["snapshotId"], found["pools"], found["quota"]) == ("2026-11-24T19-00Z", 5, 1000)
    assert [(each["region"], each["status"], each["pools"], each["quotaPercent"]) for each in found["places"]] == [
        ("eu-west-1", "ok", 4, 0.4),
        ("sa-east-1", "ok", 0, 0.0),
        ("us-east-1", "denied", 1, 0.1),
    ]
    assert found["triggers"][0] == {"trigger": "pre_sign_up", "pools": 4, "functions": 2}
    assert (found["functions"], found["functionsOutside"]) == (2, 2)
    assert [each["region"] for each in found["unread"]] == ["us-east-1"]


def test_a_summary_at_a_time_has_what_was_known_then(folder: Path) -> None:
    found = json.loads(run(folder, "--json", "--at", "2026-11-24T18-00Z").stdout)
    assert (found["status"], found["unread"]) == ("complete", [])


def test_without_pools_a_summary_says_what_was_read(tmp_path: Path) -> None:
    add_chain(FolderStore(tmp_path), [{"eu-west-1": []}])
    assert run(tmp_path).stdout.splitlines() == [
        "0 user pools known in 2026-11-24T18-00Z, which is complete.",
        "1 of 1 regions was read.",
    ]


@pytest.mark.parametrize("quota", ["0", "many"])
def test_a_quota_that_is_no_number_is_refused(folder: Path, quota: str) -> None:
    result = run(folder, "--quota", quota)
    assert result.exit_code == 2
    assert "Invalid value for '--quota'" in result.stderr


def test_a_region_that_was_not_asked_is_not_one_without_pools(tmp_path: Path) -> None:
    add_chain(FolderStore(tmp_path), [{"eu-west-1": [pool()], "sa-east-1": []}, {"eu-west-1": [pool()]}])
    shown = run(tmp_path).stdout
    assert "sa-east-1: not asked, last read in 2026-11-24T18-00Z" in shown
    assert "no pools" not in shown


def test_a_trigger_that_is_not_modelled_is_counted(tmp_path: Path) -> None:
    pools = [pool(NewTrigger=FOREIGN), any_pool("eu-west-1", LambdaConfig={"Newer": {"LambdaArn": OWN, "Version": 3}})]
    add_chain(FolderStore(tmp_path), [{"eu-west-1": pools}])
    shown = run(tmp_path).stdout
    assert "NewTrigger\t1\t1" in shown
    assert "Newer\t1\t1" in shown
    assert "strange (account 666655554444): NewTrigger of 1 pool" in shown
    found = CliRunner().invoke(cli.main, ["show", str(tmp_path), "--function", "strange", "-o", "ndjson"])
    assert len(found.stdout.splitlines()) == 1


def test_an_organizations_accounts_are_counted(organization: Path) -> None:
    result = CliRunner().invoke(cli.main, ["summary", str(organization)])
    assert result.stdout.splitlines()[1] == "2 of 4 regions of 4 accounts were read."


def test_regions_without_pools_are_counted_with_their_accounts(tmp_path: Path) -> None:
    one, two, three = (f"21000000000{number} eu-west-1" for number in (1, 2, 3))
    add_chain(FolderStore(tmp_path), [{one: [pool()], two: [], f"{two[:12]} sa-east-1": [], three: []}])
    assert "3 regions of 2 accounts have no pools." in run(tmp_path).stdout.splitlines()


def test_a_function_of_many_triggers_fits_the_terminal(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    called = dict.fromkeys(("PreSignUp", "CustomMessage", "PostConfirmation", "PreAuthentication"), FOREIGN)
    add_chain(FolderStore(tmp_path), [{"eu-west-1": [pool(**called)]}])
    assert run(tmp_path).stdout.splitlines()[-2:] == [
        "  strange (account 666655554444): custom_message, post_confirmation,",
        "    pre_authentication, pre_sign_up of 1 pool",
    ]
