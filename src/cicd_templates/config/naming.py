"""Spells every physical name, so that no two environments, copies or services ever meet.

A name is `<project>-<environment>[-<suffix>]-<words>`. Where AWS's limit is shorter than that, the end gives way to a
hash of the whole name: it never fails, and two long names that begin alike stay apart.
"""

from __future__ import annotations

import hashlib
import re

from cicd_templates.config.environment import Environment
from cicd_templates.template.resource_types.registry import facts_of

HASH_LENGTH = 8
# The object of the templates bucket that a run deploys from.
TEMPLATES_KEY = "templates.zip"

_ALPHABET = re.compile(r"^[a-z][a-z0-9-]*[a-z0-9]$")


def name_prefix(env: Environment) -> str:
    """How every physical name of `env` begins, before the hyphen and its own words."""
    return f"{env.project.name}-{env.qualified}"


def physical_name(env: Environment, resource_type: str, *words: str) -> str:
    """Return the name of a resource of `resource_type` in `env`: lower-case letters, digits and hyphens.

    A name that is unique in the whole of AWS, such as a bucket's, ends in account and region. Raises `ValueError` for
    a type whose limit is not known and for words outside the alphabet: both are mistakes of a layer, not of a user.
    """
    facts = facts_of(resource_type)
    if facts.name_limit is None:
        raise ValueError(f"template/resource_types states no name_limit for {resource_type}; add it there")
    parts = [name_prefix(env), *words]
    if facts.name_is_global:
        parts += [env.account, env.region]
    name = "-".join(parts)
    if not _ALPHABET.match(name):
        raise ValueError(f"{name!r} has other characters than lower-case letters, digits and inner hyphens")
    return shortened(name, facts.name_limit)


def shortened(name: str, limit: int) -> str:
    """`name` itself where it fits into `limit` characters, otherwise its beginning and a hash of all of it."""
    if len(name) <= limit:
        return name
    digest = hashlib.sha256(name.encode()).hexdigest()[:HASH_LENGTH]
    return f"{name[: limit - HASH_LENGTH - 1].rstrip('-')}-{digest}"


def role_arn(env: Environment, *words: str) -> str:
    """The ARN of a role of `env` as text for a `Sub`: how other environments name it before it exists."""
    name = physical_name(env, "AWS::IAM::Role", *words)
    return f"arn:${{AWS::Partition}}:iam::{env.account}:role{env.settings.role_path}{name}"


# The purpose of the role with which GitHub Actions releases a service.
RELEASE_ROLE = "github-release"


# The purpose stands first in the names of delivery roles: what is shortened is the end, so a pattern finds them all.
DELIVERY = "delivery"


def delivery_roles(env: Environment, ending: str = "*") -> str:
    """The pattern of the ARNs of `env`'s delivery roles as text for a `Sub`: what other accounts admit."""
    begin = f"arn:${{AWS::Partition}}:iam::{env.account}:role{env.settings.role_path}{name_prefix(env)}"
    return f"{begin}-{DELIVERY}-{ending}"


# The source actions of every pipeline, named alike: they alone put what the other actions read.
SOURCE_ACTION = "action-source"


def cluster_name(env: Environment) -> str:
    """The ECS cluster of `env`."""
    return physical_name(env, "AWS::ECS::Cluster", "cluster")


def service_name(env: Environment, service: str) -> str:
    """The ECS service of a service in `env`."""
    return physical_name(env, "AWS::ECS::Service", service)


def service_arn(env: Environment, service: str) -> str:
    """The ARN of the ECS service in `env`, as text for a `Sub`."""
    name = f"{cluster_name(env)}/{service_name(env, service)}"
    return f"arn:${{AWS::Partition}}:ecs:{env.region}:{env.account}:service/{name}"


def repository_arn(env: Environment, service: str) -> str:
    """The ARN of a service's image repository in `env`, the tools environment, as text for a `Sub`."""
    name = physical_name(env, "AWS::ECR::Repository", service)
    return f"arn:${{AWS::Partition}}:ecr:{env.region}:{env.account}:repository/{name}"


def pipeline_name(env: Environment, service: str) -> str:
    """A service's pipeline in `env`, the tools environment."""
    return physical_name(env, "AWS::CodePipeline::Pipeline", service)


def pipeline_arn(env: Environment, service: str) -> str:
    """The ARN of a service's pipeline in `env`, as text for a `Sub`."""
    return f"arn:${{AWS::Partition}}:codepipeline:{env.region}:{env.account}:{pipeline_name(env, service)}"


def project_name(env: Environment, service: str, purpose: str) -> str:
    """The build project of a check of a service, or of one of the other purposes."""
    return physical_name(env, "AWS::CodeBuild::Project", service, purpose)


def project_arn(env: Environment, service: str, purpose: str) -> str:
    """The ARN of a build project in `env`, as text for a `Sub`."""
    name = project_name(env, service, purpose)
    return f"arn:${{AWS::Partition}}:codebuild:{env.region}:{env.account}:project/{name}"


def title(words: str) -> str:
    """Words with hyphens as part of a logical id, which takes letters and digits only: `image-scan` is `ImageScan`."""
    return "".join(word.capitalize() for word in words.split("-"))


def stack_name(env: Environment, layer: str, service: str | None = None) -> str:
    """The stack of a layer, and of one service where the layer is per service."""
    return physical_name(env, "AWS::CloudFormation::Stack", *_stack_words(layer, service))


def file_stem(layer: str, service: str | None = None) -> str:
    """How files and parameter paths name a stack inside its environment: `<layer>[-<service>]`."""
    return "-".join(_stack_words(layer, service))


def _stack_words(layer: str, service: str | None) -> list[str]:
    # Stack names have no underscore.
    return [layer.replace("_", "-"), *([service] if service else [])]


def parameter_path(env: Environment, layer: str, output: str, service: str | None = None) -> str:
    """Where a published value stands in Parameter Store."""
    return f"/{env.project.name}/{env.qualified}/{file_stem(layer, service)}/{output}"


def log_group_name(env: Environment, *words: str) -> str:
    """The name of a log group; slashes, so that consoles and policies can group by prefix."""
    return "/".join(["", env.project.name, env.qualified, *words])
