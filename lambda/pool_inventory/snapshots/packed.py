"""Lines of JSON that are kept compressed: those of a large account would not fit into the function's memory."""

import zlib
from collections.abc import Iterable, Iterator

# Large enough to compress well, small enough to be one of many.
CHUNK_BYTES = 256 * 1024
# The fastest: what repeats from line to line, names and ARNs, is found at any level.
LEVEL = 1


class PackedLines:
    """Lines, in the order in which they came, kept compressed; to be gone through as often as needed."""

    def __init__(self) -> None:
        self._chunks: list[bytes] = []
        self._open: list[bytes] = []
        self._open_bytes = 0

    def add(self, lines: Iterable[bytes]) -> None:
        r"""Keep lines, each of which ends with \n."""
        for line in lines:
            self._open.append(line)
            self._open_bytes += len(line)
        if self._open_bytes >= CHUNK_BYTES:
            self._chunks.append(zlib.compress(b"".join(self._open), LEVEL))
            self._open, self._open_bytes = [], 0

    def __iter__(self) -> Iterator[bytes]:
        for chunk in self._chunks:
            yield from zlib.decompress(chunk).splitlines(keepends=True)
        yield from self._open


class PackedRows:
    """One target's rows as lines, kept compressed as they arrive, and given back sorted by the pool's id."""

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
