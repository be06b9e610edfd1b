"""The arithmetic of an organization's cost, and that it counts what the functions really ask and log."""

import json
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from pool_inventory.organization import batch, messages, plan, publish
from pool_inventory.terminal.demo.stand_in import ACCOUNT_ID, StandIn

from benchmarks import organization_cost as cost
from benchmarks.usage import kind_of, metrics
from tests.conftest import any_context
from tests.infra.makers import ROOT, Synthesized
from tests.organization.conftest import OTHERS, any_account, batches_of, organization

REGIONS = ("eu-west-1", "us-east-1")
Output = Callable[[], list[dict[str, Any]]]


def test_a_run_by_hand() -> None:
    size = cost.Size(accounts=40, regions=34, pools=600)
    batch_seconds = (1 + 20 * 0.25) * 1769 / 1024 + 2 * 3 * 0.2 + 2 * 0.05
    plan_seconds = 1 * 1769 / 512 + 2 * 0.2
    gb_seconds = 2 * batch_seconds + 10 * 0.2 + plan_seconds / 2 + 300
    assert cost.run(size) == pytest.approx(
        {
            "Lambda": gb_seconds * 0.0000133334 + 4 * 0.20 / 1e6,
            "Step Functions": (4 + 2 * 2) * 0.025 / 1000,
            "S3 requests": (4 + 2 + 16) * 0.005 / 1000 + (3 + 2 * 2 + 10) * 0.0004 / 1000,
            "logs": 4 * 1_100 / 1e9 * (0.50 + 3 * 0.03),
        }
    )
    assert size.events == 40 * 37 + 10


def test_10000_accounts_cost_2_dollars_a_run_at_most() -> None:
    assert (cost.LARGEST.accounts, cost.LARGEST.regions, cost.LARGEST.pools) == (10_000, 34, 1_000_000)
    assert sum(cost.run(cost.LARGEST).values()) < 2


@pytest.fixture
def heard(aws: StandIn, s3: object, output: Output, monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    """What the functions ask and log in a second run, by the function's name."""
    assert s3
    monkeypatch.setenv("INVENTORY_ACCOUNTS", "organization")
    monkeypatch.setenv("INVENTORY_ACCOUNTS_PER_BATCH", "2")
    monkeypatch.setenv("INVENTORY_REGIONS", "enabled")
    aws.enabled_regions = list(REGIONS)
    aws.answers.append(organization(*map(any_account, (ACCOUNT_ID, *OTHERS[:3]))))
    found: dict[str, Any] = {}

    def call(function: Any, event: object) -> dict[str, Any]:
        aws.requests.clear()
        answer: dict[str, Any] = function.handler(event, any_context())
        found[function.__name__.rpartition(".")[2]] = (list(aws.requests), output())
        return answer

    for hour in (17, 18):
        planned = call(plan, {"time": f"2026-11-24T{hour}:00:00Z"})
        for event in batches_of(planned):
            call(batch, event)
        call(publish, {messages.TIME: planned[messages.TIME]})
    return found


def test_the_requests_to_s3_are_those_that_are_counted(heard: dict[str, Any]) -> None:
    asked = {name: Counter(map(kind_of, requests)) for name, (requests, _) in heard.items()}
    assert {name: (each["s3_read"], each["s3_write_or_list"]) for name, each in asked.items()} == {
        "plan": (cost.PLAN_READS, cost.PLAN_WRITES_AND_LISTS),
        "batch": (cost.BATCH_READS, cost.BATCH_WRITES),
        "publish": (cost.PUBLISH_READS + 2, cost.PUBLISH_WRITES_AND_LISTS),
    }


def test_the_calls_are_those_that_cloudtrail_records(heard: dict[str, Any]) -> None:
    requests, _ = heard["batch"]
    assert len([each for each in requests if not kind_of(each) or kind_of(each) == "ListUserPools"]) == (
        # AssumeRole is heard once, and recorded twice.
        2 * (len(REGIONS) + cost.EVENTS_AN_ACCOUNT - 1)
    )


def test_a_batchs_log_is_as_long_as_is_counted(heard: dict[str, Any]) -> None:
    _, lines = heard["batch"]
    assert 0 < sum(len(json.dumps(line)) for line in lines) <= cost.LOG_BYTES


def test_the_metrics_are_those_that_are_counted(heard: dict[str, Any]) -> None:
    _, lines = heard["publish"]
    assert sum(len(metrics(line)) for line in lines if "region" not in line) == cost.METRICS


def test_the_states_and_memories_are_the_stacks(tmp_path: Path) -> None:
    of_an_organization = Synthesized(tmp_path, accounts="organization")
    (machine,) = of_an_organization.of_type("AWS::StepFunctions::StateMachine").values()
    states = json.loads(machine["DefinitionString"])["States"]
    assert set(states) == {"Plan", "WhatNext", "Batches", "Publish", "NothingToDo"}
    assert len(states) - 1 == cost.STATES
    functions = of_an_organization.of_type("AWS::Lambda::Function")
    assert functions["Organization/Functions/Plan"]["MemorySize"] == cost.PLAN_MEMORY_MB


def test_the_page_says_what_the_largest_costs() -> None:
    page = " ".join((ROOT / "docs/cost.md").read_text().split())
    assert f"{100 * sum(cost.run(cost.LARGEST).values()):.0f} cents" in page
