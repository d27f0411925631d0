"""Where an action is allowed: on what bears the environment's names, as far as IAM lets that be said. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, fields

from cicd_templates.deploy.change_sets.stacks import Stack

# Kind of resource by service, as the service authorization reference calls it, and its ARN after the account. `{name}`
# begins the environment's physical names, `{path}` its places in Parameter Store and in the logs.
OURS: dict[tuple[str, str], str] = {
    ("cloudformation", "stack"): "cloudformation:{region}:{account}:stack/{name}-*",
    ("cloudformation", "changeset"): "cloudformation:{region}:{account}:changeSet/*",
    ("cloudwatch", "alarm"): "cloudwatch:{region}:{account}:alarm:{name}-*",
    ("cloudwatch", "dashboard"): "cloudwatch::{account}:dashboard/{name}-*",
    ("codebuild", "project"): "codebuild:{region}:{account}:project/{name}-*",
    ("codebuild", "report-group"): "codebuild:{region}:{account}:report-group/{name}-*",
    ("codepipeline", "pipeline"): "codepipeline:{region}:{account}:{name}-*",
    ("ecr", "repository"): "ecr:{region}:{account}:repository/{name}-*",
    ("ecs", "cluster"): "ecs:{region}:{account}:cluster/{name}-*",
    ("ecs", "service"): "ecs:{region}:{account}:service/{name}-*",
    ("ecs", "task"): "ecs:{region}:{account}:task/{name}-*",
    ("elasticloadbalancing", "loadbalancer/app/"): "elasticloadbalancing:{region}:{account}:loadbalancer/app/{name}-*",
    ("elasticloadbalancing", "targetgroup"): "elasticloadbalancing:{region}:{account}:targetgroup/{name}-*",
    ("elasticloadbalancing", "listener/app"): "elasticloadbalancing:{region}:{account}:listener/app/{name}-*",
    ("elasticloadbalancing", "listener-rule/app"): "elasticloadbalancing:{region}:{account}:listener-rule/app/{name}-*",
    ("events", "rule-on-default-event-bus"): "events:{region}:{account}:rule/{name}-*",
    ("iam", "policy"): "iam::{account}:policy/{name}-*",
    ("iam", "role"): "iam::{account}:role{role_path}{name}-*",
    ("kms", "alias"): "kms:{region}:{account}:alias/{name}-*",
    ("kms", "key"): "kms:{region}:{account}:key/*",
    ("lambda", "function"): "lambda:{region}:{account}:function:{name}-*",
    ("logs", "log-group"): "logs:{region}:{account}:log-group:{path}*",
    ("logs", "log-stream"): "logs:{region}:{account}:log-group:{path}*",
    ("s3", "bucket"): "s3:::{name}-*",
    ("s3", "object"): "s3:::{name}-*/*",
    ("secretsmanager", "secret"): "secretsmanager:{region}:{account}:secret:{name}-*",
    ("sns", "topic"): "sns:{region}:{account}:{name}-*",
    ("sqs", "queue"): "sqs:{region}:{account}:{name}-*",
    ("ssm", "parameter"): "ssm:{region}:{account}:parameter{path}*",
}
SERVICE_LINKED = "iam:CreateServiceLinkedRole"
PASSING = "iam:PassRole"
ANYWHERE = ("*",)
# https://docs.aws.amazon.com/IAM/latest/UserGuide/reference-arns.html
PARTITIONS = {"cn-": "aws-cn", "us-gov-": "aws-us-gov"}


@dataclass(frozen=True)
class Names:
    """How one environment's names begin, and where it is."""

    partition: str
    region: str
    account: str
    name: str
    path: str
    role_path: str

    @classmethod
    def of(cls, stacks: Sequence[Stack]) -> Names:
        """Those of the environment of `stacks`."""
        first = stacks[0]
        resources = [resource for stack in stacks for resource in stack.template["Resources"].values()]
        role_paths = [each["Properties"].get("Path", "/") for each in resources if each["Type"] == "AWS::IAM::Role"]
        name = f"{first.facts['Project']}-{first.links.environment}"
        partition = next((name for start, name in PARTITIONS.items() if first.region.startswith(start)), "aws")
        role_path = role_paths[0] if role_paths else "/"
        return cls(partition, first.region, first.account, name, first.parameter_root, role_path)

    def arn(self, pattern: str) -> str:
        """The ARN of a pattern of `OURS`."""
        facts = {field.name: getattr(self, field.name) for field in fields(self)}
        return f"arn:{self.partition}:{pattern.format(**facts)}"


def scope(action: str, kinds: Iterable[str], names: Names) -> tuple[str, ...]:
    """The ARNs on which `action` is to be allowed, given the kinds of resources that it takes; `*` where it must be."""
    service = action.partition(":")[0]
    if action == SERVICE_LINKED:
        return (names.arn("iam::{account}:role/aws-service-role/*"),)
    ours = {names.arn(OURS[(service, kind)]) for kind in kinds if (service, kind) in OURS}
    return tuple(sorted(ours)) or ANYWHERE
