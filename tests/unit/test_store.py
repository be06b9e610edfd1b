import base64
import hashlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import boto3
import pytest
from mypy_boto3_s3 import S3Client
from pool_inventory.errors import StoreError
from pool_inventory.store import FolderStore, S3Store, Store
from pool_inventory.terminal.stand_in import StandIn, cut, in_turn, reset_connection
from werkzeug.wrappers import Request, Response

from tests.conftest import BUCKET

KEY = "data/dt=2026-11-24/one.parquet"


@pytest.fixture
def s3_store(aws: StandIn) -> S3Store:
    return S3Store.open(boto3.session.Session(), BUCKET, "some/prefix")


@pytest.fixture(params=["s3", "folder"])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Store:
    made: Store = (
        request.getfixturevalue("s3_store") if request.param == "s3" else FolderStore(tmp_path / "new" / "out")
    )
    return made


def test_what_is_put_can_be_got(store: Store) -> None:
    assert store.put_if_absent(KEY, b"one")
    stored = store.get(KEY)
    assert stored is not None
    assert stored.body == b"one"


def test_what_is_not_there_is_none(store: Store) -> None:
    assert store.get(KEY) is None


def test_an_object_that_is_there_is_not_put_over(store: Store) -> None:
    assert store.put_if_absent(KEY, b"one")
    assert not store.put_if_absent(KEY, b"two")
    stored = store.get(KEY)
    assert stored is not None
    assert stored.body == b"one"


def test_an_object_is_replaced_only_as_the_one_that_was_read(store: Store) -> None:
    store.put_if_absent(KEY, b"one")
    first = store.get(KEY)
    assert first is not None
    assert store.replace(KEY, b"two", first.etag)
    assert not store.replace(KEY, b"three", first.etag)
    second = store.get(KEY)
    assert second is not None
    assert second.body == b"two"


def test_what_is_not_there_is_not_replaced(store: Store) -> None:
    store.put_if_absent(KEY, b"one")
    assert not store.replace("data/other", b"two", "0123")


def test_keys_are_a_folders_own_and_sorted_after_a_text(store: Store) -> None:
    for key in ("data/b", "data/a/1", "data/c", "database/d", "latest.json"):
        store.put_if_absent(key, b"")
    assert list(store.keys("data")) == ["data/a/1", "data/b", "data/c"]
    assert list(store.keys("data", "data/b")) == ["data/c"]
    assert list(store.keys("nothing")) == []


def test_more_keys_than_a_page_has_are_all_listed(s3_store: S3Store) -> None:
    for number in range(1003):
        s3_store.client.put_object(Bucket=BUCKET, Key=f"some/prefix/data/{number:05d}")
    assert len(list(s3_store.keys("data"))) == 1003


def test_each_put_sends_its_sha_256(s3_store: S3Store, aws: StandIn) -> None:
    s3_store.put_if_absent(KEY, b"one")
    sent = next(request for request in aws.requests if request.method == "PUT")
    assert sent.headers["x-amz-checksum-sha256"] == base64.b64encode(hashlib.sha256(b"one").digest()).decode()
    assert sent.headers["If-None-Match"] == "*"


def test_keys_are_under_the_prefix_and_nowhere_else(s3_store: S3Store, s3: S3Client) -> None:
    s3_store.put_if_absent(KEY, b"one")
    assert [each["Key"] for each in s3.list_objects_v2(Bucket=BUCKET)["Contents"]] == [f"some/prefix/{KEY}"]
    assert s3_store.full_key(KEY) == f"some/prefix/{KEY}"
    assert s3_store.address(KEY) == f"s3://{BUCKET}/some/prefix/{KEY}"
    assert s3_store.bucket == f"arn:aws:s3:::{BUCKET}"


def s3_error(code: str, status: int) -> Callable[[Request], Response]:
    return lambda _: Response(f"<Error><Code>{code}</Code><Message>said</Message></Error>", status)


@pytest.mark.parametrize(
    "act",
    [
        lambda store: store.get(KEY),
        lambda store: store.put_if_absent(KEY, b"one"),
        lambda store: store.replace(KEY, b"one", '"0123"'),
        lambda store: list(store.keys("data")),
    ],
)
def test_a_bucket_that_is_denied_is_an_error_that_says_what_to_grant(
    s3_store: S3Store, aws: StandIn, act: Callable[[Any], object]
) -> None:
    aws.answers.append(s3_error("AccessDenied", 403))
    aws.requests.clear()
    with pytest.raises(StoreError, match=r"s3://inventory/some/prefix/data/.*grant s3:GetObject.* s3:ListBucket"):
        act(s3_store)
    assert len(aws.requests) == 1, "a denied call is not made again"


def test_a_bucket_that_is_not_there_is_an_error_that_says_so(aws: StandIn) -> None:
    store = S3Store.open(boto3.session.Session(), "no-such-bucket", "pools")
    with pytest.raises(StoreError, match="create the bucket, or name another"):
        store.get(KEY)


def test_two_writes_that_meet_are_tried_again(s3_store: S3Store, aws: StandIn) -> None:
    aws.answers.append(in_turn(s3_error("ConditionalRequestConflict", 409)))
    assert s3_store.put_if_absent(KEY, b"one")


def test_a_body_that_breaks_off_is_read_again(s3_store: S3Store, aws: StandIn) -> None:
    s3_store.put_if_absent(KEY, b"one" * 1000)
    aws.answers.append(in_turn(lambda _: cut(b"one" * 1000, at=100, ETag='"0123"'), reset_connection))
    stored = s3_store.get(KEY)
    assert stored is not None
    assert stored.body == b"one" * 1000


def test_a_folder_that_cannot_be_written_is_an_error_that_names_it(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(StoreError, match=r"cannot write .*/file/data/.*: name a folder that can be written to"):
        FolderStore(tmp_path / "file").put_if_absent(KEY, b"one")


def test_a_folder_that_cannot_be_listed_is_an_error_and_not_an_empty_one(tmp_path: Path) -> None:
    (tmp_path / "data").write_text("in the way")
    with pytest.raises(StoreError, match=r"cannot list .*/data"):
        list(FolderStore(tmp_path).keys("data"))


def test_a_folder_holds_nothing_but_what_was_put(tmp_path: Path) -> None:
    store = FolderStore(tmp_path)
    store.put_if_absent(KEY, b"one")
    store.put_if_absent(KEY, b"two")
    first = store.get(KEY)
    assert first is not None
    store.replace(KEY, b"three", first.etag)
    assert [path for path in tmp_path.rglob("*") if path.is_file()] == [tmp_path / KEY]


def test_a_folders_files_are_as_readable_as_any_file_of_the_users(tmp_path: Path) -> None:
    FolderStore(tmp_path).put_if_absent(KEY, b"one")
    (tmp_path / "other").touch()
    assert (tmp_path / KEY).stat().st_mode == (tmp_path / "other").stat().st_mode


def test_a_file_that_is_being_written_is_no_key(tmp_path: Path) -> None:
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / ".0123.part").write_text("half")
    assert list(FolderStore(tmp_path).keys("data")) == []
