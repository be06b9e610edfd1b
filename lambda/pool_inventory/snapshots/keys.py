"""What each object of a snapshot is called.

Keys are relative to the store's prefix; the store adds it. A snapshot's id is its time, to the minute, so that ids,
and the keys made of them, sort by time.
"""

import functools
import re
from datetime import UTC, datetime

DATA = "data"
CARRIED = "carried"
COVERAGE = "coverage"
CHANGES = "changes"
ACCOUNTS = "accounts"
EXTRA = "extra"
HIVE = "hive"
MANIFESTS = "manifests"
LATEST = "latest.json"
LATEST_DATA = "latest/user-pools.parquet"
LATEST_COVERAGE = "latest-coverage/coverage.parquet"
# What no reader looks at: Athena, Hive and Spark pass over names that begin with an underscore.
STAGING = "_staging"

# The folders whose objects belong to one snapshot each, and may therefore expire with it.
SNAPSHOT_FOLDERS = (DATA, CARRIED, COVERAGE, CHANGES, ACCOUNTS, HIVE, MANIFESTS, EXTRA)
# What each run moves on to its own snapshot. Every other object is written once.
MOVED = (LATEST_COVERAGE, LATEST_DATA, LATEST)

_ID = r"\d{4}-\d\d-\d\dT\d\d-\d\dZ"


def snapshot_id(time: datetime) -> str:
    """Name the snapshot of a time in UTC: `2026-11-24T18-00Z`."""
    return time.isoformat(timespec="minutes")[:16].replace(":", "-") + "Z"


# Each row of coverage names snapshots, and an organization's are few in hundreds of thousands of rows.
@functools.lru_cache(maxsize=1024)
def snapshot_time(identifier: str) -> datetime:
    """Return the time that an id names: the inverse of snapshot_id.

    Raises:
        ValueError: the text is no snapshot's id.
    """
    return datetime.strptime(identifier, "%Y-%m-%dT%H-%MZ").replace(tzinfo=UTC)


def data(identifier: str) -> str:
    """Key of the snapshot itself: writing it is the commit."""
    return f"{DATA}/dt={identifier[:10]}/user-pools-{identifier}.parquet"


def carried(identifier: str) -> str:
    """Key of the last known rows of targets that the snapshot did not read."""
    return f"{CARRIED}/dt={identifier[:10]}/carried-{identifier}.parquet"


def staged(identifier: str, folder: str, sha256: str) -> str:
    """Key of an object of COVERAGE, CARRIED or ACCOUNTS before its commit, by the SHA-256 of its bytes."""
    return f"{STAGING}/{identifier}/{folder}-{sha256}.parquet"


def plan(identifier: str) -> str:
    """Key of the accounts that an organization's snapshot is to ask, in numbered batches."""
    return f"{STAGING}/{identifier}/plan.json"


def batches(identifier: str) -> str:
    """Key of the list of batches, as the state machine reads it: one item for each."""
    return f"{STAGING}/{identifier}/batches.json"


def part(identifier: str, number: int) -> str:
    """Key of what one batch of accounts gave, by the batch's number."""
    return f"{STAGING}/{identifier}/parts/{number:05d}.parquet"


def coverage(identifier: str) -> str:
    """Key of the table of what was asked and how it went."""
    return f"{COVERAGE}/dt={identifier[:10]}/coverage-{identifier}.parquet"


def accounts(identifier: str) -> str:
    """Key of the table of the organization's accounts."""
    return f"{ACCOUNTS}/dt={identifier[:10]}/accounts-{identifier}.parquet"


def changes(identifier: str) -> str:
    """Key of the table of what changed since each target's last good reading."""
    return f"{CHANGES}/dt={identifier[:10]}/changes-{identifier}.parquet"


def in_format(identifier: str, file_format: str) -> str:
    """Key of the same rows in another format, `ndjson` or `csv`, with gzip."""
    return f"{EXTRA}/{file_format}/dt={identifier[:10]}/user-pools-{identifier}.{file_format}.gz"


def symlink(identifier: str) -> str:
    """Key of the list of data files, where S3 Inventory has it."""
    return f"{HIVE}/dt={identifier[:10]}-{identifier[11:16]}/symlink.txt"


def manifest(identifier: str) -> str:
    """Key of the manifest."""
    return f"{MANIFESTS}/{identifier}/manifest.json"


def checksum(identifier: str) -> str:
    """Key of the manifest's MD5, the last object of a snapshot."""
    return f"{MANIFESTS}/{identifier}/manifest.checksum"


def announced(identifier: str) -> str:
    """Key of the mark that the snapshot's events are on the bus."""
    return f"{MANIFESTS}/{identifier}/announced"


def committed(key: str) -> str | None:
    """Return the id of the snapshot whose data object this key names, None where it names something else."""
    match = re.fullmatch(rf"{DATA}/dt=[^/]+/user-pools-({_ID})\.parquet", key)
    return match[1] if match and is_id(match[1]) and data(match[1]) == key else None


def finished(key: str) -> str | None:
    """Return the id of the snapshot whose checksum this key names, None where it names something else."""
    return _id_in(key, "manifest.checksum")


def announced_id(key: str) -> str | None:
    """Return the id of the snapshot whose mark `announced` this key names, None where it names something else."""
    return _id_in(key, "announced")


# As snapshot_time.
@functools.lru_cache(maxsize=1024)
def is_id(text: str) -> bool:
    """Whether a text is a snapshot's id, and so a time that the calendar has."""
    try:
        return snapshot_id(snapshot_time(text)) == text
    except ValueError:
        return False


def _id_in(key: str, name: str) -> str | None:
    match = re.fullmatch(rf"{MANIFESTS}/({_ID})/{re.escape(name)}", key)
    return match[1] if match and is_id(match[1]) else None
