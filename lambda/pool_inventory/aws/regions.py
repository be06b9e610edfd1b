"""Which regions the SDK knows, and the partition of each, without a session.

From the data of the SDK's endpoint rules: it names regions before the list by service does, which
Session.get_available_regions reads. Both lag behind AWS by months, so neither says that a region does not exist.
"""

import re
from functools import cache
from typing import Any

from botocore.loaders import create_loader

# What the endpoint rules take for the partition of a name that fits none.
_DEFAULT_PARTITION = "aws"


@cache
def _partitions() -> list[dict[str, Any]]:
    partitions: list[dict[str, Any]] = create_loader().load_data("partitions")["partitions"]
    return partitions


@cache
def sdk_regions() -> dict[str, str]:
    """Return the regions that the SDK knows, each with its partition."""
    return {
        region: partition["id"]
        for partition in _partitions()
        for region in partition["regions"]
        if not region.endswith("-global")  # not a region, but an endpoint that a whole partition has
    }


def partition_of(region: str) -> str:
    """Return the partition of a region, known or not, as the SDK's endpoint rules have it."""
    fitting = (each["id"] for each in _partitions() if re.fullmatch(each["regionRegex"], region))
    return sdk_regions().get(region) or next(fitting, _DEFAULT_PARTITION)
