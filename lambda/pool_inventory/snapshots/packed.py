"""Lines of JSON that are kept compressed, on disk where they are many.

Those of a large account would not fit into the function's memory. Its /tmp has room for them: 512 MB by default.
https://docs.aws.amazon.com/lambda/latest/dg/configuration-ephemeral-storage.html
"""

import tempfile
import weakref
import zlib
from collections.abc import Iterable, Iterator

# Large enough to compress well, small enough to be one of many.
CHUNK_BYTES = 256 * 1024
# The fastest: what repeats from line to line, names and ARNs, is found at any level.
LEVEL = 1
# What is kept in memory of each target, compressed: there may be 34 side by side.
MAX_BYTES_IN_MEMORY = 512 * 1024


class PackedLines:
    """Lines, compressed, in the order in which they were added; they can be iterated any number of times."""

    def __init__(self) -> None:
        # A context would end before whoever goes through the lines does.
        self._file = tempfile.SpooledTemporaryFile(MAX_BYTES_IN_MEMORY)  # noqa: SIM115 - closed by the next line
        weakref.finalize(self, self._file.close)
        self._sizes: list[int] = []
        self._open: list[bytes] = []
        self._open_bytes = 0

    def add(self, lines: Iterable[bytes]) -> None:
        r"""Keep lines, each of which ends with \n.

        Raises:
            OSError: the disk is full.
        """
        for line in lines:
            self._open.append(line)
            self._open_bytes += len(line)
        if self._open_bytes >= CHUNK_BYTES:
            chunk = zlib.compress(b"".join(self._open), LEVEL)
            self._file.seek(sum(self._sizes))
            self._file.write(chunk)
            self._sizes.append(len(chunk))
            self._open, self._open_bytes = [], 0

    def __iter__(self) -> Iterator[bytes]:
        start = 0
        for size in self._sizes:
            self._file.seek(start)
            yield from zlib.decompress(self._file.read(size)).splitlines(keepends=True)
            start += size
        yield from self._open


class PackedRows:
    """One target's rows as lines, compressed as they arrive, and returned sorted by pool id."""

    def __init__(self) -> None:
        self._lines = PackedLines()
        self._ids: list[str] = []
        self._distinct: set[str] = set()

    def add(self, rows: Iterable[tuple[str, bytes]]) -> int:
        """Keep a page of rows by their ids; return how many of them replace one that came before."""
        duplicates = 0
        for identifier, line in rows:
            duplicates += identifier in self._distinct
            self._distinct.add(identifier)
            self._ids.append(identifier)
            self._lines.add([line])
        return duplicates

    def __len__(self) -> int:
        return len(self._distinct)

    def __iter__(self) -> Iterator[bytes]:
        # The last that came of an id stays. One target's lines are in memory at a time: 10,000 at most.
        last = dict(zip(self._ids, self._lines, strict=True))
        return (last[identifier] for identifier in sorted(last))
