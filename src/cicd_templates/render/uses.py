"""Finds, for each resource in the `uses` table of a service, the layer that offers this resource."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from cicd_templates.config.environment import Environment, Service
from cicd_templates.config.tables.service import PORT_VARIABLE
from cicd_templates.config.validation.problem import Problem, configuration_error
from cicd_templates.config.validation.repetitions import without_repetitions
from cicd_templates.errors import ConfigurationError, suggestion
from cicd_templates.files.paths import CONFIGURATION
from cicd_templates.layer.definition import Layer
from cicd_templates.layer.offers import Offer, Use, backlogs


def uses_of(environments: Sequence[Environment], layers: Sequence[Layer]) -> list[dict[str, list[Use]]]:
    """Return the resources that the services of each environment use, keyed by the name of the service.

    `environments` are all environments of the configuration. A tools environment runs no services, so its result is
    empty. Raises a `ConfigurationError` that lists all of these problems:

    - A service uses a resource that no layer offers.
    - A service uses a kind of access that the resource does not offer.
    - Two resources set the same environment variable of a service.
    - A resource sets an environment variable that the settings of the service also set.
    - A service scales on messages, but receives messages from no queue.
    """
    runtimes = [(env, _offers(env, layers)) for env in environments if env.kind == "runtime"]
    _refuse(
        environments,
        (
            problem
            for env, offers in runtimes
            for service in env.services
            for problem in _problems(env, service, offers)
        ),
    )
    uses = {
        env.name: {
            service.name: [Use(offers[name], access) for name, access in sorted(service.settings.uses.items())]
            for service in env.services
        }
        for env, offers in runtimes
    }
    _refuse(
        environments,
        (
            problem
            for env, _ in runtimes
            for service in env.services
            for problem in _scaling(env, service, uses[env.name][service.name])
        ),
    )
    return [uses.get(env.name, {}) for env in environments]


def _refuse(environments: Sequence[Environment], problems: Iterable[Problem]) -> None:
    """Raise a `ConfigurationError` if there are problems. Report equal problems of several environments only once."""
    found = without_repetitions(problems, environments)
    if found:
        raise configuration_error(str(CONFIGURATION), found)


def _offers(env: Environment, layers: Sequence[Layer]) -> dict[str, Offer]:
    offers: dict[str, Offer] = {}
    offered_by: dict[str, str] = {}
    # Functions in an offer run while stacks of services are built, so they must not read a service from `env`.
    without_services = env.for_service(None)
    for layer in layers:
        if layer.exists(env):
            for offer in layer.offers(without_services):
                if offer.name in offers:
                    raise ConfigurationError(
                        f"{layer.source}: the layer {offered_by[offer.name]} already offers {offer.name!r} to services;"
                        " choose another name"
                    )
                offers[offer.name] = offer
                offered_by[offer.name] = layer.name
    return offers


def _problems(env: Environment, service: Service, offers: dict[str, Offer]) -> Iterator[Problem]:
    set_by = {PORT_VARIABLE: "port"} if service.settings.is_web else {}
    set_by |= {name: f"environment.{name}" for name in service.settings.environment}
    set_by |= {name: f"secrets.{name}" for name in service.settings.secrets}
    for name, access in sorted(service.settings.uses.items()):
        at = f"environments.{env.name}.services.{service.name}.uses.{name}"
        offer = offers.get(name)
        if offer is None:
            yield Problem(at, _unknown(name, offers))
        elif access not in offer.access:
            yield Problem(at, f"{access!r} is not possible here; use {' or '.join(map(repr, offer.access))}")
        else:
            for variable in (*offer.variables, *offer.texts(service, access)):
                if variable in set_by:
                    yield Problem(
                        at, f"sets the variable {variable}, which {set_by[variable]} sets too; rename one of them"
                    )
                set_by[variable] = f"uses.{name}"


def _scaling(env: Environment, service: Service, uses: Sequence[Use]) -> Iterator[Problem]:
    """Yield a problem if the service is configured to scale on messages but receives messages from no queue."""
    scaling = service.settings.autoscaling
    if scaling is not None and scaling.messages_per_task is not None and not backlogs(uses):
        yield Problem(
            f"environments.{env.name}.services.{service.name}.autoscaling.messages_per_task",
            'the service receives from no queue; add a queue to the table uses, such as orders = "receive", or use'
            " cpu_percent",
        )


def _unknown(name: str, offers: dict[str, Offer]) -> str:
    if not offers:
        return "no layer of this environment offers anything to services; see docs/own-layers.md"
    return f"no layer of this environment offers it; {suggestion(name, sorted(offers))}"
