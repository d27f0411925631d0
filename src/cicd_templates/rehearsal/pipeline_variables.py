"""Resolves the variables of a pipeline run, which are written as `#{Namespace.Name}`.

https://docs.aws.amazon.com/codepipeline/latest/userguide/reference-variables.html
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from cicd_templates.errors import CicdError
from cicd_templates.rehearsal.pipeline_definition import Lock

VARIABLE = re.compile(r"#\{([A-Za-z0-9@_-]+)\.([A-Za-z0-9@_-]+)\}")
# Namespaces that always exist. No action exports them.
BUILT_IN = frozenset({"codepipeline", "variables"})

Variables = Mapping[str, Mapping[str, str]]


def namespaces(value: Any) -> set[str]:
    """Return the namespaces of all variables in `value`, at any depth."""
    if isinstance(value, str):
        return {found.group(1) for found in VARIABLE.finditer(value)}
    items = value.values() if isinstance(value, Mapping) else value if isinstance(value, list | tuple) else ()
    return set().union(*map(namespaces, items))


def substitute(text: str, variables: Variables) -> str:
    """Return `text` with the values of its variables. Raises `CicdError` for a variable that no action exported."""

    def value(found: re.Match[str]) -> str:
        namespace, name = found.groups()
        if name not in variables.get(namespace, {}):
            known = ", ".join(sorted(variables.get(namespace, {}))) or "nothing"
            raise CicdError(f"{found.group()}: {namespace} has exported {known}, but not {name}")
        return variables[namespace][name]

    return VARIABLE.sub(value, text)


def is_open(lock: Lock, variables: Variables) -> bool:
    """Return whether a VariableCheck rule lets the run enter the stage. A missing variable keeps the stage closed.

    https://docs.aws.amazon.com/codepipeline/latest/userguide/rule-reference-VariableCheck.html
    """
    try:
        value = substitute(lock.variable, variables)
    except CicdError:
        return False
    match lock.operator:
        case "EQ":
            return value == lock.value
        case "NE":
            return value != lock.value
        case "CONTAINS":
            return lock.value in value
        case "MATCHES":
            return re.fullmatch(lock.value, value) is not None
    raise CicdError(f"{lock.operator}: CodePipeline's VariableCheck does not have this operator")
