import json
import os
import re
import signal
import subprocess
import sys
import threading
from collections.abc import Callable
from pathlib import Path

import pyarrow.parquet as pq
import pytest
from click.testing import CliRunner, Result
from mypy_boto3_s3 import S3Client
from pool_inventory.publish.commit import commit
from pool_inventory.snapshots import keys
from pool_inventory.stores.folder import FolderStore
from pool_inventory.terminal import command_line as cli
from pool_inventory.terminal.demo.stand_in import StandIn, deny, error, listing, seed, throttle
from werkzeug.wrappers import Request, Response

from tests.conftest import BUCKET
from tests.makers import any_coverage, any_draft, any_pools, written_with

Run = Callable[..., Result]


@pytest.fixture
def run(aws: StandIn, monkeypatch: pytest.MonkeyPatch) -> Run:
    monkeypatch.delenv("COLUMNS", raising=False)
    seed("us-east-1", any_pools(61))
    aws.enabled_regions = ["us-east-1", "sa-east-1"]
    return lambda *arguments: CliRunner().invoke(cli.main, ["run", *arguments])


def test_a_complete_snapshot_is_shown_and_exits_0(run: Run, tmp_path: Path) -> None:
    result = run("--to", str(tmp_path / "out"), "--regions", "us-east-1,sa-east-1", "--time", "2026-11-24T18:00:00Z")
    assert result.exit_code == 0, result.output
    assert "us-east-1 ok: pools 61, requests 2, retries 0" in result.stderr
    assert result.stdout.splitlines()[0] == "Regions of 2026-11-24T18-00Z"
    assert "us-east-1\tok\t61\t2\t0\t" in result.stdout
    data = tmp_path / "out/data/dt=2026-11-24/user-pools-2026-11-24T18-00Z.parquet"
    assert f"61 user pools read, complete; 0 created, 0 deleted, 0 modified: file://{data}" in result.stdout
    assert data.exists()


def test_regions_without_pools_are_a_row_and_unread_ones_last(run: Run, aws: StandIn, tmp_path: Path) -> None:
    aws.answers.append(listing("ap-south-1", deny))
    regions = "ap-south-1,eu-central-1,eu-north-1,sa-east-1,us-east-1"
    result = run("--to", str(tmp_path), "--regions", regions)
    assert [line.split("\t")[:4] for line in result.stdout.splitlines()[2:5]] == [
        ["us-east-1", "ok", "61", "2"],
        ["3 others", "ok", "0", "3"],
        ["ap-south-1", "denied", "-", "1"],
    ]
    assert result.stdout.splitlines()[-1] == "Not read: ap-south-1 (denied)"


def test_json_says_what_became_of_it_and_nothing_else(run: Run, aws: StandIn, tmp_path: Path) -> None:
    aws.answers.append(listing("sa-east-1", deny))
    arguments = ("--to", str(tmp_path), "--regions", "us-east-1,sa-east-1", "--time", "2026-11-24T18:00:00Z", "--json")
    result = run(*arguments)
    found = json.loads(result.stdout)
    assert (result.exit_code, result.stderr) == (3, "")
    assert (found["snapshotId"], found["result"], found["status"]) == ("2026-11-24T18-00Z", "published", "partial")
    assert (found["poolCount"], found["targets"]["denied"]) == (61, 1)
    assert [(each["region"], each["status"]) for each in found["unread"]] == [("sa-east-1", "denied")]
    assert found["manifest"].endswith("/manifests/2026-11-24T18-00Z/manifest.json")
    again = json.loads(run(*arguments).stdout)
    assert (again["result"], again["status"]) == ("unchanged", "partial")


def test_quiet_writes_only_what_someone_should_look_at(run: Run, tmp_path: Path) -> None:
    arguments = ("--to", str(tmp_path), "--regions", "us-east-1", "--quiet", "--time", "2026-11-24T18:00:00Z")
    result = run(*arguments)
    assert (result.exit_code, result.output) == (0, "")
    (tmp_path / keys.LATEST).write_text("{}")
    assert "warning: passed by " in run(*arguments[:-1], "2026-11-24T19:00:00Z").stderr


def test_a_partial_snapshot_exits_3_and_counts_no_unread_pools(run: Run, aws: StandIn, tmp_path: Path) -> None:
    aws.answers.append(listing("sa-east-1", deny))
    result = run("--to", str(tmp_path), "--regions", "us-east-1,sa-east-1")
    assert result.exit_code == 3, result.output
    assert re.search(r"sa-east-1\tdenied\t-\t1\t0\t[\d.]+\tAccessDeniedException: ", result.stdout)
    assert re.search(r"^sa-east-1 denied: requests 1, retries 0$", result.stderr, re.MULTILINE)
    assert "61 user pools read, partial" in result.stdout


def test_a_snapshot_goes_to_s3_under_the_prefix(run: Run, s3: S3Client) -> None:
    result = run("--to", f"s3://{BUCKET}/some/prefix", "--regions", "us-east-1", "--time", "2026-11-24T18:00:00Z")
    assert result.exit_code == 0, result.output
    where = f"s3://{BUCKET}/some/prefix/data/dt=2026-11-24/user-pools-2026-11-24T18-00Z.parquet"
    assert where in result.stdout
    assert s3.get_object(Bucket=BUCKET, Key="some/prefix/latest.json")["ContentType"] == "application/json"


def test_each_write_asks_for_the_encryption_that_was_named(run: Run, aws: StandIn) -> None:
    result = run("--to", f"s3://{BUCKET}/p", "--regions", "us-east-1", "--encryption", "AES256")
    assert result.exit_code == 0, result.output
    assert written_with(aws) == {"AES256"}


@pytest.mark.parametrize(("options", "forgotten"), [(("--forget-days", "1"), 1), ((), 0)])
def test_a_target_unread_for_the_days_named_is_forgotten(
    run: Run, aws: StandIn, tmp_path: Path, options: tuple[str, ...], forgotten: int
) -> None:
    arguments = ("--to", str(tmp_path), "--regions", "us-east-1,sa-east-1", *options)
    run(*arguments, "--time", "2026-11-22T17:00:00Z")
    aws.answers.append(listing("sa-east-1", deny))
    run(*arguments, "--time", "2026-11-23T18:00:00Z")
    manifest = json.loads((tmp_path / keys.manifest("2026-11-23T18-00Z")).read_bytes())
    assert manifest["carried"]["forgotten"] == forgotten


def test_a_wrong_encryption_is_an_error_that_names_the_right(run: Run) -> None:
    result = run("--to", f"s3://{BUCKET}/p", "--encryption", "aws:kms")
    assert result.exit_code == 2
    assert "'aws:kms': neither AES256 nor a KMS key's ARN" in result.stderr


def test_regions_are_those_the_account_has_enabled_unless_named(
    run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("INVENTORY_REGIONS")
    run("--to", str(tmp_path), "--time", "2026-11-24T18:00:00Z")
    coverage = pq.read_table(tmp_path / keys.coverage("2026-11-24T18-00Z"), partitioning=None)
    assert coverage["region"].to_pylist() == ["sa-east-1", "us-east-1"]


def test_an_existing_snapshot_is_reported_and_not_made_again(run: Run, aws: StandIn, tmp_path: Path) -> None:
    arguments = ("--to", str(tmp_path), "--regions", "us-east-1,sa-east-1", "--time", "2026-11-24T18:00:00Z")
    aws.answers.append(listing("sa-east-1", deny))
    run(*arguments)
    result = run(*arguments)
    assert result.exit_code == 3
    assert "2026-11-24T18-00Z is there already, and is partial" in result.stdout


def test_an_earlier_run_that_died_is_finished_and_named(run: Run, aws: StandIn, tmp_path: Path) -> None:
    run("--to", str(tmp_path), "--regions", "us-east-1", "--time", "2026-11-24T16:00:00Z")
    commit(FolderStore(tmp_path), any_draft("2026-11-24T17-00Z", coverage=(any_coverage("sa-east-1"),)))
    seed("sa-east-1", any_pools(2, "sa-east-1"))
    result = run("--to", str(tmp_path), "--regions", "sa-east-1", "--time", "2026-11-24T18:00:00Z")
    assert "Finished 2026-11-24T17-00Z, whose run had died.\n" in result.stdout
    assert result.exit_code == 0


def test_what_changed_is_counted(run: Run, tmp_path: Path) -> None:
    run("--to", str(tmp_path), "--regions", "us-east-1", "--time", "2026-11-24T17:00:00Z")
    seed("us-east-1", any_pools(2))
    result = run("--to", str(tmp_path), "--regions", "us-east-1", "--time", "2026-11-24T18:00:00Z")
    assert "2 user pools read, complete; 2 created, 61 deleted, 0 modified: file://" in result.stdout


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ((), "Missing option '--to'"),
        (("--to", "s3://"), "name s3://BUCKET/PREFIX"),
        (("--to", "s3:///pools"), "name s3://BUCKET/PREFIX"),
        (("--to", "s3://Not A Bucket/pools"), "not the name of an S3 bucket"),
        (("--to", "gs://inventory/pools"), "name s3://BUCKET/PREFIX"),
        (("--to", "out", "--regions", "us-east-1,"), "'us-east-1,'"),
        (("--to", "out", "--time", "yesterday"), "Invalid value for '--time': 'yesterday' is no time"),
        (("--to", "out", "--time", "2999-01-01T00:00:00Z"), "more than a day to come"),
        (("--to", "out", "--timeout", "0"), "0 is not in the range"),
        (("--to", "out", "--max-requests-per-second", "-1"), "not a number of 0 or more"),
        (("--to", "out", "--forget-days", "0"), "not a whole number of 1 or more"),
    ],
)
def test_a_wrong_option_exits_2_and_says_what_is_valid(
    run: Run, arguments: tuple[str, ...], message: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    result = run(*arguments)
    assert result.exit_code == 2
    assert message in " ".join(result.stderr.replace("│", "").split())
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("--to", "out", "--regions", "us-east-9"), "--regions: 'us-east-9' is no region that the SDK knows"),
        (("--to", "out", "--regions", "us-esat-1"), "did you mean us-east-1?"),
        (("--to", "out", "--regions", "us-gov-west-1"), "--regions: it names us-gov-west-1, but the account is in"),
        (("--to", "out", "--profile", "nobody"), "The config profile (nobody) could not be found"),
        (("--to", "s3://no-such-bucket/pools", "--regions", "us-east-1"), "create the bucket, or name another"),
        (("--to", "file", "--regions", "us-east-1"), "Not a directory: name a folder that can be read"),
    ],
)
def test_a_failed_run_exits_1_with_one_line(
    run: Run, arguments: tuple[str, ...], message: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("file").write_text("in the way")
    result = run(*arguments)
    assert result.exit_code == 1
    assert re.fullmatch(r"error: .*\n", result.stderr)
    assert message in result.stderr


def test_the_account_is_asked_for_where_the_sdk_lists_a_region(
    run: Run, aws: StandIn, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A region that it does not list may have no STS either, and then the run would end there."""
    for name in ("AWS_REGION", "AWS_DEFAULT_REGION"):
        monkeypatch.delenv(name)
    aws.answers.append(listing("me-west-1", deny))  # moto has no such region, and would answer 500
    run("--to", str(tmp_path), "--regions", "me-west-1,us-west-2")
    (asked,) = (request for request in aws.requests if b"GetCallerIdentity" in request.get_data())
    assert "/us-west-2/sts/" in asked.headers["Authorization"]


def test_a_wrong_region_names_the_variable_or_option_it_is_from(
    run: Run, aws: StandIn, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("INVENTORY_REGIONS", "us-east-9")
    assert run("--to", str(tmp_path)).stderr.startswith("error: INVENTORY_REGIONS: 'us-east-9' is no region")
    monkeypatch.delenv("INVENTORY_REGIONS")
    aws.answers.append(lambda request: deny(request) if request.path == "/listRegions" else None)
    assert "error: --regions: account:ListRegions did not" in run("--to", str(tmp_path)).stderr


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("--regions", "mars"), "'--regions': 'mars' is no region's name: use enabled"),
        (("--regions", "us-east-1,"), "'--regions': 'us-east-1,': '' is no region's name: use enabled"),
        (("--forget-days", "x"), "'--forget-days': 'x': not a whole number of 1 or more"),
    ],
)
def test_a_wrong_option_is_named_alone_and_its_value_once(run: Run, arguments: tuple[str, ...], said: str) -> None:
    result = run("--to", "out", *arguments)
    assert result.exit_code == 2
    assert f"Error: Invalid value for {said}" in result.stderr
    assert "INVENTORY" not in result.stderr


def test_where_it_is_no_terminal_there_are_no_boxes(run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    arguments = ("--to", str(tmp_path), "--regions", "us-east-1", "--time")
    assert "│" not in run(*arguments, "2026-11-24T17:00:00Z").output
    monkeypatch.setenv("COLUMNS", "80")
    assert "│" in run(*arguments, "2026-11-24T18:00:00Z").output


def test_a_region_that_no_sdk_knows_is_asked_with_a_warning(run: Run, aws: StandIn, tmp_path: Path) -> None:
    """It may be new: design and contract allow it, and a slip of the pen should not stay unseen."""
    aws.answers.append(listing("mars-1", deny))
    result = run("--to", str(tmp_path), "--regions", "mars-1,us-east-1")
    warnings = [line for line in result.stderr.splitlines() if line.startswith("warning: ")]
    assert warnings == ["warning: 'mars-1' is no region that the SDK knows, and was asked all the same: it may be new"]
    assert result.exit_code == 3


def test_a_wrong_variable_is_named_with_the_option(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("INVENTORY_REGIONS", "us-east-1,")
    result = run("--to", "out")
    assert result.exit_code == 2
    assert "Invalid value for '--regions' (env var: 'INVENTORY_REGIONS'): 'us-east-1,'" in result.stderr


def test_what_a_service_says_is_shown_as_text(run: Run, aws: StandIn, tmp_path: Path) -> None:
    hostile = "[bold]no\x1b[2J\x9b2J\u202e\r\nx"
    aws.answers.append(listing("sa-east-1", lambda _: error("Odd[/]\x1b", hostile)))
    arguments = ("--to", str(tmp_path), "--regions")
    for hour, regions in ((17, "us-east-1,sa-east-1"), (18, "sa-east-1")):
        result = run(*arguments, regions, "--time", f"2026-11-24T{hour}:00:00Z")
        assert r"\x1b[2J\x9b2J\u202e" in result.output.replace("\n", "")
        assert "[bold]" in result.output
        # Tabs are between the cells.
        assert [line for line in result.output.splitlines() if not line.replace("\t", " ").isprintable()] == []


def test_no_target_that_can_be_read_exits_1(run: Run, aws: StandIn, tmp_path: Path) -> None:
    aws.answers.append(listing("us-east-1", deny))
    result = run("--to", str(tmp_path), "--regions", "us-east-1")
    assert result.exit_code == 1
    assert "error: no target could be read" in result.stderr


def test_a_time_before_the_latest_snapshots_exits_1(run: Run, tmp_path: Path) -> None:
    run("--to", str(tmp_path), "--regions", "us-east-1", "--time", "2026-11-24T18:00:00Z")
    result = run("--to", str(tmp_path), "--regions", "us-east-1", "--time", "2026-11-24T17:00:00Z")
    assert result.exit_code == 1
    assert "error: a snapshot newer than 2026-11-24T17-00Z is there already" in result.stderr


def test_help_says_what_it_does_what_it_needs_and_how_it_exits(run: Run) -> None:
    result = run("--help")
    assert result.exit_code == 0
    for word in ("cognito-idp:ListUserPools", "s3:ListBucket", "Exit status", "INVENTORY_REGIONS", "--profile"):
        assert word in result.stdout


def test_the_package_can_be_run_as_a_module() -> None:
    ran = subprocess.run(
        [sys.executable, "-m", "pool_inventory", "--help"], check=True, capture_output=True, text=True
    )
    assert "run" in ran.stdout
    assert "demo" in ran.stdout


def test_an_interrupted_run_says_so_and_leaves_nothing_partial(aws: StandIn, tmp_path: Path) -> None:
    asked = threading.Event()

    def throttle_for_ever(request: Request) -> Response:
        asked.set()
        return throttle(request)

    aws.answers.append(listing("us-east-1", throttle_for_ever))
    # A shell's background job, as CI may be, has SIGINT ignored, and hands that down; a terminal's does not.
    heeding = "import signal; signal.signal(signal.SIGINT, signal.default_int_handler); "
    command = [sys.executable, "-c", f"{heeding}from pool_inventory.__main__ import main; main()"]
    command += ["run", "--to", str(tmp_path / "out"), "--regions", "us-east-1", "--timeout", "60"]
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True) as process:  # noqa: S603 - our own package
        assert asked.wait(30)
        process.send_signal(signal.SIGINT)
        _, said = process.communicate(timeout=60)
    assert process.returncode == 130
    assert said == "stopped: whatever was committed is whole, and the next run finishes it\n"
    assert not (tmp_path / "out").exists()


def test_a_terminal_gets_a_bar_for_what_is_at_work_or_failed(aws: StandIn, tmp_path: Path) -> None:
    import pty  # noqa: PLC0415 - only Unix has it

    main, terminal = pty.openpty()
    seed("us-east-1", any_pools(61))
    aws.answers.append(listing("eu-west-1", deny))
    arguments = ["run", "--to", str(tmp_path / "out"), "--regions", "us-east-1,sa-east-1,eu-west-1"]
    environment = {**os.environ, "TERM": "xterm-256color", "COLUMNS": "120"}
    with subprocess.Popen(  # noqa: S603 - our own package
        [sys.executable, "-m", "pool_inventory", *arguments], stdout=terminal, stderr=terminal, env=environment
    ) as process:
        os.close(terminal)
        shown = b""
        try:
            while block := os.read(main, 4096):
                shown += block
        except OSError:
            pass  # Linux ends a terminal that nobody writes to any more with EIO, not with an empty block
    os.close(main)
    assert process.returncode == 3
    text = re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", shown.decode())
    assert re.search(r"eu-west-1 denied ━+ requests 1, retries 0", text)
    assert "2 regions read" in text
