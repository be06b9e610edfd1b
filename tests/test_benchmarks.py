"""The harness on cases of a second or two: its server, ours and a loop of boto3, its tables and its plot."""

import dataclasses
import json
import os
import subprocess
import sys
import xml.etree.ElementTree as ET
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import boto3
import pytest
from botocore.config import Config
from botocore.exceptions import ClientError

from benchmarks import cases, losses, plot, programs, report
from benchmarks.cases import Case
from benchmarks.fake import Fake, Setup, serve
from benchmarks.losses import Loss
from benchmarks.programs import Held

ROOT = Path(__file__).parents[1]
POOLS = {"us-east-1": 130, "eu-west-1": 7}
# In this environment: the smoke installs nothing.
LOOP = dataclasses.replace(programs.BOTO3_LOOP, command=programs.script(None, "boto3_loop.py"), environment=None)
SMALL = (programs.OURS, LOOP, programs.FLOOR)


@pytest.fixture(scope="module")
def served() -> Iterator[Fake]:
    with serve() as aws:
        yield aws


@pytest.fixture
def aws(served: Fake, monkeypatch: pytest.MonkeyPatch) -> Fake:
    served.set_up(Setup(pools=POOLS))
    for name, value in served.environment().items():
        monkeypatch.setenv(name, value)
    return served


@pytest.fixture(scope="module")
def results() -> dict[str, Any]:
    """What a small run records."""
    case = Case(name=plot.DRAWN[0][0], setup=Setup(pools=POOLS), programs=SMALL, rounds=2)
    throttled = Case(
        name=cases.THROTTLED[0].name,
        setup=Setup(pools={"us-east-1": 130}, quota_per_second=20, burst=1),
        programs=(programs.OURS,),
        rounds=1,
        listings=2,
    )
    return {
        "measured": "2026-11-24",
        "preliminary": "",
        "minutes": 0.1,
        "machine": {"cores": 2, "architecture": "x86_64", "system": "Linux", "python": "3.13.0"},
        "versions": {"boto3": {"boto3": boto3.__version__}},
        "speed": list(cases.run([case])),
        "throttled": cases.run_waiting([throttled]),
        "losses": list(losses.run([Loss("cut, always", "cut", 0)], [dataclasses.replace(LOOP)])),
    }


@pytest.mark.slow
def test_each_program_keeps_every_pool_trigger_and_date(results: dict[str, Any]) -> None:
    expected = dataclasses.asdict(Held.of(POOLS))
    assert {each["program"]: each["held"] for each in results["speed"]} == {each.name: [expected] for each in SMALL}
    assert all(each["is_whole"] and each["exit_codes"] == [0] for each in results["speed"])


@pytest.mark.slow
def test_each_program_is_measured_in_each_round(results: dict[str, Any]) -> None:
    for each in results["speed"]:
        assert each["runs"] == 2
        assert 0 < each["cpu_seconds"] < 60
        assert each["wall_seconds"] > 0
        assert 5 < each["peak_mb"] < 500


@pytest.mark.slow
def test_calls_are_counted(results: dict[str, Any]) -> None:
    ours, loop, _ = results["speed"]
    assert ours["calls"]["ListUserPools"] == loop["calls"]["ListUserPools"] == 4
    assert "PutObject" in ours["calls"]


@pytest.mark.slow
def test_listings_at_once_share_a_quota(results: dict[str, Any]) -> None:
    (throttled,) = results["throttled"]
    assert [held["pools"] for held in throttled["held"]] == [130, 130]
    assert throttled["calls"]["throttled"] >= 1


@pytest.mark.slow
def test_what_is_lost_is_recorded(results: dict[str, Any]) -> None:
    (lost,) = results["losses"]
    assert not lost["is_whole"]


@pytest.mark.slow
def test_the_tables_have_what_was_measured(results: dict[str, Any]) -> None:
    tables = report.tables(results)
    header, rows = tables["wall"]
    assert header[0] == "program"
    assert [row[-1] for row in rows] == ["yes"] * len(SMALL)
    assert [row[0] for row in tables["beside boto3"][1]] == [plot.DRAWN[0][0]]
    assert "2 of 2: exit 0, 130" in tables["throttled"][1][0][1]


@pytest.mark.slow
def test_the_plot_is_an_image_of_all_programs(results: dict[str, Any], tmp_path: Path) -> None:
    path = tmp_path / "plot.svg"
    path.write_text(plot.draw(results), encoding="utf-8")
    texts = {each.text for each in ET.parse(path).iter("{http://www.w3.org/2000/svg}text")}  # noqa: S314 - our own
    assert texts >= {each.name for each in SMALL}


def test_the_plot_and_the_shares_are_of_cases_there_are() -> None:
    assert {each[0] for each in (*plot.DRAWN, *report.BESIDE_BOTO3)} <= {each.name for each in cases.SPEED}


def test_the_plot_in_the_docs_is_of_the_recorded_results() -> None:
    assert plot.SVG.read_text(encoding="utf-8") == plot.draw(report.RECORDED)


def client(**options: Any) -> Any:
    return boto3.client("cognito-idp", config=Config(retries={"total_max_attempts": 1}), **options)


def test_the_server_lists_what_it_was_set_up_with(aws: Fake) -> None:
    pages = client().get_paginator("list_user_pools").paginate(MaxResults=60)
    ids = [pool["Id"] for page in pages for pool in page["UserPools"]]
    assert len(set(ids)) == len(ids) == 130


def test_the_server_throttles_as_cognito_does(aws: Fake) -> None:
    aws.set_up(Setup(pools=POOLS, quota_per_second=0.01, burst=2))
    asked = client()
    for _ in range(2):
        asked.list_user_pools(MaxResults=60)
    with pytest.raises(ClientError) as raised:
        asked.list_user_pools(MaxResults=60)
    assert raised.value.response["Error"]["Code"] == "TooManyRequestsException"
    assert raised.value.response["ResponseMetadata"]["HTTPStatusCode"] == 400
    assert client(region_name="eu-west-1").list_user_pools(MaxResults=60)["UserPools"]


def test_a_version_modifies_one_pool_in_so_many(aws: Fake) -> None:
    def listed(version: int) -> dict[str, Any]:
        aws.set_up(Setup(pools={"us-east-1": 50}, version=version, modified_every=25))
        return {pool["Id"]: pool for pool in client().list_user_pools(MaxResults=60)["UserPools"]}

    before, after = listed(3), listed(4)
    assert sum(before[each] != after[each] for each in before) == 2


def test_the_servers_s3_holds_to_conditions(aws: Fake) -> None:
    s3: Any = boto3.client("s3", config=Config(request_checksum_calculation="when_required"))
    etag = s3.put_object(Bucket="inventory", Key="a/1", Body=b"one", IfNoneMatch="*")["ETag"]
    for condition in ({"IfNoneMatch": "*"}, {"IfMatch": '"0"'}):
        with pytest.raises(ClientError, match="PreconditionFailed"):
            s3.put_object(Bucket="inventory", Key="a/1", Body=b"two", **condition)
    s3.put_object(Bucket="inventory", Key="a/1", Body=b"two", IfMatch=etag)
    assert s3.get_object(Bucket="inventory", Key="a/1")["Body"].read() == aws.read("a/1") == b"two"
    with pytest.raises(s3.exceptions.NoSuchKey):
        s3.get_object(Bucket="inventory", Key="a/2")


def test_the_servers_s3_lists_pages_of_keys(aws: Fake) -> None:
    s3: Any = boto3.client("s3", config=Config(request_checksum_calculation="when_required"))
    for key in ("a/1", "a/2", "b/x/3", "b/y/4"):
        s3.put_object(Bucket="inventory", Key=key, Body=b"")
    pages = s3.get_paginator("list_objects_v2").paginate(Bucket="inventory", PaginationConfig={"PageSize": 1})
    assert [each["Key"] for page in pages for each in page["Contents"]] == aws.keys()
    after = s3.list_objects_v2(Bucket="inventory", StartAfter="a/1", Prefix="a/")
    assert [each["Key"] for each in after["Contents"]] == ["a/2"]
    folders = s3.list_objects_v2(Bucket="inventory", Prefix="b/", Delimiter="/")["CommonPrefixes"]
    assert folders == [{"Prefix": "b/x/"}, {"Prefix": "b/y/"}]


def test_the_server_fills_a_bucket_with_a_folder(aws: Fake, tmp_path: Path) -> None:
    (tmp_path / "user-pools").mkdir()
    (tmp_path / "user-pools" / "latest.json").write_bytes(b"{}")
    aws.set_up(Setup(folder=str(tmp_path)))
    assert aws.keys() == ["user-pools/latest.json"]


@pytest.mark.slow
def test_a_run_and_verify_work_through_tls() -> None:
    with serve(tls=True) as aws:
        aws.set_up(Setup(pools=POOLS))
        program = str(Path(sys.executable).with_name("pool-inventory"))
        for arguments in (["run", "--to"], ["verify"]):
            ran = subprocess.run(  # noqa: S603 - our own program
                [program, *arguments, "s3://inventory/user-pools"],
                env={**os.environ, **aws.environment()},
                capture_output=True,
                encoding="utf-8",
                check=False,
            )
            assert ran.returncode == 0, ran.stderr


@pytest.mark.parametrize("path", sorted((ROOT / "benchmarks/peers").glob("*.txt")), ids=lambda path: path.stem)
def test_a_peers_requirements_are_pins_without_addresses(path: Path) -> None:
    assert all(line.count("==") == 1 and "/" not in line for line in path.read_text(encoding="utf-8").splitlines())


def test_the_recorded_results_are_of_the_cases_there_are() -> None:
    recorded = json.loads((ROOT / "benchmarks/results.json").read_text(encoding="utf-8"))
    assert {each["case"] for each in recorded["speed"]} == {each.name for each in cases.SPEED}
    assert {each["case"] for each in recorded["throttled"]} == {each.name for each in cases.THROTTLED}
    assert {each["loss"] for each in recorded["losses"]} == {each.name for each in losses.LOSSES}
