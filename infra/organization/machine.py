"""The state machine of an organization's run: plan → batches, side by side → publish."""

from aws_cdk import ArnFormat, Aws, Duration, Stack
from aws_cdk.aws_iam import Policy, PolicyStatement, Role, ServicePrincipal
from aws_cdk.aws_lambda import IFunction
from aws_cdk.aws_stepfunctions import (
    Choice,
    Condition,
    DefinitionBody,
    DistributedMap,
    Errors,
    IChainable,
    JitterType,
    JsonPath,
    Pass,
    Result,
    S3JsonItemReader,
    StateMachine,
    StateMachineType,
    Succeed,
    TaskInput,
    Timeout,
)
from aws_cdk.aws_stepfunctions_tasks import LambdaInvoke
from constructs import Construct
from pool_inventory.organization import messages

from infra import checks
from infra.grants import allow
from infra.options.deploy_settings import DeploySettings
from infra.organization.functions import TIMEOUT_SECONDS, Functions
from infra.snapshot_bucket import SnapshotBucket

# What Lambda itself may answer, and a later call not: no room, most often.
# https://docs.aws.amazon.com/step-functions/latest/dg/concepts-error-handling.html
# https://docs.aws.amazon.com/step-functions/latest/dg/sfn-best-practices.html
LAMBDA_ERRORS = (
    "Lambda.ClientExecutionTimeoutException",
    "Lambda.ServiceException",
    "Lambda.AWSLambdaException",
    "Lambda.SdkClientException",
    "Lambda.TooManyRequestsException",
)
# Of an execution of a batch, in the ARN: name of the machine, slash, label, colon, name of the execution.
_LABEL = "Batches"


class Machine(Construct):
    """A standard state machine and its role.

    Attributes:
        state_machine: Step Functions'.
    """

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        settings: DeploySettings,
        functions: Functions,
        snapshots: SnapshotBucket,
    ) -> None:
        """Make the state machine.

        Args:
            scope: the construct that it belongs to.
            construct_id: its name in there.
            settings: the deploy's.
            functions: what its states call.
            snapshots: where the list of batches is.
        """
        super().__init__(scope, construct_id)
        role = Role(self, "Role", assumed_by=_step_functions_of(Stack.of(self)))
        for function in (functions.plan, functions.batch, functions.publish):
            allow(role, "lambda:InvokeFunction", on=function.function_arn)
        snapshots.let_read_staged(role)
        self.state_machine = StateMachine(
            self,
            "StateMachine",
            comment="One snapshot of every Cognito user pool of an organization",
            definition_body=DefinitionBody.from_chainable(self._definition(settings, functions, snapshots)),
            state_machine_type=StateMachineType.STANDARD,
            timeout=Duration.hours(settings.execution_hours),
            # CDK would grant each version of the functions, and the start of executions by a wider pattern.
            role=role.without_policy_updates(),
        )
        self.state_machine.node.try_remove_child("DistributedMapPolicy")
        self._let_run_batches(role)
        _acknowledge(self.state_machine)

    def _definition(self, settings: DeploySettings, functions: Functions, snapshots: SnapshotBucket) -> IChainable:
        plan = _invoke(self, "Plan", functions.plan, timeout_seconds=TIMEOUT_SECONDS)
        publish = _invoke(
            self,
            "Publish",
            functions.publish,
            timeout_seconds=TIMEOUT_SECONDS,
            payload=TaskInput.from_object({messages.TIME: JsonPath.string_at(f"$.{messages.TIME}")}),
        )
        # Where a batch's last attempt failed, publish finds no part of it: its accounts are failures, the run goes on.
        batch = _invoke(
            self,
            "Batch",
            functions.batch,
            timeout_seconds=settings.batch_timeout_seconds,
            # A batch's result is {}: the results of all of them have to fit into the 256 KiB of a state.
            output_path=JsonPath.DISCARD,
        )
        batch.add_catch(
            Pass(self, "BatchFailed", result=Result.from_object({})),
            errors=[Errors.ALL],
            # A cause may be as long as a state's whole input.
            result_path=JsonPath.DISCARD,
        )
        batches = DistributedMap(
            self,
            "Batches",
            label=_LABEL,
            item_reader=S3JsonItemReader(bucket=snapshots.bucket, key=JsonPath.string_at(f"$.{messages.BATCHES_KEY}")),
            max_concurrency=settings.map_concurrency,
            # Of a standard execution: an express one ends after five minutes.
            map_execution_type=StateMachineType.STANDARD,
            result_path=JsonPath.DISCARD,
            # None fails but by a fault of Step Functions' own. Then the others still count.
            tolerated_failure_percentage=99.9,
        )
        batches.item_processor(batch)
        # An attempt more asks nobody twice: a batch whose part is there ends at once.
        batches.add_retry(
            errors=[Errors.ALL],
            interval=Duration.seconds(30),
            max_attempts=2,
            backoff_rate=2,
            jitter_strategy=JitterType.FULL,
        )
        step = f"$.{messages.NEXT}"
        what_next = (
            Choice(self, "WhatNext")
            .when(Condition.string_equals(step, messages.COLLECT), batches.next(publish))
            .when(Condition.string_equals(step, messages.PUBLISH), publish)
            .otherwise(Succeed(self, "NothingToDo"))
        )
        return plan.next(what_next)

    def _let_run_batches(self, role: Role) -> None:
        """Grant what a Distributed Map does with its executions.

        The policy is one of its own: it names the machine, which waits for its role's grants.
        https://docs.aws.amazon.com/step-functions/latest/dg/iam-policies-eg-dist-map.html
        https://docs.aws.amazon.com/step-functions/latest/dg/redrive-map-run.html
        """
        name = self.state_machine.state_machine_name
        executions, of_batches = (
            Stack.of(self).format_arn(
                service="states",
                resource="execution",
                resource_name=f"{each}:*",
                arn_format=ArnFormat.COLON_RESOURCE_NAME,
            )
            for each in (name, f"{name}/{_LABEL}")
        )
        policy = Policy(
            self,
            "BatchesPolicy",
            statements=[
                PolicyStatement(actions=["states:StartExecution"], resources=[self.state_machine.state_machine_arn]),
                PolicyStatement(
                    actions=["states:DescribeExecution", "states:StopExecution"], resources=[executions, of_batches]
                ),
                PolicyStatement(actions=["states:RedriveExecution"], resources=[of_batches]),
            ],
        )
        policy.attach_to_role(role)
        for resource in (executions, of_batches):
            checks.acknowledge_wildcard(
                policy, resource, because="Step Functions names each execution of a batch itself, as it starts it."
            )


def _invoke(
    scope: Construct,
    name: str,
    function: IFunction,
    *,
    timeout_seconds: int,
    payload: TaskInput | None = None,
    output_path: str = "$.Payload",
) -> LambdaInvoke:
    """Return the state that calls a function, and calls it again where that may help."""
    state = LambdaInvoke(
        scope,
        name,
        lambda_function=function,
        payload=payload,
        output_path=output_path,
        # Longer than the function's own: it ends a call whose answer was lost.
        task_timeout=Timeout.duration(Duration.seconds(timeout_seconds + 60)),
        retry_on_service_exceptions=False,
    )
    # No function comes to harm by a second call: what an earlier one wrote is found and kept.
    state.add_retry(
        errors=list(LAMBDA_ERRORS),
        interval=Duration.seconds(2),
        max_attempts=8,
        backoff_rate=2,
        max_delay=Duration.minutes(5),
        jitter_strategy=JitterType.FULL,
    )
    state.add_retry(
        errors=[Errors.TASKS_FAILED, Errors.TIMEOUT],
        interval=Duration.seconds(30),
        max_attempts=2,
        backoff_rate=2,
        jitter_strategy=JitterType.FULL,
    )
    return state


def _step_functions_of(stack: Stack) -> ServicePrincipal:
    """Trust Step Functions for state machines of this account and region alone.

    Source: https://docs.aws.amazon.com/step-functions/latest/dg/procedure-create-iam-role.html
    """
    machines = stack.format_arn(
        service="states", resource="stateMachine", resource_name="*", arn_format=ArnFormat.COLON_RESOURCE_NAME
    )
    return ServicePrincipal(
        "states.amazonaws.com",
        conditions={"StringEquals": {"aws:SourceAccount": Aws.ACCOUNT_ID}, "ArnLike": {"aws:SourceArn": machines}},
    )


def _acknowledge(machine: StateMachine) -> None:
    checks.acknowledge(
        machine,
        "AwsSolutions-SF1",
        because="Step Functions keeps each event of a standard execution, those of the batches included, for 90 days,"
        " and the functions' log has what they did. A log of all events would say it a third time, with eight actions"
        " of CloudWatch Logs on every resource.",
    )
    checks.acknowledge(
        machine,
        "AwsSolutions-SF2",
        "Serverless-StepFunctionStateMachineXray",
        because="The execution's history has the times of each state and batch, and the coverage table those of each"
        " target. Traces would need xray:PutTraceSegments on every resource.",
    )
