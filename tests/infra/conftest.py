"""Four stacks that many tests look at, made once; and what gives the function's runs something to report."""

from collections.abc import Callable

import pytest
from mypy_boto3_s3 import S3Client
from pool_inventory.terminal.demo.stand_in import StandIn, deny
from werkzeug.wrappers import Request, Response

from tests.conftest import BUCKET
from tests.infra.makers import Synthesized

BOUNDARY = "arn:aws:iam::123456789012:policy/teams/boundary"
FORMER_KEY = "arn:aws:kms:us-east-1:123456789012:key/1234abcd-12ab-34cd-56ef-1234567890ab"
TAGS = "team=identity,cost centre=a=b/7"


@pytest.fixture(scope="session")
def by_default(tmp_path_factory: pytest.TempPathFactory) -> Synthesized:
    return Synthesized(tmp_path_factory.mktemp("default"))


@pytest.fixture(scope="session")
def in_a_bucket_of_others(tmp_path_factory: pytest.TempPathFactory) -> Synthesized:
    """With a key of its own too: it encrypts all but what is in the bucket."""
    return Synthesized(tmp_path_factory.mktemp("bucket"), bucketName="inventory-archive", customerManagedKey="yes")


@pytest.fixture(scope="session")
def otherwise(tmp_path_factory: pytest.TempPathFactory) -> Synthesized:
    """Every setting has another value than its default, but for those of a bucket of others."""
    return Synthesized(
        tmp_path_factory.mktemp("otherwise"),
        stackName="Another",
        prefix="audit/pools",
        regions="us-east-1,eu-west-1",
        maxRequestsPerSecond="2.5",
        reserveSeconds="30",
        extraFormats="ndjson,csv",
        eventBus="changes",
        userPoolQuota="10000",
        forgetDays="30",
        regionMetrics="each",
        schedule="rate(6 hours)",
        pythonVersion="3.14",
        architecture="x86_64",
        memoryMb="1024",
        timeoutSeconds="900",
        logRetentionDays="7",
        snapshotExpiryDays="400",
        databaseName="audit",
        queryResultExpiryDays="7",
        alarmEmail="cloud-team@example.com",
        runbookUrl="https://wiki.example.com/pool-inventory",
        dashboard="no",
        customerManagedKey="yes",
        formerKeys=FORMER_KEY,
        readerAccounts="210987654321,012345678901",
        permissionsBoundary=BOUNDARY,
        trustStore="all",
        reservedConcurrency="2",
        tags=TAGS,
        logLevel="DEBUG",
        serviceName="mine",
        metricsNamespace="Mine",
    )


@pytest.fixture(scope="session")
def of_an_organization(tmp_path_factory: pytest.TempPathFactory) -> Synthesized:
    """All accounts but one, with an event bus, and else by default."""
    return Synthesized(
        tmp_path_factory.mktemp("organization"), accounts="organization,-111122223333", eventBus="changes"
    )


@pytest.fixture
def make_trouble(aws: StandIn, s3: S3Client, monkeypatch: pytest.MonkeyPatch) -> Callable[[], None]:
    """Leaves the next run a latest.json that it has to pass by, and a bus that takes no events."""

    def refuse_events(request: Request) -> Response | None:
        return deny(request) if request.headers.get("X-Amz-Target") == "AWSEvents.PutEvents" else None

    def make() -> None:
        s3.put_object(Bucket=BUCKET, Key="user-pools/latest.json", Body=b"{")
        monkeypatch.setenv("INVENTORY_EVENT_BUS", "changes")
        aws.answers.append(refuse_events)

    return make
