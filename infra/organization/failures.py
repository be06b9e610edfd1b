"""Where the events of executions go that did not end well."""

from aws_cdk import Aws, Stack
from aws_cdk.aws_events import EventPattern, Rule
from aws_cdk.aws_events_targets import SqsQueue
from aws_cdk.aws_iam import PolicyStatement, ServicePrincipal
from aws_cdk.aws_kms import IKey, Key
from aws_cdk.aws_sqs import Queue
from aws_cdk.aws_stepfunctions import StateMachine
from constructs import Construct

from infra import checks
from infra.queues import dead_letters

_EVENTBRIDGE = ServicePrincipal("events.amazonaws.com")
NOT_WELL = ("FAILED", "TIMED_OUT", "ABORTED")


class Failures(Construct):
    """A rule, and the queue that it fills.

    Attributes:
        queue: keeps the event of each execution that failed, timed out or was aborted.
    """

    def __init__(
        self, scope: Construct, construct_id: str, *, machine: StateMachine, encryption_key: IKey | None
    ) -> None:
        """Make queue and rule.

        Args:
            scope: the construct that it belongs to.
            construct_id: its name in there.
            machine: whose executions are meant; those of its batches are of other machines by their ARN.
            encryption_key: of the queue.
        """
        super().__init__(scope, construct_id)
        self.queue = dead_letters(self, "Queue", encryption_key=encryption_key)
        rule = Rule(
            self,
            "Rule",
            description="Keeps the events of executions of the user pool inventory that did not end well",
            # https://docs.aws.amazon.com/step-functions/latest/dg/eventbridge-integration.html
            event_pattern=EventPattern(
                source=["aws.states"],
                detail_type=["Step Functions Execution Status Change"],
                detail={"status": list(NOT_WELL), "stateMachineArn": [machine.state_machine_arn]},
            ),
            # By its ARN, CDK leaves its policy alone: it would let each rule of every account send to it.
            targets=[SqsQueue(Queue.from_queue_arn(self, "AsItIs", self.queue.queue_arn))],
        )
        checks.acknowledge(
            rule,
            "Serverless-EventBusDLQ",
            because="Its target is a queue, to which EventBridge tries to send for a day, and the alarm on executions"
            " that failed rings without it.",
        )
        # https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-use-resource-based.html#eb-sqs-permissions
        self.queue.add_to_resource_policy(
            PolicyStatement(
                sid="RuleOfFailures",
                principals=[_EVENTBRIDGE],
                actions=["sqs:SendMessage"],
                resources=[self.queue.queue_arn],
                conditions={"ArnEquals": {"aws:SourceArn": rule.rule_arn}},
            )
        )
        if isinstance(encryption_key, Key):  # else its policy is not the stack's to write
            _let_rules_use(encryption_key)


def _let_rules_use(key: Key) -> None:
    """Allow EventBridge to use a key for the rules of this account and region, which send to an encrypted queue.

    Source: https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/sqs-key-management.html
    """
    rules = Stack.of(key).format_arn(service="events", resource="rule", resource_name="*")
    key.add_to_resource_policy(
        PolicyStatement(
            principals=[_EVENTBRIDGE],
            actions=["kms:Decrypt", "kms:GenerateDataKey"],
            resources=["*"],
            conditions={
                "StringEquals": {"aws:SourceAccount": Aws.ACCOUNT_ID},
                "ArnLike": {"aws:SourceArn": rules},
            },
        )
    )
