"""A line for each account: what was read of it, and what was not, and why."""

from pool_inventory.model import Member
from pool_inventory.terminal.accounts import account_lines

from tests.makers import any_coverage


def test_an_account_that_was_not_read_has_a_dash_and_is_last() -> None:
    covered = [
        any_coverage("eu-west-1", account_id="1", status="denied", pools=None, error_code="AccessDenied"),
        any_coverage("us-east-1", account_id="1", status="denied", pools=None, error_code="AccessDenied"),
        any_coverage("eu-west-1", account_id="2", pools=2),
        any_coverage("us-east-1", account_id="2", pools=3),
    ]
    assert account_lines(covered, {"2": Member("2", name="shop\x1b")}, None) == [
        "account\tname\tregions read\tpools\tnot read",
        "2\tshop\\x1b\t2 of 2\t5\t",
        "1\t\t0 of 2\t-\tdenied (AccessDenied)",
    ]


def test_regions_are_counted_by_what_became_of_them() -> None:
    covered = [
        any_coverage("eu-west-1", pools=0),
        any_coverage("sa-east-1", status="absent", pools=None),
        any_coverage("us-east-1", status="timed_out", pools=None, error_code="OutOfTime"),
        any_coverage("us-east-2", status="not_asked", pools=None),
        any_coverage("us-west-2", status="denied", pools=None, error_code="Denied", accepted_by="scp"),
    ]
    (_, line) = account_lines(covered, {}, None)
    assert line.split("\t")[2:] == [
        "2 of 5",
        "0",
        "1 timed out (OutOfTime), 1 not asked, 1 denied (Denied), accepted",
    ]
