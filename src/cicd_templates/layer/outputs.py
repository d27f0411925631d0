"""Typed values that one stack publishes and another reads, through Parameter Store.

The layer that owns a value declares it as a constant; a reader names that constant, so a misspelt one fails on import
and one of another kind fails mypy. `LayerTemplate` reads and publishes them. Whether a layer publishes what is read is
for `links` to check, on the rendered templates.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, Generic, TypeVar

from troposphere import AWSHelperFn, Sub


class Value(AWSHelperFn):
    """Something known only at deploy time, of a kind that CloudFormation can check, or a literal of that kind."""

    #: What the reading parameter's type holds; `AWS::SSM::Parameter::Value<...>` takes AWS-specific types.
    #: https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/cloudformation-supplied-parameter-types.html
    parameter_type: ClassVar[str] = "String"

    def __init__(self, expression: AWSHelperFn | str | Mapping[str, Any] | Sequence[AWSHelperFn | str]) -> None:
        self.data = expression.data if isinstance(expression, AWSHelperFn) else expression

    @classmethod
    def is_list(cls) -> bool:
        """Return whether the kind is a list, which Parameter Store keeps as one string with commas."""
        return cls.parameter_type.startswith("List<")


class KeyArn(Value):
    """ARN of a KMS key."""


class BucketName(Value):
    """Name of a bucket."""


class ClusterName(Value):
    """Name of an ECS cluster."""


class ListenerArn(Value):
    """ARN of a load balancer's listener."""


class ListenerRuleArn(Value):
    """ARN of a rule of a listener."""


class TargetGroupArn(Value):
    """ARN of a load balancer's target group."""


class MetricName(Value):
    """Name of a load balancer or a target group in CloudWatch's dimensions: `app/...`, `targetgroup/...`."""


class AlarmNames(Value):
    """Names of alarms."""

    parameter_type = "List<String>"


class IpRanges(Value):
    """IPv4 ranges."""

    parameter_type = "List<String>"


class FunctionArn(Value):
    """ARN of a function."""


class SecretArn(Value):
    """ARN of a secret, with the characters that Secrets Manager adds to its name."""


class RepositoryUri(Value):
    """Address of an image repository, without tag or digest."""


class TopicArn(Value):
    """ARN of a topic."""


class QueueArn(Value):
    """ARN of a queue."""


class RoleArn(Value):
    """ARN of a role."""


class FunctionName(Value):
    """Name of a function."""


class ProjectName(Value):
    """Name of a CodeBuild project."""


class PipelineName(Value):
    """Name of a pipeline."""


class HostName(Value):
    """A name that DNS knows."""


class Url(Value):
    """Address that people and pipelines open."""


class VpcId(Value):
    """Id of a VPC."""

    parameter_type = "AWS::EC2::VPC::Id"


class SubnetIds(Value):
    """Ids of subnets, one per zone."""

    parameter_type = "List<AWS::EC2::Subnet::Id>"


class SecurityGroupId(Value):
    """Id of a security group."""

    parameter_type = "AWS::EC2::SecurityGroup::Id"


V = TypeVar("V", bound=Value)


@dataclass(frozen=True)
class Output(Generic[V]):
    """A value that `layer`, which exists once per environment, publishes under `name`.

    `kind` is the value's class, which decides the type of the parameter that reads it.
    """

    kind: type[V]
    layer: str
    name: str
    description: str


class ServiceOutput(Output[V]):
    """A value that `layer` publishes for each service, because the layer exists once per service."""


def sub_fragment(value: object) -> str:
    """Return `value` as part of the text of a `Sub`: `${Artifacts.Arn}`, `${KeyArn}` or the literal itself.

    Raises `TypeError` for a value that has no such spelling, such as a list or an `If`.
    """
    data = value.data if isinstance(value, AWSHelperFn) else value
    match data:
        case str():
            return data
        case {"Ref": str(name)}:
            return f"${{{name}}}"
        case {"Fn::GetAtt": [str(name), str(attribute)]}:
            return f"${{{name}.{attribute}}}"
        case {"Fn::Sub": str(text)}:
            return text
        case _:
            raise TypeError(f"{data!r} cannot stand inside a Sub")


def text(*parts: object) -> Sub | str:
    """Return the parts joined into one `Sub`, or into a plain string where nothing is left to deploy time."""
    joined = "".join(sub_fragment(part) for part in parts)
    return Sub(joined) if "${" in joined else joined
