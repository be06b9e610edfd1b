"""Alarms that ring when snapshots stop coming, or are partial.

docs/operations.md has a section for each alarm, under the alarm's own name.
"""

import re
from dataclasses import dataclass
from datetime import timedelta
from typing import cast

from aws_cdk import Annotations, Duration
from aws_cdk.aws_cloudwatch import Alarm, CfnAlarm, ComparisonOperator, IMetric, MathExpression, TreatMissingData
from aws_cdk.aws_cloudwatch_actions import SnsAction
from aws_cdk.aws_lambda import Function
from aws_cdk.aws_sns import ITopic
from aws_cdk.aws_sqs import IQueue
from aws_cdk.aws_stepfunctions import StateMachine
from constructs import Construct

from infra.monitoring.metrics import SnapshotMetrics
from infra.monitoring.watch import Watch

# A higher quota takes days to get, and pools come meanwhile.
QUOTA_PERCENT = 80

_MOMENT = Duration.minutes(5)


@dataclass(frozen=True, slots=True, kw_only=True)
class Mail:
    """What all alarms' mails have in common.

    Attributes:
        topic: where an alarm is published when it rings, and when it is over.
        stack_name: what each alarm's name, which is the subject, begins with: it is the account and region's only one.
        runbook_url: of docs/operations.md, wherever it is published; None where it is not.
    """

    topic: ITopic
    stack_name: str
    runbook_url: str | None

    def runbook(self, heading: str) -> str:
        """Return where a section of the runbook is."""
        if self.runbook_url is None:
            return f"docs/operations.md, {heading!r}."
        # An address that has a fragment of its own leads to a page where headings have no anchors of ours.
        anchor = "" if "#" in self.runbook_url else f"#{heading.lower().replace(' ', '-')}"
        return f"{self.runbook_url}{anchor}"


class Alarms(Construct):
    """All alarms, to one topic. Each looks at a maximum or a minimum: CloudWatch may take in a figure twice.

    Attributes:
        alarms: all of them.
    """

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        metrics: SnapshotMetrics,
        runs: Function | StateMachine,
        failed: IQueue,
        undelivered: IQueue,
        watch: Watch,
        event_bus: bool,
        mail: Mail,
    ) -> None:
        """Make the alarms.

        Args:
            scope: the construct that it belongs to.
            construct_id: its name in there.
            metrics: the snapshots'.
            runs: what takes snapshots, a function or an organization's state machine.
            failed: the queue of events that were accepted, and of which no run ended well.
            undelivered: the queue of what was not accepted.
            watch: over how long a time the snapshots are looked at.
            event_bus: whether events go onto a bus.
            mail: where an alarm is published, and what is said in it.
        """
        super().__init__(scope, construct_id)
        self.alarms: list[Alarm] = []
        self._action = SnsAction(mail.topic)
        self._mail = mail
        if watch.shortfall:
            Annotations.of(self).add_warning_v2("pool-inventory:slowSchedule", watch.shortfall)
        self._ring_for_snapshots(metrics, watch)
        is_machine = isinstance(runs, StateMachine)
        if isinstance(runs, StateMachine):
            self._ring_for_executions(runs, watch)
        else:
            self._ring(
                "FunctionErrors",
                runs.metric_errors(statistic="Maximum", period=_MOMENT),
                says="A run failed, and Lambda tries it twice more. First see why, by the saved query 'runs that"
                " failed'.",
            )
        self._ring(
            "FailedEvents",
            failed.metric_approximate_number_of_messages_visible(statistic="Maximum", period=_MOMENT),
            says="The event of an execution that did not end well waits in the queue of failures. First read its"
            " message's detail.status and detail.cause."
            if is_machine
            else "An event got no snapshot, and waits in the queue of failures. First read its message's"
            " requestContext.condition: RetriesExhausted, its run failed three times; EventAgeExceeded, Lambda had no"
            " room for it in six hours.",
        )
        self._ring(
            "UndeliveredEvents",
            undelivered.metric_approximate_number_of_messages_visible(statistic="Maximum", period=_MOMENT),
            says=f"{'Step Functions' if is_machine else 'Lambda'} did not accept an event of the schedule, which waits"
            " in the queue of undelivered events. First read the message's attribute ERROR_MESSAGE.",
        )
        self._ring_until_next_run(
            "PassedBy",
            metrics,
            watch,
            says="Something stored could not be finished, read or believed, and was passed by. First see what, by the"
            " saved query 'passed by'.",
        )
        if event_bus:
            self._ring_until_next_run(
                "EventsFailed",
                metrics,
                watch,
                says="Events did not get onto the bus, and the runs of the next day try again. First see why, by the"
                " saved query 'events that failed'.",
            )
        self._ring(
            "QuotaNearlyUsed",
            metrics.metric("QuotaUtilization", statistic="Maximum", period=_MOMENT),
            comparison=ComparisonOperator.GREATER_THAN_THRESHOLD,
            threshold=QUOTA_PERCENT,
            says=f"The fullest region has used more than {QUOTA_PERCENT} percent of its quota of user pools. First"
            " see which region it is, by pool-inventory summary.",
        )

    def _ring_for_snapshots(self, metrics: SnapshotMetrics, watch: Watch) -> None:
        period = Duration.seconds(watch.period.total_seconds())
        complete = metrics.metric("SnapshotComplete", statistic="Maximum", period=period)
        alarms = [
            self._ring(
                "NoCompleteSnapshot",
                _filled("complete", complete, period) if watch.sees_silence else complete,
                comparison=ComparisonOperator.LESS_THAN_THRESHOLD,
                periods=watch.periods,
                missing=TreatMissingData.BREACHING if watch.sees_silence else TreatMissingData.IGNORE,
                says="No complete snapshot was published for two periods of the schedule. First see what the newest"
                " runs came to, by the saved query 'runs'.",
            ),
            self._ring(
                "PartialTwice",
                # A run that failed and then read everything when it was tried again has 0 among its figures.
                metrics.metric("TargetsFailed", statistic="Minimum", period=period),
                periods=watch.periods,
                # Silence is for NoCompleteSnapshot.
                missing=TreatMissingData.NOT_BREACHING,
                says="Two snapshots in a row lack a region that could not be read. First see which and why, by the"
                " saved query 'targets not read'.",
            ),
        ]
        complete_alarm, partial_alarm = alarms
        _fit(complete_alarm, watch, warm_up=watch.sees_silence)
        _fit(partial_alarm, watch, warm_up=False)

    def _ring_for_executions(self, machine: StateMachine, watch: Watch) -> None:
        """Make the alarms on a state machine's executions.

        Each figure is 1 for an execution, at the end of it or its start, and there is none where there was none:
        https://docs.aws.amazon.com/step-functions/latest/dg/procedure-cw-metrics.html
        """
        until_next_run = Duration.seconds(watch.until_next_run.total_seconds())
        period = Duration.seconds(watch.period.total_seconds())
        for name, metric, what in (
            ("ExecutionsFailed", machine.metric_failed, "failed"),
            ("ExecutionsTimedOut", machine.metric_timed_out, "took longer than executionHours, and was ended"),
        ):
            self._ring(
                name,
                _filled("count", metric(statistic="Maximum", period=until_next_run), until_next_run),
                missing=TreatMissingData.NOT_BREACHING,
                says=f"An execution of the state machine {what}. First see which state did not end well, in the"
                " execution's own page of Step Functions' console.",
            )
        if watch.sees_silence:
            started = machine.metric_started(statistic="Maximum", period=period)
            alarm = self._ring(
                "ExecutionsNotStarted",
                _filled("started", started, period),
                comparison=ComparisonOperator.LESS_THAN_THRESHOLD,
                periods=watch.periods,
                missing=TreatMissingData.BREACHING,
                says="No execution of the state machine began for two periods of the schedule. First see whether the"
                " schedule is there and enabled.",
            )
            _fit(alarm, watch, warm_up=True)

    def _ring_until_next_run(self, name: str, metrics: SnapshotMetrics, watch: Watch, *, says: str) -> None:
        """Make an alarm on a metric that is sent only where there is something to count."""
        period = Duration.seconds(watch.until_next_run.total_seconds())
        metric = metrics.metric(name, statistic="Maximum", period=period)
        self._ring(name, _filled("count", metric, period), missing=TreatMissingData.NOT_BREACHING, says=says)

    def _ring(
        self,
        name: str,
        metric: IMetric,
        *,
        says: str,
        comparison: ComparisonOperator = ComparisonOperator.GREATER_THAN_OR_EQUAL_TO_THRESHOLD,
        threshold: float = 1,
        periods: int = 1,
        missing: TreatMissingData = TreatMissingData.IGNORE,
    ) -> Alarm:
        """Make an alarm.

        By default an alarm rings until a figure says that it is over: between two runs there is none, and a queue that
        nobody touches gives none after six hours.
        https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/monitoring-using-cloudwatch.html
        """
        alarm = Alarm(
            self,
            name,
            alarm_name=f"{self._mail.stack_name} - {section(name)}",
            metric=metric,
            comparison_operator=comparison,
            threshold=threshold,
            evaluation_periods=periods,
            treat_missing_data=missing,
            alarm_description=f"{says} See {self._mail.runbook(section(name))}",
        )
        alarm.add_alarm_action(self._action)
        alarm.add_ok_action(self._action)
        self.alarms.append(alarm)
        return alarm


def _fit(alarm: Alarm, watch: Watch, *, warm_up: bool) -> None:
    """Set an alarm to the watch's periods; the construct has no argument for either property yet.

    Args:
        alarm: the alarm.
        watch: over how long a time it looks.
        warm_up: whether it waits after its deploy, because it rings for silence.
    """
    resource = cast("CfnAlarm", alarm.node.default_child)
    if warm_up:
        resource.warm_up_configuration = CfnAlarm.WarmUpConfigurationProperty(
            warm_up_period_duration_in_minutes=watch.warm_up // timedelta(minutes=1),
            # It may otherwise end as soon as there is a figure for each period, and FILL has one at once.
            only_start_evaluating_after_warm_up_period_ends=True,
        )
    if watch.calendar_weeks:
        resource.evaluation_window = CfnAlarm.EvaluationWindowProperty(
            wall_clock_window=CfnAlarm.WallClockWindowProperty(timezone="UTC")
        )


def _filled(name: str, metric: IMetric, period: Duration) -> IMetric:
    """Return a metric with 0 for each period without a figure.

    An alarm on the metric itself looks some periods further back before it takes silence for missing data:
    https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/alarms-and-missing-data.html
    """
    return MathExpression(expression=f"FILL({name}, 0)", using_metrics={name: metric}, period=period, label=name)


def section(alarm: str) -> str:
    """Return the heading of an alarm's section in docs/operations.md."""
    return re.sub(r"(?<=[a-z])(?=[A-Z])", " ", alarm).capitalize()
