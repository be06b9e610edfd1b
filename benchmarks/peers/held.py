"""What a program kept of the pools: printed by each script of this folder, as its only line.

Only the standard library: this runs in the environments of the peers.
"""

import json
import sys
from collections.abc import Iterable, Mapping
from typing import Any


def count(pools: Iterable[Mapping[str, Any]]) -> dict[str, int]:
    """Return how many pools, triggers and dates there are; a pool that is there twice counts once."""
    known = {pool["Id"]: pool for pool in pools}
    return {
        "pools": len(known),
        "triggers": sum(len(pool.get("LambdaConfig") or ()) for pool in known.values()),
        "dates": sum((pool.get("CreationDate") is not None) + (pool.get("LastModifiedDate") is not None)
                     for pool in known.values()),
    }  # fmt: skip


def show(pools: Iterable[Mapping[str, Any]]) -> None:
    """Print what was kept."""
    sys.stdout.write(json.dumps(count(pools)) + "\n")
