"""Every snippet of docs/reading.md, run as it stands on what the handler wrote, and held against what was seeded.

Whichever tool reads, over HTTP or from a copy of the bucket, has to come to the same pools.
"""

import os
import re
import shlex
import subprocess
import sys
from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import duckdb
import pyarrow.dataset as ds
import pytest
import sqlglot
from mypy_boto3_s3 import S3Client
from pool_inventory.terminal.demo.stand_in import StandIn, deny, listing, seed

from tests.conftest import Invoke
from tests.makers import ACCOUNT_ID, any_pool

PAGE = Path(__file__).parents[2] / "docs/reading.md"
JQ = Path(__file__).with_name("jq_stand_in.py")
BUCKET = "my-inventory"

Rows = Iterable[tuple[Any, ...]]


@dataclass(frozen=True, slots=True)
class Snippet:
    """A fenced block that names its language, by the headings that it is under."""

    name: str
    language: str
    code: str


def snippets(page: str) -> list[Snippet]:
    """The fenced blocks of a page; the one of no language is left out, for it is not there to be copied."""
    found = []
    section = title = ""
    parts = re.compile(r"^(##+) (.+)$|^```(\w*)\n((?:.*\n)*?)```$", re.MULTILINE)
    for mark, heading, language, code in parts.findall(page):
        if mark:
            section = heading if mark == "##" else section
            title = heading if mark == "##" else f"{section}: {heading}"
        elif language:
            found.append(Snippet(title, language, code))
    return found


SNIPPETS = snippets(PAGE.read_text())

# What is seeded: us-east-1 changes between its first two readings; eu-west-1 is denied in the third and newest;
# sa-east-1 has no pools; ap-southeast-2 cannot be read at all.


def arn(function: str) -> str:
    return f"arn:aws:lambda:us-east-1:{ACCOUNT_ID}:function:{function}"


def calling(function: str, **members: Any) -> dict[str, Any]:
    return any_pool(LambdaConfig={"PreSignUp": arn(function)}, **members)


SWAPPED_BEFORE = calling("ours", Id="us-east-1_EXAMPLE01")
SWAPPED = {**SWAPPED_BEFORE, "LambdaConfig": {"PreSignUp": arn("theirs")}}
KEPT = any_pool(LambdaConfig={}, Name='two\nlines, "quoted"')
DELETED = calling("ours")
CREATED = calling("ours")
IRISH = [any_pool("eu-west-1"), any_pool("eu-west-1")]

NEWEST = {("us-east-1", each["Id"]) for each in (SWAPPED, KEPT, CREATED)}
KNOWN = NEWEST | {("eu-west-1", each["Id"]) for each in IRISH}
FIRST = KNOWN - {("us-east-1", CREATED["Id"])} | {("us-east-1", DELETED["Id"])}


def at(day: int) -> datetime:
    return datetime(2026, 11, day, 18, tzinfo=UTC)


READ_AT = {"us-east-1": at(24), "eu-west-1": at(23)}


@pytest.fixture(scope="module")
def published() -> dict[str, bytes]:
    """The objects of the page's bucket by their keys, once they were published: snippets only read."""
    return {}


@pytest.fixture
def bucket(
    published: dict[str, bytes], invoke: Invoke, aws: StandIn, s3: S3Client, monkeypatch: pytest.MonkeyPatch
) -> str:
    """The bucket of the page, as three runs of the handler left it."""
    s3.create_bucket(Bucket=BUCKET)
    if not published:
        monkeypatch.setenv("INVENTORY_BUCKET", BUCKET)
        monkeypatch.setenv("INVENTORY_REGIONS", "us-east-1,eu-west-1,sa-east-1,ap-southeast-2")
        monkeypatch.setenv("INVENTORY_EXTRA_FORMATS", "ndjson")
        publish(aws, invoke)
        for each in s3.list_objects_v2(Bucket=BUCKET)["Contents"]:
            published[each["Key"]] = s3.get_object(Bucket=BUCKET, Key=each["Key"])["Body"].read()
    for key, body in published.items():
        s3.put_object(Bucket=BUCKET, Key=key, Body=body)
    return BUCKET


def publish(aws: StandIn, invoke: Invoke) -> None:
    aws.answers.append(listing("ap-southeast-2", deny))
    seed("us-east-1", [SWAPPED_BEFORE, KEPT, DELETED])
    seed("eu-west-1", IRISH)
    invoke("2026-11-22T18:00:00Z")
    seed("us-east-1", [SWAPPED, KEPT, CREATED])
    invoke("2026-11-23T18:00:00Z")
    aws.answers.append(listing("eu-west-1", deny))
    invoke("2026-11-24T18:00:00Z")


@pytest.fixture
def here(bucket: str, published: dict[str, bytes], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder that snippets are run in, which has a copy of the bucket."""
    for key, body in published.items():
        path = tmp_path / bucket / key
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(body)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def in_python(code: str, here: Path) -> Rows:
    """Run a snippet that leaves `pools`; give the region and id of each."""
    names: dict[str, Any] = {}
    exec(code, names)  # noqa: S102 - the page's own code
    pools = names["pools"]
    if isinstance(pools, list):
        return [(region, identifier) for _, region, identifier, *_ in pools]
    return zip(map(str, pools["region"]), map(str, pools["id"]), strict=True)


def in_duckdb(code: str, here: Path) -> Rows:
    with duckdb.connect() as connection:
        return _fetch(connection, code)


def in_athena(code: str, here: Path) -> Rows:
    """Run Athena's SQL in DuckDB, word for word."""
    sqlglot.parse_one(code, read="athena")
    return on_tables(code)


def in_athena_only(code: str, here: Path) -> Rows:
    """Run what has functions that DuckDB does not, in sqlglot's translation."""
    with pytest.raises(duckdb.CatalogException):
        on_tables(code)
    (translated,) = sqlglot.transpile(code, read="athena", write="duckdb")
    return on_tables(translated)


def on_tables(code: str) -> Rows:
    """Query the tables as Glue has them, over HTTP: dt is a string there, where DuckDB by itself makes it a date."""
    with duckdb.connect() as connection:
        for table in ("data", "coverage", "changes", "latest"):
            name = {"data": "user_pools", "latest": "user_pools_latest"}.get(table, table)
            connection.register(name, ds.dataset(f"s3://{BUCKET}/user-pools/{table}", partitioning="hive"))
        return _fetch(connection, code)


def in_shell(code: str, here: Path) -> Rows:
    """Run a snippet that writes lines of cells with tabs between."""
    return [tuple(line.split("\t")) for line in run_in_shell(code, here).stdout.splitlines()]


def run_in_shell(code: str, here: Path) -> subprocess.CompletedProcess[str]:
    """Run a snippet with this Python's commands; jq is PyPI's libjq, whether the machine has a jq or not."""
    programs = here / "bin"
    programs.mkdir()
    jq = programs / "jq"
    jq.write_text(f'#!/bin/sh\nexec {shlex.join([sys.executable, str(JQ)])} "$@"\n')
    jq.chmod(0o755)
    path = os.pathsep.join([str(programs), str(Path(sys.executable).parent), os.environ["PATH"]])
    return subprocess.run(  # noqa: S603 - the page's own code
        ["/bin/sh", "-euc", code],
        capture_output=True,
        text=True,
        encoding="utf-8",
        check=True,
        cwd=here,
        env={**os.environ, "PATH": path},
    )


def _fetch(connection: duckdb.DuckDBPyConnection, code: str) -> Rows:
    connection.execute("SET TimeZone = 'UTC'")
    return [tuple(map(_in_utc, row)) for row in connection.execute(code).fetchall()]


def _in_utc(value: Any) -> Any:
    return value.astimezone(UTC) if isinstance(value, datetime) else value


def named(pools: Iterable[tuple[str, str]], read_at: dict[str, datetime]) -> Rows:
    names = {each["Id"]: each["Name"] for each in (SWAPPED, KEPT, DELETED, CREATED, *IRISH)}
    return [(ACCOUNT_ID, region, each, names[each], read_at[region]) for region, each in pools]


def changed(kind: str, pool: dict[str, Any]) -> tuple[Any, ...]:
    return (at(23), at(22), kind, ACCOUNT_ID, "us-east-1", pool["Id"], pool["Name"])


def calls(pool: dict[str, Any], otherwise: str) -> tuple[str, str, str]:
    return ("us-east-1", pool["Id"], pool["LambdaConfig"].get("PreSignUp", otherwise))


Run = Callable[[str, Path], Rows]

# How each snippet of the page is run, and what it has to give.
EXPECTED: dict[str, tuple[Run, Rows]] = {
    "The newest snapshot in one file": (in_python, NEWEST),
    "Athena: What there is": (in_athena, named(KNOWN, READ_AT)),
    "Athena: What there was on a day": (in_athena, named(FIRST, {"us-east-1": at(22), "eu-west-1": at(22)})),
    "Athena: Who was not read": (
        in_athena,
        {
            (at(24), ACCOUNT_ID, "ap-southeast-2", "denied", "AccessDeniedException", None),
            (at(24), ACCOUNT_ID, "eu-west-1", "denied", "AccessDeniedException", "2026-11-23T18-00Z"),
        },
    ),
    "Athena: The newest snapshot": (in_athena, {(ACCOUNT_ID, "us-east-1", 3, 2)}),
    "Athena: What changed": (
        in_athena,
        {changed("created", CREATED), changed("deleted", DELETED), changed("modified", SWAPPED)},
    ),
    "Athena: Which triggers were swapped": (
        in_athena_only,
        {(at(23), ACCOUNT_ID, "us-east-1", SWAPPED["Id"], arn("ours"), arn("theirs"))},
    ),
    "Athena: Since when a pool calls a function": (
        in_athena,
        {(arn("ours"), at(22), at(22)), (arn("theirs"), at(23), at(24))},
    ),
    "DuckDB: DuckDB on a folder": (in_duckdb, named(KNOWN, READ_AT)),
    "DuckDB: DuckDB on the bucket": (in_python, KNOWN),
    "pandas": (in_python, KNOWN),
    "pyarrow": (in_python, KNOWN),
    "polars": (in_python, KNOWN),
    "jq: jq on an export": (in_shell, {calls(SWAPPED, "-"), calls(CREATED, "-")}),
    "jq: jq on the NDJSON objects": (in_shell, {calls(SWAPPED, "-"), calls(CREATED, "-"), calls(KEPT, "-")}),
    "From the manifest": (in_python, NEWEST),
}


def test_each_snippet_of_the_page_is_run_and_no_block_is_passed_over() -> None:
    page = PAGE.read_text()
    assert [each.name for each in SNIPPETS] == list(EXPECTED)
    assert len(re.findall(r"^\s*(?:```|~~~)", page, re.MULTILINE)) == 2 * len(SNIPPETS), "each fence names a language"


# awswrangler 3.17 has not caught up with pandas 3.1.
@pytest.mark.filterwarnings("ignore:Series.values returning an ndarray:DeprecationWarning")
@pytest.mark.parametrize("snippet", SNIPPETS, ids=lambda each: each.name)
def test_the_snippet_gives_what_was_seeded(snippet: Snippet, here: Path) -> None:
    run, expected = EXPECTED[snippet.name]
    assert Counter(run(snippet.code, here)) == Counter(expected), "each row once"


def test_the_reader_of_the_manifest_does_not_take_a_data_file_that_was_damaged(here: Path, s3: S3Client) -> None:
    key = "user-pools/data/dt=2026-11-24/user-pools-2026-11-24T18-00Z.parquet"
    s3.put_object(Bucket=BUCKET, Key=key, Body=_damaged(here / BUCKET / key))
    with pytest.raises(SystemExit, match=key):
        in_python(_code("From the manifest"), here)


def test_the_reader_of_the_manifest_does_not_take_a_manifest_that_was_damaged(here: Path, s3: S3Client) -> None:
    key = "user-pools/manifests/2026-11-24T18-00Z/manifest.json"
    s3.put_object(Bucket=BUCKET, Key=key, Body=_damaged(here / BUCKET / key))
    with pytest.raises(SystemExit, match=key):
        in_python(_code("From the manifest"), here)


def _damaged(path: Path) -> bytes:
    body = path.read_bytes()
    middle = len(body) // 2
    return body[:middle] + bytes([body[middle] ^ 1]) + body[middle + 1 :]


def _code(name: str) -> str:
    (code,) = (each.code for each in SNIPPETS if each.name == name)
    return code


@pytest.mark.parametrize("name", ["The newest snapshot in one file", "From the manifest"])
def test_a_reader_of_the_newest_snapshot_says_which_regions_are_not_in_it(
    name: str, here: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    in_python(_code(name), here)
    assert capsys.readouterr().out.rstrip().endswith("not read: ap-southeast-2, eu-west-1")


def test_an_export_says_which_regions_are_not_in_it_where_jq_does_not_read_it(here: Path) -> None:
    said = run_in_shell(_code("jq: jq on an export"), here).stderr
    assert re.findall(r"\S+-\d(?=: denied)", said) == ["ap-southeast-2", "eu-west-1"]
