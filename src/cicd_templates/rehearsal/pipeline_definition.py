"""Reads the pipeline definition: stages, actions, locks, and the parts that a rehearsal ignores.

The definition is read from the properties of the pipeline resource. The references in these properties are already
resolved. This module does not call AWS.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import groupby
from typing import Any

PIPELINE_TYPE = "AWS::CodePipeline::Pipeline"
PIPELINE_KEYS = {"Name", "PipelineType", "RoleArn", "ArtifactStore", "Stages", "Tags", "RestartExecutionOnUpdate"}
STAGE_KEYS = {"Name", "Actions", "BeforeEntry"}
ACTION_KEYS = {
    "Name", "ActionTypeId", "RunOrder", "RoleArn", "Configuration", "InputArtifacts", "OutputArtifacts", "Namespace",
    "TimeoutInMinutes",
}  # fmt: skip
VARIABLE_CHECK = "VariableCheck"


@dataclass(frozen=True)
class Action:
    """An action of a stage. Actions of a stage with the same `order` run in parallel."""

    stage: str
    name: str
    provider: str
    order: int
    role: str
    configuration: Mapping[str, str]
    inputs: tuple[str, ...]
    outputs: tuple[str, ...]
    namespace: str

    @property
    def path(self) -> str:
        """Return `<stage>/<action>`."""
        return f"{self.stage}/{self.name}"


@dataclass(frozen=True)
class Lock:
    """A VariableCheck rule in a stage's BeforeEntry condition. The stage is entered only if the check succeeds."""

    name: str
    variable: str
    operator: str
    value: str


@dataclass(frozen=True)
class Stage:
    """A stage, with its actions in the order of the definition."""

    name: str
    actions: tuple[Action, ...]
    locks: tuple[Lock, ...]

    @property
    def groups(self) -> list[list[Action]]:
        """Return the stage's actions in groups. The groups run one after the other; the actions of a group run in
        parallel.
        """
        ordered = sorted(self.actions, key=lambda action: action.order)
        return [list(group) for _, group in groupby(ordered, key=lambda action: action.order)]


@dataclass(frozen=True)
class Pipeline:
    """A pipeline. `uninterpreted` lists the parts of its definition that a rehearsal ignores.

    `bucket` is the bucket of the artifact store, and `key` is the KMS key that encrypts its objects.
    """

    name: str
    role: str
    bucket: str
    key: str
    stages: tuple[Stage, ...]
    uninterpreted: tuple[str, ...]

    @property
    def actions(self) -> list[Action]:
        """Return all actions in the order in which they run."""
        return [action for stage in self.stages for group in stage.groups for action in group]


def read_pipeline(properties: Mapping[str, Any]) -> Pipeline:
    """Return the pipeline that `properties` describe. All references in `properties` must be resolved."""
    store = properties["ArtifactStore"]
    return Pipeline(
        name=properties["Name"],
        role=properties["RoleArn"],
        bucket=store["Location"],
        key=store.get("EncryptionKey", {}).get("Id", ""),
        stages=tuple(_stage(stage) for stage in properties["Stages"]),
        uninterpreted=tuple(_uninterpreted(properties)),
    )


def _stage(stage: Mapping[str, Any]) -> Stage:
    locks = [
        Lock(rule["Name"], *(rule["Configuration"][key] for key in ("Variable", "Operator", "Value")))
        for rule in _rules(stage.get("BeforeEntry", {}))
        if rule["RuleTypeId"]["Provider"] == VARIABLE_CHECK
    ]
    return Stage(stage["Name"], tuple(_action(stage["Name"], action) for action in stage["Actions"]), tuple(locks))


def _rules(conditions: Mapping[str, Any]) -> list[Any]:
    return [rule for condition in conditions.get("Conditions", ()) for rule in condition["Rules"]]


def _action(stage: str, action: Mapping[str, Any]) -> Action:
    return Action(
        stage=stage,
        name=action["Name"],
        provider=action["ActionTypeId"]["Provider"],
        order=int(action.get("RunOrder", 1)),
        role=action.get("RoleArn", ""),
        configuration=action.get("Configuration", {}),
        inputs=tuple(each["Name"] for each in action.get("InputArtifacts", ())),
        outputs=tuple(each["Name"] for each in action.get("OutputArtifacts", ())),
        namespace=action.get("Namespace", ""),
    )


def _uninterpreted(properties: Mapping[str, Any]) -> Iterator[str]:
    """Yield the parts of the definition that a rehearsal cannot execute. The report lists them as not rehearsed."""
    for key in sorted(properties.keys() - PIPELINE_KEYS):
        yield f"{key}: {properties[key]}" if isinstance(properties[key], str) else key
    for stage in properties["Stages"]:
        for rule in _rules(stage.get("BeforeEntry", {})):
            if rule["RuleTypeId"]["Provider"] != VARIABLE_CHECK:
                yield f"{stage['Name']}: BeforeEntry {rule['RuleTypeId']['Provider']}"
        for key in sorted(stage.keys() - STAGE_KEYS):
            details = [stage[key].get("Result"), *(rule["RuleTypeId"]["Provider"] for rule in _rules(stage[key]))]
            yield f"{stage['Name']}: {key} {' '.join(filter(None, details))}".strip()
        for action in stage["Actions"]:
            for key in sorted(action.keys() - ACTION_KEYS):
                yield f"{stage['Name']}/{action['Name']}: {key}"
