"""Defines offers and uses: a layer offers resources to services, and a service lists the resources that it uses.

A service lists these resources in `[services.<name>.uses]`. An offer contains environment variables, permissions for
each kind of access, and a security group if tasks connect to the resource. The layers of the service read the values of
the offer with `LayerTemplate.read`. So the layer with the resource is deployed before the layers of the service.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

from cicd_templates.config.environment import Service
from cicd_templates.layer.iam import Grant
from cicd_templates.layer.outputs import MetricName, Output, SecurityGroupId, ServiceOutput, Value
from cicd_templates.layer.template import LayerTemplate

Rights = Callable[[LayerTemplate], Sequence[Grant]]
Texts = Callable[[Service, str], Mapping[str, str]]


def no_texts(service: Service, access: str) -> Mapping[str, str]:
    """Return no additional environment variables. This is the default of `Offer.texts`."""
    return {}


class Port(NamedTuple):
    """The TCP port on which an offered resource listens, and the security group of that resource."""

    group: Output[SecurityGroupId]
    number: int


class Backlog(NamedTuple):
    """The waiting messages of an offered SQS queue. Workers scale on the number of messages.

    `queue` is the name of the queue. A service may receive messages if it has one of the kinds of access in `access`,
    such as `receive`.
    """

    queue: Output[MetricName]
    access: frozenset[str]


@dataclass(frozen=True)
class Offer:
    """A resource that a layer offers to services. `name` is its key in `[services.<name>.uses]`.

    - `variables` maps environment variables of the container to outputs of stacks.
    - `access` maps each kind of access, such as `read`, to a function that returns the grants for the task role. This
      function may add parameters to the service's template, because the grants need the ARNs of the resource.
    - `port` is set only for a resource in the VPC.
    - `texts` returns more environment variables. Their values are texts, such as the name of a database user, and can
      depend on the service and the kind of access.
    - `backlog` is set only for a queue.

    Raises `ValueError` if `access` is empty, or if a value in `variables` is a list or can differ between services.
    """

    name: str
    variables: Mapping[str, Output[Any]]
    access: Mapping[str, Rights]
    port: Port | None = None
    texts: Texts = no_texts
    backlog: Backlog | None = None

    def __post_init__(self) -> None:
        """Raise `ValueError` if the offer is not valid."""
        if not self.access:
            raise ValueError(f"offer {self.name}: `access` is empty; name a kind of access, such as read")
        for variable, output in self.variables.items():
            if isinstance(output, ServiceOutput) or output.kind.is_list():
                raise ValueError(
                    f"offer {self.name}: {variable} cannot have the value of {output.layer}.{output.name}, because this"
                    " output is a list or differs between services"
                )


class Use(NamedTuple):
    """One line of `[services.<name>.uses]`: an offered resource that the service uses, and the kind of access."""

    offer: Offer
    access: str

    def grants(self, layer: LayerTemplate) -> Sequence[Grant]:
        """Return the grants for the task role. `layer` is the layer template that contains this role."""
        return self.offer.access[self.access](layer)

    def variables(self, layer: LayerTemplate) -> dict[str, Value | str]:
        """Return the values of the container's environment variables, keyed by name.

        The method also changes the template `layer`: it adds a parameter for each value that another stack publishes.
        """
        assert layer.service is not None
        read = {variable: layer.read(output) for variable, output in self.offer.variables.items()}
        return {**read, **self.offer.texts(layer.service, self.access)}


def backlogs(uses: Sequence[Use]) -> dict[str, Output[MetricName]]:
    """Return the queues from which a service receives messages, keyed by the keys in `[services.<name>.uses]`.

    Each value is the `Output` that publishes the name of the queue.
    """
    return {
        use.offer.name: use.offer.backlog.queue
        for use in uses
        if use.offer.backlog is not None and use.access in use.offer.backlog.access
    }


def no_offers(env: object) -> Sequence[Offer]:
    """Return no offers. This is the default of `Layer.offers`, for layers that offer no resources to services."""
    return ()
