import csv
import io
import json
from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from pool_inventory.stores.folder import FolderStore
from pool_inventory.terminal import command_line as cli

from tests.chains import add_chain
from tests.makers import ACCOUNT_ID, any_pool

CHECK = f"arn:aws:lambda:eu-west-1:{ACCOUNT_ID}:function:check-that-has-quite-a-long-name-for-a-function"
VERSIONED = {"LambdaVersion": "V2_0", "LambdaArn": f"{CHECK}:2"}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    pools = [
        any_pool("eu-west-1", Id="eu-west-1_1", Name="b", LambdaConfig={"PreSignUp": CHECK}, LastModifiedDate=1.7e9),
        any_pool("eu-west-1", Id="eu-west-1_2", Name="=a", LambdaConfig={}, LastModifiedDate=1.8e9),
        any_pool("eu-west-1", Id="eu-west-1_3", Name="c", LambdaConfig={"PreTokenGenerationConfig": VERSIONED}),
    ]
    del pools[2]["LastModifiedDate"]
    add_chain(FolderStore(tmp_path), [{"eu-west-1": pools, "us-east-1": None}])
    return tmp_path


def show(folder: Path, *arguments: str) -> Result:
    return CliRunner().invoke(cli.main, ["show", str(folder), *arguments])


def ids(result: Result) -> list[str]:
    assert result.exit_code == 0, result.output
    return [json.loads(line)["id"][-1] for line in result.stdout.splitlines()]


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        ((), "123"),
        (("--sort", "name"), "213"),
        (("--sort", "-name"), "312"),
        (("--sort", "-last_modified_date"), "213"),
        (("--sort", "last_modified_date"), "123"),
        (("--sort", "pre_sign_up", "--limit", "1"), "1"),
        (("--limit", "2"), "12"),
        (("--limit", "9"), "123"),
    ],
)
def test_rows_are_in_the_order_that_is_asked_for(folder: Path, arguments: tuple[str, ...], expected: str) -> None:
    """A pool that lacks the value comes last, whichever way it goes."""
    assert "".join(ids(show(folder, "-o", "ndjson", *arguments))) == expected


def test_a_table_has_the_columns_that_are_asked_for(folder: Path) -> None:
    result = show(folder, "--columns", "id, pre_sign_up, pre_token_generation_config.lambda_arn", "--limit", "3")
    name = "check-that-has-quite-a-long-name-for-a-function"
    assert result.stdout.split("\n\n")[0].splitlines() == [
        "id\tpre_sign_up\tpre_token_generation_config.lambda_arn",
        f"eu-west-1_1\t{name}\t",
        "eu-west-1_2\t\t",
        f"eu-west-1_3\t\t{name}:2",
    ]


def test_ndjson_has_dotted_names_for_the_columns_asked_for(folder: Path) -> None:
    (line,) = show(folder, "-o", "ndjson", "--columns", "id,pre_sign_up", "--limit", "1").stdout.splitlines()
    assert json.loads(line) == {"id": "eu-west-1_1", "lambda_config.pre_sign_up": CHECK}


def test_json_has_what_is_known_of_the_snapshot_too(folder: Path) -> None:
    found = json.loads(show(folder, "-o", "json", "--columns", "id", "--sort", "-id").stdout)
    assert found["pools"] == [{"id": f"eu-west-1_{number}"} for number in (3, 2, 1)]
    assert [each["region"] for each in found["unread"]] == ["us-east-1"]
    assert json.loads(show(folder, "--json").stdout) == json.loads(show(folder, "-o", "json").stdout)


def test_csv_has_every_column_unless_some_are_asked_for(folder: Path) -> None:
    whole = list(csv.DictReader(io.StringIO(show(folder, "-o", "csv").stdout)))
    exported = CliRunner().invoke(cli.main, ["export", str(folder), "--format", "csv"]).stdout
    assert whole == list(csv.DictReader(io.StringIO(exported)))
    some = list(csv.reader(io.StringIO(show(folder, "-o", "csv", "--columns", "name,id").stdout)))
    assert some == [["name", "id"], ["b", "eu-west-1_1"], ["'=a", "eu-west-1_2"], ["c", "eu-west-1_3"]]


@pytest.mark.parametrize("file_format", ["ndjson", "csv"])
def test_a_file_says_elsewhere_what_was_not_read(folder: Path, file_format: str) -> None:
    result = show(folder, "-o", file_format)
    assert "us-east-1: denied" in result.stderr
    assert "us-east-1" not in result.stdout


def test_a_wide_table_is_not_cut(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "40")
    asked = ("--columns", "id,pre_sign_up,arn", "--limit", "1")
    assert "…" in show(folder, *asked).stdout
    wide = show(folder, *asked, "--wide").stdout
    assert "…" not in wide
    assert "check-that-has-quite-a-long-name-for-a-function  arn:aws:cognito-idp:" in wide


def test_a_table_that_is_limited_says_of_how_many(folder: Path) -> None:
    assert "The first 2 of 3 user pools known in " in show(folder, "--limit", "2").stdout


@pytest.mark.parametrize("option", ["--columns", "--sort"])
@pytest.mark.parametrize(
    ("name", "advice"),
    [
        ("nmae", "did you mean name?"),
        ("pre_signup", "did you mean pre_sign_up?"),
        ("accountname", "did you mean account_name?"),
        ("x", "use "),
    ],
)
def test_a_column_that_there_is_not_is_refused(folder: Path, option: str, name: str, advice: str) -> None:
    result = show(folder, option, name)
    assert result.exit_code == 2
    assert f"Invalid value for '{option}': '{name}' is no column: {advice}" in " ".join(result.stderr.split())
