"""`run --accounts`: an organization's snapshot from one machine, as the state machine makes it."""

import io
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from pool_inventory.collect.members import AccountReading
from pool_inventory.model import AccountFailure, Member
from pool_inventory.snapshots import accounts, coverage, keys, table
from pool_inventory.terminal import command_line as cli
from pool_inventory.terminal.demo.stand_in import ACCOUNT_ID, StandIn, deny, listing, seed
from pool_inventory.terminal.taking_accounts import show_account_progress
from rich.console import Console
from werkzeug.wrappers import Request

from tests.makers import TIME, any_pools
from tests.organization.conftest import OTHERS, OWN, any_account, organization, refuse_organizations, refuse_role

Run = Callable[..., Result]
IDENTIFIER = "2026-11-24T18-00Z"
TO = ("--regions", "eu-west-1,us-east-1", "--time", "2026-11-24T18:00:00Z")


@pytest.fixture
def run(aws: StandIn, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Run:
    monkeypatch.delenv("COLUMNS", raising=False)
    aws.answers.append(organization(*map(any_account, (OWN, *OTHERS))))
    for number, account_id in enumerate((OWN, *OTHERS)):
        seed("us-east-1", any_pools(number), account_id)
    arguments = ("run", "--to", str(tmp_path), *TO)
    return lambda *others: CliRunner().invoke(cli.main, [*arguments, *others])


def test_one_snapshot_has_all_accounts_of_an_organization(run: Run, tmp_path: Path) -> None:
    result = run("--accounts", "organization")
    assert result.exit_code == 0, result.output
    rows = list(table.pool_rows((tmp_path / keys.data(IDENTIFIER)).read_bytes()))
    assert {row.target.account_id for row in rows} == set(OTHERS)
    found = list(accounts.decode((tmp_path / keys.accounts(IDENTIFIER)).read_bytes()))
    assert [(each.account_id, each.email) for each in found] == [(each, None) for each in (OWN, *OTHERS)]
    assert "Accounts of 2026-11-24T18-00Z\n" in result.stdout
    assert f"{OTHERS[1]}\tteam 02\t2 of 2\t2\t\n" in result.stdout
    assert f"{OTHERS[1]} team 02: 2 of 2 regions read, pools 2\n" in result.stderr
    assert "10 user pools read, complete; " in result.stdout
    assert not (tmp_path / "_staging" / IDENTIFIER / "parts").exists()


def test_accounts_that_failed_are_named_last(run: Run, aws: StandIn, tmp_path: Path) -> None:
    aws.answers.append(refuse_role(OTHERS[1]))
    result = run("--accounts", "organization")
    assert result.exit_code == 3, result.output
    lines = result.stdout.splitlines()
    assert lines[-1] == f"Not read: {OTHERS[1]} (denied)"
    assert lines[-3] == f"{OTHERS[1]}\tteam 02\t0 of 2\t-\tdenied (AccessDenied)"
    assert (
        f"{OTHERS[1]} team 02: denied: arn:aws:iam::{OTHERS[1]}:role/pool-inventory-member could not" in result.stderr
    )
    covered = coverage.decode((tmp_path / keys.coverage(IDENTIFIER)).read_bytes())
    assert [each.region for each in covered if each.status == "denied"] == ["eu-west-1", "us-east-1"]


def test_a_region_of_an_account_that_failed_is_named(run: Run, aws: StandIn) -> None:
    aws.answers.append(listing("eu-west-1", deny))
    result = run("--accounts", f"{OWN}")
    assert f"{OWN}: 1 of 2 regions read, pools 0, not eu-west-1 (denied)\n" in result.stderr
    assert f"{OWN}\t\t1 of 2\t0\t1 denied (AccessDeniedException)" in result.stdout
    assert result.stdout.splitlines()[-1] == f"Not read: {OWN} eu-west-1 (denied)"


def test_the_role_and_its_external_id_are_those_named(run: Run, aws: StandIn) -> None:
    run("--accounts", OTHERS[0], "--member-role", "audit/reader", "--external-id", "shared")
    (asked,) = (each.form for each in aws.requests if each.form.get("Action") == "AssumeRole")
    assert asked["RoleArn"] == f"arn:aws:iam::{OTHERS[0]}:role/audit/reader"
    assert (asked["ExternalId"], asked["RoleSessionName"]) == ("shared", IDENTIFIER)
    assert not [each for each in aws.requests if "Organizations" in each.headers.get("X-Amz-Target", "")]


def test_the_settings_of_a_profile_hold_for_all_accounts(
    run: Run, aws: StandIn, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    keys_of_it = "aws_access_key_id = testing\naws_secret_access_key = testing"
    (tmp_path / "config").write_text(f"[profile audit]\n{keys_of_it}\nendpoint_url = {aws.url}\n")
    monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / "config"))
    monkeypatch.setenv("AWS_PROFILE", "not-there")
    for name in ("AWS_ENDPOINT_URL", "AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.delenv(name)
    monkeypatch.setenv("HTTPS_PROXY", "http://127.0.0.1:9")  # what goes past the profile's endpoint ends there
    result = run("--accounts", "organization", "--profile", "audit", "--timeout", "20")
    assert result.exit_code == 0, result.output


def test_json_counts_the_accounts_and_writes_no_progress(run: Run, aws: StandIn) -> None:
    aws.answers.append(refuse_role(OTHERS[1]))
    result = run("--accounts", "organization", "--json")
    found = json.loads(result.stdout)
    assert (result.exit_code, result.stderr) == (3, "")
    assert (found["poolCount"], found["accounts"], found["accountsFailed"]) == (8, 5, 1)
    assert found["targets"]["denied"] == 2
    assert {each["account_id"] for each in found["unread"]} == {OTHERS[1]}


def test_quiet_writes_nothing(run: Run) -> None:
    result = run("--accounts", "organization", "--quiet")
    assert (result.exit_code, result.output) == (0, "")


@pytest.mark.parametrize(
    ("options", "says"),
    [
        (("--accounts", "12345"), "'12345' is neither organization nor the id of an organizational unit (ou-…) or an"),
        (("--accounts", "-111122223333"), "it only leaves out: name what to ask, too"),
        (("--accounts", "organization", "--member-role", "no role"), "'no role': not the name of a role"),
        (
            ("--accounts", "organization", "--member-role", "arn:aws:iam::111122223333:role/a"),
            "/a': not the name of a",
        ),
        (("--accounts", "organization", "--external-id", "a b"), "'a b': not an external id"),
        (("--member-role", "audit"), "--member-role is for other accounts: name them with --accounts, or leave"),
        (("--external-id", "audit"), "--external-id is for other accounts: name them with --accounts, or leave"),
    ],
)
def test_a_wrong_option_is_named_with_its_rule(run: Run, options: tuple[str, ...], says: str) -> None:
    result = run(*options)
    assert result.exit_code == 2
    assert says in " ".join(result.stderr.replace("│", "").split())


def test_an_organization_that_refuses_is_an_error_of_the_option(run: Run, aws: StandIn, tmp_path: Path) -> None:
    aws.answers.insert(0, refuse_organizations)
    result = run("--accounts", "organization")
    assert result.exit_code == 1
    assert "Organizations did not say which accounts there are in the organization (" in result.stderr
    assert result.stderr.endswith(
        "grant it, in an account that the organization lets list them, or list them in --accounts instead\n"
    )
    assert list(tmp_path.iterdir()) == []


def test_the_variable_is_named_where_it_set_the_accounts(
    run: Run, aws: StandIn, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("INVENTORY_ACCOUNTS", "organization")
    aws.answers.insert(0, refuse_organizations)
    assert "list them in INVENTORY_ACCOUNTS instead" in run().stderr


def test_an_account_that_leaves_is_not_asked_and_keeps_its_pools(run: Run, aws: StandIn, tmp_path: Path) -> None:
    run("--accounts", "organization", "--time", "2026-11-24T17:00:00Z")
    aws.answers[:] = [organization(*map(any_account, (OWN, *OTHERS[:3])))]
    result = run("--accounts", "organization")
    assert result.exit_code == 0, result.output
    assert f"{OTHERS[3]}\t\t0 of 2\t-\tnot asked" in result.stdout
    known = list(table.pool_rows((tmp_path / keys.LATEST_DATA).read_bytes()))
    assert sum(row.target.account_id == OTHERS[3] for row in known) == 4


def test_ctrl_c_ends_it_with_130_and_no_traceback(run: Run, aws: StandIn, tmp_path: Path) -> None:
    def hang(request: Request) -> None:
        if request.form.get("Action") == "AssumeRole":
            time.sleep(5)

    aws.answers.append(hang)
    program = str(Path(sys.executable).with_name("pool-inventory"))
    command = [program, "run", "--to", str(tmp_path / "out"), *TO, "--accounts", "organization"]
    process = subprocess.Popen(command, env=dict(os.environ), stderr=subprocess.PIPE, encoding="utf-8")  # noqa: S603 - our own program
    ends = time.monotonic() + 60
    while not any(each.form.get("Action") == "AssumeRole" for each in aws.requests) and time.monotonic() < ends:
        time.sleep(0.1)
    process.send_signal(signal.SIGINT)
    _, said = process.communicate(timeout=60)
    assert process.returncode == 130
    assert "Traceback" not in said
    assert said.endswith("stopped: whatever was committed is whole, and the next run finishes it\n")


def test_a_terminal_has_a_bar_and_a_line_for_what_went_wrong() -> None:
    console = Console(file=io.StringIO(), force_terminal=True, width=80)
    with show_account_progress(console) as progress:
        progress.begin([Member(ACCOUNT_ID, name="[b]own"), Member("2", name="other")])
        progress.ended(ACCOUNT_ID, AccountReading())
        progress.ended(
            "2", AccountReading(failure=AccountFailure("2", "timed_out", "OutOfTime", "no [time]", TIME, 1))
        )
    assert isinstance(console.file, io.StringIO)
    shown = console.file.getvalue()
    assert "2 other: timed out: no [time]" in shown
    assert "1 of 2 accounts read, pools 0" in shown
    assert "[b]own:" not in shown
