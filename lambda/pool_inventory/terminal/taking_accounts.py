"""Reading several accounts from a terminal: what the state machine's functions do, in one process."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import click
from click.core import ParameterSource
from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

from pool_inventory.aws.calls import Caller
from pool_inventory.aws.members import MemberRole
from pool_inventory.collect.accounts import AccountsError, choose_accounts
from pool_inventory.collect.members import Collecting
from pool_inventory.collect.targets import choose_targets
from pool_inventory.organization.messages import Plan
from pool_inventory.organization.together import Batch, once, put_together, read_batch
from pool_inventory.snapshots import part
from pool_inventory.terminal.tables import shown

if TYPE_CHECKING:
    from pool_inventory.collect.members import AccountReading
    from pool_inventory.model import Member
    from pool_inventory.publish.history import KnownBefore
    from pool_inventory.run import Collected, Request, Tools
    from pool_inventory.settings import Accounts


@dataclass(frozen=True, slots=True)
class Organization:
    """Which accounts are asked, and how.

    Attributes:
        accounts: as Settings has them.
        member_role: the role that is assumed in each other account.
        external_id: what it asks for.
    """

    accounts: "Accounts"
    member_role: str
    external_id: str | None

    def ask(
        self, request: "Request", tools: "Tools", before: "Callable[[], KnownBefore]", progress: "AccountProgress"
    ) -> "Collected":
        """Read the accounts, and put what they gave together.

        Raises:
            TargetsError: which accounts and regions there are could not be settled.
        """
        own = tools.account()
        targets = choose_targets(request.regions, session=tools.session, account=lambda: own, deadline=tools.deadline)
        with _accounts_named_as_given():
            members = choose_accounts(
                self.accounts,
                session=tools.session,
                caller=Caller(tools.deadline, request.max_requests_per_second),
                with_emails=False,
            )
        plan = Plan(own, tuple(each.region for each in targets), members, accounts_per_batch=len(members))
        progress.begin(members)
        collecting = Collecting(
            session=tools.session,
            own=own,
            role=MemberRole(name=self.member_role, external_id=self.external_id, session_name=request.snapshot_id),
            regions=request.regions,
            snapshot_time=request.snapshot_time,
            max_requests_per_second=request.max_requests_per_second,
            deadline=tools.deadline,
            read_before=once(lambda: before().read_targets()),
        )
        (account_ids,) = plan.batches()
        body = read_batch(account_ids, collecting, progress.ended)
        return put_together(plan, [Batch(body, part.decode(body, request.snapshot_id))], request, before())


@contextmanager
def _accounts_named_as_given() -> Iterator[None]:
    """Name the option in an error about the accounts, unless the variable set them."""
    try:
        yield
    except AccountsError as error:
        if click.get_current_context().get_parameter_source("accounts") is ParameterSource.ENVIRONMENT:
            raise
        raise error.named("--accounts") from error


@dataclass(slots=True)
class AccountProgress:
    """Says what each account gave, as it is read.

    Attributes:
        console: where; None, nowhere.
        bars: a bar of all accounts, on a terminal: there only what went wrong has a line of its own.
    """

    console: Console | None = None
    bars: Progress | None = None
    _names: dict[str, str | None] = field(default_factory=dict)
    _read: int = 0
    _pools: int = 0

    def begin(self, members: "Sequence[Member]") -> None:
        """Say how many accounts there are."""
        self._names = {each.account_id: each.name for each in members}
        if self.bars:
            self.bars.add_task(self._counts(), total=len(members))

    def ended(self, account_id: str, reading: "AccountReading") -> None:
        """Say what an account gave."""
        unread = [each.coverage for each in reading.readings if each.coverage.has_unknown_pools]
        pools = sum(each.coverage.pools or 0 for each in reading.readings)
        self._read += not unread and not reading.failure
        self._pools += pools
        if self.bars:
            task = self.bars.task_ids[0]
            self.bars.update(task, advance=1, description=self._counts())
        if self.console is None or (self.bars and not unread and not reading.failure):
            return
        name = self._names.get(account_id)
        place = f"{account_id} {name}" if name else account_id
        if reading.failure:
            what = f"{reading.failure.status.replace('_', ' ')}: {reading.failure.error_message}"
        else:
            total = len(reading.readings)
            what = f"{total - len(unread)} of {total} regions read, pools {pools}"
        regions = ", ".join(f"{each.region} ({each.status.replace('_', ' ')})" for each in unread)
        self.console.print(shown(f"{place}: {what}{f', not {regions}' if regions else ''}"), soft_wrap=not self.bars)

    def _counts(self) -> str:
        return f"{self._read} of {len(self._names)} accounts read, pools {self._pools}"


@contextmanager
def show_account_progress(console: Console) -> Iterator[AccountProgress]:
    """Show how far reading is: on a terminal as a bar with a line for what went wrong, elsewhere as lines."""
    if not console.is_terminal:
        yield AccountProgress(console)
        return
    with Progress(
        TextColumn("{task.description}"), BarColumn(bar_width=20), TimeElapsedColumn(), console=console
    ) as bars:
        yield AccountProgress(console, bars)
