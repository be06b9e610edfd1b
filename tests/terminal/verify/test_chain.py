import gzip
import hashlib
import json
import zlib
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import boto3
import pytest
from click.testing import CliRunner, Result
from pool_inventory.model import Link
from pool_inventory.publish.commit import commit
from pool_inventory.publish.finish import finish
from pool_inventory.snapshots import keys
from pool_inventory.stores.folder import FolderStore
from pool_inventory.stores.s3 import S3Store
from pool_inventory.terminal import command_line as cli
from pool_inventory.terminal.demo.stand_in import StandIn
from pool_inventory.terminal.verify.chain import verify

from tests.chains import Reading, add_chain, add_snapshot, changing_readings, identifier, lines_of
from tests.conftest import BUCKET
from tests.makers import ACCOUNT_ID, TIME, any_coverage, any_draft, any_pools

# A target is carried in the middle, in 5, and in the last, 12. The cost of these tests grows with its square.
LENGTH = 13
LAST = LENGTH - 1

Damage = Callable[[Path], None]


def flip_a_byte(path: Path) -> None:
    body = bytearray(path.read_bytes())
    body[len(body) // 2] ^= 1
    path.write_bytes(body)


def flip_the_time(path: Path) -> None:
    """In gzip's header, where no reader looks."""
    body = bytearray(path.read_bytes())
    body[5] ^= 1
    path.write_bytes(body)


def flip_the_system(path: Path) -> None:
    """As above."""
    body = bytearray(path.read_bytes())
    body[9] ^= 1
    path.write_bytes(body)


def flip_the_padding(path: Path) -> None:
    """A bit after the last that counts: gzip's stream ends within a byte, before eight more of sum and size."""
    whole = path.read_bytes()
    for bit in (7, 6, 5, 4, 3, 2, 1):
        body = bytearray(whole)
        body[-9] ^= 1 << bit
        path.write_bytes(body)
        with suppress(zlib.error, OSError, EOFError):
            if gzip.decompress(bytes(body)) == gzip.decompress(whole):
                return


@pytest.fixture(scope="module")
def chain(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Whoever damages it puts it back: making one takes longer than checking it."""
    folder = tmp_path_factory.mktemp("chain")
    add_chain(FolderStore(folder), changing_readings(LENGTH))
    return folder


def run(*arguments: str) -> Result:
    return CliRunner().invoke(cli.main, ["verify", *arguments])


def keys_of(folder: Path, part: str = "") -> list[str]:
    paths = (path.relative_to(folder).as_posix() for path in sorted(folder.rglob("[!.]*")) if path.is_file())
    return [path for path in paths if part in path and not path.startswith(keys.STAGING)]


def objects_of(hour: int) -> list[str]:
    each = identifier(hour)
    made = [keys.data, keys.coverage, keys.changes, keys.symlink, keys.manifest, keys.checksum]
    # What changing_readings could not read is carried.
    carried = [keys.carried] if hour % 7 == 5 else []
    return [key(each) for key in made + carried]


def faults(folder: Path, since: str = "") -> list[str]:
    return [f"{key}: {text}" for key, text in verify(FolderStore(folder), since=since).faults]


def assert_named(folder: Path, key: str, damage: Damage, since: str) -> None:
    body = (folder / key).read_bytes()
    damage(folder / key)
    try:
        assert any(key in fault for fault in faults(folder, since)), key
    finally:
        (folder / key).write_bytes(body)


def test_the_cases_below_are_every_object_of_the_chain(chain: Path) -> None:
    named = {key for hour in range(LENGTH) for key in objects_of(hour)}
    assert {*named, keys.LATEST, keys.LATEST_DATA, keys.LATEST_COVERAGE} == set(keys_of(chain))


def test_a_sound_chain_exits_0_and_says_what_was_checked(chain: Path) -> None:
    result = run(str(chain))
    assert result.exit_code == 0, result.output
    count = sum(len(objects_of(hour)) for hour in range(LENGTH)) + 3
    assert f"Checked {LENGTH} snapshots, {identifier(0)} to {identifier(LAST)}: {count} objects, " in result.stdout
    assert result.stdout.endswith("Sound.\n")


@pytest.mark.parametrize("hour", range(LENGTH))
@pytest.mark.parametrize("damage", [flip_a_byte, Path.unlink])
def test_one_byte_flipped_or_one_object_removed_is_named(chain: Path, hour: int, damage: Damage) -> None:
    for key in objects_of(hour):
        assert_named(chain, key, damage, since=identifier(hour))


@pytest.mark.parametrize("damage", [flip_a_byte, Path.unlink])
@pytest.mark.parametrize("key", [keys.LATEST, keys.LATEST_DATA, keys.LATEST_COVERAGE])
def test_damage_to_what_names_or_copies_the_newest_is_named(chain: Path, key: str, damage: Damage) -> None:
    assert_named(chain, key, damage, since=identifier(LAST))


@pytest.mark.parametrize("hour", [LAST - 1, LAST])
def test_each_field_of_a_manifest_that_was_edited_is_named(chain: Path, hour: int) -> None:
    path = chain / keys.manifest(identifier(hour))
    manifest = json.loads(path.read_text())
    for field in manifest:

        def edit(path: Path, field: str = field) -> None:
            path.write_text(json.dumps({**manifest, field: "edited"}))

        assert_named(chain, path.relative_to(chain).as_posix(), edit, since=identifier(hour))


def test_a_manifest_edited_with_its_checksum_is_named(chain: Path) -> None:
    """The field that was edited is named, too."""
    manifest, checksum = (chain / key(identifier(5)) for key in (keys.manifest, keys.checksum))
    before = manifest.read_bytes(), checksum.read_bytes()
    manifest.write_bytes(before[0].replace(b'"poolCount": 3', b'"poolCount": 4'))
    checksum.write_text(hashlib.md5(manifest.read_bytes(), usedforsecurity=False).hexdigest())
    try:
        result = run(str(chain))
    finally:
        manifest.write_bytes(before[0])
        checksum.write_bytes(before[1])
    assert result.exit_code == 4
    key = keys.manifest(identifier(5))
    assert f"fault: {key}: its SHA-256 is " in result.stdout
    assert f"fault: {key}: its poolCount is 4, and 3 follows from the data" in result.stdout
    assert result.stdout.endswith("2 faults.\n")


@pytest.mark.parametrize("file_format", ["csv", "ndjson"])
@pytest.mark.parametrize("damage", [flip_a_byte, flip_the_time, flip_the_system, flip_the_padding, Path.unlink])
def test_damage_to_an_extra_format_is_named(tmp_path: Path, file_format: str, damage: Damage) -> None:
    add_chain(FolderStore(tmp_path), changing_readings(2), extra_formats=("csv", "ndjson"))
    assert faults(tmp_path) == []
    damage(tmp_path / keys.in_format(identifier(0), file_format))
    assert [fault.partition(":")[0] for fault in faults(tmp_path)] == [keys.in_format(identifier(0), file_format)]


def test_an_extra_format_that_another_zlib_compressed_is_noted(tmp_path: Path) -> None:
    add_chain(FolderStore(tmp_path), changing_readings(1), extra_formats=("csv",))
    path = tmp_path / keys.in_format(identifier(0), "csv")
    # Another zlib makes other choices, as less memory does.
    other = zlib.compressobj(level=9, wbits=31, memLevel=1)
    path.write_bytes(other.compress(gzip.decompress(path.read_bytes())) + other.flush())
    report = verify(FolderStore(tmp_path))
    assert report.faults == []
    (note,) = report.notes
    assert note.startswith(f"{keys.in_format(identifier(0), 'csv')} has the rows of the data, and was compressed by ")


def test_a_snapshot_gone_from_the_middle_is_a_fault(tmp_path: Path) -> None:
    """What is older is checked nevertheless."""
    add_chain(FolderStore(tmp_path), changing_readings(5))
    for key in [*keys_of(tmp_path, identifier(2)), keys.symlink(identifier(2))]:
        (tmp_path / key).unlink()
    flip_a_byte(tmp_path / keys.data(identifier(0)))
    found = faults(tmp_path)
    assert any(fault.startswith(f"{keys.manifest(identifier(2))}: is missing with all") for fault in found)
    assert any(fault.startswith(keys.data(identifier(0))) for fault in found)


def expire(folder: Path, hours: int) -> None:
    for hour in range(hours):
        for key in [*keys_of(folder, identifier(hour)), keys.symlink(identifier(hour))]:
            (folder / key).unlink()


def test_links_that_expired_end_the_walk_with_a_note(tmp_path: Path) -> None:
    add_chain(FolderStore(tmp_path), changing_readings(6))
    expire(tmp_path, 3)
    result = run(str(tmp_path))
    assert result.exit_code == 0, result.output
    ends = f"note: the chain ends before {keys.manifest(identifier(3))}: {identifier(2)} is gone with all before it"
    assert ends in result.stdout
    unchecked = f"note: {keys.changes(identifier(3))} was not checked in all targets"
    assert unchecked in result.stdout
    assert "Checked 3 snapshots" in result.stdout


def test_an_expired_history_leaves_what_is_kept_sound(tmp_path: Path) -> None:
    """Each snapshot is compared with the one before it alone, which carries what that could not read."""
    pools = any_pools(3)
    readings: list[Reading] = [
        {"us-east-1": pools, "eu-west-1": any_pools(2, "eu-west-1")},
        {"us-east-1": pools[:2], "eu-west-1": None},
        {"us-east-1": pools[:1], "eu-west-1": any_pools(2, "eu-west-1")},
    ]
    add_chain(FolderStore(tmp_path), readings)
    expire(tmp_path, 1)
    report = verify(FolderStore(tmp_path))
    assert report.faults == []
    assert any(keys.changes(identifier(1)) in note for note in report.notes)
    assert not any(keys.changes(identifier(2)) in note for note in report.notes)

    other = tmp_path / "other"
    add_chain(FolderStore(other), [*readings[:2], {**readings[2], "us-east-1": []}])
    (tmp_path / keys.changes(identifier(2))).write_bytes((other / keys.changes(identifier(2))).read_bytes())
    assert any(fault.startswith(keys.changes(identifier(2))) for fault in faults(tmp_path))


def test_since_leaves_out_what_is_before(chain: Path, tmp_path: Path) -> None:
    result = run(str(chain), "--since", "2026-11-25T05:30:00Z")
    assert result.exit_code == 0
    assert f"Checked 1 snapshot, {identifier(LAST)} to {identifier(LAST)}" in result.stdout
    assert f"note: {identifier(LAST - 1)} and what is before it were not asked for" in result.stdout


def test_forks_are_noted_and_checked(tmp_path: Path) -> None:
    store = FolderStore(tmp_path)
    add_chain(store, changing_readings(3))
    base = hashlib.sha256((tmp_path / keys.manifest(identifier(1))).read_bytes()).hexdigest()
    add_snapshot(store, 3, changing_readings(4)[3], previous=Link(identifier(1), base))
    result = run(str(tmp_path))
    assert result.exit_code == 0, result.output
    assert f"note: {identifier(2)} is a fork: no later snapshot names it as its previous" in result.stdout
    assert "Checked 4 snapshots" in result.stdout
    flip_a_byte(tmp_path / keys.data(identifier(2)))
    assert any(fault.startswith(keys.data(identifier(2))) for fault in faults(tmp_path))


def test_a_commit_that_is_yet_to_be_finished_is_noted(tmp_path: Path) -> None:
    store = FolderStore(tmp_path)
    add_chain(store, changing_readings(3))
    commit(store, any_draft(identifier(3)))
    result = run(str(tmp_path))
    assert result.exit_code == 0
    assert f"note: {identifier(3)} is committed and not finished" in result.stdout


def test_a_commit_that_cannot_be_finished_is_a_fault(tmp_path: Path) -> None:
    add_chain(FolderStore(tmp_path), changing_readings(3))
    copied = keys.data(identifier(3))
    (tmp_path / copied).write_bytes((tmp_path / keys.data(identifier(2))).read_bytes())
    (fault,) = faults(tmp_path)
    assert fault.startswith(f"{copied}: is committed and cannot be finished, so runs pass it by")
    assert f"a copy of the snapshot {identifier(2)}" in fault


def test_a_foreign_object_among_the_data_is_noted(tmp_path: Path) -> None:
    add_chain(FolderStore(tmp_path), changing_readings(1))
    (tmp_path / "data" / "notes.txt").write_text("mine")
    result = run(str(tmp_path))
    assert result.exit_code == 0
    assert "note: data/notes.txt is none of this program's objects" in result.stdout


def test_a_copy_of_a_bucket_is_as_sound_as_the_bucket(aws: StandIn, tmp_path: Path) -> None:
    store = S3Store.open(boto3.session.Session(), BUCKET, "some/prefix")
    add_chain(store, changing_readings(3))
    assert run(f"s3://{BUCKET}/some/prefix").exit_code == 0
    for each in store.client.list_objects_v2(Bucket=BUCKET)["Contents"]:
        path = tmp_path / each["Key"]
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(store.client.get_object(Bucket=BUCKET, Key=each["Key"])["Body"].read())
    result = run(str(tmp_path / "some"))
    assert result.exit_code == 0, result.output
    assert "Checked 3 snapshots" in result.stdout


def test_a_manifest_of_a_newer_release_is_an_error_and_no_fault(tmp_path: Path) -> None:
    add_chain(FolderStore(tmp_path), changing_readings(1))
    manifest = tmp_path / keys.manifest(identifier(0))
    manifest.write_bytes(manifest.read_bytes().replace(b'"contractVersion": 2', b'"contractVersion": 3'))
    body = manifest.read_bytes()
    (tmp_path / keys.checksum(identifier(0))).write_text(hashlib.md5(body, usedforsecurity=False).hexdigest())
    latest = json.loads((tmp_path / keys.LATEST).read_text())
    latest["sha256"] = hashlib.sha256(body).hexdigest()
    (tmp_path / keys.LATEST).write_text(json.dumps(latest))
    result = run(str(tmp_path))
    assert result.exit_code == 1
    assert "is of contract version 3, and this release knows 2: update pool-inventory" in result.stderr


def test_a_field_of_a_later_release_is_noted_and_no_fault(tmp_path: Path) -> None:
    """Its snapshot is of the same contract: what this release knows of it is checked."""
    add_chain(FolderStore(tmp_path), changing_readings(2))
    manifest = tmp_path / keys.manifest(identifier(1))
    manifest.write_text(json.dumps({**json.loads(manifest.read_text()), "ofTomorrow": 1}))
    digests = {name: hashlib.new(name, manifest.read_bytes()).hexdigest() for name in ("md5", "sha256")}
    (tmp_path / keys.checksum(identifier(1))).write_text(digests["md5"])
    latest = tmp_path / keys.LATEST
    before = json.loads(latest.read_text())["sha256"]
    latest.write_text(latest.read_text().replace(before, digests["sha256"]))
    result = run(str(tmp_path))
    assert result.exit_code == 0, result.output
    assert "note: some manifests have fields that this release does not know" in result.stdout
    assert "ofTomorrow" in result.stdout


def test_a_manifest_edited_to_look_newer_is_a_fault(tmp_path: Path) -> None:
    add_chain(FolderStore(tmp_path), changing_readings(2))
    manifest = tmp_path / keys.manifest(identifier(0))
    manifest.write_bytes(manifest.read_bytes().replace(b'"contractVersion": 2', b'"contractVersion": 3'))
    result = run(str(tmp_path))
    assert result.exit_code == 4
    assert f"{keys.manifest(identifier(0))}: says that it is of a newer contract" in result.stdout


def test_rows_that_coverage_does_not_count_are_a_fault(tmp_path: Path) -> None:
    store = FolderStore(tmp_path)
    lines = lines_of(0, {"us-east-1": any_pools(2), "eu-west-1": any_pools(1, "eu-west-1")})
    commit(store, any_draft(identifier(0), coverage=(any_coverage(pools=3),), lines=lines))
    finish(store, identifier(0), now=TIME)
    assert faults(tmp_path) == [
        f"{keys.data(identifier(0))}: has 1 rows of {ACCOUNT_ID} eu-west-1, and coverage says 0",
        f"{keys.data(identifier(0))}: has 2 rows of {ACCOUNT_ID} us-east-1, and coverage says 3",
    ]


def test_json_has_all_that_the_text_says(chain: Path) -> None:
    said = json.loads(run(str(chain), "--json").stdout)
    assert said["sound"] is True
    assert said["checked"]["snapshots"] == LENGTH
    body = (chain / keys.LATEST).read_bytes()
    (chain / keys.LATEST).unlink()
    try:
        result = run(str(chain), "--json")
    finally:
        (chain / keys.LATEST).write_bytes(body)
    assert result.exit_code == 4
    assert json.loads(result.stdout)["faults"] == [{"key": "latest.json", "fault": "is missing"}]
