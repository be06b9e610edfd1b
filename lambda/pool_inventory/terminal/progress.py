"""Bars for what is at work: the targets of a run, the snapshots that verify checks."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from rich.console import Console
from rich.markup import escape
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    ProgressColumn,
    Task,
    TaskID,
    TextColumn,
    TimeElapsedColumn,
)
from rich.text import Text

from pool_inventory.model import Status, Target
from pool_inventory.terminal.tables import STYLES, shown
from pool_inventory.text import printable

if TYPE_CHECKING:
    from pool_inventory.aws.calls import Tally
    from pool_inventory.collect import readings as collect

_BAR = 20


@contextmanager
def show_progress(console: Console, *, name_accounts: bool = False) -> "Iterator[collect.Progress]":
    """Show what is at work: on a terminal a bar for each target that is being read or failed, elsewhere lines.

    Args:
        console: where.
        name_accounts: whether there are several accounts, so that a region alone says too little.
    """

    def place(target: Target) -> str:
        return " ".join(target) if name_accounts else target.region

    if not console.is_terminal:

        def say(target: Target, tally: "Tally", status: Status | None) -> None:
            if status:
                console.print(shown(f"{place(target)} {status}: {_counts(tally, status)}"))

        yield say
        return
    columns = (TextColumn("{task.description}"), BarColumn(bar_width=_BAR), _TallyColumn(), TimeElapsedColumn())
    tasks: dict[Target, TaskID] = {}
    read = 0
    with Progress(*columns, console=console) as bars:
        total = bars.add_task("0 regions read", total=None, tally=None, status=None)

        def show(target: Target, tally: "Tally", status: Status | None) -> None:
            region = escape(printable(place(target)))
            if target not in tasks:
                tasks[target] = bars.add_task(region, total=None, tally=tally, status=None)
            if status is None:
                return
            nonlocal read
            read += status == "ok"
            bars.update(total, description=f"{read} region{'' if read == 1 else 's'} read")
            name = f"[{STYLES[status]}]{region} {status}[/]"
            is_at_work = status != "ok"
            bars.update(tasks[target], total=1, completed=1, description=name, status=status, visible=is_at_work)

        yield show
        bars.update(total, total=1, completed=1)


class _TallyColumn(ProgressColumn):
    """What has been read so far, looked up each time the bars are drawn."""

    def render(self, task: Task) -> Text:
        tally = task.fields["tally"]
        return Text(_counts(tally, task.fields["status"]) if tally else "")


def _counts(tally: "Tally", status: Status | None) -> str:
    # What a target gave before it failed is not how many pools it has.
    pools = f"pools {tally.pools}, " if status in {None, "ok"} else ""
    return f"{pools}requests {tally.requests}, retries {tally.retries}"


@contextmanager
def show_checked(console: Console) -> Iterator[Callable[[int, int], None]]:
    """Show on a terminal how many snapshots are checked, and of how many: thousands take minutes."""
    if not console.is_terminal:
        yield lambda _checked, _of: None
        return
    columns = (
        TextColumn("snapshots checked"),
        BarColumn(bar_width=_BAR),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
    )
    with Progress(*columns, console=console, transient=True) as bars:
        task = bars.add_task("", total=None)
        yield lambda checked, of: bars.update(task, completed=checked, total=of)
