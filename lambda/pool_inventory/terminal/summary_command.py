"""The command that counts: summary."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import click

from pool_inventory import settings
from pool_inventory.clock import Clock
from pool_inventory.model import Coverage, Target
from pool_inventory.snapshots import coverage
from pool_inventory.snapshots.counted import Count, Counted, Use, count_pools
from pool_inventory.snapshots.functions import parse
from pool_inventory.snapshots.manifest import Manifest
from pool_inventory.snapshots.pools import TRIGGERS
from pool_inventory.terminal import reports
from pool_inventory.terminal.answers import Answer, takes_format, write_answer
from pool_inventory.terminal.console import Moment, checked_as, terminal_width
from pool_inventory.terminal.reading import at, choose, newest_unless, opened, read_known, reading_command
from pool_inventory.terminal.tables import paragraph, plain_lines
from pool_inventory.text import printable

# How many functions outside it names: `functions --foreign` has them all.
MAX_FOREIGN = 5
_EARLIER = "*"
# In CSV, a row for each region.
_COLUMNS = (
    "account_id",
    "region",
    "status",
    "last_ok",
    "pools",
    "quotaPercent",
    "poolsWithTriggers",
    "functions",
    "functionsOutside",
)


@dataclass(frozen=True, slots=True)
class Place:
    """What is known of the pools of a target.

    Attributes:
        coverage: how reading it went.
        count: how many pools it has.
        use: what they call.
    """

    coverage: Coverage
    count: Count
    use: Use


@click.command()
@reading_command
@at
@click.option(
    "--quota",
    metavar="NUMBER",
    callback=checked_as(settings.USER_POOL_QUOTA),
    default=settings.USER_POOL_QUOTA.default,
    show_default=True,
    help="How many pools an account may have in a region, by its quota.",
)
@takes_format
def summary(*, location: str, profile: str | None, file_format: str, moment: Moment | None, quota: int) -> None:
    """Count the user pools by account and region, and by trigger.

    LOCATION is s3://BUCKET/PREFIX or a folder. Of each region: how many pools there are, how much of the quota they
    use, how many have triggers, how many functions they call, and how many of these are outside the account or the
    region. Regions that were not read are named.
    """
    with opened(location, profile) as store:
        made = choose(store, moment)
        known = read_known(store, made)
        counted = count_pools(known, Clock().now())
        places = [_place(each, counted) for each in known.coverage()]
        answer = Answer(
            lines=_lines(made, places, counted, quota, terminal_width()),
            document=_document(made, places, counted, quota),
            rows=(_place_document(each, quota) for each in places),
            columns=_COLUMNS,
            remarks=_unread_lines(places),
            newest=newest_unless(moment, made),
        )
        write_answer(file_format, answer)


def _place(covered: Coverage, counted: Counted) -> Place:
    target = covered.target
    return Place(covered, counted.places.get(target, Count()), counted.uses.get(target, Use()))


def _lines(made: Manifest, places: Sequence[Place], counted: Counted, quota: int, width: int | None) -> Iterator[str]:
    asked = sum(count for status, count in made.targets.items() if status != "not_asked")
    total = counted.total.total
    yield f"{total} user pool{'' if total == 1 else 's'} known in {made.id}, which is {made.status}."
    accounts = {each.coverage.account_id for each in places if each.coverage.status != "not_asked"}
    has_several = len(accounts) > 1
    of_accounts = f" of {len(accounts)} accounts" if has_several else ""
    yield f"{made.targets.get('ok', 0)} of {asked} regions{of_accounts} {'was' if asked == 1 else 'were'} read."
    yield from _unread_lines(places, width)
    shown = [each for each in places if each.count.total]
    if not shown:
        return
    yield ""
    counts = ("known", "quota", "triggers", "functions", "outside")
    names = ("account", "region", *counts, "")
    yield from plain_lines(names, (_cells(each, quota) for each in shown), width=width, right=counts)
    if any(each.count.earlier for each in shown):
        yield f"{_EARLIER} known from an earlier snapshot"
    yield from _others(places, has_several=has_several)
    yield ""
    yield from plain_lines(
        ("trigger", "pools", "functions"), _trigger_cells(counted), width=width, right=("pools", "functions")
    )
    yield from _foreign_lines(counted, width)


def _unread_lines(places: Iterable[Place], width: int | None = None) -> Iterator[str]:
    return reports.unread_lines([each.coverage for each in places if each.coverage.has_unknown_pools], width)


def _cells(place: Place, quota: int) -> tuple[str, ...]:
    use = place.use
    quota_used = f"{100 * place.count.total / quota:.1f}%"
    numbers = (place.count.total, quota_used, use.pools, use.functions, use.foreign)
    return (*place.coverage.target, *map(str, numbers), _EARLIER if place.count.earlier else "")


def _others(places: Iterable[Place], *, has_several: bool) -> Iterator[str]:
    """Say how many regions have no pools, and of several accounts of how many: rows for them would hide the others."""
    empty = [each.coverage for each in places if not each.count.total and not each.coverage.has_unknown_pools]
    if not empty:
        return
    accounts = len({each.account_id for each in empty})
    of_accounts = f" of {accounts} account{'' if accounts == 1 else 's'}" if has_several else ""
    regions, have = ("region", "has") if len(empty) == 1 else ("regions", "have")
    yield f"{len(empty)} {regions}{of_accounts} {have} no pools."


def _trigger_cells(counted: Counted) -> Iterator[tuple[str, str, str]]:
    named = {name for name, _ in counted.triggers}
    for name in (*TRIGGERS, *sorted(named - {*TRIGGERS})):
        pools = sum(count for (trigger, _), count in counted.triggers.items() if trigger == name)
        if pools:
            yield name, str(pools), str(len(_functions_of(counted, name)))


def _functions_of(counted: Counted, trigger: str) -> set[tuple[str, str, str]]:
    """Return the functions that a trigger calls, whatever the version."""
    found = (parse(each.arn) for each in counted.called if trigger in each.triggers)
    return {(each.account_id, each.region, each.name) for each in found if each}


def _foreign_lines(counted: Counted, width: int | None) -> Iterator[str]:
    foreign = counted.foreign
    if not foreign:
        yield "No function is outside the account and the region of a pool that calls it."
        return
    yield ""
    yield "Functions outside the account or the region of a pool that calls them:"
    for each in foreign[:MAX_FOREIGN]:
        pools = f"{each.pools} pool{'' if each.pools == 1 else 's'}"
        function = parse(each.arn)
        name = function.name if function else each.arn
        yield from paragraph(printable(f"  {name} ({each.place}): {', '.join(each.triggers)} of {pools}"), width)
    if len(foreign) > MAX_FOREIGN:
        yield f"  and {len(foreign) - MAX_FOREIGN} more: `pool-inventory functions --foreign` has them"


def _document(made: Manifest, places: Sequence[Place], counted: Counted, quota: int) -> dict[str, Any]:
    return {
        "snapshotId": made.id,
        "status": made.status,
        "pools": counted.total.total,
        "targets": dict(made.targets),
        "quota": quota,
        "places": [_place_document(each, quota) for each in places],
        "triggers": [
            {"trigger": name, "pools": int(pools), "functions": int(functions)}
            for name, pools, functions in _trigger_cells(counted)
        ],
        "functions": counted.functions,
        "functionsOutside": len({each.arn for each in counted.foreign}),
        "unread": [coverage.row_of(made.id, each.coverage) for each in places if each.coverage.has_unknown_pools],
    }


def _place_document(place: Place, quota: int) -> dict[str, Any]:
    target: Target = place.coverage.target
    return {
        "account_id": target.account_id,
        "region": target.region,
        "status": place.coverage.status,
        "last_ok": place.coverage.last_ok,
        "pools": place.count.total,
        "quotaPercent": round(100 * place.count.total / quota, 1),
        "poolsWithTriggers": place.use.pools,
        "functions": place.use.functions,
        "functionsOutside": place.use.foreign,
    }
