"""The stack, with and without each option, against cdk-nag's rules and cfn-lint's."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from aws_cdk import App
from aws_cdk.aws_s3 import Bucket
from constructs import Construct

from infra import checks
from tests.infra.conftest import BOUNDARY, TAGS
from tests.infra.makers import Synthesized

OPTIONS = {
    "alarmEmail": "cloud-team@example.com",
    "dashboard": "no",
    "bucketName": "inventory-archive",
    "customerManagedKey": "yes",
    "formerKeys": "arn:aws:kms:us-east-1:123456789012:key/1234abcd-12ab-34cd-56ef-1234567890ab",
    "permissionsBoundary": BOUNDARY,
    "reservedConcurrency": "1",
    "tags": TAGS,
}
IGNORED = {
    "W3005",  # CDK has a function depend on its role's policy, as it must, and names the role beside it
}


@pytest.fixture(scope="module")
def stacks(
    tmp_path_factory: pytest.TempPathFactory,
    by_default: Synthesized,
    otherwise: Synthesized,
    in_a_bucket_of_others: Synthesized,
    of_an_organization: Synthesized,
) -> Mapping[str, Synthesized]:
    alone = {name: Synthesized(tmp_path_factory.mktemp(name), **{name: value}) for name, value in OPTIONS.items()}
    return {
        "by default": by_default,
        "otherwise": otherwise,
        "in a bucket of others, with a key": in_a_bucket_of_others,
        "of an organization": of_an_organization,
        "of an organization, with a key": Synthesized(
            tmp_path_factory.mktemp("key"), accounts="r-ab12", customerManagedKey="yes", permissionsBoundary=BOUNDARY
        ),
        **alone,
    }


def findings(stack: Synthesized) -> set[tuple[str, str]]:
    """Each rule of cdk-nag's that is broken and not acknowledged, and where; warnings too."""
    reports = [pack.validate_scope(stack.stack) for pack in checks.packs(App())]
    return {
        (violation.rule_name, str(resource.construct_path))
        for report in reports
        for violation in report.violations
        for resource in violation.violating_resources
    }


def test_no_rule_of_cdk_nags_is_broken_without_a_reason(stacks: Mapping[str, Synthesized]) -> None:
    assert {name: found for name, stack in stacks.items() if (found := findings(stack))} == {}


@pytest.mark.slow
def test_cfn_lint_finds_nothing(stacks: Mapping[str, Synthesized]) -> None:
    found = {name: lint(stack.template) - IGNORED for name, stack in stacks.items()}
    assert {name: rules for name, rules in found.items() if rules} == {}


def lint(template: Mapping[str, Any]) -> set[str]:
    """The rules of cfn-lint's that a template breaks, of any severity."""
    # Each worker would take seconds to import it, and one needs it.
    from cfnlint import api as cfn_lint  # type: ignore[import-untyped] # noqa: PLC0415 - it says nothing of its types

    return {match.rule.id for match in cfn_lint.lint(json.dumps(template))}


def test_cfn_lint_finds_what_is_wrong(by_default: Synthesized) -> None:
    assert lint({**by_default.template, "Outputs": {"Nowhere": {"Value": {"Ref": "Nothing"}}}}) - IGNORED


@pytest.mark.parametrize("accounts", ["", "organization"])
def test_each_acknowledgement_is_still_needed(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, accounts: str) -> None:
    """Its construct breaks the rule."""
    acknowledged: dict[tuple[str, str], str] = {}

    def record(construct: Construct, *rules: str, because: str) -> None:
        acknowledged.update({(rule, construct.node.path): because for rule in rules})

    monkeypatch.setattr(checks, "acknowledge", record)
    broken = findings(Synthesized(tmp_path, alarmEmail="cloud-team@example.com", accounts=accounts))
    assert broken
    for rule, path in acknowledged:
        assert "/" in path, f"{rule} is acknowledged for all of {path}"
        assert any(rule == each and where.startswith(f"{path}/") for each, where in broken), (rule, path)


def test_an_acknowledgement_is_for_one_construct_alone(tmp_path: Path) -> None:
    stack = Synthesized(tmp_path)
    Bucket(stack.stack, "Another")
    assert ("AwsSolutions-S1", "PoolInventory/Another/Resource") in findings(stack)
