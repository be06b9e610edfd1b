"""What a person sees of a run on the terminal."""

from collections.abc import Iterable, Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.markup import escape
from rich.progress import BarColumn, Progress, ProgressColumn, Task, TaskID, TextColumn, TimeElapsedColumn
from rich.table import Table
from rich.text import Text

from pool_inventory import collect
from pool_inventory.calls import Tally
from pool_inventory.collect import Coverage, Status
from pool_inventory.targets import Target

_STYLES: dict[Status, str] = {
    "ok": "green",
    "denied": "red",
    "throttled": "yellow",
    "timed_out": "yellow",
    "failed": "red",
}


def targets_table(coverage: Iterable[Coverage], title: str) -> Table:
    """Show how reading each target went. An unread target's pools are a dash, not 0."""
    table = Table(title=title, title_justify="left", title_style="bold")
    table.add_column("region", no_wrap=True)
    table.add_column("status", no_wrap=True)
    for name in ("pools", "requests", "retries", "seconds"):
        table.add_column(name, justify="right", no_wrap=True)
    table.add_column("error", overflow="fold")
    for each in coverage:
        table.add_row(
            each.region,
            f"[{_STYLES[each.status]}]{each.status}[/]",
            "-" if each.pools is None else str(each.pools),
            str(each.requests),
            str(each.retries),
            f"{each.duration_ms / 1000:.1f}",
            escape(f"{each.error_code}: {each.error_message}") if each.error_code else "",
        )
    return table


def pairs_table(title: str, names: tuple[str, str], pairs: Iterable[tuple[str, str]]) -> Table:
    """Show names and their values."""
    table = Table(title=title, title_justify="left", title_style="bold")
    table.add_column(names[0], overflow="fold")
    table.add_column(names[1], justify="right", no_wrap=True)
    for pair in pairs:
        table.add_row(*map(escape, pair))
    return table


@contextmanager
def show_progress(console: Console) -> Iterator[collect.Progress]:
    """Show each target while it is read: a bar on a terminal, a line as it ends elsewhere."""
    if not console.is_terminal:

        def say(target: Target, tally: Tally, status: Status | None) -> None:
            if status:
                console.print(f"{target.region} {status}: {_counts(tally, status)}", highlight=False)

        yield say
        return
    columns = (TextColumn("{task.description}"), BarColumn(bar_width=20), _TallyColumn(), TimeElapsedColumn())
    tasks: dict[Target, TaskID] = {}
    with Progress(*columns, console=console) as bars:

        def show(target: Target, tally: Tally, status: Status | None) -> None:
            if target not in tasks:
                tasks[target] = bars.add_task(target.region, total=None, tally=tally, status=None)
            if status:
                name = f"[{_STYLES[status]}]{target.region} {status}[/]"
                bars.update(tasks[target], total=1, completed=1, description=name, status=status)

        yield show


class _TallyColumn(ProgressColumn):
    """What has been read so far, looked up anew each time that the bars are drawn."""

    def render(self, task: Task) -> Text:
        return Text(_counts(task.fields["tally"], task.fields["status"]))


def _counts(tally: Tally, status: Status | None) -> str:
    # What a target gave before it failed is not how many pools it has.
    pools = f"pools {tally.pools}, " if status in {None, "ok"} else ""
    return f"{pools}requests {tally.requests}, retries {tally.retries}"
