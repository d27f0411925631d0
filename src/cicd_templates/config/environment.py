"""The validated configuration: environments with their services, after all overrides and the suffix are applied.

These values contain no physical names; `naming` derives physical names from these values.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from ipaddress import IPv4Network
from typing import Any, NamedTuple

from cicd_templates.config.tables.database import DatabaseTable
from cicd_templates.config.tables.dynamodb import DynamoDbTable
from cicd_templates.config.tables.environment import EnvironmentTable
from cicd_templates.config.tables.evidence import EvidenceTable
from cicd_templates.config.tables.pipeline import PipelineTable
from cicd_templates.config.tables.project import ProjectTable
from cicd_templates.config.tables.queue import QueueTable
from cicd_templates.config.tables.secret_field_types import is_existing_secret
from cicd_templates.config.tables.service import ServiceTable

# The tables of an environment that override shared tables, as the file has them: kind, such as `services`, and name.
Overrides = Mapping[str, Mapping[str, Mapping[str, Any]]]


def created_secrets(sources: Iterable[str]) -> list[str]:
    """Return the names of the secrets that the stack of the layer `secrets` creates.

    `sources` are values of the configuration key `secrets`: names, paths and ARNs. A path or an ARN refers to an
    existing secret, so the stack creates only the secrets that are given as names.
    """
    return sorted({source for source in sources if not is_existing_secret(source)})


class Service(NamedTuple):
    """A deployable application with its configuration for one environment.

    `priority_is_derived` is true if the configuration does not set the priority of the service's listener rule.
    """

    name: str
    settings: ServiceTable
    priority_is_derived: bool = False

    @property
    def release_key(self) -> str:
        """The S3 key of the service's source archive. Each new version of this object is a release."""
        return f"{self.name}/source.zip"

    @property
    def own_secrets(self) -> list[str]:
        """The names of the secrets that our stack creates for the service and its further containers."""
        return created_secrets(self.settings.secret_sources)


@dataclass(frozen=True)
class Environment:
    """An environment: an account and a region, with settings and the services that run there.

    - `suffix` is part of all names, so that a parallel copy of the environment can exist. A suffix on the command line
      overrides the suffix in the file.
    - `peers` are the other environments of the configuration. Grants across accounts name the resources of peers. The
      `peers` of a peer are empty.
    - `queues`, `tables` and `databases` map the name of each queue, DynamoDB table and database to its settings in this
      environment.
    - `evidence` has the settings of the evidence bucket's lock.
    - `overrides` shows which values come from the environment's own tables, so that a message can name the table that
      has a mistake. All settings above already include these values, so templates must not depend on `overrides`.
    """

    name: str
    project: ProjectTable
    pipeline: PipelineTable
    settings: EnvironmentTable
    services: tuple[Service, ...]
    suffix: str | None = None
    peers: tuple[Environment, ...] = ()
    queues: Mapping[str, QueueTable] = field(default_factory=dict)
    tables: Mapping[str, DynamoDbTable] = field(default_factory=dict)
    databases: Mapping[str, DatabaseTable] = field(default_factory=dict)
    evidence: EvidenceTable = field(default_factory=EvidenceTable)
    overrides: Overrides = field(default_factory=dict, repr=False, compare=False)

    def for_service(self, service: Service | None) -> Environment:
        """Return a copy of this environment that has only `service`, or no service if `service` is None.

        In the same way, each environment in the copy's `peers` keeps only the service of this name.

        A layer with one stack per service builds each stack from a copy with only this service. So a change of one
        service cannot change the stack of another service.
        """
        name = service.name if service else None
        own = () if service is None else (service,)
        return replace(
            self, services=own, peers=tuple(replace(peer, services=peer._named(name)) for peer in self.peers)
        )

    def service(self, name: str | None) -> Service | None:
        """Return the service with the name `name`, or None."""
        return self._services_by_name.get(name)

    def _named(self, name: str | None) -> tuple[Service, ...]:
        service = self.service(name)
        return () if service is None else (service,)

    @cached_property
    def _services_by_name(self) -> Mapping[str | None, Service]:
        # A search in `services` for each service would take time that grows with the square of the number of services.
        return {service.name: service for service in self.services}

    @property
    def tools(self) -> Environment:
        """The tools environment, which contains the pipeline: this environment or one of its peers.

        Validation ensures that there is exactly one tools environment.
        """
        return next(environment for environment in (self, *self.peers) if environment.kind == "tools")

    @property
    def runtimes(self) -> tuple[Environment, ...]:
        """All runtime environments except this environment, in the order of the file."""
        return tuple(environment for environment in self.peers if environment.kind == "runtime")

    @property
    def route(self) -> tuple[Environment, ...]:
        """The environments to which a release is deployed, in order. Available only in the tools environment."""
        by_name = {environment.name: environment for environment in self.runtimes}
        return tuple(by_name[name] for name in self.pipeline.path)

    @property
    def qualified(self) -> str:
        """The environment's name, followed by its suffix in a parallel copy: `staging` or `staging-pr4918`."""
        return f"{self.name}-{self.suffix}" if self.suffix else self.name

    @property
    def kind(self) -> str:
        """The kind of the environment, `tools` or `runtime`. Each kind has different stacks."""
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
        """Whether the environment keeps data when a stack is deleted. A parallel copy has the protection of its
        original.
        """
        return self.settings.protection == "protected"

    @property
    def is_copy(self) -> bool:
        """Whether this environment is a parallel copy. A copy has a suffix that is not in the configuration file.

        A copy is in the same account as its original.
        """
        return bool(self.suffix) and self.suffix != self.settings.suffix

    @property
    def evidence_lock_mode(self) -> str:
        """The S3 Object Lock mode for evidence: `GOVERNANCE`, `COMPLIANCE`, or an empty string if there is no lock.

        A copy of an environment never uses compliance mode, because nobody could delete the copy's bucket while its
        files are locked in this mode.
        """
        if self.evidence.lock_days is None:
            return ""
        return "GOVERNANCE" if self.is_copy else self.evidence.lock_mode.upper()

    @property
    def domain(self) -> str | None:
        """The host name of the load balancer, or None in these cases:

        - The load balancer uses plain HTTP.
        - This environment is a parallel copy, and its setting `copy_domain` has no value.
        """
        if self.settings.allow_http:
            return None
        if self.is_copy:
            return (self.settings.copy_domain or "").replace("{suffix}", str(self.suffix)) or None
        return self.settings.domain

    @property
    def network_is_provided(self) -> bool:
        """Whether the configuration provides an existing VPC, so that `render` writes no template for a network."""
        return any(output.startswith("network.") for output in self.settings.provided)

    @property
    def network(self) -> IPv4Network:
        """The address range of the VPC.

        Raises `LookupError` in the tools environment, because it has no VPC. Also raises `LookupError` if the
        configuration provides an existing VPC without its range.
        """
        if self.settings.cidr is None:
            raise LookupError(f"environment {self.name} has no cidr")
        return IPv4Network(self.settings.cidr)


class Configuration(NamedTuple):
    """The complete configuration: project, pipeline, environments in the order of the file, and evidence."""

    project: ProjectTable
    pipeline: PipelineTable
    environments: tuple[Environment, ...]
    evidence: EvidenceTable

    @property
    def deploy_order(self) -> tuple[Environment, ...]:
        """The environments in the order of their deployment.

        Runtime environments come before tools, because the pipeline in tools deploys to them.
        """
        return tuple(sorted(self.environments, key=lambda environment: environment.kind == "tools"))

    def environment(self, name: str) -> Environment | None:
        """Return the environment with the name `name`, or None."""
        return next((environment for environment in self.environments if environment.name == name), None)
