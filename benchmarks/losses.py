"""What each program keeps of 1,000 pools where the fifth page goes wrong, once or always; nothing is timed here."""

import dataclasses
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

from benchmarks import programs
from benchmarks.fake import Fault, Setup, serve
from benchmarks.measure import measure_together
from benchmarks.programs import PROGRAMS, Held, Program

POOLS = {"us-east-1": 1_000}
# As long as ours go on trying; the others have a number of attempts.
COLLECT_SECONDS = 6
LIMIT_SECONDS = 30
# Each has a stand-in of its own. They wait more than they work.
AT_ONCE = 4

WHO = tuple(each for each in PROGRAMS if each not in {programs.FLOOR, programs.BOTO3_THREADS})


@dataclass(frozen=True, slots=True)
class Loss:
    """What page 5 is; times is how often, 0 for always."""

    name: str
    fault: Fault
    times: int


_FAULTS: Mapping[str, Fault] = {
    "a 200 that is no answer": "no answer",
    "cut": "cut",
    "reset": "reset",
    "an error 500": "error 500",
}
LOSSES = (
    *(
        Loss(f"{words}, {often}", fault, times)
        for words, fault in _FAULTS.items()
        for often, times in (("once", 1), ("always", 0))
    ),
    Loss("denied", "denied", 0),
)


def run(losses: Sequence[Loss] = LOSSES, who: Sequence[Program] = WHO) -> Iterator[dict[str, Any]]:
    """Run each program on each loss; return what is recorded of each."""
    with ThreadPoolExecutor(AT_ONCE) as threads:
        pairs = [(loss, program) for loss in losses for program in who]
        yield from threads.map(lambda pair: _run(*pair), pairs)


def _run(loss: Loss, program: Program) -> dict[str, Any]:
    with serve() as aws:
        aws.set_up(Setup(pools=POOLS, fault=loss.fault, fault_times=loss.times))
        (measured,) = measure_together(
            program, aws, tuple(POOLS), collect_seconds=COLLECT_SECONDS, limit_seconds=LIMIT_SECONDS
        )
    print(f"{loss.name}, {program.name}: exit {measured.exit_code}, {measured.held.pools:,} pools", flush=True)
    return {
        "loss": loss.name,
        "program": program.name,
        "exit_code": measured.exit_code,
        "held": dataclasses.asdict(measured.held),
        "is_whole": measured.held == Held.of(POOLS),
    }
