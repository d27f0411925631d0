"""Derives the physical names of all resources. Names are unique across environments, copies and services.

A name is `<project>-<environment>[-<suffix>]-<words>`. If a name is longer than AWS allows for the resource type, a
hash of the complete name replaces its end. So two long names with the same beginning remain different.
"""

from __future__ import annotations

import hashlib
import re

from cicd_templates.config.environment import Environment
from cicd_templates.config.reserved_words import DELIVERY
from cicd_templates.template.resource_types.registry import facts_of
from cicd_templates.template.resource_types.resource_type import NameScope

HASH_LENGTH = 8
# The key of an artifact is `<pipeline>/<artifact>/` and characters that CodePipeline chooses. CodePipeline shortens the
# names of the pipeline and of the artifact to these lengths. AWS does not document these lengths, but always uses them.
PIPELINE_KEY_LENGTH = 20
ARTIFACT_KEY_LENGTH = 10
# The artifacts of the two sources, the application and the reviewed templates. A new version of the application starts
# a run; new templates do not.
APP = "App"
TEMPLATES = "Templates"
# The object in the templates bucket from which a run deploys.
TEMPLATES_KEY = "templates.zip"

_ALPHABET = re.compile(r"^[a-z][a-z0-9-]*[a-z0-9]$")


def name_prefix(env: Environment) -> str:
    """Return the beginning of every physical name in `env`: project and environment, without a hyphen at the end."""
    return f"{env.project.name}-{env.qualified}"


def physical_name(env: Environment, resource_type: str, *words: str) -> str:
    """Return the physical name of a resource in `env`, made of lower-case letters, digits and hyphens.

    A name that must be unique across all of AWS, such as a bucket name, ends with account and region. Raises
    `ValueError` if the name limit of `resource_type` is unknown, or if the name has a character that is not allowed.
    Both are mistakes in the code of a layer.
    """
    facts = facts_of(resource_type)
    if facts.name_limit is None:
        raise ValueError(f"the name limit of {resource_type} is unknown; add it to template/resource_types")
    parts = [name_prefix(env), *words]
    if facts.name_scope is NameScope.GLOBAL:
        parts += [env.account, env.region]
    name = "-".join(parts)
    if not _ALPHABET.match(name):
        raise ValueError(f"{name!r} may contain only lower-case letters, digits and hyphens between them")
    return shortened(name, facts.name_limit)


def shortened(name: str, limit: int) -> str:
    """Return `name`. If it has more than `limit` characters, return its first part and a hash of the complete name."""
    if len(name) <= limit:
        return name
    digest = hashlib.sha256(name.encode()).hexdigest()[:HASH_LENGTH]
    return f"{name[: limit - HASH_LENGTH - 1].rstrip('-')}-{digest}"


def role_arn(env: Environment, *words: str) -> str:
    """Return the ARN of a role of `env`, as text for `Fn::Sub`.

    Templates of other environments can contain this ARN before the role exists.
    """
    name = physical_name(env, "AWS::IAM::Role", *words)
    return f"arn:${{AWS::Partition}}:iam::{env.account}:role{env.settings.role_path}{name}"


def delivery_roles(env: Environment, ending: str = "*") -> str:
    """Return an ARN pattern, as text for `Fn::Sub`, that matches the delivery roles of `env`.

    The pipeline assumes these roles to deploy in `env`. Policies in the pipeline's account use the pattern.
    """
    begin = f"arn:${{AWS::Partition}}:iam::{env.account}:role{env.settings.role_path}{name_prefix(env)}"
    return f"{begin}-{DELIVERY}-{ending}"


def cluster_name(env: Environment) -> str:
    """Return the name of the ECS cluster in `env`."""
    return physical_name(env, "AWS::ECS::Cluster", "cluster")


def cluster_arn(env: Environment) -> str:
    """Return the ARN of the ECS cluster in `env`, as text for `Fn::Sub`."""
    return f"arn:${{AWS::Partition}}:ecs:{env.region}:{env.account}:cluster/{cluster_name(env)}"


def service_name(env: Environment, service: str) -> str:
    """Return the name of the ECS service in `env`."""
    return physical_name(env, "AWS::ECS::Service", service)


def service_arn(env: Environment, service: str) -> str:
    """Return the ARN of the ECS service in `env`, as text for `Fn::Sub`."""
    name = f"{cluster_name(env)}/{service_name(env, service)}"
    return f"arn:${{AWS::Partition}}:ecs:{env.region}:{env.account}:service/{name}"


def repository_arn(env: Environment, service: str) -> str:
    """Return the ARN of a service's image repository in the tools environment `env`, as text for `Fn::Sub`."""
    name = physical_name(env, "AWS::ECR::Repository", service)
    return f"arn:${{AWS::Partition}}:ecr:{env.region}:{env.account}:repository/{name}"


def pipeline_name(env: Environment, service: str) -> str:
    """Return the name of a service's pipeline in the tools environment `env`.

    The name begins with the service's name, shortened to at most `PIPELINE_KEY_LENGTH` characters. A shortened name
    ends with a hash, so that it stays unique. CodePipeline puts only `PIPELINE_KEY_LENGTH` characters of a pipeline's
    name into the S3 keys of artifacts.
    """
    return f"{shortened(service, PIPELINE_KEY_LENGTH)}-{name_prefix(env)}"


def approval_keys(service: str) -> str:
    """Return the S3 key prefix for the documents that a service's approvers have seen.

    The prefix begins with an underscore, so that it differs from every name of a service. The prefix has no slash at
    the end.
    """
    return f"_approvals/{service}"


def deployment_keys(service: str) -> str:
    """Return the S3 key prefix for the signed statements about a service's deployments.

    The prefix has no slash at the end. Only the signer may write objects with this prefix.
    """
    return f"_deployments/{service}"


def artifact_keys(env: Environment, service: str, artifact: str = "") -> str:
    """Return a pattern that matches the S3 keys of a service's artifacts in `env`.

    If `artifact` is given, the pattern matches only the keys of this artifact. CodePipeline shortens long names in
    keys. So the pattern has only the beginning of a long name, and a wildcard for the characters after it.
    """
    parts = [_key_part(pipeline_name(env, service), PIPELINE_KEY_LENGTH)]
    if artifact:
        parts.append(_key_part(artifact, ARTIFACT_KEY_LENGTH))
    return "/".join([*parts, "*"])


def _key_part(name: str, length: int) -> str:
    return name if len(name) <= length else f"{name[:length]}*"


def report_artifact(check: str) -> str:
    """Return the name of the pipeline artifact that contains the report of `check`."""
    return f"{title(check)}Report"


def pipeline_arn(env: Environment, service: str) -> str:
    """Return the ARN of a service's pipeline in `env`, as text for `Fn::Sub`."""
    return f"arn:${{AWS::Partition}}:codepipeline:{env.region}:{env.account}:{pipeline_name(env, service)}"


def project_name(env: Environment, service: str, purpose: str) -> str:
    """Return the name of a service's CodeBuild project. `purpose` is the name of a check, or a word such as `image`."""
    return physical_name(env, "AWS::CodeBuild::Project", service, purpose)


def project_arn(env: Environment, service: str, purpose: str) -> str:
    """Return the ARN of a build project in `env`, as text for `Fn::Sub`."""
    name = project_name(env, service, purpose)
    return f"arn:${{AWS::Partition}}:codebuild:{env.region}:{env.account}:project/{name}"


def title(words: str) -> str:
    """Return hyphenated words in CamelCase, for a logical id: `image-scan` becomes `ImageScan`."""
    return "".join(word.capitalize() for word in words.split("-"))


def variable_name(*words: str) -> str:
    """Return the name of an environment variable: `LATE_FEES_URL` for the words `late-fees` and `url`."""
    return "_".join(words).replace("-", "_").upper()


def stack_name(env: Environment, layer: str, service: str | None = None) -> str:
    """Return the name of a layer's stack. Pass `service` if each service has a stack of its own for this layer."""
    return physical_name(env, "AWS::CloudFormation::Stack", *_stack_words(layer, service))


def file_stem(layer: str, service: str | None = None) -> str:
    """Return the name of a stack's file without its extension: `<layer>[-<service>]`."""
    return "-".join(_stack_words(layer, service))


def _stack_words(layer: str, service: str | None) -> list[str]:
    # CloudFormation allows no underscore in stack names.
    return [layer.replace("_", "-"), *([service] if service else [])]


def parameter_path(env: Environment, layer: str, output: str, service: str | None = None) -> str:
    """Return the Parameter Store path at which a stack publishes its output `output` for other stacks."""
    return f"/{env.project.name}/{env.qualified}/{file_stem(layer, service)}/{output}"


def log_group_name(env: Environment, *words: str) -> str:
    """Return the name of a log group. Slashes separate its words, so that a prefix can select several log groups."""
    return "/".join(["", env.project.name, env.qualified, *words])
