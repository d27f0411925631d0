"""Typed values that one stack publishes and another reads, through Parameter Store.

The layer that owns a value has it as a constant; a reader names that constant, so a misspelt one fails on import and
one of another kind fails mypy. Whether somebody publishes what is read is for `links` to check, on the rendered
templates.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, Generic, TypeVar

from troposphere import AWSHelperFn, Parameter, Ref, Sub, Template, ssm
from troposphere import Output as TemplateOutput

from cicd_templates.config.environment import Environment
from cicd_templates.config.naming import parameter_path


class Value(AWSHelperFn):
    """Something known only at deploy time, of a kind that CloudFormation can check, or a literal of that kind."""

    #: What the reading parameter's type holds; `AWS::SSM::Parameter::Value<...>` takes AWS-specific types.
    #: https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/cloudformation-supplied-parameter-types.html
    parameter_type: ClassVar[str] = "String"

    def __init__(self, expression: AWSHelperFn | str | Mapping[str, Any] | Sequence[AWSHelperFn | str]) -> None:
        self.data = expression.data if isinstance(expression, AWSHelperFn) else expression

    @classmethod
    def is_list(cls) -> bool:
        """Whether the kind is a list, which Parameter Store keeps as one string with commas."""
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
    """How CloudWatch names a load balancer or a target group in its dimensions: `app/...`, `targetgroup/...`."""


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
    """Ids of subnets, one a zone."""

    parameter_type = "List<AWS::EC2::Subnet::Id>"


class SecurityGroupId(Value):
    """Id of a security group."""

    parameter_type = "AWS::EC2::SecurityGroup::Id"


V = TypeVar("V", bound=Value)


@dataclass(frozen=True)
class Output(Generic[V]):
    """A value that `layer` publishes under `name`.

    `kind` is its class, which decides the type of the parameter that reads it. Values of a layer that exists once per
    service are told apart by `service`.
    """

    kind: type[V]
    layer: str
    name: str
    description: str

    def publish(self, template: Template, env: Environment, value: V, service: str | None = None) -> None:
        """Add the Parameter Store parameter and a template output of the same name, which is never exported."""
        joined = {"Fn::Join": [",", value.data]} if self.kind.is_list() else value.data
        expression = Value(joined)
        template.add_resource(
            ssm.Parameter(
                f"{self.name}Parameter",
                Name=parameter_path(env, self.layer, self.name, service),
                Description=self.description,
                Type="StringList" if self.kind.is_list() else "String",
                Value=expression,
            )
        )
        template.add_output(TemplateOutput(self.name, Description=self.description, Value=expression))

    def read(self, template: Template, env: Environment, service: str | None = None) -> V:
        """The value as a reference to a template parameter, added once; a literal where the file provides it."""
        provided = env.settings.provided.get(f"{self.layer}.{self.name}")
        if provided is not None:
            return self.kind(provided.split(",") if self.kind.is_list() else provided)
        # Two services may each publish one name, but a template reads one service only: its own.
        if self.name not in template.parameters:
            template.add_parameter(
                Parameter(
                    self.name,
                    Type=f"AWS::SSM::Parameter::Value<{self.kind.parameter_type}>",
                    Default=parameter_path(env, self.layer, self.name, service),
                    Description=self.description,
                )
            )
        return self.kind(Ref(self.name))


def interpolated(value: object) -> str:
    """How `value` stands inside the text of a `Sub`: `${Artifacts.Arn}`, `${KeyArn}` or the literal itself.

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
    """The parts joined into one `Sub`, or into a plain string where nothing in it is left to deploy time."""
    joined = "".join(interpolated(part) for part in parts)
    return Sub(joined) if "${" in joined else joined
