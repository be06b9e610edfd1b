"""Stop a deploy whose settings leave out what the deployed stack has: it was most likely forgotten."""

import shlex
from collections.abc import Iterator
from dataclasses import dataclass

from pool_inventory import settings as function
from pool_inventory.text import one_line

from infra.deployed import DeployedStack
from infra.errors import ForgottenError
from infra.options.deploy_settings import DeploySettings


@dataclass(frozen=True, slots=True)
class Forgotten:
    """A setting that would keep what the stack has, and what happens without it."""

    setting: str
    value: str
    without_it: str


def forgotten(deployed: DeployedStack, settings: DeploySettings) -> list[Forgotten]:
    """Return what the stack has and would lose by these settings."""
    return [
        *_places(deployed, settings),
        *_keys(deployed, settings),
        *_organization(deployed, settings),
        *(
            Forgotten("alarmEmail", email, "no alarm would reach this address any more")
            for email in deployed.alarm_emails
            if email != settings.alarm_email
        ),
    ]


def _places(deployed: DeployedStack, settings: DeploySettings) -> Iterator[Forgotten]:
    stays = settings.bucket_name == deployed.bucket or (deployed.owns_bucket and settings.bucket_name is None)
    if not stays:
        goes_to = settings.bucket_name or "a new and empty bucket"
        yield Forgotten(
            "bucketName",
            "" if deployed.owns_bucket else deployed.bucket,
            f"the snapshots are in {deployed.bucket}, and from now on would go into {goes_to}",
        )
    if settings.prefix != deployed.prefix:
        yield Forgotten(
            "prefix", deployed.prefix, f"the snapshots are there, and from now on would go under {settings.prefix}"
        )


def _organization(deployed: DeployedStack, settings: DeploySettings) -> Iterator[Forgotten]:
    """What a deploy for an organization would lose; another choice of its accounts is a choice, and not forgotten."""
    had = deployed.of_organization
    if not had:
        return
    if not settings.accounts:
        yield Forgotten(
            "accounts",
            had[function.ACCOUNTS.name],
            "no account but the stack's own would be asked any more, and no state machine would ask it",
        )
    denied = "each other account would deny what is asked, unless its role was changed first"
    for option, variable in (("memberRole", function.MEMBER_ROLE), ("externalId", function.EXTERNAL_ID)):
        value = had.get(variable.name, "")
        if value != settings.environment.get(variable.name, "") and (settings.accounts or value != variable.default):
            yield Forgotten(option, value, denied)


def _keys(deployed: DeployedStack, settings: DeploySettings) -> Iterator[Forgotten]:
    named = {settings.customer_managed_key, settings.encryption, *settings.former_keys}
    unreadable = "what is encrypted under it could not be read, and every run would fail"
    if (
        deployed.key
        and deployed.key not in named
        and not (deployed.owns_key and settings.customer_managed_key is True)
    ):
        weaker = "queues, log, alarms and Athena's results would no longer be encrypted under it"
        yield Forgotten(
            "customerManagedKey",
            "yes" if deployed.owns_key else deployed.key,
            unreadable if deployed.owns_bucket else weaker,
        )
    if (deployed.encryption or "").startswith("arn:") and deployed.encryption not in named:
        yield Forgotten("encryption", str(deployed.encryption), unreadable)
    lost = set(deployed.former_keys) - named
    if lost:
        keys = ",".join(sorted({*settings.former_keys, *lost}))
        yield Forgotten("formerKeys", keys, unreadable)


def question(deployed: DeployedStack, lost: list[Forgotten]) -> str:
    """Return what would be lost, and what to say to keep it, or to lose it."""
    lines = [f"  {_shown(each)}: {one_line(each.without_it)}" for each in lost]
    options = " ".join(f"-c {shlex.quote(_shown(each))}" for each in lost)
    return "\n".join(
        [
            f"these settings leave out what the deployed stack {deployed.name} has:",
            *lines,
            f"If they were forgotten, write them into settings/NAME.json, or add {options}",
            "If it is meant so, add -c force=yes",
        ]
    )


def _shown(each: Forgotten) -> str:
    return one_line(f"{each.setting}={each.value}")


def check(deployed: DeployedStack, settings: DeploySettings) -> None:
    """Check that the stack keeps what it has.

    Raises:
        ForgottenError: it would lose something; with what to do about it.
    """
    lost = forgotten(deployed, settings)
    if lost:
        raise ForgottenError(question(deployed, lost))
