"""What the pages say is what the code does."""

import io
import json
import os
import re
import shlex
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import duckdb
import pyarrow.parquet as pq
import pytest
from botocore import xform_name
from botocore.session import get_session
from click.testing import CliRunner
from pool_inventory.snapshots import keys
from pool_inventory.terminal import command_line
from pool_inventory.terminal.demo.walkthrough import run_demo
from rich.console import Console

from tools.tables import PAGES, with_tables

ROOT = Path(__file__).parents[1]
ALL_PAGES = sorted([*ROOT.glob("*.md"), *ROOT.glob("docs/*.md")])
README = (ROOT / "README.md").read_text()
CONTRACT = (ROOT / "docs/contract.md").read_text()
MAP = (ROOT / "docs/development.md").read_text()
PACKAGE = ROOT / "lambda/pool_inventory"
MODULES = {path.relative_to(PACKAGE).as_posix() for path in PACKAGE.rglob("*.py") if path.name != "__init__.py"}
WIDTH = 80


@pytest.mark.parametrize("path", PAGES)
def test_the_tables_of_a_page_are_up_to_date(path: str) -> None:
    page = (ROOT / path).read_text()
    assert with_tables(path, page) == page, "run `make docs`"


def test_the_map_of_the_code_has_each_module() -> None:
    assert {each for each in MODULES if f"`{Path(each).name}`" not in MAP} == set()


def test_the_map_of_the_code_names_only_what_there_is() -> None:
    named = {each for each in re.findall(r"`([\w/.]+)`", MAP) if each.endswith((".py", "/"))}
    there = {Path(each).name for each in MODULES}
    assert {each for each in named - there if not any((base / each).exists() for base in (ROOT, PACKAGE))} == set()


@pytest.mark.parametrize("page", ALL_PAGES, ids=lambda path: path.name)
def test_each_link_leads_to_a_file_and_its_heading(page: Path) -> None:
    for link in re.findall(r"\]\(([^)]+)\)", page.read_text()):
        path, _, heading = link.partition("#")
        if path.startswith("https://"):
            continue
        target = page.parent / path if path else page
        assert target.exists(), link
        assert not heading or heading in set(anchors(target.read_text())), link


def anchors(page: str) -> Iterator[str]:
    """The anchors of a page's headings, as GitHub makes them."""
    for heading in re.findall(r"(?m)^#+ (.+)$", page):
        yield re.sub(r"[^\w -]", "", heading.lower()).replace(" ", "-")


@pytest.fixture(scope="module")
def demo(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, str]:
    """The folder that `make run` was run in, and what it showed, with the details that -v adds."""
    folder = tmp_path_factory.mktemp("demo")
    shown = io.StringIO()
    before = Path.cwd()
    os.chdir(folder)
    try:
        run_demo(Path("out"), Console(file=shown, width=WIDTH), verbose=True, program=".venv/bin/pool-inventory")
    finally:
        os.chdir(before)
    return folder, shown.getvalue()


def blocks(page: str, language: str) -> list[str]:
    return re.findall(rf"(?ms)^```{language}\n(.*?)^```$", page)


def test_the_readme_shows_what_make_run_shows(demo: tuple[Path, str]) -> None:
    _, shown = demo
    lines = set(map(without_numbers, shown.splitlines()))
    (block,) = (each for each in blocks(README, "text") if each.startswith("$ make run\n"))
    in_readme = map(without_numbers, block.splitlines()[1:])
    assert [line for line in in_readme if line not in lines] == []


def without_numbers(line: str) -> str:
    """A line with its numbers and widths left out: times and sizes are of a machine and of a day."""
    return re.sub(r" +", " ", re.sub(r"\d[\d,.]*", "#", line)).rstrip()


def joined(command: str) -> str:
    """A command on one line, as a shell reads it."""
    return command.replace("\\\n", "")


COMMANDS = [
    (joined(written), output)
    for page in ALL_PAGES
    for block in blocks(page.read_text(), "text")
    for written, output in re.findall(r"(?ms)^\$ (\S*pool-inventory (?:[^\n]*\\\n)*[^\n]*)\n(.*?)(?=^\$ |\Z)", block)
]


@pytest.mark.parametrize(("command", "output"), COMMANDS, ids=[command for command, _ in COMMANDS])
def test_a_command_says_what_its_page_shows(
    command: str, output: str, demo: tuple[Path, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(demo[0])
    monkeypatch.setenv("COLUMNS", str(WIDTH))
    said = CliRunner().invoke(command_line.main, shlex.split(command)[1:]).stdout
    assert without_times(said) == without_times(output)


def without_times(text: str) -> list[str]:
    lines = re.sub(r"\d{4}-\d\d-\d\dT\d\d-\d\dZ", "TIME", text).strip().splitlines()
    return [line.rstrip() for line in lines]


def test_commands_are_found_in_the_pages() -> None:
    assert {shlex.split(command)[1] for command, _ in COMMANDS} >= {"diff", "list", "history", "show", "sql"}


def test_each_shown_command_is_called_by_its_path() -> None:
    """After `make run` no `pool-inventory` is on the PATH."""
    assert {command.split()[0] for command, _ in COMMANDS} == {".venv/bin/pool-inventory"}


# What these ask for is not on this machine.
NEEDS_AWS = ("--to", "--profile", "s3://")
INDENTED = [
    command
    for page in ("README.md", "docs/terminal.md")
    for command in re.findall(r"(?m)^    \.venv/bin/(pool-inventory .*)$", (ROOT / page).read_text())
    if not any(each in command for each in NEEDS_AWS)
]


@pytest.mark.parametrize("command", INDENTED)
def test_an_indented_command_of_a_page_works(
    command: str, demo: tuple[Path, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(demo[0])
    ran = CliRunner().invoke(command_line.main, shlex.split(command)[1:])
    assert (ran.exit_code, ran.exception) == (0, None), ran.output


def test_indented_commands_are_found_in_the_pages() -> None:
    assert {command.split()[1] for command in INDENTED} >= {"show", "history", "report"}


(QUERY,) = (shlex.split(each)[3] for each, _ in COMMANDS if "trigger-1[" in each)


def ask(query: str) -> list[tuple[Any, ...]]:
    with duckdb.connect() as connection:
        return connection.execute(query).fetchall()


def found() -> list[tuple[Any, ...]]:
    """What the README's query finds in the folder out."""
    with duckdb.connect() as connection:
        connection.execute("CREATE VIEW user_pools AS FROM 'out/user-pools/latest/user-pools.parquet'")
        return connection.execute(QUERY).fetchall()


def test_the_readmes_query_finds_all_of_its_pools(demo: tuple[Path, str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(demo[0])
    pools = pq.ParquetFile("out/user-pools/latest/user-pools.parquet").read().to_pylist()
    called = {pool["id"]: set(re.findall(r":function:([\w-]+)", json.dumps(pool["lambda_config"]))) for pool in pools}
    expected = {pool_id for pool_id, functions in called.items() if "trigger-1" in functions}
    assert {row[1] for row in found()} == expected
    assert expected
    assert any("trigger-10" in functions for functions in called.values())


COLUMNS = (
    "{'pre_sign_up': '%s'} AS lambda_config, NULL AS unmodelled",
    "{'custom_sms_sender': {'lambda_arn': '%s'}} AS lambda_config, NULL AS unmodelled",
    """NULL AS lambda_config, '{"LambdaConfig":{"OfTomorrow":"%s"}}' AS unmodelled""",
)


@pytest.mark.parametrize("columns", COLUMNS)
@pytest.mark.parametrize("function", ["trigger-1", "trigger-1:7", "trigger-1:live"])
def test_the_readmes_query_finds_each_version(
    columns: str, function: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    write_pool(columns, function)
    assert len(found()) == 1


@pytest.mark.parametrize("columns", COLUMNS)
@pytest.mark.parametrize("function", ["trigger-10", "trigger-1-test", "trigger-1_test", "my-trigger-1"])
def test_the_readmes_query_finds_no_longer_name(
    columns: str, function: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    write_pool(columns, function)
    assert found() == []


def write_pool(columns: str, function: str) -> None:
    Path("out/user-pools/latest").mkdir(parents=True)
    values = columns % f"arn:aws:lambda:us-east-1:123456789012:function:{function}"
    pool = f"SELECT '1' AS account_id, 'us-east-1' AS region, 'a' AS id, 'b' AS name, now() AS read_at, {values}"
    ask(f"COPY ({pool}) TO 'out/user-pools/latest/user-pools.parquet'")


def test_the_contract_names_each_field_of_a_manifest(demo: tuple[Path, str]) -> None:
    newest = json.loads((demo[0] / "out/user-pools/latest.json").read_text())
    manifest = json.loads((demo[0] / "out" / newest["manifest"]).read_text())
    named = {*newest, *manifest, *manifest["files"][0], *manifest["targets"], *manifest["carried"]}
    assert {name for name in named if f"`{name}`" not in CONTRACT} == set()


def test_the_contract_names_each_metric(demo: tuple[Path, str]) -> None:
    table = demo[1].partition("Metrics that were emitted\nmetric\tvalue\n")[2].partition("Each of")[0]
    metrics = set(re.findall(r"(?m)^(\w+)\t", table))
    assert len(metrics) > 10
    assert {name for name in metrics if f"`{name}`" not in CONTRACT} == set()


@pytest.mark.parametrize("key", [*keys.SNAPSHOT_FOLDERS, keys.LATEST, keys.LATEST_DATA, keys.LATEST_COVERAGE])
def test_the_contract_names_each_key(key: str) -> None:
    assert re.search(rf"^\| `{re.escape(key)}[`/]", CONTRACT, re.MULTILINE)


# Of the CLI, and of no service.
OF_ANY_COMMAND = {"query", "output", "region", "profile", "max-items", "cli-binary-format", "cli-read-timeout"}
# Commands that are more than one operation.
MADE_OF_SEVERAL = {("s3", "mv"), ("s3", "cp"), ("s3", "ls"), ("s3", "rm"), ("s3", "sync"), ("sso", "login")}
MADE_OF_SEVERAL |= {("cloudformation", "deploy"), ("configure", "sso")}


def aws_commands(page: str) -> Iterator[list[str]]:
    """The words of each command of the AWS CLI in a page's code; a quoted text may go over several lines."""
    lines = iter(page.replace("\\\n", " ").splitlines())
    for line in lines:
        if not re.match(r"\s+(\w+=\S+ )*aws ", line):
            continue
        text = line
        while text.count("'") % 2:
            text += next(lines)
        words = shlex.split(text, comments=True)
        yield words[words.index("aws") + 1 : words.index("|") if "|" in words else None]


AWS_COMMANDS = [(page.name, words) for page in ALL_PAGES for words in aws_commands(page.read_text())]


@pytest.mark.parametrize(("page", "words"), AWS_COMMANDS, ids=[f"{page} {words[:2]}" for page, words in AWS_COMMANDS])
def test_a_command_of_the_aws_cli_is_one(page: str, words: list[str]) -> None:
    assert page
    service, command = words[:2]
    if (service, command) in MADE_OF_SEVERAL:
        return
    model = get_session().get_service_model({"s3api": "s3"}.get(service, service))
    operations = {xform_name(name, "-"): name for name in model.operation_names}
    shape = model.operation_model(operations[command]).input_shape
    members = {xform_name(name, "-"): name for name in shape.members} if shape else {}
    given = {word.removeprefix("--").partition("=")[0] for word in words if word.startswith("--")} - OF_ANY_COMMAND
    assert given <= set(members)
    assert set(shape.required_members if shape else ()) <= {members[each] for each in given}


def test_there_are_commands_of_the_aws_cli() -> None:
    assert {words[1] for _, words in AWS_COMMANDS} >= {"redrive-execution", "put-resource-policy", "receive-message"}
