"""A store whose snapshots are read ahead, side by side, while one after another is checked."""

from bisect import bisect_left
from collections.abc import Generator, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial

from pool_inventory import settings
from pool_inventory.errors import SnapshotError, StoreError
from pool_inventory.snapshots import archive, keys
from pool_inventory.snapshots.manifest import load
from pool_inventory.stores.protocol import Store, Stored

# What a store answered for each key: its error is raised once the key is asked for.
_Answers = Mapping[str, Stored | StoreError | None]


@dataclass(slots=True)
class Ahead:
    """A store that has read already what is asked for next; it reads what is not expected when it is asked for.

    Attributes:
        store: where all is.
        coming: the snapshots that are not held yet, newest first.
        held: the snapshots at hand, by their ids.
        finished: all snapshots, oldest first, once they were asked for.
    """

    store: Store
    coming: Iterator[tuple[str, _Answers]]
    held: dict[str, _Answers] = field(default_factory=dict)
    finished: tuple[str, ...] | None = None

    def turn_to(self, identifier: str) -> None:
        """Hold a snapshot and the one before it, with which it is compared; let go of those after it."""
        self.held = {each: answers for each, answers in self.held.items() if each <= identifier}
        while not any(each < identifier for each in self.held):
            each, answers = next(self.coming, (None, {}))
            if each is None:
                return
            if each <= identifier:
                self.held[each] = answers

    def finished_before(self, identifier: str) -> str | None:
        """Return the newest finished snapshot before one; they are listed once, however many are asked for."""
        if self.finished is None:
            self.finished = tuple(archive.finished_since(self.store, ""))
        place = bisect_left(self.finished, identifier)
        return self.finished[place - 1] if place else None

    def get(self, key: str) -> Stored | None:
        """Return an object that was read ahead, or read it now."""
        for answers in self.held.values():
            if key in answers:
                found = answers[key]
                if isinstance(found, StoreError):
                    raise found
                return found
        return self.store.get(key)

    def keys(self, folder: str, after: str = "") -> Iterator[str]:
        """List a folder as it is now."""
        return self.store.keys(folder, after)

    @property
    def bucket(self) -> str:
        """The store's."""
        return self.store.bucket

    def full_key(self, key: str) -> str:
        """Return the store's name of a key."""
        return self.store.full_key(key)

    def address(self, key: str) -> str:
        """Return the store's address of a key."""
        return self.store.address(key)

    def put_if_absent(self, key: str, body: bytes) -> bool:
        """Write as the store does."""
        return self.store.put_if_absent(key, body)

    def replace(self, key: str, body: bytes, etag: str) -> bool:
        """Write as the store does."""
        return self.store.replace(key, body, etag)

    def put(self, key: str, body: bytes) -> None:
        """Write as the store does."""
        self.store.put(key, body)


@contextmanager
def read_ahead(store: Store, identifiers: Iterable[str]) -> Generator[Ahead, None, None]:
    """Return a store that reads snapshots ahead in the order of their ids as given, which is newest first."""
    coming = archive.in_turn(partial(_read, store), identifiers, size_bytes=_size_bytes)
    try:
        yield Ahead(store, coming)
    finally:
        coming.close()


def _read(store: Store, identifier: str) -> tuple[str, _Answers]:
    """Read all objects of a snapshot."""
    answers = {keys.manifest(identifier): _answer(store, keys.manifest(identifier))}
    for key in _others(identifier, answers[keys.manifest(identifier)]):
        answers[key] = _answer(store, key)
    return identifier, answers


def _answer(store: Store, key: str) -> Stored | StoreError | None:
    try:
        return store.get(key)
    except StoreError as error:
        return error


def _others(identifier: str, manifest: Stored | StoreError | None) -> list[str]:
    """Return the keys of a snapshot's other objects: which of them not each snapshot has, its manifest says."""
    found = [key(identifier) for key in (keys.checksum, keys.data, keys.coverage, keys.changes, keys.symlink)]
    try:
        stated = load(manifest.body, "") if isinstance(manifest, Stored) else {}
    except SnapshotError:
        stated = {}
    if stated.get("carriedFile"):
        found.append(keys.carried(identifier))
    formats = stated.get("extraFormats")
    if isinstance(formats, list):
        found += [keys.in_format(identifier, each) for each in settings.FORMATS if each in formats]
    return found


def _size_bytes(found: tuple[str, _Answers]) -> int:
    return sum(len(each.body) for each in found[1].values() if isinstance(each, Stored))
