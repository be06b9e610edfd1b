"""Refuse settings that are right alone and wrong together."""

import math
from datetime import timedelta

from pool_inventory import settings as function
from pool_inventory.errors import SettingsError

from infra import due
from infra.options.deploy_settings import DeploySettings
from infra.storage import QUERY_RESULTS

# A role's name has at most 64 characters; this leaves room for the longest region's.
LONGEST_STACK_NAME = 40
# A snapshot has to outlive the next one, so that the two can be compared, the day that EventBridge Scheduler tries to
# deliver an event, and the day that a run looks back for those that died.
_DAYS_AFTER_THE_NEXT = 2


def check(settings: DeploySettings) -> None:
    """Check the settings against each other.

    Raises:
        SettingsError: the first setting that another rules out, and a value that both allow.
    """
    _check_prefix(settings.prefix)
    _check_expiry(settings)
    _check_encryption(settings)
    _check_readers(settings)
    _check_time_to_collect(settings)
    _check_organization(settings)


def _check_prefix(prefix: str) -> None:
    if prefix.partition("/")[0] == QUERY_RESULTS:
        raise SettingsError(f"prefix={prefix!r}: {QUERY_RESULTS} is for Athena's results, which expire; use another")


def _check_expiry(settings: DeploySettings) -> None:
    days = settings.snapshot_expiry_days
    if not days:
        return
    if settings.bucket_name is not None:
        raise SettingsError(
            f"snapshotExpiryDays={days}: a stack makes nothing expire in a bucket that is not its own, here"
            f" bucketName={settings.bucket_name}; use 0, and give that bucket a lifecycle rule"
        )
    fewest_days = math.ceil(due.gap_of(settings.schedule) / timedelta(days=1)) + _DAYS_AFTER_THE_NEXT
    if days < fewest_days:
        raise SettingsError(
            f"snapshotExpiryDays={days}: with schedule={settings.schedule} a snapshot could be gone before the next is"
            f" compared with it, or before a run that died is finished; use {fewest_days} or more, or 0"
        )


def _check_encryption(settings: DeploySettings) -> None:
    """Refuse a bucket of the stack's own whose objects would be encrypted in another way than the bucket says."""
    if settings.encryption is None or settings.bucket_name is not None:
        return
    if settings.encryption != (settings.customer_managed_key or function.AES256):
        raise SettingsError(
            f"encryption={settings.encryption!r}: customerManagedKey chooses the encryption of a bucket of the stack's"
            " own; leave this empty, or, where a policy of the organization demands it in each write, use"
            f" {function.AES256} with customerManagedKey=no, or the same key's ARN in both"
        )


def _check_readers(settings: DeploySettings) -> None:
    if settings.reader_accounts and settings.bucket_name is not None:
        raise SettingsError(
            f"readerAccounts={','.join(settings.reader_accounts)}: a stack does not write the policy of a bucket that"
            f" is not its own, here bucketName={settings.bucket_name}; leave it empty, and write into that policy what"
            " docs/reading.md has under 'From another account'"
        )


def _check_time_to_collect(settings: DeploySettings) -> None:
    of_batch = ("batchTimeoutSeconds", settings.batch_timeout_seconds)
    name, seconds = of_batch if settings.accounts else ("timeoutSeconds", settings.timeout_seconds)
    if settings.reserve_seconds >= seconds:
        raise SettingsError(
            f"reserveSeconds={settings.reserve_seconds:g}: no time to collect is left of"
            f" {name}={seconds}; use a reserve that is less than the timeout"
        )


def _check_organization(settings: DeploySettings) -> None:
    if not settings.accounts:
        if settings.external_id:
            raise SettingsError(f"externalId={settings.external_id!r}: it is for other accounts; set accounts, too")
        if settings.stack_set:
            raise SettingsError("stackSet: the member role is for other accounts; set accounts, too, or use no")
        return
    if not set(settings.accounts.included) - set(settings.accounts.excluded):
        raise SettingsError("accounts: it leaves out all that it names; name an account that is to be asked")
    _check_member_role(settings)
    if settings.reserved_concurrency:
        raise SettingsError(
            f"reservedConcurrency={settings.reserved_concurrency}: it is for the function of one account; use 0, and"
            " mapConcurrency for how many functions read an organization at once"
        )
    if len(settings.stack_name) > LONGEST_STACK_NAME:
        raise SettingsError(
            f"stackName={settings.stack_name!r}: where accounts is set, a role is named for the stack and its region,"
            f" so use at most {LONGEST_STACK_NAME} characters"
        )
    needed = {"organizationId": settings.organization_id, "stackSetUnits": settings.stack_set_units}
    if settings.stack_set_units and not settings.stack_set:
        raise SettingsError("stackSetUnits: they are for a StackSet; set stackSet, too, or leave this empty")
    missing = [name for name, value in needed.items() if not value]
    if settings.stack_set and missing:
        raise SettingsError(f"stackSet: it needs {' and '.join(missing)}, too; or use no")


def _check_member_role(settings: DeploySettings) -> None:
    if set("*?$") & set(settings.member_role):
        raise SettingsError(
            f"memberRole={settings.member_role!r}: IAM would take a * ? or $ in it for more than that; leave it out"
        )
