"""Checks a pipeline definition before it runs, for example for artifacts that no earlier action produces."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from cicd_templates.rehearsal.pipeline_definition import Action, Pipeline
from cicd_templates.rehearsal.pipeline_variables import BUILT_IN, namespaces


def find_problems(pipeline: Pipeline, known: Callable[[str], bool]) -> list[str]:
    """Return the problems of a pipeline, one line each.

    `known` is called with an action provider, and returns whether a rehearsal supports this provider.
    """
    found: list[str] = []
    known_artifacts: set[str] = set()
    known_namespaces = set(BUILT_IN)
    for stage in pipeline.stages:
        for lock in stage.locks:
            found += _missing_variables(f"{stage.name}: its check {lock.name}", lock.variable, known_namespaces)
        for group in stage.groups:
            for action in group:
                if not known(action.provider):
                    found.append(f"{action.path}: a rehearsal does not support actions of {action.provider}")
                found += _missing_artifacts(action, known_artifacts)
                found += _missing_variables(f"{action.path}: it", action.configuration, known_namespaces)
            for action in group:
                found += [
                    f"{action.path}: an earlier action already produces the output artifact {each}; choose another name"
                    for each in action.outputs
                    if each in known_artifacts
                ]
                known_artifacts |= set(action.outputs)
                known_namespaces |= {action.namespace} - {""}
    return found


def _missing_artifacts(action: Action, known_artifacts: set[str]) -> Iterator[str]:
    for artifact in action.inputs:
        if artifact not in known_artifacts:
            known = ", ".join(sorted(known_artifacts)) or "none"
            yield f"{action.path}: no earlier action produces the artifact {artifact}; earlier actions produce {known}"


def _missing_variables(who: str, text: object, known_namespaces: set[str]) -> Iterator[str]:
    for namespace in sorted(namespaces(text) - known_namespaces):
        yield f"{who} uses variables #{{{namespace}.*}}, but no earlier action exports them"
