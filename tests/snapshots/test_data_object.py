import io

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from pool_inventory.errors import NewerError, SnapshotError
from pool_inventory.model import Link
from pool_inventory.snapshots import coverage, data_object, keys, rows

from tests.makers import IDENTIFIER, any_coverage, any_pool, any_snapshot, any_target

FAILED = any_coverage(
    "eu-west-1", status="denied", pools=None, error_code="AccessDenied", error_message="no", last_ok=None
)


def any_lines(count: int = 3) -> list[bytes]:
    time = keys.snapshot_time(IDENTIFIER)
    return [
        rows.json_line(rows.data_row(any_pool(), partition="aws", target=any_target(), snapshot_time=time))
        for _ in range(count)
    ]


def test_the_footer_round_trips_the_snapshots_metadata() -> None:
    made = any_snapshot(coverage=(FAILED, any_coverage(pools=3)), previous=Link("2026-11-24T17-00Z", "ab12"))
    assert data_object.decode(data_object.encode(made, any_lines())) == made


def test_a_snapshot_without_pools_is_a_snapshot() -> None:
    body = data_object.encode(any_snapshot(), [])
    assert data_object.decode(body) == any_snapshot()
    assert pq.read_table(io.BytesIO(body)).num_rows == 0


def test_the_same_input_gives_the_same_bytes() -> None:
    made, lines = any_snapshot(coverage=(FAILED, any_coverage(pools=3))), any_lines()
    assert data_object.encode(made, lines) == data_object.encode(made, lines)
    covered = (FAILED, any_coverage(pools=3))
    assert coverage.encode(made.id, covered) == coverage.encode(made.id, covered)


def test_a_snapshot_is_complete_only_if_every_target_was_read() -> None:
    assert any_snapshot(coverage=(any_coverage(), any_coverage("eu-west-1"))).status == "complete"
    assert any_snapshot(coverage=(any_coverage(), FAILED)).status == "partial"


def test_the_pool_count_is_of_what_was_read() -> None:
    made = any_snapshot(coverage=(any_coverage(pools=3), any_coverage("eu-west-1", pools=4), FAILED))
    assert made.pool_count == 7


@pytest.mark.parametrize(
    ("body", "message"),
    [
        (b"", "its 0 bytes are no whole Parquet file"),
        (b"<html>", "its 6 bytes are no whole Parquet file"),
        (data_object.encode(any_snapshot(), [])[:-1], "bytes are no whole Parquet file"),
        (b"PAR1 not at all a footer PAR1", "29 bytes are no whole Parquet file"),
    ],
)
def test_bytes_that_are_no_parquet_file_are_an_error(body: bytes, message: str) -> None:
    with pytest.raises(SnapshotError, match=message):
        data_object.decode(body)


def parquet(metadata: dict[str, str]) -> bytes:
    file = io.BytesIO()
    pq.write_table(pa.table({"id": ["x"]}).replace_schema_metadata(metadata), file)
    return file.getvalue()


def test_another_programs_parquet_file_is_an_error() -> None:
    with pytest.raises(SnapshotError, match="some other program wrote it"):
        data_object.decode(parquet({}))


def test_a_newer_contracts_file_is_an_error_that_says_to_update() -> None:
    with pytest.raises(NewerError, match="is of contract version 3, and this release knows 2: update pool-inventory"):
        data_object.decode(parquet({"pool_inventory": '{"contractVersion": 3}'}))


@pytest.mark.parametrize(
    "footer",
    ['{"contractVersion": 1}', '{"contractVersion": 1, "snapshotId": 7}', '{"contractVersion": 2}', "[]", "no JSON"],
)
def test_a_footer_that_is_not_ours_is_an_error(footer: str) -> None:
    with pytest.raises(SnapshotError, match="footer is not what this program writes"):
        data_object.decode(parquet({"pool_inventory": footer}))
