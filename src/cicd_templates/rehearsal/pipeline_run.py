"""Defines the state that the actions of a pipeline run share, and the error for a failed action."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from cicd_templates.errors import CicdError
from cicd_templates.local.codepipeline import ActionExecutions, JobResults
from cicd_templates.local.deployment_hooks import HookCalls
from cicd_templates.local.ecs_tasks import Tasks
from cicd_templates.local.iam_decisions import Calls
from cicd_templates.rehearsal.artifacts import Artifact
from cicd_templates.rehearsal.build_projects import Project
from cicd_templates.rehearsal.build_tools import BuildTools
from cicd_templates.rehearsal.pipeline_definition import Action, Pipeline
from cicd_templates.rehearsal.pipeline_variables import Variables, substitute
from cicd_templates.rehearsal.result import ActionProgress
from cicd_templates.rehearsal.sessions import Credentials, Session, root
from cicd_templates.template.arn import Arn

Confirm = Callable[[str], bool]


class ActionFailedError(CicdError):
    """Raised if an action fails in a way that CodePipeline would also report. `log` is the end of the action's log."""

    def __init__(self, reason: str, log: str = "") -> None:
        super().__init__(reason)
        self.log = log


@dataclass(frozen=True)
class RehearsalSetup:
    """The values that stay the same during a rehearsal: the local AWS, the pipeline's account, folders and tools."""

    endpoint: str
    secret: str = field(repr=False)
    account: str
    region: str
    folder: Path
    tools: BuildTools
    tokens: Mapping[str, str]
    # The variables for proxies and package indexes. They are given only to builds that have the tokens of their
    # services.
    network: Mapping[str, str]
    job_results: JobResults
    action_executions: ActionExecutions
    calls: Calls
    tasks: Tasks
    hook_calls: HookCalls
    confirm: Confirm
    # The zip file that is released.
    source: bytes = field(repr=False)
    # Runs the web service that a CloudFormation action deployed as a process; the value of the `with` block is its URL.
    serve: Callable[[PipelineRun, ActionProgress, Action], AbstractContextManager[str]]
    # Returns the variables of a task that change: they get the addresses of databases on this machine.
    database_addresses: Callable[
        [PipelineRun, ActionProgress, Path, Mapping[str, str], str, Credentials], dict[str, str]
    ]

    # Starts the databases whose ARNs are in the parameters of a function, and returns whether all of them run.
    start_databases: Callable[[PipelineRun, ActionProgress, str], bool]
    # Why no commit contains the templates, or an empty text.
    commit_unknown_because: str = ""

    def root_session(self, arn: str) -> Session:
        """Return a session of the root user of the account that `arn` contains."""
        return root(self.endpoint, Arn.parse(arn).account, self.region, self.secret)

    def require_allowed(self, role: str, actions: list[str], resource: str) -> None:
        """Raise `ActionFailedError` unless IAM's simulator allows the role to perform all `actions` on `resource`.

        Use this method for IAM actions that a real run performs, but a rehearsal does not.
        """
        simulated = self.root_session(role).client("iam").simulate_principal_policy(
            PolicySourceArn=role, ActionNames=actions, ResourceArns=[resource]
        )  # fmt: skip
        for answer in simulated["EvaluationResults"]:
            if answer["EvalDecision"] != "allowed":
                raise ActionFailedError(f"{role} may not {answer['EvalActionName']} on {resource}")


@dataclass
class PipelineRun:
    """One execution of the pipeline, with the variables and artifacts of the completed actions."""

    pipeline: Pipeline
    execution: str
    setup: RehearsalSetup
    pipeline_session: Session
    projects: Mapping[str, Project]
    source_version: str
    variables: dict[str, dict[str, str]] = field(default_factory=dict)
    artifacts: dict[str, Artifact] = field(default_factory=dict)

    def action_session(self, action: Action, step: ActionProgress) -> Session:
        """Return a session of the action's role, which the pipeline's role assumes.

        If the action has no role of its own, return the session of the pipeline's role.
        """
        step.roles.add(action.role.rpartition("/")[2])
        return self.pipeline_session.assume(action.role) if action.role else self.pipeline_session

    def service_session(self, role: str, on_behalf_of: str, step: ActionProgress) -> Session:
        """Let an AWS service assume `role`, and return the service's session.

        `on_behalf_of` is the ARN of the resource for which the service works.
        """
        step.roles.add(role.rpartition("/")[2])
        return self.setup.root_session(on_behalf_of).assume_for_service(role, on_behalf_of)

    def resolve_configuration(self, action: Action) -> dict[str, str]:
        """Return the action's configuration, with each variable of the run replaced by its value."""
        return {key: self.resolve_text(value) for key, value in action.configuration.items()}

    def resolve_text(self, text: str) -> str:
        """Return `text` with each variable of the run replaced by its value."""
        variables: Variables = self.variables
        return substitute(text, variables)

    def input_artifact(self, action: Action) -> Artifact:
        """Return the first input artifact of an action."""
        return self.artifacts[action.inputs[0]]


ActionRunner = Callable[[PipelineRun, Action, ActionProgress], dict[str, str]]
Template = Mapping[str, Any]
