"""What the actions of a run share, and the failure of one."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from cicd_templates.errors import CicdError
from cicd_templates.local.codepipeline import Answers
from cicd_templates.local.permissions import Calls
from cicd_templates.rehearsal.artifacts import Artifact
from cicd_templates.rehearsal.build_projects import Project
from cicd_templates.rehearsal.definition import Action, Pipeline
from cicd_templates.rehearsal.result import Step
from cicd_templates.rehearsal.sessions import Session, root
from cicd_templates.rehearsal.tools import Tools
from cicd_templates.rehearsal.variables import Variables, substitute
from cicd_templates.template.arn import Arn

Confirm = Callable[[str], bool]


class ActionFailedError(CicdError):
    """An action did what CodePipeline calls a failure; `log` is the end of what it wrote."""

    def __init__(self, reason: str, log: str = "") -> None:
        super().__init__(reason)
        self.log = log


@dataclass(frozen=True)
class Place:
    """Where a run happens: the local AWS, the account of the pipeline, a folder, and what is on this machine."""

    endpoint: str
    account: str
    region: str
    folder: Path
    tools: Tools
    tokens: Mapping[str, str]
    # What leads to the network: variables of proxies and package indexes, for builds that have their tokens.
    network: Mapping[str, str]
    answers: Answers
    calls: Calls
    confirm: Confirm
    # The address of the released application as a process of this machine; empty where it cannot be one.
    serve: Callable[[], str]

    def root(self, arn: str) -> Session:
        """The root of the account that an ARN names."""
        return root(self.endpoint, Arn.parse(arn).account, self.region)

    def require(self, role: str, actions: list[str], resource: str) -> None:
        """Ask IAM for what a service does with a role by itself, without a call that could be made here.

        Raises `ActionFailedError` for what the role may not.
        """
        simulated = self.root(role).client("iam").simulate_principal_policy(
            PolicySourceArn=role, ActionNames=actions, ResourceArns=[resource]
        )  # fmt: skip
        for answer in simulated["EvaluationResults"]:
            if answer["EvalDecision"] != "allowed":
                raise ActionFailedError(f"{role} may not {answer['EvalActionName']} on {resource}")


@dataclass
class Run:
    """One execution of a pipeline: what the actions before have left."""

    pipeline: Pipeline
    execution: str
    place: Place
    service: Session
    projects: Mapping[str, Project]
    source_version: str
    variables: dict[str, dict[str, str]] = field(default_factory=dict)
    artifacts: dict[str, Artifact] = field(default_factory=dict)

    def act(self, action: Action, step: Step) -> Session:
        """The session in which an action works: of its own role, by way of the pipeline's."""
        step.roles.add(action.role.rpartition("/")[2])
        return self.service.assume(action.role) if action.role else self.service

    def serve(self, role: str, on_behalf_of: str, step: Step) -> Session:
        """The session of a service's role."""
        step.roles.add(role.rpartition("/")[2])
        return self.place.root(on_behalf_of).serve(role, on_behalf_of)

    def configured(self, action: Action) -> dict[str, str]:
        """The action's configuration with its variables replaced."""
        return {key: self.substituted(value) for key, value in action.configuration.items()}

    def substituted(self, text: str) -> str:
        """`text` with the variables of the run."""
        variables: Variables = self.variables
        return substitute(text, variables)

    def input(self, action: Action) -> Artifact:
        """The first artifact that an action takes."""
        return self.artifacts[action.inputs[0]]


Act = Callable[[Run, Action, Step], dict[str, str]]
Template = Mapping[str, Any]
