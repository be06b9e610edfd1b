"""The cases, and running the programs on them: in alternation, so that what else the machine does hits all alike."""

import dataclasses
import math
import statistics
from collections.abc import Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import boto3

from benchmarks import programs
from benchmarks.fake import Call, Fake, Setup, serve
from benchmarks.measure import Measured, measure_together
from benchmarks.programs import PROGRAMS, Held, Program

# Of the partition `aws`, 34 of them; a case of one region is us-east-1's.
REGIONS = sorted(boto3.session.Session().get_available_regions("cognito-idp"), key=lambda each: each != "us-east-1")
# A program that takes longer than this is run once in the case.
SLOW_SECONDS = 8.0
DEPLOYED_PACE = 10.0
PAGE_SIZE = 60
LISTING = "ListUserPools"
# What a run does in turn: until its first call, until it lists, the listing, the calls after that, and its end.
STAGES = ("start", "before", "listing", "after", "end")


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """An account, how its services answer, and who lists it.

    Attributes:
        name: as the tables have it.
        setup: the account.
        programs: who is measured.
        rounds: how often each is, where it is not slow.
        tls: whether through TLS.
        listings: how many of each program run at once, on one quota.
        pace: what ours allow themselves a second in each region; 0 for none, as the others have none.
        limit_seconds: after which a run is ended.
    """

    name: str
    setup: Setup
    programs: tuple[Program, ...]
    rounds: int = 5
    tls: bool = False
    listings: int = 1
    pace: float = 0
    limit_seconds: float = 200

    @property
    def limit_ms(self) -> float:
        """How long the pages of one region take, one after the other, where each takes the latency."""
        pages = math.ceil(max(self.setup.pools.values()) / PAGE_SIZE)
        return pages * self.setup.latency_ms

    @property
    def regions(self) -> tuple[str, ...]:
        """The regions that are listed."""
        return tuple(self.setup.pools)


def _pools(pools: int, regions: int = 1) -> dict[str, int]:
    return dict.fromkeys(REGIONS[:regions], pools)


_ALL_BUT_CUSTODIAN = tuple(each for each in PROGRAMS if each is not programs.CUSTODIAN)
_ONE_REGION = tuple(each for each in PROGRAMS if each is not programs.BOTO3_THREADS)
# The floor has no retry: a throttle ends it.
_THROTTLED = tuple(each for each in _ONE_REGION if each is not programs.FLOOR)
LATENCY_MS = 20
SPEED = (
    Case(name="1 region of 10,000, 0 ms", setup=Setup(pools=_pools(10_000)), programs=_ONE_REGION),
    Case(name="1 region of 10,000", setup=Setup(pools=_pools(10_000), latency_ms=LATENCY_MS), programs=_ONE_REGION),
    Case(name="1 region of 100", setup=Setup(pools=_pools(100), latency_ms=LATENCY_MS), programs=_ONE_REGION),
    Case(
        name="17 regions of 1,000",
        setup=Setup(pools=_pools(1_000, 17), latency_ms=LATENCY_MS),
        programs=_ALL_BUT_CUSTODIAN,
    ),
    Case(
        name="34 regions of 300",
        setup=Setup(pools=_pools(300, 34), latency_ms=LATENCY_MS),
        programs=_ALL_BUT_CUSTODIAN,
    ),
    Case(
        name="34 regions of 10, TLS",
        setup=Setup(pools=_pools(10, 34), latency_ms=LATENCY_MS),
        programs=_ALL_BUT_CUSTODIAN,
        tls=True,
    ),
)
THROTTLED = (
    Case(
        name="5,000 pools, 10 a second, burst 15",
        setup=Setup(pools=_pools(5_000), quota_per_second=10, burst=15),
        programs=_THROTTLED,
        rounds=1,
        pace=DEPLOYED_PACE,
        limit_seconds=60,
    ),
    Case(
        name="1,000 pools, 2 a second, burst 2",
        setup=Setup(pools=_pools(1_000), quota_per_second=2, burst=2),
        programs=_THROTTLED,
        rounds=1,
        pace=DEPLOYED_PACE,
        limit_seconds=60,
    ),
    Case(
        name="four listings of 1,000 at once, 2 a second, burst 2",
        setup=Setup(pools=_pools(1_000), quota_per_second=2, burst=2),
        # Cloud Custodian would describe 4,000 pools: it cannot be done within the limit.
        programs=tuple(each for each in _THROTTLED if each is not programs.CUSTODIAN),
        rounds=1,
        listings=4,
        pace=DEPLOYED_PACE,
        limit_seconds=60,
    ),
)


def run(cases: Iterable[Case]) -> Iterator[dict[str, Any]]:
    """Run the programs of each case, case after case; return what is recorded of each program in each."""
    for case in cases:
        with serve(tls=case.tls) as aws:
            yield from _run_case(case, aws)


def run_waiting(cases: Iterable[Case]) -> list[dict[str, Any]]:
    """Run cases side by side: where all wait for a quota, none takes much of the processor from another."""
    with ThreadPoolExecutor() as threads:
        recorded = threads.map(lambda case: list(run([case])), cases)
        return [each for case in recorded for each in case]


def _run_case(case: Case, aws: Fake) -> Iterator[dict[str, Any]]:
    measured: dict[str, list[list[Measured]]] = {each.name: [] for each in case.programs}
    stages: dict[str, list[dict[str, float]]] = {each.name: [] for each in case.programs}
    calls: dict[str, dict[str, int]] = {}
    for number in range(case.rounds):
        for program in case.programs:
            earlier = measured[program.name]
            if earlier and max(each.wall_seconds for each in earlier[0]) > SLOW_SECONDS:
                continue
            aws.set_up(case.setup)
            earlier.append(
                measure_together(
                    program,
                    aws,
                    case.regions,
                    times=case.listings,
                    pace=case.pace,
                    limit_seconds=case.limit_seconds,
                )
            )
            calls[program.name] = aws.counts()
            stages[program.name].append(stages_ms(earlier[-1][0], aws.timeline()))
            _show(case, program, number, earlier[-1])
    for program in case.programs:
        whole = Held.of(case.setup.pools)
        recorded = record(case.name, program, measured[program.name], calls[program.name], whole)
        yield recorded | {"stages_ms": _medians(stages[program.name])}


def stages_ms(measured: Measured, timeline: Sequence[Call]) -> dict[str, float]:
    """Return how long each stage of a run took, in milliseconds, as it is seen from the service."""
    listing = [call for call in timeline if call.operation == LISTING]
    if not listing:
        return {}
    moments = (
        measured.started,
        min(call.came for call in timeline),
        min(call.came for call in listing),
        max(call.answered for call in listing),
        max(call.answered for call in timeline),
        measured.started + measured.wall_seconds,
    )
    return {
        stage: round(1000 * (later - earlier), 1)
        for stage, (earlier, later) in zip(STAGES, pairwise(moments), strict=True)
    }


def _medians(stages: Sequence[Mapping[str, float]]) -> dict[str, float]:
    seen = [each for each in stages if each]
    return {stage: round(statistics.median(each[stage] for each in seen), 1) for stage in STAGES} if seen else {}


def _show(case: Case, program: Program, number: int, measured: list[Measured]) -> None:
    for each in measured:
        print(
            f"{case.name}, {program.name}, {number + 1}: {each.wall_seconds:.2f} s, {each.cpu_seconds:.2f} s of the "
            f"processor's, {each.peak_mb:.0f} MB, exit {each.exit_code}, {each.held.pools:,} pools",
            flush=True,
        )


def record(
    case: str, program: Program, measured: list[list[Measured]], calls: dict[str, int], expected: Held
) -> dict[str, Any]:
    """Return what is recorded of a program in a case: medians over its runs, and the outcome of the last."""
    runs = [each for together in measured for each in together]
    return {
        "case": case,
        "program": program.name,
        "runs": len(measured),
        **{
            name: round(statistics.median(getattr(each, name) for each in runs), 3)
            for name in ("wall_seconds", "cpu_seconds", "peak_mb")
        },
        # Listings at once end when the last does.
        "last_seconds": statistics.median(max(each.wall_seconds for each in together) for together in measured),
        "exit_codes": [each.exit_code for each in measured[-1]],
        "held": [dataclasses.asdict(each.held) for each in measured[-1]],
        "is_whole": all(each.held == expected for each in runs),
        "calls": dict(sorted(calls.items())),
    }
