import pytest
from hypothesis import given
from hypothesis import strategies as st
from pool_inventory.errors import InventoryError, SettingsError
from pool_inventory.settings import SERVICE_NAME

from infra.bundle import interpreter
from infra.options import context
from infra.options.deploy_settings import DEPLOY_VARIABLES, FUNCTION_VARIABLES
from tests.infra.makers import any_context, any_settings

KEY = "arn:aws:kms:us-east-1:123456789012:key/mrk-1234abcd12ab34cd56ef1234567890ab"
ANOTHER_KEY = "arn:aws:kms:us-east-1:123456789012:key/1234abcd-12ab-34cd-56ef-1234567890ab"


def test_the_defaults_are_taken_and_every_setting_has_one() -> None:
    any_settings()
    assert set(any_context()) == {variable.name for variable in DEPLOY_VARIABLES} | set(FUNCTION_VARIABLES)


# Where a default deploy differs from the function: docs/cost.md says what a metric for each region costs.
OTHERWISE = {"regionMetrics": "daily"}


@pytest.mark.parametrize("name", [name for name in FUNCTION_VARIABLES if name not in OTHERWISE])
def test_the_deploys_defaults_are_the_functions_own(name: str) -> None:
    assert str(any_context()[name]) == FUNCTION_VARIABLES[name].default


def test_a_default_deploy_sends_region_metrics_daily() -> None:
    """docs/cost.md says what a metric for each region costs."""
    assert {name: any_context()[name] for name in OTHERWISE} == OTHERWISE


def test_the_environment_has_the_functions_python_version() -> None:
    assert interpreter.minor_of(any_settings().python_version) == interpreter.FOR_ENVIRONMENT[0]


def test_texts_and_numbers_in_the_context_mean_the_same() -> None:
    """`-c` gives texts, a file gives numbers."""
    texts = {name: str(value) for name, value in any_context().items()}
    assert context.read(texts) == any_settings()


def test_the_function_is_told_each_of_its_settings() -> None:
    settings = any_settings(
        prefix="a/b",
        regions="us-east-1,eu-west-1",
        maxRequestsPerSecond="2.5",
        reserveSeconds=30,
        extraFormats="ndjson, csv",
        eventBus="mine",
        userPoolQuota="10000",
        regionMetrics="each",
        bucketName="of-others",
        encryption=KEY,
        forgetDays=30,
        serviceName="mine",
        metricsNamespace="Mine/All",
        logLevel="DEBUG",
    )
    assert settings.environment == {
        "INVENTORY_PREFIX": "a/b",
        "INVENTORY_REGIONS": "us-east-1,eu-west-1",
        "INVENTORY_MAX_REQUESTS_PER_SECOND": "2.5",
        "INVENTORY_RESERVE_SECONDS": "30",
        "INVENTORY_EXTRA_FORMATS": "ndjson, csv",
        "INVENTORY_EVENT_BUS": "mine",
        "INVENTORY_USER_POOL_QUOTA": "10000",
        "INVENTORY_REGION_METRICS": "each",
        "INVENTORY_ENCRYPTION": KEY,
        "INVENTORY_FORGET_DAYS": "30",
        "POWERTOOLS_SERVICE_NAME": "mine",
        "POWERTOOLS_METRICS_NAMESPACE": "Mine/All",
        "POWERTOOLS_LOG_LEVEL": "DEBUG",
    }


def test_the_function_is_not_told_of_what_is_set_to_nothing() -> None:
    settings = any_settings(extraFormats="", eventBus="", encryption="")
    unset = {"INVENTORY_EXTRA_FORMATS", "INVENTORY_EVENT_BUS", "INVENTORY_ENCRYPTION"}
    assert not unset & set(settings.environment)
    assert settings.event_bus is None
    assert settings.encryption is None


@pytest.mark.parametrize(
    ("stack_name", "service"),
    [
        ("PoolInventory", "pool-inventory"),
        ("Second", "pool-inventory/Second"),
        ("pool-inventory", "pool-inventory/pool-inventory"),
        ("poolinventory", "pool-inventory/poolinventory"),
        ("A" * 128, "pool-inventory/" + "A" * 128),
    ],
)
def test_each_stack_has_a_service_of_its_own(stack_name: str, service: str) -> None:
    settings = any_settings(stackName=stack_name)
    assert settings.service_name == service
    assert settings.environment["POWERTOOLS_SERVICE_NAME"] == service
    assert SERVICE_NAME.parse(service) == service


def test_the_stack_that_keeps_its_service_is_the_default_one() -> None:
    assert any_settings().service_name == SERVICE_NAME.default


def test_a_service_that_is_set_is_taken() -> None:
    assert any_settings(stackName="Second", serviceName="mine").service_name == "mine"


@pytest.mark.parametrize(
    ("stack_name", "database_name"),
    [("PoolInventory", "poolinventory"), ("Pool-Inventory-2", "pool_inventory_2"), ("A" * 128, "a" * 128)],
)
def test_the_database_is_named_for_the_stack_by_default(stack_name: str, database_name: str) -> None:
    settings = any_settings(stackName=stack_name)
    assert settings.database_name == database_name
    assert any_settings(databaseName=database_name).database_name == database_name, "what is derived may be set"


def test_a_database_name_that_is_set_is_taken() -> None:
    assert any_settings(databaseName="audit_pools2").database_name == "audit_pools2"


@pytest.mark.parametrize("name", any_context())
def test_a_setting_that_is_missing_has_its_default(name: str) -> None:
    assert any_settings(**{name: None}) == context.read({}) == any_settings()


@pytest.mark.parametrize("value", [["us-east-1"], {"a": 1}, True])
def test_a_setting_that_is_neither_a_text_nor_a_number_is_named(value: object) -> None:
    with pytest.raises(SettingsError) as raised:
        any_settings(regions=value)
    assert str(raised.value) == f"regions={value!r}: neither a text nor a number: write it as -c has it, in quotes"


WRONG = [
    ("stackName", "", "letters, digits and hyphens"),
    ("stackName", "1st", "a letter first"),
    ("stackName", "under_score", "letters, digits and hyphens"),
    ("prefix", "/leading", "no slash at either end"),
    ("prefix", "", "no slash at either end"),
    ("regions", "us-east-1,,", "comma list"),
    ("maxRequestsPerSecond", "-1", "a number of 0 or more"),
    ("reserveSeconds", "soon", "a number of 0 or more"),
    ("userPoolQuota", "0", "a whole number of 1 or more"),
    ("regionMetrics", "hourly", "neither each nor daily"),
    ("regionMetrics", "", "neither each nor daily"),
    ("schedule", "at(2026-11-24T18:00:00)", "a schedule that comes again"),
    ("schedule", "hourly", "rate(6 hours)"),
    ("schedule", "rate(0 hours)", "rate(6 hours)"),
    ("schedule", "rate(1 week)", "rate(6 hours)"),
    ("schedule", "cron(0 * * * *)", "minutes hours day-of-month month day-of-week year"),
    ("schedule", "cron(0 * * * * *)", "with ? for exactly one of the two days"),
    ("schedule", "cron(0 * ? * ? *)", "with ? for exactly one of the two days"),
    ("schedule", "cron(0 * * * ? *) ", "a schedule that comes again"),
    ("schedule", "cron(60 * * * ? *)", "'60' is none of cron()'s minutes, which are 0 to 59"),
    ("schedule", "cron(0/0 * * * ? *)", "'0/0' is none of cron()'s minutes"),
    ("schedule", "cron(0 3 ? * MON-FOO *)", "'FOO' is none of cron()'s days of the week, which are 1 to 7"),
    ("schedule", "cron(0 3 0 * ? *)", "'0' is none of cron()'s days of the month, which are 1 to 31"),
    ("schedule", "cron(0 3 ? 13 MON *)", "'13' is none of cron()'s months, which are 1 to 12"),
    ("schedule", "rate(99999999999 days)", "rate(6 hours)"),
    ("schedule", "rate(367 days)", "at least once a year"),
    ("schedule", "cron(0 3 30 2 ? *)", "at least once a year"),
    ("schedule", "cron(99999999999 3 * * ? *)", "none of cron()'s minutes"),
    ("schedule", "cron(0 3 * * ? 99999999999)", "none of cron()'s years, which are 1970 to 2199"),
    ("schedule", "cron(0 L * * ? *)", "'L' is none of cron()'s hours, which are 0 to 23"),
    ("pythonVersion", "3.11", "glibc 2.26 is too old for arro3's wheels: use one of 3.12, 3.13, 3.14"),
    ("pythonVersion", "3.9", "Amazon Linux 2"),
    ("pythonVersion", "3.15", "one of 3.12, 3.13, 3.14"),
    ("pythonVersion", "3", "one of 3.12, 3.13, 3.14"),
    ("architecture", "aarch64", "one of arm64, x86_64"),
    ("memoryMb", "127", "a whole number from 128 to 10240"),
    ("memoryMb", "512.5", "a whole number from 128 to 10240"),
    ("timeoutSeconds", "901", "a whole number from 1 to 900"),
    ("timeoutSeconds", "\u0665", "a whole number from 1 to 900"),
    ("logRetentionDays", "0", "one of 1, 3, 5, 7, 14,"),
    ("logRetentionDays", "31", "one of 1, 3, 5, 7, 14,"),
    ("snapshotExpiryDays", "-1", "a whole number from 0"),
    ("databaseName", "Audit", "a-z, 0-9 and underscore"),
    ("databaseName", "pool-inventory", "a-z, 0-9 and underscore"),
    ("databaseName", "_pools", "a letter first"),
    ("queryResultExpiryDays", "0", "a whole number from 1"),
    ("alarmEmail", "cloud-team", "or leave it empty"),
    ("alarmEmail", "a@example.com,b@example.com", "not an e-mail address"),
    ("alarmEmail", "cloud\u202eteam@example.com", "not an e-mail address"),
    ("alarmEmail", "cloud team@example.com", "not an e-mail address"),
    ("runbookUrl", "http://wiki.example.com/", "not an https address"),
    ("runbookUrl", "https://", "not an https address"),
    ("runbookUrl", "https://me:secret@wiki.example.com/", "without a user's name"),
    ("runbookUrl", "https://wiki.example.com/a b", "anything that is not ASCII as %XX"),
    ("runbookUrl", "https://wiki.example.com/\u00e9", "anything that is not ASCII as %XX"),
    ("runbookUrl", "https://wiki.example.com/" + "a" * 400, "of at most 400 characters"),
    ("runbookUrl", "javascript:alert(1)", "or leave it empty"),
    ("dashboard", "true", "not one of yes, no"),
    ("bucketName", "My_Bucket", "3 to 63 of a-z, 0-9, dot and hyphen"),
    ("bucketName", "arn:aws:s3:::mine", "the name of an S3 bucket"),
    ("customerManagedKey", "", "one of yes, no"),
    ("customerManagedKey", "alias/mine", "one of yes, no, and not the ARN of a KMS key, as in arn:aws:kms:"),
    ("customerManagedKey", "arn:aws:kms:us-east-1:123456789012:alias/mine", "the ARN of a KMS key"),
    ("formerKeys", "yes", "'yes' is not the ARN of a KMS key, as in arn:aws:kms:"),
    ("formerKeys", f"{KEY},", "'' is not the ARN of a KMS key"),
    (
        "readerAccounts",
        "12345678901",
        "'12345678901' is not an account's id of 12 digits, zeros at its front included",
    ),
    ("readerAccounts", "210987654321,", "'' is not an account's id"),
    ("readerAccounts", "arn:aws:iam::210987654321:root", "is not an account's id"),
    ("readerAccounts", "*", "is not an account's id"),
    ("encryption", "aws:kms", "neither AES256 nor a KMS key's ARN"),
    ("forgetDays", "0", "a whole number of 1 or more"),
    ("accounts", "ou-1", "'ou-1' is neither organization nor the id of an organizational unit"),
    ("accounts", "-111122223333", "it only leaves out: name what to ask"),
    ("memberRole", "", "the name of a role"),
    ("memberRole", "/audit/", "the name of a role"),
    ("externalId", "a", "not an external id"),
    ("accountsPerBatch", "0", "a whole number of 1 or more"),
    ("accountsPerBatch", "1001", "more than 1000"),
    ("accountEmails", "true", "neither yes nor no"),
    ("mapConcurrency", "0", "a whole number from 1 to 10000"),
    ("batchMemoryMb", "127", "a whole number from 128 to 10240"),
    ("batchTimeoutSeconds", "901", "a whole number from 1 to 900"),
    ("publishMemoryMb", "10241", "a whole number from 128 to 10240"),
    ("executionHours", "25", "a whole number from 1 to 24"),
    ("organizationId", "o-short", "the id of an organization, as in o-a1b2c3d4e5"),
    ("organizationId", "organization", "or leave it empty"),
    ("stackSet", "yes", "one of management, delegated, no"),
    ("stackSetUnits", "organization", "'organization' is the id of neither a root, as in r-ab12"),
    ("stackSetUnits", "r-ab12,", "'' is the id of neither"),
    ("acceptDenied", "all", "'all' is neither scp nor a region's name"),
    ("customerManagedKey", "true", "one of yes, no"),
    ("permissionsBoundary", "boundary", "the ARN of a managed policy"),
    ("permissionsBoundary", "arn:aws:iam::123456789012:role/boundary", "the ARN of a managed policy"),
    ("permissionsBoundary", "arn:aws:iam::123456789012:policy/", "the ARN of a managed policy"),
    (
        "trustStore",
        "nowhere.pem",
        "no file that can be read (No such file or directory): use amazon, all, or the path",
    ),
    ("trustStore", "", "no file that can be read (Is a directory)"),
    ("trustStore", "~nobody-there/roots.pem", "no file that can be read"),
    ("reservedConcurrency", "-1", "a whole number from 0 to 1000"),
    ("reservedConcurrency", "none", "a whole number from 0 to 1000"),
    ("tags", "team", "'team' is no tag: use name=value"),
    ("tags", "team=identity,", "'' is no tag: use name=value"),
    ("tags", "team=identity;stage=prod", "use name=value, or a comma list"),
    ("tags", "=identity", "use name=value"),
    ("tags", "a" * 129 + "=b", "use name=value"),
    ("tags", "a=" + "b" * 257, "use name=value"),
    ("tags", "aws:team=identity", "'aws:team' is a name that AWS keeps for itself"),
    ("tags", "AWS:team=identity", "'AWS:team' is a name that AWS keeps for itself"),
    ("tags", "team=a,team=b", "'team' comes twice"),
    ("extraFormats", "parquet", "none of csv, ndjson"),
    ("eventBus", "my bus", "the name or the ARN of an event bus"),
    ("eventBus", "arn:aws:sqs:us-east-1:123456789012:mine", "the name or the ARN of an event bus"),
    ("logLevel", "LOUD", "one of DEBUG, INFO"),
    ("serviceName", ":mine", "1 to 255"),
    ("metricsNamespace", "AWS/Lambda", "not AWS/"),
]


@pytest.mark.parametrize(("name", "value", "what_would_do"), WRONG)
def test_a_wrong_setting_is_named_with_what_is_accepted(name: str, value: str, what_would_do: str) -> None:
    with pytest.raises(SettingsError) as raised:
        any_settings(**{name: value})
    assert str(raised.value).startswith(f"{name}={value!r}: ")
    assert what_would_do in str(raised.value)


def test_the_wrong_settings_above_leave_none_out() -> None:
    assert {name for name, _, _ in WRONG} == set(any_context())


@pytest.mark.parametrize(
    "url", ["https://wiki.example.com", "https://wiki:8443/a?b=c#d", "https://example.com/docs/operations.md"]
)
def test_an_https_address_is_taken_for_the_runbook(url: str) -> None:
    assert any_settings(runbookUrl=url).runbook_url == url


def test_an_expiry_that_the_stack_cannot_see_to_is_refused() -> None:
    with pytest.raises(SettingsError, match=r"^snapshotExpiryDays=400: .* bucketName=mine; use 0, and give"):
        any_settings(bucketName="mine", snapshotExpiryDays=400)


@pytest.mark.parametrize(
    ("schedule", "fewest_days"),
    [
        ("cron(0 * * * ? *)", 3),
        ("rate(1 day)", 3),
        ("cron(0 3 ? * MON-FRI *)", 5),
        ("rate(7 days)", 9),
        ("cron(0 3 1 * ? *)", 33),
        ("cron(0 3 L * ? *)", 33),
    ],
)
def test_snapshots_that_would_expire_too_early_are_refused(schedule: str, fewest_days: int) -> None:
    assert any_settings(schedule=schedule, snapshotExpiryDays=fewest_days).snapshot_expiry_days == fewest_days
    with pytest.raises(SettingsError) as raised:
        any_settings(schedule=schedule, snapshotExpiryDays=fewest_days - 1)
    assert str(raised.value).startswith(
        f"snapshotExpiryDays={fewest_days - 1}: with schedule={schedule} a snapshot could be"
    )
    assert str(raised.value).endswith(f"use {fewest_days} or more, or 0")


@pytest.mark.parametrize(
    ("encryption", "key"), [("AES256", "yes"), ("AES256", KEY), (KEY, "no"), (KEY, "yes"), (KEY, ANOTHER_KEY)]
)
def test_another_encryption_than_the_own_buckets_is_refused(encryption: str, key: str) -> None:
    with pytest.raises(SettingsError, match=f"^encryption='{encryption}': .* customerManagedKey"):
        any_settings(encryption=encryption, customerManagedKey=key)
    assert any_settings(encryption=encryption, customerManagedKey=key, bucketName="of-others").encryption == encryption


@pytest.mark.parametrize(("encryption", "key"), [("AES256", "no"), (KEY, KEY)])
def test_the_own_buckets_encryption_may_be_asked_for(encryption: str, key: str) -> None:
    assert any_settings(encryption=encryption, customerManagedKey=key).encryption == encryption


def test_a_key_is_asked_for_or_given_by_its_arn() -> None:
    assert any_settings(customerManagedKey="yes").customer_managed_key is True
    assert any_settings(customerManagedKey=KEY).customer_managed_key == KEY


def test_former_keys_are_kept_once_each_and_sorted() -> None:
    assert any_settings(formerKeys=f"{KEY}, {ANOTHER_KEY},{KEY}").former_keys == (ANOTHER_KEY, KEY)


def test_readers_are_kept_once_each_and_sorted() -> None:
    settings = any_settings(readerAccounts="210987654321, 012345678901,210987654321")
    assert settings.reader_accounts == ("012345678901", "210987654321")


def test_readers_of_a_bucket_of_others_are_refused() -> None:
    with pytest.raises(SettingsError, match=r"^readerAccounts=210987654321: .* bucketName=mine; leave it empty"):
        any_settings(readerAccounts="210987654321", bucketName="mine")


NUMBERS = st.one_of(
    st.integers().map(str),
    st.floats().map(str),
    st.sampled_from(["9" * 5000, "0" * 5000, "1e400", "\u0665", "1_0", "\ud800"]),
)
FIELDS = st.lists(
    st.one_of(
        NUMBERS.map(str), st.sampled_from(["*", "?", "L", "LW", "15W", "6#1", "MON-FRI", "0/0", "1-", ",", "/"])
    ),
    max_size=7,
)
TEXTS = st.one_of(
    st.text(),
    st.lists(st.one_of(st.text(), NUMBERS)).map(",".join),
    st.tuples(st.sampled_from(["rate", "cron"]), FIELDS).map(lambda both: f"{both[0]}({' '.join(both[1])})"),
    NUMBERS.map(lambda number: f"rate({number} days)"),
)


VALUES = st.one_of(NUMBERS, TEXTS, st.booleans(), st.none(), st.integers(), st.floats(), st.just(10**5000))


@given(name=st.sampled_from(sorted(any_context())), value=VALUES | st.lists(VALUES))
def test_whatever_a_setting_is_it_is_taken_or_refused_in_a_line(name: str, value: object) -> None:
    """A field of cron() or a number of any length is none that Python stumbles over."""
    try:
        any_settings(**{name: value})
    except SettingsError as error:
        assert len(str(error).splitlines()) == 1  # noqa: PT017 - what is taken raises nothing
        str(error).encode()


def test_what_is_optional_is_off_by_default() -> None:
    settings = any_settings()
    assert settings.bucket_name is None
    assert settings.permissions_boundary is None
    assert settings.reserved_concurrency is None
    assert settings.customer_managed_key is False
    assert settings.former_keys == ()
    assert settings.tags == {}


@pytest.mark.parametrize(
    ("text", "tags"),
    [
        ("team=identity", {"team": "identity"}),
        ("team=identity, stage = prod", {"team": "identity", "stage": "prod"}),
        ("empty=", {"empty": ""}),
        ("sum=a=b", {"sum": "a=b"}),
        ("équipe=identité/1", {"équipe": "identité/1"}),
    ],
)
def test_tags_are_taken_as_they_are_written(text: str, tags: dict[str, str]) -> None:
    assert any_settings(tags=text).tags == tags


@pytest.mark.parametrize(
    "arn",
    [
        "arn:aws:iam::123456789012:policy/boundary",
        "arn:aws-us-gov:iam::123456789012:policy/teams/a/boundary",
        "arn:aws:iam::aws:policy/ReadOnlyAccess",
    ],
)
def test_the_arn_of_a_managed_policy_is_taken_for_a_boundary(arn: str) -> None:
    assert any_settings(permissionsBoundary=arn).permissions_boundary == arn


@pytest.mark.parametrize("prefix", ["_athena", "_athena/pools"])
def test_a_prefix_where_query_results_are_and_expire_is_refused(prefix: str) -> None:
    with pytest.raises(SettingsError, match=f"^prefix='{prefix}': _athena is for Athena's results"):
        any_settings(prefix=prefix)


@pytest.mark.parametrize("prefix", ["_athena2", "pools/_athena"])
def test_a_prefix_beside_query_results_is_taken(prefix: str) -> None:
    assert any_settings(prefix=prefix).prefix == prefix


@pytest.mark.parametrize("reserve_seconds", ["60", "60.5", "300"])
def test_a_reserve_that_leaves_no_time_to_collect_is_refused(reserve_seconds: str) -> None:
    with pytest.raises(SettingsError, match=f"^reserveSeconds={reserve_seconds}: .* timeoutSeconds=60; use"):
        any_settings(reserveSeconds=reserve_seconds, timeoutSeconds=60)


@pytest.mark.parametrize(
    "schedule",
    [
        "rate(1 minute)",
        "rate(6 hours)",
        "rate(1 days)",
        "cron(0 * * * ? *)",
        "cron(0/15 6-18 ? JAN,JUL MON-FRI 2026-2030)",
        "cron(0 3 L * ? *)",
        "cron(0 3 ? * 6#1 *)",
    ],
)
def test_a_schedule_that_comes_again_is_taken(schedule: str) -> None:
    assert any_settings(schedule=schedule).schedule == schedule


@pytest.mark.parametrize("version", ["3.12", "3.13", "3.14"])
def test_a_runtime_on_amazon_linux_2023_is_taken(version: str) -> None:
    assert any_settings(pythonVersion=version).python_version == version


def test_a_context_of_others_is_passed_over() -> None:
    assert any_settings(**{"aws:cdk:enable-path-metadata": True, "availability-zones": {"a": []}}) == any_settings()


@pytest.mark.parametrize(
    ("name", "meant"),
    [
        ("regoins", "regions"),
        ("REGIONS", "regions"),
        ("forget-days", "forgetDays"),
        ("accept-denied", "acceptDenied"),
        ("timeout", "timeoutSeconds"),
        ("stack_name", "stackName"),
    ],
)
def test_a_name_that_no_setting_has_is_refused(name: str, meant: str) -> None:
    for value in ("1", 1, True):
        with pytest.raises(SettingsError) as raised:
            any_settings(**{name: value})
        assert str(raised.value) == f"{name!r} is no setting: did you mean {meant}?"


@pytest.mark.parametrize("name", ["bogus", "", "a\nb", "\ud800", "@"])
def test_a_name_like_no_setting_gets_the_list_of_them(name: str) -> None:
    with pytest.raises(SettingsError) as raised:
        any_settings(**{name: "1"})
    assert str(raised.value).startswith(f"{name!r} is no setting: use one of stackName, schedule,")
    assert len(str(raised.value).splitlines()) == 1


# What the CDK's own tools, its context providers and its feature flags leave in a context.
OTHERS: dict[str, object] = {
    "aws:cdk:enable-path-metadata": True,
    "aws:cdk:bundling-stacks": ["**"],
    "aws-cdk:enableDiffNoFail": "true",
    "@aws-cdk/core:newStyleStackSynthesis": "true",
    "availability-zones:account=123456789012:region=us-east-1": ["us-east-1a"],
    "ssm:account=123456789012:parameterName=/a:region=us-east-1": "value",
    "acknowledged-issue-numbers": [19836],
}


@pytest.mark.parametrize("name", OTHERS)
def test_a_name_of_the_cdks_own_is_passed_over(name: str) -> None:
    assert any_settings(**{name: OTHERS[name]}) == any_settings()


@pytest.mark.parametrize("regions", ["us-esat-1", "eu-west-1,us-esat-1"])
def test_a_slip_in_a_regions_name_is_refused(regions: str) -> None:
    with pytest.raises(InventoryError) as raised:
        any_settings(regions=regions)
    assert str(raised.value).startswith(
        "regions: 'us-esat-1' is no region that the SDK knows: did you mean us-east-1?"
    )


@pytest.mark.parametrize("regions", ["us-gov-west-1", "eu-west-1,us-east-1", "xx-nowhere-1", "enabled", "current"])
def test_a_region_that_is_no_slip_is_accepted(regions: str) -> None:
    """A region that no SDK lists may be new."""
    assert any_settings(regions=regions).environment["INVENTORY_REGIONS"] == regions
