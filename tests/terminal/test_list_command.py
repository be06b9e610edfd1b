import json
from pathlib import Path

import boto3
from pool_inventory.snapshots import keys
from pool_inventory.stores.s3 import S3Store
from pool_inventory.terminal.demo.stand_in import StandIn

from tests.chains import add_chain, identifier
from tests.conftest import BUCKET
from tests.makers import s3_error
from tests.terminal.inventories import FIRST_RELEASE, READINGS, json_of, run, said


def test_list_has_a_line_per_snapshot(folder: Path) -> None:
    lines = said(run("list", folder)).splitlines()
    assert [line.split() for line in lines] == [
        ["snapshot", "status", "read", "known", "created", "deleted", "modified", "unread"],
        [identifier(0), "complete", "3", "3", "0", "0", "0", "0"],
        [identifier(1), "partial", "2", "4", "1", "0", "0", "1"],
        [identifier(2), "complete", "4", "4", "1", "1", "1", "0"],
        [identifier(3), "partial", "1", "3", "0", "1", "0", "1"],
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


def test_what_0_1_knew_beside_what_it_read_is_not_known() -> None:
    """It carried nothing from a snapshot to the next."""
    lines = [line.split() for line in said(run("list", FIRST_RELEASE)).splitlines()]
    partial = [line for line in lines if line[1] == "partial"]
    assert partial
    assert {line[3] for line in partial} == {"?"}
    assert {each["knownCount"] for each in json_of(run("list", FIRST_RELEASE, "--json"))["snapshots"]} >= {None}
