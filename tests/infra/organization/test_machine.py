"""The state machine, its role, and what starts it."""

import json
from pathlib import Path
from typing import Any

import pytest
from pool_inventory.errors import SettingsError
from pool_inventory.terminal.demo import state_machine

from tests.infra.makers import Resource, Synthesized, any_settings
from tests.infra.test_stack import allow

MACHINE = "${Organization/Machine/StateMachine}"
LAMBDA = [
    "Lambda.ClientExecutionTimeoutException",
    "Lambda.ServiceException",
    "Lambda.AWSLambdaException",
    "Lambda.SdkClientException",
    "Lambda.TooManyRequestsException",
]


def definition(stack: Synthesized) -> dict[str, Any]:
    (machine,) = stack.of_type("AWS::StepFunctions::StateMachine").values()
    read: dict[str, Any] = json.loads(machine["DefinitionString"])
    return read


def tasks(stack: Synthesized) -> dict[str, Resource]:
    states = definition(stack)["States"]
    inner = states["Batches"]["ItemProcessor"]["States"]
    return {name: each for name, each in {**states, **inner}.items() if each["Type"] == "Task"}


def test_the_demo_runs_the_definition_that_is_deployed(of_an_organization: Synthesized) -> None:
    assert state_machine.read_definition() == definition(of_an_organization), "write it again: make docs"


def test_a_plan_says_what_comes_next(of_an_organization: Synthesized) -> None:
    read = definition(of_an_organization)
    assert read["StartAt"] == "Plan"
    states = read["States"]
    assert states["Plan"]["Next"] == "WhatNext"
    rules = states["WhatNext"]["Choices"]
    assert {each["StringEquals"]: (each["Variable"], each["Next"]) for each in rules} == {
        "collect": ("$.next", "Batches"),
        "publish": ("$.next", "Publish"),
    }
    assert states[states["WhatNext"]["Default"]] == {"Type": "Succeed"}
    assert states["Batches"]["Next"] == "Publish"
    assert states["Publish"]["End"]


def test_batches_are_read_from_s3_and_run_side_by_side(tmp_path: Path) -> None:
    batches = definition(Synthesized(tmp_path, accounts="organization", mapConcurrency=7))["States"]["Batches"]
    assert batches["ItemReader"] == {
        "Resource": "arn:${AWS::Partition}:states:::s3:getObject",
        "ReaderConfig": {"InputType": "JSON"},
        "Parameters": {"Bucket": "${Storage/Bucket}", "Key.$": "$.batchesKey"},
    }
    assert batches["ItemProcessor"]["ProcessorConfig"] == {"Mode": "DISTRIBUTED", "ExecutionType": "STANDARD"}
    assert batches["MaxConcurrency"] == 7
    assert batches["ResultPath"] is None, "publish gets what the plan said"


def test_a_batch_that_fails_is_an_empty_result(of_an_organization: Synthesized) -> None:
    states = definition(of_an_organization)["States"]["Batches"]["ItemProcessor"]["States"]
    assert states["Batch"]["Catch"] == [{"ErrorEquals": ["States.ALL"], "ResultPath": None, "Next": "BatchFailed"}]
    assert states["BatchFailed"] == {"Type": "Pass", "Result": {}, "End": True}
    assert states["Batch"]["OutputPath"] is None, "one that works is one, too"


@pytest.mark.parametrize("name", ["Plan", "Batch", "Publish"])
def test_each_function_is_called_again_with_jitter(of_an_organization: Synthesized, name: str) -> None:
    task = tasks(of_an_organization)[name]
    assert task["Resource"] == "arn:${AWS::Partition}:states:::lambda:invoke"
    assert task["Parameters"]["FunctionName"] == f"${{Organization/Functions/{name}.Arn}}"
    of_lambda, of_the_function = task["Retry"]
    assert of_lambda["ErrorEquals"] == LAMBDA
    assert of_the_function["ErrorEquals"] == ["States.TaskFailed", "States.Timeout"]
    assert {each["JitterStrategy"] for each in task["Retry"]} == {"FULL"}
    assert {each["BackoffRate"] for each in task["Retry"]} == {2}
    assert (of_lambda["MaxAttempts"], of_the_function["MaxAttempts"]) == (8, 2)


def test_each_call_is_given_longer_than_its_function(of_an_organization: Synthesized) -> None:
    functions = of_an_organization.of_type("AWS::Lambda::Function")
    for name, task in tasks(of_an_organization).items():
        assert task["TimeoutSeconds"] == functions[f"Organization/Functions/{name}"]["Timeout"] + 60


def test_an_execution_ends_after_the_hours_that_are_set(tmp_path: Path) -> None:
    assert definition(Synthesized(tmp_path, accounts="organization", executionHours=2))["TimeoutSeconds"] == 7200


def test_publish_gets_the_time_that_the_plan_named(of_an_organization: Synthesized) -> None:
    assert tasks(of_an_organization)["Publish"]["Parameters"]["Payload"] == {"time.$": "$.time"}


def test_the_machine_may_do_nothing_else(of_an_organization: Synthesized) -> None:
    execution = "arn:${AWS::Partition}:states:${AWS::Region}:${AWS::AccountId}:execution:" + MACHINE[:-1] + ".Name}"
    policies = of_an_organization.of_type("AWS::IAM::Policy")
    granted = [
        statement
        for each in policies.values()
        if each["Roles"] == ["${Organization/Machine/Role}"]
        for statement in each["PolicyDocument"]["Statement"]
    ]
    invoked = [
        allow("lambda:InvokeFunction", f"${{Organization/Functions/{name}.Arn}}")
        for name in ("Plan", "Batch", "Publish")
    ]
    assert granted == [
        *invoked,
        allow("s3:GetObject", "${Storage/Bucket.Arn}/user-pools/_staging/*"),
        allow("states:StartExecution", MACHINE),
        allow(["states:DescribeExecution", "states:StopExecution"], [f"{execution}:*", f"{execution}/Batches:*"]),
        allow("states:RedriveExecution", f"{execution}/Batches:*"),
    ]


def test_the_machines_role_is_for_machines_of_the_account(of_an_organization: Synthesized) -> None:
    role = of_an_organization.of_type("AWS::IAM::Role")["Organization/Machine/Role"]
    (trust,) = role["AssumeRolePolicyDocument"]["Statement"]
    assert trust["Principal"] == {"Service": "states.amazonaws.com"}
    assert trust["Condition"] == {
        "StringEquals": {"aws:SourceAccount": "${AWS::AccountId}"},
        "ArnLike": {"aws:SourceArn": "arn:${AWS::Partition}:states:${AWS::Region}:${AWS::AccountId}:stateMachine:*"},
    }


def test_the_schedule_starts_the_machine_with_the_due_time(of_an_organization: Synthesized) -> None:
    (schedule,) = of_an_organization.of_type("AWS::Scheduler::Schedule").values()
    assert schedule["ScheduleExpression"] == "cron(0 3 * * ? *)"
    target = schedule["Target"]
    assert json.loads(target.pop("Input")) == {"time": "<aws.scheduler.scheduled-time>"}
    assert target == {
        "Arn": MACHINE,
        "RoleArn": "${Schedule/Role.Arn}",
        "DeadLetterConfig": {"Arn": "${Schedule/Undelivered.Arn}"},
        "RetryPolicy": {"MaximumEventAgeInSeconds": 86400, "MaximumRetryAttempts": 185},
    }
    granted = of_an_organization.of_type("AWS::IAM::Policy")["Schedule/Role/DefaultPolicy"]["PolicyDocument"]
    assert granted["Statement"] == [
        allow("states:StartExecution", MACHINE),
        allow("sqs:SendMessage", "${Schedule/Undelivered.Arn}"),
    ]


def test_the_schedule_waits_for_all_that_a_run_needs(of_an_organization: Synthesized) -> None:
    waits_for = {
        of_an_organization._paths[name] for name in of_an_organization.resources["Schedule/Schedule"]["DependsOn"]
    }
    assert {"Organization/Machine/BatchesPolicy", "Organization/Failures/Rule"} <= waits_for


@pytest.mark.parametrize(("accounts", "schedule"), [("", "cron(0 * * * ? *)"), ("organization", "cron(0 3 * * ? *)")])
def test_one_account_is_read_hourly_and_an_organization_daily(accounts: str, schedule: str) -> None:
    assert any_settings(accounts=accounts).schedule == schedule
    assert any_settings(accounts=accounts, schedule="rate(2 hours)").schedule == "rate(2 hours)"


@pytest.mark.parametrize(
    ("options", "says"),
    [
        ({"externalId": "a:b"}, "externalId='a:b': it is for other accounts; set accounts, too"),
        ({"stackSet": "management"}, "stackSet: the member role is for other accounts; set accounts, too, or use no"),
        (
            {"accounts": "organization", "reservedConcurrency": 2},
            "reservedConcurrency=2: it is for the function of one account; use 0, and mapConcurrency",
        ),
        (
            {"accounts": "organization", "stackName": "a" * 41},
            "is named for the stack and its region, so use at most 40 characters",
        ),
        (
            {"accounts": "organization", "stackSet": "delegated"},
            "stackSet: it needs organizationId and stackSetUnits, too; or use no",
        ),
        (
            {"accounts": "organization", "batchTimeoutSeconds": 20},
            "reserveSeconds=20: no time to collect is left of batchTimeoutSeconds=20",
        ),
        *(
            (
                {"accounts": "organization", "memberRole": f"{path}/inventory"},
                f"memberRole='{path}/inventory': IAM would take a * ? or $ in it for more than that",
            )
            for path in ("a*", "a?", "${aws:username}")
        ),
        (
            {"accounts": "organization", "stackSetUnits": "r-ab12"},
            "stackSetUnits: they are for a StackSet; set stackSet, too, or leave this empty",
        ),
        (
            {"accounts": "111122223333,ou-ab12-34cd56ef,-111122223333,-ou-ab12-34cd56ef"},
            "accounts: it leaves out all that it names",
        ),
    ],
)
def test_settings_that_do_not_go_together_are_refused(options: dict[str, object], says: str) -> None:
    with pytest.raises(SettingsError) as raised:
        any_settings(**options)
    assert says in str(raised.value)
