"""Which accounts of an organization to ask: https://docs.aws.amazon.com/organizations/latest/APIReference/."""

from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, datetime
from functools import cached_property
from typing import TYPE_CHECKING, Any

from pool_inventory import settings
from pool_inventory.aws import failures, pages
from pool_inventory.aws.calls import Caller
from pool_inventory.aws.failures import MalformedResponseError
from pool_inventory.aws.session import CLIENT_CONFIG
from pool_inventory.errors import TargetsError
from pool_inventory.model import Member
from pool_inventory.settings import Accounts
from pool_inventory.text import one_line

if TYPE_CHECKING:
    from boto3.session import Session
    from mypy_boto3_organizations import OrganizationsClient

ACTIVE = "ACTIVE"
_SETTING = "{setting}"


class AccountsError(TargetsError):
    """Which accounts to ask cannot be settled."""

    def __init__(self, text: str, setting: str = settings.ACCOUNTS.name) -> None:
        """Say what is wrong, with the setting's name: the variable's, unless a door has another name for it."""
        super().__init__(text.replace(_SETTING, setting))
        self.text = text

    def named(self, setting: str) -> "AccountsError":
        """Return the same error with another name of the setting."""
        return AccountsError(self.text, setting)


def choose_accounts(
    accounts: Accounts, *, session: "Session", caller: Caller, with_emails: bool
) -> tuple[Member, ...]:
    """Return the accounts to ask, sorted by id. An account that the organization says is not active is left out.

    Args:
        accounts: which, as Settings has them.
        session: of the management account, or of one to which Organizations delegates; not asked where all are named.
        caller: paces and retries the calls of Organizations.
        with_emails: whether to keep the addresses of root users.

    Raises:
        AccountsError: Organizations does not say which there are, or there are none.
    """
    listing = _Listing(session, caller, with_emails=with_emails)
    excluded = {each.account_id for name in accounts.excluded for each in _members(listing, name)}
    # What a listing says of an account stands over its mere id: digits come first.
    found = {each.account_id: each for name in sorted(accounts.included) for each in _members(listing, name)}
    chosen = tuple(found[each] for each in sorted(found.keys() - excluded) if found[each].state in {ACTIVE, None})
    if not chosen:
        raise AccountsError(f"{_SETTING} leaves no active account: name others, or leave out fewer")
    return chosen


def _members(listing: "_Listing", name: str) -> list[Member]:
    """Return the accounts that a name of the setting stands for.

    Raises:
        AccountsError: Organizations does not say which they are.
    """
    try:
        return list(listing.members(name))
    except Exception as error:  # whatever it is, which accounts there are is not known
        grant = (
            "grant it, in an account that the organization lets list them, or " if failures.is_denied(error) else ""
        )
        place = "the organization" if name == settings.ORGANIZATION else name
        raise AccountsError(
            f"Organizations did not say which accounts there are in {place} ({one_line(str(error))}): {grant}list "
            f"them in {_SETTING} instead"
        ) from error


class _Listing:
    """Lists accounts by the names that the setting has for them."""

    def __init__(self, session: "Session", caller: Caller, *, with_emails: bool) -> None:
        self._session = session
        self._caller = caller
        self._with_emails = with_emails

    @cached_property
    def _client(self) -> "OrganizationsClient":
        """Made once it is needed: where all accounts are named, Organizations is not asked."""
        client = self._session.client("organizations", config=CLIENT_CONFIG)
        for operation in ("ListAccounts", "ListAccountsForParent", "ListOrganizationalUnitsForParent"):
            pages.keep_raw_body(client, operation)
        return client

    def members(self, name: str) -> Iterator[Member]:
        """Return the accounts of the organization or of a unit, and of the units in it; or the one of this id."""
        if settings.is_account(name):
            yield Member(name)
        elif name == settings.ORGANIZATION:
            yield from self._accounts(self._client.list_accounts)
        else:
            yield from self._in_unit(name, frozenset({name}))

    def _in_unit(self, unit: str, above: frozenset[str]) -> Iterator[Member]:
        yield from self._accounts(lambda **token: self._client.list_accounts_for_parent(ParentId=unit, **token))
        units = self._items(
            lambda **token: self._client.list_organizational_units_for_parent(ParentId=unit, **token),
            "OrganizationalUnits",
        )
        for each in units:
            if each["Id"] in above:
                raise MalformedResponseError(f"the unit {each['Id']} is said to be in itself")
            yield from self._in_unit(each["Id"], above | {each["Id"]})

    def _accounts(self, call: Callable[..., Any]) -> Iterator[Member]:
        for each in self._items(call, "Accounts"):
            yield _member(each, with_email=self._with_emails)

    def _items(self, call: Callable[..., Any], items: str) -> Iterator[dict[str, Any]]:
        def request(token: str | None) -> Mapping[str, Any]:
            answer: Mapping[str, Any] = call(**({"NextToken": token} if token else {}))
            return answer

        for page in pages.pages(self._caller, request, items=items, key="Id"):
            yield from page


def _member(account: dict[str, Any], *, with_email: bool) -> Member:
    """Return an account as Organizations lists it.

    `State` takes the place of `Status`, which was to end on 2026-09-09; a service that sends only that is right, too:
    https://docs.aws.amazon.com/organizations/latest/APIReference/API_Account.html

    Raises:
        MalformedResponseError: it has no account's id.
    """
    paths = account.get("Paths")
    if not settings.is_account(account["Id"]):
        raise MalformedResponseError(f"{one_line(account['Id'], 100)!r} is no account's id")
    return Member(
        account_id=account["Id"],
        name=_text(account.get("Name")),
        email=_text(account.get("Email")) if with_email else None,
        organizational_unit_path=_text(paths[0]) if isinstance(paths, list) and paths else None,
        state=_text(account.get("State")) or _text(account.get("Status")),
        joined_at=_time(account.get("JoinedTimestamp")),
    )


def _text(value: object) -> str | None:
    return one_line(value) if isinstance(value, str) else None


def _time(value: object) -> datetime | None:
    """Return a time in seconds since 1970; None for what is none: when an account joined decides nothing."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    try:
        return datetime.fromtimestamp(value, UTC)
    except (OverflowError, ValueError, OSError):
        return None
