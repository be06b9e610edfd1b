"""What each option adds to the stack, and that it adds no more."""

import json
import re
from pathlib import Path

import pytest

from tests.infra.conftest import BOUNDARY, FORMER_KEY, TAGS
from tests.infra.makers import ROOT, Resource, Synthesized

KEY = "${Key.Arn}"
KEY_OF_OTHERS = "arn:aws:kms:us-east-1:123456789012:key/of-others"
LOG_GROUP = "arn:${AWS::Partition}:logs:${AWS::Region}:${AWS::AccountId}:log-group:/pool-inventory/Another"

ALARMS = "arn:${AWS::Partition}:cloudwatch:${AWS::Region}:${AWS::AccountId}:alarm:*"


def may_use_the_key_through(service: str, key: str = KEY) -> Resource:
    return {
        "Effect": "Allow",
        "Action": ["kms:GenerateDataKey", "kms:Decrypt"],
        "Resource": key,
        "Condition": {"StringEquals": {"kms:ViaService": f"{service}.${{AWS::Region}}.amazonaws.com"}},
    }


def key_grants(stack: Synthesized) -> dict[str, list[Resource]]:
    """What each role may do with keys."""
    policies = stack.of_type("AWS::IAM::Policy").values()
    return {
        policy["Roles"][0]: [each for each in policy["PolicyDocument"]["Statement"] if "kms:" in str(each["Action"])]
        for policy in policies
    }


def test_no_key_is_made_or_granted_unless_asked_for(by_default: Synthesized) -> None:
    assert by_default.of_type("AWS::KMS::Key") == {}
    assert key_grants(by_default) == {"${Exporter/Role}": [], "${Schedule/Role}": []}


def test_the_key_rotates_and_outlives_the_stack(otherwise: Synthesized) -> None:
    key = otherwise.resources["Key"]
    assert key["Properties"]["EnableKeyRotation"] is True
    assert key["DeletionPolicy"] == "RetainExceptOnCreate"
    assert key["UpdateReplacePolicy"] == "Retain"


def test_the_key_is_for_the_account_its_one_log_and_its_alarms(otherwise: Synthesized) -> None:
    *others, _ = otherwise.of_type("AWS::KMS::Key")["Key"]["KeyPolicy"]["Statement"]
    assert others == [
        {
            "Effect": "Allow",
            "Principal": {"AWS": "arn:${AWS::Partition}:iam::${AWS::AccountId}:root"},
            "Action": "kms:*",
            "Resource": "*",
        },
        {
            "Effect": "Allow",
            "Principal": {"Service": "logs.${AWS::Region}.amazonaws.com"},
            "Action": ["kms:Encrypt", "kms:Decrypt", "kms:ReEncrypt*", "kms:GenerateDataKey*", "kms:Describe*"],
            "Resource": "*",
            "Condition": {"ArnEquals": {"kms:EncryptionContext:aws:logs:arn": LOG_GROUP}},
        },
        {
            "Effect": "Allow",
            "Principal": {"Service": "cloudwatch.amazonaws.com"},
            "Action": ["kms:Decrypt", "kms:GenerateDataKey*"],
            "Resource": "*",
            "Condition": {
                "StringEquals": {"aws:SourceAccount": "${AWS::AccountId}"},
                "ArnLike": {"aws:SourceArn": ALARMS},
            },
        },
    ]
    assert otherwise.of_type("AWS::Logs::LogGroup")["Exporter/Log"]["LogGroupName"] == LOG_GROUP.rpartition(":")[2]


def test_roles_use_the_key_through_the_services_they_need_alone(otherwise: Synthesized) -> None:
    through = may_use_the_key_through
    former = {**through("s3"), "Action": "kms:Decrypt", "Resource": FORMER_KEY}
    assert key_grants(otherwise) == {
        "${Exporter/Role}": [through("s3"), former, through("sqs")],
        "${Schedule/Role}": [through("sqs")],
    }


def encrypts_all_that_is_kept(stack: Synthesized, key: str) -> None:
    (rule,) = stack.of_type("AWS::S3::Bucket")["Storage/Bucket"]["BucketEncryption"][
        "ServerSideEncryptionConfiguration"
    ]
    assert rule["ServerSideEncryptionByDefault"] == {"SSEAlgorithm": "aws:kms", "KMSMasterKeyID": key}
    assert rule["BucketKeyEnabled"] is True
    for queue in stack.of_type("AWS::SQS::Queue").values():
        assert queue["KmsMasterKeyId"] == key
        assert "SqsManagedSseEnabled" not in queue
    for log_group in stack.of_type("AWS::Logs::LogGroup").values():
        assert log_group["KmsKeyId"] == key
    for topic in stack.of_type("AWS::SNS::Topic").values():
        assert topic["KmsMasterKeyId"] == key
    assert result_encryption(stack) == {"EncryptionOption": "SSE_KMS", "KmsKey": key}


def test_the_key_encrypts_all_that_is_kept(otherwise: Synthesized) -> None:
    encrypts_all_that_is_kept(otherwise, KEY)


def test_a_key_that_is_there_is_used_as_one_of_the_stacks_own(tmp_path: Path) -> None:
    stack = Synthesized(tmp_path, customerManagedKey=KEY_OF_OTHERS)
    assert stack.of_type("AWS::KMS::Key") == stack.of_type("AWS::KMS::Alias") == {}
    encrypts_all_that_is_kept(stack, KEY_OF_OTHERS)
    sqs, s3 = (may_use_the_key_through(service, KEY_OF_OTHERS) for service in ("sqs", "s3"))
    assert key_grants(stack) == {"${Exporter/Role}": [s3, sqs], "${Schedule/Role}": [sqs]}
    assert stack.template["Outputs"]["KeyArn"]["Value"] == KEY_OF_OTHERS


@pytest.mark.parametrize("key", ["no", "yes"])
def test_former_keys_may_be_used_to_read_snapshots(tmp_path: Path, key: str) -> None:
    formers = [KEY_OF_OTHERS, KEY_OF_OTHERS.replace("of-others", "older")]
    stack = Synthesized(tmp_path, customerManagedKey=key, formerKeys=",".join(formers))
    through_s3 = may_use_the_key_through("s3")["Condition"]
    former_grants = [each for each in key_grants(stack)["${Exporter/Role}"] if each["Resource"] != KEY]
    assert former_grants == [
        {"Effect": "Allow", "Action": "kms:Decrypt", "Resource": former, "Condition": through_s3} for former in formers
    ]


def test_the_page_has_the_statements_that_a_key_of_others_needs(otherwise: Synthesized) -> None:
    (block,) = re.findall(r"```json\n(.*?)```", (ROOT / "docs" / "hardening.md").read_text(), re.DOTALL)
    spelled = {
        "arn:aws:": "arn:${AWS::Partition}:",
        "us-east-1": "${AWS::Region}",
        "123456789012": "${AWS::AccountId}",
        "PoolInventory": "Another",
    }
    for ours, theirs in spelled.items():
        block = block.replace(ours, theirs)
    _, *others, _ = otherwise.of_type("AWS::KMS::Key")["Key"]["KeyPolicy"]["Statement"]
    assert json.loads(block) == others


def result_encryption(stack: Synthesized) -> Resource:
    (workgroup,) = stack.of_type("AWS::Athena::WorkGroup").values()
    results: Resource = workgroup["WorkGroupConfiguration"]["ResultConfiguration"]["EncryptionConfiguration"]
    return results


def test_query_results_are_encrypted_without_a_key_too(by_default: Synthesized) -> None:
    assert result_encryption(by_default) == {"EncryptionOption": "SSE_S3"}


BUCKET = "arn:${AWS::Partition}:s3:::inventory-archive"


def test_a_bucket_of_others_is_used_and_left_as_it_is(in_a_bucket_of_others: Synthesized) -> None:
    assert in_a_bucket_of_others.of_type("AWS::S3::Bucket") == {}
    assert in_a_bucket_of_others.of_type("AWS::S3::BucketPolicy") == {}
    function = in_a_bucket_of_others.of_type("AWS::Lambda::Function")["Exporter/Function"]
    assert function["Environment"]["Variables"]["INVENTORY_BUCKET"] == "inventory-archive"
    for table in in_a_bucket_of_others.of_type("AWS::Glue::Table").values():
        location = table["TableInput"]["StorageDescriptor"]["Location"]
        assert location.startswith("s3://inventory-archive/user-pools/")
    (workgroup,) = in_a_bucket_of_others.of_type("AWS::Athena::WorkGroup").values()
    results = workgroup["WorkGroupConfiguration"]["ResultConfiguration"]
    assert results["OutputLocation"] == "s3://inventory-archive/_athena/"
    outputs = in_a_bucket_of_others.spelled_out(in_a_bucket_of_others.template["Outputs"])
    assert outputs["BucketName"]["Value"] == "inventory-archive"
    assert outputs["SnapshotLocation"]["Value"] == "s3://inventory-archive/user-pools"


def test_grants_are_the_same_in_a_bucket_of_others(
    in_a_bucket_of_others: Synthesized, by_default: Synthesized
) -> None:
    def s3_grants(stack: Synthesized) -> list[Resource]:
        policy = stack.of_type("AWS::IAM::Policy")["Exporter/Role/DefaultPolicy"]
        return [each for each in policy["PolicyDocument"]["Statement"] if "s3:" in str(each["Action"])]

    own = str(s3_grants(by_default))
    assert "${Storage/Bucket.Arn}" in own
    assert str(s3_grants(in_a_bucket_of_others)) == own.replace("${Storage/Bucket.Arn}", BUCKET)


def test_the_stacks_key_is_not_granted_for_a_bucket_of_others(in_a_bucket_of_others: Synthesized) -> None:
    through_sqs = [may_use_the_key_through("sqs")]
    assert key_grants(in_a_bucket_of_others) == {"${Exporter/Role}": through_sqs, "${Schedule/Role}": through_sqs}


def test_a_bucket_of_others_is_asked_for_its_key(tmp_path: Path) -> None:
    stack = Synthesized(tmp_path, bucketName="inventory-archive", encryption=KEY_OF_OTHERS, customerManagedKey="yes")
    function = stack.of_type("AWS::Lambda::Function")["Exporter/Function"]
    assert function["Environment"]["Variables"]["INVENTORY_ENCRYPTION"] == KEY_OF_OTHERS
    assert key_grants(stack) == {
        "${Exporter/Role}": [may_use_the_key_through("s3", KEY_OF_OTHERS), may_use_the_key_through("sqs")],
        "${Schedule/Role}": [may_use_the_key_through("sqs")],
    }
    assert result_encryption(stack) == {"EncryptionOption": "SSE_KMS", "KmsKey": KEY_OF_OTHERS}


def test_a_bucket_of_others_is_asked_for_s3s_own_key(tmp_path: Path) -> None:
    """Whatever encrypts the rest: the bucket's policy is for Athena's results, too."""
    stack = Synthesized(tmp_path, bucketName="inventory-archive", encryption="AES256", customerManagedKey="yes")
    through_sqs = [may_use_the_key_through("sqs")]
    assert key_grants(stack) == {"${Exporter/Role}": through_sqs, "${Schedule/Role}": through_sqs}
    assert result_encryption(stack) == {"EncryptionOption": "SSE_S3"}


def test_the_boundary_is_on_every_role_and_on_none_by_default(otherwise: Synthesized, by_default: Synthesized) -> None:
    roles = otherwise.of_type("AWS::IAM::Role")
    assert {path: role["PermissionsBoundary"] for path, role in roles.items()} == {
        "Exporter/Role": BOUNDARY,
        "Schedule/Role": BOUNDARY,
    }
    assert not any("PermissionsBoundary" in role for role in by_default.of_type("AWS::IAM::Role").values())


def test_concurrency_is_reserved_where_it_is_asked_for_alone(otherwise: Synthesized, by_default: Synthesized) -> None:
    (function,) = otherwise.of_type("AWS::Lambda::Function").values()
    assert function["ReservedConcurrentExecutions"] == 2
    (function,) = by_default.of_type("AWS::Lambda::Function").values()
    assert "ReservedConcurrentExecutions" not in function


@pytest.mark.parametrize("stack", ["by_default", "otherwise", "in_a_bucket_of_others"])
def test_the_function_is_in_no_vpc(request: pytest.FixtureRequest, stack: str) -> None:
    (function,) = request.getfixturevalue(stack).of_type("AWS::Lambda::Function").values()
    assert "VpcConfig" not in function


# CloudFormation takes no tags for these: https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/
UNTAGGABLE = {
    "AWS::Athena::NamedQuery",
    "AWS::Glue::Database",
    "AWS::Glue::Table",
    "AWS::IAM::Policy",
    "AWS::KMS::Alias",
    "AWS::Lambda::EventInvokeConfig",
    "AWS::Logs::QueryDefinition",
    "AWS::S3::BucketPolicy",
    "AWS::SNS::Subscription",
    "AWS::SNS::TopicPolicy",
    "AWS::SQS::QueuePolicy",
    "AWS::Scheduler::Schedule",
}


def test_tags_are_on_all_that_can_be_tagged(tmp_path: Path) -> None:
    tagged = Synthesized(tmp_path, tags=TAGS, customerManagedKey="yes", alarmEmail="cloud-team@example.com")
    tags = [{"Key": "cost centre", "Value": "a=b/7"}, {"Key": "team", "Value": "identity"}]
    without = {resource["Type"] for resource in tagged.resources.values() if "Tags" not in resource["Properties"]}
    assert without == UNTAGGABLE
    for resource in tagged.resources.values():
        assert resource["Properties"].get("Tags", tags) == tags


def test_there_are_no_tags_unless_told(tmp_path: Path) -> None:
    assert "Tags" not in str(Synthesized(tmp_path).template)
