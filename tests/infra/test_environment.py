"""The function as it is deployed: the handler runs in the environment that a template gives it."""

from typing import TYPE_CHECKING

import pytest
from pool_inventory import settings
from pool_inventory.terminal.demo.stand_in import StandIn, seed

from tests.conftest import BUCKET, Invoke
from tests.makers import any_pools

if TYPE_CHECKING:
    from tests.infra.makers import Synthesized


@pytest.mark.parametrize("name", ["by_default", "otherwise", "in_a_bucket_of_others"])
def test_the_handler_runs_in_the_environment_of_the_template(
    invoke: Invoke, aws: StandIn, monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest, name: str
) -> None:
    stack: Synthesized = request.getfixturevalue(name)
    (function,) = (
        each for path, each in stack.of_type("AWS::Lambda::Function").items() if path.startswith("Exporter")
    )
    for variable in settings.VARIABLES:
        monkeypatch.delenv(variable.name, raising=False)
    for variable_name, value in function["Environment"]["Variables"].items():
        monkeypatch.setenv(variable_name, value)
    monkeypatch.setenv(settings.BUCKET.name, BUCKET)
    seed("us-east-1", any_pools(3))
    for hour in (6, 18):
        summary = invoke(f"2026-11-24T{hour:02}:00:00Z", seconds=int(function["Timeout"]))
        assert (summary["result"], summary["pools"]) == ("published", 3)
