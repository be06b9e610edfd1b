"""Rows of pools as a reader asks for them: in which format, which columns, in which order, and how many."""

import functools
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import click

from pool_inventory.model import Target
from pool_inventory.snapshots import formats, functions, schema
from pool_inventory.snapshots.pools import TRIGGER_PREFIX, value_of
from pool_inventory.terminal.answers import TABLE, takes_format, wide_option
from pool_inventory.terminal.tables import plain_lines
from pool_inventory.text import did_you_mean

COLUMNS = tuple(formats.flat_names(schema.DATA))
# Of an organization's snapshot, whose accounts object has it.
ACCOUNT_NAME = "account_name"


@dataclass(frozen=True, slots=True)
class _Order:
    """By which column to sort, None for account, region and id; and whether the greatest comes first."""

    column: str | None = None
    is_descending: bool = False


@dataclass(frozen=True, slots=True)
class Sheet:
    """How to write rows.

    Attributes:
        file_format: one of answers.FORMATS.
        columns: which of COLUMNS; empty for the usual ones.
        order: in which order.
        limit: how many rows at most, None for all.
        is_wide: whether a table's cells stay whole, though it does not fit the terminal.
    """

    file_format: str = TABLE
    columns: tuple[str, ...] = ()
    order: _Order = _Order()
    limit: int | None = None
    is_wide: bool = False

    def arranged(self, rows: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
        """Return the rows that are asked for, in their order; a row that lacks the value to sort by comes last."""
        if not self.order.column:
            return list(rows[: self.limit])
        cells = [dict(formats.flat_cells(row)).get(self.order.column) for row in rows]
        has = sorted(
            ((cell, number) for number, cell in enumerate(cells) if cell is not None),
            key=lambda each: each[0],
            reverse=self.order.is_descending,
        )
        lacks = [number for number, cell in enumerate(cells) if cell is None]
        return [rows[number] for number in (*(number for _, number in has), *lacks)][: self.limit]

    def chosen(self, row: dict[str, Any]) -> dict[str, Any]:
        """Return a row's columns that are asked for, each under its dotted name; the whole row if none are."""
        return {name: value_of(row, name) for name in self.columns} if self.columns else row


def sheet_options(function: Callable[..., None]) -> Callable[..., None]:
    """Add the options that say how to write rows; the command gets a `sheet` of them, and of --json."""

    @takes_format
    @functools.wraps(function)
    def command(
        *,
        file_format: str,
        columns: tuple[str, ...],
        sort: _Order | None,
        limit: int | None,
        is_wide: bool,
        **others: object,
    ) -> None:
        function(sheet=Sheet(file_format, columns, sort or _Order(), limit, is_wide), **others)

    decorated = command
    for decorate in (
        wide_option,
        click.option("--limit", metavar="NUMBER", type=click.IntRange(min=1), help="Only so many rows."),
        click.option(
            "--sort",
            metavar="COLUMN",
            callback=_parse_sort,
            help="Sort by this column; -COLUMN for the greatest first. [default: account, region, id]",
        ),
        click.option(
            "--columns",
            metavar="NAMES",
            callback=_parse_columns,
            help="Only these columns, a comma list, such as id,name,pre_sign_up. docs/contract.md has them all; of an "
            f"organization there is {ACCOUNT_NAME}, too.",
        ),
    ):
        decorated = decorate(decorated)
    return decorated


def _parse_columns(_context: click.Context, _parameter: click.Parameter, text: str | None) -> tuple[str, ...]:
    return () if text is None else tuple(_column(name.strip()) for name in text.split(","))


def _parse_sort(_context: click.Context, _parameter: click.Parameter, text: str | None) -> _Order | None:
    return None if text is None else _Order(_column(text.removeprefix("-")), text.startswith("-"))


def _column(name: str) -> str:
    """Return a column's whole name; a trigger's may be without lambda_config."""
    for each in (name, f"{TRIGGER_PREFIX}{name}"):
        if each in {*COLUMNS, ACCOUNT_NAME}:
            return each
    short = [each.removeprefix(TRIGGER_PREFIX) for each in (*COLUMNS, ACCOUNT_NAME)]
    advice = did_you_mean(name, short) or f"use {', '.join(short)}"
    raise click.BadParameter(f"{name!r} is no column: {advice}")


def table_lines(rows: Iterable[dict[str, Any]], columns: Sequence[str], width: int | None) -> list[str]:
    """Return rows as a table of these columns; a trigger's without lambda_config, its functions as short as can be."""
    names = [each.removeprefix(TRIGGER_PREFIX) for each in columns]
    return plain_lines(names, ([_cell(row, name) for name in columns] for row in rows), width=width)


def _cell(row: dict[str, Any], name: str) -> str:
    cell = dict(formats.flat_cells(row)).get(name, "")
    return functions.shown(cell, Target(row["account_id"], row["region"])) if name.startswith(TRIGGER_PREFIX) else cell
