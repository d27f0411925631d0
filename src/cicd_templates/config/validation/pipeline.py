"""Finds problems with `pipeline.path`, and with the number of tools environments."""

from __future__ import annotations

from collections.abc import Collection, Iterator

from cicd_templates.config.environment import Configuration
from cicd_templates.config.validation.problem import Problem


def problems(configuration: Configuration, unread: Collection[str]) -> Iterator[Problem]:
    """Yield a problem for each name in `pipeline.path` that is listed twice or belongs to no runtime environment.

    Also yield a problem if the number of tools environments is not exactly one.

    `unread` has the names of environments that could not be read, so their kinds are unknown. The function accepts each
    of them in `pipeline.path`, and also as the tools environment.
    """
    runtime = [environment.name for environment in configuration.environments if environment.kind == "runtime"]
    for index, name in enumerate(configuration.pipeline.path):
        if name not in runtime and name not in unread:
            yield Problem(
                f"pipeline.path[{index}]",
                f"{name!r} is not a runtime environment; runtime environments: {', '.join(runtime) or 'none'}",
            )
        elif name in configuration.pipeline.path[:index]:
            yield Problem(f"pipeline.path[{index}]", f"{name!r} is listed twice; list each environment only once")
    tools = [environment.name for environment in configuration.environments if environment.kind == "tools"]
    if len(tools) > 1 or not (tools or unread):
        yield Problem(
            "environments",
            f'exactly one environment must have kind = "tools", because it contains the pipelines; here {_have(tools)}',
        )


def _have(names: list[str]) -> str:
    return f"{', '.join(names)} have it" if names else "none has it"
