"""Whatever is stored, and whatever a service said before: the next run with healthy services publishes."""

import dataclasses
import functools
import hashlib
import importlib
import json
import logging
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import Any

import boto3
import pytest
from mypy_boto3_s3 import S3Client
from pool_inventory.errors import TargetsError
from pool_inventory.model import Account
from pool_inventory.publish.commit import commit as commit_draft
from pool_inventory.run import Request as RunRequest
from pool_inventory.run import Tools, export
from pool_inventory.snapshots import data_object, keys, schema, table
from pool_inventory.stores.s3 import S3Store
from pool_inventory.terminal.demo.stand_in import Answer, StandIn, listing, seed
from pool_inventory.terminal.verify.chain import verify
from werkzeug.wrappers import Request, Response

from tests.collect.test_listing import sends
from tests.collect.test_odd_answers import ERROR_BODIES, MALFORMED, ODD_NUMBERS, answers
from tests.conftest import BUCKET, Invoke, any_context
from tests.makers import ACCOUNT_ID, HeldClock, any_coverage, any_draft, any_pool, any_pools, any_snapshot, page

FIRST, SECOND, NEXT = "2026-11-24T17-00Z", "2026-11-24T18-00Z", "2026-11-24T19-00Z"
DIED = "2026-11-24T18-30Z"
FAR = "9999-12-31T23-59Z"
PREFIX = "user-pools/"
POOLS = any_pools(3)


class Bucket:
    """The bucket of a history of two snapshots, for whoever puts something odd into it."""

    def __init__(self, aws: StandIn, s3: S3Client) -> None:
        self.aws = aws
        self.s3 = s3

    def get(self, key: str) -> bytes:
        return self.s3.get_object(Bucket=BUCKET, Key=PREFIX + key)["Body"].read()

    def put(self, key: str, body: bytes) -> None:
        self.s3.put_object(Bucket=BUCKET, Key=PREFIX + key, Body=body)

    def delete(self, key: str) -> None:
        self.s3.delete_object(Bucket=BUCKET, Key=PREFIX + key)

    def refuse(self, key: str, status: int, code: str, message: str) -> None:
        """Refuse each GET of an object, as S3 does."""
        path = f"/{BUCKET}/{PREFIX}{key}"
        body = f"<Error><Code>{code}</Code><Message>{message}</Message></Error>"

        def answer(request: Request) -> Response | None:
            return Response(body, status) if request.method == "GET" and request.path.startswith(path) else None

        self.aws.answers.append(answer)


def store() -> S3Store:
    return S3Store.open(_session(), BUCKET, "user-pools")


@functools.cache
def _session() -> boto3.session.Session:
    # What takes the time of a client is loading the model, which a session does once.
    return boto3.session.Session()


Poison = Callable[[Bucket], str]
"""Puts something odd into a bucket, and returns the key that `verify` has to name."""


def latest(body: bytes) -> Poison:
    def poison(bucket: Bucket) -> str:
        bucket.put(keys.LATEST, body)
        return keys.LATEST

    return poison


def latest_of(identifier: object, sha256: object = "0" * 64) -> Poison:
    return latest(json.dumps({"snapshotId": identifier, "manifest": "", "sha256": sha256}).encode())


def latest_of_far_manifest(bucket: Bucket) -> str:
    manifest = bucket.get(keys.manifest(SECOND))
    bucket.put(keys.manifest(FAR), manifest)
    return latest_of(FAR, hashlib.sha256(manifest).hexdigest())(bucket)


def manifest_that_is_named(body: bytes) -> Poison:
    """What is not a manifest, though latest.json and the checksum name it by its hash."""

    def poison(bucket: Bucket) -> str:
        bucket.put(keys.manifest(SECOND), body)
        bucket.put(keys.checksum(SECOND), hashlib.md5(body, usedforsecurity=False).hexdigest().encode())
        latest_of(SECOND, hashlib.sha256(body).hexdigest())(bucket)
        return keys.manifest(SECOND)

    return poison


def coverage_that_is_named(coverage: Any) -> Poison:
    return lambda bucket: manifest_that_is_named(
        json.dumps(json.loads(bucket.get(keys.manifest(SECOND))) | {"coverage": coverage}).encode()
    )(bucket)


def no_manifest(bucket: Bucket) -> str:
    bucket.delete(keys.manifest(SECOND))
    return keys.manifest(SECOND)


def copy_of_the_data(*identifiers: str) -> Poison:
    def poison(bucket: Bucket) -> str:
        for identifier in identifiers:
            bucket.put(keys.data(identifier), bucket.get(keys.data(SECOND)))
        return keys.data(identifiers[0])

    return poison


def commit(body: bytes) -> Poison:
    def poison(bucket: Bucket) -> str:
        bucket.put(keys.data(DIED), body)
        return keys.data(DIED)

    return poison


def footer(**changes: Any) -> Poison:
    """A commit whose run died, with another footer."""
    made = table.footer_of(data_object.encode(any_snapshot(DIED), []))
    return commit(table.encode(schema.DATA, [], {**made, **changes}))


# Release 0.1 wrote coverage as JSON, which escapes what no UTF-8 can hold.
SURROGATE = {
    **dataclasses.asdict(any_coverage(status="failed", pools=None, error_message="half a \ud800 pair", last_ok=None)),
    "started_at": "2026-11-24T18:00:01+00:00",
}


def nested(depth: int) -> bytes:
    return b"[" * depth + b"]" * depth


def foreign_changes(bucket: Bucket) -> str:
    commit_draft(store(), any_draft(DIED))
    bucket.put(keys.changes(DIED), b"PAR1 nobody's PAR1")
    return DIED


def newest_data(body: bytes) -> Poison:
    def poison(bucket: Bucket) -> str:
        bucket.put(keys.LATEST_DATA, body)
        return keys.LATEST_DATA

    return poison


def data_of_the_far_future(bucket: Bucket) -> str:
    return newest_data(data_object.encode(any_snapshot(FAR), []))(bucket)


def foreign_checksum(bucket: Bucket) -> str:
    bucket.put(keys.checksum(DIED), b"nobody's")
    bucket.put(keys.checksum(FAR), b"nobody's")
    return DIED


REFUSALS = {
    "archived": (403, "InvalidObjectState", "The operation is not valid for the object's storage class"),
    "denied": (403, "AccessDenied", "Access Denied"),
    "under a disabled key": (400, "KMS.DisabledException", "arn:aws:kms:us-east-1:1:key/x is disabled."),
}


def refused(what: str, key: str, named: str | None = None) -> Poison:
    def poison(bucket: Bucket) -> str:
        bucket.refuse(key, *REFUSALS[what])
        return named or key

    return poison


POISONS: dict[str, Poison] = {
    "half a surrogate pair in a first commit": footer(contractVersion=1, coverage=[SURROGATE], baselines=[]),
    "a data object copied under another id": copy_of_the_data(DIED),
    "data objects copied under impossible ids": copy_of_the_data("2026-13-45T99-99Z", "0000-00-00T00-00Z"),
    "a data object copied under an id to come": copy_of_the_data(FAR),
    "half a commit": commit(b"PAR1 half"),
    "a commit without a footer": footer(contractVersion="one"),
    "a commit without coverage": footer(coverageFile=None),
    "a commit whose coverage is text": footer(coverageFile="ok"),
    "a commit whose coverage is odd": footer(coverageFile={"size": -1, "sha256": "x"}),
    "a commit whose coverage is gone": footer(coverageFile={"size": 1, "sha256": "0" * 64}),
    "a commit whose carried rows are gone": footer(carriedFile={"size": 1, "sha256": "0" * 64}),
    "a commit whose targets are odd": footer(targets={"eaten": 1}),
    "a commit that knows no snapshot": footer(known="yesterday"),
    "a commit whose times are odd": footer(startedAt=7),
    "a commit whose previous is odd": footer(previous={"snapshot_id": "yesterday", "manifest_sha256": 1}),
    "a first commit whose baselines are odd": footer(
        contractVersion=1, coverage=[], baselines=[{"account_id": 1, "region": 2, "snapshot_id": "x"}]
    ),
    "a first commit whose coverage is odd": footer(contractVersion=1, coverage=[{"account_id": 1}]),
    "a commit of an unknown format": footer(extraFormats=["xlsx"]),
    "a commit of another id": footer(snapshotId=FIRST),
    "a commit of no id": footer(snapshotId=["a"]),
    "a commit with foreign changes": foreign_changes,
    "latest.json of the year 9999": latest_of(FAR),
    "latest.json of the year 9999, with a manifest": latest_of_far_manifest,
    "latest.json of the year 1": latest_of("0001-01-01T00-00Z"),
    "latest.json of no time": latest_of("0000-00-00T00-00Z"),
    "latest.json of a snapshot that is not there": latest_of("2026-11-24T18-59Z"),
    "latest.json that is nested deep": latest(nested(100_000)),
    "latest.json that is empty": latest(b""),
    "latest.json that is a list": latest(b"[]"),
    "latest.json that is no text": latest(b"\xff\xfe\x00"),
    "latest.json whose hash is a number": latest_of(SECOND, 7),
    "latest.json whose hash is another's": latest_of(SECOND),
    "a manifest that is a list": manifest_that_is_named(b"[]"),
    "a manifest that is nested deep": manifest_that_is_named(nested(100_000)),
    "a manifest whose coverage is text": coverage_that_is_named("ok"),
    "a manifest whose coverage is odd": coverage_that_is_named([{"account_id": ["a"], "region": 1, "last_ok": "x"}]),
    "no manifest": no_manifest,
    "a foreign checksum": foreign_checksum,
    "garbage in latest/": newest_data(b"garbage"),
    "data of the year 9999 in latest/": data_of_the_far_future,
    **{f"the data {what}": refused(what, keys.data(SECOND)) for what in REFUSALS},
    **{f"the manifest {what}": refused(what, keys.manifest(SECOND)) for what in REFUSALS},
    **{f"latest.json {what}": refused(what, keys.LATEST) for what in REFUSALS},
    "latest/ under a disabled key": refused("under a disabled key", keys.LATEST_DATA),
    "all data archived": refused("archived", "data/dt=2026-11-24/user-pools-2026-11-24T1", keys.data(SECOND)),
    "all manifests denied": refused("denied", "manifests/2026-11-24T1", keys.manifest(SECOND)),
}


def time_of(identifier: str) -> str:
    return identifier[:13] + ":" + identifier[14:16] + ":00Z"


@contextmanager
def cold() -> Iterator[None]:
    """Import the package again, as a new sandbox of Lambda's does."""
    ours = {name: sys.modules.pop(name) for name in list(sys.modules) if name.split(".")[0] == "pool_inventory"}
    loggers = logging.root.manager.loggerDict
    for name in [name for name in loggers if name.split(".")[0] == "pool_inventory"]:
        del loggers[name]
    try:
        yield
    finally:
        for name in [name for name in sys.modules if name.split(".")[0] == "pool_inventory"]:
            del sys.modules[name]
        sys.modules.update(ours)


def dated(digits: str) -> bytes:
    return page([any_pool("eu-west-1", CreationDate="HERE", Unknown="HERE")]).replace(b'"HERE"', digits.encode())


def regions(answer: Answer) -> Answer:
    """An answer to ListRegions alone."""
    return lambda request: answer(request) if request.path == "/listRegions" else None


SAID: dict[str, Answer] = {
    **{f"an error of {name}": listing("eu-west-1", answers(body, 400)) for name, body in ERROR_BODIES.items()},
    **{f"a page of {name}": listing("eu-west-1", sends(body)) for name, body in MALFORMED.items()},
    **{f"a date of {digits[:30]}": listing("eu-west-1", sends(dated(digits))) for digits in ODD_NUMBERS},
    **{f"regions, as an error of {name}": regions(answers(body, 400)) for name, body in ERROR_BODIES.items()},
    **{f"regions, as a page of {name}": regions(sends(body)) for name, body in MALFORMED.items()},
    "regions of no status": regions(sends(b'{"Regions": [{"RegionName": "eu-west-1"}]}')),
}
# A new sandbox knows no more of what was said than a warm one: one of each kind is enough for it.
SAID_COLD = [name for name in SAID if name.endswith(("half a surrogate pair", "depth", "1e400", "of no status"))]


@pytest.mark.parametrize(
    ("said", "is_warm"),
    [pytest.param(each, True, id=f"{each}-warm") for each in SAID]
    + [pytest.param(each, False, id=f"{each}-cold") for each in SAID_COLD],
)
def test_no_answer_of_a_service_stops_the_next_run(
    invoke: Invoke, aws: StandIn, monkeypatch: pytest.MonkeyPatch, said: str, *, is_warm: bool
) -> None:
    monkeypatch.setenv("INVENTORY_REGIONS", "enabled")
    aws.enabled_regions = ["eu-west-1", "us-east-1"]
    seed("us-east-1", POOLS)
    heard: list[Response] = []

    def say(request: Request) -> Response | None:
        if answer := SAID[said](request):
            heard.append(answer)
        return answer

    aws.answers.append(say)
    tools = Tools(
        session=_session(),
        account=lambda: Account(ACCOUNT_ID, "aws"),
        store=store(),
        # It waits for nothing between one try and the next.
        deadline=HeldClock().deadline(),
    )
    request = RunRequest(snapshot_time=keys.snapshot_time(SECOND), regions="enabled", max_requests_per_second=0)
    with suppress(TargetsError):  # where it is the regions that were said so
        export(request, tools)
    assert heard
    del aws.answers[:]

    summary = invoke_next(NEXT, invoke, is_warm=is_warm)
    assert (summary["result"], summary["status"], summary["pools"]) == ("published", "complete", 3)
    assert not verify(store()).faults


_history: dict[str, bytes] = {}
"""The objects of two complete snapshots of three pools, once a test has made them."""


@pytest.fixture
def bucket(aws: StandIn, s3: S3Client, invoke: Invoke) -> Bucket:
    """The bucket of that history, which making takes longer than putting back what was made."""
    if not _history:
        seed("us-east-1", POOLS)
        for identifier in (FIRST, SECOND):
            invoke(time_of(identifier))
        listed = s3.list_objects_v2(Bucket=BUCKET, Prefix=PREFIX)["Contents"]
        _history.update({each["Key"]: s3.get_object(Bucket=BUCKET, Key=each["Key"])["Body"].read() for each in listed})
        aws.reset()
        s3.create_bucket(Bucket=BUCKET)
    seed("us-east-1", POOLS)
    for key, body in _history.items():
        s3.put_object(Bucket=BUCKET, Key=key, Body=body)
    return Bucket(aws, s3)


def invoke_next(identifier: str, invoke: Invoke, *, is_warm: bool) -> dict[str, Any]:
    if is_warm:
        return invoke(time_of(identifier))
    with cold():
        summary: dict[str, Any] = importlib.import_module("pool_inventory.handler").handler(
            {"time": time_of(identifier)}, any_context()
        )
    return summary


@pytest.mark.parametrize("is_warm", [False, True], ids=["cold", "warm"])
@pytest.mark.parametrize("poison", POISONS.values(), ids=POISONS.keys())
def test_no_stored_object_stops_the_next_run(
    invoke: Invoke, aws: StandIn, bucket: Bucket, poison: Poison, *, is_warm: bool
) -> None:
    """Its cost is changes, in `uncompared`, and never the snapshot."""
    named = poison(bucket)

    report = verify(store())
    assert named in json.dumps([report.faults, report.notes]), "verify says what is passed by"
    for identifier in (NEXT, "2026-11-24T20-00Z") if is_warm else (NEXT,):
        summary = invoke_next(identifier, invoke, is_warm=is_warm)
        assert (summary["result"], summary["status"], summary["pools"]) == ("published", "complete", 3)
        del aws.answers[:]
        assert json.loads(bucket.get(keys.LATEST))["snapshotId"] == identifier
        assert bucket.get(keys.LATEST_DATA) == bucket.get(keys.data(identifier))
