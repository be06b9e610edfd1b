"""The whole of it: what a run does between its settings and its summary."""

import dataclasses
import json
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Literal

from pool_inventory import collect, keys, publish
from pool_inventory.calls import Deadline
from pool_inventory.collect import Coverage, Progress, Reading
from pool_inventory.errors import InventoryError, NewerError, SnapshotError, UnreadError
from pool_inventory.publish import History, Published
from pool_inventory.snapshot import Baseline, Link, Place, Snapshot
from pool_inventory.store import Store
from pool_inventory.targets import Account, choose_targets

if TYPE_CHECKING:
    from boto3.session import Session

LastOk = dict[Place, str | None]
Result = Literal["published", "finished", "unchanged", "superseded"]


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a run came to.

    Attributes:
        snapshot_id: the snapshot that the run was for.
        result: `published`, it was read and published; `finished`, it was found committed and was finished;
            `unchanged`, it was found finished; `superseded`, a newer one was found, and this one was not made.
        published: the snapshot, where it was published or finished.
        recovered: earlier snapshots whose runs had died, and which this run finished.
        warnings: what someone should look at, though the run did its work.
    """

    snapshot_id: str
    result: Result
    published: Published | None = None
    recovered: tuple[Published, ...] = ()
    warnings: tuple[str, ...] = ()


def export(
    *,
    regions: str | tuple[str, ...],
    max_requests_per_second: float,
    extra_formats: tuple[str, ...] = (),
    snapshot_time: datetime,
    session: "Session",
    account: Callable[[], Account],
    store: Store,
    deadline: Deadline,
    progress: Progress | None = None,
) -> Outcome:
    """Make the snapshot of a time: finish what earlier runs left, collect, commit, finish.

    A run that finds its snapshot committed asks no target; nor does one that finds a newer snapshot.

    Raises:
        UnreadError: not one target could be read; nothing was published.
        NewerError: the snapshot before is of a newer release.
        TargetsError, StoreError, SnapshotError: as their texts say.
    """
    identifier = keys.snapshot_id(snapshot_time)
    history = publish.read_history(store, identifier)
    recovered, warnings = _finish_earlier(store, history, identifier)
    if history.committed:
        if identifier in history.unfinished:
            return Outcome(identifier, "finished", publish.finish(store, identifier), recovered, warnings)
        publish.mend_latest_data(store, identifier)
        return Outcome(identifier, "unchanged", None, recovered, warnings)
    latest = publish.read_latest(store) if recovered else history.latest
    if latest and latest.snapshot_id > identifier:
        return Outcome(identifier, "superseded", None, recovered, warnings)

    # Before anyone is asked: what a newer release left is not to be gone on from.
    before = _read_last_ok(store, latest)
    started_at = deadline.clock.now()
    readings = collect.collect(
        choose_targets(regions, session=session, account=account, deadline=deadline),
        session=session,
        snapshot_time=snapshot_time,
        max_requests_per_second=max_requests_per_second,
        deadline=deadline,
        progress=progress,
    )
    coverage = tuple(reading.coverage for reading in readings)
    try:
        if all(each.status != "ok" for each in coverage):
            raise UnreadError(f"no target could be read, so nothing is published: {_reasons(coverage)}")
        snapshot = Snapshot(
            id=identifier,
            started_at=started_at,
            ended_at=deadline.clock.now(),
            previous=latest,
            coverage=_with_last_ok(coverage, identifier, before or {}),
            baselines=None if before is None else _baselines(coverage, before),
            extra_formats=extra_formats,
        )
        data = publish.commit(store, snapshot, collect.lines(readings))
        published = publish.finish(store, identifier, data)
    except InventoryError as error:
        error.coverage = coverage
        raise
    warnings += _uncompared(published) + _unmodelled(readings)
    return Outcome(identifier, "published", published, recovered, warnings)


def _finish_earlier(store: Store, history: History, identifier: str) -> tuple[tuple[Published, ...], tuple[str, ...]]:
    """Finish the commits of earlier runs that died; give those, and warnings of what is past finishing."""
    recovered: list[Published] = []
    warnings: list[str] = []
    for earlier in history.unfinished:
        if earlier != identifier:
            try:
                recovered.append(publish.finish(store, earlier))
            except SnapshotError as error:
                # It must not keep every later run from its work.
                warnings.append(f"an earlier commit cannot be finished: {error}")
    return tuple(recovered), tuple(warnings)


def _read_last_ok(store: Store, latest: Link | None) -> LastOk | None:
    """Give, by target, the snapshot before that has its last good reading; None where that cannot be read any more."""
    if latest is None:
        return {}
    try:
        coverage = publish.read_manifest(store, latest)["coverage"]
    except NewerError:
        raise
    except SnapshotError:
        return None
    return {(row["account_id"], row["region"]): row["last_ok"] for row in coverage}


def _with_last_ok(coverage: Iterable[Coverage], identifier: str, before: LastOk) -> tuple[Coverage, ...]:
    """Fill in last_ok: this snapshot where the target was read, else what the snapshot before says."""
    return tuple(
        dataclasses.replace(
            each, last_ok=identifier if each.status == "ok" else before.get((each.account_id, each.region))
        )
        for each in coverage
    )


def _baselines(coverage: Iterable[Coverage], before: LastOk) -> tuple[Baseline, ...]:
    """Name what each target that was read is to be compared with, unless it was never read before."""
    places = ((each.account_id, each.region) for each in coverage if each.status == "ok")
    return tuple(Baseline(*place, last_ok) for place in places if (last_ok := before.get(place)))


def _uncompared(published: Published) -> tuple[str, ...]:
    return tuple(
        f"what changed in {each.region} since {each.last_ok or 'it was last read'} is not known: {each.reason}"
        for each in published.comparison.uncompared
    )


def _unmodelled(readings: tuple[Reading, ...]) -> tuple[str, ...]:
    return tuple(
        f"{reading.coverage.region} answered with members that no column is for: {json.dumps(reading.unmodelled)}"
        for reading in readings
        if reading.unmodelled
    )


def _reasons(coverage: tuple[Coverage, ...]) -> str:
    return "; ".join(f"{each.region} {each.status} ({each.error_code}: {each.error_message})" for each in coverage)
