"""How much memory the function needs for a large account, on its first run and on those after it.

The function's own handler runs in a process of its own for each run, so that the memory is the program's alone. The
process that starts it answers ListUserPools and S3. Every pool uses every trigger. Each size has three runs: the first
ever, one with nothing changed, and one with every trigger of every pool changed. Then `verify` checks all of it.

    .venv/bin/python -m benchmarks.second_run
"""

import hashlib
import json
import os
import time
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import boto3
from pool_inventory import settings
from pool_inventory.snapshots import schema
from pool_inventory.snapshots.rows import timestamp
from pool_inventory.snapshots.schema import Kind
from pool_inventory.terminal.demo import stand_in
from werkzeug.wrappers import Request, Response

from benchmarks import growth, measured, usage

REGIONS = 34
PAGE_SIZE = 60
# How many functions the pools of a region share, each trigger having its own.
SHARED = 100


@dataclass(frozen=True, slots=True)
class Case:
    """An account.

    Attributes:
        own_functions: whether each pool calls functions of its own; else each calls one of SHARED.
        formats: which extra formats are written.
    """

    pools: int
    own_functions: bool = False
    formats: tuple[str, ...] = ()


CASES = (
    Case(102_000),
    Case(204_000),
    Case(408_000),
    Case(102_000, own_functions=True),
    Case(204_000, own_functions=True),
    Case(102_000, formats=settings.FORMATS),
    Case(204_000, formats=settings.FORMATS),
)


@dataclass(slots=True)
class Account:
    """Answers ListUserPools, in no order of the ids, with the triggers of a version."""

    case: Case
    version: int = 0

    def __call__(self, request: Request) -> Response | None:
        """Answer a request in moto's stead."""
        if not request.headers.get("X-Amz-Target", "").endswith(".ListUserPools"):
            return None
        region = request.headers["Authorization"].split("/")[2]
        start = int(json.loads(request.get_data()).get("NextToken", 0))
        end = min(start + PAGE_SIZE, self.case.pools // REGIONS)
        more = {"NextToken": str(end)} if end < self.case.pools // REGIONS else {}
        return stand_in.reply({"UserPools": [self.pool(region, number) for number in range(start, end)], **more})

    def pool(self, region: str, number: int) -> dict[str, Any]:
        """Make up a pool."""
        called = number if self.case.own_functions else number % SHARED
        # As CloudFormation ends the name of each function that it makes.
        ends = hashlib.shake_128(f"{region} {called} {self.version}".encode()).hexdigest(8 * len(schema.LAMBDA_CONFIG))
        return {
            # Its end is the number: of 408,000 hashes alone, two may begin alike.
            "Id": f"{region}_{hashlib.sha256(f'{region} {number}'.encode()).hexdigest()[:5]}{number:04x}",
            "Name": f"customers of shop {number}",
            "LambdaConfig": {
                each.member: _value(each, region, ends[16 * place : 16 * place + 16])
                for place, each in enumerate(schema.LAMBDA_CONFIG)
            },
            "CreationDate": 1.6e9 + number,
            "LastModifiedDate": 1.7e9 + number + self.version,
        }


def _value(column: schema.Column, region: str, end: str) -> object:
    arn = f"arn:aws:lambda:{region}:{stand_in.ACCOUNT_ID}:function:Shops-{column.member}-{end}"
    return {"LambdaVersion": "V1_0", "LambdaArn": arn} if column.kind is Kind.STRUCT else arn


def measure(case: Case) -> None:
    """Run the function three times and `verify` once; print a line for each."""
    account = Account(case)
    with stand_in.serve() as aws:
        aws.answers.append(account)
        os.environ.update(aws.environment())
        regions = boto3.session.Session().get_available_regions("cognito-idp")[:REGIONS]
        os.environ |= {
            settings.BUCKET.name: usage.BUCKET,
            settings.REGIONS.name: ",".join(regions),
            settings.MAX_REQUESTS_PER_SECOND.name: "0",
            settings.EXTRA_FORMATS.name: ",".join(case.formats),
        }
        boto3.client("s3").create_bucket(Bucket=usage.BUCKET)
        for hour, (run, version) in enumerate({"first": 0, "nothing changed": 0, "all changed": 1}.items()):
            aws.requests.clear()
            account.version = version
            time_of = timestamp(usage.EVENING + timedelta(hours=hour))
            show(case, run, usage.PROGRAM, time_of)
        address = f"s3://{usage.BUCKET}/{settings.PREFIX.read({})}"
        show(case, "verify", growth.PROGRAM, "verify", address)


def show(case: Case, run: str, program: str, *arguments: str) -> None:
    """Run a program, and print a line for it once it is seen that it did what it was to do."""
    started = time.monotonic()
    ran = measured.run(program, *arguments)
    seconds = time.monotonic() - started
    last_line = ran.stdout.splitlines()[-1]
    if run != "verify":
        summary = json.loads(last_line)
        changed = case.pools if run == "all changed" else 0
        if summary["pools"] != case.pools or summary["changes"]["modified"] != changed:
            raise SystemExit(f"the run went wrong: {summary}")
        last_line = f"{summary['size_bytes'] / 1e6:.1f} MB of Parquet"
    functions = "functions of their own" if case.own_functions else "shared functions"
    formats = f" and {', '.join(case.formats)}" if case.formats else ""
    print(
        f"{case.pools:7,} pools, {functions}{formats}, {run}: peak {ran.peak_mb:.0f} MB, {seconds:.0f} s, "
        f"of the processor's {ran.cpu_seconds:.0f} s; {last_line}",
        flush=True,
    )


def main() -> None:
    """Print a line for each run of each case."""
    for case in CASES:
        measure(case)


if __name__ == "__main__":
    main()
