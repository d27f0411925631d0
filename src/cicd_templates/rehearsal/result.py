"""What became of a rehearsal, as values, as JSON and as JUnit XML."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from enum import StrEnum
from xml.etree import ElementTree

from cicd_templates.rehearsal.grants import Grant


class State(StrEnum):
    """How an action ended."""

    SUCCEEDED = "succeeded"
    FAILED = "failed"
    NOT_REACHED = "not reached"


@dataclass
class Step:
    """An action on its way: what happened in it so far. `notes` say what stood in for something."""

    path: str
    provider: str
    state: State = State.NOT_REACHED
    began: float = 0.0
    seconds: float = 0.0
    # Seconds of what a build ran, so that the rest is the rehearsal's own.
    commands: float = 0.0
    phases: dict[str, float] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)
    roles: set[str] = field(default_factory=set)
    error: str = ""
    log: str = ""

    def note(self, text: str) -> None:
        """Say that something stood in for something else, once."""
        if text not in self.notes:
            self.notes.append(text)


@dataclass(frozen=True)
class Result:
    """A whole rehearsal."""

    pipeline: str
    execution: str
    source_version: str
    seconds: float
    phases: dict[str, float]
    steps: tuple[Step, ...]
    problem: str
    uninterpreted: tuple[str, ...]
    recorded: tuple[str, ...]
    grants: tuple[Grant, ...]

    @property
    def succeeded(self) -> bool:
        """Whether every action did."""
        return not self.problem and all(step.state is State.SUCCEEDED for step in self.steps)

    @property
    def failed(self) -> list[Step]:
        """The actions that failed."""
        return [step for step in self.steps if step.state is State.FAILED]


def as_json(result: Result) -> str:
    """The result for machines."""
    content = asdict(result) | {"succeeded": result.succeeded}
    content["steps"] = [{**step, "roles": sorted(step["roles"])} for step in content["steps"]]
    return json.dumps(content, indent=2) + "\n"


def as_junit(result: Result) -> str:
    """The result as a test report: an action is a test, one that was not reached is skipped."""
    suite = ElementTree.Element(
        "testsuite",
        name=result.pipeline,
        tests=str(len(result.steps)),
        failures=str(len(result.failed)),
        skipped=str(sum(step.state is State.NOT_REACHED for step in result.steps)),
        time=f"{result.seconds:.3f}",
    )
    for step in result.steps:
        stage, _, name = step.path.partition("/")
        case = ElementTree.SubElement(suite, "testcase", classname=stage, name=name, time=f"{step.seconds:.3f}")
        if step.state is State.FAILED:
            ElementTree.SubElement(case, "failure", message=printable(step.error.splitlines()[0])).text = printable(
                step.error
            )
        elif step.state is State.NOT_REACHED:
            ElementTree.SubElement(case, "skipped")
        if step.notes or step.log:
            ElementTree.SubElement(case, "system-out").text = printable("\n".join([*step.notes, step.log]))
    ElementTree.indent(suite)
    return ElementTree.tostring(suite, encoding="unicode", xml_declaration=True) + "\n"


def printable(text: str) -> str:
    """`text` without the characters that XML cannot say, such as those that color a terminal."""
    return "".join(character for character in text if character in "\t\n" or character.isprintable())


def critical_path(steps: Sequence[Step]) -> list[Step]:
    """The actions that the end waited for: of those that ran at the same time, the longest."""
    path: list[Step] = []
    for step in sorted((step for step in steps if step.state is not State.NOT_REACHED), key=lambda each: each.began):
        if path and step.began < path[-1].began + path[-1].seconds:
            if step.began + step.seconds > path[-1].began + path[-1].seconds:
                path[-1] = step
        else:
            path.append(step)
    return path
