import pytest
from pool_inventory.model import Target
from pool_inventory.snapshots import functions

HERE = Target("123456789012", "eu-west-1")
ARN = "arn:aws:lambda:eu-west-1:123456789012:function:check"
ELSEWHERE = "arn:aws-us-gov:lambda:us-gov-west-1:666655554444:function:check:live"


@pytest.mark.parametrize(
    ("asked", "arn", "is_it"),
    [
        ("check", ARN, True),
        ("check", f"{ARN}:3", True),
        ("check", ELSEWHERE, True),
        ("check", f"{ARN}-2", False),
        ("chec", ARN, False),
        ("check:3", f"{ARN}:3", True),
        ("check:3", f"{ARN}:33", False),
        ("check:3", ARN, False),
        ("check:$LATEST", f"{ARN}:$LATEST", True),
        ("666655554444:function:check", ELSEWHERE, True),
        ("666655554444:function:check:live", ELSEWHERE, True),
        ("666655554444:function:check", ARN, False),
        (ARN, ARN, True),
        (ARN, f"{ARN}:3", True),
        (ARN, f"{ARN}-2", False),
        ("check", "arn:aws:kms:eu-west-1:123456789012:key/check", False),
    ],
)
def test_a_function_is_found_by_each_name_that_lambda_takes(asked: str, arn: str, is_it: bool) -> None:  # noqa: FBT001 - a case
    assert functions.asked_for(asked).has(arn) is is_it


@pytest.mark.parametrize("asked", ["", "a b", "check:", "42:function:check", "check*", "function:check:live:3"])
def test_what_lambda_would_not_take_is_refused(asked: str) -> None:
    with pytest.raises(ValueError, match="is no function: use its name"):
        functions.asked_for(asked)


@pytest.mark.parametrize(
    ("arn", "shown"),
    [
        (ARN, "check"),
        (f"{ARN}:3", "check:3"),
        (ARN.replace("eu-west-1", "us-east-1"), "check (region us-east-1)"),
        (ARN.replace("123456789012", "666655554444"), "check (account 666655554444)"),
        (ELSEWHERE, "check:live (account 666655554444, region us-gov-west-1)"),
        ("arn:aws:kms:eu-west-1:123456789012:key/a", "arn:aws:kms:eu-west-1:123456789012:key/a"),
    ],
)
def test_a_function_is_shown_with_what_tells_it_apart(arn: str, shown: str) -> None:
    assert functions.shown(arn, HERE) == shown
