"""Whoever is killed, comes twice or finds another's objects: one snapshot, and nobody unread looks empty."""

from collections.abc import Callable
from typing import Any

import boto3
import pytest
from mypy_boto3_s3 import S3Client
from pool_inventory.organization import batch, messages, plan, publish
from pool_inventory.snapshots import keys
from pool_inventory.stores.s3 import S3Store
from pool_inventory.terminal.demo.stand_in import StandIn, seed
from pool_inventory.terminal.verify.chain import verify

from tests.chains import rows_of
from tests.conftest import BUCKET, any_context
from tests.makers import any_pools
from tests.organization.conftest import OTHERS, OWN, Snapshot, any_account, batches_of, organization

BEFORE, IDENTIFIER = "2026-11-24T17-00Z", "2026-11-24T18-00Z"
EVENT = {"time": "2026-11-24T18:00:00Z"}
IN_PLAN, IN_BATCHES, IN_PUBLISH = 2, 2, 12
PREFIX = "user-pools/"


class KilledError(BaseException):
    """The function is gone: nothing catches it."""


@pytest.fixture(autouse=True)
def two_accounts(org: StandIn, monkeypatch: pytest.MonkeyPatch) -> None:
    """Of two accounts each has a batch and a region, and pools there."""
    monkeypatch.setenv("INVENTORY_ACCOUNTS_PER_BATCH", "1")
    monkeypatch.setenv("INVENTORY_REGIONS", "us-east-1")
    org.answers[:] = [organization(*map(any_account, (OWN, OTHERS[0])))]
    for account_id in (OWN, OTHERS[0]):
        seed("us-east-1", any_pools(2), account_id)


@pytest.fixture
def before_write(monkeypatch: pytest.MonkeyPatch) -> Callable[[int, Callable[[], object]], list[str]]:
    """Has something happen before the n-th write to S3 from now on; returns the keys that are written."""

    def set_up(number: int, happen: Callable[[], object]) -> list[str]:
        written: list[str] = []

        def watched(name: str) -> Callable[..., Any]:
            write = getattr(S3Store, name)

            def call(store: S3Store, key: str, *others: Any) -> Any:
                written.append(key)
                if len(written) == number:
                    happen()
                return write(store, key, *others)

            return call

        for name in ("put_if_absent", "replace", "put"):
            monkeypatch.setattr(S3Store, name, watched(name))
        return written

    return set_up


def die() -> None:
    raise KilledError


def store() -> S3Store:
    return S3Store.open(boto3.session.Session(), BUCKET, "user-pools", None)


def found(snapshot_id: str = IDENTIFIER) -> tuple[dict[str, str], dict[str, int]]:
    """The status of each account, and how many pools are known of it."""
    statuses = {each["account_id"]: each["status"] for each in rows_of(store(), keys.coverage(snapshot_id))}
    pools = [each["account_id"] for each in rows_of(store(), keys.LATEST_DATA)]
    return statuses, {each: pools.count(each) for each in statuses}


def assert_sound() -> None:
    report = verify(store())
    assert (report.faults, report.notes) == ([], [])


@pytest.mark.parametrize("number", range(1, IN_PLAN + IN_BATCHES + IN_PUBLISH + 1))
def test_a_function_killed_before_any_write_is_made_good(
    snapshot: Snapshot, before_write: Callable[[int, Callable[[], object]], list[str]], number: int
) -> None:
    written = before_write(number, die)
    with pytest.raises(KilledError):
        snapshot()
    assert len(written) >= number  # others may be written side by side
    assert bool(store().get(keys.checksum(IDENTIFIER))) == (number > IN_PLAN + IN_BATCHES + 9)
    snapshot()
    assert found() == ({OWN: "ok", OTHERS[0]: "ok"}, {OWN: 2, OTHERS[0]: 2})
    assert_sound()


def test_the_writes_that_are_tried_above_are_all(
    snapshot: Snapshot, before_write: Callable[[int, Callable[[], object]], list[str]]
) -> None:
    written = before_write(0, die)
    snapshot()
    assert len(written) == IN_PLAN + IN_BATCHES + IN_PUBLISH
    assert written[-4] == keys.checksum(IDENTIFIER)


@pytest.mark.parametrize("number", [1, 3, 4, 8, 9, 12])
def test_two_publish_at_once_and_make_one_snapshot(
    before_write: Callable[[int, Callable[[], object]], list[str]], number: int
) -> None:
    planned = plan.handler(EVENT, any_context())
    for event in batches_of(planned):
        batch.handler(event, any_context())
    before_write(number, lambda: publish.handler(planned, any_context()))
    publish.handler(planned, any_context())
    assert found() == ({OWN: "ok", OTHERS[0]: "ok"}, {OWN: 2, OTHERS[0]: 2})
    assert list(store().keys(keys.DATA)) == [keys.data(IDENTIFIER)]
    assert_sound()


def test_a_part_of_another_snapshot_is_no_part(snapshot: Snapshot, s3: S3Client) -> None:
    snapshot("2026-11-24T17:00:00Z")
    planned = plan.handler(EVENT, any_context())
    first, second = batches_of(planned)
    copy(s3, keys.part(BEFORE, 1), keys.part(IDENTIFIER, 1))
    batch.handler(second, any_context())
    publish.handler(planned, any_context())
    assert found() == ({OWN: "failed", OTHERS[0]: "ok"}, {OWN: 2, OTHERS[0]: 2})
    assert [each["change"] for each in rows_of(store(), keys.changes(IDENTIFIER))] == []
    assert first[messages.ACCOUNTS] == [OWN]


def test_a_part_under_another_number_is_no_part(snapshot: Snapshot, s3: S3Client) -> None:
    snapshot("2026-11-24T17:00:00Z")
    planned = plan.handler(EVENT, any_context())
    _, second = batches_of(planned)
    batch.handler(second, any_context())
    copy(s3, keys.part(IDENTIFIER, 2), keys.part(IDENTIFIER, 1))
    publish.handler(planned, any_context())
    assert found() == ({OWN: "failed", OTHERS[0]: "ok"}, {OWN: 2, OTHERS[0]: 2})


def test_a_plan_that_changed_leaves_no_account_empty(snapshot: Snapshot, org: StandIn, s3: S3Client) -> None:
    """Parts of an earlier plan are of other accounts than this one's batches: they say nothing."""
    snapshot("2026-11-24T17:00:00Z")
    for event in batches_of(plan.handler(EVENT, any_context())):
        batch.handler(event, any_context())
    s3.delete_object(Bucket=BUCKET, Key=PREFIX + keys.plan(IDENTIFIER))
    joined = "100000000001"
    org.answers[:] = [organization(*map(any_account, (joined, OWN, OTHERS[0])))]
    planned = plan.handler(EVENT, any_context())
    events = batches_of(planned)
    assert [each[messages.ACCOUNTS] for each in events] == [[joined], [OWN], [OTHERS[0]]]
    batch.handler(events[2], any_context())
    publish.handler(planned, any_context())
    statuses, pools = found()
    assert statuses == {joined: "failed", OWN: "failed", OTHERS[0]: "ok"}
    assert pools == {joined: 0, OWN: 2, OTHERS[0]: 2}
    assert rows_of(store(), keys.changes(IDENTIFIER)) == []
    assert_sound()


def test_batches_of_a_plan_that_changed_are_read_again(org: StandIn, s3: S3Client) -> None:
    for event in batches_of(plan.handler(EVENT, any_context())):
        batch.handler(event, any_context())
    s3.delete_object(Bucket=BUCKET, Key=PREFIX + keys.plan(IDENTIFIER))
    org.answers[:] = [organization(any_account("100000000001"), any_account(OWN))]
    planned = plan.handler(EVENT, any_context())
    for event in batches_of(planned):
        batch.handler(event, any_context())
    publish.handler(planned, any_context())
    assert found() == ({"100000000001": "ok", OWN: "ok"}, {"100000000001": 0, OWN: 2})


def test_without_a_plan_nothing_is_published(s3: S3Client) -> None:
    planned = plan.handler(EVENT, any_context())
    s3.delete_object(Bucket=BUCKET, Key=PREFIX + keys.plan(IDENTIFIER))
    with pytest.raises(Exception, match=r"plan\.json is not there: run the state machine from its start"):
        publish.handler(planned, any_context())
    assert store().get(keys.data(IDENTIFIER)) is None


def copy(s3: S3Client, source: str, target: str) -> None:
    s3.copy_object(Bucket=BUCKET, Key=PREFIX + target, CopySource={"Bucket": BUCKET, "Key": PREFIX + source})
