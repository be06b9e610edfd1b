"""Two stacks of one account and region, side by side."""

from pathlib import Path

import pytest

from tests.infra.makers import Synthesized
from tests.infra.test_monitoring import asked_for

# What the two stacks' names may be: CloudFormation takes names that differ in case or in a hyphen alone for two.
NAMES = [("PoolInventory", "Second"), ("PoolInventory", "pool-inventory"), ("Second", "second"), ("AbC", "ab-c")]
# Of these each account has one, so a stack that asks for another stack's fails at deploy and silences nobody. Glue's
# names are in lower case, so that some stacks need a databaseName.
DATABASE = "AWS::Glue::Database"
NAMED = {
    "AWS::Athena::WorkGroup": "Name",
    "AWS::CloudWatch::Alarm": "AlarmName",
    "AWS::CloudWatch::Dashboard": "DashboardName",
    "AWS::KMS::Alias": "AliasName",
    "AWS::Logs::LogGroup": "LogGroupName",
    "AWS::Logs::QueryDefinition": "Name",
}


@pytest.fixture
def stacks(tmp_path: Path, request: pytest.FixtureRequest) -> list[Synthesized]:
    folders = [tmp_path / "one", tmp_path / "another"]
    for folder in folders:
        folder.mkdir()
    return [
        Synthesized(folder, stackName=name, customerManagedKey="yes")
        for folder, name in zip(folders, request.param, strict=True)
    ]


@pytest.mark.parametrize("stacks", NAMES, indirect=True)
def test_two_stacks_share_no_metric(stacks: list[Synthesized]) -> None:
    """Else the snapshots of one would keep the other's alarms quiet."""
    one, another = ({each for each in asked_for(stack) if "${" not in str(each)} for stack in stacks)
    assert one
    assert len(one) == len(another)
    assert not one & another


@pytest.mark.parametrize("stacks", NAMES, indirect=True)
def test_two_stacks_share_no_name(stacks: list[Synthesized]) -> None:
    one, another = (
        {(kind, each[key]) for kind, key in NAMED.items() for each in stack.of_type(kind).values()} for stack in stacks
    )
    assert {kind for kind, _ in one} == set(NAMED)
    assert not one & another


@pytest.mark.parametrize("stacks", NAMES[:2] + NAMES[3:], indirect=True)
def test_two_stacks_share_no_database(stacks: list[Synthesized]) -> None:
    one, another = ([each["DatabaseInput"]["Name"] for each in stack.of_type(DATABASE).values()] for stack in stacks)
    assert one != another


@pytest.mark.parametrize("stacks", NAMES[:1], indirect=True)
def test_no_stack_exports_a_name(stacks: list[Synthesized]) -> None:
    """Exports are one account's and region's."""
    for stack in stacks:
        assert not any("Export" in output for output in stack.template["Outputs"].values())


def test_two_organizations_stacks_share_no_name_and_no_role(tmp_path: Path) -> None:
    made = []
    for name in ("Second", "Third"):
        tmp_path.joinpath(name).mkdir()
        stack = Synthesized(tmp_path / name, stackName=name, accounts="organization", customerManagedKey="yes")
        roles = {each["RoleName"] for each in stack.of_type("AWS::IAM::Role").values() if "RoleName" in each}
        assert len(roles) == 1
        made.append(roles | {each[key] for kind, key in NAMED.items() for each in stack.of_type(kind).values()})
    one, another = made
    assert not one & another
