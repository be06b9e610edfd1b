import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any, Protocol

import pytest
from aws_cdk import App
from aws_cdk.aws_s3 import Bucket

import app
from infra.bundle import bundle, interpreter
from infra.bundle.interpreter import Interpreter
from infra.errors import BundleError, ChecksError
from infra.stack import PoolInventoryStack
from tests.infra.makers import ROOT, any_context

KEY = "arn:aws:kms:us-east-1:123456789012:key/1234abcd-12ab-34cd-56ef-1234567890ab"
COMPILER = Interpreter("python3.13", (3, 13, 0), makes_environments=True)


class Synthesize(Protocol):
    def __call__(self, compiler: Interpreter | None, **changes: object) -> str: ...


@pytest.fixture
def synthesize(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Synthesize:
    """Runs the app with a stand-in for the bundle; gives all that it wrote for the CLI."""

    def run(compiler: Interpreter | None, **changes: object) -> str:
        code_folder = tmp_path / "code"
        code_folder.mkdir()
        code_folder.joinpath("handler.py").write_text("")
        monkeypatch.setattr(interpreter, "find", lambda *_arguments: compiler)
        monkeypatch.setattr(bundle, "build", lambda *_arguments, **_options: code_folder)
        app.synthesize(App(context=any_context(stackName="Mine", **changes), outdir=str(tmp_path / "out")))
        return "".join(path.read_text() for path in tmp_path.joinpath("out").glob("*.json"))

    return run


def test_the_context_names_the_stack(synthesize: Synthesize, tmp_path: Path) -> None:
    synthesize(None)
    assert tmp_path.joinpath("out", "Mine.template.json").exists()


def test_synth_warns_where_no_interpreter_can_compile(synthesize: Synthesize) -> None:
    written = synthesize(None)
    assert "aws:cdk:warning" in written
    assert "No Python 3.13 was found on PATH or in pyenv" in written


def test_synth_warns_of_nothing_where_one_could(synthesize: Synthesize) -> None:
    assert "aws:cdk:warning" not in synthesize(COMPILER, bucketName="inventory-archive")


def test_synth_notes_that_no_alarm_reaches_anybody(synthesize: Synthesize) -> None:
    written = synthesize(COMPILER)
    assert "aws:cdk:info" in written
    assert "alarmEmail is not set, so no alarm reaches anybody" in written


def test_synth_notes_where_a_bucket_of_others_has_to_be(synthesize: Synthesize) -> None:
    assert "bucketName=inventory-archive has to be in the stack's region" in synthesize(
        COMPILER, bucketName="inventory-archive"
    )


def test_synth_notes_the_keys_that_readers_cannot_use(synthesize: Synthesize) -> None:
    written = synthesize(COMPILER, readerAccounts="210987654321", customerManagedKey="yes", formerKeys=KEY)
    assert f"the stack does not write the policies of {KEY}. Each has to let these accounts do" in written


def test_synth_notes_regions_that_no_sdk_knows(synthesize: Synthesize) -> None:
    assert "no SDK knows mars-1. The function asks there all the same" in synthesize(
        COMPILER, regions="mars-1,us-east-1"
    )


def test_synth_notes_nothing_where_nothing_is_left_open(synthesize: Synthesize) -> None:
    written = synthesize(COMPILER, alarmEmail="cloud-team@example.com", regions="us-east-1,eu-west-1")
    assert "aws:cdk:info" not in written


def test_a_broken_rule_ends_synth_and_names_the_construct(
    synthesize: Synthesize, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Careless(PoolInventoryStack):
        def __init__(self, *arguments: Any, **options: Any) -> None:
            super().__init__(*arguments, **options)
            Bucket(self, "Careless")

    monkeypatch.setattr(app, "PoolInventoryStack", Careless)
    with pytest.raises(ChecksError, match="acknowledge the rule on its construct with a reason") as raised:
        synthesize(None)
    assert "Mine/Careless/Resource" in str(raised.value)
    assert "AwsSolutions-S1" in str(raised.value)
    assert "Mine/Storage" not in str(raised.value)


OF_ALL = {
    "accounts": "organization",
    "organizationId": "o-a1b2c3d4e5",
    "stackSetUnits": "r-ab12",
    "alarmEmail": "cloud-team@example.com",
}


def test_an_organization_gets_its_member_role_as_a_file(synthesize: Synthesize, tmp_path: Path) -> None:
    synthesize(COMPILER, accounts="organization")
    assert 'RoleName: "pool-inventory-member"' in tmp_path.joinpath("out", "member-role.yaml").read_text()
    assert [path.name for path in tmp_path.joinpath("out").glob("*.template.json")] == ["Mine.template.json"]


@pytest.mark.parametrize("stack_set", ["management", "delegated"])
def test_a_stack_set_is_a_stack_of_its_own(synthesize: Synthesize, tmp_path: Path, stack_set: str) -> None:
    synthesize(COMPILER, stackSet=stack_set, **OF_ALL)
    assert {path.name for path in tmp_path.joinpath("out").glob("*.template.json")} == {
        "Mine.template.json",
        "Mine-member-role.template.json",
    }


def test_one_account_gets_no_member_role(synthesize: Synthesize, tmp_path: Path) -> None:
    synthesize(COMPILER)
    assert not list(tmp_path.joinpath("out").glob("*member-role*"))


@pytest.mark.parametrize("error", [BundleError("it cannot be so"), ChecksError("it cannot be so")])
def test_a_failed_synth_ends_with_the_reason_and_no_traceback(
    monkeypatch: pytest.MonkeyPatch, error: Exception
) -> None:
    def fail(_app: App) -> None:
        raise error

    monkeypatch.setattr(app, "synthesize", fail)
    with pytest.raises(SystemExit) as ended:
        app.main()
    assert ended.value.code == "pool-inventory: it cannot be so"


def test_a_wrong_setting_ends_synth_without_a_traceback(tmp_path: Path) -> None:
    variables = {
        "CDK_CONTEXT_JSON": json.dumps(any_context(pythonVersion="3.11")),
        "CDK_OUTDIR": str(tmp_path / "out"),
    }
    outcome = subprocess.run(
        [sys.executable, "app.py"],
        cwd=ROOT,
        env={**os.environ, **variables},
        capture_output=True,
        text=True,
        check=False,
    )
    assert outcome.returncode == 1
    assert "pythonVersion='3.11': Lambda runs Python 3.11 and older on Amazon Linux 2" in outcome.stderr
    assert "Traceback" not in outcome.stderr
    assert list(tmp_path.joinpath("out").iterdir()) == []
