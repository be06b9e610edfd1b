"""A store that counts what it is asked, and how much of it at once."""

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from pool_inventory.stores.protocol import Stored

from tests.makers import MemoryStore

# As S3 lists: https://docs.aws.amazon.com/AmazonS3/latest/API/API_ListObjectsV2.html
PAGE_SIZE = 1000


@dataclass
class CountingStore(MemoryStore):
    """Objects in a dictionary.

    Attributes:
        read: the keys that were asked for, in the order in which their answers were there.
        listed: the keys that listings returned.
        lists: how many requests S3 would have had for those.
        writes: the keys that were written.
        most_at_once: how many reads were under way at once, at most.
        seconds: how long a read takes.
        errors: what is raised for a key.
    """

    read: list[str] = field(default_factory=list)
    listed: list[str] = field(default_factory=list)
    lists: int = 0
    writes: list[str] = field(default_factory=list)
    most_at_once: int = 0
    seconds: float = 0.0
    errors: dict[str, Exception] = field(default_factory=dict)
    _at_once: int = 0
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def get(self, key: str) -> Stored | None:
        with self._counted():
            time.sleep(self.seconds)
            if key in self.errors:
                raise self.errors[key]
            found = super().get(key)
        self.read.append(key)
        return found

    def keys(self, folder: str, after: str = "") -> Iterator[str]:
        found = list(super().keys(folder, after))
        self.listed += found
        self.lists += 1 + max(0, len(found) - 1) // PAGE_SIZE
        return iter(found)

    def put_if_absent(self, key: str, body: bytes) -> bool:
        self.writes.append(key)
        return super().put_if_absent(key, body)

    def replace(self, key: str, body: bytes, etag: str) -> bool:
        self.writes.append(key)
        return super().replace(key, body, etag)

    def put(self, key: str, body: bytes) -> None:
        self.writes.append(key)
        super().put(key, body)

    @property
    def calls(self) -> tuple[int, int, int]:
        """How many reads, lists and writes there were."""
        return len(self.read), self.lists, len(self.writes)

    def forget(self) -> None:
        """Count from here on."""
        self.read.clear()
        self.listed.clear()
        self.writes.clear()
        self.lists = self.most_at_once = 0

    @contextmanager
    def _counted(self) -> Iterator[None]:
        with self._lock:
            self._at_once += 1
            self.most_at_once = max(self.most_at_once, self._at_once)
        try:
            yield
        finally:
            with self._lock:
                self._at_once -= 1
