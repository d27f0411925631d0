"""Stacks and their order are the same for any number of processes. A failure is reported in one clear line."""

from __future__ import annotations

import os
import signal

import pytest
from troposphere import sqs

from cicd_templates.config.environment import Environment
from cicd_templates.errors import CicdError, ConfigurationError
from cicd_templates.layer.definition import Layer
from cicd_templates.layer.template import LayerTemplate
from cicd_templates.render import layer_rendering, processes
from cicd_templates.render.layer_rendering import Project, render_layers
from cicd_templates.render.template_store import TemplateStore
from tests.conftest import configured

ENVIRONMENTS = configured().environments


def queue(env: Environment) -> LayerTemplate:
    layer = LayerTemplate(env)
    layer.add(sqs.Queue("Queue", QueueName=f"{env.name}-queue"))
    return layer


def killed(env: Environment) -> LayerTemplate:
    os.kill(os.getpid(), signal.SIGKILL)
    raise AssertionError("never reached")


def wrong(env: Environment) -> LayerTemplate:
    raise ConfigurationError("templates/extra/wrong.py:3: is wrong")


LAYERS = tuple(Layer(name, queue) for name in ("one", "two", "three"))


@pytest.fixture(autouse=True)
def described(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Layer, "description", "A queue")


@pytest.fixture
def in_processes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(processes, "STACKS_WORTH_PROCESSES", 1)


def rendered(cores: int) -> list[object]:
    """Return all stacks with their environment, layer and text."""
    store = TemplateStore()
    return [
        (env.name, layer.name, stack.path, stack.facts, stack.links, stack.digest, stack.size, text)
        for env, layer, stack in render_layers(ENVIRONMENTS, LAYERS, "yaml", store, cores)
        if (text := store.text(store.add(stack.template)))
    ]


@pytest.mark.usefixtures("in_processes")
def test_two_processes_render_what_one_renders() -> None:
    assert len(rendered(1)) == len(ENVIRONMENTS) * len(LAYERS)
    assert rendered(2) == rendered(1)


@pytest.mark.usefixtures("in_processes")
def test_without_fork_one_process_renders(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delattr(os, "fork")
    monkeypatch.setattr(layer_rendering, "map_in_processes", lambda *arguments: pytest.fail("starts processes"))

    assert len(rendered(2)) == len(ENVIRONMENTS) * len(LAYERS)


@pytest.mark.usefixtures("in_processes")
def test_a_killed_process_is_one_line_with_its_layer() -> None:
    layers = (*LAYERS[:1], Layer("hungry", killed))

    with pytest.raises(
        CicdError,
        match=(
            r"^one of 2 processes was killed, so this command could not render the layer \w+ of tools;"
            r" if"
        ),
    ):
        list(render_layers(ENVIRONMENTS, layers, "yaml", TemplateStore(), 2))


@pytest.mark.usefixtures("in_processes")
def test_an_error_in_a_process_is_the_same_error() -> None:
    with pytest.raises(ConfigurationError, match=r"^templates/extra/wrong\.py:3: is wrong$"):
        list(render_layers(ENVIRONMENTS, (*LAYERS, Layer("wrong", wrong)), "yaml", TemplateStore(), 2))


def test_a_process_writes_its_stacks_to_the_store() -> None:
    project = Project(ENVIRONMENTS[:1], LAYERS, "yaml", [{}])
    store = TemplateStore()

    jobs = list(project.jobs(1))
    assert [(job.env, job.layer, len(job.builds)) for job in jobs] == [(ENVIRONMENTS[0], layer, 1) for layer in LAYERS]
    (written,) = project.render_into(store, jobs[1])
    (plain,) = project.render(jobs[1])
    assert written.facts == plain.facts
    assert written.digest == plain.digest
    assert store.text(store.add(written.template)) == store.text(store.add(plain.template))


def test_a_job_has_at_most_so_many_stacks_of_one_layer() -> None:
    checks = {"bandit": {"preset": "bandit"}}
    raw = [(f"services/till-{n}", {"path_pattern": f"/till-{n}/*", "checks": checks}) for n in range(4)]
    environment = configured(*raw).environments[1]
    layer = Layer("own", build_per_service=lambda env, service: LayerTemplate(env, service))
    services = list(environment.services)

    jobs = list(Project([environment], [layer], "yaml", [{}]).jobs(2))
    batches = [[build().service for build in job.builds] for job in jobs]
    assert batches == [services[start : start + 2] for start in range(0, len(services), 2)]
