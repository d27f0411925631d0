"""Defines typed values, which one stack publishes in Parameter Store and other stacks read.

The layer that publishes a value declares an `Output` as a constant, and layers that read it import this constant. So a
misspelt name causes an import error, and mypy reports a value of the wrong kind. `LayerTemplate` reads and publishes
the values. `stack_graph` checks the rendered templates: every value that a stack reads must be published by another
stack.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, Generic, TypeVar

from troposphere import AWSHelperFn, Sub


class Value(AWSHelperFn):
    """A value in a template: a literal or an intrinsic function. Each subclass is one kind of value."""

    #: The type inside `AWS::SSM::Parameter::Value<...>` of the template parameter that reads the value.
    #: https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/cloudformation-supplied-parameter-types.html
    parameter_type: ClassVar[str] = "String"
    # : The pattern of an id that AWS chooses, an example of such an id, and the smallest number of values in a list.
    id_pattern: ClassVar[str] = ""
    id_example: ClassVar[str] = ""
    fewest: ClassVar[int] = 1

    def __init__(self, expression: AWSHelperFn | str | Mapping[str, Any] | Sequence[AWSHelperFn | str]) -> None:
        self.data = expression.data if isinstance(expression, AWSHelperFn) else expression

    @classmethod
    def is_list(cls) -> bool:
        """Return whether a value of this kind is a list. In Parameter Store, its items are joined with commas."""
        return cls.parameter_type.startswith("List<")

    @classmethod
    def problem_of(cls, text: str) -> str:
        """Return why `text` from the configuration is not a valid value of this kind.

        Return an empty string if it is valid.
        """
        values = text.split(",") if cls.is_list() else [text]
        wrong = [value for value in values if cls.id_pattern and not re.fullmatch(cls.id_pattern, value)]
        if wrong:
            return f"{wrong[0]!r} is not valid here; write an id such as {cls.id_example}"
        if len(values) < cls.fewest:
            return f"has {len(values)} values; write at least {cls.fewest}, separated by commas without spaces"
        return ""


class Arn(Value):
    """An ARN. An IAM policy can use it as a resource."""


class KeyArn(Arn):
    """ARN of a KMS key."""


class BucketName(Value):
    """Name of a bucket."""


class ClusterName(Value):
    """Name of an ECS cluster."""


class ListenerArn(Arn):
    """ARN of a load balancer's listener."""


class ListenerRuleArn(Arn):
    """ARN of a rule of a listener."""


class TargetGroupArn(Arn):
    """ARN of a load balancer's target group."""


class MetricName(Value):
    """Name of a resource in the dimensions of CloudWatch metrics, such as `app/...` for a load balancer."""


class AlarmNames(Value):
    """Names of CloudWatch alarms."""

    parameter_type = "List<String>"


class IpRanges(Value):
    """IPv4 address ranges."""

    parameter_type = "List<String>"


class FunctionArn(Arn):
    """ARN of a Lambda function."""


class SecretArn(Arn):
    """ARN of a secret, with the characters that Secrets Manager adds to its name."""


class RepositoryUri(Value):
    """Address of an image repository, without tag or digest."""


class TopicArn(Arn):
    """ARN of an SNS topic."""


class QueueArn(Arn):
    """ARN of an SQS queue."""


class ScheduleGroupName(Value):
    """Name of a group of schedules of EventBridge Scheduler."""


class TableName(Value):
    """Name of a DynamoDB table."""


class TableArn(Arn):
    """ARN of a DynamoDB table."""


class DatabaseResourceId(Value):
    """The id of a database cluster, instance or proxy in `rds-db` ARNs, such as `cluster-...`, `db-...` or `prx-...`.

    The id of a proxy is the last part of its ARN. The id can have lower-case or upper-case letters:
    https://docs.aws.amazon.com/AmazonRDS/latest/UserGuide/rds-proxy-connecting.html
    """

    id_pattern = "((cluster|db)-[A-Z0-9]+|prx-[A-Za-z0-9]+)"
    id_example = "cluster-ABCDEFGHIJKL01234"


class DatabaseUsers(Value):
    """The users that releases create in a database. Each value is a text such as `read_reports:USAGE`: the name of the
    user, and the user's privileges in the schema `public`.
    """

    parameter_type = "List<String>"


class RoleArn(Arn):
    """ARN of an IAM role."""


class FunctionName(Value):
    """Name of a Lambda function."""


class ProjectName(Value):
    """Name of a CodeBuild project."""


class PipelineName(Value):
    """Name of a pipeline."""


class HostName(Value):
    """A DNS name."""


class Url(Value):
    """A URL that people and pipelines open."""


class VpcId(Value):
    """Id of a VPC."""

    parameter_type = "AWS::EC2::VPC::Id"
    id_pattern = "vpc-[0-9a-f]+"
    id_example = "vpc-0123456789abcdef0"


class SubnetIds(Value):
    """Ids of subnets, one per availability zone."""

    parameter_type = "List<AWS::EC2::Subnet::Id>"
    id_pattern = "subnet-[0-9a-f]+"
    id_example = "subnet-0123456789abcdef0"
    # A load balancer needs subnets in two zones.
    fewest = 2


class SecurityGroupId(Value):
    """Id of a security group."""

    parameter_type = "AWS::EC2::SecurityGroup::Id"
    id_pattern = "sg-[0-9a-f]+"
    id_example = "sg-0123456789abcdef0"


V = TypeVar("V", bound=Value)


@dataclass(frozen=True)
class Output(Generic[V]):
    """A value that `layer` publishes under `name`, once per environment.

    `kind` is the class of the value. It determines the type of the template parameters that read the value.
    """

    kind: type[V]
    layer: str
    name: str
    description: str


class ServiceOutput(Output[V]):
    """A value that `layer` publishes once per service."""


def sub_fragment(value: object) -> str:
    """Return the text that stands for `value` in a `Sub`, such as `${Artifacts.Arn}`, `${KeyArn}` or a literal.

    Raises `TypeError` if a `Sub` cannot contain the value, for example a list or an `If`.
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
            raise TypeError(f"{data!r} cannot be part of a Sub")


def joined_text(*parts: object) -> Sub | str:
    """Combine `parts` into one `Sub`, or into a plain string if no part refers to a resource or parameter."""
    joined = "".join(sub_fragment(part) for part in parts)
    return Sub(joined) if "${" in joined else joined
