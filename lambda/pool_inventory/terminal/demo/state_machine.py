"""Step Functions on this machine: moto's interpreter runs a state machine whose functions are of this process.

state_machine.json is the definition that `cdk synth` makes with the default settings, as a test holds it. Where the
interpreter is kinder than the service: docs/development.md.
"""

import json
import logging
import os
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from importlib.resources import files
from itertools import count
from types import SimpleNamespace
from typing import Any
from unittest import mock
from urllib.parse import unquote

from werkzeug.wrappers import Request, Response

from pool_inventory.errors import InventoryError
from pool_inventory.terminal.demo.stand_in import ACCOUNT_ID, StandIn, reply

REGION = "us-east-1"
ROLE = f"arn:aws:iam::{ACCOUNT_ID}:role/machine"
# What calls a function: its event and its context → its answer.
Handler = Callable[[Any, Any], Any]
Definition = dict[str, Any]
_INVOKE = "/2015-03-31/functions/"
_POLL_SECONDS = 0.02
# A thread of the interpreter that died would leave its execution running for ever.
_ENDS_WITHIN_SECONDS = 300
_numbers = count(1)


@dataclass(frozen=True, slots=True)
class Execution:
    """How an execution ended.

    Attributes:
        status: Step Functions' name for it.
        output: of the last state.
        error: the name of the error that ended it, None where it ended well.
    """

    status: str
    output: Any
    error: str | None


def read_definition() -> Definition:
    """Return the synthesized definition, with the template's references as `${PATH}`."""
    read: Definition = json.loads(files(__package__).joinpath("state_machine.json").read_bytes())
    return read


def function_arn(name: str) -> str:
    """Return the ARN of the function of a state."""
    return f"arn:aws:lambda:{REGION}:{ACCOUNT_ID}:function:{name}"


def deployed(definition: Definition, *, bucket: str) -> Definition:
    """Return a synthesized definition as it would be deployed, less what the interpreter cannot parse."""
    text = json.dumps(definition).replace("${AWS::Partition}", "aws").replace("${Storage/Bucket}", bucket)
    for state in ("Plan", "Batch", "Publish"):
        text = text.replace(f"${{Organization/Functions/{state}.Arn}}", function_arn(state))
    return without_tolerance(json.loads(text))


def without_tolerance(definition: Definition) -> Definition:
    """Return a definition less what the interpreter cannot parse."""
    made: Definition = json.loads(json.dumps(definition))
    del made["States"]["Batches"]["ToleratedFailurePercentage"]
    return made


def with_short_waits(definition: Definition) -> Definition:
    """Return a definition whose attempts follow each other within a second."""
    made: Definition = json.loads(json.dumps(definition))
    for state in states_of(made).values():
        for each in state.get("Retry", ()):
            each.update(IntervalSeconds=1, BackoffRate=1)
    return made


def states_of(definition: Definition) -> dict[str, Any]:
    """Return all states by their names, those of each batch's own execution included."""
    states = definition["States"]
    return {**states, **states["Batches"]["ItemProcessor"]["States"]}


@contextmanager
def serve_functions(aws: StandIn, handlers: Mapping[str, Handler], *, seconds: float = 300) -> Iterator[None]:
    """Answer the interpreter's calls of these functions by a stand-in, until the end of the block.

    Args:
        aws: the stand-in.
        handlers: by the name of their state.
        seconds: how long each function may run.
    """
    answer = _invocations(handlers, seconds)
    aws.answers.insert(0, answer)
    # It would say each error of a function in its own words, and on standard error.
    logger = logging.getLogger("moto.stepfunctions")
    level = logger.level
    logger.setLevel(logging.CRITICAL)
    try:
        # By this variable the interpreter finds the server that it calls.
        with mock.patch.dict(os.environ, MOTO_PORT=aws.url.rpartition(":")[2]):
            yield
    finally:
        logger.setLevel(level)
        if answer in aws.answers:  # a reset removes it, too
            aws.answers.remove(answer)


def execute(definition: Definition, event: object) -> Execution:
    """Run a state machine to its end.

    Raises:
        InventoryError: it comes to none.
    """
    # As it is imported it makes a session, which must not be one of the user's own profile.
    from moto.stepfunctions.parser.models import stepfunctions_parser_backends  # noqa: PLC0415 - as said above

    backend = stepfunctions_parser_backends[ACCOUNT_ID][REGION]
    name = f"inventory-{next(_numbers)}"
    machine = backend.create_state_machine(name, json.dumps(definition), ROLE)
    running = backend.start_execution(machine.arn, name, json.dumps(event))
    ends = time.monotonic() + _ENDS_WITHIN_SECONDS
    while running.status == "RUNNING":
        if time.monotonic() > ends:
            raise InventoryError(f"the state machine did not end within {_ENDS_WITHIN_SECONDS} s")
        time.sleep(_POLL_SECONDS)
    return Execution(running.status, running.output, running.error)


def _invocations(handlers: Mapping[str, Handler], seconds: float) -> Callable[[Request], Response | None]:
    """Answer https://docs.aws.amazon.com/lambda/latest/api/API_Invoke.html."""

    def answer(request: Request) -> Response | None:
        if not request.path.startswith(_INVOKE):
            return None
        arn = unquote(request.path.removeprefix(_INVOKE).partition("/")[0])
        ends = time.monotonic() + seconds
        context = SimpleNamespace(
            aws_request_id=f"invocation-{next(_numbers)}",
            invoked_function_arn=arn,
            get_remaining_time_in_millis=lambda: round((ends - time.monotonic()) * 1000),
        )
        try:
            return reply(handlers[arn.rpartition(":")[2]](json.loads(request.get_data()), context))
        except Exception as error:  # noqa: BLE001 - whatever it is, Lambda answers with it
            response = reply({"errorMessage": str(error), "errorType": type(error).__name__})
            response.headers["X-Amz-Function-Error"] = "Unhandled"
            return response

    return answer
