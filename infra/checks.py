"""cdk-nag's rules, checked on every synth, and the reasons why some do not apply.

A rule is acknowledged where the construct is made that breaks it, with the reason, and never for a whole stack.
"""

from typing import Any

from aws_cdk import Acknowledgment, App, Stack, Validations
from aws_cdk.aws_iam import Policy, Role
from cdk_nag import AwsSolutionsChecks, NagPack, ServerlessChecks
from constructs import Construct


def packs(app: App) -> tuple[NagPack, ...]:
    """Return the packs of rules that the stack is checked by."""
    return AwsSolutionsChecks(app, verbose=True), ServerlessChecks(app, verbose=True)


def acknowledge(construct: Construct, *rules: str, because: str) -> None:
    """State why a construct may break some rules.

    Args:
        construct: the one that breaks them; all that is within it may too.
        rules: such as "AwsSolutions-S1".
        because: the reason, as an auditor would want it.
    """
    Validations.of(construct).acknowledge(*(Acknowledgment(id=rule, reason=because) for rule in rules))


def acknowledge_wildcard(role: Role | Policy, resource: str, *, because: str) -> None:
    """State why one grant of a role, or of a policy, has a * in its resource; any other * is still a finding."""
    acknowledge(role, f"AwsSolutions-IAM5[Resource::{_flat(Stack.of(role).resolve(resource))}]", because=because)


def _flat(value: Any) -> str:  # noqa: ANN401 - a resolved token is any JSON
    """Spell a reference as cdk-nag does in a finding's name.

    Source: https://github.com/cdklabs/cdk-nag/blob/main/src/utils/flatten-cfn-reference.ts
    """
    match value:
        case {"Ref": str(name)}:
            return f"<{name}>"
        case {"Fn::GetAtt": [str(name), str(attribute)]}:
            return f"<{name}.{attribute}>"
        case {"Fn::Join": [str(separator), list(parts)]}:
            return separator.join(_flat(part) for part in parts)
        case _:
            return str(value)
