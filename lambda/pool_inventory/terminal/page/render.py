"""What the page says → one file of HTML, with its style, its script and its data in it."""

import base64
import hashlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from importlib import resources
from typing import Any

import jinja2
from markupsafe import Markup

from pool_inventory.model import Target
from pool_inventory.snapshots import keys
from pool_inventory.snapshots.counted import Count, Pool
from pool_inventory.snapshots.pools import TRIGGERS
from pool_inventory.terminal.page import charts
from pool_inventory.terminal.page.facts import MAX_LISTED, Facts
from pool_inventory.text import printable

# How many pools are drawn at once; the search draws other ones in their place.
MAX_DRAWN = 200
# How many functions outside are listed.
MAX_FOREIGN = 100
# How many accounts have a column or a row of their own.
MAX_ACCOUNTS = 40
# With fewer accounts than regions a table of both fits better with a column for each account.
_MAX_COLUMNS = 12
_SHADES = 5


@dataclass(frozen=True, slots=True)
class Cell:
    """A number in a table of two kinds: how dark it is, 0 to 5, and whether some of it is known only from earlier."""

    text: str
    shade: int
    earlier: int


@dataclass(frozen=True, slots=True)
class Grid:
    """A table of two kinds: a row for each of one, a column for each of the other."""

    kind: str
    columns: tuple[str, ...]
    rows: tuple[tuple[str, tuple[Cell, ...]], ...]
    left_out: int


def render(facts: Facts) -> str:
    """Return the page."""
    environment = jinja2.Environment(
        loader=jinja2.FunctionLoader(_part),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
        finalize=_shown,
    )
    environment.filters |= {"time": _time, "hash": _hash, "bar": charts.bar, "number": lambda number: f"{number:,}"}
    style, script = (Markup(_part(name)) for name in ("page.css", "page.js"))  # noqa: S704 - our own files
    pools = facts.pools
    arrivals = facts.recent.arrivals
    # In sorting, equal ones stay in their order.
    foreign = sorted(pools.foreign, key=lambda each: arrivals.get(each.arn, ""), reverse=True)
    names, rows = charts.time_axis(facts.recent, facts.accounts)
    return environment.get_template("page.html").render(
        facts=facts,
        pools=pools,
        style=style,
        script=script,
        letters=charts.LETTERS,
        unknown=charts.UNKNOWN,
        kinds=charts.KINDS,
        names=names,
        rows=rows,
        arrivals=arrivals,
        foreign=foreign[:MAX_FOREIGN],
        failures=tuple(_failures(facts)),
        regions=_by_region(pools.places),
        account_grid=_account_grid(pools.places) if facts.accounts > 1 else None,
        trigger_grid=_trigger_grid(pools.triggers),
        drawn=[_cells(each) for each in pools.listed[:MAX_DRAWN]],
        data=_data(pools.listed),
        max_listed=MAX_LISTED,
    )


def _part(name: str) -> str:
    return resources.files(__package__).joinpath(name).read_text(encoding="utf-8")


def _shown(value: Any) -> Any:  # noqa: ANN401 - whatever the template writes
    """Return a value for the page: what would not print, or would turn the direction of text, as an escape."""
    return printable(value) if isinstance(value, str) and not isinstance(value, Markup) else value


def _time(value: str | datetime) -> str:
    """Return a time, or the time that a snapshot's id names, for people."""
    time = keys.snapshot_time(value) if isinstance(value, str) else value
    return f"{time:%Y-%m-%d %H:%M} UTC"


def _hash(text: str) -> str:
    """Return what a Content-Security-Policy calls an element with this text."""
    return f"'sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}'"


def _failures(facts: Facts) -> Iterable[tuple[Target, str, str, str, str]]:
    """Return what the strip shows other than targets that were read, as text: target, status, code, first and last."""
    identifiers = [each.id for each in facts.recent.manifests]
    for target, spans in facts.recent.strip.rows.items():
        for span in spans:
            if span.reading and span.reading.status != "ok":
                status = span.reading.status.replace("_", " ")
                yield target, status, span.reading.code or "", identifiers[span.first], identifiers[span.last]


def _by_region(places: Mapping[Target, Count]) -> dict[str, Count]:
    found: dict[str, Count] = {}
    for target, count in sorted(places.items(), key=lambda each: each[0].region):
        found[target.region] = found.get(target.region, Count()).plus(count)
    return dict(sorted(found.items(), key=lambda each: -each[1].total))


def _account_grid(places: Mapping[Target, Count]) -> Grid:
    """Return pools by account and region, the accounts with most pools first."""
    totals: dict[str, int] = {}
    for target, count in places.items():
        totals[target.account_id] = totals.get(target.account_id, 0) + count.total
    accounts = sorted(totals, key=lambda each: (-totals[each], each))
    regions = list(_by_region(places))
    cells = {(each.account_id, each.region): count for each, count in places.items()}
    if len(accounts) <= _MAX_COLUMNS:
        turned = {(region, account): count for (account, region), count in cells.items()}
        return _grid("region", regions, accounts, turned, 0)
    shown = accounts[:MAX_ACCOUNTS]
    return _grid("account", shown, regions, cells, len(accounts) - len(shown))


def _trigger_grid(triggers: Mapping[tuple[str, str], int]) -> Grid:
    used = [name for name in TRIGGERS if any(trigger == name for trigger, _ in triggers)]
    regions = sorted({region for _, region in triggers})
    cells = {(region, trigger): Count(read=count) for (trigger, region), count in triggers.items()}
    return _grid("region", regions, used, cells, 0)


def _grid(
    kind: str, rows: Sequence[str], columns: Sequence[str], counts: Mapping[tuple[str, str], Count], left_out: int
) -> Grid:
    highest = max((each.total for each in counts.values()), default=0)
    made = ((row, tuple(_cell(counts.get((row, column), Count()), highest) for column in columns)) for row in rows)
    return Grid(kind, tuple(columns), tuple(made), left_out)


def _cell(count: Count, highest: int) -> Cell:
    # Not 0 for any that has a pool.
    shade = -(-_SHADES * count.total // highest) if count.total else 0
    return Cell(f"{count.total:,}" if count.total else "", shade, count.earlier)


def _cells(pool: Pool) -> tuple[str, ...]:
    """Return a row of the table of pools; page.js makes the same of the data."""
    calls = "; ".join(f"{', '.join(each.triggers)} → {each.function}" for each in pool.calls)
    return pool.name, pool.id, pool.account_id, pool.region, calls, pool.modified, _read_at(pool)


def _read_at(pool: Pool) -> str:
    return _time(datetime.fromisoformat(pool.read_at)) if pool.read_at else ""


def _data(listed: Sequence[Pool]) -> Markup:
    """Return the pools as JSON for page.js: what comes again and again is in a list of its own, and named by place."""
    texts: dict[str, int] = {}

    def place(text: str) -> int:
        return texts.setdefault(printable(text), len(texts))

    pools = [
        [
            printable(each.name),
            printable(each.id),
            place(each.account_id),
            place(each.region),
            [[place(call.function), *map(place, call.triggers)] for call in each.calls],
            each.modified,
            place(_read_at(each)),
        ]
        for each in listed
    ]
    return jinja2.utils.htmlsafe_json_dumps(
        {"pools": pools, "texts": list(texts)}, separators=(",", ":"), ensure_ascii=False
    )
