"""The functions of an organization's states, each in a role of its own."""

from aws_cdk import Aws, Stack
from aws_cdk.aws_iam import Role
from aws_cdk.aws_lambda import Function
from constructs import Construct
from pool_inventory.settings import ORGANIZATION, Accounts, is_account

from infra import checks, program
from infra.grants import allow
from infra.program import Program

# What plan and publish may take: the most that Lambda gives. They are paid for what they take.
TIMEOUT_SECONDS = 900
# It lists accounts, of which an organization has 50,000 at most, and keeps a few hundred bytes of each.
_PLAN_MEMORY_MB = 512


class Functions(Construct):
    """Three functions of the one bundle.

    Attributes:
        plan: says which accounts are to be asked.
        batch: reads a batch of them.
        publish: puts the parts of all batches together as one snapshot.
    """

    def __init__(self, scope: Construct, construct_id: str, common: Program) -> None:
        """Make the functions.

        Args:
            scope: the construct that it belongs to.
            construct_id: its name in there.
            common: what they have in common.
        """
        super().__init__(scope, construct_id)
        self._common = common
        self.plan = self._plan()
        self.batch = self._batch()
        self.publish = self._publish()
        for function in (self.plan, self.batch, self.publish):
            checks.acknowledge(
                function,
                "Serverless-LambdaDLQ",
                because="Step Functions waits for each call's answer and tries again by itself. What fails for good"
                " fails the execution, whose event goes into the queue of failures.",
            )

    def _plan(self) -> Function:
        settings = self._common.settings
        role = Role(self, "PlanRole", assumed_by=program.run_by_lambda())
        actions = organizations_actions(settings.accounts) if settings.accounts else ()
        if actions:
            allow(
                role,
                *actions,
                on="*",
                wildcard="Which units and accounts there are is what it asks. It only lists.",
            )
        program.let_list_regions(role)
        self._common.snapshots.let_stage(role)
        self._common.let_log(role)
        return self._common.function(
            self,
            "Plan",
            description="Says which accounts of the organization a snapshot is to ask",
            handler="pool_inventory.organization.plan.handler",
            memory_mb=_PLAN_MEMORY_MB,
            timeout_seconds=TIMEOUT_SECONDS,
            role=role,
        )

    def _batch(self) -> Function:
        settings = self._common.settings
        role = Role(
            self,
            "BatchRole",
            role_name=batch_role_name(settings.stack_name),
            description="Takes the member role in each account of the organization",
            assumed_by=program.run_by_lambda(),
        )
        allow(
            role,
            "sts:AssumeRole",
            on=f"arn:{Aws.PARTITION}:iam::*:role/{settings.member_role}",
            wildcard="Which accounts the organization has is known once a run lists them; the role is this one alone.",
        )
        program.let_list_pools(role)
        self._common.snapshots.let_stage(role)
        self._common.let_log(role)
        return self._common.function(
            self,
            "Batch",
            description="Reads every Cognito user pool of a few accounts",
            handler="pool_inventory.organization.batch.handler",
            memory_mb=settings.batch_memory_mb,
            timeout_seconds=settings.batch_timeout_seconds,
            role=role,
        )

    def _publish(self) -> Function:
        settings = self._common.settings
        role = Role(self, "PublishRole", assumed_by=program.run_by_lambda())
        self._common.snapshots.let_write(role)
        self._common.let_log(role)
        program.let_put_events(role, settings.event_bus)
        return self._common.function(
            self,
            "Publish",
            description="Commits one snapshot of every Cognito user pool of the organization to S3",
            handler="pool_inventory.organization.publish.handler",
            memory_mb=settings.publish_memory_mb,
            timeout_seconds=TIMEOUT_SECONDS,
            role=role,
        )


def organizations_actions(accounts: Accounts) -> tuple[str, ...]:
    """Return what is called of Organizations to find the accounts of a setting: nothing, where all are named."""
    names = (*accounts.included, *accounts.excluded)
    actions = ["organizations:ListAccounts"] if ORGANIZATION in names else []
    if any(name != ORGANIZATION and not is_account(name) for name in names):
        actions += ["organizations:ListAccountsForParent", "organizations:ListOrganizationalUnitsForParent"]
    return tuple(actions)


def batch_role_name(stack_name: str) -> str:
    """Return the name of the role that takes the member role, which trusts it by this name.

    A role that is made again under its name is trusted as before. Roles are an account's and not a region's.
    """
    return f"{stack_name}-batch-{Aws.REGION}"


def batch_role_arn(stack: Stack, stack_name: str) -> str:
    """Return that role's ARN in the account and region of a stack."""
    return stack.format_arn(service="iam", region="", resource="role", resource_name=batch_role_name(stack_name))
