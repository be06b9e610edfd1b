import boto3
import pytest
from pool_inventory.stores.s3 import S3Store
from pool_inventory.terminal.demo.stand_in import StandIn

from tests.conftest import BUCKET


@pytest.fixture
def s3_store(aws: StandIn) -> S3Store:
    return S3Store.open(boto3.session.Session(), BUCKET, "some/prefix")
