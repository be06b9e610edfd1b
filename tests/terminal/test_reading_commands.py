import errno
import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import boto3
import pyarrow.parquet as pq
import pytest
from click.testing import CliRunner, Result
from pool_inventory.clock import Clock
from pool_inventory.snapshots import keys
from pool_inventory.stores.folder import FolderStore
from pool_inventory.stores.s3 import S3Store
from pool_inventory.terminal import command_line as cli
from pool_inventory.terminal.demo.stand_in import StandIn

from tests.chains import Reading, add_chain, add_snapshot, identifier
from tests.conftest import BUCKET
from tests.makers import ACCOUNT_ID, TIME, any_pool, s3_error

FIRST_RELEASE = Path(__file__).parents[1] / "first_release/user-pools"
FUNCTION = f"arn:aws:lambda:eu-west-1:{ACCOUNT_ID}:function:check"


def pool(number: int, region: str = "eu-west-1", **members: Any) -> dict[str, Any]:
    named = {"Id": f"{region}_{number:09d}", "Name": f"pool {number}", "LambdaConfig": {}}
    return any_pool(region, **{**named, "CreationDate": 1.7e9, "LastModifiedDate": 1.7e9, **members})


DAYS = ("2026-11-24", "2026-11-25")
SWAPPED = pool(1, LambdaConfig={"PreSignUp": f"{FUNCTION}:3"})
READINGS: list[Reading] = [
    {"eu-west-1": [pool(1), pool(2)], "us-east-1": [pool(7, "us-east-1")]},
    {"eu-west-1": None, "us-east-1": [pool(7, "us-east-1"), pool(8, "us-east-1")]},
    {"eu-west-1": [SWAPPED, pool(3)], "us-east-1": [pool(7, "us-east-1"), pool(8, "us-east-1")]},
    {"eu-west-1": None, "us-east-1": [pool(8, "us-east-1")]},
]


@pytest.fixture(autouse=True)
def no_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("COLUMNS", raising=False)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Four snapshots, of which the second and the last could not read eu-west-1."""
    made = tmp_path_factory.mktemp("inventory")
    add_chain(FolderStore(made), READINGS)
    return made


@pytest.fixture
def own_folder(tmp_path: Path) -> Path:
    """The same, to be damaged."""
    add_chain(FolderStore(tmp_path), READINGS)
    return tmp_path


def run(command: str, location: Path | str, *arguments: str) -> Result:
    return CliRunner().invoke(cli.main, [command, str(location), *arguments])


def said(result: Result) -> str:
    assert result.exit_code == 0, result.output
    return result.stdout


def json_of(result: Result) -> Any:
    return json.loads(said(result))


def shown_ids(*arguments: str, folder: Path) -> list[str]:
    return [each["id"] for each in json_of(run("show", folder, "--json", *arguments))["pools"]]


def test_show_has_the_newest_pools_and_says_what_was_not_read(folder: Path) -> None:
    shown = said(run("show", folder))
    assert re.search(r"^us-east-1_000000008\tpool 8\t\t2023-11-14$", shown, re.MULTILINE)
    below = shown.partition("\n\n")[2].splitlines()
    assert below == [
        f"3 user pools known in {identifier(3)}, which is partial.",
        "Not read, so it is not known which pools are there now:",
        f"  {ACCOUNT_ID} eu-west-1: denied (AccessDeniedException), last read in {identifier(2)}",
    ]


def test_show_of_a_region_that_was_not_read_does_not_look_empty(folder: Path) -> None:
    assert "eu-west-1: denied" in said(run("show", folder, "--region", "eu-west-1"))
    assert "eu-west-1: denied" not in said(run("show", folder, "--region", "us-east-1"))


@pytest.mark.parametrize(
    ("time", "hour"),
    [("2026-11-24T20:00:00Z", 2), ("2026-11-24T20:59:59Z", 2), ("2026-11-24T22:00:00+01:00", 3), (identifier(0), 0)],
)
def test_show_at_a_time_is_of_the_newest_snapshot_not_after_it(folder: Path, time: str, hour: int) -> None:
    assert json_of(run("show", folder, "--json", "--at", time))["snapshotId"] == identifier(hour)


@pytest.mark.parametrize(
    ("arguments", "numbers"),
    [
        ((), [1, 3, 7, 8]),
        (("--region", "eu-west-1"), [1, 3]),
        (("--region", "eu-west-1", "--region", "us-east-1"), [1, 3, 7, 8]),
        (("--region", "eu-west-1, us-east-1"), [1, 3, 7, 8]),
        (("--account", ACCOUNT_ID), [1, 3, 7, 8]),
        (("--trigger", "pre_sign_up"), [1]),
        (("--trigger", "PreSignUp"), [1]),
        (("--trigger", "pre-sign-up"), [1]),
        (("--trigger", "user_migration"), []),
        (("--function", "check"), [1]),
        (("--function", "check:3"), [1]),
        (("--function", "check:4"), []),
        (("--function", "chec"), []),
        (("--function", f"{ACCOUNT_ID}:function:check"), [1]),
        (("--function", "210987654321:function:check"), []),
        (("--function", FUNCTION), [1]),
        (("--function", f"{FUNCTION}:3"), [1]),
        (("--function", f"{FUNCTION}:4"), []),
        (("--function", FUNCTION[:-1]), []),
        (("--function", FUNCTION, "--trigger", "user_migration"), []),
        (("--name", "pool [37]"), [3, 7]),
        (("--name", "POOL*"), []),
        (("--only-read",), [1, 3, 7, 8]),
    ],
)
def test_show_has_only_what_is_asked_for(folder: Path, arguments: tuple[str, ...], numbers: list[int]) -> None:
    found = shown_ids("--at", identifier(2), *arguments, folder=folder)
    assert [int(each.partition("_")[2]) for each in found] == numbers


@pytest.mark.parametrize(("since", "count"), [("2026-11-24", 3), ("2026-11-25", 1), ("2026-11-24T19:00:00Z", 2)])
def test_verify_since_a_day_checks_the_whole_day(tmp_path: Path, since: str, count: int) -> None:
    for hour in (0, 5, 29):
        add_snapshot(FolderStore(tmp_path), hour, {"eu-west-1": []})
    checked = json_of(run("verify", tmp_path, "--json", "--since", since))["checked"]
    assert checked["snapshots"] == count


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("--region", "nowhere-1"), "the snapshot covers no region 'nowhere-1': it has eu-west-1, us-east-1"),
        (
            ("--region", "us-esat-1"),
            "the snapshot covers no region 'us-esat-1': it has eu-west-1, us-east-1; did you mean us-east-1?",
        ),
        (("--account", "42"), f"the snapshot covers no account '42': it has {ACCOUNT_ID}"),
        (("--region", "us-east-1,nowhere-1"), "the snapshot covers no region 'nowhere-1'"),
    ],
)
def test_a_place_that_no_coverage_has_does_not_look_empty(
    folder: Path, arguments: tuple[str, ...], message: str
) -> None:
    result = run("show", folder, *arguments)
    assert (result.exit_code, result.stdout) == (1, "")
    assert result.stderr.startswith(f"error: {message}")


@pytest.mark.parametrize(
    ("asked", "said"),
    [("chekc", "did you mean check?"), (FUNCTION.replace("check", "checks"), "did you mean check?"), ("check:4", "")],
)
def test_a_function_that_no_pool_calls_may_be_meant_otherwise(folder: Path, asked: str, said: str) -> None:
    result = run("show", folder, "--at", identifier(2), "--function", asked)
    assert result.exit_code == 0
    assert "0 of 4 user pools known" in result.stdout
    assert result.stderr.endswith(f"{said}\n" if said else "")
    assert ("warning: no pool calls a function" in result.stderr) is bool(said)


@pytest.mark.parametrize(
    ("moment", "hour"),
    [("2026-11-24", 3), ("2026-11-25", 3), ("yesterday", 3), ("today", 3), ("30m", 3), ("1h", 3), ("2d", None)],
)
def test_at_takes_a_day_and_how_long_ago(tmp_path: Path, moment: str, hour: int | None) -> None:
    """Of snapshots that are hours old: the newest up to the end of the day, or up to so long ago."""
    add_chain(FolderStore(tmp_path), READINGS)
    age_days = (Clock().now() - TIME).days
    shifted = f"{int(moment[:-1]) + age_days}d" if moment.endswith("d") else moment
    result = run("show", tmp_path, "--json", "--at", shifted)
    assert (json_of(result)["snapshotId"] if hour else result.exit_code) == (identifier(hour) if hour else 1)


def test_at_a_day_is_the_newest_of_that_day(tmp_path: Path) -> None:
    made = [add_snapshot(FolderStore(tmp_path), hour, {"eu-west-1": []}) for hour in (0, 5, 6, 29)]
    found = {day: json_of(run("show", tmp_path, "--json", "--at", day))["snapshotId"] for day in DAYS}
    assert found == {"2026-11-24": made[1], "2026-11-25": made[3]}


@pytest.mark.parametrize("width", [60, 80, 120])
def test_a_table_fits_the_terminal(tmp_path: Path, width: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", str(width))
    add_chain(FolderStore(tmp_path), [{"eu-west-1": [pool(1, Name="利用者プール " * 12), SWAPPED]}])
    table = said(run("show", tmp_path)).partition("\n\n")[0]
    # A wide character takes two columns.
    assert max(len(line.encode("gb18030")) - line.count("…") for line in table.splitlines()) <= width
    assert "…" in table
    assert "eu-west-1_000000001" in table


def test_a_name_cannot_break_a_line_or_reach_the_terminal(tmp_path: Path) -> None:
    add_chain(FolderStore(tmp_path), [{"eu-west-1": [pool(1, Name="two\nlines \x1b[31mred\u2028x")]}])
    shown = said(run("show", tmp_path))
    assert r"two\nlines \x1b[31mred\u2028x" in shown


# Each of these moves a cursor, clears a screen or turns the direction of text.
HOSTILE = "\x1b[2J\x7f\x9b2J\u202e\u2066x"


@pytest.fixture(scope="module")
def hostile_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two snapshots of pools whose names and functions are hostile, and of a region that could not be read."""
    made = tmp_path_factory.mktemp("hostile")
    names = (f"old {HOSTILE}", f"new {HOSTILE}")
    pools = [[pool(1, Name=name, LambdaConfig={"PreSignUp": name})] for name in names]
    add_chain(FolderStore(made), [{"eu-west-1": each, f"us-{HOSTILE}": None} for each in pools])
    return made


@pytest.mark.parametrize(
    "arguments",
    [
        ("show",),
        ("diff",),
        ("list",),
        ("history", "eu-west-1_000000001"),
        ("history", HOSTILE),
        ("verify",),
        ("export", "--format", "ndjson"),
        ("export", "--format", "json"),
        *((command, "--json") for command in ("show", "diff", "list", "verify")),
        ("history", "eu-west-1_000000001", "--json"),
    ],
)
def test_no_control_character_reaches_the_terminal(hostile_folder: Path, arguments: tuple[str, ...]) -> None:
    result = run(arguments[0], hostile_folder, *arguments[1:])
    lines = [*result.stdout.splitlines(), *result.stderr.splitlines()]
    # Tabs are between the cells: in a cell they are escapes.
    assert [line for line in lines if not line.replace("\t", " ").isprintable()] == []


def test_json_has_the_same_values_where_it_has_escapes(hostile_folder: Path) -> None:
    shown = json_of(run("show", hostile_folder, "--json"))
    assert [each["name"] for each in shown["pools"]] == [f"new {HOSTILE}"]
    assert [each["region"] for each in shown["unread"]] == [f"us-{HOSTILE}"]
    exported = [
        json.loads(line) for line in said(run("export", hostile_folder, "--format", "ndjson")).split("\n")[:-1]
    ]
    assert exported == json_of(run("export", hostile_folder, "--json")) == shown["pools"]


def test_csv_has_all_characters_as_they_are_and_says_so(hostile_folder: Path) -> None:
    assert HOSTILE in run("export", hostile_folder, "--format", "csv").stdout_bytes.decode()
    assert "It is for files: its cells have all characters as they are" in " ".join(
        said(CliRunner().invoke(cli.main, ["export", "--help"])).split()
    )


def test_an_unknown_value_is_not_shown_as_none(tmp_path: Path) -> None:
    unknown = pool(1)
    for member in ("CreationDate", "LastModifiedDate", "Name", "LambdaConfig"):
        del unknown[member]
    add_chain(FolderStore(tmp_path), [{"eu-west-1": [unknown], "us-east-1": None}, {"eu-west-1": None}])
    for arguments in (("show",), ("diff",), ("list",), ("verify",), ("verify", "--since", "2026-12-01T00:00:00Z")):
        assert "none" not in run(arguments[0], tmp_path, *arguments[1:]).output.lower(), arguments
    shown = said(run("history", tmp_path, "eu-west-1_000000001"))
    assert re.search(r"found\tthere when its region was first read$", shown, re.MULTILINE)
    assert "None" not in shown


def test_diff_defaults_to_the_newest_and_the_one_before(folder: Path) -> None:
    shown = said(run("diff", folder))
    assert f"From {identifier(2)} to {identifier(3)}:" in shown
    assert re.search(r"^deleted\tus-east-1_000000007\tpool 7\t$", shown, re.MULTILINE)
    assert "0 created, 1 deleted, 0 modified." in shown


def test_diff_never_has_a_pool_of_an_unread_region_deleted(folder: Path) -> None:
    shown = said(run("diff", folder))
    assert "eu-west-1_" not in shown
    assert f"  {ACCOUNT_ID} eu-west-1: denied in {identifier(3)}" in shown


def test_diff_of_two_says_which_columns_differ_and_how(folder: Path) -> None:
    shown = said(run("diff", folder, identifier(0), "2026-11-24T20:30:00Z"))
    assert "pre_sign_up: none → check:3" in shown
    found = json_of(run("diff", folder, identifier(0), identifier(2), "--json"))
    changes = [(each["change"], each["id"], each["fields"]) for each in found["changes"]]
    assert changes == [
        ("modified", "eu-west-1_000000001", ["lambda_config.pre_sign_up"]),
        ("deleted", "eu-west-1_000000002", []),
        ("created", "eu-west-1_000000003", []),
        ("created", "us-east-1_000000008", []),
    ]
    assert found["changes"][0]["before"]["lambda_config"]["pre_sign_up"] is None
    assert found["changes"][0]["after"]["lambda_config"]["pre_sign_up"] == f"{FUNCTION}:3"


def test_diff_of_one_is_with_the_newest(folder: Path) -> None:
    found = json_of(run("diff", folder, identifier(0), "--json"))
    assert (found["before"], found["after"]) == (identifier(0), identifier(3))
    assert found["notCompared"] == [
        {"account_id": ACCOUNT_ID, "region": "eu-west-1", "reason": f"denied in {identifier(3)}"}
    ]


def test_a_region_that_only_one_of_two_asked_is_not_compared(tmp_path: Path) -> None:
    add_chain(FolderStore(tmp_path), [{"us-east-1": []}, {"us-east-1": [], "eu-west-1": [pool(1)]}])
    shown = said(run("diff", tmp_path))
    assert "0 created, 0 deleted, 0 modified." in shown
    assert f"eu-west-1: not asked in {identifier(0)}" in shown


def events_of(folder: Path, pool_id: str) -> list[tuple[str, str | None, str]]:
    events = json_of(run("history", folder, pool_id, "--json"))["events"]
    return [(each["snapshotId"], each["previousSnapshotId"], each["change"]) for each in events]


def test_history_shows_the_events_of_a_pool(folder: Path) -> None:
    zero, one, two, three = map(identifier, range(4))
    assert events_of(folder, "us-east-1_000000007") == [(zero, None, "found"), (three, two, "deleted")]
    assert events_of(folder, "us-east-1_000000008") == [(one, zero, "created")]
    assert events_of(folder, "eu-west-1_000000001") == [(zero, None, "found"), (two, zero, "modified")]


def test_history_says_whether_the_pool_is_known_to_be_there_now(folder: Path) -> None:
    newest = identifier(3)
    assert f"It is gone in {newest}, the newest snapshot." in said(run("history", folder, "us-east-1_000000007"))
    assert f"It is there in {newest}, the newest snapshot." in said(run("history", folder, "us-east-1_000000008"))
    unread = said(run("history", folder, "eu-west-1_000000001"))
    assert f"It was there when eu-west-1 was last read, in {identifier(2)}; {newest} did not: denied." in unread
    assert "pre_sign_up: none → check:3" in unread


def test_only_read_leaves_out_what_is_known_from_earlier(folder: Path) -> None:
    newest = {row["id"]: row["read_at"] for row in json_of(run("export", folder, "--json"))}
    assert len(newest) == 3
    read = json_of(run("export", folder, "--json", "--only-read"))
    assert [row["id"] for row in read] == ["us-east-1_000000008"] == shown_ids("--only-read", folder=folder)
    result = run("show", folder, "--only-read")
    assert "1 of 3 user pools known" in result.stdout
    assert "eu-west-1: denied" in result.stdout


@pytest.mark.parametrize("ending", ["csv", "ndjson", "json", "parquet"])
def test_the_files_ending_says_which_format_to_export(folder: Path, tmp_path: Path, ending: str) -> None:
    named, by_ending = tmp_path / "named", tmp_path / f"pools.{ending}"
    assert run("export", folder, "--format", ending, "-o", str(named)).exit_code == 0
    assert run("export", folder, "-o", str(by_ending)).exit_code == 0
    assert by_ending.read_bytes() == named.read_bytes()


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


def test_history_takes_the_arn_of_a_pool(folder: Path) -> None:
    arn = f"arn:aws:cognito-idp:us-east-1:{ACCOUNT_ID}:userpool/us-east-1_000000008"
    assert events_of(folder, arn) == events_of(folder, "us-east-1_000000008")


def test_history_says_that_nothing_is_known_of_a_region(tmp_path: Path) -> None:
    add_chain(FolderStore(tmp_path), [{"eu-west-1": None, "us-east-1": []}] * 2)
    result = run("history", tmp_path, "eu-west-1_000000001")
    assert result.exit_code == 1
    said = "nothing is known of the pools of eu-west-1: it is denied in the newest snapshot, which knows of no reading"
    assert said in result.stderr


def test_a_change_is_whole_in_80_columns(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A swapped function is what a reader looks for: it is named apart from those of the pool's own account."""
    monkeypatch.setenv("COLUMNS", "80")
    strange = "arn:aws:lambda:us-east-1:666655554444:function:strange-and-quite-long"
    swapped = pool(1, Name="customers " * 8, LambdaConfig={"PreSignUp": strange})
    add_chain(FolderStore(tmp_path), [{"eu-west-1": [pool(1, Name="customers " * 8)]}, {"eu-west-1": [swapped]}])
    for arguments in (("diff",), ("history", "eu-west-1_000000001")):
        shown = said(run(arguments[0], tmp_path, *arguments[1:]))
        assert max(map(len, shown.splitlines())) <= 80
        words = " ".join(shown.split())
        for word in ("pre_sign_up:", "none →", "strange-and-quite-long", "666655554444,", "us-east-1)"):
            assert word in words


@pytest.mark.parametrize("arguments", [("show",), ("diff",), ("list",), ("history", "us-east-1_000000008")])
def test_what_shows_the_newest_says_how_old_it_is(folder: Path, arguments: tuple[str, ...]) -> None:
    """On standard error, where it is not among the rows."""
    assert f"the newest snapshot, {identifier(3)}, is " in run(arguments[0], folder, *arguments[1:]).stderr
    assert run(arguments[0], folder, *arguments[1:], "--json").stderr == ""


def test_a_snapshot_that_was_asked_for_has_no_age(folder: Path) -> None:
    assert run("show", folder, "--at", identifier(1)).stderr == ""


def test_list_has_a_line_per_snapshot(folder: Path) -> None:
    lines = said(run("list", folder)).splitlines()
    assert [line.split() for line in lines] == [
        ["snapshot", "status", "pools", "created", "deleted", "modified", "unread"],
        [identifier(0), "complete", "3", "0", "0", "0", "0"],
        [identifier(1), "partial", "2", "1", "0", "0", "1"],
        [identifier(2), "complete", "4", "1", "1", "1", "0"],
        [identifier(3), "partial", "1", "0", "1", "0", "1"],
    ]
    assert len(said(run("list", folder, "--last", "2")).splitlines()) == 3


def test_list_reads_manifests_only(own_folder: Path) -> None:
    expected = said(run("list", own_folder))
    for path in own_folder.rglob("*.parquet"):
        path.unlink()
    assert said(run("list", own_folder)) == expected
    assert len(json_of(run("list", own_folder, "--json"))["snapshots"]) == 4


def test_a_manifest_of_0_1_is_listed_with_missing_values_unknown(own_folder: Path) -> None:
    path = own_folder / keys.manifest(identifier(2))
    manifest = json.loads(path.read_text())
    for field in ("changes", "uncompared", "extraFormats"):
        del manifest[field]
    path.write_text(json.dumps(manifest))
    assert said(run("list", own_folder)).splitlines()[3].split() == [
        identifier(2),
        "complete",
        "4",
        "?",
        "?",
        "?",
        "0",
    ]


def test_list_has_the_others_where_one_manifest_is_refused(aws: StandIn) -> None:
    add_chain(S3Store.open(boto3.session.Session(), BUCKET, "pools"), READINGS)
    deny = s3_error("AccessDenied", 403)
    aws.answers.append(lambda request: deny(request) if request.path.endswith(keys.manifest(identifier(2))) else None)
    result = run("list", f"s3://{BUCKET}/pools")
    assert result.exit_code == 1
    assert [line.split()[0] for line in result.stdout.splitlines()[1:]] == [identifier(n) for n in (0, 1, 3)]
    assert f"{identifier(2)}/manifest.json" in result.stderr


@pytest.mark.parametrize("file_format", ["csv", "ndjson", "json", "parquet"])
def test_export_writes_the_same_to_a_file_as_to_standard_output(
    folder: Path, tmp_path: Path, file_format: str
) -> None:
    result = run("export", folder, "--format", file_format, "--at", identifier(2))
    assert result.exit_code == 0
    file = tmp_path / "pools"
    assert run("export", folder, "--format", file_format, "--at", identifier(2), "-o", str(file)).exit_code == 0
    assert file.read_bytes() == result.stdout_bytes
    assert [path.name for path in tmp_path.iterdir()] == ["pools"]


def test_export_has_every_row_and_says_what_was_not_read(folder: Path, tmp_path: Path) -> None:
    assert len(json_of(run("export", folder, "--json", "--at", identifier(2)))) == 4
    file = tmp_path / "pools.parquet"
    result = run("export", folder, "--format", "parquet", "-o", str(file))
    assert pq.read_table(file).num_rows == 3
    assert "eu-west-1: denied" in result.stderr


def test_export_defuses_formulas_in_csv_unless_asked_not_to(tmp_path: Path) -> None:
    add_chain(FolderStore(tmp_path), [{"eu-west-1": [pool(1, Name="=1+1")]}])
    assert ",'=1+1," in said(run("export", tmp_path, "--format", "csv"))
    assert ",=1+1," in said(run("export", tmp_path, "--format", "csv", "--raw-cells"))


def test_what_is_no_file_stays_what_it_is(folder: Path, tmp_path: Path) -> None:
    """A device, a pipe and a link are written to, and not replaced."""
    linked, link = tmp_path / "linked.csv", tmp_path / "link.csv"
    linked.write_text("before")
    link.symlink_to(linked)
    assert run("export", folder, "--format", "csv", "-o", str(link)).exit_code == 0
    assert link.is_symlink()
    assert linked.read_bytes() == run("export", folder, "--format", "csv").stdout_bytes
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    with subprocess.Popen(["cat", str(pipe)], stdout=subprocess.PIPE) as reader:  # noqa: S603, S607 - our own file
        assert run("export", folder, "--format", "csv", "-o", str(pipe)).exit_code == 0
        assert reader.communicate(timeout=60)[0] == linked.read_bytes()
    assert pipe.is_fifo()


@pytest.mark.parametrize("command", ["show", "summary", "functions", "export"])
def test_pools_that_are_lost_are_said_to_be(command: str, tmp_path: Path) -> None:
    """A bucket of 0.1 whose earlier snapshot expired: nothing has the pools of a region that it could not read."""
    shutil.copytree(FIRST_RELEASE, tmp_path / "out")
    (path,) = (tmp_path / "out/data").rglob("*T18-00Z.parquet")
    path.unlink()
    result = run(command, tmp_path / "out", *(["--format", "csv"] if command == "export" else []))
    assert result.exit_code == 0, result.output
    assert "warning: the pools of 123456789012 eu-west-1 cannot be read, and are left out: " in result.stderr


def test_an_export_that_cannot_be_written_leaves_nothing(folder: Path, tmp_path: Path) -> None:
    result = run("export", folder, "--format", "csv", "-o", str(tmp_path / "nowhere" / "pools.csv"))
    assert result.exit_code == 1
    assert "name a file in a folder that can be written to" in result.stderr
    assert list(tmp_path.iterdir()) == []


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


def piped(folder: Path, *arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "pool_inventory", *arguments[:1], str(folder), *arguments[1:]]
    return subprocess.run(  # noqa: S603 - our own package
        command, capture_output=True, text=True, check=True, env={**os.environ, **environment}
    )


@pytest.mark.parametrize("arguments", [("export", "--format", "csv"), ("show",), ("show", "--json"), ("list",)])
def test_a_closed_pipe_ends_a_command_quietly(tmp_path: Path, arguments: tuple[str, ...]) -> None:
    reading: Reading = {"eu-west-1": [pool(number) for number in range(2000)]}
    add_chain(FolderStore(tmp_path), [reading])
    command = [sys.executable, "-m", "pool_inventory", arguments[0], str(tmp_path), *arguments[1:]]
    reader, writer = os.pipe()
    os.close(reader)
    with subprocess.Popen(  # noqa: S603 - our own package
        command, stdout=writer, stderr=subprocess.PIPE, text=True
    ) as process:
        os.close(writer)
        _, error = process.communicate(timeout=60)
    assert (process.returncode, error) == (0, "")


def test_output_to_no_terminal_has_no_colours_and_whole_lines(folder: Path) -> None:
    shown = piped(folder, "diff", identifier(0), identifier(2)).stdout
    assert "\x1b" not in shown
    assert "pre_sign_up: none → check:3" in shown


def test_a_character_that_the_terminal_lacks_is_no_error(tmp_path: Path) -> None:
    add_chain(FolderStore(tmp_path), [{"eu-west-1": [pool(1, Name="利用者")]}])
    assert r"\u5229\u7528\u8005" in piped(tmp_path, "show", PYTHONIOENCODING="ascii").stdout


@pytest.mark.parametrize(("no_color", "coloured"), [("", True), ("1", False)])
def test_colours_are_for_terminals_that_may_have_them(folder: Path, no_color: str, coloured: bool) -> None:  # noqa: FBT001 - a case
    import pty  # noqa: PLC0415 - only Unix has it

    main, terminal = pty.openpty()
    environment = {**os.environ, "TERM": "xterm-256color", "COLUMNS": "100", "NO_COLOR": no_color}
    command = [sys.executable, "-m", "pool_inventory", "list", str(folder)]
    with subprocess.Popen(command, stdout=terminal, env=environment) as process:  # noqa: S603 - our own package
        os.close(terminal)
        shown = b""
        try:
            while block := os.read(main, 4096):
                shown += block
        except OSError as error:
            assert error.errno == errno.EIO  # noqa: PT017 - Linux ends a terminal that nobody writes to so
    os.close(main)
    assert process.returncode == 0
    assert (b"\x1b[" in shown) == coloured


BREAKS: list[tuple[str, Callable[[Path], object], str]] = [
    ("latest.json is broken", lambda folder: (folder / keys.LATEST).write_text("{}"), "put back an earlier version"),
    (
        "data is torn",
        lambda folder: os.truncate(folder / keys.data(identifier(3)), 100),
        "has 100 bytes and is not the file of",
    ),
    ("data is gone", lambda folder: (folder / keys.data(identifier(3))).unlink(), "is gone, expired perhaps"),
    ("the manifest is gone", lambda folder: (folder / keys.manifest(identifier(3))).unlink(), "is gone"),
]


@pytest.mark.parametrize(("damage", "message"), [each[1:] for each in BREAKS], ids=[each[0] for each in BREAKS])
@pytest.mark.parametrize("command", ["show", "diff", "export"])
def test_a_broken_object_is_one_line_that_says_what_helps(
    own_folder: Path, damage: Callable[[Path], object], message: str, command: str
) -> None:
    damage(own_folder)
    result = run(command, own_folder, *(["--format", "csv"] if command == "export" else []))
    assert result.exit_code == 1
    assert re.fullmatch(r"error: .*\n", result.stderr.partition("warning")[0])
    assert message in result.stderr


def test_a_manifest_of_a_newer_release_hides_no_other(own_folder: Path) -> None:
    """Its line says to update."""
    path = own_folder / keys.manifest(identifier(1))
    path.write_text(path.read_text().replace('"contractVersion": 2', '"contractVersion": 3'))
    result = run("show", own_folder, "--at", identifier(1))
    assert result.exit_code == 1
    assert re.fullmatch(r"error: \S+ is of contract version 3, and .* 2: update pool-inventory\n", result.stderr)
    listed = run("list", own_folder)
    assert listed.exit_code == 1
    assert listed.stderr.splitlines()[1:] == result.stderr.splitlines()
    assert len(listed.stdout.splitlines()) == 4


@pytest.mark.parametrize("command", ["show", "list", "diff"])
def test_without_latest_json_manifests_are_listed_with_a_note(own_folder: Path, command: str) -> None:
    expected = said(run(command, own_folder))
    (own_folder / keys.LATEST).unlink()
    result = run(command, own_folder)
    assert said(result) == expected
    warning, _age = result.stderr.splitlines()
    assert re.fullmatch(r"warning: \S+latest.json is missing, so the manifests were listed: .*", warning)


def test_foreign_objects_are_passed_over(own_folder: Path) -> None:
    expected = {command: said(run(command, own_folder)) for command in ("show", "list", "diff")}
    for key in ("data/x.parquet", "manifests/x/manifest.json", "manifests/2026-99-99T99-99Z/manifest.checksum", "y"):
        own_folder.joinpath(key).parent.mkdir(exist_ok=True)
        own_folder.joinpath(key).write_text("mine")
    assert {command: said(run(command, own_folder)) for command in expected} == expected


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


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("show", "gs://inventory/pools"), "name s3://BUCKET/PREFIX"),
        (("show", "s3:///pools"), "name s3://BUCKET/PREFIX"),
        (("export", ".", "-o", "pools.xls"), "name one format"),
        (("show", ".", "--region", ""), "'' has an empty name: use one name, or several with commas between"),
        (("show", ".", "--region", "us-east-1,"), "'us-east-1,' has an empty name"),
        (("show", ".", "--account", " , "), "has an empty name"),
        (("show", ".", "--at", "2999-01-01"), "'2999-01-01' is more than a day to come"),
        (("show", ".", "--at", "2026-13-45"), "'2026-13-45' is no time in ISO 8601"),
        (("verify", ".", "--since", "2026-13-45"), "'2026-13-45' is no time in ISO 8601"),
        (("show", ".", "--at", "last week"), "or a snapshot's id, such as 2026-11-24T18-00Z"),
        (("show", ".", "--trigger", "x"), "'x' is no trigger: use pre_sign_up"),
        (("show", ".", "--trigger", "PreSignup2"), "'PreSignup2' is no trigger: did you mean pre_sign_up?"),
        (("show", ".", "--function", "arn of it"), "'arn of it' is no function: use its name, NAME:ALIAS"),
        (("diff", ".", "1", "2"), "or a snapshot's id"),
        (("show", ".", "--at", "999999w"), "'999999w' is before the calendar begins"),
        (("list", ".", "--last", "0"), "0 is not in the range"),
        (("export", ".", "-o", ""), "it has no name: name a file"),
        (("report", ".", "-o", ""), "it has no name: name a file"),
        (("export", "."), "name one format"),
        (("export", ".", "--json", "--format", "csv"), "name one format"),
        (("history", "."), "Missing argument 'POOL_ID'"),
        (("verify",), "Missing argument 'LOCATION'"),
    ],
)
def test_a_wrong_option_exits_2_and_says_what_is_valid(arguments: tuple[str, ...], message: str) -> None:
    result = CliRunner().invoke(cli.main, arguments)
    assert result.exit_code == 2
    assert message in " ".join(result.stderr.split())


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("show", "--at", "2020-01-01T00:00:00Z"), f"the first is {identifier(0)}, so name a later time"),
        (("show", "--at", "2026-11-24T17-00Z"), "is not there: `pool-inventory list` has the snapshots that are"),
        (("diff", "2020-01-01T00:00:00Z"), f"the first is {identifier(0)}, so name a later time"),
        (("history", "us-east-1_000000088"), "did you mean us-east-1_000000008"),
        (("verify", "--since", "2026-11-25"), f"no snapshot is from then or later: the newest is {identifier(3)}"),
        (("history", "pool 8"), "did you mean us-east-1_000000008?"),
        (("history", "us-east-2_000000008"), "the snapshot covers no region 'us-east-2': it has eu-west-1, us-east-1"),
        (("history", "nothing like it"), "`pool-inventory show` has the ids"),
    ],
)
def test_a_missing_pool_or_snapshot_says_in_a_line_what_helps(
    folder: Path, arguments: tuple[str, ...], message: str
) -> None:
    result = run(arguments[0], folder, *arguments[1:])
    assert result.exit_code == 1
    assert re.fullmatch(r"error: .*\n", result.stderr)
    assert message in result.stderr


def test_the_first_snapshot_has_none_before_it(tmp_path: Path) -> None:
    add_chain(FolderStore(tmp_path), READINGS[:1])
    result = run("diff", tmp_path)
    assert result.exit_code == 1
    assert "is the first snapshot, so there is none before it to compare it with" in result.stderr
