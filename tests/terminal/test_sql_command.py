import csv
import io
import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from shutil import copytree
from typing import Any

import boto3
import pytest
from click.testing import CliRunner, Result
from pool_inventory.snapshots import keys, schema, table
from pool_inventory.stores.folder import FolderStore
from pool_inventory.stores.s3 import S3Store
from pool_inventory.terminal import command_line as cli
from pool_inventory.terminal.demo.stand_in import StandIn
from rich.cells import cell_len

from tests.chains import Reading, add_chain, identifier
from tests.conftest import BUCKET
from tests.makers import any_pool

FIRST_RELEASE = Path(__file__).parents[1] / "first_release/user-pools"
FORMULA = "=HYPERLINK(1)"
READINGS: list[Reading] = [
    {"eu-west-1": [any_pool("eu-west-1", Id="eu-west-1_a", Name=FORMULA)], "us-east-1": [any_pool(Id="us-east-1_b")]},
    {"eu-west-1": None, "us-east-1": [any_pool(Id="us-east-1_b"), any_pool(Id="us-east-1_c", Name="\x1b[2J")]},
]


@pytest.fixture(autouse=True)
def no_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("COLUMNS", raising=False)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two snapshots, of which the second could not read eu-west-1; in a folder whose name could be a pattern."""
    made = tmp_path_factory.mktemp("it's [a] *") / "in*ventory"
    made.mkdir()
    add_chain(FolderStore(made), READINGS)
    return made


def ask(location: Path | str, query: str, *options: str) -> Result:
    return CliRunner().invoke(cli.main, ["sql", str(location), query, *options])


def rows_of(location: Path | str, query: str) -> Any:
    result = ask(location, query, "-o", "json")
    assert result.exit_code == 0, result.output
    return json.loads(result.stdout)


def error_of(location: Path | str, query: str) -> str:
    result = ask(location, query)
    assert result.exit_code == 1, result.output
    assert result.stderr.count("\n") == 1
    return result.stderr


COUNTS = {"user_pools": 3, "data": 4, "carried": 1, "coverage": 4}


@pytest.mark.parametrize(("table", "count"), COUNTS.items())
def test_each_table_has_the_rows_of_all_snapshots(folder: Path, table: str, count: int) -> None:
    assert rows_of(folder, f"SELECT count(*) AS n FROM {table}") == [{"n": count}]


def test_changes_are_of_the_snapshot_that_shows_them(folder: Path) -> None:
    assert rows_of(folder, "SELECT snapshot_time, change, id FROM changes WHERE change = 'created'") == [
        {"snapshot_time": "2026-11-24T19:00:00Z", "change": "created", "id": "us-east-1_c"}
    ]


def test_user_pools_has_what_a_denied_region_had(folder: Path) -> None:
    assert rows_of(folder, "SELECT id, read_at FROM user_pools WHERE region = 'eu-west-1'") == [
        {"id": "eu-west-1_a", "read_at": "2026-11-24T18:00:00Z"}
    ]


def test_s3_is_asked_with_the_users_credentials(aws: StandIn, folder: Path) -> None:
    add_chain(S3Store.open(boto3.session.Session(), BUCKET, "some/prefix"), READINGS)
    aws.requests.clear()
    query = "SELECT table_name, n FROM (SELECT 'data' AS table_name, count(*) AS n FROM data)"
    assert rows_of(f"s3://{BUCKET}/some/prefix", query) == [{"table_name": "data", "n": 4}]
    assert not [each.path for each in aws.requests if "coverage" in each.path]  # nobody asked for it


def test_the_newest_snapshots_are_asked_first(folder: Path) -> None:
    result = ask(folder, "SELECT DISTINCT snapshot_time FROM coverage", "--last", "1", "-o", "ndjson")
    assert result.stdout == '{"snapshot_time": "2026-11-24T19:00:00Z"}\n'
    expected = f"of 2 snapshots the tables have the newest 1, from {identifier(1)} on: --last 2 has all"
    assert expected in result.stderr


def test_an_expired_object_is_told(tmp_path: Path) -> None:
    add_chain(FolderStore(tmp_path), READINGS)
    (tmp_path / keys.data(identifier(0))).unlink()
    result = ask(tmp_path, "SELECT count(*) FROM data", "-o", "csv")
    assert result.stdout.splitlines()[1:] == ["2"]
    assert "1 of 2 snapshots have no data any more" in result.stderr


def test_files_of_the_first_release_have_the_new_columns_as_null() -> None:
    found = rows_of(FIRST_RELEASE, "SELECT count(*) AS n, count(read_at) AS read FROM data")
    assert found[0]["n"] > 0
    assert found[0]["read"] == 0
    assert rows_of(FIRST_RELEASE, "FROM carried") == []


def test_all_tables_and_columns_can_be_asked_for(folder: Path) -> None:
    tables = [each["name"] for each in rows_of(folder, "SHOW TABLES")]
    assert tables == ["accounts", "carried", "changes", "coverage", "data", "user_pools"]
    assert {"lambda_config", "read_at"} <= {each["column_name"] for each in rows_of(folder, "DESCRIBE data")}


@pytest.mark.parametrize(
    ("query", "message"),
    [
        ("FROM pools", "Table with name pools does not exist"),
        ("FROM pools", "the tables are user_pools, data, carried, coverage, changes, accounts"),
        ("FROM pools", "Table with name pools does not exist: did you mean user_pools?"),
        ("FROM nowhere", "Table with name nowhere does not exist: `SHOW TABLES` has them"),
        ("SELECT '\ud800'", r"the SQL has '\ud800' at character 9, which is no character"),
        ("SELECT regoin FROM data", '"regoin" not found in FROM clause! Candidate bindings: "region"'),
        ("SELECT regoin FROM data", "`DESCRIBE data` has a table's columns"),
        ("SELEC 1", 'syntax error at or near "SELEC"'),
        ("", "the SQL is empty, and only one SELECT is answered"),
        ("SELECT 1; SELECT 2", "the SQL is SELECT and SELECT, and only one SELECT"),
        ("PIVOT data ON region USING count(*)", "a PIVOT needs its values, as in ON region IN ('us-east-1')"),
        ("SELECT error('\x1b[2J')", r"\x1b[2J"),
    ],
)
def test_an_error_of_the_sql_is_one_line_with_what_helps(folder: Path, query: str, message: str) -> None:
    assert message in error_of(folder, query)


@pytest.mark.parametrize(
    "query",
    [
        "FROM read_text('{secret}')",
        "FROM '{secret}'",
        "FROM read_csv('{secret}')",
        "FROM glob('{folder}/*')",
        "FROM read_parquet('https://127.0.0.1:9/x.parquet')",
    ],
)
def test_a_query_reads_nothing_but_the_tables(folder: Path, tmp_path: Path, query: str) -> None:
    (tmp_path / "secret.csv").write_text("a\nb\n")
    asked = query.format(secret=tmp_path / "secret.csv", folder=tmp_path)
    assert "a query reaches no files and no network" in error_of(folder, asked)


@pytest.mark.parametrize(
    "query",
    [
        "COPY data TO '{folder}/x.csv'",
        "COPY (SELECT 1) TO '{folder}/x.csv'",
        "ATTACH '{folder}/x.db'",
        "EXPORT DATABASE '{folder}/x'",
        "CREATE TABLE x AS FROM data",
        "DROP VIEW data",
        "SET enable_external_access = true",
        "INSTALL httpfs",
    ],
)
def test_a_query_writes_nothing(folder: Path, tmp_path: Path, query: str) -> None:
    assert "only one SELECT is answered" in error_of(folder, query.format(folder=tmp_path))
    assert list(tmp_path.iterdir()) == []


def test_a_table_fits_the_terminal(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    few = ask(folder, "SELECT region, count(*) AS pools FROM user_pools GROUP BY ALL ORDER BY ALL").stdout
    assert few == "region     pools\neu-west-1      1\nus-east-1      2\n"
    many = ask(folder, "SELECT * FROM data ORDER BY snapshot_time DESC, id").stdout
    assert max(map(cell_len, many.splitlines())) <= 80
    assert "id                  us-east-1_b" in many  # a row of so many columns is set as lines
    assert "\x1b[2J" not in many


def test_csv_defuses_formulas_and_json_keeps_them(folder: Path) -> None:
    query = "SELECT name, lambda_config FROM user_pools WHERE region = 'eu-west-1'"
    (row,) = csv.DictReader(io.StringIO(ask(folder, query, "-o", "csv").stdout))
    assert row["name"] == f"'{FORMULA}"
    assert list(json.loads(row["lambda_config"])) == ["pre_sign_up"]
    assert rows_of(folder, query)[0]["name"] == FORMULA


def test_each_value_of_duckdbs_is_json(folder: Path) -> None:
    query = """SELECT 1 AS id, 2 AS id, 1.5 AS d, 'nan'::DOUBLE AS n, '\\xAB'::BLOB AS b, [true, null] AS l,
        MAP {DATE '2026-11-24': INTERVAL 1 DAY} AS m, TIMESTAMPTZ '2026-11-24 18:00:00.5+01' AS t"""
    (row,) = rows_of(folder, query)
    assert row == {
        "id": 1,
        "id_1": 2,
        "d": 1.5,
        "n": "nan",
        "b": "ab",
        "l": [True, None],
        "m": {"2026-11-24": "1 day, 0:00:00"},
        "t": "2026-11-24T17:00:00.500Z",
    }


def test_numbers_and_times_are_as_exact_as_in_duckdb(folder: Path) -> None:
    query = """SELECT 12345678901234567890.123456789::DECIMAL(38, 9) AS d, {'n': 1.50} AS s, 0.0000001 AS small,
        TIMESTAMP '2026-11-24 18:00:00.123456' AS t, TIMESTAMPTZ 'infinity' AS e, TIMESTAMP '-infinity' AS b"""
    assert ask(folder, query, "-o", "ndjson").stdout == (
        '{"d": 12345678901234567890.123456789, "s": {"n": 1.50}, "small": 0.0000001, '
        '"t": "2026-11-24T18:00:00.123456", "e": "infinity", "b": "-infinity"}\n'
    )
    cells = ["12345678901234567890.123456789", '{"n": 1.50}', "0.0000001", "2026-11-24T18:00:00.123456", "infinity"]
    assert ask(folder, query).stdout.splitlines()[1].split("\t")[:5] == cells


def test_no_column_takes_the_name_of_another(folder: Path) -> None:
    assert rows_of(folder, "SELECT 1 AS a, 2 AS a, 3 AS a_1, 4 AS a") == [{"a": 1, "a_2": 2, "a_1": 3, "a_3": 4}]


@pytest.mark.parametrize(
    "query",
    [
        "SELECT count(*) FROM query_table('user' || '_pools')",
        "SELECT count(*) FROM query('FROM user' || '_pools WHERE id = 1::VARCHAR')",
        "SELECT count(*) FROM data, query_table('user' || '_pools')",
    ],
)
def test_a_table_that_is_not_named_never_looks_empty(folder: Path, query: str) -> None:
    assert "a table that it does not name: write its name out, as in FROM user_pools" in error_of(folder, query)


@pytest.mark.parametrize("query", ["", "DROP VIEW data", "SELECT 1; SELECT 2"])
def test_only_a_pivot_is_told_what_a_pivot_needs(folder: Path, query: str) -> None:
    assert "PIVOT" not in error_of(folder, query)


KEYS = {"data": keys.data, "carried": keys.carried, "coverage": keys.coverage, "changes": keys.changes}


@pytest.mark.parametrize("name", KEYS)
@pytest.mark.parametrize("place", [5, 300, -300, -20])
def test_a_damaged_object_is_an_error_that_names_it(folder: Path, tmp_path: Path, name: str, place: int) -> None:
    key = KEYS[name](identifier(1))
    path = _copied(folder, tmp_path) / key
    body = bytearray(path.read_bytes())
    body[place] ^= 1
    path.write_bytes(body)
    assert key in error_of(tmp_path / "copy", f"FROM {name}")


def test_damaged_data_of_the_first_release_is_named(tmp_path: Path) -> None:
    key = keys.data("2026-11-24T18-00Z")
    path = _copied(FIRST_RELEASE, tmp_path) / key
    body = path.read_bytes()
    path.write_bytes(body.replace(b"us-east-1", b"us-west-9"))
    assert path.read_bytes() != body
    assert f"{key} has" in error_of(tmp_path / "copy", "FROM data")


@pytest.mark.parametrize("name", KEYS)
def test_an_object_of_another_snapshot_is_an_error(folder: Path, tmp_path: Path, name: str) -> None:
    copy = _copied(folder, tmp_path)
    key, other = KEYS[name](identifier(0)), KEYS[name](identifier(1))
    (copy / key).parent.mkdir(parents=True, exist_ok=True)
    (copy / key).write_bytes((copy / other).read_bytes())
    assert f"{key}: it is of the snapshot '{identifier(1)}'" in error_of(copy, f"FROM {name}")


@pytest.mark.parametrize(
    ("footer", "message"),
    [
        ({"contractVersion": 3, "snapshotId": identifier(0)}, "update pool-inventory"),
        ({"contractVersion": 2}, "it is of the snapshot None"),
    ],
)
def test_an_object_of_a_newer_contract_is_refused(
    folder: Path, tmp_path: Path, footer: dict[str, Any], message: str
) -> None:
    copy = _copied(folder, tmp_path)
    (copy / keys.coverage(identifier(0))).write_bytes(table.encode(schema.COVERAGE, (), footer))
    assert message in error_of(copy, "FROM coverage")


def test_a_temporary_folder_without_room_is_one_line(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(_path: Path, _body: bytes) -> int:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Path, "write_bytes", full)
    assert "No space left on device: set TMPDIR to a folder with room" in error_of(folder, "FROM data")


@pytest.mark.parametrize(("number", "status", "said"), [(signal.SIGINT, 130, "stopped\n"), (signal.SIGTERM, 143, "")])
def test_a_signal_ends_a_long_query_and_removes_the_copies(
    folder: Path, tmp_path: Path, number: int, status: int, said: str
) -> None:
    query = "SELECT count(*) FROM data, range(1000000000000) AS a WHERE hash(a.range) % 7 = 3"
    command = [sys.executable, "-m", "pool_inventory", "sql", str(folder), query]
    environment = {**os.environ, "TMPDIR": str(tmp_path)}
    with subprocess.Popen(command, env=environment, stderr=subprocess.PIPE, text=True) as process:  # noqa: S603 - as said
        while not list(tmp_path.glob("*/data/user-pools-*")):
            time.sleep(0.05)
        time.sleep(1)  # DuckDB is at work then; where it is not yet, the signal does the same
        process.send_signal(number)
        _, errors = process.communicate(timeout=30)
    assert (process.returncode, errors) == (status, said)
    assert list(tmp_path.iterdir()) == []


def _copied(folder: Path, to: Path) -> Path:
    return copytree(folder, to / "copy")


def test_without_duckdb_a_line_says_what_to_install(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "duckdb", None)
    assert "run `pip install duckdb` in this program's environment" in error_of(folder, "FROM data")


def test_the_copies_are_removed(folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    rows_of(folder, "FROM data")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("table", ["data", "coverage", "changes"])
def test_a_damaged_object_is_an_error_and_no_other_answer(tmp_path: Path, table: str) -> None:
    add_chain(FolderStore(tmp_path), READINGS)
    key = {"data": keys.data, "coverage": keys.coverage, "changes": keys.changes}[table](identifier(1))
    body = bytearray((tmp_path / key).read_bytes())
    body[len(body) // 3] ^= 1
    (tmp_path / key).write_bytes(body)
    result = ask(tmp_path, f"SELECT count(*) FROM {table}")
    assert (result.exit_code, result.stdout) == (1, "")
    assert f"{key}: its {len(body)} bytes are not the file that was written" in result.stderr


def test_a_copy_of_another_snapshot_is_not_counted_twice(tmp_path: Path) -> None:
    add_chain(FolderStore(tmp_path), READINGS)
    (tmp_path / keys.data(identifier(1))).write_bytes((tmp_path / keys.data(identifier(0))).read_bytes())
    result = ask(tmp_path, "SELECT count(*) FROM data")
    assert result.exit_code == 1
    assert f"it is of the snapshot '{identifier(0)}'" in result.stderr


def test_a_table_named_in_a_roundabout_way_is_not_empty(folder: Path) -> None:
    result = ask(folder, "SELECT count(*) FROM data, query_table('user' || '_pools')")
    assert result.exit_code == 1
    assert "the SQL reads a table that it does not name" in result.stderr


def test_each_column_of_an_answer_has_a_name_of_its_own(folder: Path) -> None:
    assert rows_of(folder, "SELECT 1 a, 2 a, 3 a_1, 4 a") == [{"a": 1, "a_2": 2, "a_1": 3, "a_3": 4}]


def test_what_is_known_in_a_bucket_of_0_1_has_unread_regions_too() -> None:
    result = ask(FIRST_RELEASE, "SELECT region, count(*) n FROM user_pools GROUP BY ALL ORDER BY 1", "-o", "json")
    assert json.loads(result.stdout) == [{"region": "eu-west-1", "n": 2}, {"region": "us-east-1", "n": 4}]
    assert "warning: 123456789012 eu-west-1: denied" in result.stderr


def test_sql_that_is_no_text_is_one_line(folder: Path) -> None:
    result = ask(folder, "SELECT '\udcff'")
    assert result.exit_code == 1
    assert result.stderr.startswith("error: the SQL has ")


def test_a_pools_account_is_named_by_a_join(organization: Path) -> None:
    query = "SELECT name FROM user_pools SEMI JOIN accounts USING (account_id, snapshot_time)"
    assert len(rows_of(organization, query)) == 3
    joined = (
        "SELECT user_pools.id, accounts.name FROM user_pools JOIN accounts USING (account_id, snapshot_time) "
        "WHERE accounts.name IS NOT NULL ORDER BY 1"
    )
    assert rows_of(organization, joined) == [
        {"id": "eu-west-1_000000001", "name": "billing"},
        {"id": "eu-west-1_000000004", "name": "search"},
    ]


def test_of_one_account_the_table_of_accounts_is_empty(folder: Path) -> None:
    result = ask(folder, "FROM accounts", "-o", "json")
    assert (json.loads(result.stdout), result.exit_code) == ([], 0)
    assert "accounts any more" not in result.stderr
