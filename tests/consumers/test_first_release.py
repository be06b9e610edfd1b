"""What the first release wrote is read by this one: by its own commands, by its next run, and by other readers."""

import hashlib
import io
import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import duckdb
import pyarrow.parquet as pq
import pytest
from click.testing import CliRunner
from mypy_boto3_s3 import S3Client
from pool_inventory.model import Link
from pool_inventory.publish import finish as publish
from pool_inventory.snapshots import data_object, keys, table
from pool_inventory.stores.folder import FolderStore
from pool_inventory.terminal import command_line as cli
from pool_inventory.terminal.demo.stand_in import StandIn, deny, listing, reply
from pool_inventory.terminal.verify.chain import verify
from werkzeug.wrappers import Request, Response

from tests.conftest import BUCKET, Invoke
from tests.makers import ACCOUNT_ID, TIME

WRITTEN = Path(__file__).parents[1] / "first_release/user-pools"
FIRST, SECOND = "2026-11-24T18-00Z", "2026-11-24T19-00Z"
FUNCTION = f"arn:aws:lambda:us-east-1:{ACCOUNT_ID}:function:check"
MADE = (keys.manifest, keys.checksum, keys.coverage, keys.changes, keys.symlink)
STRANGE = f"arn:aws:lambda:us-east-1:{ACCOUNT_ID}:function:strange"


@pytest.fixture(params=[2, 3])
def contract(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Reads as this release does, and as one whose contract is the next."""
    monkeypatch.setattr(table, "CONTRACT_VERSION", request.param)


def answer_of(command: str, *arguments: str) -> Any:
    result = CliRunner().invoke(cli.main, [command, str(WRITTEN), *arguments, "--json"])
    assert result.exit_code == 0, result.output
    return json.loads(result.stdout)


def body(key: str) -> bytes:
    return (WRITTEN / key).read_bytes()


def test_not_a_byte_of_it_was_changed() -> None:
    written = {path.relative_to(WRITTEN).as_posix(): path for path in WRITTEN.rglob("*") if path.is_file()}
    hashes = "".join(
        f"{name} {hashlib.sha256(path.read_bytes()).hexdigest()}\n" for name, path in sorted(written.items())
    )
    assert len(written) == 18
    assert (
        hashlib.sha256(hashes.encode()).hexdigest()
        == "4c368aea284158cd485f81947c86a6ec00cbfa309ecff370a98594c40cc146d7"
    )


@pytest.mark.usefixtures("contract")
def test_its_footer_is_decoded() -> None:
    second = data_object.decode(body(keys.data(SECOND)))
    assert (second.id, second.status, second.pool_count, second.extra_formats) == (
        SECOND,
        "partial",
        4,
        ("csv", "ndjson"),
    )
    assert second.previous == Link(FIRST, hashlib.sha256(body(keys.manifest(FIRST))).hexdigest())
    assert {
        (each.region, each.status, each.pools, each.last_ok)
        for each in data_object.first_coverage(body(keys.data(SECOND)))
    } == {
        ("eu-central-1", "denied", None, None),
        ("eu-west-1", "denied", None, FIRST),
        ("sa-east-1", "ok", 0, SECOND),
        ("us-east-1", "ok", 4, SECOND),
    }
    found = data_object.first_coverage(body(keys.data(SECOND)))
    assert {(each.region, each.compared_with) for each in found} == {
        ("eu-central-1", None),
        ("eu-west-1", FIRST),
        ("sa-east-1", FIRST),
        ("us-east-1", FIRST),
    }


def test_verify_finds_it_sound() -> None:
    report = verify(FolderStore(WRITTEN))
    assert (report.faults, report.rows) == ([], 10)


@pytest.mark.usefixtures("contract")
def test_show_has_every_trigger_and_what_no_column_is_for() -> None:
    shown = answer_of("show")
    assert [pool["name"] for pool in shown["pools"]] == [
        # Of a region that it could not read: as the snapshot says that its last_ok names.
        "stays",
        "goes while nobody looks",
        "every trigger",
        "=cmd|' /C calc'!A0",
        "with a member of tomorrow",
        "created later",
    ]
    stays, _, every, _, tomorrow, _ = shown["pools"]
    assert (stays["snapshot_time"], stays["read_at"]) == ("2026-11-24T19:00:00Z", "2026-11-24T18:00:00Z")
    assert None not in every["lambda_config"].values()
    assert json.loads(tomorrow["unmodelled"]) == {"LambdaConfig": {"OfTomorrow": FUNCTION}}
    assert tomorrow["replica_regions"] == ["eu-west-1", "sa-east-1"]


@pytest.mark.usefixtures("contract")
def test_diff_and_history_have_its_changes() -> None:
    differing = answer_of("diff")
    assert [(each["change"], each["id"]) for each in differing["changes"]] == [
        ("deleted", "us-east-1_bBbBbBbBb"),
        ("modified", "us-east-1_cCcCcCcCc"),
        ("created", "us-east-1_eEeEeEeEe"),
    ]
    events = answer_of("history", "us-east-1_cCcCcCcCc")["events"]
    assert [each["change"] for each in events] == ["found", "modified"]
    assert [each["snapshotId"] for each in answer_of("list")["snapshots"]] == [FIRST, SECOND]


def listing_of(*pools: dict[str, Any]) -> Callable[[Request], Response]:
    return lambda _: reply({"UserPools": list(pools)})


def test_the_next_run_compares_with_each_regions_last_reading(
    invoke: Invoke, aws: StandIn, s3: S3Client, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for path in WRITTEN.rglob("*"):
        if path.is_file():
            key = f"user-pools/{path.relative_to(WRITTEN).as_posix()}"
            s3.put_object(Bucket=BUCKET, Key=key, Body=path.read_bytes())
    monkeypatch.setenv("INVENTORY_REGIONS", "us-east-1,eu-west-1")
    stays = {
        "Id": "eu-west-1_xXxXxXxXx",
        "Name": "stays",
        "LambdaConfig": {"UserMigration": FUNCTION},
        "CreationDate": 1_600_000_000.123,
        "LastModifiedDate": 1_700_000_000.456,
    }
    aws.answers += [listing("us-east-1", deny), listing("eu-west-1", listing_of(stays))]
    assert invoke("2026-11-24T20:00:00Z")["changes"] == {"created": 0, "deleted": 1, "modified": 0}
    for each in s3.list_objects_v2(Bucket=BUCKET)["Contents"]:
        path = tmp_path / each["Key"]
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(s3.get_object(Bucket=BUCKET, Key=each["Key"])["Body"].read())
    store = FolderStore(tmp_path / "user-pools")
    manifest = json.loads((tmp_path / "user-pools" / keys.manifest("2026-11-24T20-00Z")).read_bytes())
    assert manifest["previous"]["sha256"] == hashlib.sha256(body(keys.manifest(SECOND))).hexdigest()
    coverage = pq.read_table(tmp_path / "user-pools" / keys.coverage("2026-11-24T20-00Z")).to_pylist()
    assert {each["region"]: (each["status"], each["last_ok"], each["compared_with"]) for each in coverage} == {
        "eu-west-1": ("ok", "2026-11-24T20-00Z", FIRST),
        "sa-east-1": ("not_asked", SECOND, SECOND),
        "us-east-1": ("denied", SECOND, SECOND),
    }
    assert manifest["carried"] == {"targets": 2, "pools": 4, "forgotten": 0}
    (deleted,) = pq.read_table(tmp_path / "user-pools" / keys.changes("2026-11-24T20-00Z")).to_pylist()
    assert (deleted["id"], deleted["name"]) == ("eu-west-1_yYyYyYyYy", "goes while nobody looks")
    assert verify(store).faults == []
    assert_each_command_reads(tmp_path / "user-pools")


def assert_each_command_reads(folder: Path) -> None:
    """A history of both contracts: two snapshots of 0.1, and one of this release after them."""

    def said(command: str, *arguments: str) -> Any:
        result = CliRunner().invoke(cli.main, [command, str(folder), *arguments])
        assert result.exit_code == 0, result.output
        return json.loads(result.stdout)

    known = {each["id"] for each in said("export", "--json")}
    assert len(known) == 5
    assert {each["id"] for each in said("show", "--json")["pools"]} == known
    assert {each["id"] for each in said("sql", "SELECT id FROM user_pools", "-o", "json")} == known
    assert said("summary", "--json")["pools"] == 5
    assert {each["arn"] for each in said("functions", "--json")["functions"]} >= {FUNCTION}
    assert [each["id"] for each in said("diff", "--json")["changes"]] == []
    assert [each["snapshotId"] for each in said("list", "--json")["snapshots"]] == [FIRST, SECOND, "2026-11-24T20-00Z"]
    events = said("history", "eu-west-1_yYyYyYyYy", "--json")["events"]
    assert [each["change"] for each in events] == ["found", "deleted"]


def test_a_commit_of_it_that_was_not_finished_is_finished(tmp_path: Path) -> None:
    shutil.copytree(WRITTEN, tmp_path, dirs_exist_ok=True)
    latest = (keys.LATEST, keys.LATEST_DATA)
    for key in (*(key(SECOND) for key in MADE), *latest):
        (tmp_path / key).unlink()
    publish.finish(FolderStore(tmp_path), SECOND, now=TIME)
    manifest = json.loads((tmp_path / keys.manifest(SECOND)).read_bytes())
    before = json.loads(body(keys.manifest(SECOND)))
    for field in ("poolCount", "changes", "uncompared", "fileSchema", "status"):
        assert manifest[field] == before[field]
    assert (manifest["contractVersion"], manifest["carried"]["pools"]) == (2, 2)
    assert verify(FolderStore(tmp_path)).faults == []


def test_pyarrow_and_duckdb_read_its_columns() -> None:
    table = pq.read_table(io.BytesIO(body(keys.data(SECOND))))
    assert table.column_names == [
        "snapshot_time",
        "account_id",
        "region",
        "id",
        "arn",
        "name",
        "status",
        "creation_date",
        "last_modified_date",
        "lambda_config",
        "unmodelled",
    ]
    asked = duckdb.execute(
        f"""SELECT snapshot_time::VARCHAR, id, lambda_config.pre_sign_up, epoch_ms(last_modified_date)
        FROM '{WRITTEN}/data/*/*.parquet' WHERE id = 'us-east-1_cCcCcCcCc' ORDER BY snapshot_time"""
    ).fetchall()
    assert [row[1:] for row in asked] == [
        ("us-east-1_cCcCcCcCc", FUNCTION, 1_700_000_000_456),
        ("us-east-1_cCcCcCcCc", STRANGE, 1_795_000_000_500),
    ]
    changed = duckdb.execute(f"SELECT change, fields FROM '{WRITTEN}/changes/*/*.parquet' ORDER BY ALL").fetchall()
    assert changed == [
        ("created", []),
        ("deleted", []),
        ("modified", ["last_modified_date", "lambda_config.pre_sign_up"]),
    ]
    unread = duckdb.execute(
        f"SELECT region, last_ok FROM '{WRITTEN}/coverage/*/*{SECOND}.parquet' WHERE status <> 'ok' ORDER BY ALL"
    ).fetchall()
    assert unread == [("eu-central-1", None), ("eu-west-1", FIRST)]
