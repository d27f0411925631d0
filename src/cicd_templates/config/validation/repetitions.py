"""Reports a mistake only once, even if several environments have it.

Most checks examine one environment at a time, and every environment contains the values of the shared tables. So a
mistake in a shared table, such as `[services.web]`, is found once for each environment.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from cicd_templates.config.environment import Environment, Overrides
from cicd_templates.config.validation.problem import Problem

# Keys of an environment whose mistake is corrected in one place, such as `project.new_regions`.
CORRECTED_ONCE = frozenset({"region", "pull_requests"})
_IN_ENVIRONMENT = re.compile(r"environments\.(?P<environment>[^.]+)\.(?P<rest>.+)", re.DOTALL)
SHARED = frozenset({"services", "queues", "tables", "databases"})


def without_repetitions(problems: Iterable[Problem], environments: Iterable[Environment]) -> list[Problem]:
    """Merge the equal problems of several environments into one problem. Keep the order of `problems`.

    The merged problem names the key in a shared table, such as `[services.web]`, if two conditions are met:

    - The shared table causes the problem.
    - All environments of one kind (runtime or tools) have the problem.

    Otherwise, the merged problem names the key in the first environment, and lists the other environments.

    `environments` are all environments of the configuration.
    """
    overrides: dict[str, Overrides] = {}
    kinds: dict[str, set[str]] = {}
    for environment in environments:
        overrides[environment.name] = environment.overrides
        kinds.setdefault(environment.kind, set()).add(environment.name)
    groups: dict[tuple[str, str], list[str]] = {}
    for problem in problems:
        match = _IN_ENVIRONMENT.fullmatch(problem.path)
        if match and _is_repeatable(overrides.get(match["environment"], {}), match["rest"]):
            groups.setdefault((match["rest"], problem.message), []).append(match["environment"])
        else:
            groups.setdefault((problem.path, problem.message), [])
    return [
        _listed(Problem(path, message), names, overrides, [*kinds.values()])
        for (path, message), names in groups.items()
    ]


def _is_repeatable(overrides: Overrides, rest: str) -> bool:
    """Return whether several environments can have the same problem because of one mistake.

    `rest` is the path of the wrong value, without its beginning `environments.<name>.`. `overrides` has the tables with
    which this environment overrides shared tables.
    """
    kind, *steps = _steps(rest)
    if kind in SHARED and len(steps) > 1:
        return not _overrides(overrides, [kind, *steps])
    return rest in CORRECTED_ONCE


def _overrides(table: Any, steps: list[str]) -> bool:
    """Return whether `table`, which belongs to one environment, replaces the shared value at the path `steps`.

    For the path `health.path`, the result is true if `table` sets `health.path`, or if `table` sets `health` to a plain
    value, which replaces the whole shared table `health`.
    """
    for step in steps:
        if not isinstance(table, Mapping):
            return True
        if step not in table:
            return False
        table = table[step]
    return True


def _listed(
    problem: Problem, environments: list[str], overrides: Mapping[str, Overrides], kinds: Sequence[set[str]]
) -> Problem:
    """Return the merged problem that `without_repetitions` returns for the equal problems of `environments`."""
    if not environments:
        return problem
    # Most checks examine only the runtime environments, or only the tools environment.
    if any(kind <= {*environments} for kind in kinds) and _is_of_the_shared_table(problem, environments, overrides):
        return problem
    first, *others = environments
    return problem._replace(path=f"environments.{first}.{problem.path}", also_in=tuple(others))


def _is_of_the_shared_table(problem: Problem, environments: list[str], overrides: Mapping[str, Overrides]) -> bool:
    """Return whether at least one of `environments` inherits the wrong value from a shared table.

    If an environment overrides one key of a table such as `[services.web.linear]`, this environment counts as
    inheriting nothing from this table.
    """
    kind, *steps = _steps(problem.path)
    return kind in SHARED and any(not _overrides(overrides[each], [kind, *steps[:2]]) for each in environments)


def _steps(path: str) -> list[str]:
    """Return the keys and list positions in a TOML path: `smoke` and `[0]` in `smoke[0]`."""
    return path.replace("[", ".[").split(".")
