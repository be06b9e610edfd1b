"""Executions that did not end well: where their events go, and what rings."""

import json
from pathlib import Path

import pytest
from aws_cdk import App
from aws_cdk.assertions import Annotations, Match

from infra.stack import PoolInventoryStack
from tests.infra.cloudwatch import ALARM, OK, state_changes
from tests.infra.makers import Synthesized, any_settings
from tests.infra.test_monitoring import alarms, rule

DAY = 24 * 60 * 60
MACHINE = "${Organization/Machine/StateMachine}"
PERIOD = f"{DAY + 6 * 60 * 60} s"


def test_the_event_of_each_bad_end_goes_into_the_queue(of_an_organization: Synthesized) -> None:
    (each,) = of_an_organization.of_type("AWS::Events::Rule").values()
    assert each["EventPattern"] == {
        "source": ["aws.states"],
        "detail-type": ["Step Functions Execution Status Change"],
        "detail": {"status": ["FAILED", "TIMED_OUT", "ABORTED"], "stateMachineArn": [MACHINE]},
    }
    assert [target["Arn"] for target in each["Targets"]] == ["${Organization/Failures/Queue.Arn}"]
    outputs = of_an_organization.spelled_out(of_an_organization.template["Outputs"])
    assert outputs["FailedQueueUrl"]["Value"] == "${Organization/Failures/Queue}"


def test_only_that_rule_may_send_into_the_queue(of_an_organization: Synthesized) -> None:
    (policy,) = (
        each
        for each in of_an_organization.of_type("AWS::SQS::QueuePolicy").values()
        if "Failures" in each["Queues"][0]
    )
    (allowed,) = (each for each in policy["PolicyDocument"]["Statement"] if each["Effect"] == "Allow")
    assert allowed["Action"] == "sqs:SendMessage"
    assert allowed["Principal"] == {"Service": "events.amazonaws.com"}
    assert allowed["Condition"] == {"ArnEquals": {"aws:SourceArn": "${Organization/Failures/Rule.Arn}"}}


def test_the_own_key_lets_rules_of_the_account_use_it(tmp_path: Path) -> None:
    stack = Synthesized(tmp_path, accounts="organization", customerManagedKey="yes")
    (key,) = stack.of_type("AWS::KMS::Key").values()
    statements = [each for each in key["KeyPolicy"]["Statement"] if "events." in json.dumps(each["Principal"])]
    assert [(each["Action"], each["Condition"]) for each in statements] == [
        (
            ["kms:Decrypt", "kms:GenerateDataKey"],
            {
                "StringEquals": {"aws:SourceAccount": "${AWS::AccountId}"},
                "ArnLike": {"aws:SourceArn": "arn:${AWS::Partition}:events:${AWS::Region}:${AWS::AccountId}:rule/*"},
            },
        )
    ]


def test_synth_notes_what_anothers_key_has_to_allow(tmp_path: Path) -> None:
    tmp_path.joinpath("handler.py").write_text("")
    key = "arn:aws:kms:us-east-1:123456789012:key/1234abcd-12ab-34cd-56ef-1234567890ab"
    settings = any_settings(accounts="organization", customerManagedKey=key)
    stack = PoolInventoryStack(App(), settings=settings, code_folder=tmp_path)
    notes = [str(each.entry.data) for each in Annotations.from_stack(stack).find_info("*", Match.any_value())]
    assert [each for each in notes if "events.amazonaws.com" in each and key in each]


def test_executions_have_alarms_in_place_of_the_functions(of_an_organization: Synthesized) -> None:
    found = {name: rule(alarm) for name, alarm in alarms(of_an_organization).items()}
    of_machine = ("StateMachineArn", MACHINE)
    assert "FunctionErrors" not in found
    assert {name: found[name] for name in found if name.startswith("Executions")} == {
        "ExecutionsFailed": (
            "Maximum of AWS/States ExecutionsFailed >= 1",
            of_machine,
            f"1 of {PERIOD}",
            "notBreaching",
        ),
        "ExecutionsTimedOut": (
            "Maximum of AWS/States ExecutionsTimedOut >= 1",
            of_machine,
            f"1 of {PERIOD}",
            "notBreaching",
        ),
        "ExecutionsNotStarted": (
            "Maximum of AWS/States ExecutionsStarted < 1",
            of_machine,
            f"2 of {PERIOD}",
            "breaching",
        ),
    }
    assert found["NoCompleteSnapshot"][2] == f"2 of {PERIOD}"


def test_a_machine_that_stops_rings_after_two_periods(of_an_organization: Synthesized) -> None:
    alarm = alarms(of_an_organization)["ExecutionsNotStarted"]
    started = dict.fromkeys(range(0, 4 * 24 * 60, 24 * 60), 1.0)
    (_, ok), (rings_at, rings) = state_changes(alarm, started, minutes=10 * 24 * 60)
    assert (ok, rings) == (OK, ALARM)
    assert rings_at == max(started) + 2 * 30 * 60


def test_a_machine_that_never_starts_rings(of_an_organization: Synthesized) -> None:
    alarm = alarms(of_an_organization)["ExecutionsNotStarted"]
    assert [state for _, state in state_changes(alarm, {}, minutes=10 * 24 * 60)] == [ALARM]


def test_a_failed_execution_rings_for_a_period(of_an_organization: Synthesized) -> None:
    alarm = alarms(of_an_organization)["ExecutionsFailed"]
    assert state_changes(alarm, {60: 1.0}, minutes=5 * 24 * 60) == [(0, OK), (60, ALARM), (60 + 30 * 60, OK)]


def test_a_schedule_too_slow_to_see_silence_has_no_such_alarm(tmp_path: Path) -> None:
    stack = Synthesized(tmp_path, accounts="organization", schedule="cron(0 3 1 * ? *)")
    assert "ExecutionsNotStarted" not in alarms(stack)


def test_the_dashboard_draws_executions(of_an_organization: Synthesized) -> None:
    (dashboard,) = of_an_organization.of_type("AWS::CloudWatch::Dashboard").values()
    (graph,) = (
        each["properties"]
        for each in json.loads(dashboard["DashboardBody"])["widgets"]
        if each["properties"]["title"] == "Do an organization's runs begin, and end well?"
    )
    assert [each[1] for each in graph["metrics"]] == [
        "ExecutionsStarted",
        "ExecutionsSucceeded",
        "ExecutionsFailed",
        "ExecutionsTimedOut",
        "ExecutionsAborted",
    ]


@pytest.mark.parametrize("name", ["FailedEvents", "UndeliveredEvents"])
def test_mails_of_queues_speak_of_executions(of_an_organization: Synthesized, name: str) -> None:
    assert "Lambda" not in alarms(of_an_organization)[name]["AlarmDescription"]
