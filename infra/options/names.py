"""Refuse a name in the context that no setting has: a misspelt option would otherwise leave the default."""

from collections.abc import Iterable, Mapping

from pool_inventory.errors import SettingsError
from pool_inventory.text import did_you_mean


def check(context: Mapping[str, object], settings: Iterable[str]) -> None:
    """Check the names of a context against the names of the settings.

    The CDK hands over one context from `-c`, cdk.json, cdk.context.json and ~/.cdk.json, and adds its own to it. Its
    own names have a colon (aws:cdk:…, @aws-cdk/core:…, availability-zones:account=…) or a value that no setting has
    (acknowledged-issue-numbers is a list), while `-c` gives each value as a text.
    https://docs.aws.amazon.com/cdk/v2/guide/context.html

    Raises:
        SettingsError: the first name that no setting has, and the name that was probably meant.
    """
    known = list(settings)
    for name, value in context.items():
        if ":" not in name and isinstance(value, (str, int, float)):
            check_one(
                name,
                known,
                where=" (the CDK reads the context of cdk.json, cdk.context.json and ~/.cdk.json, and then each -c)",
            )


def check_one(name: str, known: Iterable[str], *, where: str = "") -> None:
    """Check one name.

    Args:
        name: the name.
        known: those that there are.
        where: what to say, where no known name is near, of the places that such a name can come from.

    Raises:
        SettingsError: it is not known; with the name that was probably meant.
    """
    known = list(known)
    if name not in known:
        meant = did_you_mean(name, known) or f"use one of {', '.join(known)}{where}"
        raise SettingsError(f"{name!r} is no setting: {meant}")
