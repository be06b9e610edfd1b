"""Readers, by the policies that docs/reading.md gives them, in the stack's account and in others."""

import json
import re
from pathlib import Path

import pytest
from pool_inventory.terminal.demo.stand_in import ACCOUNT_ID

from tests.iam import simulator
from tests.iam.calls import Call
from tests.iam.deployed import REGION, Deployed
from tests.iam.simulator import ALLOWED, EXPLICITLY_DENIED, IMPLICITLY_DENIED, Policy
from tests.infra.makers import ROOT, Synthesized

BUCKET = "my-inventory"
OTHER_ACCOUNT = "210987654321"
OWN_READER = f"arn:aws:iam::{ACCOUNT_ID}:role/reader"
OTHER_READER = f"arn:aws:iam::{OTHER_ACCOUNT}:role/reader"
STRANGER = "arn:aws:iam::333333333333:role/reader"
THROUGH_S3 = {"kms:ViaService": f"s3.{REGION}.amazonaws.com"}


def policy_of(heading: str) -> Policy:
    page = ROOT.joinpath("docs/reading.md").read_text(encoding="utf-8")
    section = page.partition(f"\n### {heading}\n")[2].partition("\n### ")[0]
    (block,) = re.findall(r"(?ms)^```json\n(.*?)^```$", section)
    policy: Policy = json.loads(block)
    return policy


READER = policy_of("The least that a reader needs")
ATHENA = policy_of("The least that Athena needs")


def stack(tmp_path: Path, **changes: object) -> Deployed:
    template = Synthesized(tmp_path, **changes).template
    buckets = [name for name, each in template["Resources"].items() if each["Type"] == "AWS::S3::Bucket"]
    return Deployed(template, dict.fromkeys(buckets, BUCKET))


@pytest.fixture
def shared(tmp_path: Path) -> Deployed:
    return stack(tmp_path, readerAccounts=OTHER_ACCOUNT, customerManagedKey="yes")


def reading(caller: str) -> list[Call]:
    """What a reader of the files asks."""
    return [
        Call(caller=caller, action="s3:GetObject", resource=f"arn:aws:s3:::{BUCKET}/user-pools/latest.json"),
        Call(
            caller=caller,
            action="s3:ListBucket",
            resource=f"arn:aws:s3:::{BUCKET}",
            context={"s3:prefix": "user-pools/data/"},
        ),
    ]


def querying(caller: str) -> list[Call]:
    """What a reader asks of Athena, and what Athena asks for that reader.

    https://docs.aws.amazon.com/athena/latest/ug/security-iam-athena.html
    """
    workgroup = f"arn:aws:athena:{REGION}:{ACCOUNT_ID}:workgroup/PoolInventory"
    glue = f"arn:aws:glue:{REGION}:{ACCOUNT_ID}"
    bucket, results = f"arn:aws:s3:::{BUCKET}", f"arn:aws:s3:::{BUCKET}/_athena/some.csv"
    asked = [
        *(
            (f"athena:{action}", workgroup, {})
            for action in (
                *("GetWorkGroup", "StartQueryExecution", "StopQueryExecution", "GetQueryExecution"),
                *("GetQueryResults", "ListNamedQueries", "GetNamedQuery", "BatchGetNamedQuery"),
            )
        ),
        ("glue:GetDatabase", f"{glue}:catalog", {}),
        ("glue:GetDatabase", f"{glue}:database/poolinventory", {}),
        *(
            (f"glue:{action}", f"{glue}:{resource}", {})
            for action in ("GetTable", "GetTables")
            for resource in ("catalog", "database/poolinventory", "table/poolinventory/user_pools_latest")
        ),
        ("s3:GetBucketLocation", bucket, {}),
        ("s3:ListBucket", bucket, {"s3:prefix": "_athena/"}),
        *((f"s3:{action}", results, {}) for action in ("GetObject", "PutObject", "AbortMultipartUpload")),
        ("s3:ListMultipartUploadParts", results, {}),
    ]
    calls = [Call(caller=caller, action=action, resource=on, context=context) for action, on, context in asked]
    return [*calls, *reading(caller)]


def decided(deployed: Deployed, policy: Policy | None, calls: list[Call], *, tls: bool = True) -> set[str]:
    policies = {call.caller: policy for call in calls} if policy else {}
    return set(simulator.decisions(deployed, [(policies, call) for call in calls], secure_transport=tls))


def decrypting(caller: str, deployed: Deployed, context: dict[str, str]) -> Call:
    (key,) = deployed.of_type("AWS::KMS::Key")
    return Call(caller=caller, action="kms:Decrypt", resource=deployed.arn(key), context=context)


def with_key(policy: Policy, deployed: Deployed) -> Policy:
    (key,) = deployed.of_type("AWS::KMS::Key")
    on_key = {"Effect": "Allow", "Action": "kms:Decrypt", "Resource": deployed.arn(key)}
    return {**policy, "Statement": [*policy["Statement"], on_key]}


def test_the_pages_policies_are_enough(tmp_path: Path) -> None:
    deployed = stack(tmp_path)
    assert decided(deployed, READER, reading(OWN_READER)) == {ALLOWED}
    assert decided(deployed, ATHENA, querying(OWN_READER)) == {ALLOWED}


@pytest.mark.parametrize(
    ("policy", "asked"),
    [(READER, reading(OWN_READER)), (ATHENA, querying(OWN_READER))],
    ids=["reader", "Athena"],
)
def test_each_grant_of_the_pages_policies_is_needed(tmp_path: Path, policy: Policy, asked: list[Call]) -> None:
    deployed = stack(tmp_path)
    policies = {OWN_READER: policy}
    needless = [
        grant
        for grant in simulator.grants(policies)
        if decided(deployed, simulator.without(policies, grant)[OWN_READER], asked) == {ALLOWED}
    ]
    assert needless == []


def test_a_reader_of_an_account_that_is_named_may_read(shared: Deployed) -> None:
    calls = [*reading(OTHER_READER), decrypting(OTHER_READER, shared, THROUGH_S3)]
    assert decided(shared, with_key(READER, shared), calls) == {ALLOWED}


def test_an_account_that_is_named_decides_who_of_it_reads(shared: Deployed) -> None:
    calls = [*reading(OTHER_READER), decrypting(OTHER_READER, shared, THROUGH_S3)]
    assert decided(shared, None, calls) == {IMPLICITLY_DENIED}


def test_an_account_that_is_not_named_may_not_read(shared: Deployed) -> None:
    calls = [*reading(STRANGER), decrypting(STRANGER, shared, THROUGH_S3)]
    assert decided(shared, with_key(READER, shared), calls) == {IMPLICITLY_DENIED}


def test_no_other_account_may_read_unless_told(tmp_path: Path) -> None:
    assert decided(stack(tmp_path), READER, reading(OTHER_READER)) == {IMPLICITLY_DENIED}


def test_readers_of_other_accounts_need_tls(shared: Deployed) -> None:
    assert decided(shared, READER, reading(OTHER_READER), tls=False) == {EXPLICITLY_DENIED}


ALL: Policy = {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "*", "Resource": "*"}]}


@pytest.mark.parametrize(
    ("action", "key", "context"),
    [
        ("s3:GetObject", "/_athena/some.csv", {}),
        ("s3:GetObject", "/user-poolsX/latest.json", {}),
        ("s3:PutObject", "/user-pools/latest.json", {}),
        ("s3:DeleteObject", "/user-pools/latest.json", {}),
        ("s3:ListBucket", "", {"s3:prefix": ""}),
        ("s3:ListBucket", "", {"s3:prefix": "_athena/"}),
        ("s3:ListBucket", "", {}),
        ("s3:PutBucketPolicy", "", {}),
    ],
)
def test_readers_of_other_accounts_may_do_nothing_else(
    shared: Deployed, action: str, key: str, context: dict[str, str]
) -> None:
    call = Call(caller=OTHER_READER, action=action, resource=f"arn:aws:s3:::{BUCKET}{key}", context=context)
    assert decided(shared, ALL, [call]) == {IMPLICITLY_DENIED}


def test_readers_of_other_accounts_use_the_key_through_s3_alone(shared: Deployed) -> None:
    assert decided(shared, ALL, [decrypting(OTHER_READER, shared, {})]) == {IMPLICITLY_DENIED}
    through_sqs = {"kms:ViaService": f"sqs.{REGION}.amazonaws.com"}
    assert decided(shared, ALL, [decrypting(OTHER_READER, shared, through_sqs)]) == {IMPLICITLY_DENIED}
