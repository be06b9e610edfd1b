"""What an organization takes: each state of its machine, as Lambda runs it.

Plan and batch ask the stand-in through TLS. Publish puts parts together that organization_parts.py has made: a part
for each 20 accounts, of 34 regions, with a hundred pools an account. Each state is a process of its own, on one core.
It records organization.json; `make docs` puts the tables into docs/performance.md.

    make bench-organization
"""

import argparse
import json
import os
import platform
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import asdict, dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from pool_inventory import settings
from pool_inventory.organization import messages
from pool_inventory.snapshots import keys
from pool_inventory.snapshots.rows import timestamp

from benchmarks import organization_parts as parts
from benchmarks import programs
from benchmarks.cases import REGIONS
from benchmarks.fake import Fake, Setup, serve
from benchmarks.growth import MEMORY
from benchmarks.measure import measure
from benchmarks.organization_parts import ACCOUNTS_PER_BATCH, Case
from benchmarks.programs import Held, Program, Run

# Without site-packages, as Lambda's own is.
INTERPRETER = (str(Path(sys.executable).resolve()), "-I", "-S")
RECORDED = Path(__file__).with_name("organization.json")
SIZES = (2_500, 10_000)
LATENCY_MS = 20
POOLS_A_REGION = 10
# Of batches, each of a process of its own.
ROUNDS = 3
FIRST = datetime(2026, 11, 20, 3, tzinfo=UTC)
LIMIT_SECONDS = 900
CASES = (
    Case(name="the first"),
    Case(name="nothing changed"),
    Case(name="every pool changed", version=1),
    Case(name="1% of the accounts denied", version=1, denies_accounts=True),
    Case(name="half of the regions denied", version=1, denies_regions=True),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Figure:
    """What one state took.

    Attributes:
        state: `plan`, `batch` or `publish`.
        accounts: of the organization; of a batch, its own.
        case: which snapshot is published; empty for the other states.
        seconds: of the whole process, on the clock.
        cpu_seconds: of the processor.
        answer_bytes: of what the function returns.
        log_bytes, line_bytes: of all lines of its log, and of the longest.
        sizes: of what it wrote, by what it is.
        summary: what it returned.
    """

    state: str
    accounts: int
    case: str = ""
    seconds: float
    cpu_seconds: float
    peak_mb: float
    answer_bytes: int
    log_bytes: int
    line_bytes: int
    sizes: dict[str, int]
    summary: dict[str, Any]


def call(aws: Fake, state: str, event: dict[str, Any], *, accounts: int, case: str = "") -> Figure:
    """Run a state in a process of its own.

    Raises:
        SystemExit: it failed.
    """

    def command(_: Run) -> list[str]:
        script = str(programs.HERE / "state.py")
        bundle = str(programs.made_bundle())
        return [*INTERPRETER, script, bundle, state, json.dumps(event)]

    program = Program(state, command, lambda _: Held(), variables=lambda run: {**programs.variables(run), **SETTINGS})
    with tempfile.TemporaryDirectory() as name:
        run = Run(aws=aws, regions=(), folder=Path(name))
        ran = measure(program, run, limit_seconds=LIMIT_SECONDS)
        *log, answer = run.output.read_text(encoding="utf-8").splitlines() or [""]
        if ran.exit_code:
            raise SystemExit(f"{state} failed: {answer[-2000:]}{run.errors.read_text(encoding='utf-8')[-4000:]}")
    return Figure(
        state=state,
        accounts=accounts,
        case=case,
        seconds=ran.wall_seconds,
        cpu_seconds=ran.cpu_seconds,
        peak_mb=ran.peak_mb,
        answer_bytes=len(answer),
        log_bytes=sum(len(line) + 1 for line in log),
        line_bytes=max(map(len, log)),
        sizes={},
        summary=json.loads(answer),
    )


SETTINGS = {
    settings.PREFIX.name: settings.PREFIX.read({}),
    settings.ACCOUNTS.name: settings.ORGANIZATION,
    settings.ACCOUNTS_PER_BATCH.name: str(ACCOUNTS_PER_BATCH),
}


def read(aws: Fake, key: str) -> bytes:
    """Return an object."""
    return aws.read(f"{settings.PREFIX.read({})}/{key}")


def plan_and_batch(accounts: int) -> Iterator[Figure]:
    """Measure the plan, and batches of one account and of as many as a batch has."""
    with serve(tls=True) as aws:
        pools = dict.fromkeys(REGIONS, POOLS_A_REGION)
        aws.set_up(Setup(pools=pools, latency_ms=LATENCY_MS, accounts=accounts))
        planned = call(aws, "plan", {"time": timestamp(FIRST)}, accounts=accounts)
        yield planned
        batches = json.loads(aws.read(planned.summary[messages.BATCHES_KEY]))
        for number in range(ROUNDS):
            event = batches[number]
            yield call(aws, "batch", event, accounts=len(event[messages.ACCOUNTS]))
            first = batches[ROUNDS + number]
            yield call(aws, "batch", {**first, messages.ACCOUNTS: first[messages.ACCOUNTS][:1]}, accounts=1)


def publish(accounts: int) -> Iterator[Figure]:
    """Measure one snapshot after another, of the same organization."""
    with serve() as aws:
        aws.set_up(Setup(pools=dict.fromkeys(REGIONS, 0), accounts=accounts))
        for day, case in enumerate(CASES):
            time_of = FIRST + timedelta(days=day)
            event = call(aws, "plan", {"time": timestamp(time_of)}, accounts=accounts).summary
            with tempfile.TemporaryDirectory(dir=MEMORY) as folder:
                parts.write(Path(folder) / settings.PREFIX.read({}), accounts, case, time_of)
                aws.set_up(
                    Setup(pools=dict.fromkeys(REGIONS, 0), accounts=accounts, keeps_objects=True, folder=folder)
                )
            figure = call(aws, "publish", event, accounts=accounts, case=case.name)
            _check(figure, case)
            figure.sizes.update(_sizes(aws, keys.snapshot_id(time_of)))
            yield figure


def _check(figure: Figure, case: Case) -> None:
    """Raise SystemExit where a snapshot is not what the parts say."""
    numbers = range(figure.accounts)
    pools = sum(map(parts.pools_of, numbers))
    unread = sum(map(parts.pools_of, filter(parts.is_denied, numbers))) if case.denies_accounts else 0
    found = figure.summary["pools"], figure.summary["targets"]
    if not case.denies_regions and found != (pools - unread, figure.accounts * len(REGIONS)):
        raise SystemExit(f"the snapshot is not what it should be: {figure.summary}")
    if figure.summary["changes"]["modified"] != (pools if case.name == "every pool changed" else 0):
        raise SystemExit(f"other pools changed than those that did: {figure.summary}")
    if figure.summary["pools"] + figure.summary["carried"]["pools"] != pools:
        raise SystemExit(f"pools are lost: {figure.summary}")


def _sizes(aws: Fake, identifier: str) -> dict[str, int]:
    keys_of = {"data": keys.data, "coverage": keys.coverage, "changes": keys.changes, "manifest": keys.manifest}
    found = {name: read(aws, key(identifier)) for name, key in keys_of.items()}
    # A Parquet file ends with its footer, the footer's length in four bytes, and PAR1.
    footer = int.from_bytes(found["data"][-8:-4], "little")
    staged = [read(aws, key.partition("/")[2]) for key in aws.keys() if f"{identifier}/parts/" in key]  # noqa: SIM118 - no dict
    return {name: len(body) for name, body in found.items()} | {"footer": footer, "parts": sum(map(len, staged))}


def record(figures: list[Figure], minutes: float) -> dict[str, Any]:
    """Return what is recorded."""
    return {
        "measured": datetime.now(UTC).date().isoformat(),
        "minutes": round(minutes, 1),
        "machine": {
            "cores": os.cpu_count(),
            "architecture": platform.machine(),
            "system": platform.system(),
            "python": platform.python_version(),
        },
        # Below 0 where other work ran at a lower priority than what is measured.
        "nice": os.nice(0),
        "latency_ms": LATENCY_MS,
        "figures": list(map(asdict, figures)),
    }


def show(figure: Figure) -> None:
    """Print a line for a state."""
    print(
        f"{figure.accounts:6,} accounts, {figure.state} {figure.case}: {figure.seconds:.1f} s, "
        f"{figure.cpu_seconds:.2f} s of processor, peak {figure.peak_mb:.0f} MB, answer {figure.answer_bytes} bytes, "
        f"log {figure.log_bytes}, longest line {figure.line_bytes}; {figure.sizes}",
        flush=True,
    )


def measure_all(sizes: tuple[int, ...], say: Callable[[Figure], object] = show) -> dict[str, Any]:
    """Measure all, and return what is to be recorded."""
    started = time.monotonic()
    figures: list[Figure] = []
    for steps in (plan_and_batch(sizes[-1]), *map(publish, sizes)):
        for figure in steps:
            say(figure)
            figures.append(figure)
    return record(figures, (time.monotonic() - started) / 60)


def weigh_session() -> None:
    """Set the session's priority to this process's: Linux weighs sessions first, and then the processes in them."""
    with suppress(OSError):
        Path("/proc/self/autogroup").write_text(str(os.nice(0)), encoding="ascii")


def main() -> None:
    """Measure all and record it; or, of the sizes that are given, only show it."""
    options = argparse.ArgumentParser(prog="make bench-organization", description="What an organization takes.")
    options.add_argument("--accounts", type=int, metavar="N", help="measure so many accounts, and record nothing")
    accounts = options.parse_args().accounts
    weigh_session()
    recorded = measure_all((accounts,) if accounts else SIZES)
    if not accounts:
        RECORDED.write_text(json.dumps(recorded, indent=1) + "\n", encoding="utf-8")
        print("`make docs` puts it into docs/performance.md")


if __name__ == "__main__":
    main()
