import json
import re
from dataclasses import replace
from pathlib import Path

import boto3
import pytest
from pool_inventory.errors import RefusedError, StoreError
from pool_inventory.stores.s3 import S3Store
from pool_inventory.terminal.demo.stand_in import Answer, StandIn, reset_connection
from werkzeug.wrappers import Response

from tests import tls
from tests.conftest import BUCKET
from tests.makers import s3_error
from tests.stores.acts import ACTS, KEY, READS, WRITES, Act

KMS_KEY = "arn:aws:kms:us-east-1:123456789012:key/0123-abcd"


def denial(action: str, why: str) -> str:
    """IAM's text: https://docs.aws.amazon.com/IAM/latest/UserGuide/troubleshoot_access-denied.html."""
    return (
        "User: arn:aws:sts::123456789012:assumed-role/pool-inventory/run is not authorized to perform: "
        f"{action} on resource: &quot;arn:aws:s3:::inventory/some/prefix/{KEY}&quot; {why}"
    )


def failure(store: S3Store, act: Act) -> StoreError:
    with pytest.raises(StoreError) as caught:
        act(store)
    text = str(caught.value)
    assert f"s3://{BUCKET}/some/prefix/data" in text
    assert text.isprintable()
    assert len(text) < 2000
    return caught.value


@pytest.mark.parametrize("act", ACTS)
def test_a_denial_is_an_error_that_says_what_to_grant(s3_store: S3Store, aws: StandIn, act: str) -> None:
    aws.answers.append(s3_error("AccessDenied", 403))
    aws.requests.clear()
    error = failure(s3_store, ACTS[act])
    assert isinstance(error, RefusedError)
    assert re.search(r"grant s3:GetObject.* s3:ListBucket on arn:aws:s3:::inventory", str(error))
    assert ("s3:PutObject" in str(error)) is (act in WRITES)
    assert len(aws.requests) == 1, "a denied call is not made again"


@pytest.mark.parametrize(
    "policy",
    [
        "an identity-based policy",
        "a service control policy",
        "a resource control policy",
        "a session policy",
        "a permissions boundary",
        "a VPC endpoint policy",
        "a service control policy: arn:aws:organizations::123456789012:policy/o-1/service_control_policy/p-1",
    ],
)
@pytest.mark.parametrize("act", ACTS)
def test_an_explicit_deny_is_not_answered_by_a_grant(s3_store: S3Store, aws: StandIn, act: str, policy: str) -> None:
    aws.answers.append(s3_error("AccessDenied", 403, denial("s3:any", f"with an explicit deny in {policy}")))
    advice = str(failure(s3_store, ACTS[act])).rpartition(f"explicit deny in {policy}: ")[2]
    assert policy.partition(":")[0].partition(" ")[2] in advice
    assert "outweighs every grant" in advice


@pytest.mark.parametrize("policy", ["identity-based policy", "VPC endpoint policy", "permissions boundary"])
def test_the_policy_that_lacks_a_grant_is_named(s3_store: S3Store, aws: StandIn, policy: str) -> None:
    why = f"because no {policy} allows the s3:PutObject action"
    aws.answers.append(s3_error("AccessDenied", 403, denial("s3:PutObject", why)))
    assert f": in the {policy}, grant s3:GetObject and s3:PutObject on " in str(failure(s3_store, WRITES["put"]))


@pytest.mark.parametrize("act", READS)
def test_a_bucket_policy_that_denies_reading_is_reported(s3_store: S3Store, aws: StandIn, act: str) -> None:
    why = denial("s3:any", "with an explicit deny in a resource-based policy")
    aws.answers.append(s3_error("AccessDenied", 403, why))
    text = str(failure(s3_store, READS[act]))
    assert "the bucket's policy denies it" in text
    assert "INVENTORY_ENCRYPTION" not in text


def demand(header: str, value: str) -> Answer:
    """Denies each write without a header, as a bucket's policy does."""
    why = denial("s3:PutObject", "with an explicit deny in a resource-based policy")
    deny = s3_error("AccessDenied", 403, why)
    return lambda request: deny(request) if request.method == "PUT" and request.headers.get(header) != value else None


def test_a_denial_for_want_of_an_acl_says_that_none_is_sent(aws: StandIn) -> None:
    """It reads as a denial for want of encryption does, but setting one does not help."""
    aws.answers.append(demand("x-amz-acl", "bucket-owner-full-control"))
    store = S3Store.open(boto3.session.Session(), BUCKET, "some/prefix", "AES256")
    text = str(failure(store, WRITES["put_if_absent"]))
    assert "(now: AES256)" in text
    assert "for an ACL (x-amz-acl), which is never sent, change the policy" in text


@pytest.mark.parametrize(
    ("code", "status", "message"),
    [
        ("KMS.DisabledException", 400, f"{KMS_KEY} is disabled."),
        ("KMS.NotFoundException", 400, f"Key &apos;{KMS_KEY}&apos; does not exist"),
        ("KMS.KMSInvalidStateException", 400, f"{KMS_KEY} is pending deletion."),
        ("AccessDenied", 403, denial("kms:any", "").replace(f"arn:aws:s3:::inventory/some/prefix/{KEY}", KMS_KEY)),
    ],
)
@pytest.mark.parametrize("act", ["get", *WRITES])
def test_a_key_that_cannot_be_used_is_named(
    s3_store: S3Store, aws: StandIn, act: str, code: str, status: int, message: str
) -> None:
    aws.answers.append(s3_error(code, status, message))
    aws.requests.clear()
    error = failure(s3_store, ACTS[act])
    assert isinstance(error, RefusedError)
    actions = "kms:GenerateDataKey and kms:Decrypt" if act in WRITES else "kms:Decrypt"
    assert f"see that the key {KMS_KEY} is enabled, and grant {actions} on it" in str(error)
    assert len(aws.requests) == 1


def test_a_key_is_named_by_the_header_or_by_the_setting(s3_store: S3Store, aws: StandIn) -> None:
    header = {"x-amz-server-side-encryption-aws-kms-key-id": KMS_KEY}
    body = "<Error><Code>KMS.DisabledException</Code><Message>The key is disabled</Message></Error>"
    aws.answers.append(lambda _: Response(body, 400, headers=header))
    assert f"the key {KMS_KEY} is enabled" in str(failure(s3_store, READS["get"]))
    aws.answers[:] = [lambda _: Response(body, 400)]
    assert f"the key {KMS_KEY} is" in str(failure(replace(s3_store, encryption=KMS_KEY), WRITES["put"]))
    assert "the key that encrypts it is" in str(failure(s3_store, WRITES["put"]))


@pytest.mark.parametrize("policy", ["a resource-based policy", "a service control policy"])
def test_a_key_s_denial_is_not_answered_by_a_grant(s3_store: S3Store, aws: StandIn, policy: str) -> None:
    why = denial("kms:Decrypt", f"with an explicit deny in {policy}")
    aws.answers.append(s3_error("AccessDenied", 403, why))
    whose = "the key's own policy" if "resource" in policy else policy
    assert f"{whose} denies the use of the key" in str(failure(s3_store, READS["get"]))


@pytest.mark.parametrize(
    ("code", "status", "refused"),
    [
        ("InvalidObjectState", 403, True),
        ("InvalidRequest", 400, True),
        ("KMS.ThrottlingException", 400, False),
        ("ExpiredToken", 400, False),
        ("InvalidAccessKeyId", 403, False),
        ("RequestTimeTooSkewed", 403, False),
        ("NoSuchBucket", 404, False),
    ],
)
@pytest.mark.parametrize("act", ["get", "put"])
def test_only_a_permanent_refusal_is_a_refused_error(
    s3_store: S3Store, aws: StandIn, act: str, code: str, status: int, *, refused: bool
) -> None:
    aws.answers.append(s3_error(code, status))
    assert isinstance(failure(s3_store, ACTS[act]), RefusedError) is refused


def test_an_archived_object_is_reported_as_archived(s3_store: S3Store, aws: StandIn) -> None:
    aws.answers.append(s3_error("InvalidObjectState", 403, "not valid for the object&apos;s storage class"))
    assert str(failure(s3_store, READS["get"])).endswith("it is archived: restore it (s3:RestoreObject), or delete it")


def test_a_text_of_megabytes_is_cut_and_made_printable(s3_store: S3Store, aws: StandIn) -> None:
    aws.answers.append(s3_error("AccessDenied", 403, "\u009b31m\u202e\n" + "x" * 3_000_000))
    assert "\\x9b31m\\u202e" in str(failure(s3_store, READS["get"]))


def hand_out(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, command: str) -> None:
    config = tmp_path / "config"
    config.write_text(f"[default]\ncredential_process = {command}\n")
    monkeypatch.setenv("AWS_CONFIG_FILE", str(config))
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.delenv(name)


EXPIRED = json.dumps({"Version": 1, "AccessKeyId": "a", "SecretAccessKey": "b", "Expiration": "2020-01-01T00:00:00Z"})


@pytest.mark.parametrize("act", ["get", "put"])
@pytest.mark.parametrize(
    "command",
    [f"echo '{EXPIRED}'", "echo no JSON", "false", "/no/such/program", ""],
    ids=["expired", "no JSON", "fails", "is not there", "none"],
)
def test_missing_credentials_are_an_error_that_says_so(
    aws: StandIn, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, command: str, act: str
) -> None:
    hand_out(monkeypatch, tmp_path, command)
    if not command:
        (tmp_path / "config").unlink()
    with pytest.raises(StoreError, match="log in") as caught:
        ACTS[act](S3Store.open(boto3.session.Session(), BUCKET, "some/prefix"))
    assert not isinstance(caught.value, RefusedError)
    assert "network" not in str(caught.value)
    assert str(caught.value).isprintable()


def test_a_network_failure_is_an_error_that_says_so(s3_store: S3Store, aws: StandIn) -> None:
    aws.answers.append(reset_connection)
    assert "check the network between here and S3" in str(failure(s3_store, READS["get"]))


def test_a_root_that_is_not_trusted_is_named_as_such(
    aws: StandIn, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with tls.serve(aws, tmp_path) as endpoint:
        monkeypatch.setenv("AWS_ENDPOINT_URL", endpoint.url)
        store = S3Store.open(boto3.session.Session(), BUCKET, "some/prefix")
        text = str(failure(store, READS["get"]))
    assert "deploy with -c trustStore=FILE, or set AWS_CA_BUNDLE=FILE in a terminal" in text
    assert "check the network" not in text


LOG_IN_AGAIN = "log in again, as with `aws sso login`"
WRONG_KEY = "the access key is not, or no longer, there: use another key, or another profile or role"
TRY_LATER = "S3 is busy or has trouble, try again later"
REMEDIES = {
    "ExpiredToken": (400, LOG_IN_AGAIN),
    "TokenRefreshRequired": (400, LOG_IN_AGAIN),
    "InvalidAccessKeyId": (403, WRONG_KEY),
    "SignatureDoesNotMatch": (403, f"check the credentials: {LOG_IN_AGAIN}"),
    "NoSuchBucket": (404, "create the bucket, or name another: look for a slip in its name"),
    "AccessDenied": (403, f"s3:ListBucket on arn:aws:s3:::{BUCKET}"),
    "SlowDown": (503, TRY_LATER),
    "InternalError": (500, TRY_LATER),
}


@pytest.mark.parametrize("act", READS)
@pytest.mark.parametrize("code", REMEDIES)
def test_an_error_of_s3_says_what_helps(s3_store: S3Store, aws: StandIn, code: str, act: str) -> None:
    status, remedy = REMEDIES[code]
    aws.answers.append(s3_error(code, status, "The text ends with a stop."))
    text = str(failure(s3_store, READS[act]))
    assert remedy in text
    assert "stop: " in text  # and not .:
    assert "network" not in text


def elsewhere(code: str, status: int, region: str | None, said: str = "") -> Answer:
    """S3's answer for a bucket of another region, which is in a header, or in the text; moto answers HeadBucket."""
    headers = {"x-amz-bucket-region": region} if region else {}
    body = f"<Error><Code>{code}</Code><Message>Not here</Message>{said}</Error>"
    return lambda request: None if request.method == "HEAD" else Response(body, status, headers=headers)


@pytest.mark.parametrize(
    ("answer", "remedy"),
    [
        (elsewhere("PermanentRedirect", 301, "eu-west-1"), "the bucket is in eu-west-1: set AWS_REGION=eu-west-1"),
        (
            elsewhere("PermanentRedirect", 301, None),
            "in another region: set AWS_REGION to the one that `aws s3api get",
        ),
        (
            elsewhere("AuthorizationHeaderMalformed", 400, None, "<Region>eu-west-1</Region>"),
            "the bucket is in eu-west-1: set AWS_REGION=eu-west-1",
        ),
        (elsewhere("IllegalLocationConstraintException", 400, None), "the bucket is in another region"),
    ],
)
@pytest.mark.parametrize("act", READS)
def test_a_bucket_of_another_region_is_named_with_it(
    s3_store: S3Store, aws: StandIn, act: str, answer: Answer, remedy: str
) -> None:
    aws.answers.append(answer)
    text = str(failure(s3_store, READS[act]))
    assert remedy in text
    assert "no endpoint of another" in text


def test_a_missing_bucket_is_an_error_that_says_so(aws: StandIn) -> None:
    store = S3Store.open(boto3.session.Session(), "no-such-bucket", "pools")
    with pytest.raises(StoreError, match="create the bucket, or name another"):
        store.get(KEY)
