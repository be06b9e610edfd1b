"""The diagram of docs/architecture.md shows what the stack has."""

import re

import pytest
from pool_inventory.snapshots import keys

from tests.infra.makers import ROOT, Synthesized

PAGE = (ROOT / "docs/architecture.md").read_text()
PATHS = set(re.findall(r"<br>([A-Z]\w+(?:/\w+)+)[\"\]]", PAGE))

# Of one account, which has no table of accounts.
FOLDERS = (*(each for each in keys.SNAPSHOT_FOLDERS if each != keys.ACCOUNTS), keys.STAGING)

# What a reader of the diagram is to find by its path; alarms, policies, roles, tables and queries belong to these.
SHOWN = {
    "AWS::Athena::WorkGroup",
    "AWS::CloudWatch::Dashboard",
    "AWS::Glue::Database",
    "AWS::Lambda::Function",
    "AWS::Logs::LogGroup",
    "AWS::S3::Bucket",
    "AWS::SNS::Topic",
    "AWS::SQS::Queue",
    "AWS::Scheduler::Schedule",
}


def test_the_diagram_has_each_part_of_the_stack_and_no_other(by_default: Synthesized) -> None:
    parts = {path for path, resource in by_default.resources.items() if resource["Type"] in SHOWN}
    assert parts == PATHS


@pytest.mark.parametrize("name", [*(f"{each}/" for each in FOLDERS), *(key.partition("/")[0] for key in keys.MOVED)])
def test_the_diagram_has_what_is_in_the_bucket(name: str) -> None:
    diagram = PAGE.partition("```mermaid")[2].partition("```")[0]
    assert name in diagram
