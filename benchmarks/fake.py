"""The stand-in for AWS as those who measure use it: started in a process of its own, set up, and counted.

with fake.serve() as aws:
    aws.set_up(Setup(pools={"us-east-1": 1_000}, latency_ms=20))
    subprocess.run(command, env={**os.environ, **aws.environment()})
    print(aws.counts()["ListUserPools"])
"""

import dataclasses
import http.client
import json
import os
import ssl
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal
from urllib.parse import quote

from pool_inventory.terminal.demo.stand_in import past_proxies

ROOT = Path(__file__).parents[1]
BUCKET = "inventory"
# Whose the pools are, unless the access key is of twelve digits: then it names its own account.
ACCOUNT_ID = "123456789012"

Fault = Literal["", "no answer", "cut", "reset", "error 500", "denied"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Setup:
    """What the stand-in has, and how it answers.

    Attributes:
        pools: how many each region has. These are the regions that are enabled.
        version: which version of the inventory; each modifies one pool in `modified_every` of the one before.
        latency_ms: how long the server takes for each call, of whatever service.
        quota_per_second: how many calls of Cognito an account's region allows; 0 is without a limit. What is above it
            is answered as Cognito does, HTTP 400 and TooManyRequestsException.
        burst: how many calls a bucket holds that is full.
        fault: what page `fault_page` of each region is answered instead.
        fault_times: how often, in each region; 0 is always.
        keeps_objects: whether S3 keeps what it has; else all buckets are emptied.
        folder: its files are put into the bucket BUCKET, under their paths.
        accounts: how many the organization has; each has the same pools.
    """

    pools: Mapping[str, int] = field(default_factory=dict)
    version: int = 0
    modified_every: int = 100
    latency_ms: float = 0
    quota_per_second: float = 0
    burst: float = 1
    fault: Fault = ""
    fault_page: int = 5
    fault_times: int = 0
    keeps_objects: bool = False
    folder: str = ""
    accounts: int = 0


@dataclass(frozen=True, slots=True)
class Call:
    """A call that was answered: when it came and when it was, by the machine's monotonic counter."""

    operation: str
    came: float
    answered: float


@dataclass(frozen=True, slots=True)
class Fake:
    """A stand-in that is running.

    Attributes:
        url: where it is; by an address, so that S3's clients put the bucket into the path.
        roots: the file of the roots that a client must trust, or None without TLS: those that botocore trusts, and the
            server's own, since to load so many is what a client does.
        own_root: the file of the server's own root alone.
    """

    url: str
    roots: Path | None = None
    own_root: Path | None = None

    def environment(self) -> dict[str, str]:
        """Return the variables by which an SDK finds this server, and no other."""
        bundle = {"AWS_CA_BUNDLE": str(self.roots)} if self.roots else {}
        return {
            "AWS_ENDPOINT_URL": self.url,
            "AWS_ACCESS_KEY_ID": ACCOUNT_ID,
            "AWS_SECRET_ACCESS_KEY": "testing",
            "AWS_REGION": "us-east-1",
            "AWS_DEFAULT_REGION": "us-east-1",
            "AWS_EC2_METADATA_DISABLED": "true",
            "AWS_CONFIG_FILE": os.devnull,
            "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
            **past_proxies(os.environ),
            **bundle,
        }

    def set_up(self, setup: Setup) -> None:
        """Replace what the server has, fill its quotas and set its counts to 0."""
        self._ask("POST", "/_setup", json.dumps(dataclasses.asdict(setup)))

    def counts(self) -> dict[str, int]:
        """Return how often each operation was called since it was set up; `throttled` and `connections` among them."""
        counted: dict[str, int] = self._ask("GET", "/_counts")
        return counted

    def timeline(self) -> list[Call]:
        """Return each call since it was set up, in the order of their answers."""
        return [Call(*each) for each in self._ask("GET", "/_timeline")]

    def keys(self) -> list[str]:
        """Return the keys of BUCKET."""
        listed: list[str] = self._ask("GET", "/_keys")
        return listed

    def read(self, key: str) -> bytes:
        """Return the body of an object of BUCKET."""
        return self._body("GET", f"/_object/{quote(key)}")

    def _ask(self, method: str, path: str, body: str | None = None) -> Any:  # noqa: ANN401 - any JSON
        return json.loads(self._body(method, path, body))

    def _body(self, method: str, path: str, body: str | None = None) -> bytes:
        host = self.url.partition("://")[2]
        connection = (
            http.client.HTTPSConnection(host, context=ssl.create_default_context(cafile=self.own_root))
            if self.own_root
            else http.client.HTTPConnection(host)
        )
        try:
            connection.request(method, path, body)
            answer = connection.getresponse()
            text = answer.read()
        finally:
            connection.close()
        if answer.status != http.client.OK:
            raise SystemExit(f"the stand-in answered {method} {path} with {answer.status}: {text.decode()}")
        return text


@contextmanager
def serve(*, tls: bool = False) -> Iterator[Fake]:
    """Serve on a free port of this machine until the end of the block; with a certificate of its own if asked to."""
    with tempfile.TemporaryDirectory() as folder:
        command = [sys.executable, "-m", "benchmarks.server", *([folder] if tls else [])]
        environment = {**os.environ, "PYTHONPATH": os.pathsep.join([str(ROOT), str(ROOT / "lambda")])}
        server = subprocess.Popen(  # noqa: S603 - our own program
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, encoding="utf-8", cwd=ROOT, env=environment
        )
        with server:
            try:
                if server.stdout is None:
                    raise SystemExit("the stand-in has no output")  # never: it is piped
                started = json.loads(server.stdout.readline() or "{}")
                if not started:
                    raise SystemExit(f"the stand-in did not start: status {server.wait()}")
                files = (Path(folder) / "roots.pem", Path(folder) / "own.pem") if tls else (None, None)
                yield Fake(started["url"], *files)
            finally:
                server.terminate()
