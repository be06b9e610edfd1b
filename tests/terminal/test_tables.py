import io

import click
import pytest
from pool_inventory.terminal.tables import pairs_table, plain_lines, show_table, targets_table
from rich.cells import cell_len
from rich.console import Console
from rich.table import Table

from tests.makers import any_coverage

NAMES = ("id", "name", "pools")
LONG = ("eu-west-1_000000001", "a name that is long " * 5, "7")


def drawn(table: Table) -> str:
    file = io.StringIO()
    Console(file=file, width=100).print(table)
    return file.getvalue()


def test_an_unread_targets_pools_are_a_dash() -> None:
    """0 would say that there are none."""
    failure = {"error_code": "AccessDenied", "error_message": None}
    covered = [
        any_coverage(pools=0, duration_ms=1234),
        any_coverage("x\n[red]", status="denied", pools=None, **failure),
    ]
    read, denied, _bottom, error = drawn(targets_table(covered, "targets")).splitlines()[-4:]
    assert [cell.strip() for cell in read.split("│")[1:6]] == ["us-east-1", "ok", "0", "1", "0"]
    assert "1.2" in read
    assert [cell.strip() for cell in denied.split("│")[1:4]] == [r"x\n[red]", "denied", "-"]
    assert "AccessDenied: no more is known" in denied
    assert error.rstrip() == r"x\n[red]: AccessDenied: no more is known"


def test_an_error_is_a_line_in_its_row_and_whole_below() -> None:
    """Else two regions that are denied fill a screen."""
    message = "User: arn:aws:sts::123456789012:assumed-role/pool-inventory/run is not authorized [to] do that"
    failed = {"status": "denied", "pools": None, "error_code": "AccessDeniedException", "error_message": message}
    file = io.StringIO()
    covered = [any_coverage(pools=7), any_coverage("eu-north-1", **failed), any_coverage("eu-west-1", **failed)]
    Console(file=file, width=80).print(targets_table(covered, "Regions"))
    lines = [line.rstrip() for line in file.getvalue().splitlines()]
    assert max(map(len, lines)) <= 80
    assert [line.split()[1] for line in lines if line.startswith("│")] == ["us-east-1", "eu-north-1", "eu-west-1"]
    below = lines[next(number for number, line in enumerate(lines) if line.startswith("└")) + 1 :]
    assert " ".join(below) == f"eu-north-1, eu-west-1: AccessDeniedException: {message}"


def test_of_several_accounts_errors_are_below_and_rows_whole() -> None:
    failed = {"status": "denied", "pools": None, "error_code": "AccessDenied", "error_message": "no"}
    covered = [any_coverage("ap-southeast-2", account_id=f"21000000000{number}", **failed) for number in (1, 2)]
    file = io.StringIO()
    Console(file=file, width=80).print(targets_table(covered, "Regions"))
    lines = [line.rstrip() for line in file.getvalue().splitlines()]
    assert "│ 210000000002 ap-southeast-2 │ denied │     - │        1 │       0 │     0.0 │" in lines
    assert lines[-1] == "210000000001 ap-southeast-2, 210000000002 ap-southeast-2: AccessDenied: no"


def test_pairs_are_shown_as_they_are() -> None:
    assert "[bold]a\\x1b" in drawn(pairs_table("pairs", ("name", "value"), [("[bold]a\x1b", "7")]))


def test_rows_for_other_programs_are_whole_with_tabs() -> None:
    assert plain_lines(NAMES, [LONG, ("a\tb", "c\nd", "")], width=None) == [
        "id\tname\tpools",
        "\t".join(LONG),
        "a\\tb\tc\\nd\t",
    ]


@pytest.mark.parametrize("width", [40, 60])
def test_a_table_is_cut_to_the_terminal_less_its_ids(width: int) -> None:
    header, row = map(click.unstyle, plain_lines(NAMES, [LONG], width=width, right=("pools",)))
    assert cell_len(row) == width
    assert row.startswith(f"{LONG[0]}  a name")
    assert row.endswith("…      7")
    assert header.split() == list(NAMES)


def test_a_wide_character_takes_two_columns() -> None:
    (_, row) = plain_lines(NAMES, [("a", "利用者プール" * 10, "1")], width=30)
    assert cell_len(row) <= 30
    assert "…" in row


def test_the_last_column_can_go_on_in_the_next_lines() -> None:
    words = " ".join(f"word-{number}" for number in range(20))
    _, *lines = plain_lines(("id", "what"), [("a", words), ("b", "short")], width=40, wrap_last=True)
    assert max(map(cell_len, lines)) <= 40
    assert " ".join(" ".join(lines).split()) == f"a {words} b short"
    assert [line[0] for line in lines].count(" ") == len(lines) - 2


def test_what_happened_has_its_colour() -> None:
    lines = plain_lines(("change", "id"), [("created", "a"), ("deleted", "created")], width=80)
    assert lines[1].startswith(click.style("created", fg="green"))
    assert lines[2].startswith(click.style("deleted", fg="red"))


def test_in_a_pipe_a_table_has_no_boxes_and_no_padding() -> None:
    covered = [any_coverage(pools=7), any_coverage("x[red]", status="denied", pools=None, error_code="AccessDenied")]
    file = io.StringIO()
    show_table(Console(file=file, width=30), targets_table(covered, "Regions"))
    title, header, *rows = file.getvalue().splitlines()
    assert (title, header) == ("Regions", "region\tstatus\tpools\trequests\tretries\tseconds\terror")
    assert [row.split("\t")[:3] for row in rows] == [["us-east-1", "ok", "7"], ["x[red]", "denied", "-"]]


def test_targets_of_several_accounts_are_named_with_them() -> None:
    covered = [any_coverage(account_id=each, pools=7) for each in ("210000000001", "210000000002")]
    shown = drawn(targets_table(covered, "targets"))
    assert "210000000001 us-east-1" in shown
    assert "210000000002 us-east-1" in shown
