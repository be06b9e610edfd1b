"""What a run of a program took, and what came of it."""

import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from benchmarks.fake import Fake
from benchmarks.programs import Held, Program, Run

LAUNCHER = Path(__file__).with_name("launcher.py")


@dataclass(frozen=True, slots=True, kw_only=True)
class Measured:
    """One run, of the whole process from its start to its end.

    Attributes:
        started: when it did, by the machine's monotonic counter.
        exit_code: the program's; negative where a signal ended it, as the limit of a case does.
        wall_seconds: how long it took.
        cpu_seconds: how much of the processor's time it took, in the program and in the kernel.
        peak_mb: the most memory that it, or one process of it, had at a time.
        held: what it kept.
    """

    started: float
    exit_code: int
    wall_seconds: float
    cpu_seconds: float
    peak_mb: float
    held: Held


def measure(program: Program, run: Run, *, limit_seconds: float) -> Measured:
    """Run a program once; end it after so many seconds."""
    launcher = [sys.executable, "-I", "-S", str(LAUNCHER), str(run.output), str(run.errors), str(limit_seconds)]
    environment = {**_plain_environment(), **run.aws.environment(), **program.variables(run)}
    command = [*launcher, *program.command(run)]
    ran = subprocess.run(  # noqa: S603 - our own program
        command, stdout=subprocess.PIPE, env=environment, encoding="utf-8", check=True
    )
    return Measured(**json.loads(ran.stdout), held=program.held(run))


def _plain_environment() -> dict[str, str]:
    """Return this process's environment less what would change what the programs do."""
    taken = ("AWS_", "BOTO", "INVENTORY_", "POWERTOOLS_", "PYTHON")
    return {name: value for name, value in os.environ.items() if not name.startswith(taken)}


def measure_together(
    program: Program,
    aws: Fake,
    regions: Sequence[str],
    *,
    times: int = 1,
    pace: float = 0,
    collect_seconds: int = 280,
    limit_seconds: float = 300,
) -> list[Measured]:
    """Run a program so many times at once."""
    with tempfile.TemporaryDirectory() as name, ThreadPoolExecutor(times) as threads:

        def one(number: int) -> Measured:
            folder = Path(name) / str(number)
            folder.mkdir()
            run = Run(
                aws=aws,
                regions=tuple(regions),
                folder=folder,
                number=number,
                pace=pace,
                collect_seconds=collect_seconds,
            )
            return measure(program, run, limit_seconds=limit_seconds)

        return list(threads.map(one, range(times)))
