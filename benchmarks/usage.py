"""What one run of the function uses, for each size of account: what benchmarks/cost.py puts prices on.

The function's own handler runs in a process of its own, so that its CPU seconds are the program's alone, against the
stand-in in this one, which counts what it is asked. Three runs of each case: the first ever, one an hour later, and
the first of the next day. `make docs` then puts the figures into docs/cost.md.

    .venv/bin/python -m benchmarks.usage
"""

import json
import os
import random
import string
from collections import Counter
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import boto3
from pool_inventory import settings
from pool_inventory.snapshots import keys, schema
from pool_inventory.snapshots.rows import timestamp
from pool_inventory.snapshots.schema import Kind
from pool_inventory.terminal.demo import stand_in
from werkzeug.wrappers import Request

from benchmarks import measured

RECORDED = Path(__file__).with_name("usage.json")
# How many pools, in how many regions: the cases of the page.
CASES = ((1_000, 1), (1_000, 17), (1_000, 34), (10_000, 34))
# One pool in so many of a region, and one at least, is modified from one run to the next.
MODIFIED_EVERY = 100
BUCKET = "inventory"
EVENING = datetime(2026, 11, 24, 22, tzinfo=UTC)

PROGRAM = """
import sys
from types import SimpleNamespace
from pool_inventory.handler import handler
arn = "arn:aws:lambda:us-east-1:123456789012:function:PoolInventory-ExporterFunctionA1B2C3D4-a1B2c3D4e5F6"
handler({"time": sys.argv[1]}, SimpleNamespace(
    aws_request_id="8476a536-e9f4-11e8-9739-2dfe598c3fcd", invoked_function_arn=arn,
    get_remaining_time_in_millis=lambda: 900_000))
"""


def pool(region: str, number: int) -> dict[str, Any]:
    """Make up a pool; some have no trigger, some have all."""
    dice = random.Random(f"{region} {number}")  # noqa: S311 - the same pools each time
    function = f"arn:aws:lambda:{region}:{stand_in.ACCOUNT_ID}:function:trigger-{dice.randrange(20)}"
    versioned = {"LambdaVersion": "V2_0", "LambdaArn": function}
    triggers = dice.sample(schema.LAMBDA_CONFIG, dice.choice((0, 1, 2, 5, len(schema.LAMBDA_CONFIG))))
    created = 1.6e9 + dice.randrange(10**11) / 1000
    return {
        "Id": f"{region}_{''.join(dice.choices(string.ascii_letters + string.digits, k=9))}",
        "Name": f"customers of shop {number}",
        "LambdaConfig": {each.member: versioned if each.kind is Kind.STRUCT else function for each in triggers},
        "CreationDate": created,
        "LastModifiedDate": created + dice.randrange(10**7),
    }


def measure(pools: int, regions: tuple[str, ...]) -> dict[str, Any]:
    """Run thrice; give what a run within a day used, and the log of the day's first one, which has more metrics."""
    with stand_in.serve() as aws:
        os.environ.update(aws.environment())
        os.environ |= {settings.BUCKET.name: BUCKET, settings.REGIONS.name: ",".join(regions)}
        os.environ[settings.REGION_METRICS.name] = settings.DAILY
        s3 = boto3.client("s3")
        s3.create_bucket(Bucket=BUCKET)
        listed: dict[str, list[dict[str, Any]]] = {
            region: [pool(region, number) for number in range(start, pools, len(regions))]
            for start, region in enumerate(regions)
        }
        figures = {}
        for hours, name in enumerate(("first", "within_a_day", "first_of_a_day")):
            for region, each in listed.items():
                for number in range(hours, len(each), MODIFIED_EVERY):
                    each[number]["LastModifiedDate"] += 3600
                stand_in.seed(region, each)
            figures[name] = run(EVENING + timedelta(hours=hours), aws, s3)
    first = figures["first_of_a_day"]["log_bytes"]
    return {"pools": pools, "regions": len(regions), **figures["within_a_day"], "log_bytes_of_first": first}


def run(time: datetime, aws: stand_in.StandIn, s3: Any) -> dict[str, Any]:  # noqa: ANN401 - boto3's client
    """Run the handler once; give its figures."""
    aws.requests.clear()
    ran = measured.run(PROGRAM, timestamp(time))
    asked = Counter(kind for request in aws.requests if (kind := kind_of(request)))
    lines = [json.loads(line) for line in ran.stdout.splitlines()]
    summary = lines[-1]
    if summary["message"] != "the run is done" or summary["status"] != "complete":
        raise SystemExit(f"the run went wrong: {summary}")
    sizes = {each["Key"]: each["Size"] for each in s3.list_objects_v2(Bucket=BUCKET)["Contents"]}
    identifier = keys.snapshot_id(time)
    own = [size for key, size in sizes.items() if identifier in key or keys.symlink(identifier) in key]
    latest = [size for key, size in sizes.items() if key.endswith(keys.MOVED)]
    return {
        "pages": asked["ListUserPools"],
        "metrics": sum(len(metrics(line)) for line in lines if "region" not in line),
        "s3_writes_and_lists": asked["s3_write_or_list"],
        "s3_reads": asked["s3_read"],
        "log_bytes": len(ran.stdout.encode()),
        "snapshot_bytes": sum(own),
        "latest_bytes": sum(latest),
        "cpu_seconds": round(ran.cpu_seconds, 2),
    }


def metrics(line: dict[str, Any]) -> list[dict[str, Any]]:
    """Return the metrics of a line, where it is of the embedded metric format."""
    directives = line.get("_aws", {}).get("CloudWatchMetrics", ())
    return [metric for directive in directives for metric in directive["Metrics"]]


def kind_of(request: Request) -> str | None:
    """Return what a request is charged as; None where it is free."""
    if request.headers.get("X-Amz-Target", "").endswith(".ListUserPools"):
        return "ListUserPools"
    if not request.path.startswith(f"/{BUCKET}"):
        return None
    return "s3_read" if request.method in {"GET", "HEAD"} and "list-type" not in request.args else "s3_write_or_list"


def main() -> None:
    """Measure each case, print a line for it, and record them all."""
    available = tuple(boto3.session.Session().get_available_regions("cognito-idp"))
    cases = []
    for pools, count in CASES:
        cases.append(measure(pools, available[:count]))
        print(json.dumps(cases[-1]), flush=True)
    recorded = {
        "measured": datetime.now(UTC).date().isoformat(),
        "command": "python -m benchmarks.usage",
        "cases": cases,
    }
    RECORDED.write_text(json.dumps(recorded, indent=2) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
