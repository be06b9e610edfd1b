"""Alarms for when snapshots stop coming, and where to look then."""

from aws_cdk import Aws
from aws_cdk.aws_kms import IKey
from constructs import Construct

from infra.exporter import Exporter
from infra.monitoring.alarms import Alarms, Mail
from infra.monitoring.dashboard import SnapshotDashboard
from infra.monitoring.log_queries import LogQueries
from infra.monitoring.metrics import SnapshotMetrics
from infra.monitoring.topic import AlarmTopic
from infra.monitoring.watch import Watch
from infra.options.deploy_settings import DeploySettings
from infra.organization import Organization
from infra.schedule import ExportSchedule


class Monitoring(Construct):
    """Alarms and the topic that they go to, a dashboard, and saved queries on the function's log.

    Attributes:
        topic: where all alarms are published.
        dashboard_name: the dashboard's, None where there is none.
    """

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        settings: DeploySettings,
        exporter: Exporter | Organization,
        schedule: ExportSchedule,
        encryption_key: IKey | None,
    ) -> None:
        """Watch a function and its schedule.

        Args:
            scope: the construct that it belongs to.
            construct_id: its name in there.
            settings: the deploy's.
            exporter: the function, its log and its queue; for an organization, the machine too.
            schedule: what wakes it, with the other queue.
            encryption_key: of the topic; None for no encryption at rest.
        """
        super().__init__(scope, construct_id)
        self.topic = AlarmTopic(self, "Alarm", email=settings.alarm_email, encryption_key=encryption_key).topic
        machine = exporter.machine if isinstance(exporter, Organization) else None
        metrics = SnapshotMetrics(namespace=settings.metrics_namespace, service=settings.service_name)
        alarms = Alarms(
            self,
            "Alarms",
            metrics=metrics,
            runs=machine or exporter.function,
            failed=exporter.failed,
            undelivered=schedule.undelivered,
            watch=Watch.over(settings.schedule, timeout_seconds=exporter.run_seconds),
            event_bus=settings.event_bus is not None,
            mail=Mail(topic=self.topic, stack_name=settings.stack_name, runbook_url=settings.runbook_url),
        )
        self.dashboard_name = f"{settings.stack_name}-{Aws.REGION}" if settings.dashboard else None
        if self.dashboard_name is not None:
            SnapshotDashboard(
                self,
                "Dashboard",
                name=self.dashboard_name,
                metrics=metrics,
                exporter=exporter,
                queues=[("failed", exporter.failed), ("undelivered", schedule.undelivered)],
                event_bus=settings.event_bus is not None,
                alarms=alarms.alarms,
            )
        LogQueries(
            self,
            "LogQueries",
            folder=settings.stack_name,
            log_group=exporter.log_group,
            of_organization=machine is not None,
        )
