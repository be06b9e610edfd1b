"""Refuse a region's name that looks like a slip of another's."""

import difflib
from collections.abc import Iterable

from botocore.session import Session
from pool_inventory.errors import SettingsError

# Two names of regions that share all but two swapped letters are at 0.9.
_SIMILARITY = 0.7


def check_region_names(names: Iterable[str]) -> None:
    """Check that no name is nearly that of a region that the SDK lists.

    A name that is like none is accepted: the SDK's list is months behind.

    Raises:
        SettingsError: a name is not listed, and nearly that of a region that is.
    """
    session = Session()
    known = [
        region
        for partition in session.get_available_partitions()
        for region in session.get_available_regions("cognito-idp", partition)
    ]
    for name in names:
        near = difflib.get_close_matches(name, known, cutoff=_SIMILARITY)
        if name not in known and near:
            # Of names that are equally near, the one whose letters were swapped.
            meant = min(near, key=lambda region: sorted(region) != sorted(name))
            raise SettingsError(f"regions: {name!r} is no region that the SDK knows: did you mean {meant}?")
