"""The stacks of rendered projects, read once for all modules of tests. Tests must not change them."""

from __future__ import annotations

from functools import cache

from cicd_templates.deploy.change_sets.rendered_stacks import read_stacks
from cicd_templates.template.stack_template import StackTemplate
from tests.projects.rendering import rendered_project


def stacks_of(environment: str, project: str = "shipping") -> list[StackTemplate]:
    return list(_stacks(environment, project))


@cache
def _stacks(environment: str, project: str) -> tuple[StackTemplate, ...]:
    return tuple(read_stacks(rendered_project(project) / "out" / environment))
