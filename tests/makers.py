"""Makes any instance of what a test needs one of, with what the test cares about stated."""

import hashlib
import itertools
import json
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any, get_args

from pool_inventory.aws.calls import Deadline
from pool_inventory.clock import Clock
from pool_inventory.model import Carried, Change, ChangeKind, Coverage, Link, Published, Snapshot, Target
from pool_inventory.publish.commit import Draft
from pool_inventory.snapshots import coverage as snapshots_coverage
from pool_inventory.snapshots import data_object
from pool_inventory.stores.protocol import Stored
from pool_inventory.terminal.demo.stand_in import StandIn
from werkzeug.wrappers import Request, Response

ACCOUNT_ID = "123456789012"
TIME = datetime(2026, 11, 24, 18, 0, tzinfo=UTC)
IDENTIFIER = "2026-11-24T18-00Z"

_numbers = itertools.count()


def any_pool(region: str = "us-east-1", **members: Any) -> dict[str, Any]:
    """A pool as ListUserPools lists it."""
    number = next(_numbers)
    created = 1_700_000_000.123 + number
    return {
        "Id": f"{region}_{number:09d}",
        "Name": f"pool {number}",
        "LambdaConfig": {"PreSignUp": f"arn:aws:lambda:{region}:{ACCOUNT_ID}:function:f{number}"},
        "CreationDate": created,
        "LastModifiedDate": created + 60,
        **members,
    }


def any_pools(count: int, region: str = "us-east-1") -> list[dict[str, Any]]:
    return [any_pool(region) for _ in range(count)]


def any_target(region: str = "us-east-1") -> Target:
    return Target(ACCOUNT_ID, region)


def any_coverage(region: str = "us-east-1", **columns: Any) -> Coverage:
    values: dict[str, Any] = {
        "account_id": ACCOUNT_ID,
        "region": region,
        "status": "ok",
        "pools": 0,
        "requests": 1,
        "retries": 0,
        "duplicates": 0,
        "started_at": TIME,
        "duration_ms": 12,
        "error_code": None,
        "error_message": None,
        "last_ok": IDENTIFIER,
    }
    return Coverage(**{**values, **columns})


def any_snapshot(
    identifier: str = IDENTIFIER,
    *,
    coverage: tuple[Coverage, ...] | None = None,
    previous: Link | None = None,
    known_reason: str | None = None,
) -> Snapshot:
    covered = coverage or (any_coverage(),)
    return Snapshot(
        id=identifier,
        started_at=TIME,
        ended_at=TIME + timedelta(seconds=2),
        previous=previous,
        known_id=previous.snapshot_id if previous else None,
        known_reason=known_reason,
        targets=data_object.counted(each.status for each in covered),
        pool_count=sum(each.pools or 0 for each in covered),
        requests=sum(each.requests for each in covered),
        retries=sum(each.retries for each in covered),
        coverage_file=data_object.file_of(snapshots_coverage.encode(identifier, covered)),
        carried_file=None,
        carried=Carried(),
    )


def any_published(
    snapshot: Snapshot | None = None,
    *changes: Change,
    size_bytes: int = 1,
    known_pools: Mapping[Target, int] | None = None,
) -> Published:
    made = snapshot or any_snapshot()
    link = Link(made.id, "0" * 64)
    counts = Counter(each.change for each in changes)
    by_kind = {kind: counts[kind] for kind in get_args(ChangeKind)}
    return Published(made, by_kind, (), known_pools or {}, link, "user-pools/manifests/manifest.json", size_bytes)


def any_draft(
    identifier: str = IDENTIFIER, *, coverage: tuple[Coverage, ...] | None = None, lines: Iterable[bytes] = ()
) -> Draft:
    return Draft(
        id=identifier,
        started_at=TIME,
        ended_at=TIME + timedelta(seconds=2),
        previous=None,
        known=None,
        coverage=coverage or (any_coverage(),),
        lines=lines,
    )


@dataclass
class MemoryStore:
    """Objects in a dictionary, each with its bytes' hash as its etag."""

    objects: dict[str, bytes] = field(default_factory=dict)
    bucket: str = "arn:aws:s3:::memory"

    def full_key(self, key: str) -> str:
        return f"user-pools/{key}"

    def address(self, key: str) -> str:
        return f"s3://memory/{self.full_key(key)}"

    def get(self, key: str) -> Stored | None:
        body = self.objects.get(key)
        return None if body is None else Stored(body, hashlib.sha256(body).hexdigest())

    def put_if_absent(self, key: str, body: bytes) -> bool:
        return self.objects.setdefault(key, body) == body

    def replace(self, key: str, body: bytes, etag: str) -> bool:
        stored = MemoryStore.get(self, key)  # a subclass's own may be counted or refused
        if stored is None or stored.etag != etag:
            return False
        self.objects[key] = body
        return True

    def put(self, key: str, body: bytes) -> None:
        self.objects[key] = body

    def keys(self, folder: str, after: str = "") -> Iterator[str]:
        return iter(sorted(key for key in self.objects if key.startswith(f"{folder}/") and key > after))


def any_change(kind: ChangeKind = "modified", number: int | None = None, **row: Any) -> Change:
    """A change of a pool whose rows are as Parquet gives them back, less the columns that no test asks for."""
    identifier = f"us-east-1_{next(_numbers) if number is None else number:09d}"
    arn = f"arn:aws:cognito-idp:us-east-1:{ACCOUNT_ID}:userpool/{identifier}"
    text = json.dumps({"id": identifier, "arn": arn, "name": "a pool", **row})
    return Change(
        previous_snapshot_id="2026-11-24T17-00Z",
        change=kind,
        account_id=ACCOUNT_ID,
        region="us-east-1",
        id=identifier,
        name="a pool",
        fields=("name",) if kind == "modified" else (),
        before=None if kind == "created" else text,
        after=None if kind == "deleted" else text,
    )


def page(pools: list[dict[str, Any]], next_token: str | None = None, **members: Any) -> bytes:
    """The body of an answer of ListUserPools."""
    token = {} if next_token is None else {"NextToken": next_token}
    return json.dumps({"UserPools": pools, **token, **members}).encode()


@dataclass
class HeldClock:
    """A clock that goes on only by sleeping."""

    seconds: float = 1000.0
    sleeps: list[float] = field(default_factory=list)

    def sleep(self, seconds: float) -> None:
        self.sleeps.append(seconds)
        self.seconds += seconds

    @property
    def clock(self) -> Clock:
        return Clock(
            now=lambda: TIME + timedelta(seconds=self.seconds), monotonic=lambda: self.seconds, sleep=self.sleep
        )

    def deadline(self, seconds: float = 280) -> Deadline:
        return Deadline.after(seconds, self.clock)


def failing_first(times: int, error: Exception, result: Any = "done") -> Callable[[], Any]:
    """A request that raises an error so many times, and then gives a result."""
    left = iter([error] * times)

    def request() -> Any:
        for each in left:
            raise each
        return result

    return request


def s3_error(code: str, status: int, message: str = "said") -> Callable[[Request], Response]:
    """An answer of S3's that is an error."""
    return lambda _: Response(f"<Error><Code>{code}</Code><Message>{message}</Message></Error>", status)


def written_with(aws: StandIn) -> set[str | None]:
    """The encryption that writes to S3 asked for; copies within S3 bring no bytes to encrypt."""
    writes = [each for each in aws.requests if each.method == "PUT" and "x-amz-copy-source" not in each.headers]
    return {each.headers.get("x-amz-server-side-encryption") for each in writes}
