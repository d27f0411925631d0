"""What is wrong with a definition before anything runs: artifacts and variables that nobody has made by then."""

from __future__ import annotations

from collections.abc import Callable

from cicd_templates.rehearsal.definition import Pipeline
from cicd_templates.rehearsal.variables import BUILT_IN, namespaces


def problems(pipeline: Pipeline, known: Callable[[str], bool]) -> list[str]:
    """Each problem in a line that names its action; `known` says of an action's provider whether it is interpreted."""
    found: list[str] = []
    made: set[str] = set()
    spoken = set(BUILT_IN)
    for stage in pipeline.stages:
        for lock in stage.locks:
            for namespace in sorted(namespaces(lock.variable) - spoken):
                found.append(f"{stage.name}: its check {lock.name} reads #{{{namespace}.*}}, which no action before has")
        for group in stage.groups:
            for action in group:
                if not known(action.provider):
                    found.append(f"{action.path}: a rehearsal does not interpret actions of {action.provider}")
                for artifact in action.inputs:
                    if artifact not in made:
                        known_ones = ", ".join(sorted(made)) or "none"
                        found.append(f"{action.path}: nothing before it makes {artifact}; there are {known_ones}")
                for namespace in sorted(namespaces(action.configuration) - spoken):
                    found.append(f"{action.path}: it reads #{{{namespace}.*}}, which no action before has")
            for action in group:
                for artifact in action.outputs:
                    if artifact in made:
                        found.append(f"{action.path}: {artifact} is made before already")
                    made.add(artifact)
                spoken |= {action.namespace} - {""}
    return found
