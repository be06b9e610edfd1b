import base64
import hashlib

import boto3
import pytest
from mypy_boto3_s3 import S3Client
from pool_inventory import __version__
from pool_inventory.stores.s3 import S3Store
from pool_inventory.terminal.demo.stand_in import StandIn, cut, in_turn, reset_connection

from tests.conftest import BUCKET
from tests.makers import s3_error
from tests.stores.acts import KEY, WRITES
from tests.stores.test_refusals import KMS_KEY, demand, elsewhere, failure


def test_more_keys_than_a_page_has_are_all_listed(s3_store: S3Store) -> None:
    for number in range(1003):
        s3_store.client.put_object(Bucket=BUCKET, Key=f"some/prefix/data/{number:05d}")
    assert len(list(s3_store.keys("data"))) == 1003


def test_each_put_sends_its_sha_256(s3_store: S3Store, aws: StandIn) -> None:
    s3_store.put_if_absent(KEY, b"one")
    sent = next(request for request in aws.requests if request.method == "PUT")
    assert sent.headers["x-amz-checksum-sha256"] == base64.b64encode(hashlib.sha256(b"one").digest()).decode()
    assert sent.headers["x-amz-sdk-checksum-algorithm"] == "SHA256", "a bucket with Object Lock asks for it"
    assert "Content-MD5" not in sent.headers
    assert sent.headers["If-None-Match"] == "*"


def test_keys_are_under_the_prefix_and_nowhere_else(s3_store: S3Store, s3: S3Client) -> None:
    s3_store.put_if_absent(KEY, b"one")
    assert [each["Key"] for each in s3.list_objects_v2(Bucket=BUCKET)["Contents"]] == [f"some/prefix/{KEY}"]
    assert s3_store.full_key(KEY) == f"some/prefix/{KEY}"
    assert s3_store.address(KEY) == f"s3://{BUCKET}/some/prefix/{KEY}"
    assert s3_store.bucket == f"arn:aws:s3:::{BUCKET}"


@pytest.mark.parametrize(
    ("encryption", "header", "value"),
    [
        ("AES256", "x-amz-server-side-encryption", "AES256"),
        (KMS_KEY, "x-amz-server-side-encryption", "aws:kms"),
        (KMS_KEY, "x-amz-server-side-encryption-aws-kms-key-id", KMS_KEY),
    ],
)
def test_a_bucket_that_demands_encryption_gets_it(aws: StandIn, encryption: str, header: str, value: str) -> None:
    aws.answers.append(demand(header, value))
    session = boto3.session.Session()
    text = str(failure(S3Store.open(session, BUCKET, "some/prefix"), WRITES["put"]))
    assert "the bucket's policy denies it, which no grant outweighs" in text
    assert "set INVENTORY_ENCRYPTION or --encryption to AES256 or to the KMS key's ARN (now: none)" in text
    assert "x-amz-acl" in text
    store = S3Store.open(session, BUCKET, "some/prefix", encryption)
    assert store.put_if_absent(KEY, b"one")
    stored = store.get(KEY)
    assert stored is not None
    assert store.replace(KEY, b"two", stored.etag)
    store.put(KEY, b"three")


def test_s3_is_followed_to_the_buckets_region(s3_store: S3Store, aws: StandIn) -> None:
    s3_store.put(KEY, b"one")
    aws.answers.append(in_turn(elsewhere("PermanentRedirect", 301, "eu-west-1")))
    found = s3_store.get(KEY)
    assert found is not None
    assert "/eu-west-1/s3/" in aws.requests[-1].headers["Authorization"]


def test_requests_to_s3_name_the_program_in_the_user_agent(s3_store: S3Store, aws: StandIn) -> None:
    s3_store.get(KEY)
    assert f"pool-inventory/{__version__}" in aws.requests[-1].headers["User-Agent"]


def test_two_writes_that_meet_are_tried_again(s3_store: S3Store, aws: StandIn) -> None:
    aws.answers.append(in_turn(s3_error("ConditionalRequestConflict", 409)))
    assert s3_store.put_if_absent(KEY, b"one")


def test_a_body_that_breaks_off_is_read_again(s3_store: S3Store, aws: StandIn) -> None:
    s3_store.put_if_absent(KEY, b"one" * 1000)
    aws.answers.append(in_turn(lambda _: cut(b"one" * 1000, at=100, ETag='"0123"'), reset_connection))
    stored = s3_store.get(KEY)
    assert stored is not None
    assert stored.body == b"one" * 1000
