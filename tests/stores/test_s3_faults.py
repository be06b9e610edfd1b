"""Writes whose answers are lost, broken or wrong: what is returned is what happened."""

import socket
import time
from collections.abc import Callable
from types import SimpleNamespace

import boto3
import pytest
from pool_inventory.errors import RefusedError, StoreError
from pool_inventory.stores.s3 import S3Store
from pool_inventory.terminal.demo.stand_in import Answer, StandIn, in_turn, reset_connection
from werkzeug.wrappers import Request, Response

from tests.conftest import BUCKET
from tests.makers import s3_error

KEY = "latest.json"
OLD, OTHERS, OURS = b"the old", b"another's", b"ours"

Write = Callable[[S3Store, str], object]
"""Writes OURS: over the object of this etag, where it takes one."""


def put(store: S3Store, _: str) -> bool:
    store.put(KEY, OURS)
    return True


WRITES: dict[str, Write] = {
    "put_if_absent": lambda store, _: store.put_if_absent(KEY, OURS),
    "replace": lambda store, etag: store.replace(KEY, OURS, etag),
    "put": put,
}
CONDITIONAL = ["put_if_absent", "replace"]


def cut_headers(request: Request) -> Response:
    """A 200 that ends among its headers."""
    connection: socket.socket = request.environ["werkzeug.socket"]
    connection.sendall(b"HTTP/1.1 200 OK\r\nx-amz-id-2: 0123")
    connection.shutdown(socket.SHUT_RDWR)
    return Response()


ANSWERS: dict[str, Answer] = {
    "reset": reset_connection,
    "200 cut in its headers": cut_headers,
    "200 of a proxy": lambda _: Response("<html>Welcome</html>"),
    "409 conflict": s3_error("ConditionalRequestConflict", 409),
    "409 aborted": s3_error("OperationAborted", 409),
    "409 cut": lambda _: Response("<Error><Co", 409),
    "500": s3_error("InternalError", 500),
    "500 cut": lambda _: Response(b"<Err\xff", 500),
    "503": s3_error("SlowDown", 503),
}


@pytest.fixture
def store(aws: StandIn, monkeypatch: pytest.MonkeyPatch) -> S3Store:
    """A store that does not wait before it tries again."""
    monkeypatch.setattr("botocore.endpoint.time", SimpleNamespace(sleep=lambda _: None, time=time.time))
    monkeypatch.setattr(S3Store._put_object.retry, "sleep", lambda _: None)
    monkeypatch.setattr(S3Store._get.retry, "sleep", lambda _: None)
    return S3Store.open(boto3.session.Session(), BUCKET, "pools")


def of_writes(answer: Answer) -> Answer:
    return lambda request: answer(request) if request.method == "PUT" else None


def before(store: S3Store, write: str) -> str:
    """Makes the state that a write expects; returns the etag of what is there."""
    if write == "put_if_absent":
        return ""
    store.put_if_absent(KEY, OLD)
    stored = store.get(KEY)
    assert stored is not None
    return stored.etag


def there(store: S3Store) -> bytes | None:
    stored = store.get(KEY)
    return stored.body if stored else None


@pytest.mark.parametrize("applied", [False, True], ids=["before it is applied", "after"])
@pytest.mark.parametrize("answer", ANSWERS)
@pytest.mark.parametrize("write", WRITES)
def test_a_write_with_one_bad_answer_is_made_and_reported(
    store: S3Store, aws: StandIn, write: str, answer: str, *, applied: bool
) -> None:
    etag = before(store, write)
    bad = ANSWERS[answer]
    aws.answers.append(of_writes(in_turn(aws.after_moto(bad) if applied else bad)))
    assert WRITES[write](store, etag) is True
    assert there(store) == OURS


@pytest.mark.parametrize("answer", ANSWERS)
@pytest.mark.parametrize("write", WRITES)
def test_a_write_with_only_bad_answers_is_found_by_reading(
    store: S3Store, aws: StandIn, write: str, answer: str
) -> None:
    etag = before(store, write)
    aws.answers.append(of_writes(aws.after_moto(ANSWERS[answer])))
    assert WRITES[write](store, etag) is True
    assert there(store) == OURS


@pytest.mark.parametrize("answer", ANSWERS)
@pytest.mark.parametrize("write", WRITES)
def test_a_write_that_never_happens_is_an_error(store: S3Store, aws: StandIn, write: str, answer: str) -> None:
    etag = before(store, write)
    aws.answers.append(of_writes(ANSWERS[answer]))
    with pytest.raises(StoreError, match=r"cannot write s3://inventory/pools/latest\.json: ") as caught:
        WRITES[write](store, etag)
    assert not isinstance(caught.value, RefusedError), "it may well succeed later"
    assert there(store) == (OLD if etag else None)


@pytest.mark.parametrize("cut", [False, True], ids=["whole", "cut"])
@pytest.mark.parametrize("write", CONDITIONAL)
def test_a_412_after_a_lost_answer_is_our_write(store: S3Store, aws: StandIn, write: str, *, cut: bool) -> None:
    etag = before(store, write)
    refusal = (lambda _: Response("<Err", 412)) if cut else s3_error("PreconditionFailed", 412)
    aws.answers.append(of_writes(in_turn(aws.after_moto(reset_connection), refusal)))
    assert WRITES[write](store, etag) is True
    assert there(store) == OURS


@pytest.mark.parametrize("answer", ANSWERS)
@pytest.mark.parametrize("times", [1, 100])
@pytest.mark.parametrize("write", CONDITIONAL)
def test_another_s_write_is_never_taken_for_ours(
    store: S3Store, aws: StandIn, write: str, times: int, answer: str
) -> None:
    etag = before(store, write)
    store.put(KEY, OTHERS)
    aws.answers.append(of_writes(in_turn(*[ANSWERS[answer]] * times)))
    assert WRITES[write](store, etag) is False
    assert there(store) == OTHERS


@pytest.mark.parametrize("write", CONDITIONAL)
def test_a_412_that_is_cut_is_another_s_write(store: S3Store, aws: StandIn, write: str) -> None:
    etag = before(store, write)
    store.put(KEY, OTHERS)
    aws.answers.append(of_writes(lambda _: Response("<Err", 412)))
    assert WRITES[write](store, etag) is False


@pytest.mark.parametrize("body", ["", "<Error><Code>NoSuchKey</Code></Error>"])
def test_a_deleted_object_is_not_replaced_though_the_404_is_cut(store: S3Store, aws: StandIn, body: str) -> None:
    etag = before(store, "replace")
    store.client.delete_object(Bucket=BUCKET, Key=f"pools/{KEY}")
    aws.answers.append(of_writes(lambda _: Response(body, 404)))
    assert store.replace(KEY, OURS, etag) is False
    assert there(store) is None


def test_a_412_of_an_object_that_cannot_be_read_is_not_ours(store: S3Store, aws: StandIn) -> None:
    store.put(KEY, OTHERS)
    archived = s3_error("InvalidObjectState", 403)
    aws.answers.append(lambda request: archived(request) if request.method == "GET" else None)
    assert store.put_if_absent(KEY, OURS) is False


def test_a_404_that_is_cut_is_retried(store: S3Store, aws: StandIn) -> None:
    store.put(KEY, OLD)
    aws.answers.append(in_turn(lambda _: Response("<Err", 404)))
    assert there(store) == OLD


@pytest.mark.parametrize("page", ["<html>Welcome</html>", "<ListBucketResult><Contents><Key>pools/data/a</K", ""])
def test_a_listing_that_is_not_s3_s_is_not_an_empty_folder(store: S3Store, aws: StandIn, page: str) -> None:
    store.put("data/a", OURS)
    aws.answers.append(in_turn(lambda _: Response(page)))
    assert list(store.keys("data")) == ["data/a"]
    aws.answers[:] = [lambda _: Response(page)]
    with pytest.raises(StoreError, match=r"cannot list s3://inventory/pools/data/: "):
        list(store.keys("data"))


def test_a_page_of_a_proxy_is_not_an_object(store: S3Store, aws: StandIn) -> None:
    store.put(KEY, OURS)
    aws.answers.append(in_turn(lambda _: Response("<html>Welcome</html>")))
    assert there(store) == OURS
