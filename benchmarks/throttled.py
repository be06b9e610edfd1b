"""Four listings of 1,000 pools at once out of one quota of 2 requests a second (burst 2): who finishes?

Cognito's quota is an account's and region's, shared by every caller; it throttles with HTTP status 400. This asks the
same stand-in in turn with this program's reader and with botocore's own paginator in each of its retry modes.

    .venv/bin/python benchmarks/throttled.py
"""

import os
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import boto3
from botocore.config import Config
from botocore.exceptions import ClientError
from pool_inventory.aws.calls import Caller, Deadline
from pool_inventory.clock import Clock
from pool_inventory.collect import listing as cognito
from pool_inventory.snapshots import rows
from pool_inventory.terminal.demo import stand_in
from werkzeug.wrappers import Request, Response

POOLS = 1000
LISTINGS = 4
REQUESTS_PER_SECOND = 2.0
BURST = 2.0


def quota() -> stand_in.Answer:
    """Return the answer of a token bucket: a throttle where it is empty, else moto's."""
    lock = threading.Lock()
    tokens, since = BURST, time.monotonic()

    def answer(request: Request) -> Response | None:
        nonlocal tokens, since
        with lock:
            now = time.monotonic()
            tokens, since = min(BURST, tokens + REQUESTS_PER_SECOND * (now - since)), now
            if tokens < 1:
                return stand_in.throttle(request)
            tokens -= 1
            return None

    return answer


def ours(session: boto3.session.Session) -> int:
    """Count the pools as the exporter reads them."""
    caller = Caller(Deadline.after(280, Clock()), max_requests_per_second=10)
    return len(cognito.read_user_pools(cognito.make_client(session, "us-east-1"), caller, rows.json_line))


def botocores(**retries: Any) -> Callable[[boto3.session.Session], int]:  # noqa: ANN401 - botocore's own settings
    """Return a count of the pools as botocore's paginator reads them."""

    def count(session: boto3.session.Session) -> int:
        client = session.client("cognito-idp", region_name="us-east-1", config=Config(retries=retries))
        pages = client.get_paginator("list_user_pools").paginate(MaxResults=60)
        return sum(len(page["UserPools"]) for page in pages)

    return count


def attempt(count: Callable[[boto3.session.Session], int]) -> str:
    """Say how one listing ended."""
    try:
        found = count(boto3.session.Session())
    except ClientError as error:
        return str(error.response["Error"]["Code"])
    return f"{found} pools"


def main() -> None:
    """Print a line for each reader."""
    pools = [
        {"Id": f"us-east-1_{number:09d}", "Name": "x", "CreationDate": 1.7e9, "LastModifiedDate": 1.7e9}
        for number in range(POOLS)
    ]
    readers = {
        "pool-inventory": ours,
        "botocore legacy": botocores(mode="legacy"),
        "botocore standard": botocores(mode="standard"),
        "botocore adaptive": botocores(mode="adaptive"),
    }
    with stand_in.serve() as aws:
        os.environ.update(aws.environment())
        stand_in.seed("us-east-1", pools)
        for name, count in readers.items():
            aws.answers[:] = [quota()]
            started = time.monotonic()
            with ThreadPoolExecutor(LISTINGS) as threads:
                ended = list(threads.map(attempt, [count] * LISTINGS))
            print(f"{name:18} {time.monotonic() - started:6.1f} s  {', '.join(ended)}", flush=True)


if __name__ == "__main__":
    main()
