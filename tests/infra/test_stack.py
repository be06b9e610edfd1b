import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from aws_cdk import App, Stack
from aws_cdk.assertions import Template
from aws_cdk.aws_logs import LogGroup
from pool_inventory.snapshots import keys

from infra.options.parsers import RETENTION
from tests.infra.conftest import BOUNDARY, FORMER_KEY
from tests.infra.makers import Resource, Synthesized

# A first deploy that fails takes what it made along.
KEPT = ("RetainExceptOnCreate", "Retain")
WRITTEN_ONCE = ("data", "carried", "coverage", "changes", "hive", "manifests", "extra", "_staging")
TLS_ONLY = {"Bool": {"aws:SecureTransport": "false"}}


def allow(actions: str | list[str], resource: str | list[str], **condition: object) -> Resource:
    return {"Effect": "Allow", "Action": actions, "Resource": resource, **condition}


def test_every_grant_is_one_of_these(by_default: Synthesized) -> None:
    policies = by_default.of_type("AWS::IAM::Policy").values()
    granted = {policy["Roles"][0]: policy["PolicyDocument"]["Statement"] for policy in policies}
    assert granted == {
        "${Exporter/Role}": [
            allow("cognito-idp:ListUserPools", "*"),
            allow("account:ListRegions", "arn:${AWS::Partition}:account::${AWS::AccountId}:account"),
            allow("s3:GetObject", "${Storage/Bucket.Arn}/user-pools/*"),
            allow(
                "s3:PutObject",
                [f"${{Storage/Bucket.Arn}}/user-pools/{folder}/*" for folder in WRITTEN_ONCE],
                Condition={"Null": {"s3:if-none-match": "false"}},
            ),
            allow(
                "s3:PutObject",
                [
                    "${Storage/Bucket.Arn}/user-pools/latest-coverage/coverage.parquet",
                    "${Storage/Bucket.Arn}/user-pools/latest/user-pools.parquet",
                    "${Storage/Bucket.Arn}/user-pools/latest.json",
                ],
            ),
            allow(
                "s3:ListBucket",
                "${Storage/Bucket.Arn}",
                Condition={"StringLike": {"s3:prefix": "user-pools/*"}},
            ),
            allow(["logs:CreateLogStream", "logs:PutLogEvents"], "${Exporter/Log.Arn}"),
            allow("sqs:SendMessage", "${Exporter/Failed.Arn}"),
        ],
        "${Schedule/Role}": [
            allow("lambda:InvokeFunction", "${Exporter/Function.Arn}"),
            allow("sqs:SendMessage", "${Schedule/Undelivered.Arn}"),
        ],
    }
    assert all(len(policy["Roles"]) == 1 for policy in policies)


def test_nothing_is_granted_in_any_other_way(by_default: Synthesized) -> None:
    for role in by_default.of_type("AWS::IAM::Role").values():
        assert set(role) == {"AssumeRolePolicyDocument"}
    kinds = {resource["Type"] for resource in by_default.resources.values()}
    assert {kind for kind in kinds if kind.startswith("AWS::IAM::")} == {"AWS::IAM::Role", "AWS::IAM::Policy"}
    assert "AWS::Lambda::Permission" not in kinds


def test_each_role_can_be_taken_by_its_service_alone(by_default: Synthesized) -> None:
    roles = by_default.of_type("AWS::IAM::Role")
    trusted = {path: role["AssumeRolePolicyDocument"]["Statement"] for path, role in roles.items()}
    assume = {"Effect": "Allow", "Action": "sts:AssumeRole"}
    group = "arn:${AWS::Partition}:scheduler:${AWS::Region}:${AWS::AccountId}:schedule-group/default"
    account_only = {"StringEquals": {"aws:SourceAccount": "${AWS::AccountId}", "aws:SourceArn": group}}
    assert trusted == {
        "Exporter/Role": [{**assume, "Principal": {"Service": "lambda.amazonaws.com"}}],
        "Schedule/Role": [{**assume, "Principal": {"Service": "scheduler.amazonaws.com"}, "Condition": account_only}],
    }


def test_grants_follow_the_prefix(otherwise: Synthesized) -> None:
    policies = json.dumps(otherwise.of_type("AWS::IAM::Policy"))
    assert "${Storage/Bucket.Arn}/audit/pools/*" in policies
    assert '{"s3:prefix": "audit/pools/*"}' in policies
    assert "/user-pools/" not in policies


def event_grants(stack: Synthesized) -> list[Resource]:
    policies = stack.of_type("AWS::IAM::Policy").values()
    statements = [statement for policy in policies for statement in policy["PolicyDocument"]["Statement"]]
    return [statement for statement in statements if "events:" in json.dumps(statement)]


def test_events_may_be_put_on_the_named_bus_alone(otherwise: Synthesized) -> None:
    """A name means a bus of this account and region."""
    bus = "arn:${AWS::Partition}:events:${AWS::Region}:${AWS::AccountId}:event-bus/changes"
    assert event_grants(otherwise) == [allow("events:PutEvents", bus)]


def test_events_may_be_put_on_the_bus_whose_arn_is_given(tmp_path: Path) -> None:
    bus = "arn:aws-us-gov:events:us-gov-west-1:210987654321:event-bus/audit/changes"
    stack = Synthesized(tmp_path, eventBus=bus)
    assert event_grants(stack) == [allow("events:PutEvents", bus)]


def test_the_function_is_what_the_defaults_say(by_default: Synthesized) -> None:
    function = by_default.of_type("AWS::Lambda::Function")["Exporter/Function"]
    assert function["Handler"] == "pool_inventory.handler.handler"
    assert function["Runtime"] == "python3.13"
    assert function["Architectures"] == ["arm64"]
    assert function["MemorySize"] == 512
    assert function["Timeout"] == 300
    assert function["Role"] == "${Exporter/Role.Arn}"
    assert function["LoggingConfig"] == {"LogGroup": "${Exporter/Log}"}
    assert function["Environment"]["Variables"] == {
        "INVENTORY_BUCKET": "${Storage/Bucket}",
        "AWS_CA_BUNDLE": "/var/task/trust-store.pem",
        "INVENTORY_PREFIX": "user-pools",
        "INVENTORY_REGIONS": "enabled",
        "INVENTORY_MAX_REQUESTS_PER_SECOND": "10",
        "INVENTORY_RESERVE_SECONDS": "20",
        "INVENTORY_USER_POOL_QUOTA": "1000",
        "INVENTORY_FORGET_DAYS": "90",
        "INVENTORY_REGION_METRICS": "daily",
        "POWERTOOLS_SERVICE_NAME": "pool-inventory",
        "POWERTOOLS_METRICS_NAMESPACE": "PoolInventory",
        "POWERTOOLS_LOG_LEVEL": "INFO",
    }


def test_the_function_is_what_the_settings_say(otherwise: Synthesized) -> None:
    function = otherwise.of_type("AWS::Lambda::Function")["Exporter/Function"]
    assert function["Runtime"] == "python3.14"
    assert function["Architectures"] == ["x86_64"]
    assert function["MemorySize"] == 1024
    assert function["Timeout"] == 900
    assert function["Environment"]["Variables"] == {
        "INVENTORY_BUCKET": "${Storage/Bucket}",
        "AWS_CA_BUNDLE": "/var/task/trust-store.pem",
        "INVENTORY_PREFIX": "audit/pools",
        "INVENTORY_REGIONS": "us-east-1,eu-west-1",
        "INVENTORY_MAX_REQUESTS_PER_SECOND": "2.5",
        "INVENTORY_RESERVE_SECONDS": "30",
        "INVENTORY_EXTRA_FORMATS": "ndjson,csv",
        "INVENTORY_EVENT_BUS": "changes",
        "INVENTORY_USER_POOL_QUOTA": "10000",
        "INVENTORY_FORGET_DAYS": "30",
        "INVENTORY_REGION_METRICS": "each",
        "POWERTOOLS_SERVICE_NAME": "mine",
        "POWERTOOLS_METRICS_NAMESPACE": "Mine",
        "POWERTOOLS_LOG_LEVEL": "DEBUG",
    }


def test_the_function_has_its_grants_before_it_is_made(by_default: Synthesized) -> None:
    waits_for = by_default.resources["Exporter/Function"]["DependsOn"]
    paths = {by_default._paths[name] for name in waits_for}
    assert "Exporter/Role/DefaultPolicy" in paths


def test_the_schedule_waits_for_its_grants_and_the_failure_queue(by_default: Synthesized) -> None:
    """The first event may be due at once."""
    waits_for = {by_default._paths[name] for name in by_default.resources["Schedule/Schedule"]["DependsOn"]}
    assert {"Schedule/Role/DefaultPolicy", "Exporter/Function/EventInvokeConfig"} <= waits_for


def test_a_failed_invocation_is_tried_twice_more_and_then_kept(by_default: Synthesized) -> None:
    (asynchronous,) = by_default.of_type("AWS::Lambda::EventInvokeConfig").values()
    assert asynchronous == {
        "FunctionName": "${Exporter/Function}",
        "Qualifier": "$LATEST",
        "MaximumRetryAttempts": 2,
        "DestinationConfig": {"OnFailure": {"Destination": "${Exporter/Failed.Arn}"}},
    }


@pytest.mark.parametrize(("stack", "days"), [("by_default", 90), ("otherwise", 7)])
def test_log_lines_are_kept_for_as_long_as_the_setting_says(
    request: pytest.FixtureRequest, stack: str, days: int
) -> None:
    (group,) = request.getfixturevalue(stack).of_type("AWS::Logs::LogGroup").values()
    assert group["RetentionInDays"] == days


def test_each_retention_that_is_offered_means_what_it_says() -> None:
    stack = Stack(App(), "Stack")
    for days, retention in RETENTION.items():
        LogGroup(stack, f"Days{days}", retention=retention)
    resources = Template.from_stack(stack).find_resources("AWS::Logs::LogGroup").values()
    assert sorted(each["Properties"]["RetentionInDays"] for each in resources) == sorted(map(int, RETENTION))


def test_the_schedule_passes_the_due_time_and_keeps_what_fails(by_default: Synthesized) -> None:
    (schedule,) = by_default.of_type("AWS::Scheduler::Schedule").values()
    assert schedule["ScheduleExpression"] == "cron(0 * * * ? *)"
    assert schedule["ScheduleExpressionTimezone"] == "Etc/UTC"
    assert schedule["State"] == "ENABLED"
    assert schedule["FlexibleTimeWindow"] == {"Mode": "OFF"}
    target = schedule["Target"]
    assert json.loads(target.pop("Input")) == {"time": "<aws.scheduler.scheduled-time>"}
    assert target == {
        "Arn": "${Exporter/Function.Arn}",
        "RoleArn": "${Schedule/Role.Arn}",
        "DeadLetterConfig": {"Arn": "${Schedule/Undelivered.Arn}"},
        "RetryPolicy": {"MaximumEventAgeInSeconds": 24 * 60 * 60, "MaximumRetryAttempts": 185},
    }


def test_the_schedule_is_the_one_that_was_asked_for(otherwise: Synthesized) -> None:
    (schedule,) = otherwise.of_type("AWS::Scheduler::Schedule").values()
    assert schedule["ScheduleExpression"] == "rate(6 hours)"


def test_what_failed_is_kept_for_14_days_encrypted_by_tls_only(by_default: Synthesized) -> None:
    queues = by_default.of_type("AWS::SQS::Queue")
    kept = {"MessageRetentionPeriod": 14 * 24 * 60 * 60, "SqsManagedSseEnabled": True}
    assert queues == {"Exporter/Failed": kept, "Schedule/Undelivered": kept}
    policies = by_default.of_type("AWS::SQS::QueuePolicy").values()
    stated = {policy["Queues"][0]: policy["PolicyDocument"]["Statement"] for policy in policies}
    assert stated == {
        f"${{{path}}}": [
            {
                "Effect": "Deny",
                "Principal": {"AWS": "*"},
                "Action": "sqs:*",
                "Resource": f"${{{path}.Arn}}",
                "Condition": TLS_ONLY,
            }
        ]
        for path in queues
    }


def test_the_bucket_is_private_versioned_and_outlives_the_stack(by_default: Synthesized) -> None:
    resource = by_default.resources["Storage/Bucket"]
    assert (resource["DeletionPolicy"], resource["UpdateReplacePolicy"]) == KEPT
    bucket = resource["Properties"]
    assert set(bucket["PublicAccessBlockConfiguration"].values()) == {True}
    assert len(bucket["PublicAccessBlockConfiguration"]) == 4
    assert bucket["OwnershipControls"] == {"Rules": [{"ObjectOwnership": "BucketOwnerEnforced"}]}
    assert bucket["VersioningConfiguration"] == {"Status": "Enabled"}
    (encryption,) = bucket["BucketEncryption"]["ServerSideEncryptionConfiguration"]
    assert encryption == {"ServerSideEncryptionByDefault": {"SSEAlgorithm": "AES256"}}


def test_the_bucket_is_reached_by_tls_only_and_stays_so(by_default: Synthesized) -> None:
    resource = by_default.resources["Storage/Bucket/Policy"]
    assert (resource["DeletionPolicy"], resource["UpdateReplacePolicy"]) == KEPT
    (policy,) = by_default.of_type("AWS::S3::BucketPolicy").values()
    assert policy["Bucket"] == "${Storage/Bucket}"
    assert policy["PolicyDocument"]["Statement"] == [
        {
            "Effect": "Deny",
            "Principal": {"AWS": "*"},
            "Action": "s3:*",
            "Resource": ["${Storage/Bucket.Arn}", "${Storage/Bucket.Arn}/*"],
            "Condition": TLS_ONLY,
        }
    ]


TIDY = {
    "Id": "Tidy",
    "Status": "Enabled",
    "ExpiredObjectDeleteMarker": True,
    "AbortIncompleteMultipartUpload": {"DaysAfterInitiation": 1},
}


def gone_after(stack: Synthesized, key: str) -> tuple[int | None, int | None]:
    """After how many days S3 deletes an object, and after how many more what was deleted or written over.

    Of rules that overlap, S3 keeps to the shortest.
    """
    bucket = stack.of_type("AWS::S3::Bucket")["Storage/Bucket"]
    rules = [each for each in bucket["LifecycleConfiguration"]["Rules"] if key.startswith(each.get("Prefix", ""))]
    assert {each["Status"] for each in rules} == {"Enabled"}
    current = [each["ExpirationInDays"] for each in rules if "ExpirationInDays" in each]
    former = [
        each["NoncurrentVersionExpiration"]["NoncurrentDays"]
        for each in rules
        if "NoncurrentVersionExpiration" in each
    ]
    return min(current, default=None), min(former, default=None)


def test_unfinished_uploads_and_marks_of_deletions_go(by_default: Synthesized) -> None:
    bucket = by_default.of_type("AWS::S3::Bucket")["Storage/Bucket"]
    assert TIDY in bucket["LifecycleConfiguration"]["Rules"]


@pytest.mark.parametrize("folder", keys.SNAPSHOT_FOLDERS)
def test_an_organizations_history_is_kept_too(of_an_organization: Synthesized, folder: str) -> None:
    assert gone_after(of_an_organization, f"user-pools/{folder}/some") == (None, 365)


OF_ONE_ACCOUNT = [each for each in keys.SNAPSHOT_FOLDERS if each != keys.ACCOUNTS]


@pytest.mark.parametrize("folder", OF_ONE_ACCOUNT)
def test_history_is_kept_and_a_year_of_what_was_written_over(by_default: Synthesized, folder: str) -> None:
    assert gone_after(by_default, f"user-pools/{folder}/some") == (None, 365)


@pytest.mark.parametrize("folder", OF_ONE_ACCOUNT)
def test_a_snapshot_that_expires_is_gone_for_good_a_day_later(otherwise: Synthesized, folder: str) -> None:
    assert gone_after(otherwise, f"audit/pools/{folder}/some") == (400, 1)


@pytest.mark.parametrize("key", keys.MOVED)
def test_the_latest_stays_and_its_former_versions_a_month(otherwise: Synthesized, key: str) -> None:
    assert gone_after(otherwise, f"audit/pools/{key}") == (None, 30)


@pytest.mark.parametrize(("stack", "prefix"), [("by_default", "user-pools"), ("otherwise", "audit/pools")])
def test_what_was_staged_is_gone_after_a_month(request: pytest.FixtureRequest, stack: str, prefix: str) -> None:
    assert gone_after(request.getfixturevalue(stack), f"{prefix}/{keys.STAGING}/some") == (30, 1)


def test_query_results_that_expire_are_gone_for_good_a_day_later(
    by_default: Synthesized, otherwise: Synthesized
) -> None:
    assert gone_after(by_default, "_athena/some.csv") == (30, 1)
    assert gone_after(otherwise, "_athena/some.csv") == (7, 1)


def test_the_outputs_say_where_to_look(otherwise: Synthesized) -> None:
    outputs = otherwise.spelled_out(otherwise.template["Outputs"])
    assert {name: output["Value"] for name, output in outputs.items()} == {
        "BucketName": "${Storage/Bucket}",
        "SnapshotLocation": "s3://${Storage/Bucket}/audit/pools",
        "FunctionName": "${Exporter/Function}",
        "KeyArn": "${Key.Arn}",
        "FormerKeyArns": FORMER_KEY,
        "DatabaseName": "${Catalog/Database}",
        "WorkgroupName": "${Workgroup/Workgroup}",
        "FailedQueueUrl": "${Exporter/Failed}",
        "UndeliveredQueueUrl": "${Schedule/Undelivered}",
        "AlarmTopicArn": "${Monitoring/Alarm/Topic}",
        "LogGroupName": "${Exporter/Log}",
        "LogQueriesFolder": "Another",
    }


def test_the_outputs_name_the_dashboard_and_its_queries(by_default: Synthesized) -> None:
    outputs = by_default.spelled_out(by_default.template["Outputs"])
    (dashboard,) = by_default.of_type("AWS::CloudWatch::Dashboard").values()
    assert outputs["DashboardName"]["Value"] == dashboard["DashboardName"] == "PoolInventory-${AWS::Region}"
    queries = by_default.of_type("AWS::Logs::QueryDefinition").values()
    assert {each["Name"].partition("/")[0] for each in queries} == {outputs["LogQueriesFolder"]["Value"]}


def test_no_resource_has_a_fixed_name_but_what_needs_one(by_default: Synthesized) -> None:
    naming = {"BucketName", "FunctionName", "QueueName", "RoleName", "TopicName"}
    kinds = {
        *("S3::Bucket", "Lambda::Function", "SQS::Queue", "IAM::Role", "Scheduler::Schedule"),
        *("CloudWatch::Alarm", "SNS::Topic"),
    }
    for kind in kinds:
        assert by_default.of_type(f"AWS::{kind}")
        for properties in by_default.of_type(f"AWS::{kind}").values():
            assert not naming & set(properties)
            assert "Name" not in properties


@pytest.mark.parametrize(
    ("options", "more"),
    [
        ({}, set()),
        ({"customerManagedKey": "yes"}, {("AWS::KMS::Alias", "alias/PoolInventory")}),
        ({"bucketName": "mine", "reservedConcurrency": 1, "tags": "a=b", "permissionsBoundary": BOUNDARY}, set()),
    ],
)
def test_fixed_names_differ_between_stacks(
    tmp_path: Path, options: dict[str, object], more: set[tuple[str, str]]
) -> None:
    one, another = tmp_path / "one", tmp_path / "another"
    one.mkdir()
    another.mkdir()
    names = set(account_wide_names(Synthesized(one, **options)))
    saved = {name for kind, name in names if kind == "AWS::Logs::QueryDefinition"}
    assert saved
    assert all(name.startswith("PoolInventory/") for name in saved)
    assert names - {("AWS::Logs::QueryDefinition", name) for name in saved} == more | {
        ("AWS::Athena::WorkGroup", "PoolInventory"),
        ("AWS::Glue::Database", "poolinventory"),
        ("AWS::Logs::LogGroup", "/pool-inventory/PoolInventory"),
    }
    assert not names & set(account_wide_names(Synthesized(another, stackName="PoolInventory-2", **options)))


def account_wide_names(stack: Synthesized) -> Iterator[tuple[str, str]]:
    """The names that are written out, of all but what a role, a database or a workgroup of the stack holds.

    An alarm says what it looks at, and its own name is checked in test_two_stacks.py; a topic says what e-mails call
    it, and that it has no name of its own is checked above. The dashboard's name is checked with the dashboard.
    """
    held = {
        *("AWS::IAM::Policy", "AWS::Glue::Table", "AWS::Athena::NamedQuery"),
        *("AWS::CloudWatch::Alarm", "AWS::SNS::Topic"),
    }
    for resource in stack.resources.values():
        if resource["Type"] not in held:
            yield from ((resource["Type"], name) for name in names_within(resource.get("Properties", {})))


def names_within(value: Any) -> Iterator[str]:
    if isinstance(value, dict):
        for key, each in value.items():
            if key.endswith("Name") and isinstance(each, str) and "${" not in each:
                yield each
            yield from names_within(each)
    elif isinstance(value, list):
        for each in value:
            yield from names_within(each)
