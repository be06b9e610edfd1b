"""What rings and what is drawn, and that it is of what the function really says."""

import json
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from aws_cdk import App
from aws_cdk.assertions import Annotations, Match
from pool_inventory.organization import batch, plan, publish
from pool_inventory.terminal.demo.stand_in import ACCOUNT_ID, StandIn, seed

from benchmarks import cost, organization_cost
from infra.monitoring.alarms import section
from infra.monitoring.log_queries import log_queries
from infra.stack import PoolInventoryStack
from tests.conftest import Invoke, any_context
from tests.infra.cloudwatch import ALARM, OK, state_changes
from tests.infra.makers import ROOT, Resource, Synthesized, any_settings
from tests.makers import any_pools
from tests.organization.conftest import batches_of

HOUR = 60 * 60
DAY = 24 * HOUR
WEEK = 7 * DAY

Output = Callable[[], list[dict[str, Any]]]


def alarms(stack: Synthesized) -> dict[str, Resource]:
    return {
        path.removeprefix("Monitoring/Alarms/"): each for path, each in stack.of_type("AWS::CloudWatch::Alarm").items()
    }


def watched(alarm: Resource) -> Resource:
    """The metric that an alarm looks at, with its period and statistic, be it through an expression or not."""
    if "Metrics" not in alarm:
        return {**alarm, "Stat": alarm["Statistic"]}
    (stated,) = (each["MetricStat"] for each in alarm["Metrics"] if "MetricStat" in each)
    return {**stated["Metric"], "Period": stated["Period"], "Stat": stated["Stat"]}


def rule(alarm: Resource) -> tuple[Any, ...]:
    metric = watched(alarm)
    comparison = {
        "LessThanThreshold": "<",
        "GreaterThanThreshold": ">",
        "GreaterThanOrEqualToThreshold": ">=",
    }[alarm["ComparisonOperator"]]
    (dimension,) = metric["Dimensions"]
    return (
        f"{metric['Stat']} of {metric['Namespace']} {metric['MetricName']} {comparison} {alarm['Threshold']}",
        (dimension["Name"], dimension["Value"]),
        f"{alarm['EvaluationPeriods']} of {metric['Period']} s",
        alarm["TreatMissingData"],
    )


def test_these_are_the_alarms(by_default: Synthesized) -> None:
    own = ("service", any_settings().service_name)
    visible = "Maximum of AWS/SQS ApproximateNumberOfMessagesVisible >= 1"
    assert {name: rule(alarm) for name, alarm in alarms(by_default).items()} == {
        "NoCompleteSnapshot": ("Maximum of PoolInventory SnapshotComplete < 1", own, "2 of 3900 s", "breaching"),
        "PartialTwice": ("Minimum of PoolInventory TargetsFailed >= 1", own, "2 of 3900 s", "notBreaching"),
        "FunctionErrors": (
            "Maximum of AWS/Lambda Errors >= 1",
            ("FunctionName", "${Exporter/Function}"),
            "1 of 300 s",
            "ignore",
        ),
        "FailedEvents": (visible, ("QueueName", "${Exporter/Failed.QueueName}"), "1 of 300 s", "ignore"),
        "UndeliveredEvents": (visible, ("QueueName", "${Schedule/Undelivered.QueueName}"), "1 of 300 s", "ignore"),
        "PassedBy": ("Maximum of PoolInventory PassedBy >= 1", own, "1 of 3900 s", "notBreaching"),
        "QuotaNearlyUsed": ("Maximum of PoolInventory QuotaUtilization > 80", own, "1 of 300 s", "ignore"),
    }


def test_where_a_bus_is_set_there_is_an_alarm_on_its_events(by_default: Synthesized, otherwise: Synthesized) -> None:
    (name,) = alarms(otherwise).keys() - alarms(by_default).keys()
    assert (name, rule(alarms(otherwise)[name])) == (
        "EventsFailed",
        (
            "Maximum of Mine EventsFailed >= 1",
            ("service", "mine"),
            f"1 of {6 * HOUR + 900} s",
            "notBreaching",
        ),
    )


@pytest.mark.parametrize("name", ["NoCompleteSnapshot", "PassedBy", "EventsFailed"])
def test_silence_counts_as_0_without_a_wait(otherwise: Synthesized, name: str) -> None:
    alarm = alarms(otherwise)[name]
    (expression,) = (each for each in alarm["Metrics"] if "Expression" in each)
    (stated,) = (each for each in alarm["Metrics"] if "MetricStat" in each)
    assert expression["Expression"] == f"FILL({stated['Id']}, 0)"
    assert (expression["ReturnData"], stated["ReturnData"]) == (True, False)


@pytest.mark.parametrize("stack", ["by_default", "otherwise"])
def test_alarms_publish_when_they_ring_and_when_they_are_over(request: pytest.FixtureRequest, stack: str) -> None:
    for alarm in alarms(request.getfixturevalue(stack)).values():
        assert alarm["AlarmActions"] == alarm["OKActions"] == ["${Monitoring/Alarm/Topic}"]
        assert alarm.get("ActionsEnabled", True)
        assert "DatapointsToAlarm" not in alarm, "each period of those that it looks at must breach"


def test_each_alarm_looks_at_a_maximum_or_a_minimum(by_default: Synthesized) -> None:
    """CloudWatch may take in a figure twice."""
    assert {watched(alarm)["Stat"] for alarm in alarms(by_default).values()} <= {"Maximum", "Minimum"}


@pytest.mark.parametrize(
    ("schedule", "timeout_seconds", "period", "periods"),
    [
        ("rate(5 minutes)", 300, 10 * 60, 2),
        ("rate(5 minutes)", 61, 7 * 60, 2),
        ("rate(6 hours)", 900, 6 * HOUR + 900, 2),
        ("cron(0 * * * ? *)", 300, HOUR + 300, 2),
        ("cron(0 3 * * ? *)", 300, DAY + 300, 2),
        ("cron(0 3 ? * MON-FRI *)", 300, 3 * DAY + 300, 2),
        ("rate(84 hours)", 300, WEEK // 2, 2),
        ("rate(4 days)", 300, WEEK, 1),
        ("cron(0 3 ? * MON *)", 300, WEEK, 1),
        ("cron(0 3 1 * ? *)", 300, DAY, 1),
    ],
)
def test_the_alarms_on_snapshots_follow_the_schedule(
    tmp_path: Path, schedule: str, timeout_seconds: int, period: int, periods: int
) -> None:
    """They keep to the limits of CloudWatch."""
    stack = Synthesized(tmp_path, schedule=schedule, timeoutSeconds=timeout_seconds)
    for name in ("NoCompleteSnapshot", "PartialTwice"):
        alarm = alarms(stack)[name]
        assert (watched(alarm)["Period"], alarm["EvaluationPeriods"]) == (period, periods)
        # https://docs.aws.amazon.com/AmazonCloudWatch/latest/APIReference/API_PutMetricAlarm.html
        assert period % 60 == 0
        assert period * periods <= (DAY if period < HOUR else WEEK)


# What they do: the times are minutes since the first deploy


def when_due(*, every: int, first: int, until: int) -> range:
    """When a schedule's snapshots are published, which takes four minutes of the five that a run has."""
    return range(first + 4, until, every)


HOURLY, SIX_HOURLY, DAILY = ("cron(0 * * * ? *)", 60), ("rate(6 hours)", 6 * 60), ("cron(0 3 * * ? *)", 24 * 60)


@pytest.mark.parametrize(("schedule", "gap"), [HOURLY, SIX_HOURLY, DAILY])
def test_a_first_deploy_that_works_does_not_ring(tmp_path: Path, schedule: str, gap: int) -> None:
    alarm = alarms(Synthesized(tmp_path, schedule=schedule))["NoCompleteSnapshot"]
    for first in (0, gap // 2, gap):
        complete = dict.fromkeys(when_due(every=gap, first=first, until=5 * gap), 1.0)
        assert [state for _, state in state_changes(alarm, complete, minutes=5 * gap)] == [OK]


@pytest.mark.parametrize(
    ("schedule", "rings_at"), [("cron(0 * * * ? *)", 2 * 65), ("rate(6 hours)", 2 * 365), ("rate(1 day)", 2 * 24 * 60)]
)
def test_a_first_deploy_without_a_snapshot_rings(tmp_path: Path, schedule: str, rings_at: int) -> None:
    alarm = alarms(Synthesized(tmp_path, schedule=schedule))["NoCompleteSnapshot"]
    assert state_changes(alarm, {}, minutes=2 * rings_at) == [(rings_at, ALARM)]


def test_a_snapshot_by_hand_keeps_a_slow_schedule_from_ringing(tmp_path: Path) -> None:
    """CloudWatch waits no longer than two days, and on a Friday the next one may be due in three."""
    alarm = alarms(Synthesized(tmp_path, schedule="cron(0 3 ? * MON-FRI *)"))["NoCompleteSnapshot"]
    due = when_due(every=24 * 60, first=3 * 24 * 60, until=8 * 24 * 60)
    by_hand = {10: 1.0} | dict.fromkeys(due, 1.0)
    assert [state for _, state in state_changes(alarm, by_hand, minutes=8 * 24 * 60)] == [OK]


@pytest.mark.parametrize(("schedule", "gap"), [HOURLY, DAILY])
def test_a_schedule_that_stops_rings_after_two_periods(tmp_path: Path, schedule: str, gap: int) -> None:
    alarm = alarms(Synthesized(tmp_path, schedule=schedule))["NoCompleteSnapshot"]
    complete = dict.fromkeys(when_due(every=gap, first=0, until=5 * gap), 1.0)
    (_, ok), (rings_at, rings) = state_changes(alarm, complete, minutes=10 * gap)
    assert (ok, rings) == (OK, ALARM)
    assert rings_at == max(complete) + 2 * (gap + 5)


@pytest.mark.parametrize(("schedule", "gap"), [HOURLY, DAILY])
@pytest.mark.parametrize("name", ["PassedBy", "EventsFailed"])
def test_what_runs_report_rings_until_a_run_reports_none(tmp_path: Path, name: str, schedule: str, gap: int) -> None:
    alarm = alarms(Synthesized(tmp_path, schedule=schedule, eventBus="changes"))[name]
    reported = dict.fromkeys(when_due(every=gap, first=gap, until=4 * gap), 2.0)
    assert state_changes(alarm, reported, minutes=10 * gap) == [
        (0, OK),
        (min(reported), ALARM),
        (max(reported) + gap + 5, OK),
    ]


def test_what_a_monthly_run_reports_rings_for_a_week(tmp_path: Path) -> None:
    alarm = alarms(Synthesized(tmp_path, schedule="cron(0 3 1 * ? *)"))["PassedBy"]
    assert state_changes(alarm, {60: 1.0}, minutes=14 * 24 * 60) == [(0, OK), (60, ALARM), (60 + WEEK // 60, OK)]


def test_a_missing_figure_of_the_quotas_use_ends_no_alarm(by_default: Synthesized) -> None:
    """It says nothing of QuotaUtilization, where a region was never read."""
    alarm = alarms(by_default)["QuotaNearlyUsed"]
    assert state_changes(alarm, {4: 81.0, 184: 79.0}, minutes=240) == [(4, ALARM), (184, OK)]


def windows(stack: Synthesized) -> list[Any]:
    return [alarms(stack)[name].get("EvaluationWindow") for name in ("NoCompleteSnapshot", "PartialTwice")]


def test_a_weekly_schedule_is_looked_at_by_the_calendars_weeks(tmp_path: Path) -> None:
    assert windows(Synthesized(tmp_path, schedule="rate(7 days)")) == [{"WallClockWindow": {"Timezone": "UTC"}}] * 2


def test_any_faster_schedule_is_looked_at_up_to_now(by_default: Synthesized) -> None:
    assert windows(by_default) == [None, None]


def test_silence_between_monthly_snapshots_changes_no_alarm(tmp_path: Path) -> None:
    alarm = alarms(Synthesized(tmp_path, schedule="cron(0 3 1 * ? *)"))["NoCompleteSnapshot"]
    assert rule(alarm) == (
        "Maximum of PoolInventory SnapshotComplete < 1",
        ("service", any_settings().service_name),
        f"1 of {DAY} s",
        "ignore",
    )
    assert "Metrics" not in alarm


@pytest.mark.parametrize(
    ("schedule", "warning"),
    [
        ("cron(0 3 ? * MON-FRI *)", None),
        ("rate(7 days)", "schedule='rate(7 days)' leaves more than half a week between two snapshots"),
        ("rate(8 days)", "if the schedule stops, nothing rings"),
    ],
)
def test_synth_warns_of_a_schedule_too_slow_for_the_alarms(tmp_path: Path, schedule: str, warning: str | None) -> None:
    tmp_path.joinpath("handler.py").write_text("")
    stack = PoolInventoryStack(App(), settings=any_settings(schedule=schedule), code_folder=tmp_path)
    warnings = [str(each.entry.data) for each in Annotations.from_stack(stack).find_warning("*", Match.any_value())]
    assert len(warnings) == (warning is not None)
    assert all(warning in each for each in warnings if warning)


def test_the_topic_is_for_this_accounts_alarms_by_tls_alone(by_default: Synthesized) -> None:
    (policy,) = by_default.of_type("AWS::SNS::TopicPolicy").values()
    assert policy["Topics"] == ["${Monitoring/Alarm/Topic}"]
    tls_only, from_alarms = policy["PolicyDocument"]["Statement"]
    assert {key: tls_only[key] for key in ("Effect", "Principal", "Action", "Resource", "Condition")} == {
        "Effect": "Deny",
        "Principal": "*",
        "Action": "sns:Publish",
        "Resource": "${Monitoring/Alarm/Topic}",
        "Condition": {"Bool": {"aws:SecureTransport": "false"}},
    }
    assert from_alarms == {
        "Sid": "AlarmsOfThisAccount",
        "Effect": "Allow",
        "Principal": {"Service": "cloudwatch.amazonaws.com"},
        "Action": "sns:Publish",
        "Resource": "${Monitoring/Alarm/Topic}",
        "Condition": {
            "StringEquals": {"aws:SourceAccount": "${AWS::AccountId}"},
            "ArnLike": {"aws:SourceArn": "arn:${AWS::Partition}:cloudwatch:${AWS::Region}:${AWS::AccountId}:alarm:*"},
        },
    }


def test_e_mails_go_to_the_address_that_is_set(by_default: Synthesized, otherwise: Synthesized) -> None:
    assert by_default.of_type("AWS::SNS::Subscription") == {}
    assert list(otherwise.of_type("AWS::SNS::Subscription").values()) == [
        {"TopicArn": "${Monitoring/Alarm/Topic}", "Protocol": "email", "Endpoint": "cloud-team@example.com"}
    ]


# The dashboard


def widgets(stack: Synthesized) -> list[Any]:
    (dashboard,) = stack.of_type("AWS::CloudWatch::Dashboard").values()
    body = json.loads(dashboard["DashboardBody"])
    assert body["periodOverride"] == "inherit"
    return [{**widget, **widget["properties"]} for widget in body["widgets"]]


def drawn(stack: Synthesized) -> dict[str, list[str]]:
    """What each widget draws, by its title."""
    return {
        widget["title"]: [
            line[0]["expression"] if isinstance(line[0], dict) else " ".join(line[:4])
            for line in widget.get("metrics", [])
        ]
        for widget in widgets(stack)
    }


def own(*names: str) -> list[str]:
    return [f"PoolInventory {name} service {any_settings().service_name}" for name in names]


def of_function(*names: str) -> list[str]:
    return [f"AWS/Lambda {name} FunctionName ${{Exporter/Function}}" for name in names]


def test_the_dashboard_answers_these_questions(by_default: Synthesized) -> None:
    service = any_settings().service_name
    by_region = f"""SEARCH('{{"PoolInventory",region,service}} MetricName="UserPools" service="{service}"'"""
    visible = "AWS/SQS ApproximateNumberOfMessagesVisible QueueName"
    assert drawn(by_default) == {
        "Is anything wrong?": [],
        "How many user pools are there?": own("UserPools"),
        "In which regions are they?": [f"{by_region}, 'Maximum', 86400)"],
        "What changed, at most, in a snapshot?": own("UserPoolsCreated", "UserPoolsDeleted", "UserPoolsModified"),
        "Are the snapshots complete?": own("SnapshotComplete"),
        "Was every target read?": own("Targets", "TargetsFailed"),
        "Does Cognito throttle us?": own("Requests", "Retries"),
        "Does a run have enough time?": [*own("SnapshotDuration"), *of_function("Duration")],
        "How large is a snapshot?": own("SnapshotBytes"),
        "Is there room for more user pools?": own("QuotaUtilization"),
        "Was anything passed by?": own("PassedBy"),
        "Do runs fail, or are they throttled?": of_function("Invocations", "Errors", "Throttles"),
        "Does anything wait in a dead-letter queue?": [
            f"{visible} ${{Exporter/Failed.QueueName}}",
            f"{visible} ${{Schedule/Undelivered.QueueName}}",
        ],
    }


def test_the_dashboard_draws_failed_events_if_a_bus_is_set(tmp_path: Path) -> None:
    shown = drawn(Synthesized(tmp_path, eventBus="changes"))
    assert shown["Was anything passed by? Did events fail?"] == own("PassedBy", "EventsFailed")


def test_each_widget_asks_a_question_in_a_place_of_its_own(by_default: Synthesized) -> None:
    placed = [
        (widget["x"] + x, widget["y"] + y)
        for widget in widgets(by_default)
        for x in range(widget["width"])
        for y in range(widget["height"])
    ]
    assert all(widget["title"].endswith("?") for widget in widgets(by_default))
    assert len(set(placed)) == len(placed)


def test_the_dashboard_shows_each_alarm(by_default: Synthesized) -> None:
    (shown,) = (widget["alarms"] for widget in widgets(by_default) if widget["type"] == "alarm")
    assert set(shown) == {f"${{Monitoring/Alarms/{name}.Arn}}" for name in alarms(by_default)}


def test_what_a_snapshot_says_is_drawn_as_its_maximum(by_default: Synthesized) -> None:
    lines = [
        line for widget in widgets(by_default) for line in widget.get("metrics", []) if line[0] == "PoolInventory"
    ]
    assert lines
    assert {line[-1]["stat"] for line in lines} == {"Maximum"}


def test_lines_are_drawn_at_the_timeout_and_at_the_alarm(tmp_path: Path) -> None:
    stack = Synthesized(tmp_path, timeoutSeconds=120)
    at = {
        widget["title"]: [line["value"] for line in widget["annotations"]["horizontal"]]
        for widget in widgets(stack)
        if "annotations" in widget
    }
    assert at == {
        "Does a run have enough time?": [120_000],
        "Is there room for more user pools?": [alarms(stack)["QuotaNearlyUsed"]["Threshold"]],
    }


def test_there_is_no_dashboard_where_none_is_wanted(otherwise: Synthesized) -> None:
    assert otherwise.of_type("AWS::CloudWatch::Dashboard") == {}


def test_a_dashboard_has_its_stack_and_region_in_its_name(by_default: Synthesized, tmp_path: Path) -> None:
    other = Synthesized(tmp_path, stackName="Another")
    names = [
        dashboard["DashboardName"]
        for stack in (by_default, other)
        for dashboard in stack.of_type("AWS::CloudWatch::Dashboard").values()
    ]
    assert names == ["PoolInventory-${AWS::Region}", "Another-${AWS::Region}"]


# That they are the function's


def emitted(lines: list[dict[str, Any]]) -> set[tuple[str, str, tuple[tuple[str, str], ...]]]:
    """Each metric of some lines in EMF: namespace, name and dimensions, without the region's own name."""
    return {
        (
            directive["Namespace"],
            metric["Name"],
            tuple((name, "" if name == "region" else line[name]) for name in sorted(directive["Dimensions"][0])),
        )
        for line in lines
        if "_aws" in line
        for directive in line["_aws"]["CloudWatchMetrics"]
        for metric in directive["Metrics"]
    }


def asked_for(stack: Synthesized) -> Iterator[tuple[str, str, tuple[tuple[str, str], ...]]]:
    for alarm in alarms(stack).values():
        metric = watched(alarm)
        yield metric["Namespace"], metric["MetricName"], tuple((d["Name"], d["Value"]) for d in metric["Dimensions"])
    for widget in widgets(stack):
        for line in widget.get("metrics", []):
            if isinstance(line[0], str):
                yield line[0], line[1], ((line[2], line[3]),)
            else:
                found = re.fullmatch(
                    r"""SEARCH\('\{"(.+)",(\w+),(\w+)\} MetricName="(\w+)" (\w+)="(.+)"', .*""", line[0]["expression"]
                )
                assert found
                namespace, region, service, name, same_service, value = found.groups()
                assert service == same_service
                yield namespace, name, ((region, ""), (service, value))


@pytest.mark.parametrize("names", [{}, {"metricsNamespace": "Audit of pools", "serviceName": "pools of audit"}])
def test_alarms_and_dashboard_use_each_metric_and_no_other(
    tmp_path: Path,
    invoke: Invoke,
    output: Output,
    make_trouble: Callable[[], None],
    monkeypatch: pytest.MonkeyPatch,
    names: dict[str, str],
) -> None:
    """Each is one that the function emits."""
    stack = Synthesized(tmp_path, eventBus="changes", **names)
    for name, value in stack.of_type("AWS::Lambda::Function")["Exporter/Function"]["Environment"]["Variables"].items():
        if name.startswith("POWERTOOLS"):
            monkeypatch.setenv(name, value)
    seed("us-east-1", any_pools(3))
    invoke("2026-11-24T18:00:00Z")
    make_trouble()
    invoke("2026-11-24T19:00:00Z")
    asked = {each for each in asked_for(stack) if not each[0].startswith("AWS/")}
    assert asked == emitted(output())


def test_an_organizations_metrics_are_all_looked_at(
    of_an_organization: Synthesized,
    aws: StandIn,
    output: Output,
    make_trouble: Callable[[], None],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("INVENTORY_ACCOUNTS", ACCOUNT_ID)
    aws.enabled_regions = ["us-east-1"]
    seed("us-east-1", any_pools(3))
    for hour in (18, 19):
        planned = plan.handler({"time": f"2026-11-24T{hour}:00:00Z"}, any_context())
        (event,) = batches_of(planned)
        batch.handler(event, any_context())
        publish.handler(planned, any_context())
        make_trouble()
    asked = {each for each in asked_for(of_an_organization) if not each[0].startswith("AWS/")}
    assert asked == emitted(output())
    assert {"Accounts", "AccountsFailed"} <= {name for _, name, _ in asked}


def test_a_quote_in_the_services_name_does_not_end_the_search(tmp_path: Path) -> None:
    stack = Synthesized(tmp_path, serviceName='audit\'s "pools"')
    (search,) = drawn(stack)["In which regions are they?"]
    assert r"""service="audit\'s \"pools\""', 'Maximum'""" in search


# What docs/operations.md says of them


def sections() -> dict[str, str]:
    page = (ROOT / "docs" / "operations.md").read_text()
    alarms_only = page.partition("\n## The alarms\n")[2].partition("\n## ")[0]
    _, *parts = re.split(r"^### ", alarms_only, flags=re.MULTILINE)
    return {title: text for title, _, text in (part.partition("\n") for part in parts)}


def test_each_alarm_has_a_section_and_each_section_an_alarm(
    otherwise: Synthesized, of_an_organization: Synthesized
) -> None:
    named = [[section(name) for name in alarms(stack)] for stack in (otherwise, of_an_organization)]
    assert {name for names in named for name in names} == set(sections())
    assert [[title for title in sections() if title in names] for names in named] == named


def test_each_alarms_section_has_its_three_parts() -> None:
    """What it means, how to look, what to do."""
    for title, text in sections().items():
        assert re.findall(r"^\*\*(.+?)\*\*", text, flags=re.MULTILINE) == [
            "What it means.",
            "How to look.",
            "What to do.",
        ], title
        assert "<!-- " in text or "](#" in text, f"{title}: no query, and no link to one"


@pytest.mark.parametrize("stack", ["by_default", "of_an_organization"])
def test_each_alarm_says_what_to_do_first_and_names_its_section(request: pytest.FixtureRequest, stack: str) -> None:
    for name, alarm in alarms(request.getfixturevalue(stack)).items():
        text = alarm["AlarmDescription"]
        assert " First " in text
        assert text.endswith(f"See docs/operations.md, '{section(name)}'.")
        for query in re.findall(r"query '([^']+)'", text):
            assert query in {each.name.replace("_", " ") for each in log_queries()}


def test_each_alarm_has_a_name_that_can_be_read(by_default: Synthesized) -> None:
    """It is the subject of its mail."""
    names = {alarm["AlarmName"] for alarm in alarms(by_default).values()}
    assert names == {f"PoolInventory - {section(name)}" for name in alarms(by_default)}
    assert "PoolInventory - No complete snapshot" in names


def test_each_alarm_has_the_address_of_its_section(otherwise: Synthesized) -> None:
    page = (ROOT / "docs" / "operations.md").read_text()
    for name, alarm in alarms(otherwise).items():
        address = alarm["AlarmDescription"].rpartition(" See ")[2]
        assert address == f"https://wiki.example.com/pool-inventory#{section(name).lower().replace(' ', '-')}"
        assert f"[{section(name)}](#{address.partition('#')[2]})" in page
        assert len(alarm["AlarmDescription"]) < 1024 - 400


def test_an_address_with_a_fragment_is_left_as_it_is(tmp_path: Path) -> None:
    url = "https://wiki.example.com/#/runbooks/7"
    for alarm in alarms(Synthesized(tmp_path, runbookUrl=url)).values():
        assert alarm["AlarmDescription"].endswith(f" See {url}")


def test_no_alarm_sends_to_a_dashboard_that_is_not_there(otherwise: Synthesized) -> None:
    assert otherwise.of_type("AWS::CloudWatch::Dashboard") == {}
    assert not [name for name, alarm in alarms(otherwise).items() if "dashboard" in alarm["AlarmDescription"]]


def test_the_region_of_a_quota_is_looked_for_where_regions_are(by_default: Synthesized) -> None:
    """`pool-inventory list` has a line for each snapshot and names no region."""
    for text in (alarms(by_default)["QuotaNearlyUsed"]["AlarmDescription"], sections()["Quota nearly used"]):
        assert "pool-inventory summary" in text
        assert "pool-inventory list" not in text


def test_the_page_puts_throttled_events_among_the_failed(by_default: Synthesized) -> None:
    """Scheduler invokes asynchronously: what Lambda takes and cannot run ages in Lambda's own queue.

    https://docs.aws.amazon.com/lambda/latest/dg/with-eventbridge-scheduler.html
    https://docs.aws.amazon.com/lambda/latest/dg/invocation-async-error-handling.html
    """
    description = alarms(by_default)["FailedEvents"]["AlarmDescription"]
    for text in (description, sections()["Failed events"]):
        for word in ("requestContext.condition", "RetriesExhausted", "EventAgeExceeded"):
            assert word in text
    assert "Throttled" not in sections()["Undelivered events"]
    assert "(#failed-events)" in sections()["No complete snapshot"]


def test_lambda_tries_twice_more_and_six_hours_as_the_page_says(by_default: Synthesized) -> None:
    (config,) = by_default.of_type("AWS::Lambda::EventInvokeConfig").values()
    assert config["MaximumRetryAttempts"] == 2
    assert config.get("MaximumEventAgeInSeconds", 6 * HOUR) == 6 * HOUR
    assert "six hours" in sections()["Failed events"]


def alarm_metrics(stack: Synthesized) -> int:
    """Each metric that an alarm looks at is paid for, and its arithmetic is not."""
    metrics = [alarm.get("Metrics", [{"MetricStat": {}}]) for alarm in alarms(stack).values()]
    return sum("MetricStat" in each for of_alarm in metrics for each in of_alarm)


def test_the_page_on_cost_counts_alarms_and_dashboards(
    by_default: Synthesized, otherwise: Synthesized, of_an_organization: Synthesized
) -> None:
    assert alarm_metrics(by_default) == cost.ALARM_METRICS
    assert alarm_metrics(otherwise) == cost.ALARM_METRICS + cost.EVENT_BUS_ALARM_METRICS
    assert alarm_metrics(of_an_organization) == organization_cost.ALARM_METRICS + cost.EVENT_BUS_ALARM_METRICS
    assert len(by_default.of_type("AWS::CloudWatch::Dashboard")) == cost.DASHBOARDS
