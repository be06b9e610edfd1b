"""The queries that Athena has saved, asked of real output: on DuckDB, where its dialect and Athena's agree."""

from collections.abc import Callable, Iterable
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import boto3
import duckdb
import pytest
import sqlglot
from pool_inventory.model import Account, Member
from pool_inventory.publish.commit import commit
from pool_inventory.publish.finish import finish
from pool_inventory.run import Request, Tools, export
from pool_inventory.snapshots import accounts, schema
from pool_inventory.snapshots.schema import Column, Kind
from pool_inventory.stores.folder import FolderStore
from pool_inventory.terminal.demo.stand_in import StandIn, deny, listing, seed
from sqlglot import exp

from infra.athena import athena_queries
from infra.catalog import TABLES, Table
from tests.chains import add_snapshot, lines_of
from tests.makers import ACCOUNT_ID, IDENTIFIER, TIME, HeldClock, any_coverage, any_draft, any_pool

Pools = dict[str, list[dict[str, Any]]]

NOW = datetime(2026, 11, 24, 18, 30, tzinfo=UTC)
FUNCTION = f"arn:aws:lambda:us-east-1:{ACCOUNT_ID}:function:my-function"
QUERIES = {query.name: query.text for query in athena_queries()}


def day(number: int, month: int = 11, hour: int = 18) -> datetime:
    return datetime(2026, month, number, hour, tzinfo=UTC)


def in_athena(time: datetime) -> datetime:
    """A time as Athena has it: in UTC, and without saying so."""
    return time.replace(tzinfo=None)


Take = Callable[..., None]


@pytest.fixture
def take(aws: StandIn, tmp_path: Path) -> Take:
    """Takes a snapshot, into a folder, of pools by region, and of regions that deny."""

    def run(time: datetime, pools: Pools, *, denied: Iterable[str] = ()) -> None:
        for region, listed in pools.items():
            seed(region, listed)
        aws.answers[:] = [listing(region, deny) for region in denied]
        request = Request(snapshot_time=time, regions=tuple(sorted({*pools, *denied})), max_requests_per_second=0)
        tools = Tools(
            session=boto3.session.Session(),
            account=lambda: Account(ACCOUNT_ID, "aws"),
            store=FolderStore(tmp_path),
            deadline=HeldClock().deadline(),
        )
        export(request, tools)

    return run


Ask = Callable[[str], list[tuple[Any, ...]]]


@pytest.fixture
def ask(tmp_path: Path) -> Ask:
    """Asks a query in Athena's SQL of the tables over that folder, as if it were NOW."""

    def run(text: str) -> list[tuple[Any, ...]]:
        query = sqlglot.parse_one(text, dialect="athena").transform(_now)
        asked = {table.name for table in query.find_all(exp.Table)}
        with duckdb.connect() as connection:
            connection.execute("SET TimeZone = 'UTC'")
            for table in TABLES:
                if table.name in asked:
                    connection.execute(_view(table, tmp_path))
            return connection.execute(query.sql("duckdb")).fetchall()

    return run


def _now(node: exp.Expr) -> exp.Expr:
    return exp.cast(exp.Literal.string(NOW.isoformat()), "timestamptz") if _is_now(node) else node


def _is_now(node: exp.Expr) -> bool:
    assert not isinstance(node, exp.CurrentDate), "a day of whose time zone?"
    return isinstance(node, exp.CurrentTimestamp)


def _view(table: Table, folder: Path) -> str:
    """The table over the folder as Glue has it over the bucket: its columns, its types, and a day that is a string."""
    columns = [
        f"{each.name}::TIMESTAMP AS {each.name}" if each.kind is Kind.TIMESTAMP else each.name
        for each in table.columns
    ]
    if table.by_day:
        columns.append("dt")
    pattern = "dt=*/*" if table.by_day else "*"
    objects = folder / table.folder / pattern
    if not any(folder.joinpath(table.folder).glob(pattern)):
        empty = ", ".join(f"NULL AS {each.name}" for each in table.columns)
        return f"CREATE VIEW {table.name} AS SELECT {empty}, NULL AS dt LIMIT 0"
    return (
        f"CREATE VIEW {table.name} AS SELECT {', '.join(columns)} "
        f"FROM read_parquet('{objects}', hive_partitioning = {table.by_day}, hive_types_autocast = false)"
    )


@pytest.mark.parametrize("name", QUERIES)
def test_a_query_is_one_select_on_tables_of_the_catalog(name: str) -> None:
    (query,) = sqlglot.parse(QUERIES[name], dialect="athena")
    assert isinstance(query, exp.Query)
    of_its_own = {each.alias for each in query.find_all(exp.CTE)}
    asked = {table.name for table in query.find_all(exp.Table)} - of_its_own
    assert asked <= {table.name for table in TABLES}
    assert not any(table.db for table in query.find_all(exp.Table)), "the database is the saved query's"


@pytest.mark.parametrize("name", QUERIES)
def test_a_query_bounds_the_days_of_each_table_that_it_reads(name: str) -> None:
    query = sqlglot.parse_one(QUERIES[name], dialect="athena")
    by_day = {table.name for table in TABLES if table.by_day}
    for select in query.find_all(exp.Select):
        bounded = [each for each in select.find_all(exp.GTE) if each.left.name == "dt"]
        assert len(bounded) >= len([table for table in select.find_all(exp.Table) if table.name in by_day])


def test_the_latest_complete_inventory_leaves_nothing_out(take: Take, ask: Ask) -> None:
    ours, theirs = any_pool("us-east-1"), any_pool("eu-west-1")
    take(day(20), {"us-east-1": [any_pool("us-east-1")], "eu-west-1": []})
    take(day(22), {"us-east-1": [ours], "eu-west-1": [theirs]})
    take(day(22, hour=20), {"us-east-1": [ours, any_pool("us-east-1")]}, denied=["eu-west-1"])
    take(day(24), {"us-east-1": [ours, any_pool("us-east-1")]}, denied=["eu-west-1"])
    query = QUERIES["latest_complete_inventory"]
    assert [(row[0], row[2], row[3], row[-1]) for row in ask(query)] == [
        (in_athena(day(22)), "eu-west-1", theirs["Id"], "2026-11-22"),
        (in_athena(day(22)), "us-east-1", ours["Id"], "2026-11-22"),
    ]


def test_there_may_be_no_complete_inventory(take: Take, ask: Ask) -> None:
    take(day(22), {"us-east-1": [any_pool()]}, denied=["eu-west-1"])
    assert ask(QUERIES["latest_complete_inventory"]) == []


ON_PARTS = {"changes_of_7_days", "known_7_days_ago", "latest_complete_inventory"}


@pytest.mark.parametrize("name", sorted(set(QUERIES) - ON_PARTS))
def test_an_absent_region_is_not_one_whose_pools_are_unknown(tmp_path: Path, ask: Ask, name: str) -> None:
    publish_with_an_absent_region(FolderStore(tmp_path), any_pool())
    assert "me-west-1" not in {row[1] for row in ask(QUERIES[name])}


def test_an_absent_region_leaves_the_latest_inventory_complete(tmp_path: Path, ask: Ask) -> None:
    pool = any_pool()
    publish_with_an_absent_region(FolderStore(tmp_path), pool)
    assert [row[3] for row in ask(QUERIES["latest_complete_inventory"])] == [pool["Id"]]


def publish_with_an_absent_region(store: FolderStore, pool: dict[str, Any]) -> None:
    absent = any_coverage("me-west-1", status="absent", pools=None, last_ok=None)
    lines = lines_of(0, {"us-east-1": [pool]})
    committed = commit(store, any_draft(coverage=(absent, any_coverage(pools=1)), lines=lines))
    finish(store, IDENTIFIER, committed, now=TIME)


def test_a_denied_region_answers_from_its_newest_reading(take: Take, ask: Ask) -> None:
    def calling(region: str) -> dict[str, Any]:
        return any_pool(region, LambdaConfig={"PreSignUp": FUNCTION})

    ours, gone, theirs, old = calling("us-east-1"), calling("us-east-1"), calling("eu-west-1"), calling("ap-south-1")
    take(day(20, month=10), {"us-east-1": [ours], "eu-west-1": [], "ap-south-1": [old]})
    take(day(22), {"us-east-1": [ours], "eu-west-1": [theirs]}, denied=["ap-south-1", "sa-east-1"])
    take(day(24, hour=12), {"us-east-1": [ours, gone]}, denied=["eu-west-1", "ap-south-1", "sa-east-1"])
    take(day(24), {"us-east-1": [any_pool(), ours]}, denied=["eu-west-1", "ap-south-1", "sa-east-1"])
    assert ask(QUERIES["which_pools_call_a_function"]) == [
        (ACCOUNT_ID, "ap-south-1", in_athena(day(20, month=10)), old["Id"], old["Name"], "pre_sign_up"),
        (ACCOUNT_ID, "eu-west-1", in_athena(day(22)), theirs["Id"], theirs["Name"], "pre_sign_up"),
        (ACCOUNT_ID, "sa-east-1", None, None, None, None),
        (ACCOUNT_ID, "us-east-1", in_athena(day(24)), ours["Id"], ours["Name"], "pre_sign_up"),
    ]


def test_what_was_known_7_days_ago_was_read_or_carried(take: Take, ask: Ask) -> None:
    ours, theirs = any_pool("us-east-1"), any_pool("eu-west-1")
    take(day(14), {"us-east-1": [], "eu-west-1": [theirs]})
    take(day(16), {"us-east-1": [ours]}, denied=["eu-west-1"])
    take(day(18), {"us-east-1": [any_pool()], "eu-west-1": []})
    columns = [column.name for column in schema.DATA]
    shown = [columns.index(name) for name in ("snapshot_time", "region", "id", "read_at")]
    rows = [tuple(row[each] for each in shown) for row in ask(QUERIES["known_7_days_ago"])]
    assert rows == [
        (in_athena(day(16)), "eu-west-1", theirs["Id"], in_athena(day(14))),
        (in_athena(day(16)), "us-east-1", ours["Id"], in_athena(day(16))),
    ]


def test_a_function_is_found_in_each_member_of_lambda_config(take: Take, ask: Ask) -> None:
    def calling(column: Column) -> dict[str, Any]:
        value = {"LambdaVersion": "V1_0", "LambdaArn": FUNCTION} if column.kind is Kind.STRUCT else FUNCTION
        return any_pool(LambdaConfig={str(column.member): value})

    pools = [calling(column) for column in schema.LAMBDA_CONFIG]
    take(day(24), {"us-east-1": [any_pool(), *pools, any_pool(LambdaConfig={})]})
    rows = ask(QUERIES["which_pools_call_a_function"])
    names = [column.name for column in schema.LAMBDA_CONFIG]
    assert [(row[3], row[5]) for row in rows] == [(pool["Id"], name) for pool, name in zip(pools, names, strict=True)]
    assert len(names) == 15


def test_a_function_is_found_with_its_versions_and_no_other(take: Take, ask: Ask) -> None:
    configs = [
        {"PreSignUp": f"{FUNCTION}:live", "CustomMessage": f"{FUNCTION}:7", "UserMigration": FUNCTION},
        {"PreSignUp": f"{FUNCTION}-2", "CustomMessage": FUNCTION.upper()},
    ]
    calling, _ = pools = [any_pool(LambdaConfig=config) for config in configs]
    take(day(24), {"us-east-1": pools})
    rows = ask(QUERIES["which_pools_call_a_function"])
    assert [(row[3], row[5]) for row in rows] == [(calling["Id"], "pre_sign_up, custom_message, user_migration")]


def test_changes_of_7_days_have_no_region_that_cannot_be_read(take: Take, ask: Ask) -> None:
    kept, old, new = (any_pool() for _ in range(3))
    theirs, theirs_later = any_pool("eu-west-1"), any_pool("eu-west-1")
    take(day(10), {"us-east-1": [kept], "eu-west-1": [theirs]})
    take(day(17), {"us-east-1": [kept, old], "eu-west-1": [theirs]})
    take(day(18), {"us-east-1": [kept]}, denied=["eu-west-1"])
    renamed = {**kept, "Name": "renamed"}
    query = QUERIES["changes_of_7_days"]
    deleted: tuple[Any, ...] = (in_athena(day(18)), in_athena(day(17)), "deleted", "us-east-1", old["Id"], [])
    assert in_brief(ask(query)) == [deleted]
    take(day(24), {"us-east-1": [renamed, new], "eu-west-1": [theirs_later]})
    assert in_brief(ask(query)) == [
        (in_athena(day(24)), in_athena(day(17)), "deleted", "eu-west-1", theirs["Id"], []),
        (in_athena(day(24)), in_athena(day(17)), "created", "eu-west-1", theirs_later["Id"], []),
        (in_athena(day(24)), in_athena(day(18)), "modified", "us-east-1", kept["Id"], ["name"]),
        (in_athena(day(24)), in_athena(day(18)), "created", "us-east-1", new["Id"], []),
        deleted,
    ]


def in_brief(rows: list[tuple[Any, ...]]) -> list[tuple[Any, ...]]:
    """Of each change: when, since when, what, and the pool's region and id, and the fields."""
    return [
        (time, since, change, region, pool, fields) for time, since, change, _, region, pool, _, fields, *_ in rows
    ]


def test_targets_not_read_in_a_day_have_reading_and_error(take: Take, ask: Ask) -> None:
    take(day(20, month=10), {"us-east-1": [], "eu-west-1": [], "ap-south-1": []}, denied=["sa-east-1"])
    take(day(22), {"us-east-1": [], "eu-west-1": []}, denied=["ap-south-1", "sa-east-1"])
    take(day(24), {"us-east-1": []}, denied=["eu-west-1", "ap-south-1", "sa-east-1"])
    asked = (in_athena(day(24)), "denied", "AccessDeniedException")
    rows = [row[:-2] for row in ask(QUERIES["targets_not_read_in_a_day"])]
    assert rows == [
        (ACCOUNT_ID, "sa-east-1", None, *asked),
        (ACCOUNT_ID, "ap-south-1", "2026-10-20T18-00Z", *asked),
        (ACCOUNT_ID, "eu-west-1", "2026-11-22T18-00Z", *asked),
    ]


def test_accepted_denials_leave_an_inventory_complete_and_unread(tmp_path: Path, ask: Ask) -> None:
    """They come last among the targets that were not read."""
    denied = {"status": "denied", "pools": None, "last_ok": None, "error_code": "AccessDeniedException"}
    covered = (any_coverage("eu-west-1", **denied), any_coverage("us-east-1", pools=1))
    draft = replace(
        any_draft(coverage=covered, lines=lines_of(0, {"us-east-1": [any_pool()]})), accept_denied=("eu-west-1",)
    )
    store = FolderStore(tmp_path)
    finish(store, IDENTIFIER, commit(store, draft), now=TIME)
    assert [row[2] for row in ask(QUERIES["latest_complete_inventory"])] == ["us-east-1"]
    *_, last = ask(QUERIES["targets_not_read_in_a_day"])
    assert (last[1], last[2], last[-1]) == ("eu-west-1", None, "eu-west-1")


def test_each_pool_has_its_accounts_name_and_place(tmp_path: Path, ask: Ask) -> None:
    """The account billing has left since, and its pool is still known; none is of the account that denies."""
    store = FolderStore(tmp_path)
    billing, denying = "210000000001", "210000000002"
    members = [Member(billing, name="billing", organizational_unit_path="o-1/r-1/ou-1/"), Member(denying, name="web")]
    reading = {f"{billing} us-east-1": [any_pool()], f"{denying} us-east-1": None}
    add_snapshot(store, 0, reading, accounts=accounts.encode(IDENTIFIER, members))
    add_snapshot(store, 1, {f"{denying} us-east-1": None}, accounts=accounts.encode("2026-11-24T19-00Z", members[1:]))
    assert [(row[0], row[3] is not None, *row[5:]) for row in ask(QUERIES["whose_pools_they_are"])] == [
        (billing, True, "billing", "o-1/r-1/ou-1/"),
        (denying, False, "web", None),
    ]


def test_all_targets_are_listed_after_a_day_without_snapshot(take: Take, ask: Ask) -> None:
    take(day(23), {"us-east-1": [], "eu-west-1": []})
    rows = ask(QUERIES["targets_not_read_in_a_day"])
    last = ("2026-11-23T18-00Z", in_athena(day(23)), "ok", None, None, None)
    assert rows == [(ACCOUNT_ID, "eu-west-1", *last), (ACCOUNT_ID, "us-east-1", *last)]


def test_pools_untouched_for_a_year_and_unread_targets(take: Take, ask: Ask) -> None:
    year_ago = NOW.timestamp() - 365 * 24 * 60 * 60
    oldest = any_pool("eu-west-1", LastModifiedDate=year_ago - 60)
    old = any_pool(LastModifiedDate=year_ago - 1)
    touched, gone = any_pool(LastModifiedDate=year_ago + 1), any_pool(LastModifiedDate=year_ago - 1)
    take(day(23), {"us-east-1": [], "eu-west-1": [oldest]}, denied=["sa-east-1"])
    take(day(24, hour=12), {"us-east-1": [touched, old, gone], "ap-south-1": []}, denied=["eu-west-1", "sa-east-1"])
    take(day(24), {"us-east-1": [touched, old], "ap-south-1": []}, denied=["eu-west-1", "sa-east-1"])
    rows = [row[1:4] for row in ask(QUERIES["pools_untouched_for_a_year"])]
    assert rows == [
        ("eu-west-1", in_athena(day(23)), oldest["Id"]),
        ("us-east-1", in_athena(day(24)), old["Id"]),
        ("sa-east-1", None, None),
    ]


def test_legacy_versions_are_of_a_trigger_that_has_newer_ones(take: Take, ask: Ask) -> None:
    def of(version: str) -> dict[str, str]:
        return {"LambdaVersion": version, "LambdaArn": FUNCTION}

    said = any_pool(LambdaConfig={"PreTokenGeneration": FUNCTION, "PreTokenGenerationConfig": of("V1_0")})
    by_default = any_pool("eu-west-1", LambdaConfig={"PreTokenGeneration": FUNCTION})
    others = [
        any_pool(LambdaConfig={"PreTokenGeneration": FUNCTION, "PreTokenGenerationConfig": of("V2_0")}),
        any_pool(LambdaConfig={"PreTokenGenerationConfig": of("V3_0")}),
        any_pool(LambdaConfig={"CustomSMSSender": of("V1_0"), "InboundFederation": of("V1_0")}),
        any_pool(LambdaConfig={}),
    ]
    take(day(23), {"us-east-1": [], "eu-west-1": [by_default]}, denied=["sa-east-1"])
    gone = any_pool(LambdaConfig={"PreTokenGeneration": FUNCTION})
    take(day(24, hour=12), {"us-east-1": [said, gone], "ap-south-1": []}, denied=["eu-west-1", "sa-east-1"])
    take(day(24), {"us-east-1": [*others, said], "ap-south-1": []}, denied=["eu-west-1", "sa-east-1"])
    rows = [row[1:4] + row[5:] for row in ask(QUERIES["legacy_trigger_versions"])]
    assert rows == [
        ("eu-west-1", in_athena(day(23)), by_default["Id"], FUNCTION, None),
        ("sa-east-1", None, None, None, None),
        ("us-east-1", in_athena(day(24)), said["Id"], FUNCTION, "V1_0"),
    ]


def test_the_latest_tables_have_what_is_known_now(take: Take, ask: Ask) -> None:
    ours, theirs = any_pool(), any_pool("eu-west-1")
    take(day(23), {"us-east-1": [any_pool(), any_pool()], "eu-west-1": [theirs]})
    take(day(24), {"us-east-1": [ours]}, denied=["eu-west-1"])
    assert ask("SELECT snapshot_time, id, read_at FROM user_pools_latest ORDER BY region") == [
        (in_athena(day(24)), theirs["Id"], in_athena(day(23))),
        (in_athena(day(24)), ours["Id"], in_athena(day(24))),
    ]
    assert ask("SELECT snapshot_time, region, status, last_ok FROM coverage_latest ORDER BY region") == [
        (in_athena(day(24)), "eu-west-1", "denied", "2026-11-23T18-00Z"),
        (in_athena(day(24)), "us-east-1", "ok", "2026-11-24T18-00Z"),
    ]


def test_a_region_left_out_is_in_no_complete_inventory_and_known(take: Take, ask: Ask) -> None:
    ours, theirs = any_pool(), any_pool("eu-west-1")
    take(day(23), {"us-east-1": [any_pool()], "eu-west-1": [theirs]})
    take(day(24), {"us-east-1": [ours]})
    complete = [row[2:4] for row in ask(QUERIES["latest_complete_inventory"])]
    assert complete == [("us-east-1", ours["Id"])]
    assert len(ask("SELECT id FROM user_pools_latest")) == 2
