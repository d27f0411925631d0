"""A rehearsal from end to end: deploy what is rendered, release the source, walk the run that this starts, tell."""

from __future__ import annotations

import contextlib
import json
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from cicd_templates.deploy.releases import release
from cicd_templates.deploy.releases.archives import Archive, bundle
from cicd_templates.errors import CicdError
from cicd_templates.local.codepipeline import Answers
from cicd_templates.local.engine import Engine
from cicd_templates.local.permissions import Calls
from cicd_templates.rehearsal import deployment
from cicd_templates.rehearsal.application_server import serving
from cicd_templates.rehearsal.context import Confirm, Place, Run
from cicd_templates.rehearsal.definition import Action
from cicd_templates.rehearsal.definition_checks import problems
from cicd_templates.rehearsal.deployment import Definition
from cicd_templates.rehearsal.grants import grants, roles_of
from cicd_templates.rehearsal.result import Result, Step
from cicd_templates.rehearsal.sessions import root
from cicd_templates.rehearsal.stages import ACTS, Say, perform, walk
from cicd_templates.rehearsal.tools import Tools
from cicd_templates.template.stack_template import StackTemplate

START_SECONDS = 10.0


@dataclass(frozen=True)
class Rehearsal:
    """A walked run, and what it takes to repeat an action of it."""

    run: Run
    steps: Mapping[str, Step]
    result: Result

    def replay(self, action: Action, say: Say = lambda step: None) -> Step:
        """The action once more, with what the actions before it have left."""
        step = Step(action.path, action.provider)
        perform(self.run, action, step, say)
        return step


@contextlib.contextmanager
def rehearsing(
    engine: Engine,
    stacks: list[StackTemplate],
    service: str | None,
    archive: Archive,
    *,
    tools: Tools,
    tokens: Mapping[str, str],
    network: Mapping[str, str],
    confirm: Confirm,
    say: Say = lambda step: None,
    begun: Callable[[Definition, float], None] = lambda definition, seconds: None,
) -> Iterator[Rehearsal]:
    """Rehearse in a fresh engine that enforces IAM; until the block ends actions can be repeated.

    `begun` hears the definition before the first action, and how long its deployment took. Raises `CicdError` where
    no run can begin.
    """
    began = time.monotonic()
    phases: dict[str, float] = {}
    stack = deployment.pipeline_stack(stacks, service)
    deployment.deploy(engine.url, stacks)
    account = root(engine.url, stack.account, stack.region)
    definition = deployment.read_definition(account, stacks, stack)
    if wrong := problems(definition.pipeline, ACTS.__contains__):
        raise CicdError("\n  ".join([f"{definition.pipeline.name} cannot run:", *wrong]))
    phases["deploy"] = time.monotonic() - began
    deployment.give_tokens(account, definition, tokens)
    version, execution = _start(engine, stacks, definition, archive)
    phases["release"] = time.monotonic() - began - phases["deploy"]
    begun(definition, phases["deploy"])
    with tempfile.TemporaryDirectory(prefix="cicd-rehearsal-") as folder, contextlib.ExitStack() as exit_stack:
        place = Place(
            endpoint=engine.url,
            account=stack.account,
            region=stack.region,
            folder=Path(folder),
            tools=tools,
            tokens=tokens,
            network=network,
            answers=Answers(engine.folder),
            calls=Calls(engine.folder),
            confirm=confirm,
            serve=serving(archive, Path(folder), tools, exit_stack),
        )
        arn = f"arn:aws:codepipeline:{stack.region}:{stack.account}:{definition.pipeline.name}"
        service_session = account.serve(definition.pipeline.role, arn)
        run = Run(definition.pipeline, execution, place, service_session, definition.projects, version)
        steps = {action.path: Step(action.path, action.provider) for action in definition.pipeline.actions}
        walked = time.monotonic()
        problem = walk(run, steps, say)
        phases["run"] = time.monotonic() - walked
        roles = [role for each in stacks for role in roles_of(each.content, each.environment)]
        result = Result(
            pipeline=definition.pipeline.name,
            execution=execution,
            source_version=version,
            seconds=time.monotonic() - began,
            phases=phases,
            steps=tuple(steps.values()),
            problem=problem,
            uninterpreted=definition.pipeline.uninterpreted,
            recorded=tuple(sorted({entry["type"] for entry in engine.record.entries()})),
            grants=tuple(grants(roles, place.calls.rows())),
        )
        yield Rehearsal(run, steps, result)


def _start(engine: Engine, stacks: list[StackTemplate], definition: Definition, archive: Archive) -> tuple[str, str]:
    """Release into the local AWS, whose rule starts the pipeline; the source's version and the run.

    The request that the rule makes is sent on as the rule's role, so that its permission is asked, too.
    """
    pipeline, stack = definition.pipeline, definition.stack
    clients = deployment.clients_of(engine.url, stack)
    version = ""
    for action in sorted(pipeline.stages[0].actions, key=lambda each: each.name == release.SOURCE_ACTION):
        bucket, key = action.configuration["S3Bucket"], action.configuration["S3ObjectKey"]
        if action.name == release.SOURCE_ACTION:
            version = release.put(clients, bucket, key, archive)
        else:
            clients.s3.put_object(Bucket=bucket, Key=key, Body=bundle(stacks))
    found: list[dict[str, Any]] = []

    def begun() -> bool:
        found.extend(each for each in engine.record.starts(stack.account) if version in json.dumps(each["request"]))
        return bool(found)

    deployment.polling().until(
        begun,
        f"the start of {pipeline.name} by the rule of EventBridge",
        START_SECONDS,
        "the rule did not take the new object for a release",
    )
    account = root(engine.url, stack.account, stack.region)
    rule = f"arn:aws:events:{stack.region}:{stack.account}:rule/{found[0]['rule']}"
    starter = account.serve(found[0]["role"], rule).client("codepipeline")
    return version, str(starter.start_pipeline_execution(**found[0]["request"])["pipelineExecutionId"])
