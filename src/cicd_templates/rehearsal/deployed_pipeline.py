"""Deploys every rendered stack into the local AWS, then reads the deployed pipeline and its build projects."""

from __future__ import annotations

import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from cicd_templates import hints
from cicd_templates.deploy.aws.clients import Clients, local_clients
from cicd_templates.deploy.aws.polling import Polling
from cicd_templates.deploy.change_sets.rendered_stacks import read_stacks, template_paths
from cicd_templates.deploy.plans.propose import DeployContext
from cicd_templates.deploy.reporting.report import Broke
from cicd_templates.deploy.runs import deployment
from cicd_templates.errors import CicdError, ConfigurationError
from cicd_templates.local.engine_process import Engine
from cicd_templates.local.recorded_types import TYPES
from cicd_templates.rehearsal import build_projects, pipeline_definition
from cicd_templates.rehearsal.build_projects import Project, read_project
from cicd_templates.rehearsal.intrinsic_functions import resolve
from cicd_templates.rehearsal.pipeline_definition import Pipeline, read_pipeline
from cicd_templates.rehearsal.sessions import Session
from cicd_templates.template.stack_template import StackTemplate

TOOLS_KIND = "tools"
POLL_SECONDS = 0.02
PLACEHOLDER_TOKEN = "no-token-was-given"  # noqa: S105 - no token


@dataclass(frozen=True)
class DeployedPipeline:
    """A deployed pipeline, the stack that contains it, and the CodeBuild projects that the pipeline can start."""

    stack: StackTemplate
    pipeline: Pipeline
    projects: Mapping[str, Project]


def read_every_stack(folder: Path, suffix: str | None = None) -> list[StackTemplate]:
    """Return the rendered stacks in `folder`. If `suffix` is given, return only the stacks of this parallel copy.

    Stacks of runtime environments come first, because the pipeline needs their roles. Raises `ConfigurationError` if
    there are no stacks.
    """
    environments = [path for path in sorted(folder.glob("*")) if template_paths(path)]
    found = [read_stacks(path) for path in environments if not suffix or path.name.endswith(f"-{suffix}")]
    if not found:
        raise ConfigurationError(f"{folder}: no rendered templates; run `{hints.make('render', SUFFIX=suffix)}` first")
    return [stack for stacks in sorted(found, key=lambda each: _kind(each[0]) == TOOLS_KIND) for stack in stacks]


def _kind(stack: StackTemplate) -> str:
    return stack.facts.kind


def pipeline_stack(stacks: Sequence[StackTemplate], service: str | None) -> StackTemplate:
    """Return the stack with the pipeline of `service`. If `service` is None, return the only stack with a pipeline.

    Raises `ConfigurationError` if there is no such stack, or if `service` is None and there are several pipelines.
    """
    found = {str(stack.service): stack for stack in stacks if _resources(stack, pipeline_definition.PIPELINE_TYPE)}
    if service is None and len(found) == 1:
        return next(iter(found.values()))
    if service not in found:
        known = ", ".join(found) or "none"
        asked = f"no pipeline of {service!r}" if service else f"which service? Name one with {hints.option('SERVICE')}"
        raise ConfigurationError(f"{asked}; there are {known}")
    return found[str(service)]


def _resources(stack: StackTemplate, resource_type: str) -> list[Any]:
    return [each for each in stack.resources.values() if each["Type"] == resource_type]


def deploy_stacks(engine: Engine, stacks: Sequence[StackTemplate]) -> None:
    """Deploy every stack with the package `deploy`. If a stack fails, raises `CicdError` with the first cause."""
    broken: list[str] = []

    class Listener:
        def report(self, event: object) -> None:
            if isinstance(event, Broke):
                broken.append(f"{event.stack}: {event.reason}")

    for environment in dict.fromkeys(stack.links.environment for stack in stacks):
        chosen = [stack for stack in stacks if stack.links.environment == environment]
        with tempfile.TemporaryDirectory() as state:
            clients = stack_clients(engine, chosen[0])
            context = DeployContext(clients, polling(), Path(state), recorded=frozenset(TYPES))
            try:
                deployment.deploy(context, chosen, Listener(), lambda _: True)
            except CicdError as error:
                raise CicdError(f"{environment} cannot be deployed: {(broken or [str(error)])[0]}") from None


def polling() -> Polling:
    """Return the polling settings for the local AWS. It answers immediately, so the pauses are short."""
    return Polling(poll_seconds=POLL_SECONDS)


def stack_clients(engine: Engine, stack: StackTemplate) -> Clients:
    """Return AWS clients for the account and the region of a stack."""
    return local_clients(engine.url, stack.account, stack.region, engine.secret)


def read_definition(root: Session, stacks: Sequence[StackTemplate], stack: StackTemplate) -> DeployedPipeline:
    """Return the pipeline of `stack` and the CodeBuild projects in this stack's account, with references resolved."""
    (resource,) = _resources(stack, pipeline_definition.PIPELINE_TYPE)
    pipeline = read_pipeline(resolve(resource["Properties"], reference_values(root, stack)))
    found = {}
    for each in stacks:
        if each.account == stack.account and (resources := _resources(each, build_projects.PROJECT_TYPE)):
            known = reference_values(root, each)
            for project in resources:
                read = read_project(resolve(project["Properties"], known), each.account, each.region)
                found[read.name] = read
    return DeployedPipeline(stack, pipeline, found)


def reference_values(root: Session, stack: StackTemplate) -> dict[str, str]:
    """Return the value of each name to which the template of a deployed stack can refer.

    The names are the template's parameters, the logical ids of its resources, and the pseudo parameters. For roles and
    log groups, there are also names such as `Role.Arn`.
    """
    cloudformation = root.client("cloudformation")
    described = cloudformation.describe_stacks(StackName=stack.name)["Stacks"][0]
    found = {
        "AWS::AccountId": stack.account,
        "AWS::Region": stack.region,
        "AWS::Partition": "aws",
        "AWS::StackName": stack.name,
    }
    for parameter in described.get("Parameters", ()):
        # For an SSM parameter, AWS returns its name and the resolved value; the local AWS returns only the value.
        found[parameter["ParameterKey"]] = parameter.get("ResolvedValue", parameter["ParameterValue"])
    for page in cloudformation.get_paginator("list_stack_resources").paginate(StackName=stack.name):
        for each in page["StackResourceSummaries"]:
            logical, physical = each["LogicalResourceId"], each["PhysicalResourceId"]
            found[logical] = physical
            if each["ResourceType"] == "AWS::IAM::Role":
                path = stack.resources[logical]["Properties"].get("Path", "/")
                found[f"{logical}.Arn"] = f"arn:aws:iam::{stack.account}:role{path}{physical}"
            elif each["ResourceType"] == "AWS::Logs::LogGroup":
                found[f"{logical}.Arn"] = f"arn:aws:logs:{stack.region}:{stack.account}:log-group:{physical}:*"
    return found


def store_tokens(root: Session, definition: DeployedPipeline, tokens: Mapping[str, str]) -> None:
    """Store the user's tokens for web services in the secrets that CodeBuild projects read.

    If the user has no token for a secret, store a placeholder, so that the rehearsal can test the permission to read
    the secret. The scan that needs this token is not run. The rehearsal uses a recorded report in its place.
    """
    secrets = root.client("secretsmanager")
    for project in definition.projects.values():
        for setting in project.settings:
            if setting.kind == "SECRETS_MANAGER":
                token = tokens.get(setting.name, PLACEHOLDER_TOKEN)
                secrets.put_secret_value(SecretId=setting.value, SecretString=token)
