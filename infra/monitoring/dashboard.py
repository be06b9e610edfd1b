"""The snapshots at a glance: each graph has the question that it answers for its title."""

from collections.abc import Sequence

from aws_cdk import Duration
from aws_cdk.aws_cloudwatch import (
    Alarm,
    AlarmStatusWidget,
    Dashboard,
    GraphWidget,
    HorizontalAnnotation,
    IMetric,
    IWidget,
    PeriodOverride,
    YAxisProps,
)
from aws_cdk.aws_sqs import IQueue
from aws_cdk.aws_stepfunctions import IStateMachine
from constructs import Construct

from infra.exporter import Exporter
from infra.monitoring.alarms import QUOTA_PERCENT
from infra.monitoring.metrics import SnapshotMetrics
from infra.organization import Organization

# CloudWatch keeps figures of an hour for 15 months, and finer ones for 63 days at most.
_HOUR = Duration.hours(1)
_DAY = Duration.days(1)
_COLUMNS = 24
_IN_A_ROW = 3


class SnapshotDashboard(Construct):
    """A dashboard of one stack in one region."""

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        name: str,
        metrics: SnapshotMetrics,
        exporter: Exporter | Organization,
        queues: Sequence[tuple[str, IQueue]],
        event_bus: bool,
        alarms: Sequence[Alarm],
    ) -> None:
        """Make the dashboard.

        Args:
            scope: the construct that it belongs to.
            construct_id: its name in there.
            name: one that the account does not have yet.
            metrics: the snapshots'.
            exporter: what takes snapshots.
            queues: what has to be empty, and what a graph calls it.
            event_bus: whether events go onto a bus.
            alarms: those whose state is shown.
        """
        super().__init__(scope, construct_id)
        function, timeout_seconds = exporter.function, exporter.timeout_seconds
        machine = exporter.machine if isinstance(exporter, Organization) else None
        timeout = HorizontalAnnotation(value=timeout_seconds * 1000, label=f"timeout, {timeout_seconds} s")
        quota = HorizontalAnnotation(value=QUOTA_PERCENT, label="alarm")

        def maximum(*names: str) -> list[IMetric]:
            return [metrics.metric(name, statistic="Maximum", period=_HOUR) for name in names]

        widgets: list[IWidget] = [
            AlarmStatusWidget(title="Is anything wrong?", alarms=list(alarms), width=_COLUMNS, height=3),
            _graph("How many user pools are there?", maximum("UserPools")),
            # By day, so that it looks the same where a region's figure comes but once a day.
            _graph("In which regions are they?", [metrics.by_region("UserPools", period=_DAY)], stacked=True),
            _graph(
                "What changed, at most, in a snapshot?",
                maximum("UserPoolsCreated", "UserPoolsDeleted", "UserPoolsModified"),
            ),
            _graph("Are the snapshots complete?", maximum("SnapshotComplete")),
            _graph("Was every target read?", maximum("Targets", "TargetsFailed")),
            _graph("Does Cognito throttle us?", maximum("Requests", "Retries")),
            _graph(
                "Does a run have enough time?",
                # A run that Lambda cut off sent no SnapshotDuration.
                [*maximum("SnapshotDuration"), function.metric_duration(statistic="Maximum", period=_HOUR)],
                mark=timeout,
            ),
            _graph("How large is a snapshot?", maximum("SnapshotBytes")),
            _graph("Is there room for more user pools?", maximum("QuotaUtilization"), mark=quota),
            _graph(
                "Was anything passed by? Did events fail?" if event_bus else "Was anything passed by?",
                maximum("PassedBy", "EventsFailed") if event_bus else maximum("PassedBy"),
            ),
            _graph(
                "Do runs fail, or are they throttled?",
                [
                    function.metric_invocations(period=_HOUR),
                    function.metric_errors(period=_HOUR),
                    function.metric_throttles(period=_HOUR),
                ],
            ),
            *(
                [
                    _graph("Was every account read?", maximum("Accounts", "AccountsFailed")),
                    _graph("Do an organization's runs begin, and end well?", _executions(machine)),
                ]
                if machine
                else []
            ),
            _graph(
                "Does anything wait in a dead-letter queue?",
                [
                    queue.metric_approximate_number_of_messages_visible(statistic="Maximum", period=_HOUR, label=label)
                    for label, queue in queues
                ],
            ),
        ]
        graphs = widgets[1:]
        Dashboard(
            self,
            "Dashboard",
            dashboard_name=name,
            default_interval=Duration.days(14),
            # Otherwise a short range would draw a day's figure in pieces of minutes, most of them empty.
            period_override=PeriodOverride.INHERIT,
            widgets=[widgets[:1], *(graphs[at : at + _IN_A_ROW] for at in range(0, len(graphs), _IN_A_ROW))],
        )


def _executions(machine: IStateMachine) -> list[IMetric]:
    return [
        machine.metric_started(statistic="Sum", period=_HOUR),
        machine.metric_succeeded(statistic="Sum", period=_HOUR),
        machine.metric_failed(statistic="Sum", period=_HOUR),
        machine.metric_timed_out(statistic="Sum", period=_HOUR),
        machine.metric_aborted(statistic="Sum", period=_HOUR),
    ]


def _graph(
    question: str, metrics: Sequence[IMetric], *, stacked: bool = False, mark: HorizontalAnnotation | None = None
) -> GraphWidget:
    return GraphWidget(
        title=question,
        left=list(metrics),
        left_y_axis=YAxisProps(min=0),
        left_annotations=[mark] if mark else None,
        stacked=stacked,
        width=_COLUMNS // _IN_A_ROW,
        height=6,
    )
