"""Missing credentials are an error of one line; credentials that expire in a run deny each target."""

import json
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from pool_inventory.aws.session import caller_account, open_session
from pool_inventory.collect.readings import collect
from pool_inventory.errors import TargetsError
from pool_inventory.model import Coverage
from pool_inventory.terminal.demo.stand_in import StandIn, seed
from werkzeug.wrappers import Response

from tests.makers import TIME, HeldClock, any_pools, any_target


@pytest.fixture
def profile(aws: StandIn, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The file of a configuration whose credentials come from a program of Python beside it."""
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.delenv(name)
    config = tmp_path / "config"
    program = tmp_path / "program.py"
    config.write_text(f"[default]\ncredential_process = {sys.executable} {program}\n")
    monkeypatch.setenv("AWS_CONFIG_FILE", str(config))
    return program


def printing(*, expires_in: timedelta | None = None, **members: object) -> str:
    expiry = {"Expiration": (datetime.now(UTC) + expires_in).isoformat()} if expires_in else {}
    credentials = {"Version": 1, "AccessKeyId": "a", "SecretAccessKey": "s", "SessionToken": "t", **expiry, **members}
    return f"print({json.dumps(json.dumps(credentials))})"


def is_one_line(error: pytest.ExceptionInfo[TargetsError]) -> bool:
    text = str(error.value)
    return text.startswith("the credentials cannot be used (") and text.isprintable() and "log in" in text


PROGRAMS = {
    "expired": printing(expires_in=timedelta(hours=-1)),
    "an expiry that is no time": printing(Expiration="soon"),
    "no JSON": "print('Sign in at https://\\x1b[2J')",
    "no UTF-8": "import sys; sys.stdout.buffer.write(b'\\xff')",
    "an error that is no UTF-8": "import sys; sys.stderr.buffer.write(b'\\xff'); sys.exit(1)",
    "a list": "print('[]')",
    "nothing": "",
    "another version": "print('{\"Version\": 2}')",
    "no key": "print('{\"Version\": 1}')",
    "failing": "raise SystemExit('sign in first' * 1000)",
}


@pytest.mark.parametrize("program", PROGRAMS.values(), ids=PROGRAMS.keys())
def test_a_program_without_credentials_ends_in_one_line(profile: Path, program: str) -> None:
    profile.write_text(program)
    with pytest.raises(TargetsError) as caught:
        open_session()
    assert is_one_line(caught)


CONFIGURATIONS = {
    "a program that is not there": "[default]\ncredential_process = /nowhere/program\n",
    "a program that may not be run": "[default]\ncredential_process = /\n",
    "half a key": "[default]\naws_access_key_id = a\n",
    "a role without a source": "[default]\nrole_arn = arn:aws:iam::123456789012:role/r\n",
    "a source that is not there": "[default]\nrole_arn = arn:aws:iam::123456789012:role/r\nsource_profile = x\n",
    "no configuration at all": "this is no configuration",
    "an unclosed quote": "[default]\ncredential_process = 'x\n",
}


@pytest.mark.parametrize("text", CONFIGURATIONS.values(), ids=CONFIGURATIONS.keys())
def test_a_configuration_without_credentials_ends_in_one_line(profile: Path, text: str) -> None:
    profile.with_name("config").write_text(text)
    with pytest.raises(TargetsError) as caught:
        open_session()
    assert is_one_line(caught)


def test_a_missing_profile_ends_in_one_line(aws: StandIn) -> None:
    with pytest.raises(TargetsError, match=r"profile \(nowhere\) could not be found"):
        open_session("nowhere")


def coverage_after(profile: Path, program: str) -> list[Coverage]:
    """Reads two regions with credentials that expire so soon that each use loads them again, by the program."""
    seed("us-east-1", any_pools(1))
    profile.write_text(printing(expires_in=timedelta(minutes=5)))
    session = open_session()
    profile.write_text(program)
    readings = collect(
        [any_target("us-east-1"), any_target("eu-west-1")],
        session=session,
        snapshot_time=TIME,
        max_requests_per_second=0,
        deadline=HeldClock().deadline(),
        read_before=lambda: (),
    )
    return [each.coverage for each in readings]


@pytest.mark.parametrize("name", ["expired", "no JSON", "failing", "a list"])
def test_credentials_that_expire_in_a_run_deny_each_target(profile: Path, name: str) -> None:
    found = coverage_after(profile, PROGRAMS[name])
    assert [(each.status, each.error_code) for each in found] == [("denied", "CredentialRetrievalError")] * 2
    assert all(str(each.error_message).isprintable() for each in found)


def test_credentials_renewed_in_a_run_read_each_target(profile: Path) -> None:
    found = coverage_after(profile, printing(expires_in=timedelta(hours=1)))
    assert [each.status for each in found] == ["ok", "ok"]


@pytest.mark.parametrize(
    "answer",
    [
        Response(b"<html>Sign in</html>", 403),
        Response(b"\xff", 200),
        Response(b"", 200),
        Response(b"<GetCallerIdentityResponse/>", 200),
        Response(b"<r><GetCallerIdentityResult/></r>", 200),
        Response(b"<r><GetCallerIdentityResult><Arn>\xc2\x9b</Arn></GetCallerIdentityResult></r>", 200),
    ],
)
def test_an_odd_answer_of_sts_ends_in_one_line(aws: StandIn, answer: Response) -> None:
    aws.answers.append(lambda _: answer)
    with pytest.raises(TargetsError) as caught:
        caller_account(open_session(), "us-east-1")
    assert str(caught.value).isprintable()
    assert len(str(caught.value)) < 1300


def test_an_unusable_setting_of_the_sdk_ends_in_one_line(aws: StandIn, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL", "not an address")
    with pytest.raises(TargetsError, match="not an address"):
        caller_account(open_session(), "us-east-1")
