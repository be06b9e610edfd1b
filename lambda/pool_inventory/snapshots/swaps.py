"""Which functions pools came to call instead of others: a swapped trigger is what a reader looks for first."""

import json
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from pool_inventory.errors import RefusedError, SnapshotError
from pool_inventory.model import Change
from pool_inventory.snapshots import archive, changes, checked, keys, pools
from pool_inventory.stores.protocol import Store


def read_swaps(store: Store, identifiers: Iterable[str], problems: list[str]) -> dict[str, str]:
    """Return the ARNs that pools came to call, each with the id of the newest snapshot in which one did.

    A pool that is new swaps nothing: it had no trigger before.

    Args:
        store: where the snapshots are.
        identifiers: the snapshots whose changes to read, oldest first.
        problems: what is added to, where the changes of a snapshot cannot be read.

    Raises:
        StoreError: the store cannot be read.
    """

    def read(identifier: str) -> frozenset[str]:
        try:
            return frozenset(_arrivals(store, identifier))
        except (SnapshotError, RefusedError) as error:
            problems.append(str(error))
            return frozenset()

    ids = list(identifiers)
    found = archive.in_turn(lambda each: (each, read(each)), ids)
    return {arn: identifier for identifier, arns in found for arn in arns}


def _arrivals(store: Store, identifier: str) -> Iterator[str]:
    key = keys.changes(identifier)
    stored = store.get(key)
    if stored is None:
        raise SnapshotError(f"{store.address(key)} is gone, expired perhaps")
    try:
        for change in changes.decode(stored.body):
            yield from _new_calls(change)
    except SnapshotError as error:
        raise SnapshotError(f"{store.address(key)}: {error}") from error
    except checked.NOT_OURS as error:
        raise SnapshotError(f"{store.address(key)} is not what this program writes: {error!r:.200}") from error


def _new_calls(change: Change) -> Iterable[str]:
    if change.before is None or change.after is None:
        return ()
    return _called(json.loads(change.after)) - _called(json.loads(change.before))


def _called(row: Mapping[str, Any]) -> frozenset[str]:
    return frozenset(arn for name, arn in pools.triggers(dict(row)).items() if name != "kms_key_id")
