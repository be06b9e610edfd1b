import csv
import gzip
import hashlib
import io
import json
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from itertools import pairwise

import pytest
from pool_inventory.errors import SnapshotError, StoreError
from pool_inventory.model import Published
from pool_inventory.publish.finish import finish
from pool_inventory.snapshots import keys

from tests.chains import (
    Reading,
    add_chain,
    add_snapshot,
    changes_of,
    commit_snapshot,
    identifier,
    manifest_of,
    rows_of,
)
from tests.makers import IDENTIFIER, TIME, MemoryStore, any_pools, any_target

WEST = any_pools(3, "eu-west-1")
EAST = any_pools(2)
BOTH: Reading = {"eu-west-1": WEST, "us-east-1": EAST}
LATER = TIME + timedelta(hours=1)


@dataclass
class DyingStore(MemoryStore):
    """A store that can no longer be written to once it comes to a key."""

    until: str = ""

    def put_if_absent(self, key: str, body: bytes) -> bool:
        if key == self.until:
            raise StoreError("the power is out")
        return super().put_if_absent(key, body)


def test_a_commit_is_enough_to_make_all_other_objects() -> None:
    store = MemoryStore()
    commit_snapshot(store, 0, BOTH)
    finish(store, IDENTIFIER, now=TIME)
    published = {key for key in store.objects if not key.startswith(keys.STAGING)}
    assert published == {
        keys.data(IDENTIFIER),
        keys.coverage(IDENTIFIER),
        keys.changes(IDENTIFIER),
        keys.symlink(IDENTIFIER),
        keys.manifest(IDENTIFIER),
        keys.checksum(IDENTIFIER),
        *keys.MOVED,
    }
    assert store.objects[keys.symlink(IDENTIFIER)].decode() == f"{store.address(keys.data(IDENTIFIER))}\n"


def test_finishing_again_writes_the_same_bytes() -> None:
    store = MemoryStore()
    add_snapshot(store, 0, {"eu-west-1": any_pools(1, "eu-west-1"), "us-east-1": [*EAST, *any_pools(1)]})
    changed = [{**EAST[0], "Name": "renamed"}, EAST[1], *any_pools(1)]
    made = add_snapshot(store, 1, {"eu-west-1": None, "us-east-1": changed}, extra_formats=("csv", "ndjson"))
    before = dict(store.objects)
    assert {kind for _, kind in changes_of(store, made)} == {"created", "deleted", "modified"}
    for key in before:
        if made in key and key != keys.data(made) and not key.startswith(keys.STAGING):
            del store.objects[key]
    finish(store, made, now=LATER)
    assert store.objects == before


def test_a_commit_is_finished_in_the_formats_that_it_names() -> None:
    """The run that finishes it may be set to other formats, or to none."""
    store = MemoryStore()
    commit_snapshot(store, 0, BOTH, extra_formats=("csv", "ndjson"))
    finish(store, IDENTIFIER, now=TIME)
    lines = gzip.decompress(store.objects[keys.in_format(IDENTIFIER, "ndjson")]).splitlines()
    assert [json.loads(line)["id"] for line in lines] == [each["Id"] for each in (*WEST, *EAST)]
    text = gzip.decompress(store.objects[keys.in_format(IDENTIFIER, "csv")]).decode()
    assert len(list(csv.reader(io.StringIO(text, newline="")))) == 6
    assert manifest_of(store, IDENTIFIER)["extraFormats"] == ["csv", "ndjson"]


def test_snapshots_form_a_chain_by_the_hashes_of_their_manifests() -> None:
    store = MemoryStore()
    made = add_chain(store, [BOTH] * 3)
    assert manifest_of(store, made[0])["previous"] is None
    for before, after in pairwise(made):
        assert manifest_of(store, after)["previous"] == {
            "snapshotId": before,
            "manifest": store.full_key(keys.manifest(before)),
            "sha256": hashlib.sha256(store.objects[keys.manifest(before)]).hexdigest(),
        }


def test_changes_in_an_unread_region_are_recorded_once_later() -> None:
    """Once it can be read again, in the snapshot that reads it."""
    store = MemoryStore()
    unread: Reading = {"eu-west-1": None, "us-east-1": EAST}
    after: Reading = {"eu-west-1": [*WEST[1:], *any_pools(1, "eu-west-1")], "us-east-1": EAST}
    made = add_chain(store, [BOTH, unread, unread, after, after])
    changed = [("eu-west-1", "deleted"), ("eu-west-1", "created")]
    assert [changes_of(store, each) for each in made] == [[], [], [], changed, []]
    manifests = [manifest_of(store, each) for each in made]
    assert [each["changes"] for each in manifests] == [
        {"created": count, "deleted": count, "modified": 0} for count in (0, 0, 0, 1, 0)
    ]
    assert all(each["uncompared"] == [] for each in manifests)


def test_a_region_has_no_changes_the_first_time() -> None:
    store = MemoryStore()
    made = add_chain(store, [{"us-east-1": EAST}, BOTH])
    assert changes_of(store, made[1]) == []
    assert manifest_of(store, made[1])["uncompared"] == []


def expire(store: MemoryStore, snapshot_id: str) -> None:
    """Delete a snapshot's objects, those that were staged too."""
    for key in [each for each in store.objects if snapshot_id in each]:
        del store.objects[key]


def test_an_expired_previous_snapshot_leaves_changes_unknown() -> None:
    """The manifest names each target whose changes are unknown."""
    store = MemoryStore()
    add_snapshot(store, 0, BOTH)
    commit_snapshot(store, 1, {"eu-west-1": WEST[1:], "us-east-1": EAST})
    expire(store, IDENTIFIER)
    published = finish(store, identifier(1), now=LATER)
    made = manifest_of(store, identifier(1))
    assert (made["changes"], made["uncomparedCount"]) == ({"created": 0, "deleted": 0, "modified": 0}, 2)
    assert [(each["region"], each["last_ok"]) for each in made["uncompared"]] == [
        ("eu-west-1", IDENTIFIER),
        ("us-east-1", IDENTIFIER),
    ]
    assert "is gone, expired perhaps" in made["uncompared"][0]["reason"]
    assert [each.region for each in published.uncompared] == ["eu-west-1", "us-east-1"]


def test_changes_that_were_written_stand_though_others_expire() -> None:
    """Who finishes what another began may know less than that one did."""
    store = MemoryStore()
    add_snapshot(store, 0, BOTH)
    made = add_snapshot(store, 1, {"eu-west-1": WEST[1:], "us-east-1": EAST})
    del store.objects[keys.manifest(made)], store.objects[keys.checksum(made)]
    expire(store, IDENTIFIER)
    published = finish(store, made, now=LATER)
    assert published.changes == {"created": 0, "deleted": 1, "modified": 0}
    assert changes_of(store, made) == [("eu-west-1", "deleted")]
    assert manifest_of(store, made)["changes"] == published.changes


def test_altered_coverage_does_not_alter_what_the_commit_names() -> None:
    store = MemoryStore()
    commit_snapshot(store, 0, BOTH)
    (staged,) = (key for key in store.objects if key.startswith(keys.STAGING))
    store.put(keys.coverage(IDENTIFIER), b"somebody else's")
    finish(store, IDENTIFIER, now=TIME)
    assert staged.endswith(f"{manifest_of(store, IDENTIFIER)['coverageFile']['sha256']}.parquet")
    assert store.objects[keys.LATEST_COVERAGE] == store.objects[staged]


@pytest.mark.parametrize(("until", "times"), [(keys.manifest, 1), (keys.checksum, 2)])
def test_a_snapshot_is_reported_before_it_is_finished(until: Callable[[str], str], times: int) -> None:
    """Who died with the report out but no checksum is reported again: at least once, never not at all."""
    store = DyingStore(until=until(IDENTIFIER))
    commit_snapshot(store, 0, BOTH)
    reported: list[str] = []

    def report(published: Published) -> None:
        reported.append(published.snapshot.id)

    with pytest.raises(StoreError):
        finish(store, IDENTIFIER, now=TIME, report=report)
    assert keys.checksum(IDENTIFIER) not in store.objects
    store.until = ""
    finish(store, IDENTIFIER, now=TIME, report=report)
    assert reported == [IDENTIFIER] * times


def test_what_is_published_counts_pools_read_and_carried() -> None:
    store = MemoryStore()
    add_snapshot(store, 0, BOTH)
    known = commit_snapshot(store, 1, {"eu-west-1": None, "us-east-1": EAST, "us-west-2": []})
    published = finish(store, identifier(1), known=known, now=LATER)
    assert published.known_pools == {any_target("eu-west-1"): 3, any_target("us-east-1"): 2}
    assert published.link.manifest_sha256 == hashlib.sha256(store.objects[keys.manifest(identifier(1))]).hexdigest()
    assert published.size_bytes == len(store.objects[keys.data(identifier(1))])


def test_rows_of_a_commit_are_carried_under_its_own_key() -> None:
    store = MemoryStore()
    add_snapshot(store, 0, BOTH)
    made = add_snapshot(store, 1, {"eu-west-1": None, "us-east-1": EAST})
    assert [each["id"] for each in rows_of(store, keys.carried(made))] == [each["Id"] for each in WEST]
    assert manifest_of(store, made)["carriedFile"] == {
        "key": store.full_key(keys.carried(made)),
        "size": len(store.objects[keys.carried(made)]),
        "sha256": hashlib.sha256(store.objects[keys.carried(made)]).hexdigest(),
    }


@pytest.mark.parametrize(
    ("body", "message"), [(b"PAR1 half a fi", "no whole Parquet file"), (None, "is gone, expired perhaps")]
)
def test_what_is_no_commit_cannot_be_finished(body: bytes | None, message: str) -> None:
    store = MemoryStore()
    if body:
        store.put(keys.data(IDENTIFIER), body)
    with pytest.raises(SnapshotError, match=message):
        finish(store, IDENTIFIER, now=TIME)
    assert store.objects.keys() <= {keys.data(IDENTIFIER)}
