import pytest
from pool_inventory.aws.regions import partition_of, sdk_regions


def test_the_regions_are_those_of_each_partition() -> None:
    regions = sdk_regions()
    assert (regions["us-east-1"], regions["us-gov-west-1"], regions["cn-north-1"]) == ("aws", "aws-us-gov", "aws-cn")


def test_an_endpoint_of_a_whole_partition_is_no_region() -> None:
    assert [each for each in sdk_regions() if each.endswith("-global")] == []


@pytest.mark.parametrize(
    ("region", "partition"),
    [
        ("eu-west-1", "aws"),
        ("us-gov-east-1", "aws-us-gov"),
        ("eu-west-99", "aws"),
        ("us-gov-south-9", "aws-us-gov"),
        ("cn-south-9", "aws-cn"),
        ("nowhere", "aws"),
    ],
)
def test_a_region_that_the_sdk_lacks_has_a_partition_too(region: str, partition: str) -> None:
    assert partition_of(region) == partition
