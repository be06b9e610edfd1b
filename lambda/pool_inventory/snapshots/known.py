"""What a snapshot says is known: of each target, its last good reading, in the snapshot's data or carried by it.

A snapshot of contract version 1 carries nothing: the rows of a target that it could not read are in the data of the
snapshot that its `last_ok` names, and are taken from there, as if it had carried them.
"""

from collections import defaultdict
from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass, field, replace

from pool_inventory.errors import NewerError, RefusedError, SnapshotError
from pool_inventory.model import Coverage, Snapshot, Target
from pool_inventory.snapshots import coverage, data_object, keys, manifest, rows, stored, table
from pool_inventory.snapshots.table import Row
from pool_inventory.stores.protocol import Store


@dataclass(frozen=True, slots=True)
class Known:
    """What is known as of a snapshot's time.

    Attributes:
        snapshot_id: the snapshot.
        coverage: returns its coverage, sorted by target.
        lost: the targets that were read before, and whose rows cannot be read: why.
        older_ok: of those, the targets that an older snapshot has rows of, and which reading those are.
    """

    snapshot_id: str
    coverage: Callable[[], Iterator[Coverage]]
    lost: Mapping[Target, str]
    older_ok: Mapping[Target, str]
    files: tuple[tuple[bytes, frozenset[Target] | None], ...] = field(repr=False)

    def rows(self, targets: Collection[Target] | None = None) -> Iterator[Row]:
        """Return the known rows of targets, or of all, sorted by target and id.

        Raises:
            SnapshotError: a file is not what this program writes.
        """
        return table.merged([table.pool_rows(body, _both(own, targets)) for body, own in self.files])

    def with_older(self, older: "Known") -> "Known":
        """Return the same with the rows of an older snapshot for the targets whose own are lost."""
        found = {
            each.target: each.last_ok
            for each in older.coverage()
            if each.last_ok and each.target in self.lost and each.target not in older.lost
        }
        targets = frozenset(found)
        files = tuple((body, targets if own is None else own & targets) for body, own in older.files)
        return replace(self, older_ok=found, files=self.files + files)

    def lines(self) -> Iterator[bytes]:
        """Return the known rows of all targets as lines of JSON by schema.DATA's names, of this snapshot's time.

        Raises:
            SnapshotError: a file is not what this program writes.
        """
        time = rows.minute(self.snapshot_id)
        read_at = {
            each.target: rows.minute(each.last_ok) for each in self.coverage() if not each.is_read and each.last_ok
        }
        for row in self.rows():
            yield table.timed(row, time, read_at.get(row.target, time))


def open_known(store: Store, snapshot_id: str) -> Known:
    """Return what a committed snapshot says is known, its objects checked against the hashes in its footer.

    Raises:
        SnapshotError: an object of it is gone, or is not ours.
        NewerError: it is of a newer contract.
        StoreError: it cannot be read.
    """
    try:
        data = stored.read_committed(store, snapshot_id)
    except NewerError:
        raise
    except (SnapshotError, RefusedError) as error:
        return _without_data(store, snapshot_id, error)
    return known_of(store, data_object.decode(data), data)


def known_of(
    store: Store, snapshot: Snapshot, data: bytes, covered: bytes | None = None, carried: bytes | None = None
) -> Known:
    """Return what a snapshot says is known, by its data object and, where the caller has them, its other objects.

    Raises:
        SnapshotError, StoreError: as open_known.
    """
    if snapshot.coverage_file is None:
        return _first_known(store, snapshot.id, data_object.first_coverage(data), data)
    body = covered or stored.read_part(store, snapshot.id, keys.COVERAGE, snapshot.coverage_file)
    files: list[tuple[bytes, frozenset[Target] | None]] = [(data, None)]
    if snapshot.carried_file:
        files.append((carried or stored.read_part(store, snapshot.id, keys.CARRIED, snapshot.carried_file), None))
    return Known(snapshot.id, lambda: coverage.decode(body), {}, {}, tuple(files))


def _without_data(store: Store, snapshot_id: str, error: SnapshotError | RefusedError) -> Known:
    """Return what is known without a snapshot's data, by its manifest: all but the rows that it read itself.

    Raises:
        SnapshotError, RefusedError: the given error, where the manifest or what it names cannot be read either.
    """
    try:
        made = manifest.read(store, snapshot_id)
        if made.coverage_file is None:
            return _first_known(store, snapshot_id, made.first_coverage or (), None, str(error))
        body = stored.read_part(store, snapshot_id, keys.COVERAGE, made.coverage_file)
        carried = made.carried_file and stored.read_part(store, snapshot_id, keys.CARRIED, made.carried_file)
    except (SnapshotError, RefusedError):
        raise error from None
    lost = {each.target: str(error) for each in coverage.decode(body) if each.is_read}
    return Known(snapshot_id, lambda: coverage.decode(body), lost, {}, ((carried, None),) if carried else ())


def _first_known(
    store: Store, snapshot_id: str, found: tuple[Coverage, ...], data: bytes | None, reason: str = ""
) -> Known:
    unread: dict[str, set[Target]] = defaultdict(set)
    for each in found:
        if not each.is_read and each.last_ok is not None:
            unread[each.last_ok].add(each.target)
    lost: dict[Target, str] = {} if data else {each.target: reason for each in found if each.is_read}
    files: list[tuple[bytes, frozenset[Target] | None]] = [(data, None)] if data else []
    for earlier_id, targets in unread.items():
        try:
            files.append((_read_earlier(store, earlier_id, targets), frozenset(targets)))
        except NewerError:
            raise
        except (SnapshotError, RefusedError) as error:
            lost |= dict.fromkeys(targets, str(error))
    return Known(snapshot_id, lambda: iter(found), lost, {}, tuple(files))


def _read_earlier(store: Store, snapshot_id: str, targets: Collection[Target]) -> bytes:
    """Return the data of an earlier snapshot, in which these targets must have been read: else all would look new."""
    data = stored.read_committed(store, snapshot_id)
    earlier = data_object.decode(data)
    covered = (
        data_object.first_coverage(data)
        if earlier.coverage_file is None
        else coverage.decode(stored.read_part(store, snapshot_id, keys.COVERAGE, earlier.coverage_file))
    )
    if not {each.target for each in covered if each.is_read}.issuperset(targets):
        raise SnapshotError(f"{earlier.id} says itself that it did not read all of {sorted(targets)}")
    return data


def _both(own: frozenset[Target] | None, targets: Collection[Target] | None) -> Collection[Target] | None:
    if own is None or targets is None:
        return targets if own is None else own
    return own.intersection(targets)
