import io
import json
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from pool_inventory.errors import NewerError, SnapshotError
from pool_inventory.snapshots import rows, schema, table

from tests.makers import IDENTIFIER, TIME, any_pool, any_target


def lines_of(count: int) -> list[bytes]:
    row = rows.data_row(any_pool(), partition="aws", target=any_target(), snapshot_time=TIME)
    return [rows.json_line({**row, "id": f"us-east-1_{number:09d}"}) for number in range(count)]


def test_a_row_group_has_a_bounded_number_of_rows() -> None:
    body = table.encode(schema.DATA, lines_of(40_000), {})
    written = pq.ParquetFile(io.BytesIO(body)).metadata
    assert [written.row_group(number).num_rows for number in range(written.num_row_groups)] == [16_384, 16_384, 7_232]


def test_rows_are_read_back_as_they_were_written() -> None:
    written = lines_of(2_000)
    read = [json.loads(line) for line in table.lines(table.encode(schema.DATA, written, {}))]
    assert [row["id"] for row in read] == [json.loads(line)["id"] for line in written]
    assert [row["lambda_config"]["pre_sign_up"] for row in read] == [
        json.loads(line)["lambda_config"]["pre_sign_up"] for line in written
    ]


def test_a_flipped_bit_anywhere_is_an_error_and_nothing_worse() -> None:
    """arro3 ends the process for some damaged bytes: they must be found before it reads them."""
    body = table.encode(schema.DATA, lines_of(3), {"snapshotId": IDENTIFIER})
    written = list(table.lines(body))
    for number in range(len(body)):
        flipped = bytearray(body)
        flipped[number] ^= 1
        if b'"fileSha256": "' in flipped:
            with pytest.raises(SnapshotError):
                list(table.lines(bytes(flipped)))
        else:  # it looks like a file of 0.1, whose bytes are as they were but for the name of its hash
            assert list(table.lines(bytes(flipped))) == written


def test_a_name_that_looks_like_the_files_hash_is_a_name() -> None:
    row = rows.data_row(
        any_pool(Name='"fileSha256": "' + "0" * 64), partition="aws", target=any_target(), snapshot_time=TIME
    )
    body = table.encode(schema.DATA, [rows.json_line(row)], {})
    assert [json.loads(line)["name"] for line in table.lines(body)] == [row["name"]]


def test_a_footer_larger_than_any_has_the_files_hash_nonetheless() -> None:
    body = table.encode(schema.DATA, lines_of(1), {"much": "x" * 20_000_000})
    assert len(list(table.lines(body))) == 1
    with pytest.raises(SnapshotError, match="its SHA-256 is another"):
        list(table.lines(body.replace(b"xx", b"xy", 1)))


def test_columns_can_be_left_out() -> None:
    (line,) = table.lines(table.encode(schema.DATA, lines_of(1), {}), without=("name", "id"))
    assert not {"name", "id"} & json.loads(line).keys()


def test_merged_rows_are_in_order() -> None:
    one, other = lines_of(10)[::2], lines_of(10)[1::2]
    streams = [table.pool_rows(table.encode(schema.DATA, each, {})) for each in (one, other)]
    assert [row.id for row in table.merged(streams)] == [f"us-east-1_{number:09d}" for number in range(10)]


def test_a_file_of_a_newer_contract_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(table, "CONTRACT_VERSION", 3)
    body = table.encode(schema.DATA, [], {})
    monkeypatch.undo()
    with pytest.raises(NewerError):
        table.footer_of(body)


def test_what_is_no_parquet_file_is_an_error() -> None:
    for body in (b"", b"PAR1", table.encode(schema.DATA, lines_of(3), {})[:-9]):
        with pytest.raises(SnapshotError):
            list(table.lines(body))


def other_file(**columns: Any) -> bytes:
    """A file of this contract that another program wrote."""
    written = pa.table(columns).replace_schema_metadata({"pool_inventory": json.dumps({"contractVersion": 2})})
    file = io.BytesIO()
    pq.write_table(written, file)
    return file.getvalue()


def test_a_column_that_cannot_be_written_as_json_is_an_error() -> None:
    """Not one that ends a run: a snapshot before that nobody can read is passed by."""
    numbers = pa.array([[(1, 2)]], pa.map_(pa.int32(), pa.int32()))
    body = other_file(account_id=["1"], region=["us-east-1"], id=["a"], numbers=numbers)
    for read in (table.lines, table.pool_rows):
        with pytest.raises(SnapshotError):
            list(read(body))


def test_a_row_without_a_region_is_an_error() -> None:
    body = other_file(account_id=["1"], region=pa.array([None], pa.string()), id=["a"])
    with pytest.raises(SnapshotError, match="a row has no account, region or id"):
        list(table.pool_rows(body))


@pytest.mark.parametrize(
    ("kind", "arrow"),
    [("boolean", pa.bool_()), ("double", pa.float64()), ("float", pa.float32()), ("int32", pa.int32())],
)
def test_a_column_of_a_later_release_is_in_the_files_schema(kind: str, arrow: Any) -> None:
    body = other_file(id=["a"], later=pa.array([None], arrow))
    assert f"optional {kind} later;" in schema.parquet_schema("user_pools", table.columns_of(body))
