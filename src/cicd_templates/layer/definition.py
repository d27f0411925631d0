"""Defines what a layer is: its name, the pure function that builds its template, and the environments that have it.

From other layers, a layer imports only constants: the `Output` of each value that it reads. `stack_graph` derives the
order of deployment from the values that the templates read.
"""

from __future__ import annotations

import ast
import sys
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from functools import partial
from pathlib import Path
from types import ModuleType
from typing import NamedTuple

from cicd_templates.config.environment import Environment, Service
from cicd_templates.config.tables.environment import EnvironmentKind
from cicd_templates.errors import ConfigurationError
from cicd_templates.layer.offers import Offer, Use, no_offers
from cicd_templates.layer.outputs import Output, RoleArn
from cicd_templates.layer.template import LayerTemplate

BuildOnce = Callable[[Environment], LayerTemplate]
BuildPerService = Callable[[Environment, Service], LayerTemplate]
BuildWithUses = Callable[[Environment, Service, Sequence[Use]], LayerTemplate]
NO_USES: Mapping[str, Sequence[Use]] = {}


def everywhere(env: Environment) -> bool:
    """Return True. This is the default of `Layer.where`: every environment whose kind is in `Layer.kinds` has the
    layer.
    """
    return True


def every_service(service: Service) -> bool:
    """Return True. This is the default of `Layer.needed`: the layer has a stack for every service."""
    return True


class Layer(NamedTuple):
    """A layer: a module of `templates/` that builds one template per environment, or one template per service.

    One of these functions builds the template of a stack:

    - One stack per environment: `build(env)`.
    - One stack per service: `build_per_service(env, service)` or `build_with_uses(env, service, uses)`. `env` contains
      only this service, so the stack depends on no other service. `uses` lists the resources of other layers that the
      service uses.

    More facts about a layer:

    - The layer exists in an environment if `kinds` contains the kind of the environment and `where` returns true. A
      layer with one stack per service has a stack for each service for which `needed` returns true.
    - `offers` receives an environment without services. It returns the resources of this layer that services can use.
    - `after` lists layers that must be deployed first, in addition to the layers whose values this layer reads. If both
      layers have one stack per service, a stack waits only for the stack of the same service.
    - `deployed_as` is the output of another layer with the ARN of a role. CloudFormation uses this role for all
      operations on the layer's stacks.

    The description of the template is the first line of the module's docstring, after the colon.
    """

    name: str
    build: BuildOnce | None = None
    kinds: frozenset[EnvironmentKind] = frozenset({"tools", "runtime"})
    build_per_service: BuildPerService | None = None
    build_with_uses: BuildWithUses | None = None
    after: tuple[str, ...] = ()
    where: Callable[[Environment], bool] = everywhere
    needed: Callable[[Service], bool] = every_service
    deployed_as: Output[RoleArn] | None = None
    offers: Callable[[Environment], Sequence[Offer]] = no_offers

    def exists(self, env: Environment) -> bool:
        """Return whether `env` has this layer."""
        return env.settings.kind in self.kinds and self.where(env)

    @property
    def is_per_service(self) -> bool:
        """Return whether the layer has one stack per service."""
        return self.build_per_service is not None or self.build_with_uses is not None

    def instances(self, env: Environment, uses: Mapping[str, Sequence[Use]] = NO_USES) -> Iterator[LayerTemplate]:
        """Yield the template of each stack that this layer has in `env`.

        Raises `TypeError` if a build function of the layer does not return a `LayerTemplate`, or returns the template
        of a different service.
        """
        return (build() for build in self.builds(env, uses))

    def builds(
        self,
        env: Environment,
        uses: Mapping[str, Sequence[Use]] = NO_USES,
        services: Collection[str] | None = None,
    ) -> Sequence[Callable[[], LayerTemplate]]:
        """Return one function for each stack that this layer has in `env`. Each function builds and returns a template.

        `uses` maps the name of each service to the resources of other layers that the service uses. If `services` is
        given, the stacks of all other services are left out.

        Each function raises `TypeError` if the layer's `build` does not return a `LayerTemplate`. In a layer with one
        stack per service, it also raises `TypeError` if the template is not for the service of the stack.
        """
        if not self.exists(env):
            return []
        builds: list[Callable[[], LayerTemplate]] = []
        if self.build is not None:
            builds.append(partial(self._build_once, self.build, env))
        if self.is_per_service:
            builds += [
                partial(self._build_for, env, service, uses.get(service.name, ()))
                for service in filter(self.needed, env.services)
                if services is None or service.name in services
            ]
        return builds

    def _build_once(self, build: BuildOnce, env: Environment) -> LayerTemplate:
        template = build(env)
        if not isinstance(template, LayerTemplate):
            raise TypeError(f"layer {self.name}: build must return a LayerTemplate(env)")
        return template

    def _build_for(self, env: Environment, service: Service, uses: Sequence[Use]) -> LayerTemplate:
        built = self._call_build(env.for_service(service), service, uses)
        if not isinstance(built, LayerTemplate) or built.service is not service:
            raise TypeError(f"layer {self.name}: build must return a LayerTemplate(env, service)")
        return built

    def _call_build(self, env: Environment, service: Service, uses: Sequence[Use]) -> object:
        if self.build_with_uses is not None:
            return self.build_with_uses(env, service, uses)
        assert self.build_per_service is not None
        return self.build_per_service(env, service)

    @property
    def module(self) -> str:
        """The name of the Python module that builds the layer."""
        return str((self.build or self.build_per_service or self.build_with_uses).__module__)

    @property
    def source(self) -> str:
        """The path of the module's source file, relative to the project's folder."""
        return f"{self.module.replace('.', '/')}.py"

    @property
    def description(self) -> str:
        """The purpose of the layer in one line. This line is also the description of the layer's template.

        Raises `ConfigurationError` if the docstring of the module does not begin with a line that describes the
        purpose.
        """
        first_line = _docstring(sys.modules[self.module]).strip().partition("\n")[0]
        description = first_line.partition(": ")[2].strip().rstrip(".")
        if not description:
            raise ConfigurationError(
                f"{self.source}: the first line of its docstring must have a colon and then describe the template, such"
                f' as """Layer `{self.name}`: a queue for payments."""'
            )
        return description[:1].upper() + description[1:]


def _docstring(module: ModuleType) -> str:
    """Return the docstring of `module`. If Python's option `-OO` has removed docstrings, read the source file."""
    if module.__doc__ is None and module.__file__ is not None:
        return ast.get_docstring(ast.parse(Path(module.__file__).read_bytes())) or ""
    return module.__doc__ or ""
