import re
from pathlib import Path

import pytest
from pool_inventory.model import Member
from pool_inventory.snapshots import accounts
from pool_inventory.stores.folder import FolderStore

from tests.chains import add_chain, add_snapshot, identifier
from tests.makers import ACCOUNT_ID
from tests.terminal.inventories import FUNCTION, HOSTILE, SWAPPED, json_of, pool, run, said, shown_ids
from tests.terminal.page.made_up import make_history


def test_show_has_the_newest_pools_and_says_what_was_not_read(folder: Path) -> None:
    shown = said(run("show", folder))
    assert re.search(r"^us-east-1_000000008\tpool 8\t\t2023-11-14$", shown, re.MULTILINE)
    below = shown.partition("\n\n")[2].splitlines()
    assert below == [
        f"3 user pools known in {identifier(3)}, which is partial.",
        "Not read, so it is not known which pools are there now:",
        f"  {ACCOUNT_ID} eu-west-1: denied (AccessDeniedException), last read in {identifier(2)}",
    ]


def test_of_several_accounts_each_row_says_which(tmp_path: Path) -> None:
    """Also where the rows that are shown are all of one."""
    account_ids = sorted({each.account_id for each in make_history(FolderStore(tmp_path), count=60, snapshots=1)})
    header, row, *_ = said(run("show", tmp_path, "--limit", "1")).splitlines()
    assert header == "account\tid\tname\ttriggers\tmodified"
    assert row.startswith(f"{account_ids[0]}\t")
    assert said(run("show", tmp_path, "--account", account_ids[0])).startswith("id\tname\t")


def test_show_of_a_region_that_was_not_read_does_not_look_empty(folder: Path) -> None:
    assert "eu-west-1: denied" in said(run("show", folder, "--region", "eu-west-1"))
    assert "eu-west-1: denied" not in said(run("show", folder, "--region", "us-east-1"))


@pytest.mark.parametrize(
    ("time", "hour"),
    [("2026-11-24T20:00:00Z", 2), ("2026-11-24T20:59:59Z", 2), ("2026-11-24T22:00:00+01:00", 3), (identifier(0), 0)],
)
def test_show_at_a_time_is_of_the_newest_snapshot_not_after_it(folder: Path, time: str, hour: int) -> None:
    assert json_of(run("show", folder, "--json", "--at", time))["snapshotId"] == identifier(hour)


@pytest.mark.parametrize(
    ("arguments", "numbers"),
    [
        ((), [1, 3, 7, 8]),
        (("--region", "eu-west-1"), [1, 3]),
        (("--region", "eu-west-1", "--region", "us-east-1"), [1, 3, 7, 8]),
        (("--region", "eu-west-1, us-east-1"), [1, 3, 7, 8]),
        (("--account", ACCOUNT_ID), [1, 3, 7, 8]),
        (("--trigger", "pre_sign_up"), [1]),
        (("--trigger", "PreSignUp"), [1]),
        (("--trigger", "pre-sign-up"), [1]),
        (("--trigger", "user_migration"), []),
        (("--function", "check"), [1]),
        (("--function", "check:3"), [1]),
        (("--function", "check:4"), []),
        (("--function", "chec"), []),
        (("--function", f"{ACCOUNT_ID}:function:check"), [1]),
        (("--function", "210987654321:function:check"), []),
        (("--function", FUNCTION), [1]),
        (("--function", f"{FUNCTION}:3"), [1]),
        (("--function", f"{FUNCTION}:4"), []),
        (("--function", FUNCTION[:-1]), []),
        (("--function", FUNCTION, "--trigger", "user_migration"), []),
        (("--name", "pool [37]"), [3, 7]),
        (("--name", "POOL*"), []),
        (("--only-read",), [1, 3, 7, 8]),
    ],
)
def test_show_has_only_what_is_asked_for(folder: Path, arguments: tuple[str, ...], numbers: list[int]) -> None:
    found = shown_ids("--at", identifier(2), *arguments, folder=folder)
    assert [int(each.partition("_")[2]) for each in found] == numbers


def test_only_what_was_read_is_counted_of_what_was_read(folder: Path) -> None:
    assert f"3 user pools known in {identifier(3)}, which is partial." in said(run("show", folder))
    assert f"1 user pool read in {identifier(3)}, which is partial." in said(run("show", folder, "--only-read"))


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("--region", "nowhere-1"), "the snapshot covers no region 'nowhere-1': it has eu-west-1, us-east-1"),
        (
            ("--region", "us-esat-1"),
            "the snapshot covers no region 'us-esat-1': it has eu-west-1, us-east-1; did you mean us-east-1?",
        ),
        (("--account", "42"), f"the snapshot covers no account '42': it has {ACCOUNT_ID}"),
        (("--region", "us-east-1,nowhere-1"), "the snapshot covers no region 'nowhere-1'"),
    ],
)
def test_a_place_that_no_coverage_has_does_not_look_empty(
    folder: Path, arguments: tuple[str, ...], message: str
) -> None:
    result = run("show", folder, *arguments)
    assert (result.exit_code, result.stdout) == (1, "")
    assert result.stderr.startswith(f"error: {message}")


@pytest.mark.parametrize(
    ("asked", "said"),
    [("chekc", "did you mean check?"), (FUNCTION.replace("check", "checks"), "did you mean check?"), ("check:4", "")],
)
def test_a_function_that_no_pool_calls_may_be_meant_otherwise(folder: Path, asked: str, said: str) -> None:
    result = run("show", folder, "--at", identifier(2), "--function", asked)
    assert result.exit_code == 0
    assert "0 of 4 user pools known" in result.stdout
    assert result.stderr.endswith(f"{said}\n" if said else "")
    assert ("warning: no pool calls a function" in result.stderr) is bool(said)


@pytest.mark.parametrize("width", [60, 80, 120])
def test_a_table_fits_the_terminal(tmp_path: Path, width: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", str(width))
    add_chain(FolderStore(tmp_path), [{"eu-west-1": [pool(1, Name="利用者プール " * 12), SWAPPED]}])
    table = said(run("show", tmp_path)).partition("\n\n")[0]
    # A wide character takes two columns.
    assert max(len(line.encode("gb18030")) - line.count("…") for line in table.splitlines()) <= width
    assert "…" in table
    assert "eu-west-1_000000001" in table


def test_a_name_cannot_break_a_line_or_reach_the_terminal(tmp_path: Path) -> None:
    add_chain(FolderStore(tmp_path), [{"eu-west-1": [pool(1, Name="two\nlines \x1b[31mred\u2028x")]}])
    shown = said(run("show", tmp_path))
    assert r"two\nlines \x1b[31mred\u2028x" in shown


def test_an_organizations_pools_have_their_accounts_names(organization: Path) -> None:
    lines = said(run("show", organization)).splitlines()
    assert lines[:4] == [
        "account\taccount name\tid\tname\ttriggers\tmodified",
        "210000000001\tbilling\teu-west-1_000000001\tpool 1\t\t2023-11-14",
        "210000000003\t\teu-west-1_000000003\tpool 3\tpre_sign_up\t2023-11-14",
        "210000000004\tsearch\teu-west-1_000000004\tpool 4\t\t2023-11-14",
    ]
    assert [each["account_name"] for each in json_of(run("show", organization, "--json"))["pools"]] == [
        "billing",
        None,
        "search",
    ]
    rows = said(run("show", organization, "--format", "csv")).splitlines()
    assert [each.rpartition(",")[2] for each in rows] == ["account_name", "billing", "", "search"]
    sorted_rows = said(run("show", organization, "--columns", "id,account_name", "--sort", "-account_name"))
    assert sorted_rows.splitlines()[1] == "eu-west-1_000000004\tsearch"


@pytest.mark.parametrize(("width", "columns"), [(80, "triggers"), (100, "modified")])
def test_a_narrow_table_has_accounts_names_and_no_dates(
    organization: Path, monkeypatch: pytest.MonkeyPatch, width: int, columns: str
) -> None:
    monkeypatch.setenv("COLUMNS", str(width))
    header, row, *_ = said(run("show", organization)).splitlines()
    assert (header.split()[:3], header.split()[-1]) == (["account", "account", "name"], columns)
    assert row.startswith("210000000001  billing       eu-west-1_000000001  pool 1")
    assert said(run("show", organization, "--wide")).splitlines()[0].endswith("modified")


def test_the_pools_of_one_account_have_no_accounts_name(folder: Path) -> None:
    assert "account_name" not in said(run("show", folder, "--json"))
    assert "account_name" not in said(run("show", folder, "--format", "csv"))


@pytest.mark.parametrize("name", ["=1+1", "a\tb", f"x{HOSTILE}"])
def test_a_hostile_account_name_is_text(tmp_path: Path, name: str) -> None:
    store = FolderStore(tmp_path)
    members = accounts.encode(identifier(0), [Member(ACCOUNT_ID, name)])
    add_snapshot(store, 0, {"eu-west-1": [pool(1)]}, accounts=members)
    assert said(run("show", tmp_path)).splitlines()[1].count("\t") == 5
    assert "\x1b" not in said(run("show", tmp_path))
    assert "\x1b" not in said(run("show", tmp_path, "--json"))
    assert ",=" not in said(run("show", tmp_path, "--format", "csv"))
