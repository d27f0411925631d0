"""What a layer is: a name, a pure function that builds its template, and the environments that have it.

Layers know nothing of each other but the constants that they read; their order is derived by `links`.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from cicd_templates.config.environment import Environment, Service
from cicd_templates.config.tables.environment import EnvironmentKind
from cicd_templates.layer.outputs import Output, RoleArn
from cicd_templates.layer.template import LayerTemplate

BuildOnce = Callable[[Environment], LayerTemplate]
BuildPerService = Callable[[Environment, Service], LayerTemplate]


def everywhere(env: Environment) -> bool:
    """Return true: the layer exists in every environment of its kinds."""
    return True


def every_service(service: Service) -> bool:
    """Return true: the layer exists for every service."""
    return True


@dataclass(frozen=True)
class Layer:
    """A module of `templates/` with a function `build(env)`, or `build(env, service)` where it is per service.

    `after` names layers of the same environment that must stand before this one although no value passes between them;
    one that is per service stands before the same service's. `where` narrows the environments of `kinds` further,
    and `needed` the services.
    `deployed_as` is the published role with which CloudFormation works on the layer's stacks, the pipeline's and the
    deployer's alike: it keeps the role that it was given for a stack for ever.
    The first line of the module's docstring, after its colon, is the description of the template.
    """

    name: str
    build: BuildOnce | None = None
    kinds: frozenset[EnvironmentKind] = frozenset({"tools", "runtime"})
    build_per_service: BuildPerService | None = None
    after: tuple[str, ...] = ()
    where: Callable[[Environment], bool] = everywhere
    needed: Callable[[Service], bool] = every_service
    deployed_as: Output[RoleArn] | None = None

    def exists(self, env: Environment) -> bool:
        """Return whether `env` has this layer."""
        return env.settings.kind in self.kinds and self.where(env)

    def instances(self, env: Environment) -> Iterator[LayerTemplate]:
        """Yield a new template for each stack that this layer has in `env`.

        Raises `TypeError` where a layer that is per service makes its template without the service.
        """
        if not self.exists(env):
            return
        if self.build is not None:
            yield self.build(env)
        if self.build_per_service is not None:
            for service in filter(self.needed, env.services):
                built = self.build_per_service(env, service)
                if built.service is not service:
                    raise TypeError(f"layer {self.name}: build must make LayerTemplate(env, service)")
                yield built

    @property
    def module(self) -> str:
        """Name of the Python module that builds the layer."""
        return str((self.build or self.build_per_service).__module__)

    @property
    def description(self) -> str:
        """What the layer is for, in a line: the description of its template."""
        docstring = sys.modules[self.module].__doc__ or ""
        first_line = docstring.strip().splitlines()[0]
        description = first_line.partition(": ")[2].rstrip(".")
        return description[:1].upper() + description[1:]
