import dataclasses

from pool_inventory.model import Coverage
from pool_inventory.snapshots import schema


def test_coverage_has_the_columns_of_the_schema() -> None:
    named = ["snapshot_time", *(field.name for field in dataclasses.fields(Coverage))]
    assert [column.name for column in schema.COVERAGE] == named
