import json
from typing import Any

import pytest
from boto3.session import Session
from pool_inventory.aws.regions import partition_of
from pool_inventory.collect.listing import make_client
from pool_inventory.collect.targets import RegionsError, check_region_names, choose_targets
from pool_inventory.errors import TargetsError
from pool_inventory.model import Account, Target
from pool_inventory.terminal.demo import stand_in
from pool_inventory.terminal.demo.stand_in import StandIn
from werkzeug.wrappers import Request, Response

from tests.makers import ACCOUNT_ID, HeldClock

ACCOUNT = Account(ACCOUNT_ID, "aws")


def choose(regions: str | tuple[str, ...], account: Account = ACCOUNT, region: str | None = "us-east-1") -> list[str]:
    session = Session(region_name=region)
    targets = choose_targets(regions, session=session, account=lambda: account, deadline=HeldClock().deadline())
    assert all(each == Target(account.account_id, each.region) for each in targets)
    return [each.region for each in targets]


def list_regions(aws: StandIn, *regions: dict[str, Any]) -> None:
    aws.answers.append(lambda _: stand_in.reply({"Regions": list(regions)}))


def test_enabled_asks_what_the_account_has_enabled(aws: StandIn) -> None:
    statuses = {
        "us-east-1": "ENABLED_BY_DEFAULT",
        "ap-east-1": "DISABLED",
        "eu-south-1": "ENABLED",
        "me-central-1": "ENABLING",
        "sa-east-1": "DISABLING",
        "eu-west-1": "SOMETHING_NEW",
    }
    regions = [{"RegionName": name, "RegionOptStatus": status} for name, status in statuses.items()]
    list_regions(aws, *regions, {"RegionName": "eu-west-2"})
    assert choose("enabled") == ["eu-south-1", "eu-west-1", "eu-west-2", "us-east-1"]


@pytest.mark.parametrize("region", ["me-west-1", "us-esat-1", "zz-north-1", "eusc-de-east-1"])
def test_enabled_asks_regions_that_the_sdk_does_not_list(aws: StandIn, region: str) -> None:
    """Its list of Cognito's regions is months behind, and a name that the account gives is no slip."""
    list_regions(aws, *({"RegionName": name, "RegionOptStatus": "ENABLED"} for name in ("us-east-1", region)))
    assert choose("enabled") == sorted(["us-east-1", region])


def test_enabled_reads_every_page(aws: StandIn) -> None:
    def pages(request: Request) -> Response:
        second = b"more" in request.get_data()
        name, more = ("us-east-1", {}) if second else ("eu-west-1", {"NextToken": "more"})
        return stand_in.reply({"Regions": [{"RegionName": name, "RegionOptStatus": "ENABLED"}], **more})

    aws.answers.append(pages)
    assert choose("enabled") == ["eu-west-1", "us-east-1"]


def test_enabled_retries_a_throttled_or_malformed_listregions(aws: StandIn) -> None:
    body = json.dumps({"Regions": [{"RegionName": "us-east-1", "RegionOptStatus": "ENABLED"}]}).encode()
    throttle = lambda _: stand_in.error("TooManyRequestsException", "slow down", 429)  # noqa: E731 - said once
    aws.answers.append(stand_in.in_turn(throttle, lambda _: stand_in.cut(body, at=20), lambda _: stand_in.reply({})))
    assert choose("enabled") == ["us-east-1"]


def test_enabled_that_is_denied_says_what_helps(aws: StandIn) -> None:
    aws.answers.append(stand_in.deny)
    with pytest.raises(
        TargetsError, match=r"^INVENTORY_REGIONS: account:ListRegions .*grant it, or list the regions instead"
    ):
        choose("enabled")


def test_enabled_with_nothing_enabled_is_an_error(aws: StandIn) -> None:
    """An inventory without targets would look like one without pools."""
    aws.enabled_regions = []
    with pytest.raises(TargetsError, match="names no region that is enabled"):
        choose("enabled")


def test_listed_regions_are_asked_without_a_listregions(aws: StandIn) -> None:
    assert choose(("eu-west-1", "us-east-1")) == ["eu-west-1", "us-east-1"]
    assert aws.requests == []


@pytest.mark.parametrize(
    ("region", "message"),
    [
        ("us-esat-1", r"'us-esat-1' is no region that the SDK knows: did you mean us-east-1\?"),
        ("us-east-9", r"did you mean us-east-1 or us-east-2\?"),
        ("us-east-11", r"did you mean us-east-1\?"),
        ("us-east-1a", r"did you mean us-east-1\?"),
        ("us-east", r"did you mean us-east-1 or us-east-2\?"),
        ("ap-sotheast-2", r"did you mean ap-southeast-2\?"),
        ("ue-central-1", r"did you mean eu-central-1\?"),
        ("us-gov-wset-1", r"did you mean us-gov-west-1\?"),
        ("cn-north-1", "names cn-north-1, but the account is in the partition aws"),
        ("cn-north-2", "names cn-north-2, but the account is in the partition aws"),
        ("us-gov-west-1", "names us-gov-west-1, but the account is in the partition aws"),
    ],
)
def test_a_region_that_cannot_be_asked_is_named(region: str, message: str) -> None:
    with pytest.raises(TargetsError, match=message):
        choose(("us-east-1", region))


@pytest.mark.parametrize("region", ["us-east-3", "ap-southeast-9", "us-northeast-1", "me-west-1", "zz-north-1"])
def test_a_named_region_that_no_sdk_lists_is_asked(region: str) -> None:
    assert choose(("us-east-1", region)) == sorted(["us-east-1", region])


def test_names_of_regions_are_checked_without_an_account(monkeypatch: pytest.MonkeyPatch) -> None:
    """At synth there may be no credentials, and a profile that is not there is no matter."""
    monkeypatch.setenv("AWS_PROFILE", "nobody")
    check_region_names(["us-east-1", "cn-north-1", "ap-southeast-9"])
    with pytest.raises(RegionsError, match=r"did you mean us-east-1\?"):
        check_region_names(["eu-west-1", "us-esat-1"])


@pytest.mark.parametrize(
    ("region", "partition", "host"),
    [
        ("ap-southeast-9", "aws", "cognito-idp.ap-southeast-9.amazonaws.com"),
        ("me-west-1", "aws", "cognito-idp.me-west-1.amazonaws.com"),
        ("zz-north-1", "aws", "cognito-idp.zz-north-1.amazonaws.com"),
        ("cn-north-1", "aws-cn", "cognito-idp.cn-north-1.amazonaws.com.cn"),
        ("us-gov-south-1", "aws-us-gov", "cognito-idp.us-gov-south-1.amazonaws.com"),
    ],
)
def test_an_unlisted_region_is_asked_where_the_sdks_rules_say(region: str, partition: str, host: str) -> None:
    client = make_client(Session("testing", "testing"), region)
    assert client.meta.endpoint_url == f"https://{host}"
    assert client.meta.partition == partition == partition_of(region)


def test_a_wrong_region_is_found_before_any_call() -> None:
    def account() -> Account:
        raise AssertionError("asked whose account it is")

    with pytest.raises(TargetsError):
        choose_targets(("us-east-9",), session=Session(), account=account, deadline=HeldClock().deadline())


def test_current_is_the_sessions_region() -> None:
    assert choose("current", region="eu-west-3") == ["eu-west-3"]


def test_current_without_a_region_is_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("AWS_REGION", "AWS_DEFAULT_REGION"):
        monkeypatch.delenv(name, raising=False)
    with pytest.raises(TargetsError, match="set AWS_REGION"):
        choose("current", region=None)


def test_govcloud_is_a_partition_with_regions_of_its_own(aws: StandIn) -> None:
    aws.enabled_regions = ["us-gov-west-1", "us-gov-east-1"]
    account = Account(ACCOUNT_ID, "aws-us-gov")
    assert choose("enabled", account, "us-gov-west-1") == ["us-gov-east-1", "us-gov-west-1"]


def test_a_partition_without_listed_cognito_is_asked(aws: StandIn) -> None:
    aws.enabled_regions = ["cn-north-1", "cn-northwest-1"]
    account = Account(ACCOUNT_ID, "aws-cn")
    assert choose("enabled", account, None) == ["cn-north-1", "cn-northwest-1"]
    assert choose("current", account, "cn-north-1") == ["cn-north-1"]


def test_a_partition_that_the_sdk_does_not_know_is_an_error() -> None:
    with pytest.raises(TargetsError, match="partition aws-moon, which the SDK does not know"):
        choose("enabled", Account(ACCOUNT_ID, "aws-moon"))
