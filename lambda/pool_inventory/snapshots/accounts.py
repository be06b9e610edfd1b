"""An organization's accounts ⇄ their object: a row per account, sorted by id."""

import dataclasses
import json
from collections.abc import Iterable, Iterator
from datetime import datetime
from typing import Any

from pool_inventory.errors import SnapshotError
from pool_inventory.model import Member
from pool_inventory.snapshots import checked, keys, rows, schema, table


def encode(snapshot_id: str, members: Iterable[Member]) -> bytes:
    """Return the accounts object of a snapshot."""
    time = rows.timestamp(keys.snapshot_time(snapshot_id))
    lines = (rows.json_line({"snapshot_time": time, **document(each)}) for each in members)
    return table.encode(schema.ACCOUNTS, lines, {"snapshotId": snapshot_id})


def decode(body: bytes) -> Iterator[Member]:
    """Return what an accounts object says: the inverse of encode.

    Raises:
        SnapshotError: it is none of ours.
    """
    for line in table.lines(body):
        try:
            yield from_document(json.loads(line))
        except checked.NOT_OURS as error:
            raise SnapshotError(f"the accounts are not what this program writes: {error!r:.200}") from error


def document(member: Member) -> dict[str, Any]:
    """Return an account as JSON has it, by schema.ACCOUNTS's names."""
    joined_at = member.joined_at and rows.timestamp(member.joined_at)
    return {**dataclasses.asdict(member), "joined_at": joined_at}


def from_document(found: dict[str, Any]) -> Member:
    """Return the account that JSON says: the inverse of document.

    Raises:
        KeyError, TypeError, ValueError: it is not what this program writes.
    """
    texts = {name: found[name] for name in ("name", "email", "organizational_unit_path", "state")}
    return Member(
        account_id=checked.text(found["account_id"]),
        joined_at=datetime.fromisoformat(found["joined_at"]) if found["joined_at"] else None,
        **{name: None if text is None else checked.text(text) for name, text in texts.items()},
    )
