"""The validated configuration as layers get it: environments with their services, overrides and suffix applied.

Plain values; `naming` spells the physical names that follow from them.
"""

from __future__ import annotations

from dataclasses import dataclass
from ipaddress import IPv4Network

from cicd_templates.config.tables.environment import EnvironmentTable
from cicd_templates.config.tables.pipeline import PipelineTable
from cicd_templates.config.tables.project import ProjectTable
from cicd_templates.config.tables.service import ServiceTable


@dataclass(frozen=True)
class Service:
    """A deployable application in one environment, with that environment's overrides applied."""

    name: str
    settings: ServiceTable

    @property
    def release_key(self) -> str:
        """The key of the service's archive in the source bucket; every new version of that object is a release."""
        return f"{self.name}/source.zip"

    @property
    def own_secrets(self) -> list[str]:
        """The names of the secrets that our stack creates for the service; sources by path or ARN exist already."""
        sources = self.settings.secrets.values()
        return sorted({source for source in sources if not source.startswith(("/", "arn:"))})


@dataclass(frozen=True)
class Environment:
    """An account and a region, with its settings and the services that run there.

    `suffix` marks a parallel copy; the command line's suffix wins over the file's. `peers` are the other environments
    of the configuration, for names that cross accounts; a peer has no peers itself.
    """

    name: str
    project: ProjectTable
    pipeline: PipelineTable
    settings: EnvironmentTable
    services: tuple[Service, ...]
    suffix: str | None = None
    peers: tuple[Environment, ...] = ()

    @property
    def tools(self) -> Environment:
        """The environment where the pipeline lives: this one or a peer; validation ensures exactly one."""
        return next(environment for environment in (self, *self.peers) if environment.kind == "tools")

    @property
    def runtimes(self) -> tuple[Environment, ...]:
        """The environments where services run, in the file's order; complete only on the tools environment."""
        return tuple(environment for environment in self.peers if environment.kind == "runtime")

    @property
    def route(self) -> tuple[Environment, ...]:
        """The runtime environments on the pipeline's path, in that order; complete only on the tools environment."""
        by_name = {environment.name: environment for environment in self.runtimes}
        return tuple(by_name[name] for name in self.pipeline.path)

    @property
    def qualified(self) -> str:
        """The environment's name in paths, stacks and physical names: `staging` or `staging-pr4918`."""
        return f"{self.name}-{self.suffix}" if self.suffix else self.name

    @property
    def kind(self) -> str:
        """`tools` or `runtime`, which decides the layers that exist here."""
        return self.settings.kind

    @property
    def account(self) -> str:
        """The AWS account id, 12 digits."""
        return self.settings.account

    @property
    def region(self) -> str:
        """The AWS region."""
        return self.settings.region

    @property
    def protected(self) -> bool:
        """Whether data must outlive its stack; a copy with a suffix is as protected as its original."""
        return self.settings.protection == "protected"

    @property
    def network(self) -> IPv4Network:
        """The VPC's range. Raises `LookupError` in the tools environment, which has none."""
        if self.settings.cidr is None:
            raise LookupError(f"environment {self.name} has no cidr")
        return IPv4Network(self.settings.cidr)


@dataclass(frozen=True)
class Configuration:
    """The whole file: project, pipeline, and environments in the file's order."""

    project: ProjectTable
    pipeline: PipelineTable
    environments: tuple[Environment, ...]

    @property
    def deploy_order(self) -> tuple[Environment, ...]:
        """The environments in deploy order: runtime ones first, then tools, whose pipeline deploys into them."""
        return tuple(sorted(self.environments, key=lambda environment: environment.kind == "tools"))

    def environment(self, name: str) -> Environment | None:
        """Return the environment of that name, or None."""
        return next((environment for environment in self.environments if environment.name == name), None)
