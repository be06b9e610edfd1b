import re
from pathlib import Path

import boto3
import pytest
from click.testing import CliRunner
from pool_inventory.errors import StoreError
from pool_inventory.stores.folder import FolderStore
from pool_inventory.stores.s3 import S3Store
from pool_inventory.terminal import command_line as cli
from pool_inventory.terminal.demo.stand_in import StandIn
from pool_inventory.terminal.location import open_location

from tests.chains import add_chain
from tests.conftest import BUCKET
from tests.terminal.inventories import READINGS, run, said


def copy_of_a_bucket(folder: Path, name: str = "latest.json") -> Path:
    """What makes a folder one of snapshots."""
    path = folder / name
    path.parent.mkdir(parents=True)
    path.touch()
    return folder


@pytest.mark.parametrize("name", ["latest.json", "manifests/2026-11-24T18-00Z"])
def test_a_folder_of_snapshots_is_opened(tmp_path: Path, name: str) -> None:
    folder = copy_of_a_bucket(tmp_path / "out", name)
    assert open_location(str(folder), None) == FolderStore(folder)


def test_the_one_folder_inside_that_has_snapshots_is_opened(tmp_path: Path) -> None:
    """As a copy of a whole bucket has it."""
    (tmp_path / "other").mkdir()
    (tmp_path / "file").touch()
    folder = copy_of_a_bucket(tmp_path / "user-pools")
    assert open_location(str(tmp_path), None) == FolderStore(folder)


def test_of_several_folders_one_must_be_named(tmp_path: Path) -> None:
    folders = [copy_of_a_bucket(tmp_path / name) for name in ("a", "b")]
    with pytest.raises(StoreError, match=f"in several folders: name one of {folders[0]}, {folders[1]}$"):
        open_location(str(tmp_path), None)


def test_what_has_no_snapshots_is_an_error_that_helps(tmp_path: Path) -> None:
    with pytest.raises(StoreError, match=f"{tmp_path} holds no snapshots: .* `pool-inventory run --to {tmp_path}`"):
        open_location(str(tmp_path), None)
    with pytest.raises(StoreError, match=r"there is no folder \S+gone: name one that holds latest.json"):
        open_location(str(tmp_path / "gone"), None)
    (tmp_path / "file").touch()
    with pytest.raises(StoreError, match=r"cannot read \S+file: Not a directory: name a folder that can be read"):
        open_location(str(tmp_path / "file"), None)


@pytest.mark.parametrize(("address", "key"), [("a/b/", "a/b/latest.json"), ("", "user-pools/latest.json")])
def test_an_address_of_a_bucket_opens_its_prefix(aws: StandIn, address: str, key: str) -> None:
    store = open_location(f"s3://{BUCKET}/{address}", None)
    assert isinstance(store, S3Store)
    assert store.full_key("latest.json") == key


def test_a_bucket_alone_is_looked_at_under_the_default_prefix(aws: StandIn) -> None:
    bucket = S3Store.open(boto3.session.Session(), BUCKET, "user-pools")
    add_chain(bucket, READINGS)
    assert said(run("list", f"s3://{BUCKET}")) == said(run("list", f"s3://{BUCKET}/user-pools"))


@pytest.mark.parametrize(
    ("variables", "message"),
    [
        ({}, "Unable to locate credentials: log in, as with `aws sso login`, or name a profile that is logged in"),
        # Outside EC2 nobody answers there.
        (
            {"AWS_EC2_METADATA_DISABLED": "false", "AWS_EC2_METADATA_SERVICE_ENDPOINT": "http://127.0.0.1:9"},
            "Unable to locate credentials: log in, as with `aws sso login`, or name a profile that is logged in",
        ),
        ({"AWS_PROFILE": "nobody"}, "(nobody) could not be found: name one that `aws configure list-profiles` has"),
        ({"AWS_ACCESS_KEY_ID": "a"}, "missing: AWS_SECRET_ACCESS_KEY): log in"),
    ],
)
@pytest.mark.parametrize("command", [["list"], ["run", "--regions", "us-east-1", "--to"]], ids=" ".join)
def test_missing_credentials_are_no_matter_of_the_network(
    aws: StandIn, monkeypatch: pytest.MonkeyPatch, command: list[str], variables: dict[str, str], message: str
) -> None:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.delenv(name)
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    result = CliRunner().invoke(cli.main, [*command, f"s3://{BUCKET}/pools"])
    assert result.exit_code == 1
    assert message in result.stderr
    assert result.stderr.count("\n") == 1
    assert "network" not in result.stderr


@pytest.mark.parametrize("command", ["show", "list", "diff", "verify"])
def test_s3_and_a_folder_are_read_alike(aws: StandIn, folder: Path, command: str) -> None:
    store = S3Store.open(boto3.session.Session(), BUCKET, "some/prefix")
    add_chain(store, READINGS)
    expected = run(command, folder)
    result = run(command, f"s3://{BUCKET}/some/prefix")
    assert result.exit_code == expected.exit_code == 0
    # They have other addresses in them.
    sizes = re.compile(r"[\d,]+ bytes")
    assert sizes.sub("", result.stdout) == sizes.sub("", expected.stdout)


def test_a_folder_may_hold_the_folder_of_the_snapshots(own_folder: Path, tmp_path: Path) -> None:
    outer = tmp_path / "out"
    outer.joinpath("user-pools").mkdir(parents=True)
    add_chain(FolderStore(outer / "user-pools"), READINGS[:1])
    assert run("show", outer).stdout == run("show", outer / "user-pools").stdout
    add_chain(FolderStore(outer / "other"), READINGS[:1])
    assert f"name one of {outer}/other, {outer}/user-pools" in run("show", outer).stderr


COMMANDS = [("show",), ("diff",), ("list",), ("verify",), ("history", "eu-west-1_1"), ("export", "--format", "csv")]


@pytest.mark.parametrize("arguments", COMMANDS)
def test_a_location_without_snapshots_says_in_a_line_what_helps(
    aws: StandIn, tmp_path: Path, arguments: tuple[str, ...]
) -> None:
    for location, message in (
        (str(tmp_path / "nowhere"), "there is no folder"),
        (str(tmp_path), "holds no snapshots: name the folder that has latest.json in it"),
        (f"s3://{BUCKET}/empty", "holds no finished snapshot: name the prefix or folder"),
        ("s3://no-such-bucket/pools", "create the bucket, or name another"),
    ):
        result = run(arguments[0], location, *arguments[1:])
        assert result.exit_code == 1
        *warnings, error = result.stderr.splitlines()
        assert all(each.startswith("warning: ") for each in warnings)
        assert error.startswith("error: ")
        assert message in error


CONFIGURATIONS = [
    ("credential_process = echo expired", "JSONDecodeError"),
    ("credential_process = /nowhere/at/all", "/nowhere/at/all"),
    ("credential_process = false", "custom-process"),
    ("endpoint_url = nonsense", "nonsense"),
    ("region = x \x1b", r"x \x1b"),
    ("[", "Unable to parse config file"),
]


@pytest.mark.parametrize(("line", "message"), CONFIGURATIONS)
@pytest.mark.parametrize("command", [["show"], ["run", "--regions", "us-east-1", "--to"]])
def test_a_wrong_aws_configuration_ends_in_one_line(
    aws: StandIn, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, command: list[str], line: str, message: str
) -> None:
    (tmp_path / "config").write_text(f"[default]\n{line}\n")
    monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / "config"))
    names = ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_REGION", "AWS_DEFAULT_REGION", "AWS_ENDPOINT_URL")
    for name in names:
        monkeypatch.delenv(name)
    result = CliRunner().invoke(cli.main, [*command, f"s3://{BUCKET}/pools"])
    assert result.exit_code == 1
    assert re.fullmatch(r"error: .*\n", result.stderr)
    assert message in result.stderr
