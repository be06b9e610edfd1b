"""The real handler with each setting at each kind of value that it takes, cold and warm."""

import json
import subprocess
import sys
from collections.abc import Callable
from typing import Any

import pytest
from pool_inventory.settings import LOG_LEVELS, VARIABLES
from pool_inventory.terminal.demo.stand_in import StandIn, seed

from tests.conftest import BUCKET, Invoke
from tests.makers import any_pools

VALUES = {
    "INVENTORY_BUCKET": (BUCKET,),
    "INVENTORY_PREFIX": ("p", "audit/user.pools_1"),
    "INVENTORY_REGIONS": ("enabled", "current", "us-east-1", "us-east-1, eu-west-1"),
    "INVENTORY_MAX_REQUESTS_PER_SECOND": ("0", "0.5", "15"),
    "INVENTORY_RESERVE_SECONDS": ("0", "2.5"),
    "INVENTORY_EXTRA_FORMATS": ("", "csv", "ndjson,csv"),
    "INVENTORY_EVENT_BUS": ("", "default", "arn:aws:events:us-east-1:123456789012:event-bus/pools"),
    "INVENTORY_USER_POOL_QUOTA": ("1", "10000"),
    "INVENTORY_ENCRYPTION": ("", "AES256"),
    "INVENTORY_FORGET_DAYS": ("1", "3650"),
    "INVENTORY_ACCEPT_DENIED": ("", "scp", "eu-west-1, scp"),
    "INVENTORY_REGION_METRICS": ("each", "daily"),
    "POWERTOOLS_SERVICE_NAME": ("p", "pools of audit", "pool-inventory"),
    "POWERTOOLS_METRICS_NAMESPACE": ("N", "Audit/Pools: 1"),
    "POWERTOOLS_LOG_LEVEL": (*LOG_LEVELS, "debug"),
}
CASES = [(name, value) for name, values in VALUES.items() for value in values]

COLD = """
import json, sys
from types import SimpleNamespace
from pool_inventory.handler import handler
context = SimpleNamespace(aws_request_id="1", get_remaining_time_in_millis=lambda: 300_000,
    invoked_function_arn="arn:aws:lambda:us-east-1:123456789012:function:f")
handler({"time": "2026-11-24T18:00:00Z"}, context)
"""


@pytest.fixture(autouse=True)
def seeded(aws: StandIn) -> None:
    seed("us-east-1", any_pools(3))


def test_every_setting_has_its_kinds_of_value_here() -> None:
    assert {variable.name for variable in VARIABLES} <= VALUES.keys()


@pytest.mark.parametrize(("name", "value"), CASES)
def test_a_warm_function_runs_with_any_value_of_a_setting(
    invoke: Invoke, monkeypatch: pytest.MonkeyPatch, name: str, value: str
) -> None:
    assert invoke("2026-11-24T17:00:00Z")["result"] == "published"
    monkeypatch.setenv(name, value)
    assert invoke("2026-11-24T18:00:00Z")["result"] == "published"


@pytest.mark.parametrize("level", LOG_LEVELS)
def test_a_cold_function_runs_at_any_level(aws: StandIn, monkeypatch: pytest.MonkeyPatch, level: str) -> None:
    monkeypatch.setenv("POWERTOOLS_LOG_LEVEL", level)
    done = subprocess.run([sys.executable, "-c", COLD], capture_output=True, text=True, check=False)  # noqa: S603 - our own code
    assert (done.returncode, done.stderr) == (0, "")
    logged = [line for line in map(json.loads, done.stdout.splitlines()) if "_aws" not in line]
    assert [line["message"] for line in logged] == (["the run is done"] if level in {"DEBUG", "INFO"} else [])


def test_a_log_level_may_change_between_invocations(
    invoke: Invoke, output: Callable[[], list[dict[str, Any]]], monkeypatch: pytest.MonkeyPatch
) -> None:
    said = []
    for hour, level in enumerate(("ERROR", "DEBUG", "CRITICAL", "INFO")):
        monkeypatch.setenv("POWERTOOLS_LOG_LEVEL", level)
        invoke(f"2026-11-24T1{hour}:00:00Z")
        said.append(["_aws" in line for line in output()].count(False))
    assert said == [0, 1, 0, 1]
