"""Every snippet of docs/reading.md, run as it stands, and compared with what was seeded.

Whichever tool reads, over HTTP or from a copy of the bucket, it must come to the same pools: in a bucket that this
release wrote, and in one that release 0.1, this release and a later one wrote.
"""

import gzip
import importlib.util
import json
import os
import re
import shlex
import shutil
import subprocess
import sys
from collections import Counter
from collections.abc import Callable, Iterable
from contextlib import nullcontext
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import duckdb
import pandas as pd
import polars as pl
import pyarrow as pa
import pyarrow.dataset as ds
import pyarrow.parquet as pq
import pytest
import sqlglot
from mypy_boto3_s3 import S3Client
from pool_inventory.model import Member
from pool_inventory.snapshots import accounts, schema
from pool_inventory.stores.folder import FolderStore
from pool_inventory.terminal.demo.stand_in import StandIn, deny, listing, seed

from infra.catalog import TABLES
from tests.chains import add_snapshot
from tests.conftest import Invoke
from tests.makers import ACCOUNT_ID, any_pool
from tests.terminal.inventories import MEMBERS, ORGANIZATION, add_organization
from tests.upgrades.releases import longer_release, this_release

PAGE = Path(__file__).parents[2] / "docs/reading.md"
FIRST_RELEASE = Path(__file__).parents[1] / "first_release/user-pools"
JQ = Path(__file__).with_name("jq_stand_in.py")
BUCKET = "my-inventory"
# The tables that Glue has, by their names, and the folder of each.
FOLDERS = {
    "user_pools": "data",
    "user_pools_carried": "carried",
    "coverage": "coverage",
    "accounts": "accounts",
    "changes": "changes",
    "user_pools_latest": "latest",
    "coverage_latest": "latest-coverage",
}

Row = tuple[Any, ...]
Rows = Iterable[Row]
Objects = dict[str, bytes]


@dataclass(frozen=True, slots=True)
class Snippet:
    """A fenced block that names its language, by the headings that it is under."""

    name: str
    language: str
    code: str


def snippets(page: str) -> list[Snippet]:
    """The fenced blocks of a page that name a language; a block without one is not there to be copied."""
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


BLOCKS = snippets(PAGE.read_text())
# Policies are not run: tests/iam/test_readers.py and tests/infra/test_readers.py read each of them.
RUN = [each for each in BLOCKS if each.language != "json"]
# Of one account there is nothing to ask these: they have a test of their own.
WHOSE = ("Whose pool it is: Athena: whose pool it is", "Whose pool it is: DuckDB: whose pool it is")
SNIPPETS = [each for each in RUN if each.name not in WHOSE]


def at(hour: int, day: int = 24) -> datetime:
    return datetime(2026, 11, day, hour, tzinfo=UTC)


def arn(function: str) -> str:
    return f"arn:aws:lambda:us-east-1:{ACCOUNT_ID}:function:{function}"


def calling(function: str, region: str = "us-east-1", **members: Any) -> dict[str, Any]:
    return any_pool(region, LambdaConfig={"PreSignUp": arn(function)}, **members)


def known(pool: dict[str, Any], read_at: datetime) -> Row:
    """What a recipe has to answer of a pool: its region, id and name, the function that it calls, and as of when."""
    region = str(pool["Id"]).partition("_")[0]
    return (region, pool["Id"], pool["Name"], (pool["LambdaConfig"] or {}).get("PreSignUp"), read_at)


@dataclass(frozen=True, slots=True)
class History:
    """What a bucket holds, and what is to be read there.

    Attributes:
        objects: its objects by their keys.
        answers: what it answers to each question: `now`, which pools are known; `then`, which were known at 20:30;
            `data`, which are in `data` of the newest snapshot; and so on.
    """

    objects: Objects
    answers: dict[str, Rows]


# This release: eu-west-1 is read in the first snapshot alone; sa-east-1 has no pools; ap-southeast-2 is never read.
SWAPPED_BEFORE = calling("check", Id="us-east-1_cCcCcCcCc")
SWAPPED = {**SWAPPED_BEFORE, "LambdaConfig": {"PreSignUp": arn("strange")}}
KEPT = any_pool(LambdaConfig={}, Name='two\nlines, "quoted"')
DELETED = calling("check-2")
CREATED = calling("check-2")
IRISH = [calling("check:live", "eu-west-1"), calling("check-2", "eu-west-1")]


def publish_one_release(aws: StandIn, invoke: Invoke) -> None:
    seed("us-east-1", [SWAPPED_BEFORE, KEPT, DELETED])
    seed("eu-west-1", IRISH)
    aws.answers.append(listing("ap-southeast-2", deny))
    invoke("2026-11-23T18:00:00Z")
    aws.answers.append(listing("eu-west-1", deny))
    seed("us-east-1", [SWAPPED, KEPT, CREATED])
    invoke("2026-11-24T20:00:00Z")
    seed("us-east-1", [SWAPPED, KEPT])
    invoke("2026-11-24T21:00:00Z")


def one_release(objects: Objects) -> History:
    denied = ("denied", "AccessDeniedException")
    unread = {
        (ACCOUNT_ID, "ap-southeast-2", *denied, None),
        (ACCOUNT_ID, "eu-west-1", *denied, "2026-11-23T18-00Z"),
    }
    changes = {
        changed(at(20), at(18, 23), "created", CREATED),
        changed(at(20), at(18, 23), "deleted", DELETED),
        changed(at(20), at(18, 23), "modified", SWAPPED),
        changed(at(21), at(20), "deleted", CREATED),
    }
    irish = [known(each, at(18, 23)) for each in IRISH]
    data = [known(SWAPPED, at(21)), known(KEPT, at(21))]
    return History(
        objects,
        {
            **of_pools(
                now=[*data, *irish],
                then=[*(known(each, at(20)) for each in (SWAPPED, KEPT, CREATED)), *irish],
                data=data,
            ),
            "callers": {named(IRISH[0])},
            "unread": unread,
            "readings": {
                (ACCOUNT_ID, "ap-southeast-2", "denied", 3, at(21)),
                (ACCOUNT_ID, "eu-west-1", "denied", 2, at(21)),
                (ACCOUNT_ID, "eu-west-1", "ok", 1, at(18, 23)),
                (ACCOUNT_ID, "sa-east-1", "ok", 3, at(21)),
                (ACCOUNT_ID, "us-east-1", "ok", 3, at(21)),
            },
            "changes": changes,
            "swaps": {(at(20), ACCOUNT_ID, "us-east-1", SWAPPED["Id"], arn("check"), arn("strange"))},
            "since": [(at(18, 23), arn("check")), (at(20), arn("strange"))],
        },
    )


# Three releases: 0.1 wrote the snapshots of 18:00 and 19:00, this one that of 20:00, and a later one that of 21:00.
# The last two ask us-east-1 alone, so that eu-west-1 stays as 0.1 read it.
OLD = {"Id": "us-east-1_cCcCcCcCc", "Name": "old", "CreationDate": 1_600_000_000.123, "LastModifiedDate": 1_795e6}
AGAIN = {**OLD, "LambdaConfig": {"PreSignUp": arn("check")}}
# No release has a column for that trigger, so it is in `unmodelled`.
LEFT = {**OLD, "LambdaConfig": {"OfNextYear": arn("check")}}
NEW = calling("check-2", Name="new", UserPoolTier="PLUS")
NEW["LambdaConfig"]["OfTomorrow"] = arn("tomorrow")


def publish_three_releases(s3: S3Client) -> None:
    for path in filter(Path.is_file, FIRST_RELEASE.rglob("*")):
        key = f"user-pools/{path.relative_to(FIRST_RELEASE).as_posix()}"
        s3.put_object(Bucket=BUCKET, Key=key, Body=path.read_bytes())
    this_release().publish(f"s3://{BUCKET}/user-pools", 2, [AGAIN])
    with TemporaryDirectory() as package:
        longer_release(Path(package)).publish(f"s3://{BUCKET}/user-pools", 3, [LEFT, NEW])


def three_releases(objects: Objects) -> History:
    stays = ("eu-west-1", "eu-west-1_xXxXxXxXx", "stays", None, at(18))
    goes = ("eu-west-1", "eu-west-1_yYyYyYyYy", "goes while nobody looks", None, at(18))
    data = [known(LEFT, at(21)), known(NEW, at(21))]
    written = changes_of_first_release()
    changes = {
        *written,
        *(
            (at(20), at(19), "deleted", ACCOUNT_ID, "us-east-1", identifier, name)
            for identifier, name in (
                ("us-east-1_aAaAaAaAa", "every trigger"),
                ("us-east-1_dDdDdDdDd", "with a member of tomorrow"),
                ("us-east-1_eEeEeEeEe", "created later"),
            )
        ),
        changed(at(20), at(19), "modified", AGAIN),
        changed(at(21), at(20), "created", NEW),
        changed(at(21), at(20), "modified", LEFT),
    }
    swapped = (ACCOUNT_ID, "us-east-1", OLD["Id"])
    return History(
        objects,
        {
            **of_pools(now=[*data, stays, goes], then=[known(AGAIN, at(20)), stays, goes], data=data),
            "callers": {(ACCOUNT_ID, *stays[:3]), named(LEFT)},
            "unread": {
                (ACCOUNT_ID, "eu-west-1", "not_asked", None, "2026-11-24T18-00Z"),
                (ACCOUNT_ID, "sa-east-1", "not_asked", None, "2026-11-24T19-00Z"),
            },
            "readings": {
                (ACCOUNT_ID, "eu-central-1", "denied", 2, at(19)),
                (ACCOUNT_ID, "eu-west-1", "denied", 1, at(19)),
                (ACCOUNT_ID, "eu-west-1", "not_asked", 2, at(21)),
                (ACCOUNT_ID, "eu-west-1", "ok", 1, at(18)),
                (ACCOUNT_ID, "sa-east-1", "not_asked", 2, at(21)),
                (ACCOUNT_ID, "sa-east-1", "ok", 2, at(19)),
                (ACCOUNT_ID, "us-east-1", "ok", 4, at(21)),
            },
            "changes": changes,
            "swaps": {
                (at(19), *swapped, arn("check"), arn("strange")),
                (at(20), *swapped, arn("strange"), arn("check")),
                (at(21), *swapped, arn("check"), None),
            },
            "since": [(at(18), arn("check")), (at(19), arn("strange")), (at(20), arn("check")), (at(21), None)],
        },
    )


def of_pools(*, now: list[Row], then: list[Row], data: list[Row]) -> dict[str, Rows]:
    return {
        "now": now,
        "then": then,
        "data": data,
        "calls now": [(region, each, calls) for region, each, _, calls, _ in now if calls],
        "calls then": [(region, each, calls) for region, each, _, calls, _ in then if calls],
        "calls in data": [(region, each, calls or "-") for region, each, _, calls, _ in data],
        "uncompared": [],
    }


def changes_of_first_release() -> Rows:
    columns = ["snapshot_time", "previous_snapshot_time", "change", "account_id", "region", "id", "name"]
    found = [pq.read_table(path, columns=columns).to_pylist() for path in FIRST_RELEASE.glob("changes/*/*.parquet")]
    return {_in_utc(tuple(row[column] for column in columns)) for rows in found for row in rows}


def named(pool: dict[str, Any]) -> Row:
    return (ACCOUNT_ID, *known(pool, at(0))[:3])


def changed(time: datetime, before: datetime, kind: str, pool: dict[str, Any]) -> Row:
    return (time, before, kind, *named(pool))


HISTORIES: dict[str, Callable[[Objects], History]] = {"one release": one_release, "three releases": three_releases}


@pytest.fixture(scope="module")
def published() -> dict[str, Objects]:
    """The objects of each history by their keys, once they were published: snippets only read."""
    return {}


@pytest.fixture(params=HISTORIES)
def history(
    request: pytest.FixtureRequest,
    published: dict[str, Objects],
    invoke: Invoke,
    aws: StandIn,
    s3: S3Client,
    monkeypatch: pytest.MonkeyPatch,
) -> History:
    """The bucket of the page."""
    s3.create_bucket(Bucket=BUCKET)
    name = request.param
    if name not in published:
        monkeypatch.setenv("INVENTORY_BUCKET", BUCKET)
        monkeypatch.setenv("INVENTORY_REGIONS", "us-east-1,eu-west-1,sa-east-1,ap-southeast-2")
        monkeypatch.setenv("INVENTORY_EXTRA_FORMATS", "csv,ndjson")
        if name == "one release":
            publish_one_release(aws, invoke)
        else:
            publish_three_releases(s3)
        published[name] = stored_objects(s3)
    else:
        for key, body in published[name].items():
            s3.put_object(Bucket=BUCKET, Key=key, Body=body)
    return HISTORIES[name](published[name])


def stored_objects(s3: S3Client) -> Objects:
    found = s3.list_objects_v2(Bucket=BUCKET)["Contents"]
    return {each["Key"]: s3.get_object(Bucket=BUCKET, Key=each["Key"])["Body"].read() for each in found}


Lay = Callable[[Objects], Path]


@pytest.fixture
def lay(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Lay:
    """Lays a copy of the bucket into the folder that snippets are run in."""

    def copy(objects: Objects) -> Path:
        for key, body in objects.items():
            path = tmp_path / BUCKET / key
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(body)
        monkeypatch.chdir(tmp_path)
        return tmp_path

    return copy


@pytest.fixture
def here(history: History, lay: Lay) -> Path:
    """The folder that snippets are run in, which has a copy of the bucket."""
    return lay(history.objects)


@dataclass(frozen=True, slots=True)
class Asked:
    """The column and the trigger that recipes ask for."""

    column: str = "name"
    trigger: str = "pre_sign_up"


PUBLISHED = Asked()
# What only the newest of the three releases has.
OF_TOMORROW = Asked("tier", "of_tomorrow")


def in_python(code: str, here: Path, asked: Asked = PUBLISHED) -> Rows:
    """Run a snippet that leaves `pools`; return a row of each, as `known` makes it."""
    return _pools(_run(code)["pools"], asked)


def in_spark(code: str, here: Path, asked: Asked = PUBLISHED) -> Rows:
    """Run a snippet that leaves Spark's `pools`, in a process of its own: a session outlives its test in this one."""
    if not importlib.util.find_spec("pyspark"):
        pytest.skip("pyspark is not installed: `make spark` installs it and runs these tests")
    if not shutil.which("java"):
        pytest.skip("Spark needs Java, and there is no java on the PATH")
    code += 'print(*(row.line for row in pools.selectExpr("to_json(struct(*)) AS line").collect()), sep="\\n")\n'
    options = "--master local[1] --conf spark.ui.enabled=false pyspark-shell"
    lines = subprocess.run(  # noqa: S603 - the page's own code
        [sys.executable, "-c", code],
        capture_output=True,
        text=True,
        encoding="utf-8",
        check=True,
        env={**os.environ, "SPARK_LOCAL_IP": "127.0.0.1", "PYSPARK_SUBMIT_ARGS": options},
    ).stdout.splitlines()
    return _pools([json.loads(line) for line in lines if line.startswith("{")], asked)


def in_manifest(code: str, here: Path, asked: Asked = PUBLISHED) -> Rows:
    """Run a snippet that leaves `manifest`; return the regions that were not compared, with the reasons."""
    return [(each["region"], each["reason"]) for each in _run(code)["manifest"]["uncompared"]]


def _run(code: str) -> dict[str, Any]:
    names: dict[str, Any] = {}
    exec(code, names)  # noqa: S102 - the page's own code
    return names


def _pools(pools: Any, asked: Asked) -> Rows:
    """Return the rows of a table of pyarrow, polars or pandas, or of a list."""
    if isinstance(pools, pa.Table):
        pools = pools.to_pylist()
    elif isinstance(pools, pl.DataFrame):
        pools = pools.to_dicts()
    elif isinstance(pools, pd.DataFrame):
        pools = pools.astype(object).where(pools.notna(), None).to_dict("records")
    return [_in_utc(each if isinstance(each, tuple) else _row(each, asked)) for each in pools]


def _row(pool: dict[str, Any], asked: Asked) -> Row:
    # Spark's JSON leaves out what is null.
    calls = pool.get("calls") if "calls" in pool else (pool.get("lambda_config") or {}).get(asked.trigger)
    return (pool["region"], pool["id"], pool.get(asked.column), calls, pool.get("read_at"))


def in_duckdb(code: str, here: Path, asked: Asked = PUBLISHED) -> Rows:
    with duckdb.connect() as connection:
        return _fetch(connection, code)


def in_athena(code: str, here: Path, asked: Asked = PUBLISHED) -> Rows:
    """Run Athena's SQL in DuckDB, word for word."""
    sqlglot.parse_one(code, read="athena")
    return on_tables(code, here)


def in_athena_only(code: str, here: Path, asked: Asked = PUBLISHED) -> Rows:
    """Run what has functions that DuckDB does not, in sqlglot's translation."""
    with pytest.raises(duckdb.CatalogException):
        on_tables(code, here)
    (translated,) = sqlglot.transpile(code, read="athena", write="duckdb")
    return on_tables(translated, here)


def on_tables(code: str, here: Path) -> Rows:
    """Query the tables as Glue has them: with the newest release's columns, by name, and a day that is a string."""
    with duckdb.connect() as connection:
        for name, folder in FOLDERS.items():
            of_columns = "data" if folder == "carried" else folder
            if folder == "accounts" and not (here / BUCKET / "user-pools" / folder).exists():
                continue
            newest = pq.read_schema(max((here / BUCKET / "user-pools" / of_columns).rglob("*.parquet"), key=str))
            columns = pa.unify_schemas([newest, pa.schema([("dt", pa.string())])])
            files = sorted(map(str, (here / BUCKET / "user-pools" / folder).rglob("*.parquet")))
            partitioning = ds.partitioning(flavor="hive")
            connection.register(name, ds.dataset(files, columns, format="parquet", partitioning=partitioning))
        return _fetch(connection, code)


def in_shell(code: str, here: Path, asked: Asked = PUBLISHED) -> Rows:
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
    return [_in_utc(row) for row in connection.execute(code).fetchall()]


def _in_utc(row: Row) -> Row:
    return tuple(map(_cell, row))


def _cell(value: Any) -> Any:
    """A cell with its time in UTC, if it is one, be it as text."""
    if isinstance(value, str) and re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:.*", value):
        value = datetime.fromisoformat(value)
    return value.astimezone(UTC) if isinstance(value, datetime) else value


Run = Callable[..., Rows]

# How each snippet of the page is run, and what of a history it has to answer.
EXPECTED: dict[str, tuple[Run, str]] = {
    "What is known now: DuckDB": (in_duckdb, "now"),
    "What is known now: Which pools call a function": (in_duckdb, "callers"),
    "What is known now: pandas": (in_python, "now"),
    "What is known now: polars": (in_python, "now"),
    "What is known now: pyarrow": (in_python, "now"),
    "What is known now: Spark": (in_spark, "now"),
    "What is known now: Athena": (in_athena, "now"),
    "What is known now: jq": (in_shell, "calls now"),
    "What was known at a time: Athena at a time": (in_athena, "then"),
    "What was known at a time: DuckDB at a time": (in_duckdb, "then"),
    "What was known at a time: pyarrow at a time, and DuckDB on the bucket": (in_python, "then"),
    "What was known at a time: pandas at a time": (in_python, "then"),
    "What was known at a time: polars at a time": (in_python, "then"),
    "What was known at a time: Spark at a time": (in_spark, "then"),
    "What was known at a time: jq at a time": (in_shell, "calls then"),
    "What was read, and how: Athena: who was not read": (in_athena, "unread"),
    "What was read, and how: DuckDB: who was not read": (in_duckdb, "unread"),
    "What was read, and how: DuckDB: how often each region was read": (in_duckdb, "readings"),
    "What changed: Athena: what changed": (in_athena, "changes"),
    "What changed: DuckDB: what changed": (in_duckdb, "changes"),
    "What changed: Which triggers were swapped": (in_athena_only, "swaps"),
    "What changed: Since when a pool calls a function": (in_athena, "since"),
    "What changed: What could not be compared": (in_manifest, "uncompared"),
    "NDJSON and CSV: jq on the NDJSON objects": (in_shell, "calls in data"),
    "NDJSON and CSV: pandas on CSV": (in_python, "data"),
    "From the manifest": (in_python, "now"),
}
OF_POOLS = [each for each in SNIPPETS if EXPECTED[each.name][1] in {"now", "then", "data"}]
AT_A_TIME = [each for each in SNIPPETS if EXPECTED[each.name][1] == "then"]

# awswrangler 3.17 has not caught up with pandas 3.1.
pytestmark = pytest.mark.filterwarnings("ignore:Series.values returning an ndarray:DeprecationWarning")


def test_each_snippet_is_run_and_no_block_is_passed_over() -> None:
    page = PAGE.read_text()
    assert [each.name for each in SNIPPETS] == list(EXPECTED)
    assert [each.name for each in RUN if each not in SNIPPETS] == list(WHOSE)
    assert len(re.findall(r"^\s*(?:```|~~~)", page, re.MULTILINE)) == 2 * len(BLOCKS), "each fence names a language"


def test_the_tables_of_the_page_are_glues() -> None:
    assert {table.name: table.folder for table in TABLES}.items() <= FOLDERS.items()


@pytest.mark.parametrize("snippet", SNIPPETS, ids=lambda each: each.name)
def test_a_snippet_answers_what_was_seeded(snippet: Snippet, history: History, here: Path) -> None:
    run, expected = EXPECTED[snippet.name]
    found = run(snippet.code, here)
    if snippet in OF_POOLS:
        found = [row[-5:] for row in found]
    assert Counter(found) == Counter(history.answers[expected]), "each row once"


@pytest.mark.parametrize("name", WHOSE)
def test_a_snippet_says_whose_pool_it_is(name: str, lay: Lay) -> None:
    """The account search has left, and its pool is still known."""
    here = lay({})
    store = FolderStore(here / BUCKET / "user-pools")
    add_organization(store)
    stayed = [Member(account_id, name) for account_id, name in MEMBERS.items() if name != "search"]
    reading = {place: pools for place, pools in ORGANIZATION[1].items() if not place.startswith("210000000004")}
    add_snapshot(store, 2, reading, accounts=accounts.encode("2026-11-24T20-00Z", stayed))
    (code,) = (each.code for each in RUN if each.name == name)
    run = in_athena if "Athena" in name else in_duckdb
    assert [(row[0], *row[2:5]) for row in run(code, here)] == [
        ("billing", "210000000001", "eu-west-1", "eu-west-1_000000001"),
        (None, "210000000003", "eu-west-1", "eu-west-1_000000003"),
        ("search", "210000000004", "eu-west-1", "eu-west-1_000000004"),
    ]


@pytest.mark.parametrize("history", ["three releases"], indirect=True)
@pytest.mark.parametrize("snippet", OF_POOLS, ids=lambda each: each.name)
def test_a_snippet_finds_what_only_the_newest_file_has(snippet: Snippet, here: Path) -> None:
    """A reader that takes the columns of the first file for those of all would answer that no pool has it."""
    run, _ = EXPECTED[snippet.name]
    found = run(asking(snippet.code, OF_TOMORROW), here, OF_TOMORROW)
    newest = ("us-east-1", NEW["Id"], "PLUS", arn("tomorrow"), at(21))
    assert [row[-5:] for row in found if row[-3:-1] != (None, None)] == [newest]
    assert len(list(found)) == (2 if EXPECTED[snippet.name][1] == "data" else 4)


def asking(code: str, asked: Asked) -> str:
    """The snippet, asking for another column and trigger, and an hour later."""
    code = re.sub(rf"\b{PUBLISHED.column}\b", asked.column, code)
    return code.replace(PUBLISHED.trigger, asked.trigger).replace("20:30", "21:30").replace("20, 30", "21, 30")


@pytest.mark.parametrize("snippet", AT_A_TIME, ids=lambda each: each.name)
def test_a_snippet_finds_it_or_refuses_after_a_rollback(
    snippet: Snippet, aws: StandIn, s3: S3Client, lay: Lay
) -> None:
    """Where an older release follows a newer one, the newest file has not all columns."""
    s3.create_bucket(Bucket=BUCKET)
    with TemporaryDirectory() as package:
        longer_release(Path(package)).publish(f"s3://{BUCKET}/user-pools", 2, [LEFT, NEW])
    this_release().publish(f"s3://{BUCKET}/user-pools", 3, [LEFT, NEW])
    here = lay(stored_objects(s3))
    run, _ = EXPECTED[snippet.name]
    code = asking(snippet.code, OF_TOMORROW).replace("21:30", "20:30").replace("21, 30", "20, 30")
    if run is in_athena:
        refusal: Any = pytest.raises(duckdb.BinderException, match="tier")
    elif "polars" in snippet.name:
        with pytest.raises(pl.exceptions.SchemaError, match="lambda_config"):
            run(snippet.code, here)
        refusal = pytest.raises(pl.exceptions.StructFieldNotFoundError, match="of_tomorrow")
    else:
        refusal = nullcontext()
    with refusal:
        found = [row[-5:] for row in run(code, here, OF_TOMORROW)]
        assert ("us-east-1", NEW["Id"], "PLUS", arn("tomorrow"), at(20)) in found


@pytest.mark.parametrize("history", ["three releases"], indirect=True)
@pytest.mark.parametrize(
    ("code", "kind"),
    [
        ("duckdb.sql(\"SELECT DISTINCT typeof(dt) FROM '{data}/*/*.parquet'\").fetchall()", "[('DATE',)]"),
        ("ds.dataset('{data}', partitioning='hive').schema.field('dt').type", "string"),
        ("pd.read_parquet('{data}')['dt'].dtype.categories.dtype", "str"),
        ("wr.s3.read_parquet('s3://{data}/', dataset=True)['dt'].dtype.categories.dtype", "str"),
        ("pl.scan_parquet('{data}/', hive_partitioning=True, **options).collect_schema()['dt']", "Date"),
    ],
    ids=["DuckDB", "pyarrow", "pandas", "awswrangler", "polars"],
)
def test_a_day_is_of_the_type_that_the_page_names(code: str, kind: str, here: Path) -> None:
    # Each worker would take seconds to import it, and one needs it.
    import awswrangler  # noqa: PLC0415 - as said above

    options = {"missing_columns": "insert", "extra_columns": "ignore"}
    names = {"duckdb": duckdb, "ds": ds, "pd": pd, "pl": pl, "wr": awswrangler, "options": options}
    found = eval(code.format(data=f"{BUCKET}/user-pools/data"), names)  # noqa: S307 - this test's own code
    assert str(found) == kind


@pytest.mark.parametrize("history", ["one release"], indirect=True)
def test_an_account_id_in_csv_keeps_the_zero_it_begins_with(here: Path) -> None:
    (path,) = here.rglob("user-pools-2026-11-24T21-00Z.csv.gz")
    account_id = f"0{ACCOUNT_ID[1:]}"
    path.write_bytes(
        gzip.compress(gzip.decompress(path.read_bytes()).replace(ACCOUNT_ID.encode(), account_id.encode()))
    )
    assert set(_run(_code("NDJSON and CSV: pandas on CSV"))["pools"]["account_id"]) == {account_id}
    query = f"SELECT DISTINCT account_id FROM read_csv('{path}', all_varchar = true)"
    assert duckdb.execute(query).fetchall() == [(account_id,)]
    assert set(pl.read_csv(path, infer_schema=False)["account_id"]) == {account_id}


@pytest.mark.parametrize("history", ["three releases"], indirect=True)
def test_spark_reads_each_releases_files_with_glues_columns(here: Path) -> None:
    """Glue's types are Spark's own, and those that the stack states have to fit whatever is in the bucket."""
    (table,) = (each for each in TABLES if each.name == "user_pools")
    columns = ", ".join(f"{column.name} {schema.glue_type(column)}" for column in table.columns)
    code = f"""
from pyspark.sql import SparkSession
pools = SparkSession.builder.getOrCreate().read.schema("{columns}").parquet("{BUCKET}/user-pools/data/dt=*")
"""
    found = Counter(row[:2] for row in in_spark(code, here))
    assert found["us-east-1", OLD["Id"]] == 4
    assert found["us-east-1", NEW["Id"]] == 1


@pytest.mark.parametrize("history", ["one release"], indirect=True)
@pytest.mark.parametrize("snippet", AT_A_TIME, ids=lambda each: each.name)
def test_a_snippet_works_where_nothing_was_carried(
    snippet: Snippet, history: History, here: Path, s3: S3Client
) -> None:
    for key in [key for key in history.objects if "/carried/" in key]:
        s3.delete_object(Bucket=BUCKET, Key=key)
    shutil.rmtree(here / BUCKET / "user-pools/carried")
    run, _ = EXPECTED[snippet.name]
    in_data = [row for row in history.answers["then"] if row[-1] == at(20)]
    assert Counter(row[-5:] for row in run(snippet.code, here)) == Counter(in_data)


@pytest.mark.parametrize("history", ["one release"], indirect=True)
@pytest.mark.parametrize(
    "key",
    [
        "data/dt=2026-11-24/user-pools-2026-11-24T21-00Z.parquet",
        "carried/dt=2026-11-24/carried-2026-11-24T21-00Z.parquet",
        "manifests/2026-11-24T21-00Z/manifest.json",
    ],
)
def test_the_reader_of_the_manifest_refuses_what_was_damaged(key: str, history: History, s3: S3Client) -> None:
    body = history.objects[f"user-pools/{key}"]
    middle = len(body) // 2
    damaged = body[:middle] + bytes([body[middle] ^ 1]) + body[middle + 1 :]
    s3.put_object(Bucket=BUCKET, Key=f"user-pools/{key}", Body=damaged)
    with pytest.raises(SystemExit, match=key):
        _run(_code("From the manifest"))


@pytest.mark.parametrize("history", ["one release"], indirect=True)
@pytest.mark.parametrize("name", ["What is known now: pyarrow", "From the manifest"])
def test_a_reader_of_the_newest_snapshot_names_unread_regions(
    name: str, here: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    _run(_code(name))
    assert capsys.readouterr().out.rstrip().endswith(": ap-southeast-2, eu-west-1")


@pytest.mark.parametrize("history", ["one release"], indirect=True)
def test_an_export_names_unread_regions_on_standard_error(here: Path) -> None:
    said = run_in_shell(_code("What is known now: jq"), here).stderr
    assert re.findall(r"\S+-\d(?=: denied)", said) == ["ap-southeast-2", "eu-west-1"]


@pytest.mark.parametrize("history", ["one release"], indirect=True)
def test_a_region_that_was_not_compared_is_named_with_its_reason(
    history: History, here: Path, s3: S3Client, invoke: Invoke, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("INVENTORY_BUCKET", BUCKET)
    for key in [key for key in history.objects if re.search(r"/(data|carried)/", key)]:
        s3.put_object(Bucket=BUCKET, Key=key, Body=b"damaged")
    invoke("2026-11-24T22:00:00Z")
    found = {region for region, _ in in_manifest(_code("What changed: What could not be compared"), here)}
    assert found == {"sa-east-1", "us-east-1"}


def _code(name: str) -> str:
    (code,) = (each.code for each in SNIPPETS if each.name == name)
    return code
