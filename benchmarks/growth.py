"""How time, memory, calls and money grow with pools, regions and snapshots: `make growth`.

The function's own handler, and the commands that read, each in a process of its own, so that the memory is the
program's alone; against the stand-in for AWS, which takes 20 ms for each call of Cognito and S3. It records
growth.json and draws docs/growth.svg; `make docs` then puts the table into docs/performance.md.

    .venv/bin/python -m benchmarks.growth [--quick]
"""

import argparse
import itertools
import json
import os
import platform
import re
import statistics
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import boto3
from pool_inventory import settings
from pool_inventory.snapshots import keys
from pool_inventory.snapshots.rows import timestamp

from benchmarks import fake, growth_plot, history, measured, usage

RECORDED = Path(__file__).with_name("growth.json")
LATENCY_MS = 20
PREFIX = settings.PREFIX.read({})
ADDRESS = f"s3://{fake.BUCKET}/{PREFIX}"
FIRST = datetime(2026, 11, 24, 18, tzinfo=UTC)
# `show` has all rows in memory, 9 KB a pool, and is for people.
MAX_SHOWN = 100_000
# In memory, where there is such a folder: each object is synced to the disk, and 10,000 snapshots have 80,000.
MEMORY = "/dev/shm" if Path("/dev/shm").is_dir() else None  # noqa: S108 - folders of their own are made in it
# A command is short that takes less of the processor.
SHORT_SECONDS = 3

PROGRAM = """
import sys
from pool_inventory.terminal.command_line import main
try:
    main(sys.argv[1:], prog_name="pool-inventory")
except SystemExit as ended:
    if ended.code:
        raise
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Sizes:
    """How far each of the three is measured.

    Attributes:
        pools: how many, in all regions together.
        in_regions: in how many regions those are.
        regions: how many, of POOLS_A_REGION pools each.
        snapshots: how many there are before the next run.
        places: where those are.
        repeats: how often a command that is short is measured, of which the median is taken.
    """

    pools: tuple[int, ...]
    in_regions: int
    regions: tuple[int, ...]
    snapshots: tuple[int, ...]
    places: tuple[str, ...] = ("S3", "a folder")
    repeats: int = 3


ALL = Sizes(
    pools=(100, 1_000, 10_000, 100_000, 1_000_000),
    in_regions=34,
    regions=(1, 2, 4, 8, 17, 34),
    snapshots=(1, 10, 100, 1_000, 10_000),
)
QUICK = Sizes(pools=(100,), in_regions=2, regions=(1, 2), snapshots=(3,), repeats=1)
POOLS_A_REGION = 300


@dataclass(frozen=True, slots=True, kw_only=True)
class Figure:
    """What one program took.

    Attributes:
        by: what grows: `pools`, `regions` or `snapshots`.
        size: how many there are.
        what: the command, or `run`, which is the function.
        where: `S3`, or `a folder`.
        seconds: of the whole process, on the clock.
        cpu_seconds: of the processor.
        listings: calls of ListUserPools.
        reads: of S3.
        writes_and_lists: of S3.
        case: what benchmarks.cost needs to know of a run; else None.
    """

    by: str
    size: int
    what: str
    where: str
    seconds: float
    cpu_seconds: float
    peak_mb: float
    listings: int
    reads: int
    writes_and_lists: int
    case: dict[str, Any] | None = None


def pools(aws: fake.Fake, sizes: Sizes) -> Iterator[Figure]:
    """Measure a run after another, with one pool in a hundred modified; and reading it back."""
    for size in sizes.pools:
        regions = _regions(sizes.in_regions)
        _settle(aws, {each: -(-size // len(regions)) for each in regions})
        yield _run(aws, "pools", size)
        if size <= MAX_SHOWN:
            yield _command(aws, "pools", size, "show --json", sizes.repeats)
        with tempfile.TemporaryDirectory(dir=MEMORY) as name:
            yield _command(aws, "pools", size, f"export -o {name}/pools.ndjson", sizes.repeats)
        for what in ("summary", "verify"):
            yield _command(aws, "pools", size, what, sizes.repeats)


def regions(aws: fake.Fake, sizes: Sizes) -> Iterator[Figure]:
    """Measure the same with more regions of as many pools each."""
    for size in sizes.regions:
        _settle(aws, dict.fromkeys(_regions(size), POOLS_A_REGION))
        yield _run(aws, "regions", size)
        yield _command(aws, "regions", size, "verify", sizes.repeats)


def snapshots(aws: fake.Fake, sizes: Sizes) -> Iterator[Figure]:
    """Measure the commands and a run with more and more snapshots, in S3 and in a folder."""
    with tempfile.TemporaryDirectory(dir=MEMORY) as name:
        folder = Path(name, PREFIX)
        made = history.History.begin(folder)
        for size in sizes.snapshots:
            made.grow_to(size)
            day_before = keys.snapshot_id(made.newest - timedelta(days=1))
            pool_id = history.pool_id(made.count * history.CHANGES)
            commands = (
                "show",
                "list",
                "list --last 10",
                f"history {pool_id}",
                f"verify --since {day_before}",
                "verify",
            )
            aws.set_up(fake.Setup(pools={history.TARGET.region: history.POOLS}, latency_ms=LATENCY_MS, folder=name))
            for where, each in itertools.product(sizes.places, commands):
                address = ADDRESS if where == "S3" else str(folder)
                yield _command(aws, "snapshots", size, each, sizes.repeats, address=address, where=where)
            os.environ[settings.REGIONS.name] = history.TARGET.region
            yield _run(aws, "snapshots", size, at=made.newest + timedelta(hours=1))


def _settle(aws: fake.Fake, pools_of: dict[str, int]) -> None:
    """Make the first snapshot, so that the next has one before it, and modify some pools."""
    os.environ[settings.REGIONS.name] = ",".join(pools_of)
    aws.set_up(fake.Setup(pools=pools_of, latency_ms=LATENCY_MS))
    measured.run(usage.PROGRAM, timestamp(FIRST))
    aws.set_up(fake.Setup(pools=pools_of, latency_ms=LATENCY_MS, version=1, keeps_objects=True))


def _run(aws: fake.Fake, by: str, size: int, *, at: datetime = FIRST + timedelta(hours=1)) -> Figure:
    """Measure the function once."""
    figure, ran = _took(aws, by, size, "run", "S3", lambda: measured.run(usage.PROGRAM, timestamp(at)))
    lines = [json.loads(line) for line in ran.stdout.splitlines()]
    summary = lines[-1]
    if summary["message"] != "the run is done" or summary["status"] != "complete":
        raise SystemExit(f"the run went wrong: {summary}")
    identifier = keys.snapshot_id(at)
    stored = [each.removeprefix(f"{PREFIX}/") for each in aws.keys()]  # noqa: SIM118 - it is no dictionary
    own = [each for each in stored if identifier in each or each == keys.symlink(identifier)]
    case = {
        "pools": summary["pools"],
        "regions": len(os.environ[settings.REGIONS.name].split(",")),
        "pages": figure.listings,
        "metrics": sum(len(usage.metrics(line)) for line in lines if "region" not in line),
        "s3_writes_and_lists": figure.writes_and_lists,
        "s3_reads": figure.reads,
        "log_bytes": len(ran.stdout.encode()),
        "log_bytes_of_first": len(ran.stdout.encode()),
        "snapshot_bytes": sum(len(aws.read(f"{PREFIX}/{each}")) for each in own),
        "latest_bytes": sum(len(aws.read(f"{PREFIX}/{each}")) for each in keys.MOVED),
        "cpu_seconds": figure.cpu_seconds,
    }
    return Figure(**{**asdict(figure), "case": case})


def _command(
    aws: fake.Fake, by: str, size: int, command: str, repeats: int, *, address: str = ADDRESS, where: str = "S3"
) -> Figure:
    """Measure a command, several times if it is short."""
    name, *options = command.split()
    # Without an id, a time or a file.
    shown = re.sub(rf" (-o|{history.TARGET.region}_|[0-9]{{4}}-).*", "", command)

    def once() -> Figure:
        return _took(aws, by, size, shown, where, lambda: measured.run(PROGRAM, name, address, *options))[0]

    taken = [once()]
    while taken[0].cpu_seconds < SHORT_SECONDS and len(taken) < repeats:
        taken.append(once())
    medians = {
        each: statistics.median_low(getattr(one, each) for one in taken)
        for each in ("seconds", "cpu_seconds", "peak_mb")
    }
    return Figure(**{**asdict(taken[0]), **medians})


def _took(
    aws: fake.Fake, by: str, size: int, what: str, where: str, program: Callable[[], measured.Ran]
) -> tuple[Figure, measured.Ran]:
    before, started = aws.counts(), time.monotonic()
    ran = program()
    seconds, after = time.monotonic() - started, aws.counts()

    def calls(*names: str) -> int:
        return sum(after.get(each, 0) - before.get(each, 0) for each in names)

    figure = Figure(
        by=by,
        size=size,
        what=what,
        where=where,
        seconds=round(seconds, 2),
        cpu_seconds=round(ran.cpu_seconds, 2),
        peak_mb=round(ran.peak_mb),
        listings=calls("ListUserPools"),
        reads=calls("GetObject", "HeadObject"),
        writes_and_lists=calls("PutObject", "ListObjectsV2"),
    )
    return figure, ran


def _regions(count: int) -> list[str]:
    return boto3.session.Session().get_available_regions("cognito-idp")[:count]


@contextmanager
def _environment(aws: fake.Fake) -> Iterator[None]:
    """Set the environment so that programs find the stand-in, and have the function's settings without a pace."""
    before = dict(os.environ)
    os.environ.update(aws.environment())
    os.environ |= {
        settings.BUCKET.name: fake.BUCKET,
        settings.MAX_REQUESTS_PER_SECOND.name: "0",
        settings.REGION_METRICS.name: settings.DAILY,
        "COLUMNS": "100",
    }
    try:
        yield
    finally:
        os.environ.clear()
        os.environ.update(before)


def measure(sizes: Sizes, say: Callable[[str], object] = print) -> Iterator[dict[str, Any]]:
    """Measure one after another, say each figure, and return what is to be recorded by then."""
    started = time.monotonic()
    figures: list[dict[str, Any]] = []
    machine = {
        "cores": os.cpu_count(),
        "architecture": platform.machine(),
        "system": platform.system(),
        "python": platform.python_version(),
    }
    with fake.serve() as aws, _environment(aws):
        for part in (pools, regions, snapshots):
            for each in part(aws, sizes):
                figures.append(asdict(each))
                say(
                    f"{each.size:9,} {each.by:9} {each.what:14} {each.where:8} {each.seconds:7.2f} s, "
                    f"{each.cpu_seconds:7.2f} s of processor, {each.peak_mb:4.0f} MB, {each.reads:6} reads and "
                    f"{each.writes_and_lists:3} other calls of S3"
                )
                yield {
                    "measured": datetime.now(UTC).date().isoformat(),
                    "minutes": round((time.monotonic() - started) / 60, 1),
                    "machine": machine,
                    "latency_ms": LATENCY_MS,
                    "figures": figures,
                }


def main() -> None:
    """Measure, record and draw; or, if quick, only show that it works."""
    options = argparse.ArgumentParser(prog="make growth", description="How time, memory, calls and money grow.")
    options.add_argument("--quick", action="store_true", help="measure little, in a minute, and record nothing")
    is_quick = options.parse_args().quick
    # Recorded as it goes: the largest come last, and take most of the time.
    for recorded in measure(QUICK if is_quick else ALL, lambda text: print(text, flush=True)):
        if not is_quick:
            RECORDED.write_text(json.dumps(recorded, indent=1) + "\n", encoding="utf-8")
            growth_plot.SVG.write_text(growth_plot.draw(recorded), encoding="utf-8")
    print("`make docs` puts it into docs/performance.md")


if __name__ == "__main__":
    main()
