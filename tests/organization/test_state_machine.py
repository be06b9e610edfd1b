"""The definition that is deployed, run by moto's interpreter, with the functions' own handlers behind its calls.

That it is the synthesized one is held by tests/infra/organization/test_machine.py. Attempts follow each other within a
second here, and the waits are all that differs. test_200_accounts.py has it with many accounts.
"""

import functools
import json
import threading
from collections import Counter
from collections.abc import Callable, Iterator
from itertools import count
from typing import Any

import pytest
from mypy_boto3_s3 import S3Client
from pool_inventory.organization import batch, messages, plan, publish
from pool_inventory.snapshots import coverage, keys, table
from pool_inventory.terminal.demo import state_machine
from pool_inventory.terminal.demo.stand_in import StandIn, seed
from pool_inventory.terminal.demo.state_machine import Definition, Execution, Handler

from tests.conftest import any_context
from tests.makers import any_pools
from tests.organization.conftest import OTHERS, OWN, any_account, batches_of, organization, refuse_organizations

HANDLERS: dict[str, Handler] = {"Plan": plan.handler, "Batch": batch.handler, "Publish": publish.handler}
REGIONS = ("eu-west-1", "us-east-1")

pytestmark = pytest.mark.slow
FIRST, SECOND = "2026-11-24T17:00:00Z", "2026-11-24T18:00:00Z"
FIRST_ID, SECOND_ID = "2026-11-24T17-00Z", "2026-11-24T18-00Z"


@pytest.fixture(scope="module")
def definition() -> Definition:
    return state_machine.with_short_waits(state_machine.deployed(state_machine.read_definition(), bucket="inventory"))


class Machine:
    """The deployed machine; each function counts its calls, and may be given another handler."""

    def __init__(self, definition: Definition, aws: StandIn) -> None:
        self.definition = definition
        self.handlers = dict(HANDLERS)
        self.calls: Counter[str] = Counter()
        self._aws = aws

    def run(self, time: str = SECOND, **changes: Any) -> Execution:
        handlers = {name: functools.partial(self._call, name) for name in self.handlers}
        with state_machine.serve_functions(self._aws, handlers):
            return state_machine.execute({**self.definition, **changes}, {"time": time})

    def _call(self, name: str, event: Any, context: Any) -> Any:
        self.calls[f"{name} {event[messages.NUMBER]}" if name == "Batch" else name] += 1
        return self.handlers[name](event, context)


@pytest.fixture
def machine(definition: Definition, org: StandIn) -> Machine:
    for number, account_id in enumerate((OWN, *OTHERS)):
        for region in REGIONS:
            seed(region, any_pools(number, region), account_id)
    return Machine(definition, org)


def only_for(number: int, other: Handler) -> Handler:
    """The batch's function, but for one batch another."""

    def handler(event: Any, context: Any) -> Any:
        return other(event, context) if event[messages.NUMBER] == number else batch.handler(event, context)

    return handler


def die(event: Any, context: Any) -> Any:
    raise RuntimeError("Runtime exited with error: signal: killed")


@pytest.fixture
def hang() -> Iterator[Handler]:
    """Answers only after the test."""
    over = threading.Event()
    yield lambda _event, _context: over.wait(60)
    over.set()


def read(s3: S3Client, key: str) -> bytes:
    return s3.get_object(Bucket="inventory", Key=f"user-pools/{key}")["Body"].read()


def manifest(s3: S3Client, identifier: str = SECOND_ID) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(read(s3, keys.manifest(identifier)))
    return found


def statuses(s3: S3Client, identifier: str = SECOND_ID) -> dict[str, set[str]]:
    """What became of the regions of each account."""
    found: dict[str, set[str]] = {}
    for each in coverage.decode(read(s3, keys.coverage(identifier))):
        found.setdefault(each.account_id, set()).add(each.status)
    return found


def pools_of(s3: S3Client, key: str) -> Counter[str]:
    return Counter(row.target.account_id for row in table.pool_rows(read(s3, key)))


def snapshots(s3: S3Client) -> list[str]:
    listed = s3.list_objects_v2(Bucket="inventory", Prefix="user-pools/data/")["Contents"]
    return [each["Key"] for each in listed]


def test_one_execution_makes_one_snapshot(machine: Machine, s3: S3Client) -> None:
    ended = machine.run()
    assert (ended.status, ended.output["result"], ended.output["status"]) == ("SUCCEEDED", "published", "complete")
    assert pools_of(s3, keys.data(SECOND_ID)) == {each: 2 * number for number, each in enumerate(OTHERS, start=1)}
    assert machine.calls == {"Plan": 1, "Batch 1": 1, "Batch 2": 1, "Batch 3": 1, "Publish": 1}


def test_a_batch_that_dies_each_time_leaves_its_accounts_failed(machine: Machine, s3: S3Client) -> None:
    machine.run(FIRST)
    machine.calls.clear()
    machine.handlers["Batch"] = only_for(2, die)
    ended = machine.run(SECOND)
    assert (ended.status, ended.output["status"]) == ("SUCCEEDED", "partial")
    assert machine.calls["Batch 2"] == 3
    assert {each for each, found in statuses(s3).items() if found == {"failed"}} == set(OTHERS[1:3])
    assert manifest(s3)["changes"] == {"created": 0, "deleted": 0, "modified": 0}
    assert pools_of(s3, keys.LATEST_DATA) == pools_of(s3, keys.data(FIRST_ID))


def test_a_batch_that_died_once_is_read_by_its_next_attempt(machine: Machine) -> None:
    attempts = count(1)

    def die_first(event: Any, context: Any) -> Any:
        return die(event, context) if next(attempts) == 1 else batch.handler(event, context)

    machine.handlers["Batch"] = only_for(1, die_first)
    assert machine.run().output["status"] == "complete"
    assert machine.calls["Batch 1"] == 2


def test_a_batch_that_times_out_leaves_its_accounts_failed(machine: Machine, s3: S3Client, hang: Handler) -> None:
    # The others have their parts, and end in time however busy this machine is.
    for event in batches_of(plan.handler({"time": SECOND}, any_context()))[:2]:
        batch.handler(event, any_context())
    machine.handlers["Batch"] = only_for(3, hang)
    machine.definition = json.loads(json.dumps(machine.definition))
    state_machine.states_of(machine.definition)["Batch"]["TimeoutSeconds"] = 3
    ended = machine.run()
    assert (ended.status, ended.output["status"]) == ("SUCCEEDED", "partial")
    assert machine.calls["Batch 3"] == 3
    assert {each for each, found in statuses(s3).items() if found == {"failed"}} == {OTHERS[3]}


def test_a_redriven_publish_asks_no_account_again(machine: Machine, org: StandIn, s3: S3Client) -> None:
    """moto has no redrive: it is begun at the state that failed, with that state's input, as a redrive does it."""
    machine.handlers["Publish"] = die
    ended = machine.run()
    assert (ended.status, ended.error, machine.calls["Publish"]) == ("FAILED", "RuntimeError", 3)
    machine.handlers["Publish"] = publish.handler
    org.requests.clear()
    again = machine.run(StartAt="Publish")
    assert (again.status, again.output["status"]) == ("SUCCEEDED", "complete")
    asked = Counter(each.headers.get("X-Amz-Target", "").rpartition(".")[2] for each in org.requests)
    assert asked["ListUserPools"] == asked["ListAccounts"] == 0
    assert len(snapshots(s3)) == 1


def test_the_same_due_time_started_twice_is_one_snapshot(machine: Machine, s3: S3Client) -> None:
    machine.run()
    before = s3.list_objects_v2(Bucket="inventory")["Contents"]
    machine.calls.clear()
    again = machine.run()
    assert (again.status, machine.calls) == ("SUCCEEDED", {"Plan": 1})
    assert s3.list_objects_v2(Bucket="inventory")["Contents"] == before


def test_two_executions_at_once_make_one_snapshot(machine: Machine, s3: S3Client) -> None:
    ended: list[Execution] = []
    handlers: dict[str, Callable[..., Any]] = dict(HANDLERS)
    with state_machine.serve_functions(machine._aws, handlers):
        threads = [
            threading.Thread(target=lambda: ended.append(state_machine.execute(machine.definition, {"time": SECOND})))
            for _ in range(2)
        ]
        for each in threads:
            each.start()
        for each in threads:
            each.join()
    assert {each.status for each in ended} == {"SUCCEEDED"}
    assert len(snapshots(s3)) == 1
    assert manifest(s3)["status"] == "complete"


def test_one_account_leaves_and_another_joins(machine: Machine, org: StandIn, s3: S3Client) -> None:
    machine.run(FIRST)
    left, joined = OTHERS[3], "210000000009"
    seed("us-east-1", any_pools(5), joined)
    org.answers[:] = [organization(*map(any_account, (OWN, *OTHERS[:3], joined)))]
    ended = machine.run(SECOND)
    found = statuses(s3)
    assert (ended.output["status"], found[left], found[joined]) == ("complete", {"not_asked"}, {"ok"})
    assert manifest(s3)["changes"]["deleted"] == 0
    known = pools_of(s3, keys.LATEST_DATA)
    assert (known[left], known[joined]) == (8, 5)


def test_an_organization_that_refuses_fails_the_execution(machine: Machine, org: StandIn) -> None:
    org.answers.insert(0, refuse_organizations)
    ended = machine.run()
    assert (ended.status, ended.error, machine.calls) == ("FAILED", "AccountsError", {"Plan": 3})
