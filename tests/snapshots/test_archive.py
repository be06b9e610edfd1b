import threading
from collections.abc import Generator

import pytest
from pool_inventory.errors import SnapshotError
from pool_inventory.model import Link
from pool_inventory.snapshots import archive, keys, manifest

from tests.chains import Reading, add_chain, identifier
from tests.counting import CountingStore
from tests.makers import MemoryStore, any_pools

WEST = any_pools(2, "eu-west-1")
READINGS: list[Reading] = [{"eu-west-1": WEST}, {"eu-west-1": None, "us-east-1": []}, {"eu-west-1": WEST}]


@pytest.fixture
def store() -> MemoryStore:
    made = MemoryStore()
    add_chain(made, READINGS)
    return made


def no_warning(text: str) -> None:
    pytest.fail(text)


def test_finished_snapshots_are_listed_oldest_first(store: MemoryStore) -> None:
    del store.objects[keys.checksum(identifier(1))]
    store.put("manifests/notes/manifest.checksum", b"")
    assert archive.finished_ids(store) == [identifier(0), identifier(2)]


def test_a_place_without_snapshots_is_an_error_that_helps() -> None:
    with pytest.raises(SnapshotError, match=r"s3://memory/user-pools/ holds no finished snapshot: name the prefix"):
        archive.finished_ids(MemoryStore())


def test_the_newest_is_what_latest_json_names(store: MemoryStore) -> None:
    """Even where a newer manifest stands already: its run is not done."""
    latest = store.objects[keys.LATEST]
    add_chain(store, [{"eu-west-1": []}] * 4)
    store.put(keys.LATEST, latest)
    assert archive.newest(store, no_warning).id == identifier(2)


def test_without_latest_json_the_last_is_the_newest(store: MemoryStore) -> None:
    del store.objects[keys.LATEST]
    warnings: list[str] = []
    assert archive.newest(store, warnings.append).id == identifier(2)
    (warning,) = warnings
    assert "latest.json is missing, so the manifests were listed" in warning


@pytest.mark.parametrize(("body", "message"), [(None, "is gone, though latest.json names it"), (b"{}", "SHA-256")])
def test_a_newest_that_is_not_what_was_named_is_an_error(store: MemoryStore, body: bytes | None, message: str) -> None:
    del store.objects[keys.manifest(identifier(2))]
    if body:
        store.put(keys.manifest(identifier(2)), body)
    with pytest.raises(SnapshotError, match=message):
        archive.newest(store, no_warning)


@pytest.mark.parametrize(("up_to", "hour"), [(identifier(1), 1), ("2026-11-24T19-59Z", 1), ("2027-01-01T00-00Z", 2)])
def test_the_newest_up_to_a_time_is_not_after_it(store: MemoryStore, up_to: str, hour: int) -> None:
    assert archive.newest_up_to(store, up_to).id == identifier(hour)


def test_before_the_first_snapshot_there_is_none(store: MemoryStore) -> None:
    with pytest.raises(SnapshotError, match=f"the first is {identifier(0)}, so name a later time"):
        archive.newest_up_to(store, "2026-11-24T17-59Z")


@pytest.mark.parametrize(
    ("body", "message"), [(None, "is gone, expired perhaps"), (b"short", "has 5 bytes and is not")]
)
def test_data_is_what_its_manifest_describes_or_an_error(store: MemoryStore, body: bytes | None, message: str) -> None:
    made = manifest.read(store, identifier(2))
    assert archive.read_data(store, made) == store.objects.pop(keys.data(identifier(2)))
    if body:
        store.put(keys.data(identifier(2)), body)
    with pytest.raises(SnapshotError, match=message):
        archive.read_data(store, made)


def test_coverage_and_known_rows_are_read_by_a_manifest(store: MemoryStore) -> None:
    made = manifest.read(store, identifier(1))
    assert [(each.region, each.status) for each in archive.read_coverage(store, made)] == [
        ("eu-west-1", "denied"),
        ("us-east-1", "ok"),
    ]
    assert [row.id for row in archive.read_known(store, made).rows()] == [each["Id"] for each in WEST]


def test_what_is_read_concurrently_comes_in_order() -> None:
    numbers = list(map(str, range(3 * archive.AT_ONCE)))
    assert list(archive.in_turn(lambda each: f"{each}!", numbers)) == [f"{each}!" for each in numbers]


def test_a_caller_that_stops_early_reads_little_ahead() -> None:
    asked: list[str] = []
    reading = archive.in_turn(asked.append, map(str, range(100 * archive.AT_ONCE)))
    next(reading)
    assert isinstance(reading, Generator)
    reading.close()
    assert len(asked) <= archive.AT_ONCE


def test_the_next_are_read_while_one_is_looked_at() -> None:
    """A slow one holds up none but those that come so many after it."""
    asked: list[str] = []
    begun = threading.Event()

    def read(each: str) -> str:
        asked.append(each)
        if each == str(archive.AT_ONCE):
            begun.set()
        return each

    reading = archive.in_turn(read, map(str, range(2 * archive.AT_ONCE)))
    assert [next(reading), next(reading)] == ["0", "1"]
    assert begun.wait(5)
    reading.close()


@pytest.mark.parametrize(("size_bytes", "at_once"), [(1, archive.AT_ONCE), (archive.HELD_BYTES // 3, 4), (10**12, 1)])
def test_of_large_results_fewer_are_read_ahead(size_bytes: int, at_once: int) -> None:
    asked: list[str] = []

    def read(each: str) -> str:
        asked.append(each)
        return each

    reading = archive.in_turn(read, map(str, range(1000)), size_bytes=lambda _: size_bytes)
    for each in range(5):
        assert next(reading) == str(each)
        assert len(asked) <= each + at_once
    reading.close()


def test_an_error_is_raised_in_its_turn() -> None:
    reading = archive.in_turn(int, ["1", "2", "x", "4"])
    assert [next(reading), next(reading)] == [1, 2]
    with pytest.raises(ValueError, match="x"):
        next(reading)


@pytest.mark.parametrize(("since", "hours"), [("", [0, 2]), (identifier(0), [0, 2]), (identifier(1), [2])])
def test_snapshots_since_a_time_are_those_of_it_or_later(since: str, hours: list[int]) -> None:
    store = MemoryStore({keys.checksum(identifier(hour)): b"" for hour in (0, 2)})
    assert archive.finished_since(store, since) == [identifier(hour) for hour in hours]


# Of hourly snapshots, a month's.
MONTH = [identifier(hour) for hour in range(30 * 24)]


@pytest.fixture(scope="module")
def month() -> dict[str, bytes]:
    """Nothing but what says that a snapshot is finished, and which is the newest."""
    store = MemoryStore({keys.checksum(each): b"" for each in MONTH})
    store.put(keys.LATEST, manifest.encode_latest(store, Link(MONTH[-1], "0" * 64), ()))
    return store.objects


@pytest.mark.parametrize(("count", "listed"), [(1, 49), (40, 49), (100, 434), (500, 434 + 720), (721, 434 + 3 * 720)])
def test_the_newest_are_found_without_listing_much_more(month: dict[str, bytes], count: int, listed: int) -> None:
    store = CountingStore(objects=month)
    assert archive.newest_ids(store, count) == MONTH[-count:]
    assert len(store.listed) <= listed


def test_those_up_to_a_time_are_found_without_listing_much_more(month: dict[str, bytes]) -> None:
    store = CountingStore(objects=month)
    assert archive.ids_up_to(store, MONTH[-100], 40) == MONTH[-139:-99]
    assert len(store.listed) <= 150
    assert archive.ids_up_to(store, "2020-01-01T00-00Z", 40) == []


@pytest.mark.parametrize("latest", [None, b"torn"])
def test_the_newest_are_found_without_latest_json(month: dict[str, bytes], latest: bytes | None) -> None:
    store = MemoryStore(dict(month))
    del store.objects[keys.LATEST]
    if latest:
        store.put(keys.LATEST, latest)
    assert archive.newest_ids(store, 3) == MONTH[-3:]


def test_one_that_latest_json_does_not_name_yet_is_among_them(month: dict[str, bytes]) -> None:
    store = MemoryStore({**month, keys.checksum(identifier(len(MONTH) + 100)): b""})
    assert archive.newest_ids(store, 2) == [MONTH[-1], identifier(len(MONTH) + 100)]


def test_the_newest_up_to_a_time_is_found_before_a_long_gap() -> None:
    store = MemoryStore()
    add_chain(store, READINGS[:1])
    assert archive.newest_up_to(store, "2031-01-01T00-00Z").id == identifier(0)
