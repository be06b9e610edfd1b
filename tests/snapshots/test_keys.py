from datetime import UTC, datetime

import pytest
from pool_inventory.snapshots import keys

IDENTIFIER = "2026-11-24T18-00Z"


def test_keys_are_the_contracts() -> None:
    assert keys.data(IDENTIFIER) == "data/dt=2026-11-24/user-pools-2026-11-24T18-00Z.parquet"
    assert keys.coverage(IDENTIFIER) == "coverage/dt=2026-11-24/coverage-2026-11-24T18-00Z.parquet"
    assert keys.symlink(IDENTIFIER) == "hive/dt=2026-11-24-18-00/symlink.txt"
    assert keys.manifest(IDENTIFIER) == "manifests/2026-11-24T18-00Z/manifest.json"
    assert keys.checksum(IDENTIFIER) == "manifests/2026-11-24T18-00Z/manifest.checksum"


def test_an_id_names_its_time_to_the_minute() -> None:
    time = datetime(2026, 11, 24, 18, 0, tzinfo=UTC)
    assert keys.snapshot_id(time) == IDENTIFIER
    assert keys.snapshot_time(IDENTIFIER) == time


def test_keys_say_what_is_committed_and_what_is_finished() -> None:
    assert keys.committed(keys.data(IDENTIFIER)) == IDENTIFIER
    assert keys.finished(keys.checksum(IDENTIFIER)) == IDENTIFIER


@pytest.mark.parametrize(
    "key",
    [
        "data/dt=2026-11-24/other.parquet",
        "data/dt=2026-11-23/user-pools-2026-11-24T18-00Z.parquet",
        "data/dt=2026-11-24/user-pools-2026-11-24T18-00Z.parquet.bak",
        "manifests/2026-11-24T18-00Z/manifest.json",
    ],
)
def test_a_foreign_key_is_no_snapshots(key: str) -> None:
    assert keys.committed(key) is None
    assert keys.finished(key) is None
