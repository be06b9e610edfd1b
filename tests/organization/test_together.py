"""What a batch gives is told account by account, in their order, and is all in its part."""

from datetime import UTC, datetime

from pool_inventory.aws.calls import Deadline
from pool_inventory.aws.members import MemberRole
from pool_inventory.aws.session import open_session
from pool_inventory.clock import Clock
from pool_inventory.collect.members import AccountReading, Collecting
from pool_inventory.model import Account
from pool_inventory.organization import together
from pool_inventory.snapshots import part
from pool_inventory.terminal.demo.stand_in import StandIn, seed

from tests.makers import any_pools
from tests.organization.conftest import OTHERS, OWN, refuse_role


def test_each_account_is_told_in_order_as_it_ends(org: StandIn) -> None:
    org.answers.append(refuse_role(OTHERS[1]))
    seed("us-east-1", any_pools(2), OTHERS[0])
    told: list[tuple[str, AccountReading]] = []
    collecting = Collecting(
        session=open_session(),
        own=Account(OWN, "aws"),
        role=MemberRole(name="pool-inventory-member", external_id=None, session_name="2026-11-24T18-00Z"),
        regions=("us-east-1",),
        snapshot_time=datetime(2026, 11, 24, 18, tzinfo=UTC),
        max_requests_per_second=0,
        deadline=Deadline.after(60, Clock()),
        read_before=lambda: None,
    )
    asked = (OWN, *OTHERS[:3])
    body = together.read_batch(asked, collecting, lambda *each: told.append(each))
    assert tuple(account_id for account_id, _ in told) == asked
    assert [each.failure is not None for _, each in told] == [False, False, True, False]
    part.decode(body, "2026-11-24T18-00Z").check_accounts(asked)
    assert len(list(part.lines(body))) == 2
