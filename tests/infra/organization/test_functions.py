"""What the functions of an organization's states are, and may."""

from pathlib import Path

import pytest
from pool_inventory.snapshots import keys

from infra.organization.functions import organizations_actions
from tests.infra.makers import Resource, Synthesized, any_settings
from tests.infra.test_stack import allow

ONCE, AS_READ = {"Null": {"s3:if-none-match": "false"}}, {"Null": {"s3:if-match": "false"}}
LISTS = allow("s3:ListBucket", "${Storage/Bucket.Arn}", Condition={"StringLike": {"s3:prefix": "user-pools/*"}})
LOGS = allow(["logs:CreateLogStream", "logs:PutLogEvents"], "${Exporter/Log.Arn}")
REGIONS = allow("account:ListRegions", "arn:${AWS::Partition}:account::${AWS::AccountId}:account")
STAGES = [
    allow("s3:GetObject", "${Storage/Bucket.Arn}/user-pools/*"),
    allow("s3:PutObject", "${Storage/Bucket.Arn}/user-pools/_staging/*", Condition=ONCE),
    allow("s3:PutObject", "${Storage/Bucket.Arn}/user-pools/_staging/*", Condition=AS_READ),
    LISTS,
]


def granted(stack: Synthesized, role: str) -> list[Resource]:
    policies = stack.of_type("AWS::IAM::Policy").values()
    return [
        statement
        for policy in policies
        if policy["Roles"] == [f"${{Organization/Functions/{role}}}"]
        for statement in policy["PolicyDocument"]["Statement"]
    ]


def test_plan_lists_accounts_and_regions_and_stages(of_an_organization: Synthesized) -> None:
    assert granted(of_an_organization, "PlanRole") == [
        allow("organizations:ListAccounts", "*"),
        REGIONS,
        *STAGES,
        LOGS,
    ]


def test_a_batch_takes_the_member_role_alone_and_stages(of_an_organization: Synthesized) -> None:
    assert granted(of_an_organization, "BatchRole") == [
        allow("sts:AssumeRole", "arn:${AWS::Partition}:iam::*:role/pool-inventory-member"),
        allow("cognito-idp:ListUserPools", "*"),
        REGIONS,
        *STAGES,
        LOGS,
    ]


def test_publish_writes_snapshots_and_asks_no_account(of_an_organization: Synthesized) -> None:
    bucket = "${Storage/Bucket.Arn}/user-pools"
    folders = (*keys.SNAPSHOT_FOLDERS, keys.STAGING)
    assert granted(of_an_organization, "PublishRole") == [
        allow("s3:GetObject", f"{bucket}/*"),
        allow(
            "s3:PutObject",
            [f"{bucket}/{folder}/*" for folder in folders],
            Condition=ONCE,
        ),
        allow(
            "s3:PutObject",
            [
                f"{bucket}/{key}"
                for key in ("latest-coverage/coverage.parquet", "latest/user-pools.parquet", "latest.json")
            ],
        ),
        LISTS,
        LOGS,
        allow("events:PutEvents", "arn:${AWS::Partition}:events:${AWS::Region}:${AWS::AccountId}:event-bus/changes"),
    ]


BY_UNIT = ("organizations:ListAccountsForParent", "organizations:ListOrganizationalUnitsForParent")


@pytest.mark.parametrize(
    ("accounts", "actions"),
    [
        ("organization", ("organizations:ListAccounts",)),
        ("ou-ab12-34cd56ef", BY_UNIT),
        ("r-ab12,-111122223333", BY_UNIT),
        ("organization,-ou-ab12-34cd56ef", ("organizations:ListAccounts", *BY_UNIT)),
        ("111122223333,444455556666", ()),
    ],
)
def test_of_organizations_only_what_the_setting_needs_is_granted(accounts: str, actions: tuple[str, ...]) -> None:
    chosen = any_settings(accounts=accounts).accounts
    assert chosen
    assert organizations_actions(chosen) == actions


def test_a_role_with_a_path_is_taken_by_it(tmp_path: Path) -> None:
    stack = Synthesized(tmp_path, accounts="111122223333", memberRole="audit/inventory")
    assert granted(stack, "BatchRole")[0]["Resource"] == "arn:${AWS::Partition}:iam::*:role/audit/inventory"
    assert granted(stack, "PlanRole")[0] == REGIONS


def test_the_functions_are_what_the_settings_say(tmp_path: Path) -> None:
    stack = Synthesized(
        tmp_path,
        accounts="organization",
        memberRole="inventory",
        externalId="a:b",
        accountsPerBatch=5,
        accountEmails="yes",
        batchMemoryMb=2048,
        batchTimeoutSeconds=600,
        publishMemoryMb=3008,
    )
    functions = stack.of_type("AWS::Lambda::Function")
    assert {
        path.rpartition("/")[2]: (each["Handler"], each["MemorySize"], each["Timeout"])
        for path, each in functions.items()
    } == {
        "Plan": ("pool_inventory.organization.plan.handler", 512, 900),
        "Batch": ("pool_inventory.organization.batch.handler", 2048, 600),
        "Publish": ("pool_inventory.organization.publish.handler", 3008, 900),
    }
    for each in functions.values():
        assert {
            "INVENTORY_BUCKET": "${Storage/Bucket}",
            "INVENTORY_ACCOUNTS": "organization",
            "INVENTORY_MEMBER_ROLE": "inventory",
            "INVENTORY_EXTERNAL_ID": "a:b",
            "INVENTORY_ACCOUNTS_PER_BATCH": "5",
            "INVENTORY_ACCOUNT_EMAILS": "yes",
        }.items() <= each["Environment"]["Variables"].items()


def test_only_the_role_that_others_trust_has_a_name(of_an_organization: Synthesized) -> None:
    roles = of_an_organization.of_type("AWS::IAM::Role").values()
    assert [each["RoleName"] for each in roles if "RoleName" in each] == ["PoolInventory-batch-${AWS::Region}"]
    outputs = of_an_organization.spelled_out(of_an_organization.template["Outputs"])
    assert outputs["BatchRoleArn"]["Value"] == (
        "arn:${AWS::Partition}:iam::${AWS::AccountId}:role/PoolInventory-batch-${AWS::Region}"
    )


def test_a_stack_that_begins_to_ask_others_keeps_its_log(
    by_default: Synthesized, of_an_organization: Synthesized
) -> None:
    """CloudFormation makes the new before it removes the old, and a log group's name is there once."""
    logs = [
        {name: each for name, each in stack.template["Resources"].items() if each["Type"] == "AWS::Logs::LogGroup"}
        for stack in (by_default, of_an_organization)
    ]
    assert logs[0] == logs[1]
