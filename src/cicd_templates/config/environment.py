"""What a layer is given: one environment of the configuration with everything that applies there already decided.

Values only. Physical names are spelled by `naming`, from these.
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
    """One deployable application as it is in one environment, overrides applied."""

    name: str
    settings: ServiceTable

    @property
    def release_key(self) -> str:
        """Key of the service's source archive in the source bucket: a new version of it is a release."""
        return f"{self.name}/source.zip"

    @property
    def own_secrets(self) -> list[str]:
        """The names of the secrets that are made for it in a runtime environment; others exist, by path or ARN."""
        sources = self.settings.secrets.values()
        return sorted({source for source in sources if not source.startswith(("/", "arn:"))})


@dataclass(frozen=True)
class Environment:
    """One account and region with its settings and the services that run there.

    `suffix` sets a parallel copy apart; it is the command line's where given, otherwise the file's. `peers` are the
    other environments of the configuration, for names that cross accounts; a peer has no peers itself.
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
        """The environment where the pipeline lives: this one or a peer, of which `consistency` admits just one."""
        return next(environment for environment in (self, *self.peers) if environment.kind == "tools")

    @property
    def runtimes(self) -> tuple[Environment, ...]:
        """The environments where services run, in the file's order, seen from the tools environment."""
        return tuple(environment for environment in self.peers if environment.kind == "runtime")

    @property
    def route(self) -> tuple[Environment, ...]:
        """The runtime environments that a release reaches, in its order, seen from the tools environment."""
        by_name = {environment.name: environment for environment in self.runtimes}
        return tuple(by_name[name] for name in self.pipeline.path)

    @property
    def qualified(self) -> str:
        """The environment's name as it appears in paths, stacks and physical names: `staging` or `staging-pr4918`."""
        return f"{self.name}-{self.suffix}" if self.suffix else self.name

    @property
    def kind(self) -> str:
        """`tools` or `runtime`: decides which layers exist here."""
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
        """Whether data must outlive its stack. A copy made by a suffix is protected like its original."""
        return self.settings.protection == "protected"

    @property
    def network(self) -> IPv4Network:
        """The VPC's range. Only runtime environments have one, which `consistency` has checked."""
        if self.settings.cidr is None:
            raise LookupError(f"environment {self.name} has no cidr")
        return IPv4Network(self.settings.cidr)


@dataclass(frozen=True)
class Configuration:
    """The whole file: project, pipeline and environments in the file's order."""

    project: ProjectTable
    pipeline: PipelineTable
    environments: tuple[Environment, ...]

    @property
    def deploy_order(self) -> tuple[Environment, ...]:
        """The environments as they are deployed: the runtime ones, then tools, whose pipeline reaches into them."""
        return tuple(sorted(self.environments, key=lambda environment: environment.kind == "tools"))

    def environment(self, name: str) -> Environment | None:
        """The environment of that name, or None."""
        return next((environment for environment in self.environments if environment.name == name), None)
