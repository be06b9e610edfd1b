"""The schedule that wakes the function, or an organization's state machine."""

from functools import partial
from typing import TYPE_CHECKING

from aws_cdk import Aws, Duration, Stack
from aws_cdk.aws_iam import Role, ServicePrincipal
from aws_cdk.aws_kms import IKey
from aws_cdk.aws_lambda import Function
from aws_cdk.aws_scheduler import (
    ContextAttribute,
    IScheduleTarget,
    Schedule,
    ScheduleExpression,
    ScheduleTargetInput,
    TimeWindow,
)
from aws_cdk.aws_scheduler_targets import LambdaInvoke, StepFunctionsStartExecution
from aws_cdk.aws_stepfunctions import StateMachine
from constructs import Construct

from infra.grants import allow, allow_sending
from infra.queues import dead_letters

if TYPE_CHECKING:
    from collections.abc import Callable


class ExportSchedule(Construct):
    """A schedule that invokes the function, or starts the state machine, with the time that was due.

    Attributes:
        undelivered: the queue that keeps each event that was not accepted.
    """

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        expression: str,
        wakes: Function | StateMachine,
        encryption_key: IKey | None,
    ) -> None:
        """Make the schedule.

        Args:
            scope: the construct that it belongs to.
            construct_id: its name in there.
            expression: such as "rate(6 hours)" or "cron(0 * * * ? *)", in UTC.
            wakes: what is invoked or started.
            encryption_key: of the queue.
        """
        super().__init__(scope, construct_id)
        self.undelivered = dead_letters(self, "Undelivered", encryption_key=encryption_key)
        role = Role(self, "Role", assumed_by=_scheduler_of(Stack.of(self)))
        if isinstance(wakes, StateMachine):
            allow(role, "states:StartExecution", on=wakes.state_machine_arn)
            target: Callable[..., IScheduleTarget] = partial(StepFunctionsStartExecution, wakes)
        else:
            allow(role, "lambda:InvokeFunction", on=wakes.function_arn)
            target = partial(LambdaInvoke, wakes)
        allow_sending(role, self.undelivered, encryption_key)
        schedule = Schedule(
            self,
            "Schedule",
            description="Wakes the user pool inventory",
            schedule=ScheduleExpression.expression(expression),
            time_window=TimeWindow.off(),
            target=target(
                # The due time names the snapshot, so an event that is delivered twice names one snapshot.
                input=ScheduleTargetInput.from_object({"time": ContextAttribute.scheduled_time}),
                role=role.without_policy_updates(),
                dead_letter_queue=self.undelivered,
                # These are for an event that is not accepted; where a run fails, its own retries follow.
                # A day is the longest there is: a late snapshot beats none, and one that is too late changes nothing.
                max_event_age=Duration.days(1),
                retry_attempts=185,
            ),
        )
        # The first event may be due at once: it needs the role's grants, and the queue for a function that fails.
        schedule.node.add_dependency(role, wakes)


def _scheduler_of(stack: Stack) -> ServicePrincipal:
    """Trust EventBridge Scheduler for schedules of this account's default group alone.

    Source: https://docs.aws.amazon.com/scheduler/latest/UserGuide/cross-service-confused-deputy-prevention.html
    """
    group = stack.format_arn(service="scheduler", resource="schedule-group", resource_name="default")
    return ServicePrincipal(
        "scheduler.amazonaws.com",
        conditions={"StringEquals": {"aws:SourceAccount": Aws.ACCOUNT_ID, "aws:SourceArn": group}},
    )
