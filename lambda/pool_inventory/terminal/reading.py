"""What the commands that read what is stored have in common."""

import sys
from bisect import bisect
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, TypeVar

import click

from pool_inventory.clock import Clock
from pool_inventory.errors import SnapshotError, StoreError
from pool_inventory.snapshots import archive, manifest
from pool_inventory.snapshots.known import Known
from pool_inventory.snapshots.manifest import Manifest
from pool_inventory.stores.protocol import Store
from pool_inventory.terminal import reports
from pool_inventory.terminal.console import (
    Moment,
    complete_location,
    errors_on_one_line,
    parse_location,
    parse_moment,
    say,
    warn,
)
from pool_inventory.terminal.location import open_location
from pool_inventory.terminal.streams import check_output, is_lost

Command = TypeVar("Command", bound=Callable[..., Any])


def reading_command(function: Command) -> Command:
    """Add what all of them take."""
    for decorate in (
        click.option("--json", "as_json", is_flag=True, help="Write JSON, for scripts."),
        click.option(
            "--profile", help="Whose credentials to use for s3://: a profile of the AWS CLI's configuration."
        ),
        click.argument("location", callback=parse_location, shell_complete=complete_location),
    ):
        function = decorate(function)
    return function


at = click.option(
    "--at",
    "moment",
    metavar="TIME",
    callback=parse_moment,
    help="The newest snapshot up to a time (2026-11-24T18:00:00Z), to the end of a day in UTC (2026-11-24, "
    "yesterday), or so long ago (24h, 7d); or the one of an id (2026-11-24T18-00Z). [default: newest]",
)


@contextmanager
def opened(location: str, profile: str | None) -> Iterator[Store]:
    """Open what a location names; an error ends the command with one line."""
    with errors_on_one_line():
        yield open_location(location, profile)


def choose(store: Store, moment: Moment | None) -> Manifest:
    """Return the manifest of the snapshot that is asked for; of the newest where none is.

    Raises:
        SnapshotError: there is none, or it is not ours.
        StoreError: the store cannot be read.
    """
    if moment is None:
        return archive.newest(store, warn)
    if not moment.exact:
        return archive.newest_up_to(store, moment.snapshot_id)
    try:
        return manifest.read(store, moment.snapshot_id)
    except SnapshotError:
        _check_is_there(store, moment.snapshot_id)
        raise


def _check_is_there(store: Store, identifier: str) -> None:
    """Check that there is a snapshot of an id.

    Raises:
        SnapshotError: there is none; it names those next to it.
        StoreError: the store cannot be read.
    """
    found = archive.finished_ids(store)
    if identifier in found:
        return
    place = bisect(found, identifier)
    near = " and ".join(found[max(place - 1, 0) : place + 1])
    raise SnapshotError(
        f"there is no snapshot {identifier}: next to it {'are' if ' ' in near else 'is'} {near}; "
        "`pool-inventory list` has all"
    )


only_read_option = click.option(
    "--only-read",
    is_flag=True,
    help="Only the pools that the snapshot itself read, without those that it knows from an earlier one.",
)


def read_known(store: Store, made: Manifest, *, only_read: bool = False) -> Known:
    """Return what was known as of a snapshot's time, and say of which targets it is lost.

    Raises:
        SnapshotError, StoreError: as archive.read_known.
    """
    known = archive.read_known(store, made, only_read=only_read)
    for target, why in known.lost.items():
        warn(f"the pools of {' '.join(target)} cannot be read, and are left out: {why}")
    return known


def newest_unless(moment: Moment | None, made: Manifest) -> Manifest | None:
    """Return a snapshot that was chosen as the newest; None where another may have been asked for."""
    return made if moment is None else None


def newest_if_readable(store: Store) -> Manifest | None:
    """Return the newest snapshot, None where it cannot be read: for its age alone no command fails."""
    try:
        return archive.newest(store, lambda _: None)
    except (SnapshotError, StoreError):
        return None


def say_age(newest: Manifest) -> None:
    """Write how old the newest snapshot is to standard error; in red where it is too old."""
    check_output()
    if not is_lost(sys.stdout):
        now = Clock().now()
        say(reports.age_text(newest, now), colour="red" if reports.is_too_old(newest, now) else None)


def age_of(newest: Manifest | None) -> dict[str, Any]:
    """Return how old the newest snapshot is for a script; null where the answer is not from the newest."""
    now = Clock().now()
    return {
        "ageSeconds": newest and reports.age_seconds(newest, now),
        "isStale": newest and reports.is_too_old(newest, now),
    }
