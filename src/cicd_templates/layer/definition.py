"""The definition of a layer: its name, the pure function that builds its template, and the environments that have it.

A layer knows only those constants of other layers that it reads. `stack_graph` derives the order of the layers.
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
    """Return True: the layer exists in every environment of its kinds."""
    return True


def every_service(service: Service) -> bool:
    """Return True: the layer exists for every service."""
    return True


@dataclass(frozen=True)
class Layer:
    """A module of `templates/` with a function `build(env)`, or `build(env, service)` for one stack per service.

    `after` names layers of the same environment that must be deployed before this layer, although this layer reads
    none of their values. If both layers exist once per service, the order applies to stacks of the same service.
    `where` selects some of the environments that have the right kind, and `needed` selects services.
    `deployed_as` is the published role that CloudFormation uses for the layer's stacks. The pipeline and the deployer
    must pass the same role, because CloudFormation keeps a stack's role for all later operations.
    The first line of the module's docstring, after the colon, is the description of the template.
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

        Raises `TypeError` if a layer with one stack per service creates its template without the service.
        """
        if not self.exists(env):
            return
        if self.build is not None:
            yield self.build(env)
        if self.build_per_service is not None:
            for service in filter(self.needed, env.services):
                built = self.build_per_service(env, service)
                if built.service is not service:
                    raise TypeError(f"layer {self.name}: build must return a LayerTemplate(env, service)")
                yield built

    @property
    def module(self) -> str:
        """Name of the Python module that builds the layer."""
        return str((self.build or self.build_per_service).__module__)

    @property
    def description(self) -> str:
        """The purpose of the layer in one line, which is also the description of its template."""
        docstring = sys.modules[self.module].__doc__ or ""
        first_line = docstring.strip().splitlines()[0]
        description = first_line.partition(": ")[2].rstrip(".")
        return description[:1].upper() + description[1:]
