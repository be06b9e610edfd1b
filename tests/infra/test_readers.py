"""What the template lets other accounts read."""

import json
import re
from pathlib import Path

import pytest

from tests.infra.makers import ROOT, Resource, Synthesized

READERS = "012345678901,210987654321"
BUCKET = "${Storage/Bucket.Arn}"
PRINCIPAL = {"AWS": [f"arn:${{AWS::Partition}}:iam::{account}:root" for account in READERS.split(",")]}


def allowed(stack: Synthesized) -> list[Resource]:
    """What the bucket's policy allows, less what CDK's order of names says nothing of."""
    (policy,) = stack.of_type("AWS::S3::BucketPolicy").values()
    return [each for each in policy["PolicyDocument"]["Statement"] if each["Effect"] == "Allow"]


def test_readers_get_and_list_the_prefix_and_nothing_else(otherwise: Synthesized) -> None:
    assert allowed(otherwise) == [
        {
            "Sid": "ReadersGetSnapshots",
            "Effect": "Allow",
            "Principal": PRINCIPAL,
            "Action": "s3:GetObject",
            "Resource": f"{BUCKET}/audit/pools/*",
        },
        {
            "Sid": "ReadersListSnapshots",
            "Effect": "Allow",
            "Principal": PRINCIPAL,
            "Action": "s3:ListBucket",
            "Resource": BUCKET,
            "Condition": {"StringLike": {"s3:prefix": "audit/pools/*"}},
        },
        {
            "Sid": "ReadersLocateBucket",
            "Effect": "Allow",
            "Principal": PRINCIPAL,
            "Action": "s3:GetBucketLocation",
            "Resource": BUCKET,
        },
    ]


def test_readers_may_decrypt_through_s3_alone(otherwise: Synthesized) -> None:
    *_, readers = otherwise.of_type("AWS::KMS::Key")["Key"]["KeyPolicy"]["Statement"]
    assert readers == {
        "Sid": "ReadersDecryptSnapshots",
        "Effect": "Allow",
        "Principal": PRINCIPAL,
        "Action": "kms:Decrypt",
        "Resource": "*",
        "Condition": {"StringEquals": {"kms:ViaService": "s3.${AWS::Region}.amazonaws.com"}},
    }


@pytest.mark.parametrize("stack", ["by_default", "in_a_bucket_of_others"])
def test_nobody_reads_unless_told(request: pytest.FixtureRequest, stack: str) -> None:
    template = json.dumps(request.getfixturevalue(stack).template)
    assert "Readers" not in template


def test_readers_of_a_stack_without_a_key_need_none(tmp_path: Path) -> None:
    stack = Synthesized(tmp_path, readerAccounts=READERS)
    assert len(allowed(stack)) == 3
    assert "kms:" not in json.dumps(stack.of_type("AWS::S3::BucketPolicy"))


def test_the_page_has_what_the_stack_writes(tmp_path: Path) -> None:
    page = ROOT.joinpath("docs/reading.md").read_text(encoding="utf-8").partition("### From another account")[2]
    (block,) = re.findall(r"(?ms)^```json\n(.*?)^```$", page)
    block = block.replace("arn:aws:s3:::my-inventory", BUCKET).replace("arn:aws:", "arn:${AWS::Partition}:")
    assert json.loads(block) == allowed(Synthesized(tmp_path, readerAccounts="210987654321"))
