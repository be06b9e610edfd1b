"""What docs/hardening.md says of removing all that a stack leaves, done as it says."""

import re
import subprocess
from textwrap import dedent

import pytest
from mypy_boto3_s3 import S3Client

from tests.conftest import BUCKET
from tests.infra.makers import ROOT, Synthesized

PAGE = ROOT / "docs" / "hardening.md"


def test_the_bucket_goes_with_each_version_of_what_is_in_it(s3: S3Client) -> None:
    s3.put_bucket_versioning(Bucket=BUCKET, VersioningConfiguration={"Status": "Enabled"})
    for key in ("user-pools/latest.json", "user-pools/latest.json", "_athena/result.csv"):
        s3.put_object(Bucket=BUCKET, Key=key, Body=b"{}")
    s3.delete_object(Bucket=BUCKET, Key="_athena/result.csv")
    (snippet,) = re.findall(r"```sh\n(.*?)```", PAGE.read_text(), re.DOTALL)
    subprocess.run(  # noqa: S603 - the page's own snippet
        ["/bin/sh", "-ec", dedent(snippet.replace("BUCKET", BUCKET))], cwd=ROOT, check=True
    )
    assert s3.list_buckets()["Buckets"] == []


@pytest.mark.parametrize("stack", ["by_default", "otherwise"])
def test_what_the_page_says_stays_is_what_stays(request: pytest.FixtureRequest, stack: str) -> None:
    synthesized: Synthesized = request.getfixturevalue(stack)
    kept = {path for path, resource in synthesized.resources.items() if "Retain" in resource.get("DeletionPolicy", "")}
    assert kept - {"Key"} == {"Storage/Bucket", "Storage/Bucket/Policy"}
    assert ("Key" in kept) == bool(synthesized.of_type("AWS::KMS::Key"))
