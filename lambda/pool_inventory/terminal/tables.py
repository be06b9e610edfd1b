"""What a person sees of a run on the terminal."""

import os
import sys
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING

import click
from rich.cells import cell_len, set_cell_size
from rich.console import Console
from rich.markup import escape
from rich.progress import BarColumn, Progress, ProgressColumn, Task, TaskID, TextColumn, TimeElapsedColumn
from rich.table import Table
from rich.text import Text

from pool_inventory.model import Coverage, Status, Target
from pool_inventory.text import printable

if TYPE_CHECKING:
    from pool_inventory.aws.calls import Tally
    from pool_inventory.collect import readings as collect

_STYLES: dict[Status, str] = {
    "ok": "green",
    "absent": "dim",
    "denied": "red",
    "throttled": "yellow",
    "timed_out": "yellow",
    "failed": "red",
}

# Output that is not to a terminal has no width to fit into, and is better in whole lines.
WIDTH_ELSEWHERE = 160


def open_console(*, stderr: bool = False) -> Console:
    """Return rich's console on standard output, or on standard error."""
    console = Console(stderr=stderr)
    is_width_known = console.is_terminal or "COLUMNS" in os.environ
    return console if is_width_known else Console(stderr=stderr, width=WIDTH_ELSEWHERE)


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
            shown(each.region),
            f"[{_STYLES[each.status]}]{each.status}[/]",
            "-" if each.pools is None else str(each.pools),
            str(each.requests),
            str(each.retries),
            f"{each.duration_ms / 1000:.1f}",
            shown(f"{each.error_code}: {each.error_message or 'no more is known'}") if each.error_code else "",
        )
    return table


def pairs_table(title: str, names: tuple[str, str], pairs: Iterable[tuple[str, str]]) -> Table:
    """Show names and their values."""
    table = Table(title=title, title_justify="left", title_style="bold")
    table.add_column(names[0], overflow="fold")
    table.add_column(names[1], justify="right", no_wrap=True)
    for pair in pairs:
        table.add_row(*map(shown, pair))
    return table


def shown(text: str) -> Text:
    """Return text from outside for rich to show: with no markup in it, and an escape for what would not print."""
    return Text(_written(text))


def _written(text: str) -> str:
    """Return text as standard output will have it: what its encoding lacks is escaped, and takes more room."""
    encoding = sys.stdout.encoding or "utf-8"
    return printable(text).encode(encoding, "backslashreplace").decode(encoding)


_GAP = "  "
_LEAST_WIDTH = 8
# A name that is cut cannot be used in the next command.
_NAMING = frozenset({"account", "id", "region", "snapshot"})
_COLOURS = {
    "complete": "green",
    "partial": "yellow",
    "created": "green",
    "found": "green",
    "deleted": "red",
    "modified": "yellow",
}


def plain_lines(
    names: Sequence[str],
    rows: Iterable[Sequence[str]],
    *,
    width: int | None,
    right: Sequence[str] = (),
    wrap_last: bool = False,
) -> list[str]:
    """Lay out thousands of rows, for which rich takes seconds, as lines with a header.

    Args:
        names: the columns'.
        rows: cells of any text; what does not print is written as an escape.
        width: how many columns of the terminal there are; the widest columns of the table are cut to fit, but for
            those that name things. None: whole, with a tab between cells and no padding, for other programs.
        right: which columns are set to the right.
        wrap_last: whether the cells of the last column go on in the next line, where the others are cut.
    """
    cells = [list(names), *([_written(cell) for cell in row] for row in rows)]
    if width is None:
        return ["\t".join(row) for row in cells]
    widths = [max(map(cell_len, column)) for column in zip(*cells, strict=True)]
    kept = [widths[number] if name in _NAMING else 0 for number, name in enumerate(names)]
    room = width - len(_GAP) * (len(names) - 1) - sum(kept)
    widths = [max(pair) for pair in zip(kept, _fitting(widths, kept, room), strict=True)]
    if wrap_last:
        console = Console()
        cells = [part for row in cells for part in _wrapped(row, widths[-1], console)]
    set_right = [name in right for name in names]
    header, *others = (list(map(_set, row, widths, set_right)) for row in cells)
    lines = [click.style(_GAP.join(header).rstrip(), bold=True)]
    lines += (_GAP.join(map(_coloured, row)).rstrip() for row in others)
    return lines


def _fitting(widths: list[int], kept: list[int], room: int) -> list[int]:
    """Cut the widest of the columns that are not kept, all to one width, as far as there is not room for them."""
    free = [0 if keep else width for width, keep in zip(widths, kept, strict=True)]
    cut = max(free)
    while cut > _LEAST_WIDTH and sum(min(each, cut) for each in free) > room:
        cut -= 1
    return [min(each, cut) for each in free]


def _wrapped(row: list[str], width: int, console: Console) -> Iterator[list[str]]:
    """Return a row as rows whose last cells have at most this width; the others are in the first of them."""
    if cell_len(row[-1]) <= width:  # most do, and rich takes its time
        yield row
        return
    first, *others = Text(row[-1]).wrap(console, width, overflow="fold")
    yield [*row[:-1], first.plain.rstrip()]
    for each in others:
        yield [*[""] * (len(row) - 1), each.plain.rstrip()]


def _set(cell: str, width: int, right: bool) -> str:  # noqa: FBT001 - map passes it by its place
    missing = width - cell_len(cell)
    if missing < 0:
        return f"{set_cell_size(cell, width - 1)}…"
    return " " * missing + cell if right else cell + " " * missing


def _coloured(cell: str) -> str:
    colour = _COLOURS.get(cell.rstrip())
    return click.style(cell, fg=colour) if colour else cell


@contextmanager
def show_progress(console: Console) -> "Iterator[collect.Progress]":
    """Show each target while it is read: a bar on a terminal, a line as it ends elsewhere."""
    if not console.is_terminal:

        def say(target: Target, tally: "Tally", status: Status | None) -> None:
            if status:
                console.print(shown(f"{target.region} {status}: {_counts(tally, status)}"))

        yield say
        return
    columns = (TextColumn("{task.description}"), BarColumn(bar_width=20), _TallyColumn(), TimeElapsedColumn())
    tasks: dict[Target, TaskID] = {}
    with Progress(*columns, console=console) as bars:

        def show(target: Target, tally: "Tally", status: Status | None) -> None:
            region = escape(printable(target.region))
            if target not in tasks:
                tasks[target] = bars.add_task(region, total=None, tally=tally, status=None)
            if status:
                name = f"[{_STYLES[status]}]{region} {status}[/]"
                bars.update(tasks[target], total=1, completed=1, description=name, status=status)

        yield show


class _TallyColumn(ProgressColumn):
    """What has been read so far, looked up each time the bars are drawn."""

    def render(self, task: Task) -> Text:
        return Text(_counts(task.fields["tally"], task.fields["status"]))


def _counts(tally: "Tally", status: Status | None) -> str:
    # What a target gave before it failed is not how many pools it has.
    pools = f"pools {tally.pools}, " if status in {None, "ok"} else ""
    return f"{pools}requests {tally.requests}, retries {tally.retries}"
