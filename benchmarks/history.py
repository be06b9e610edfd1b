"""A history of snapshots in a folder, an hour apart, by the program's own commit and finish."""

import hashlib
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from pool_inventory.model import Coverage, Target
from pool_inventory.publish.commit import Draft, commit
from pool_inventory.publish.finish import finish
from pool_inventory.snapshots import keys, rows, schema
from pool_inventory.snapshots.known import Known, open_known
from pool_inventory.snapshots.manifest import read_latest
from pool_inventory.snapshots.schema import Kind
from pool_inventory.stores.folder import FolderStore

POOLS = 100
# Pools that are created, deleted and modified from one snapshot to the next.
CHANGES = 3
FIRST = datetime(2025, 10, 1, tzinfo=UTC)
TARGET = Target("123456789012", "us-east-1")
FUNCTION = "arn:aws:lambda:us-east-1:123456789012:function:trigger"


@dataclass(slots=True)
class History:
    """Snapshots in a folder.

    Attributes:
        count: how many there are.
        known: what is known as of the newest.
    """

    store: FolderStore
    count: int = 0
    known: Known | None = None

    @classmethod
    def begin(cls, folder: Path) -> "History":
        """Return one that has no snapshot yet."""
        return cls(FolderStore(folder))

    @property
    def newest(self) -> datetime:
        """The newest snapshot's time."""
        return FIRST + timedelta(hours=self.count - 1)

    def grow_to(self, count: int) -> None:
        """Add snapshots until there are so many."""
        while self.count < count:
            self._add()

    def _add(self) -> None:
        self.count += 1
        identifier = keys.snapshot_id(self.newest)
        covered = Coverage(TARGET.account_id, TARGET.region, "ok", POOLS, 2, 0, 0, self.newest, 200, None, None)
        hour = self.count - 1
        numbers = sorted(range(hour * CHANGES, hour * CHANGES + POOLS), key=pool_id)
        draft = Draft(
            id=identifier,
            started_at=self.newest,
            ended_at=self.newest + timedelta(seconds=1),
            previous=read_latest(self.store),
            known=self.known,
            coverage=(covered,),
            lines=(_line(each, hour) for each in numbers),
        )
        finish(self.store, identifier, commit(self.store, draft), self.known, now=self.newest)
        self.known = open_known(self.store, identifier)


def pool_id(number: int) -> str:
    """Make up the id of a pool."""
    return f"{TARGET.region}_{hashlib.sha256(str(number).encode()).hexdigest()[:9]}"


def _line(number: int, hour: int) -> bytes:
    """Make the row of a pool, with a trigger of every kind in each third."""
    versioned = {"LambdaVersion": "V1_0", "LambdaArn": FUNCTION}
    triggers = {each.member: versioned if each.kind is Kind.STRUCT else FUNCTION for each in schema.LAMBDA_CONFIG}
    is_modified = number < hour * CHANGES + CHANGES
    pool = {
        "Id": pool_id(number),
        "Name": f"customers of shop {number}",
        "LambdaConfig": triggers if number % 3 == 0 else {},
        "CreationDate": 1.6e9 + number,
        "LastModifiedDate": 1.7e9 + number + (hour if is_modified else 0),
    }
    return rows.json_line(
        rows.data_row(pool, partition="aws", target=TARGET, snapshot_time=FIRST + timedelta(hours=hour))
    )
