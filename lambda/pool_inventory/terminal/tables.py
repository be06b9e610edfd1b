"""What a person sees of a run on the terminal."""

import os
import sys
import textwrap
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import replace

import click
from rich.cells import cell_len, set_cell_size
from rich.console import Console
from rich.table import Table
from rich.text import Text

from pool_inventory.model import Coverage, Status
from pool_inventory.text import printable

STYLES: dict[Status, str] = {
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
    return console if has_width(console) else Console(stderr=stderr, width=WIDTH_ELSEWHERE)


def has_width(console: Console) -> bool:
    """Whether tables must fit into a width: elsewhere they are for other programs."""
    return console.is_terminal or "COLUMNS" in os.environ


def show_table(console: Console, table: Table) -> None:
    """Write a table: with lines around its cells where people see it, and in a pipe as plain_lines has it."""
    if has_width(console):
        console.print(table)
        return
    names = [str(column.header) for column in table.columns]
    columns = [[_plain(cell) for cell in column.cells] for column in table.columns]
    if not console.quiet:
        lines = (str(table.title), *plain_lines(names, zip(*columns, strict=True), width=None))
        console.file.write("".join(f"{line}\n" for line in lines))  # rich would put spaces for the tabs


def _plain(cell: object) -> str:
    return cell.plain if isinstance(cell, Text) else Text.from_markup(str(cell)).plain


def targets_table(coverage: Iterable[Coverage], title: str) -> Table:
    """Show how reading each target went: those without pools as one row, and those that could not be read last.

    An unread target's pools are a dash, not 0. An error is cut to its row, and is below the table as a whole: it is
    long, and often the same for many targets. With accounts before the regions a terminal has no room for it in a row.
    """
    covered = list(coverage)
    table = Table(title=title, title_justify="left", title_style="bold", caption_justify="left", caption_style="")
    several = len({each.account_id for each in covered}) > 1

    def place(each: Coverage) -> str:
        return " ".join(each.target) if several else each.region

    table.caption = Text("\n").join(map(shown, _errors(covered, place)))
    table.add_column("account and region" if several else "region", no_wrap=True)
    table.add_column("status", no_wrap=True)
    for name in ("pools", "requests", "retries", "seconds"):
        table.add_column(name, justify="right", no_wrap=True)
    if not several:
        table.add_column("error")
    empty = [each for each in covered if each.is_read and not each.pools]
    failed = [each for each in covered if each.is_failed]
    for each in covered:
        if not each.is_failed and (each.pools or not each.is_read):
            _add_row(table, place(each), each)
    if len(empty) > 1:
        _add_row(table, f"{len(empty)} others", _together(empty))
    for each in (empty if len(empty) == 1 else []) + failed:
        _add_row(table, place(each), each)
    return table


def _errors(covered: Iterable[Coverage], place: Callable[[Coverage], str]) -> Iterator[str]:
    places: dict[str, list[str]] = {}
    for each in covered:
        if each.error_code:
            places.setdefault(_error(each), []).append(place(each))
    yield from (f"{', '.join(names)}: {error}" for error, names in places.items())


def _error(each: Coverage) -> str:
    return f"{each.error_code}: {each.error_message or 'no more is known'}" if each.error_code else ""


def _add_row(table: Table, name: str, each: Coverage) -> None:
    error = shown(_error(each))
    error.no_wrap, error.overflow = True, "ellipsis"
    cells = (
        shown(name),
        f"[{STYLES[each.status]}]{each.status}[/]{', accepted' if each.accepted_by else ''}",
        "-" if each.pools is None else str(each.pools),
        str(each.requests),
        str(each.retries),
        f"{each.duration_ms / 1000:.1f}",
        error,
    )
    table.add_row(*cells[: len(table.columns)])


def _together(covered: Sequence[Coverage]) -> Coverage:
    """Return targets that were read side by side as one: the slowest took as long as all."""
    return replace(
        covered[0],
        requests=sum(each.requests for each in covered),
        retries=sum(each.retries for each in covered),
        duration_ms=max(each.duration_ms for each in covered),
    )


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
# As many columns of a terminal as any table can need.
_WHOLE = 1_000_000
_NARROWEST = 8
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


def room(width: int | None, *, is_wide: bool) -> int | None:
    """Return the columns for a table that --wide leaves whole, where the terminal has this width."""
    return _WHOLE if is_wide and width is not None else width


def paragraph(text: str, width: int | None) -> list[str]:
    """Return a text as lines that fit into a width, those after the first indented; without a width, as one line."""
    if width is None:
        return [text]
    indent = " " * (len(text) - len(text.lstrip()) + 2)
    return textwrap.wrap(
        text, max(width, _NARROWEST), subsequent_indent=indent, break_on_hyphens=False, break_long_words=False
    ) or [""]


def _fitting(widths: list[int], kept: list[int], room: int) -> list[int]:
    """Cut the widest of the columns that are not kept, all to one width, as far as there is not room for them."""
    free = [0 if keep else width for width, keep in zip(widths, kept, strict=True)]
    cut = max(free)
    while cut > _NARROWEST and sum(min(each, cut) for each in free) > room:
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
