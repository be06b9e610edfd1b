"""The programs that are measured: how each is called, and what it kept."""

import io
import json
import os
import platform
import sys
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
from pool_inventory import settings
from pool_inventory.snapshots import schema

from benchmarks.fake import BUCKET, ROOT, Fake
from benchmarks.peers import held
from infra.bundle import bundle, interpreter, trust
from infra.bundle.bundle import Ingredients

HERE = Path(__file__).parent / "peers"
ENVIRONMENTS = ROOT / ".bench"
ARCHITECTURES = {"x86_64": "x86_64", "aarch64": "arm64"}
# The function's own, of its deadline: https://docs.aws.amazon.com/lambda/latest/dg/configuration-timeout.html
RESERVE_SECONDS = 20


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """One run of a program.

    Attributes:
        aws: whom it asks.
        regions: the regions that it lists.
        folder: where it may write; empty.
        number: of the runs at the same time, from 0.
        pace: requests a second in each region that the program allows itself, where it has a pace; 0 for none.
        collect_seconds: how long it may collect, where it can be told.
    """

    aws: Fake
    regions: tuple[str, ...]
    folder: Path
    number: int = 0
    pace: float = 0
    collect_seconds: int = 280

    @property
    def output(self) -> Path:
        """Where its output goes."""
        return self.folder / "stdout"

    @property
    def errors(self) -> Path:
        """Where its errors go."""
        return self.folder / "stderr"

    @property
    def prefix(self) -> str:
        """The prefix in the bucket that is its own."""
        return f"user-pools-{self.number}"


@dataclass(frozen=True, slots=True)
class Held:
    """What a program kept: pools, and how many triggers and dates they have."""

    pools: int = 0
    triggers: int = 0
    dates: int = 0

    @classmethod
    def of(cls, pools: Mapping[str, int]) -> "Held":
        """Return what a listing of so many pools in each region holds, as benchmarks.server.pools makes it up."""
        numbers = [number % 3 for count in pools.values() for number in range(count)]
        triggers = sum((0, 2, len(schema.LAMBDA_CONFIG))[each] for each in numbers)
        return cls(len(numbers), triggers, 2 * len(numbers))


@dataclass(frozen=True, slots=True)
class Program:
    """A program.

    Attributes:
        name: as the tables have it.
        command: how it is called.
        held: what it kept.
        environment: the folder in ENVIRONMENTS that it is installed in; None where it comes with this project.
        packages: whose versions are recorded.
        variables: what it needs in the environment.
    """

    name: str
    command: Callable[[Run], list[str]]
    held: Callable[[Run], Held]
    environment: str | None = None
    packages: tuple[str, ...] = ()
    variables: Callable[[Run], Mapping[str, str]] = field(default=lambda _: {})

    @property
    def python(self) -> Path:
        """The interpreter that it runs in."""
        return ENVIRONMENTS / self.environment / "bin" / "python" if self.environment else Path(sys.executable)


def script(environment: str | None, name: str) -> Callable[[Run], list[str]]:
    """Return the call of a script of benchmarks/peers, in an environment of its own or in this project's."""
    python = str(ENVIRONMENTS / environment / "bin" / "python") if environment else sys.executable
    return lambda run: [python, str(HERE / name), *run.regions]


def _printed(run: Run) -> Held:
    """Return what a script of ours printed last; nothing where it printed nothing."""
    lines = run.output.read_text(encoding="utf-8").splitlines()
    return Held(**json.loads(lines[-1])) if lines else Held()


def _listed(run: Run) -> Held:
    """Return what is in the documents that the AWS CLI printed."""
    return Held(**held.count(pool for page in _documents(run.output) for pool in page["UserPools"]))


def _documents(path: Path) -> Iterator[dict[str, Any]]:
    text, decoder = path.read_text(encoding="utf-8").lstrip(), json.JSONDecoder()
    while text:
        document, end = decoder.raw_decode(text)
        yield document
        text = text[end:].lstrip()


def _custodian(run: Run) -> list[str]:
    regions = (part for region in run.regions for part in ("--region", region))
    folder = ENVIRONMENTS / "c7n" / "bin"
    policies = str(HERE / "custodian.yml")
    return [str(folder / "custodian"), "run", "-s", str(run.folder), "--cache-period", "0", *regions, policies]


def _resources(run: Run) -> Held:
    files = run.folder.rglob("resources.json")
    pools = (pool for file in files for pool in json.loads(file.read_text(encoding="utf-8")))
    return Held(**held.count(pools))


def _terminal(run: Run) -> list[str]:
    command = str(Path(sys.executable).with_name("pool-inventory"))
    limits = ["--max-requests-per-second", f"{run.pace:g}", "--timeout", str(run.collect_seconds)]
    return [command, "run", "--to", f"s3://{BUCKET}/{run.prefix}", *limits]


def why_no_function() -> str | None:
    """Return why this machine cannot run what a deploy makes, None where it can."""
    if sys.version_info < (3, 12) or sys.platform != "linux" or platform.machine() not in ARCHITECTURES:
        return f"the bundle needs Python 3.12 and Linux on {' or '.join(ARCHITECTURES)}"
    return None


@cache
def made_bundle() -> Path:
    """Return the folder of the bundle that a deploy makes."""
    version = f"{sys.version_info.major}.{sys.version_info.minor}"
    ingredients = Ingredients(
        lock=ROOT / "lambda" / "requirements.txt",
        package=ROOT / "lambda" / "pool_inventory",
        python_version=version,
        architecture=ARCHITECTURES[platform.machine()],
        trust_store=trust.AMAZON,
        compiler=interpreter.find(interpreter.minor_of(version), os.environ),
    )
    return bundle.build(ingredients, cache_folder=ROOT / ".cache")


def _function(run: Run) -> list[str]:
    # The interpreter that the virtual environment was made with: without site-packages, as Lambda's own is.
    python = str(Path(sys.executable).resolve())
    time = datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:00Z")
    deadline = str(run.collect_seconds + RESERVE_SECONDS)
    return [python, "-I", "-S", str(HERE / "function.py"), str(made_bundle()), time, deadline]


def variables(run: Run) -> dict[str, str]:
    """Return what the function needs in its environment."""
    trusted = {}
    if run.aws.own_root:
        # The roots that the deployed function loads for each connection, and the stand-in's own.
        roots = run.folder / trust.FILE
        roots.write_bytes((made_bundle() / trust.FILE).read_bytes() + run.aws.own_root.read_bytes())
        trusted = {"AWS_CA_BUNDLE": str(roots)}
    return {
        **trusted,
        settings.BUCKET.name: BUCKET,
        settings.PREFIX.name: run.prefix,
        settings.MAX_REQUESTS_PER_SECOND.name: f"{run.pace:g}",
    }


def _published(run: Run) -> Held:
    """Return what is in the snapshot that is in the bucket; nothing where there is none."""
    data = [key for key in run.aws.keys() if key.startswith(f"{run.prefix}/data/")]  # noqa: SIM118 - no dict
    rows = [row for key in data for row in pq.read_table(io.BytesIO(run.aws.read(key))).to_pylist()]
    return Held(
        pools=len({row["id"] for row in rows}),
        triggers=sum(value is not None for row in rows for value in (row["lambda_config"] or {}).values()),
        dates=sum(row[name] is not None for row in rows for name in ("creation_date", "last_modified_date")),
    )


OURS = Program("pool-inventory run", _terminal, _published, packages=("boto3",))
FUNCTION = Program("pool-inventory, the function", _function, _published, variables=variables)
FLOOR = Program("HTTP without a client (the floor)", script(None, "http_floor.py"), _printed)
BOTO3_LOOP = Program(
    "boto3, one region after the other", script("boto3", "boto3_loop.py"), _printed, "boto3", ("boto3",)
)
BOTO3_THREADS = Program("boto3, a thread a region", script("boto3", "boto3_threads.py"), _printed, "boto3", ("boto3",))
AIOBOTOCORE = Program(
    "aiobotocore, a task a region",
    script("aiobotocore", "aiobotocore_tasks.py"),
    _printed,
    "aiobotocore",
    ("aiobotocore", "botocore"),
)
AWS_CLI = Program(
    "AWS CLI",
    lambda run: ["sh", str(HERE / "awscli.sh"), *run.regions],
    _listed,
    "awscli",
    ("awscli",),
    lambda _: {"PATH": os.pathsep.join([str(ENVIRONMENTS / "awscli" / "bin"), os.environ["PATH"]])},
)
CARTOGRAPHY = Program(
    "Cartography, get_user_pools",
    script("cartography", "cartography_pools.py"),
    _printed,
    "cartography",
    ("cartography", "boto3"),
)
CUSTODIAN = Program("Cloud Custodian", _custodian, _resources, "c7n", ("c7n", "boto3"))
PROGRAMS = (OURS, FUNCTION, FLOOR, BOTO3_LOOP, BOTO3_THREADS, AIOBOTOCORE, AWS_CLI, CARTOGRAPHY, CUSTODIAN)
