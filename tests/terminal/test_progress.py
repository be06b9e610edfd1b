import io

from pool_inventory.aws.calls import Tally
from pool_inventory.model import Target
from pool_inventory.terminal.progress import show_progress
from rich.console import Console

from tests.makers import any_target


def test_progress_without_a_terminal_is_a_line_a_target() -> None:
    """What a target gave before it failed is not how many pools it has."""
    file = io.StringIO()
    with show_progress(Console(file=file, width=100)) as show:
        show(any_target(), Tally(), None)
        show(any_target("eu-\x1b-1"), Tally(requests=3, retries=2, pools=7), "denied")
        show(any_target(), Tally(requests=1, pools=60), "ok")
    assert file.getvalue().splitlines() == [
        r"eu-\x1b-1 denied: requests 3, retries 2",
        "us-east-1 ok: pools 60, requests 1, retries 0",
    ]


def test_progress_on_a_terminal_is_a_bar_for_what_is_at_work() -> None:
    file = io.StringIO()
    with show_progress(Console(file=file, width=100, force_terminal=True, color_system=None)) as show:
        tally = Tally(requests=2, pools=60)
        show(any_target(), tally, None)
        show(any_target("eu-west-1"), Tally(requests=1), None)
        show(any_target(), tally, "ok")
        show(any_target("eu-west-1"), Tally(requests=1), "denied")
    *_, total, failed, _cursor = file.getvalue().splitlines()
    assert "1 region read" in total
    assert "eu-west-1 denied" in failed
    assert "pools" not in failed


def test_progress_of_several_accounts_names_them() -> None:
    file = io.StringIO()
    with show_progress(Console(file=file, width=100), name_accounts=True) as progress:
        progress(Target("210000000001", "us-east-1"), Tally(), "denied")
    assert file.getvalue().startswith("210000000001 us-east-1 denied: ")
