"""Where alarms are published."""

from aws_cdk import ArnFormat, Aws, Stack
from aws_cdk.aws_iam import PolicyStatement, ServicePrincipal
from aws_cdk.aws_kms import IKey
from aws_cdk.aws_sns import Topic
from aws_cdk.aws_sns_subscriptions import EmailSubscription
from constructs import Construct

from infra import checks


class AlarmTopic(Construct):
    """A topic to which CloudWatch's alarms of this account and region may publish, and nobody else.

    Attributes:
        topic: SNS's topic.
    """

    def __init__(self, scope: Construct, construct_id: str, *, email: str | None, encryption_key: IKey | None) -> None:
        """Make the topic.

        Args:
            scope: the construct that it belongs to.
            construct_id: its name in there.
            email: the address that gets each alarm, once its owner has confirmed; None for nobody.
            encryption_key: a key that CloudWatch may use; None for no encryption at rest.
        """
        super().__init__(scope, construct_id)
        self.topic = Topic(
            self, "Topic", display_name="User pool inventory", enforce_ssl=True, master_key=encryption_key
        )
        alarms = Stack.of(self).format_arn(
            service="cloudwatch", resource="alarm", resource_name="*", arn_format=ArnFormat.COLON_RESOURCE_NAME
        )
        # https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/Notify_Users_Alarm_Changes.html
        self.topic.add_to_resource_policy(
            PolicyStatement(
                sid="AlarmsOfThisAccount",
                principals=[ServicePrincipal("cloudwatch.amazonaws.com")],
                actions=["sns:Publish"],
                resources=[self.topic.topic_arn],
                conditions={
                    "StringEquals": {"aws:SourceAccount": Aws.ACCOUNT_ID},
                    "ArnLike": {"aws:SourceArn": alarms},
                },
            )
        )
        if email:
            checks.acknowledge(
                self.topic.add_subscription(EmailSubscription(email)),
                "Serverless-SNSRedrivePolicy",
                because="An e-mail that cannot be delivered is not the only trace of an alarm: CloudWatch shows it as"
                " ringing until it is over, and keeps its history. A copy in a queue would have to be looked at too.",
            )
