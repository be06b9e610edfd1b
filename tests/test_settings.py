import pytest
from pool_inventory.errors import SettingsError
from pool_inventory.settings import VARIABLES, Settings

REQUIRED = {"INVENTORY_BUCKET": "inventory"}


def test_a_bucket_is_all_that_must_be_set() -> None:
    expected = Settings(
        bucket="inventory",
        prefix="user-pools",
        regions="enabled",
        max_requests_per_second=10,
        reserve_seconds=20,
        extra_formats=(),
        event_bus=None,
        user_pool_quota=1000,
        region_metrics="each",
        encryption=None,
        forget_days=90,
        accept_denied=(),
        service_name="pool-inventory",
        metrics_namespace="PoolInventory",
        log_level="INFO",
    )
    assert expected == Settings.from_environment(REQUIRED)


def test_a_missing_bucket_is_named() -> None:
    with pytest.raises(SettingsError, match="INVENTORY_BUCKET is not set"):
        Settings.from_environment({})


def test_listed_regions_are_kept_once_each_and_sorted() -> None:
    settings = Settings.from_environment({**REQUIRED, "INVENTORY_REGIONS": "us-east-1, eu-west-1,us-east-1"})
    assert settings.regions == ("eu-west-1", "us-east-1")


@pytest.mark.parametrize(
    "bus", ["default", "partner/events.example", "arn:aws-us-gov:events:us-gov-west-1:123456789012:event-bus/mine"]
)
def test_a_bus_is_named_or_given_by_its_arn(bus: str) -> None:
    assert Settings.from_environment({**REQUIRED, "INVENTORY_EVENT_BUS": bus}).event_bus == bus


def test_extra_formats_are_kept_once_each_and_sorted() -> None:
    settings = Settings.from_environment({**REQUIRED, "INVENTORY_EXTRA_FORMATS": "ndjson, csv,csv"})
    assert settings.extra_formats == ("csv", "ndjson")


def test_the_metrics_of_each_region_may_be_daily() -> None:
    assert Settings.from_environment({**REQUIRED, "INVENTORY_REGION_METRICS": "daily"}).region_metrics == "daily"


@pytest.mark.parametrize("encryption", ["AES256", "arn:aws-cn:kms:cn-north-1:123456789012:key/mrk-0123abcd"])
def test_encryption_is_aes256_or_a_keys_arn(encryption: str) -> None:
    assert Settings.from_environment({**REQUIRED, "INVENTORY_ENCRYPTION": encryption}).encryption == encryption


def test_a_pace_of_0_is_no_pace_and_other_variables_are_not_ours() -> None:
    settings = Settings.from_environment(
        {**REQUIRED, "INVENTORY_MAX_REQUESTS_PER_SECOND": "0", "INVENTORY_OF": "a shop"}
    )
    assert settings.max_requests_per_second == 0


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("INVENTORY_BUCKET", ""),
        ("INVENTORY_BUCKET", "Upper"),
        ("INVENTORY_BUCKET", "s3://inventory"),
        ("INVENTORY_PREFIX", ""),
        ("INVENTORY_PREFIX", "/pools"),
        ("INVENTORY_PREFIX", "pools/"),
        ("INVENTORY_PREFIX", "a//b"),
        ("INVENTORY_PREFIX", "team-*"),
        ("INVENTORY_REGIONS", ""),
        ("INVENTORY_REGIONS", "us-east-1,,eu-west-1"),
        ("INVENTORY_REGIONS", "US-EAST-1"),
        ("INVENTORY_REGIONS", "enabled,us-east-1"),
        ("INVENTORY_MAX_REQUESTS_PER_SECOND", "-1"),
        ("INVENTORY_MAX_REQUESTS_PER_SECOND", "fast"),
        ("INVENTORY_MAX_REQUESTS_PER_SECOND", "nan"),
        ("INVENTORY_MAX_REQUESTS_PER_SECOND", "inf"),
        ("INVENTORY_RESERVE_SECONDS", "-0.1"),
        ("INVENTORY_RESERVE_SECONDS", ""),
        ("INVENTORY_USER_POOL_QUOTA", "0"),
        ("INVENTORY_USER_POOL_QUOTA", "1e3"),
        ("INVENTORY_REGION_METRICS", "hourly"),
        ("INVENTORY_REGION_METRICS", ""),
        ("INVENTORY_ENCRYPTION", "aes256"),
        ("INVENTORY_ENCRYPTION", "aws:kms"),
        ("INVENTORY_ENCRYPTION", "arn:aws:kms:us-east-1:123456789012:alias/mine"),
        ("INVENTORY_FORGET_DAYS", "0"),
        ("INVENTORY_FORGET_DAYS", "1.5"),
        ("INVENTORY_ACCEPT_DENIED", "SCP"),
        ("INVENTORY_ACCEPT_DENIED", "scp,"),
        ("INVENTORY_ACCEPT_DENIED", "Europe"),
        ("INVENTORY_EXTRA_FORMATS", "parquet"),
        ("INVENTORY_EXTRA_FORMATS", "csv,"),
        ("INVENTORY_EVENT_BUS", "my bus"),
        ("INVENTORY_EVENT_BUS", "arn:aws:events:us-east-1:123456789012:rule/mine"),
        ("INVENTORY_EVENT_BUS", "arn:aws:events:us-east-1:١٢٣٤٥٦٧٨٩٠١٢:event-bus/mine"),
        ("INVENTORY_ENCRYPTION", "arn:aws:kms:us-east-1:١٢٣٤٥٦٧٨٩٠١٢:key/mine"),
        ("POWERTOOLS_SERVICE_NAME", ""),
        ("POWERTOOLS_SERVICE_NAME", "Köln"),
        ("POWERTOOLS_METRICS_NAMESPACE", "AWS/Cognito"),
        ("POWERTOOLS_LOG_LEVEL", "LOUD"),
    ],
)
def test_a_wrong_value_is_an_error_with_its_variable_and_value(name: str, value: str) -> None:
    with pytest.raises(SettingsError) as caught:
        Settings.from_environment({**REQUIRED, name: value})
    assert f"{name}={value!r}: " in str(caught.value)


def test_each_default_is_a_valid_value() -> None:
    for variable in VARIABLES:
        if variable.default is not None:
            variable.parse(variable.default)
