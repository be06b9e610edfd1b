"""A template with each reference filled in, as a deploy does it."""

import re
from collections.abc import Mapping
from typing import Any

from pool_inventory.terminal.demo.stand_in import ACCOUNT_ID

REGION = "us-east-1"

_PSEUDO_PARAMETERS = {
    "AWS::AccountId": ACCOUNT_ID,
    "AWS::Partition": "aws",
    "AWS::Region": REGION,
    "AWS::URLSuffix": "amazonaws.com",
}
# https://docs.aws.amazon.com/service-authorization/latest/reference/reference_policies_actions-resources-contextkeys.html
_ARNS = {
    "AWS::Events::Rule": f"arn:aws:events:{REGION}:{ACCOUNT_ID}:rule/{{}}",
    "AWS::IAM::Role": f"arn:aws:iam::{ACCOUNT_ID}:role/{{}}",
    "AWS::KMS::Key": f"arn:aws:kms:{REGION}:{ACCOUNT_ID}:key/{{}}",
    "AWS::Lambda::Function": f"arn:aws:lambda:{REGION}:{ACCOUNT_ID}:function:{{}}",
    "AWS::Logs::LogGroup": f"arn:aws:logs:{REGION}:{ACCOUNT_ID}:log-group:{{}}:*",
    "AWS::S3::Bucket": "arn:aws:s3:::{}",
    "AWS::SNS::Topic": f"arn:aws:sns:{REGION}:{ACCOUNT_ID}:{{}}",
    "AWS::StepFunctions::StateMachine": f"arn:aws:states:{REGION}:{ACCOUNT_ID}:stateMachine:{{}}",
    "AWS::SQS::Queue": f"arn:aws:sqs:{REGION}:{ACCOUNT_ID}:{{}}",
}
_REFERS_BY_ARN = {"AWS::SNS::Topic", "AWS::StepFunctions::StateMachine"}

Resource = dict[str, Any]


class Deployed:
    """The resources of a template, by logical id.

    Attributes:
        resources: each with its references filled in.
        names: the physical name of each.
    """

    def __init__(self, template: Mapping[str, Any], names: Mapping[str, str] | None = None) -> None:
        """Fill the template in.

        Args:
            template: as it was synthesized.
            names: what the deploy called each resource; made up where it is not given.
        """
        self._types = {logical_id: each["Type"] for logical_id, each in template["Resources"].items()}
        self.names = {logical_id: logical_id.lower() for logical_id in self._types} | dict(names or {})
        self.resources = {logical_id: self.filled_in(each) for logical_id, each in template["Resources"].items()}

    def of_type(self, resource_type: str) -> dict[str, Resource]:
        """The properties of each resource of a type, by logical id."""
        return {
            logical_id: self.resources[logical_id].get("Properties", {})
            for logical_id, each in self._types.items()
            if each == resource_type
        }

    def arn(self, logical_id: str) -> str:
        return _ARNS[self._types[logical_id]].format(self.names[logical_id])

    def filled_in(self, value: Any) -> Any:
        match value:
            case {"Ref": str()} | {"Fn::GetAtt": list()} | {"Fn::Join": list()} | {"Fn::Sub": str()}:
                return self._text(value)
            case dict():
                return {name: self.filled_in(each) for name, each in value.items()}
            case list():
                return [self.filled_in(each) for each in value]
            case _:
                return value

    def _text(self, value: Any) -> str:
        match value:
            case {"Ref": name}:
                return self._referred(name)
            case {"Fn::GetAtt": [logical_id, attribute]}:
                if attribute == "Name":
                    return str(self.names[logical_id])
                has_arn = attribute == "Arn" and self._types[logical_id] in _ARNS
                return self.arn(logical_id) if has_arn else f"{self.names[logical_id]}.{attribute}"
            case {"Fn::Join": [separator, parts]}:
                return str(separator.join(self.filled_in(part) for part in parts))
            case {"Fn::Sub": text}:
                return re.sub(r"\$\{([^}]+)\}", lambda found: self._referred(found[1]), text)
            case _:
                raise ValueError(f"no reference that this knows: {value}")

    def _referred(self, name: str) -> str:
        if name in _PSEUDO_PARAMETERS:
            return _PSEUDO_PARAMETERS[name]
        return self.arn(name) if self._types.get(name) in _REFERS_BY_ARN else self.names.get(name, name)
