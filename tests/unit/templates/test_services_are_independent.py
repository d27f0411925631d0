"""A stack of a service depends on no other service: not on its settings, and not on whether it exists."""

from __future__ import annotations

import copy
import tomllib
from collections.abc import Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from troposphere import sqs

from cicd_templates.config.environment import Environment, Service
from cicd_templates.config.load import parse_configuration
from cicd_templates.layer.definition import Layer
from cicd_templates.layer.offers import Offer, Use
from cicd_templates.layer.template import LayerTemplate
from cicd_templates.render.render import render
from cicd_templates.render.uses import uses_of
from templates import LAYERS

PROJECTS = Path(__file__).parents[2] / "projects"
SETTLEMENT = tomllib.loads((PROJECTS / "settlement/environments.toml").read_text())
SERVICES = sorted(SETTLEMENT["services"])
# One of each shape: a web service, a worker and a job.
WEB, WORKER = (
    next(name for name in SERVICES if SETTLEMENT["services"][name].get("shape", "web") == shape)
    for shape in ("web", "worker")
)
# A worker can have all of these edits, and a web service can also have a rollout with hooks.
EDITS: Mapping[str, Mapping[str, Any]] = {
    "size": {"cpu": 1024, "memory": 4096},
    "architecture": {"architecture": "arm64"},
    "commands in tasks": {"audited_exec": True},
    "secret": {"secrets": {"API_TOKEN": "api-token"}},
    "variable": {"environment": {"LOG_LEVEL": "debug"}},
    "check": {"checks": {"bandit": {"preset": "bandit"}}},
    "nothing used": {"uses": {}, "migration": [], "autoscaling": None},
    "rollout": {"rollout": "blue-green", "rollback_on_alarm": True, "hooks": ["verify-image"]},
}


def edited(service: str, *edits: str) -> dict[str, Any]:
    """Return the configuration of the project with edits of one service."""
    raw = copy.deepcopy(SETTLEMENT)
    for edit in edits:
        for key, value in EDITS[edit].items():
            raw["services"][service].pop(key, None) if value is None else raw["services"][service].update({key: value})
    return raw


def stacks(raw: Mapping[str, Any]) -> dict[str, dict[tuple[str, str], Any]]:
    """Return the stacks of each service as data, by environment and layer."""
    built: dict[str, dict[tuple[str, str], Any]] = {}
    environments = parse_configuration(raw, source="environments.toml").environments
    for env, uses in zip(environments, uses_of(environments, LAYERS), strict=True):
        for layer in LAYERS:
            for template in layer.instances(env, uses):
                if template.service is not None:
                    own = built.setdefault(template.service.name, {})
                    own[env.name, layer.name] = template.template.to_dict()
    return built


@cache
def before() -> dict[str, dict[tuple[str, str], Any]]:
    """Return the stacks of the unedited project."""
    return stacks(SETTLEMENT)


@pytest.mark.no_cover
@settings(max_examples=4)
@given(
    st.one_of(
        st.tuples(st.just(WEB), st.sets(st.sampled_from(sorted(EDITS)), min_size=1)),
        st.tuples(st.just(WORKER), st.sets(st.sampled_from(sorted({*EDITS} - {"rollout"})), min_size=1)),
    )
)
def test_an_edit_of_a_service_changes_no_stack_of_another(edit: tuple[str, set[str]]) -> None:
    service, edits = edit
    after = stacks(edited(service, *sorted(edits)))

    assert {name for name in before() if after[name] != before()[name]} == {service}


@pytest.mark.no_cover
@pytest.mark.parametrize("service", SERVICES)
def test_a_service_that_is_alone_has_the_same_stacks(service: str) -> None:
    alone = copy.deepcopy(SETTLEMENT)
    alone["services"] = {service: SETTLEMENT["services"][service]}

    assert stacks(alone) == {service: before()[service]}


def names(env: Environment) -> list[list[str]]:
    """Return the names of the services that can be read from `env`: its own, and those of each of its peers."""
    return [[service.name for service in each.services] for each in (env, *env.peers)]


@pytest.mark.no_cover
def test_a_layer_sees_its_own_service_in_every_environment_and_an_offer_sees_none() -> None:
    seen: dict[str, list[list[str]]] = {}

    def build(env: Environment, service: Service) -> LayerTemplate:
        seen[f"{env.name} build {service.name}"] = names(env)
        assert [own.settings.cpu for own in env.services] == [service.settings.cpu]
        return built(env, service)

    def build_with_uses(env: Environment, service: Service, uses: Sequence[Use]) -> LayerTemplate:
        seen[f"{env.name} build_with_uses {service.name}"] = names(env)
        return built(env, service)

    def built(env: Environment, service: Service) -> LayerTemplate:
        layer = LayerTemplate(env, service)
        layer.add(sqs.Queue("Inbox"))
        return layer

    def offers(env: Environment) -> Sequence[Offer]:
        seen[f"{env.name} offers"] = names(env)
        return ()

    raw = copy.deepcopy(SETTLEMENT)
    raw["environments"]["production"]["services"] = {WEB: {"cpu": 2048, "memory": 4096}}
    own = (
        Layer("once", build_per_service=build, kinds=frozenset({"runtime"}), offers=offers),
        Layer("using", build_with_uses=build_with_uses, kinds=frozenset({"runtime"})),
    )
    render(parse_configuration(raw, source="environments.toml"), [*LAYERS, *own], "yaml")

    assert seen == {
        f"{environment} {function}": [[service]] * 3 if service else [[]] * 3
        for environment in ("staging", "production")
        for function, service in (
            ("offers", ""),
            *((f"{build} {service}", service) for build in ("build", "build_with_uses") for service in SERVICES),
        )
    }
