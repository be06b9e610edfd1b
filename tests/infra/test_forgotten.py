"""A deploy over a stack that is there, by the stack's own template in moto's CloudFormation."""

import io
import json
import time
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import boto3
import pytest
from aws_cdk import App
from botocore.config import Config
from mypy_boto3_s3 import S3Client
from pool_inventory.errors import SettingsError
from pool_inventory.terminal.demo.stand_in import ACCOUNT_ID, StandIn
from werkzeug.wrappers import Request, Response

import app
from infra import deployed
from infra.bundle import bundle, interpreter
from infra.errors import ForgottenError
from infra.options.forgotten import forgotten
from tests.infra.makers import Synthesized, any_settings

KEY = "arn:aws:kms:us-east-1:123456789012:key/1234abcd-12ab-34cd-56ef-1234567890ab"
OLDER_KEY = KEY.replace("1234abcd", "0000abcd")
EMAIL = "cloud-team@example.com"
ELSEWHERE = {"bucketName": "inventory-archive", "alarmEmail": EMAIL, "customerManagedKey": KEY, "encryption": KEY}

Deploy = Callable[..., None]

# moto warns of each resource of a kind that it does not make.
pytestmark = pytest.mark.filterwarnings("ignore:Tried to parse")


@pytest.fixture
def deploy(aws: StandIn, s3: S3Client, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Deploy:
    """Deploys the stack, and lets the app think that the CDK CLI found the stand-in's credentials."""
    monkeypatch.setenv(deployed.ACCOUNT, ACCOUNT_ID)
    monkeypatch.setenv(deployed.REGION, "us-east-1")

    def make(**settings: object) -> None:
        template = Synthesized(tmp_path, dashboard="no", **settings).template
        s3.create_bucket(Bucket="assets")
        for function in (each for each in template["Resources"].values() if each["Type"] == "AWS::Lambda::Function"):
            code = function["Properties"]["Code"]
            code["S3Bucket"] = "assets"
            s3.put_object(Bucket="assets", Key=code["S3Key"], Body=empty_zip())
        bare = {name: each for name, each in template.items() if name not in {"Parameters", "Rules"}}
        boto3.client("cloudformation").create_stack(
            StackName="PoolInventory", TemplateBody=json.dumps(bare), Capabilities=["CAPABILITY_NAMED_IAM"]
        )
        aws.requests.clear()

    return make


def empty_zip() -> bytes:
    archive = io.BytesIO()
    zipfile.ZipFile(archive, "w").close()
    return archive.getvalue()


@pytest.fixture
def synth(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    """Runs the app with a stand-in for the bundle."""
    code_folder = tmp_path / "bundle"
    code_folder.mkdir()
    code_folder.joinpath("handler.py").write_text("")
    monkeypatch.setattr(interpreter, "find", lambda *_arguments: None)
    monkeypatch.setattr(bundle, "build", lambda *_arguments, **_options: code_folder)
    return lambda **given: app.synthesize(App(context=given, outdir=str(tmp_path / "cdk.out")))


@pytest.mark.parametrize("given", [{}, {"force": "no"}])
def test_a_deploy_that_forgets_is_stopped_by_a_question(
    deploy: Deploy, synth: Callable[..., None], given: dict[str, str]
) -> None:
    deploy(**ELSEWHERE)
    with pytest.raises(ForgottenError) as raised:
        synth(**given)
    moved = "the snapshots are in inventory-archive, and from now on would go into a new and empty bucket"
    options = f"-c bucketName=inventory-archive -c customerManagedKey={KEY} -c encryption={KEY} -c alarmEmail={EMAIL}"
    assert str(raised.value).splitlines() == [
        "these settings leave out what the deployed stack PoolInventory has:",
        f"  bucketName=inventory-archive: {moved}",
        f"  customerManagedKey={KEY}: queues, log, alarms and Athena's results would no longer be encrypted under it",
        f"  encryption={KEY}: what is encrypted under it could not be read, and every run would fail",
        f"  alarmEmail={EMAIL}: no alarm would reach this address any more",
        f"If they were forgotten, write them into settings/NAME.json, or add {options}",
        "If it is meant so, add -c force=yes",
    ]


ORGANIZATION = {"accounts": "organization,-111122223333", "memberRole": "audit/inventory", "externalId": "a:b"}


@pytest.mark.parametrize(
    ("given", "named"),
    [
        ({}, ["accounts", "memberRole", "externalId"]),
        ({"accounts": "organization"}, ["memberRole", "externalId"]),
        ({**ORGANIZATION, "externalId": ""}, ["externalId"]),
        ({**ORGANIZATION, "accounts": "r-ab12"}, []),
        (ORGANIZATION, []),
    ],
)
def test_accounts_and_how_they_are_entered_are_asked_for(
    tmp_path: Path, given: dict[str, str], named: list[str]
) -> None:
    """Another choice of accounts is a choice."""
    stack = Synthesized(tmp_path, **ORGANIZATION)
    outputs = {
        "BucketName": "b",
        "SnapshotLocation": "s3://b/user-pools",
    }
    lost = forgotten(deployed.from_template("PoolInventory", outputs, stack.template), any_settings(**given))
    assert [each.setting for each in lost] == named
    assert {each.setting: each.value for each in lost} == {name: ORGANIZATION[name] for name in named}


def test_the_question_ends_the_command_without_a_traceback(
    deploy: Deploy, synth: Callable[..., None], monkeypatch: pytest.MonkeyPatch
) -> None:
    deploy(alarmEmail=EMAIL)
    monkeypatch.setattr(app, "App", lambda: App(context={}))
    with pytest.raises(SystemExit) as ended:
        app.main()
    assert str(ended.value.code).startswith("pool-inventory: these settings leave out")


def test_a_deploy_that_forgets_nothing_goes_on_in_silence(
    deploy: Deploy, synth: Callable[..., None], capsys: pytest.CaptureFixture[str]
) -> None:
    deploy(**ELSEWHERE)
    synth(**ELSEWHERE, memoryMb="1024")
    assert "pool-inventory" not in capsys.readouterr().err


def test_a_first_deploy_goes_on_in_silence(
    aws: StandIn, synth: Callable[..., None], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv(deployed.ACCOUNT, ACCOUNT_ID)
    monkeypatch.setenv(deployed.REGION, "us-east-1")
    synth()
    assert "pool-inventory" not in capsys.readouterr().err


def test_a_stack_of_another_program_is_said_to_be_one(
    aws: StandIn, synth: Callable[..., None], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv(deployed.ACCOUNT, ACCOUNT_ID)
    monkeypatch.setenv(deployed.REGION, "us-east-1")
    template = {"Resources": {"Topic": {"Type": "AWS::SNS::Topic"}}}
    boto3.client("cloudformation").create_stack(StackName="PoolInventory", TemplateBody=json.dumps(template))
    synth()
    (line,) = said(capsys)
    assert line == "a stack PoolInventory is there, and has no output BucketName: it is not this program's"


@pytest.mark.parametrize("status", ["REVIEW_IN_PROGRESS", "ROLLBACK_COMPLETE", "CREATE_FAILED"])
def test_a_first_deploy_that_failed_is_deployed_over(
    aws: StandIn,
    deploy: Deploy,
    synth: Callable[..., None],
    capsys: pytest.CaptureFixture[str],
    status: str,
) -> None:
    """Such a stack has no outputs, and nothing of it is kept."""

    def describe(request: Request) -> Response | None:
        if b"Action=DescribeStacks" not in request.get_data():
            return None
        fields = f"<StackName>PoolInventory</StackName><StackStatus>{status}</StackStatus>"
        stacks = f"<Stacks><member>{fields}<CreationTime>2026-11-24T18:00:00Z</CreationTime></member></Stacks>"
        result = f"<DescribeStacksResult>{stacks}</DescribeStacksResult>"
        return Response(f"<DescribeStacksResponse>{result}</DescribeStacksResponse>", 200)

    aws.answers.append(describe)
    deploy(alarmEmail=EMAIL)
    synth()
    assert "pool-inventory" not in capsys.readouterr().err


def test_a_deploy_that_is_forced_asks_nobody(aws: StandIn, deploy: Deploy, synth: Callable[..., None]) -> None:
    deploy(**ELSEWHERE)
    synth(force="yes")
    assert aws.requests == []


def test_force_is_yes_or_no(synth: Callable[..., None]) -> None:
    with pytest.raises(SettingsError, match=r"^force='true': not one of yes, no"):
        synth(force="true")


def test_without_credentials_synth_says_so_in_one_line(
    aws: StandIn, synth: Callable[..., None], capsys: pytest.CaptureFixture[str]
) -> None:
    synth()
    assert said(capsys) == ["the CDK found no credentials"]
    assert aws.requests == []


def said(capsys: pytest.CaptureFixture[str]) -> list[str]:
    before = "pool-inventory: not compared with the deployed stack: "
    lines = [each for each in capsys.readouterr().err.splitlines() if each.startswith("pool-inventory: ")]
    return [each.removeprefix(before) for each in lines]


def refuse_cloudformation(request: Request) -> Any:
    if b"Action=GetTemplate" not in request.get_data():
        return None
    error = (
        "<Error><Code>AccessDenied</Code><Message>not authorized to do cloudformation:GetTemplate</Message></Error>"
    )
    return Response(f"<ErrorResponse>{error}</ErrorResponse>", 403)


def answer_late(request: Request) -> Any:
    time.sleep(0.5)


@pytest.mark.parametrize(
    ("variables", "says"),
    [
        ({deployed.ACCOUNT: "999999999999"}, "the deploy goes to the account 999999999999, and its app's"),
        ({"AWS_PROFILE": "nobody"}, "The config profile (nobody) could not be found"),
        ({"AWS_ENDPOINT_URL": "http://127.0.0.1:9"}, "Could not connect to the endpoint URL"),
    ],
)
def test_what_cannot_be_asked_is_said_and_synth_goes_on(
    deploy: Deploy,
    synth: Callable[..., None],
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    variables: dict[str, str],
    says: str,
) -> None:
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    synth()
    (line,) = said(capsys)
    assert says in line


def test_a_denial_is_said_and_synth_goes_on(
    aws: StandIn, deploy: Deploy, synth: Callable[..., None], capsys: pytest.CaptureFixture[str]
) -> None:
    deploy(alarmEmail=EMAIL)
    aws.answers.append(refuse_cloudformation)
    synth()
    (line,) = said(capsys)
    assert "not authorized to do cloudformation:GetTemplate" in line


def test_an_answer_that_is_late_is_not_waited_for(
    aws: StandIn,
    deploy: Deploy,
    synth: Callable[..., None],
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setattr(deployed, "CLIENT_CONFIG", deployed.CLIENT_CONFIG.merge(Config(read_timeout=0.1)))
    aws.answers.append(answer_late)
    synth()
    (line,) = said(capsys)
    assert "Read timeout" in line


def lost(tmp_path: Path, before: dict[str, object], after: dict[str, object]) -> dict[str, str]:
    """What is asked of a deploy with other settings, by a made-up name for what the stack names itself."""
    stack = Synthesized(tmp_path, **before)
    names = {"${Storage/Bucket}": "own-bucket", "${Key.Arn}": KEY}
    outputs = {name: each["Value"] for name, each in stack.spelled_out(stack.template["Outputs"]).items()}
    for ours, theirs in names.items():
        outputs = {name: value.replace(ours, theirs) for name, value in outputs.items()}
    there = deployed.from_template("PoolInventory", outputs, stack.template)
    return {each.setting: each.value for each in forgotten(there, any_settings(**after))}


@pytest.mark.parametrize(
    ("before", "after", "asked"),
    [
        ({}, {}, {}),
        ({}, ELSEWHERE, {"bucketName": ""}),
        ({}, {"bucketName": "own-bucket"}, {}),
        ({"bucketName": "a-bucket"}, {"bucketName": "a-bucket"}, {}),
        ({"bucketName": "a-bucket"}, {"bucketName": "b-bucket"}, {"bucketName": "a-bucket"}),
        ({"prefix": "audit/pools"}, {}, {"prefix": "audit/pools"}),
        ({"alarmEmail": EMAIL}, {"alarmEmail": EMAIL}, {}),
        ({"alarmEmail": EMAIL}, {"alarmEmail": "b@example.com"}, {"alarmEmail": EMAIL}),
        ({"customerManagedKey": "yes"}, {"customerManagedKey": "yes"}, {}),
        ({"customerManagedKey": "yes"}, {}, {"customerManagedKey": "yes"}),
        ({"customerManagedKey": "yes"}, {"formerKeys": KEY}, {}),
        ({"customerManagedKey": "yes"}, {"customerManagedKey": KEY}, {}),
        ({"customerManagedKey": OLDER_KEY}, {"customerManagedKey": KEY}, {"customerManagedKey": OLDER_KEY}),
        ({"customerManagedKey": OLDER_KEY}, {"customerManagedKey": KEY, "formerKeys": OLDER_KEY}, {}),
        ({"customerManagedKey": KEY}, {"customerManagedKey": "yes"}, {"customerManagedKey": KEY}),
        ({"formerKeys": KEY}, {}, {"formerKeys": KEY}),
        ({"formerKeys": f"{KEY},{OLDER_KEY}"}, {"formerKeys": KEY}, {"formerKeys": f"{OLDER_KEY},{KEY}"}),
        ({"formerKeys": KEY}, {"customerManagedKey": KEY}, {}),
        ({"encryption": "AES256"}, {}, {}),
    ],
)
def test_what_the_stack_would_lose_is_asked_for(
    tmp_path: Path, before: dict[str, object], after: dict[str, object], asked: dict[str, str]
) -> None:
    assert lost(tmp_path, before, after) == asked


def test_the_stack_names_its_former_keys(otherwise: Synthesized, by_default: Synthesized) -> None:
    assert otherwise.template["Outputs"][deployed.FORMER_KEYS]["Value"] == any_settings(formerKeys=KEY).former_keys[0]
    assert deployed.FORMER_KEYS not in by_default.template["Outputs"]
