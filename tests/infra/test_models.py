"""botocore's data as the bundle has it: enough for what the function calls, and no more."""

import ast
import json
import shutil
from pathlib import Path
from typing import Any

import boto3
import botocore
import pytest
from botocore import xform_name
from botocore.loaders import Loader
from botocore.session import Session
from pool_inventory.terminal.demo.stand_in import StandIn, seed

from infra.bundle import bundle, models
from infra.errors import BundleError
from tests.conftest import BUCKET
from tests.infra.makers import ROOT
from tests.makers import any_pools

WHOLE = Path(botocore.__file__).with_name("data")
# What botocore calls by itself, to follow a bucket to its region.
BOTOCORES_OWN = {"s3": {"HeadBucket"}}
# What is called in a module of the function's by the terminal alone.
TERMINALS_OWN = {"sts": {"GetCallerIdentity"}}


@pytest.fixture(scope="session")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The installed botocore's data, cut; and one service more, which is to go."""
    folder = tmp_path_factory.mktemp("data")
    for service in (*models.OPERATIONS, "sqs"):
        shutil.copytree(WHOLE / service, folder / service)
    for file in WHOLE.glob("*.json"):
        shutil.copy(file, folder)
    models.cut(folder)
    return folder


@pytest.fixture
def session(aws: StandIn, data: Path) -> boto3.session.Session:
    """One that has nothing but the cut data."""
    session = Session()
    session.register_component("data_loader", Loader([str(data)], include_default_search_paths=False))
    return boto3.session.Session(botocore_session=session)


def attributes_in_the_program() -> set[str]:
    """The name of each attribute in the modules that the function carries, operations of clients among them."""
    package = ROOT / "lambda" / "pool_inventory"
    carried = [
        path for path in package.rglob("*.py") if path.relative_to(package).parts[0] not in bundle.TERMINAL_PARTS
    ]
    nodes = (node for path in carried for node in ast.walk(ast.parse(path.read_bytes())))
    return {node.attr for node in nodes if isinstance(node, ast.Attribute)}


@pytest.mark.parametrize("service", models.OPERATIONS)
def test_the_operations_are_those_that_the_program_calls(service: str) -> None:
    """A call that is added has to be added to infra.bundle.models, and one that goes has to go there."""
    known = Loader().load_service_model(service, "service-2")["operations"]
    used = attributes_in_the_program()
    called = {name for name in known if xform_name(name) in used}
    assert models.OPERATIONS[service] == called - TERMINALS_OWN.get(service, set()) | BOTOCORES_OWN.get(service, set())


def test_nothing_else_is_left(data: Path) -> None:
    left = {path.relative_to(data).as_posix() for path in data.rglob("*") if path.is_file()}
    assert left == {
        "_retry.json",
        "account/2021-02-01/endpoint-rule-set-1.json.gz",
        "account/2021-02-01/service-2.json",
        "cognito-idp/2016-04-18/endpoint-rule-set-1.json.gz",
        "cognito-idp/2016-04-18/service-2.json",
        "endpoints.json",
        "events/2015-10-07/endpoint-rule-set-1.json.gz",
        "events/2015-10-07/service-2.json",
        "organizations/2016-11-28/endpoint-rule-set-1.json.gz",
        "organizations/2016-11-28/service-2.json",
        "partitions.json",
        "s3/2006-03-01/endpoint-rule-set-1.json.gz",
        "s3/2006-03-01/service-2.json",
        "s3/2006-03-01/service-2.sdk-extras.json",
        "sdk-default-configuration.json",
        "sts/2011-06-15/endpoint-rule-set-1.json.gz",
        "sts/2011-06-15/service-2.json",
    }
    assert sum(path.stat().st_size for path in data.rglob("*") if path.is_file()) < 180_000


def test_the_shapes_that_are_left_are_whole(data: Path) -> None:
    model = json.loads(data.joinpath("cognito-idp/2016-04-18/service-2.json").read_text())
    assert set(model["operations"]) == {"ListUserPools"}
    assert {"ListUserPoolsRequest", "UserPoolDescriptionType", "InvalidParameterException"} <= set(model["shapes"])
    assert "CreateUserPoolRequest" not in model["shapes"]


def test_clients_of_what_is_left_call_all_that_is_called(session: boto3.session.Session, aws: StandIn) -> None:
    seed("us-east-1", any_pools(2))
    listed = session.client("cognito-idp").list_user_pools(MaxResults=60)
    assert len(listed["UserPools"]) == 2
    s3 = session.client("s3")
    s3.put_object(Bucket=BUCKET, Key="a", Body=b"text", ChecksumAlgorithm="SHA256", IfNoneMatch="*")
    assert s3.get_object(Bucket=BUCKET, Key="a")["Body"].read() == b"text"
    assert [each["Key"] for each in s3.list_objects_v2(Bucket=BUCKET)["Contents"]] == ["a"]
    s3.head_bucket(Bucket=BUCKET)
    events: Any = [{"Source": "us", "DetailType": "any", "Detail": "{}"}]
    assert session.client("events").put_events(Entries=events)["FailedEntryCount"] == 0
    assert session.client("account").list_regions()["Regions"]


def test_errors_are_of_the_types_that_they_were(session: boto3.session.Session) -> None:
    assert session.client("cognito-idp").exceptions.InvalidParameterException
    with pytest.raises(session.client("s3").exceptions.NoSuchKey):
        session.client("s3").get_object(Bucket=BUCKET, Key="none")


def test_the_regions_are_those_of_the_whole_data(session: boto3.session.Session) -> None:
    whole = boto3.session.Session()
    partitions = whole.get_available_partitions()
    assert session.get_available_partitions() == partitions
    for partition in partitions:
        known = [each.get_available_regions("cognito-idp", partition) for each in (session, whole)]
        assert known[0] == known[1]


def test_an_operation_that_the_pinned_sdk_lacks_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    shutil.copytree(WHOLE / "account", tmp_path / "account")
    monkeypatch.setattr(models, "OPERATIONS", {"account": frozenset({"ListRegions", "ListMoons"})})
    with pytest.raises(BundleError, match="account has no operation ListMoons: see OPERATIONS in infra/bundle/models"):
        models.cut(tmp_path)
