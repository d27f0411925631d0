"""What is wrong with a definition before anything runs: artifacts and variables that nobody has made by then."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from cicd_templates.rehearsal.definition import Action, Pipeline
from cicd_templates.rehearsal.variables import BUILT_IN, namespaces


def problems(pipeline: Pipeline, known: Callable[[str], bool]) -> list[str]:
    """Each problem in a line that names its action; `known` says of an action's provider whether it is interpreted."""
    found: list[str] = []
    made: set[str] = set()
    spoken = set(BUILT_IN)
    for stage in pipeline.stages:
        for lock in stage.locks:
            found += _unspoken(f"{stage.name}: its check {lock.name}", lock.variable, spoken)
        for group in stage.groups:
            for action in group:
                if not known(action.provider):
                    found.append(f"{action.path}: a rehearsal does not interpret actions of {action.provider}")
                found += _unmade(action, made)
                found += _unspoken(f"{action.path}: it", action.configuration, spoken)
            for action in group:
                found += [f"{action.path}: {each} is made before already" for each in action.outputs if each in made]
                made |= set(action.outputs)
                spoken |= {action.namespace} - {""}
    return found


def _unmade(action: Action, made: set[str]) -> Iterator[str]:
    for artifact in action.inputs:
        if artifact not in made:
            known = ", ".join(sorted(made)) or "none"
            yield f"{action.path}: nothing before it makes the artifact {artifact}; there are {known}"


def _unspoken(who: str, text: object, spoken: set[str]) -> Iterator[str]:
    for namespace in sorted(namespaces(text) - spoken):
        yield f"{who} reads #{{{namespace}.*}}, which no action before it puts out"
