"""What each step of the rehearsal does: run what was deployed as Lambda runs it, and check what it wrote."""

import json
import os
import subprocess
import sys
import sysconfig
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pool_inventory.terminal.demo.stand_in import StandIn
from werkzeug.wrappers import Request

from tests.infra.runtime_fit import misfits, shared_objects
from tests.rehearsal.cdk import Cdk
from tests.rehearsal.deployment import Deployment
from tests.rehearsal.lambda_service import DeployedFunction, Sandbox

# It marks the function's requests among all others.
FUNCTIONS_KEY = "FUNCTION"


@dataclass(frozen=True, slots=True)
class Rehearsal:
    """What each step needs: the stand-in for AWS, a folder of its own, and how to say what is done."""

    aws: StandIn
    folder: Path
    say: Callable[[str], None]

    @property
    def cdk(self) -> Cdk:
        return Cdk(self.aws)

    def heard(self) -> list[Request]:
        """What the function has sent, in order."""
        ours = f"Credential={FUNCTIONS_KEY}/"
        return [each for each in self.aws.requests if ours in each.headers.get("Authorization", "")]

    def invoke(self, sandbox: Sandbox, event: object) -> dict[str, Any]:
        self.say(f"   event {json.dumps(event)}")
        summary: dict[str, Any] = sandbox.invoke(event)
        self.say(f"   {json.dumps(summary)}")
        return summary


@contextmanager
def running(rehearsal: Rehearsal, function: DeployedFunction) -> Iterator[Sandbox]:
    """Run what was deployed; at the end look at what it imported, and that it left its code as it was."""
    code = function.code
    folder = code.with_name(f"{code.name}-{function.handler}")
    folder.mkdir()
    assert shared_objects(code)
    python_version = function.runtime.removeprefix("python")
    assert misfits(code, architecture=function.architecture, python_version=python_version) == []
    before = sizes(code)
    sandbox = Sandbox(function, folder)
    with sandbox.running({**rehearsal.aws.environment(), "AWS_ACCESS_KEY_ID": FUNCTIONS_KEY}):
        yield sandbox
    assert sizes(code) == before
    imported = [Path(file) for file in json.loads(sandbox.imported.read_text(encoding="utf-8"))]
    assert any(code in file.parents for file in imported)
    assert [file for file in imported if not is_given(file, code, folder)] == []
    rehearsal.say("It imported nothing but its bundle, the runtime's client and the standard library")


def is_given(file: Path, *folders: Path) -> bool:
    """Whether a module is in one of the folders, or in the standard library."""
    standard = Path(sysconfig.get_path("stdlib"))
    if standard in file.parents:
        return not {"site-packages", "dist-packages"} & set(file.parts)
    return any(folder in file.parents for folder in (*folders, Path(__file__).parent))


def sizes(folder: Path) -> dict[str, int]:
    return {str(path.relative_to(folder)): path.stat().st_size for path in folder.rglob("*") if path.is_file()}


def verify(rehearsal: Rehearsal, deployment: Deployment, *, snapshots: int) -> None:
    """Check what is in the bucket with `pool-inventory verify`."""
    command = [str(Path(sys.executable).with_name("pool-inventory")), "verify", deployment.location]
    environment = {**os.environ, **rehearsal.aws.environment(), "PYTHONIOENCODING": "utf-8"}
    outcome = subprocess.run(  # noqa: S603 - our own program
        command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, encoding="utf-8", check=False
    )
    rehearsal.say(f"pool-inventory verify {deployment.location}")
    for line in outcome.stdout.splitlines():
        rehearsal.say(f"   {line}")
    assert outcome.returncode == 0
    assert f"Checked {snapshots} snapshots" in outcome.stdout
