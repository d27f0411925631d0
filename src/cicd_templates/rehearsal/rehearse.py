"""Runs a complete rehearsal: deploys the stacks, releases the source, runs the stages, and measures the grants."""

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
from cicd_templates.deploy.releases.pipeline_handover import bundle_metadata
from cicd_templates.deploy.releases.templates_commit import TemplatesCommit
from cicd_templates.errors import CicdError
from cicd_templates.local.codepipeline import ActionExecutions, JobResults
from cicd_templates.local.data_api import Servers
from cicd_templates.local.deployment_hooks import HookCalls
from cicd_templates.local.ecs_tasks import Tasks
from cicd_templates.local.engine_process import Engine
from cicd_templates.local.iam_decisions import Calls
from cicd_templates.rehearsal import connection_source, deployed_pipeline, postgresql
from cicd_templates.rehearsal.build_tools import BuildTools
from cicd_templates.rehearsal.databases import Databases
from cicd_templates.rehearsal.deployed_pipeline import DeployedPipeline
from cicd_templates.rehearsal.grants import measure_grants, read_roles
from cicd_templates.rehearsal.pipeline_definition import Action
from cicd_templates.rehearsal.pipeline_definition_checks import find_problems
from cicd_templates.rehearsal.pipeline_run import Confirm, PipelineRun, RehearsalSetup
from cicd_templates.rehearsal.result import ActionProgress, RehearsalResult, partition_differences
from cicd_templates.rehearsal.service_process import serve
from cicd_templates.rehearsal.sessions import root
from cicd_templates.rehearsal.stages import ACTION_RUNNERS, ProgressListener, run_action, run_stages
from cicd_templates.template.partitions import partition_of
from cicd_templates.template.stack_template import StackTemplate

START_SECONDS = 10.0
NEVER_COMMITTED = TemplatesCommit()


@dataclass(frozen=True)
class Rehearsal:
    """A finished pipeline run in the local AWS, and its result. `replay` runs a single action again."""

    run: PipelineRun
    steps: Mapping[str, ActionProgress]
    result: RehearsalResult

    def replay(self, action: Action, on_progress: ProgressListener = lambda step: None) -> ActionProgress:
        """Run an action again, with the variables and artifacts of the finished run. Return the action's progress."""
        step = ActionProgress(action.path, action.provider)
        run_action(self.run, action, step, on_progress)
        return step


@contextlib.contextmanager
def run_rehearsal(
    engine: Engine,
    stacks: list[StackTemplate],
    service: str | None,
    archive: Archive,
    *,
    tools: BuildTools,
    tokens: Mapping[str, str],
    network: Mapping[str, str],
    confirm: Confirm,
    commit: TemplatesCommit = NEVER_COMMITTED,
    on_progress: ProgressListener = lambda step: None,
    on_start: Callable[[DeployedPipeline, float], None] = lambda definition, seconds: None,
    deploy: bool = True,
) -> Iterator[Rehearsal]:
    """Rehearse in a local AWS that enforces IAM, and yield the finished rehearsal to the `with` block.

    The block can run actions again.

    - `commit` is the commit of the templates, or the reason why this commit is unknown. Approvals show `commit`.
    - `on_start` is called before the first action. It gets the deployed pipeline and the duration of the deployment in
      seconds.
    - Set `deploy` to false if an earlier rehearsal in this local AWS has deployed the same stacks.

    Raises `CicdError` if the pipeline cannot start.
    """
    began = time.monotonic()
    phases: dict[str, float] = {}
    stack = deployed_pipeline.pipeline_stack(stacks, service)
    deployed_pipeline.deploy_stacks(engine, stacks if deploy else ())
    account = root(engine.url, stack.account, stack.region, engine.secret)
    definition = deployed_pipeline.read_definition(account, stacks, stack)
    if problems := find_problems(definition.pipeline, ACTION_RUNNERS.__contains__):
        raise CicdError("\n  ".join([f"the pipeline {definition.pipeline.name} cannot run:", *problems]))
    phases["deploy"] = time.monotonic() - began
    deployed_pipeline.store_tokens(account, definition, tokens)
    version, execution = _release_and_wait(engine, stacks, definition, archive, commit)
    phases["release"] = time.monotonic() - began - phases["deploy"]
    on_start(definition, phases["deploy"])
    # The folder of the engine is removed even if this process is killed.
    with tempfile.TemporaryDirectory(dir=engine.folder) as folder, contextlib.ExitStack() as until:
        databases = Databases(Path(folder), until, postgresql.find_programs(), Servers(engine.folder))
        setup = RehearsalSetup(
            endpoint=engine.url,
            secret=engine.secret,
            account=stack.account,
            region=stack.region,
            folder=Path(folder),
            tools=tools,
            tokens=tokens,
            network=network,
            job_results=JobResults(engine.folder),
            action_executions=ActionExecutions(engine.folder),
            calls=Calls(engine.folder),
            tasks=Tasks(engine.folder),
            hook_calls=HookCalls(engine.folder),
            confirm=confirm,
            source=archive.data,
            serve=serve,
            database_addresses=databases.addresses,
            start_databases=databases.start_for_function,
            commit_unknown_because=commit.unknown_because,
        )
        arn = f"arn:aws:codepipeline:{stack.region}:{stack.account}:{definition.pipeline.name}"
        service_session = account.assume_for_service(definition.pipeline.role, arn)
        run = PipelineRun(definition.pipeline, execution, setup, service_session, definition.projects, version)
        steps = {action.path: ActionProgress(action.path, action.provider) for action in definition.pipeline.actions}
        walked = time.monotonic()
        problem = run_stages(run, steps, on_progress)
        phases["run"] = time.monotonic() - walked
        roles = [role for each in stacks for role in read_roles(each.content, each.environment)]
        result = RehearsalResult(
            pipeline=definition.pipeline.name,
            execution=execution,
            source_version=version,
            seconds=time.monotonic() - began,
            phases=phases,
            steps=tuple(steps.values()),
            problem=problem,
            uninterpreted=definition.pipeline.uninterpreted,
            recorded=tuple(sorted({entry["type"] for entry in engine.record.entries()})),
            grants=tuple(measure_grants(roles, setup.calls.rows())),
            differences=partition_differences(each.region for each in stacks),
        )
        yield Rehearsal(run, steps, result)


def _release_and_wait(
    engine: Engine,
    stacks: list[StackTemplate],
    definition: DeployedPipeline,
    archive: Archive,
    commit: TemplatesCommit,
) -> tuple[str, str]:
    """Upload the templates and the release to the local AWS, and start the pipeline.

    Return the version of the source and the id of the execution.

    - If the source is an S3 object, an event rule sends a request that starts the pipeline. This function then repeats
      the request with the role of the rule, to check the permissions of this role.
    - If the source is a repository behind a connection, the root user of the account starts the pipeline. The version
      of the source is then a commit id.
    """
    pipeline, stack = definition.pipeline, definition.stack
    clients = deployed_pipeline.stack_clients(engine, stack)
    version = ""
    account = root(engine.url, stack.account, stack.region, engine.secret)
    for action in sorted(pipeline.stages[0].actions, key=lambda each: each.name == release.SOURCE_ACTION_NAME):
        if action.provider == connection_source.PROVIDER:
            started = account.client("codepipeline").start_pipeline_execution(name=pipeline.name)
            return connection_source.commit_id(archive), str(started["pipelineExecutionId"])
        bucket, key = action.configuration["S3Bucket"], action.configuration["S3ObjectKey"]
        if action.name == release.SOURCE_ACTION_NAME:
            version = release.upload_source(clients, bucket, key, archive)
        else:
            data, caller = bundle(stacks), f"arn:{partition_of(stack.region).name}:iam::{stack.account}:root"
            metadata = bundle_metadata(data, commit, caller)
            clients.s3.put_object(Bucket=bucket, Key=key, Body=data, Metadata=metadata)
    found: list[dict[str, Any]] = []

    def has_started() -> bool:
        found.extend(each for each in engine.record.starts(stack.account) if version in json.dumps(each["request"]))
        return bool(found)

    deployed_pipeline.polling().until(
        has_started,
        f"the start of {pipeline.name} by its EventBridge rule",
        START_SECONDS,
        "the rule did not match the event of the new object",
    )
    rule = f"arn:aws:events:{stack.region}:{stack.account}:rule/{found[0]['rule']}"
    starter = account.assume_for_service(found[0]["role"], rule).client("codepipeline")
    return version, str(starter.start_pipeline_execution(**found[0]["request"])["pipelineExecutionId"])
