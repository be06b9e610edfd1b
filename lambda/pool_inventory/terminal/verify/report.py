"""The result of verifying."""

from dataclasses import dataclass, field


@dataclass(slots=True)
class Report:
    """What was checked and what was found.

    Attributes:
        faults: pairs of an object's key and what is wrong with it.
        notes: what someone may want to know, though nothing is wrong.
    """

    snapshots: int = 0
    objects: int = 0
    size_bytes: int = 0
    rows: int = 0
    oldest: str | None = None
    newest: str | None = None
    faults: list[tuple[str, str]] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)

    def fault(self, key: str, text: str) -> None:
        """Add a fault of an object."""
        self.faults.append((key, text))

    def note(self, text: str) -> None:
        """Add a note, once."""
        if text not in self.notes:
            self.notes.append(text)

    def checked(self, body: bytes) -> None:
        """Count an object that was read and checked."""
        self.objects += 1
        self.size_bytes += len(body)

    def checked_snapshot(self, identifier: str) -> None:
        """Count a snapshot."""
        self.snapshots += 1
        self.oldest = min(identifier, self.oldest or identifier)
        self.newest = max(identifier, self.newest or identifier)
