import csv
import io
import json
from typing import Any

import pytest
from pool_inventory.snapshots import data_object, formats, keys, rows, schema, table

from tests.makers import IDENTIFIER, any_coverage, any_pool, any_snapshot, any_target

# To be looked up and written as they are, whatever a locale makes of them.
HARD_NAMES = ("a, b", 'say "hi"', "two\nlines", "利用者プール", "Kunden, Köln")


def data_of(*pools: dict[str, Any]) -> bytes:
    time = keys.snapshot_time(IDENTIFIER)
    lines = (
        rows.json_line(rows.data_row(pool, partition="aws", target=any_target(), snapshot_time=time)) for pool in pools
    )
    return data_object.encode(any_snapshot(coverage=(any_coverage(pools=len(pools)),)), lines)


def read_csv(data: bytes, **options: bool) -> list[dict[str, str]]:
    text = b"".join(formats.csv_lines(schema.DATA, table.lines(data), **options)).decode()
    return list(csv.DictReader(io.StringIO(text, newline=""), strict=True))


def test_each_row_is_a_line_of_json_with_every_column() -> None:
    pool = any_pool(Name="two\nlines")
    (line,) = formats.data_lines("ndjson", data_of(pool))
    row = json.loads(line)
    assert list(row) == [column.name for column in schema.DATA]
    assert (row["name"], row["status"]) == ("two\nlines", None)
    assert row["lambda_config"]["pre_sign_up"] == pool["LambdaConfig"]["PreSignUp"]
    assert row["creation_date"].endswith("Z")


def test_more_rows_than_a_batch_are_all_there_in_their_order() -> None:
    pools = [any_pool() for _ in range(3000)]
    data = data_of(*pools)
    assert [json.loads(line)["id"] for line in formats.data_lines("ndjson", data)] == [pool["Id"] for pool in pools]
    assert [row["id"] for row in read_csv(data)] == [pool["Id"] for pool in pools]


def test_csv_has_dotted_columns_and_empty_cells() -> None:
    """A member of a struct is a dotted column; a null is an empty cell."""
    versioned = {"LambdaVersion": "V2_0", "LambdaArn": "arn:f"}
    (row,) = read_csv(data_of(any_pool(LambdaConfig={"PreTokenGenerationConfig": versioned})))
    assert row["lambda_config.pre_token_generation_config.lambda_version"] == "V2_0"
    assert row["lambda_config.pre_token_generation_config.lambda_arn"] == "arn:f"
    assert row["lambda_config.pre_sign_up"] == ""
    assert row["status"] == ""


@pytest.mark.parametrize("name", HARD_NAMES)
def test_csv_is_what_rfc_4180_says(name: str) -> None:
    data = data_of(any_pool(Name=name), any_pool())
    (first, _) = read_csv(data)
    assert first["name"] == name
    text = b"".join(formats.data_lines("csv", data))
    assert text.endswith(b"\r\n")
    assert text.count(b"\r\n") == 3


@pytest.mark.parametrize("begin", ["=", "+", "-", "@", "\t", "\r"])
def test_a_cell_that_looks_like_a_formula_is_defused(begin: str) -> None:
    """A spreadsheet would run it; an option leaves it as it is."""
    data = data_of(any_pool(Name=f"{begin}1+1"))
    assert read_csv(data)[0]["name"] == f"'{begin}1+1"
    assert read_csv(data, defuse=False)[0]["name"] == f"{begin}1+1"


def test_a_name_with_such_a_character_later_on_is_left_alone() -> None:
    assert read_csv(data_of(any_pool(Name="a=b")))[0]["name"] == "a=b"


def test_a_snapshot_without_pools_is_a_header_alone() -> None:
    assert list(formats.data_lines("ndjson", data_of())) == []
    (header,) = formats.data_lines("csv", data_of())
    assert header.startswith(b"snapshot_time,account_id,region,id,")
