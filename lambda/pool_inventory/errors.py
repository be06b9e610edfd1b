"""What can go wrong, as a tree.

InventoryError          whatever stops a run; its text says what was wrong, with which value, and what would help
├── SettingsError       the environment or an option
├── EventError          the event that woke the run
├── TargetsError        which accounts and regions to ask could not be settled
├── UnreadError         not one target could be read, so there is nothing to publish
├── StoreError          the bucket or folder could not be read or written
│   └── RefusedError    one object was refused, and would be again: denied, archived, or its key cannot be used
├── OutputError         standard output could not take what a command had to say
└── SnapshotError       a stored object is not what this program writes
    └── NewerError      a newer release of this program wrote it
"""


class InventoryError(Exception):
    """What stops a run. Its text is written to be shown as it is, without a traceback."""


class SettingsError(InventoryError):
    """A setting has a value that cannot be used, or has none and needs one."""


class EventError(InventoryError):
    """The event that started the run has no usable time."""


class TargetsError(InventoryError):
    """The accounts and regions to ask could not be determined."""


class UnreadError(InventoryError):
    """Not one target could be read, so there is nothing that may be published."""


class StoreError(InventoryError):
    """The bucket or folder could not be read or written."""


class RefusedError(StoreError):
    """One object was refused, and would be again: it is denied, archived, or under a key that cannot be used."""


class OutputError(InventoryError):
    """A command's output could not be written to standard output."""


class SnapshotError(InventoryError):
    """A stored object is not what this program writes."""


class NewerError(SnapshotError):
    """A stored object is of a contract that this release does not know."""
