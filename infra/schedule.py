"""The schedule that invokes the function."""

from aws_cdk import Aws, Duration, Stack
from aws_cdk.aws_iam import Role, ServicePrincipal
from aws_cdk.aws_kms import IKey
from aws_cdk.aws_lambda import IFunction
from aws_cdk.aws_scheduler import ContextAttribute, Schedule, ScheduleExpression, ScheduleTargetInput, TimeWindow
from aws_cdk.aws_scheduler_targets import LambdaInvoke
from constructs import Construct

from infra.grants import allow, allow_sending
from infra.queues import dead_letters


class ExportSchedule(Construct):
    """A schedule that invokes the function with the time that was due.

    Attributes:
        undelivered: the queue that keeps each event that Lambda did not accept.
    """

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        expression: str,
        function: IFunction,
        encryption_key: IKey | None,
    ) -> None:
        """Make the schedule.

        Args:
            scope: the construct that it belongs to.
            construct_id: its name in there.
            expression: such as "rate(6 hours)" or "cron(0 * * * ? *)", in UTC.
            function: what is invoked.
            encryption_key: of the queue.
        """
        super().__init__(scope, construct_id)
        self.undelivered = dead_letters(self, "Undelivered", encryption_key=encryption_key)
        role = Role(self, "Role", assumed_by=_scheduler_of(Stack.of(self)))
        allow(role, "lambda:InvokeFunction", on=function.function_arn)
        allow_sending(role, self.undelivered, encryption_key)
        schedule = Schedule(
            self,
            "Schedule",
            description="Wakes the user pool inventory",
            schedule=ScheduleExpression.expression(expression),
            time_window=TimeWindow.off(),
            target=LambdaInvoke(
                function,
                # The due time names the snapshot, so an event that is delivered twice names one snapshot.
                input=ScheduleTargetInput.from_object({"time": ContextAttribute.scheduled_time}),
                role=role.without_policy_updates(),
                dead_letter_queue=self.undelivered,
                # These are for an event that Lambda does not accept; where the function fails, its own retries follow.
                # A day is the longest there is: a late snapshot beats none, and one that is too late changes nothing.
                max_event_age=Duration.days(1),
                retry_attempts=185,
            ),
        )
        # The first event may be due at once: it needs the role's grants, and the queue for a function that fails.
        schedule.node.add_dependency(role, function)


def _scheduler_of(stack: Stack) -> ServicePrincipal:
    """Trust EventBridge Scheduler for schedules of this account's default group alone.

    Source: https://docs.aws.amazon.com/scheduler/latest/UserGuide/cross-service-confused-deputy-prevention.html
    """
    group = stack.format_arn(service="scheduler", resource="schedule-group", resource_name="default")
    return ServicePrincipal(
        "scheduler.amazonaws.com",
        conditions={"StringEquals": {"aws:SourceAccount": Aws.ACCOUNT_ID, "aws:SourceArn": group}},
    )
