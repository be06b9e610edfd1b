from datetime import UTC, datetime

import pytest
from pool_inventory.errors import SnapshotError
from pool_inventory.model import Member
from pool_inventory.snapshots import accounts, schema, table

from tests.makers import IDENTIFIER

MEMBER = Member(
    "210000000001",
    name="Zahlungen ✓",
    email="root@example.com",
    organizational_unit_path="o-1/r-abcd/ou-abcd-11111111/",
    state="ACTIVE",
    joined_at=datetime(2020, 9, 13, 12, 26, 40, 500_000, UTC),
)


def test_accounts_are_read_as_they_were_written() -> None:
    members = [Member("100000000000"), MEMBER]
    assert list(accounts.decode(accounts.encode(IDENTIFIER, members))) == members


def test_the_object_has_the_columns_of_the_docs() -> None:
    body = accounts.encode(IDENTIFIER, [MEMBER])
    assert [each.name for each in table.columns_of(body)] == [each.name for each in schema.ACCOUNTS]
    assert table.footer_of(body)["snapshotId"] == IDENTIFIER


def test_the_same_accounts_are_the_same_bytes() -> None:
    assert accounts.encode(IDENTIFIER, [MEMBER]) == accounts.encode(IDENTIFIER, [MEMBER])


@pytest.mark.parametrize("member", ["account_id", "name"])
def test_accounts_of_another_program_are_refused(member: str) -> None:
    document = {**accounts.document(MEMBER), member: 7}
    with pytest.raises(TypeError, match="7 is no text"):
        accounts.from_document(document)


def test_a_file_of_other_columns_is_no_accounts_object() -> None:
    body = table.encode(schema.COVERAGE[1:3], [b'{"account_id":"1","region":"r"}\n'], {"snapshotId": IDENTIFIER})
    with pytest.raises(SnapshotError):
        list(accounts.decode(body))
