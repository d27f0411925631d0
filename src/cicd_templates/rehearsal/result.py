"""The result of a rehearsal, as values, as JSON and as JUnit XML."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass, field
from enum import StrEnum
from xml.etree import ElementTree

from cicd_templates.printable import printable, printable_lines
from cicd_templates.rehearsal.grants import GrantedAction
from cicd_templates.template.partitions import AWS, partition_of

# A note that begins with this text is about something that a rehearsal cannot show at all.
NOT_SHOWN = "not shown: "


class ActionState(StrEnum):
    """How an action ended."""

    SUCCEEDED = "succeeded"
    FAILED = "failed"
    NOT_REACHED = "not reached"


@dataclass
class ActionProgress:
    """The progress of an action. `notes` say how this rehearsal of the action differs from its execution in AWS."""

    path: str
    provider: str
    state: ActionState = ActionState.NOT_REACHED
    began: float = 0.0
    seconds: float = 0.0
    # The seconds of the build's own commands. The other seconds are the overhead of the rehearsal.
    commands: float = 0.0
    phases: dict[str, float] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)
    roles: set[str] = field(default_factory=set)
    error: str = ""
    log: str = ""
    # What the processes of tasks have printed during the action.
    printed: list[str] = field(default_factory=list)

    def note(self, text: str) -> None:
        """Add `text` to the notes unless they already contain it."""
        if text not in self.notes:
            self.notes.append(text)


@dataclass(frozen=True)
class RehearsalResult:
    """The result of a rehearsal.

    - `problem` says why the run stopped, if the cause was not a failed action. Otherwise it is empty.
    - `differences` has the differences between a rehearsal and AWS that concern all actions.
    """

    pipeline: str
    execution: str
    source_version: str
    seconds: float
    phases: dict[str, float]
    steps: tuple[ActionProgress, ...]
    problem: str
    uninterpreted: tuple[str, ...]
    recorded: tuple[str, ...]
    grants: tuple[GrantedAction, ...]
    differences: tuple[str, ...] = ()

    @property
    def succeeded(self) -> bool:
        """Return whether every action succeeded and nothing else stopped the run."""
        return not self.problem and all(step.state is ActionState.SUCCEEDED for step in self.steps)

    @property
    def with_placeholders(self) -> list[ActionProgress]:
        """Return the actions for which the rehearsal used a placeholder instead of a real result."""
        return [step for step in self.steps if any(note.startswith(NOT_SHOWN) for note in step.notes)]

    @property
    def failed(self) -> list[ActionProgress]:
        """Return the actions that failed."""
        return [step for step in self.steps if step.state is ActionState.FAILED]


def partition_differences(regions: Iterable[str]) -> tuple[str, ...]:
    """Return a phrase for each region outside the partition `aws`, such as `cn-north-1`.

    The phrase says that the local AWS uses the partition `aws` instead.
    """
    partitions = {region: partition_of(region).name for region in sorted(set(regions))}
    return tuple(
        f"{region} is in the partition {name}, but the local AWS uses ARNs and host names of the partition {AWS.name}"
        for region, name in partitions.items()
        if name != AWS.name
    )


def as_json(result: RehearsalResult) -> str:
    """Return the result as JSON."""
    content = asdict(result) | {"succeeded": result.succeeded}
    content["steps"] = [{**step, "roles": sorted(step["roles"])} for step in content["steps"]]
    return json.dumps(content, indent=2) + "\n"


def as_junit(result: RehearsalResult) -> str:
    """Return the result as JUnit XML. Each action is a test. If an action was not reached, its test is skipped."""
    suite = ElementTree.Element(
        "testsuite",
        name=result.pipeline,
        tests=str(len(result.steps)),
        failures=str(len(result.failed)),
        skipped=str(sum(step.state is ActionState.NOT_REACHED for step in result.steps)),
        time=f"{result.seconds:.3f}",
    )
    for step in result.steps:
        stage, _, name = step.path.partition("/")
        case = ElementTree.SubElement(suite, "testcase", classname=stage, name=name, time=f"{step.seconds:.3f}")
        if step.state is ActionState.FAILED:
            failure = ElementTree.SubElement(case, "failure", message=printable(step.error.splitlines()[0]))
            failure.text = printable_lines(step.error)
        elif step.state is ActionState.NOT_REACHED:
            ElementTree.SubElement(case, "skipped")
        if said := [*step.notes, *step.printed, *([step.log] if step.log else [])]:
            ElementTree.SubElement(case, "system-out").text = printable_lines("\n".join(said))
    ElementTree.indent(suite)
    return ElementTree.tostring(suite, encoding="unicode", xml_declaration=True) + "\n"


def critical_path(steps: Sequence[ActionProgress]) -> list[ActionProgress]:
    """Return the actions that determined the duration of the run.

    Actions of a group run in parallel, so the list has only one action for each group: the action that ended last.
    """
    path: list[ActionProgress] = []
    for step in sorted(
        (step for step in steps if step.state is not ActionState.NOT_REACHED), key=lambda each: each.began
    ):
        if path and step.began < path[-1].began + path[-1].seconds:
            if step.began + step.seconds > path[-1].began + path[-1].seconds:
                path[-1] = step
        else:
            path.append(step)
    return path
