"""An organization as it was deployed: the state machine of the template calls the functions of the zip."""

import json
import os
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from threading import Lock
from typing import Any
from unittest import mock

from pool_inventory.organization import messages
from pool_inventory.terminal.demo import stand_in, state_machine
from pool_inventory.terminal.demo.state_machine import Definition, Handler

from tests.makers import any_pools
from tests.organization.conftest import OTHERS, OWN, any_account, organization, refuse_role
from tests.rehearsal.deployment import Deployment, objects
from tests.rehearsal.lambda_service import Sandbox
from tests.rehearsal.running import Rehearsal, running, verify

DENIED = OTHERS[1]


def run_an_organization(rehearsal: Rehearsal, deployment: Deployment) -> None:
    """Two days, the second with an account that refuses its role, and that day's event again."""
    aws, say = rehearsal.aws, rehearsal.say
    for number, account_id in enumerate((OWN, *OTHERS)):
        for region in aws.enabled_regions:
            stand_in.seed(region, any_pools(number, region), account_id)
    aws.answers[:] = [organization(*map(any_account, (OWN, *OTHERS)))]
    say("The state machine that was deployed, in moto's interpreter, with a process of the zip for each function")
    with serving(rehearsal, deployment) as run:
        summary = run("2026-11-24T03:00:00Z")
        assert (summary["status"], summary["pools"], summary["targets"]) == ("complete", 20, 10)

        say(f"The next day, when {DENIED} refuses its role")
        aws.answers.append(refuse_role(DENIED))
        summary = run("2026-11-25T03:00:00Z")
        assert (summary["status"], summary["accounts_failed"], summary["targets_failed"]) == ("partial", 1, 2)
        assert summary["carried"] == {"targets": 2, "pools": 4, "forgotten": 0}

        say("The same event again")
        before = objects(aws, deployment.bucket)
        assert run("2026-11-25T03:00:00Z")["next"] == messages.NOTHING
        assert objects(aws, deployment.bucket) == before
    verify(rehearsal, deployment, snapshots=2)


@contextmanager
def serving(rehearsal: Rehearsal, deployment: Deployment) -> Iterator[Callable[[str], dict[str, Any]]]:
    """Yield what runs the deployed machine at a time, while there is a process for each of its functions."""
    aws, machine = rehearsal.aws, definition_of(deployment)
    # The interpreter calls the functions and S3 from this process.
    environment = {**stand_in.without_aws(os.environ), **aws.environment()}
    with ExitStack() as held:
        held.enter_context(mock.patch.dict(os.environ, environment, clear=True))
        handlers = {
            function.arn.rpartition(":")[2]: one_at_a_time(held.enter_context(running(rehearsal, function)))
            for function in deployment.functions.values()
        }
        held.enter_context(state_machine.serve_functions(aws, handlers))

        def run(time: str) -> dict[str, Any]:
            event = deployment.event(time)
            rehearsal.say(f"   input {json.dumps(event)}")
            ended = state_machine.execute(machine, event)
            rehearsal.say(f"   {ended.status} {json.dumps(ended.output)}")
            assert ended.status == "SUCCEEDED"
            output: dict[str, Any] = ended.output
            return output

        yield run


def definition_of(deployment: Deployment) -> Definition:
    """The state machine's definition as it was deployed, less what the interpreter cannot parse."""
    (machine,) = deployment.stack.of_type("AWS::StepFunctions::StateMachine").values()
    return state_machine.without_tolerance(json.loads(machine["DefinitionString"]))


def one_at_a_time(sandbox: Sandbox) -> Handler:
    """Return what calls a function's process, which takes one event after the other, for any thread."""
    lock = Lock()

    def call(event: object, _context: object) -> Any:
        with lock:
            return sandbox.invoke(event)

    return call
