"""Renders the stacks of all layers in all environments. If there are many stacks, uses one process per core.

Each process renders batches of stacks of a layer, and writes them to the store. The order and the bytes of the stacks
do not depend on the number of processes.
"""

from __future__ import annotations

import hashlib
import json
from array import array
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from functools import partial
from typing import NamedTuple

from cicd_templates.config.environment import Environment
from cicd_templates.layer.definition import Layer
from cicd_templates.layer.offers import Use
from cicd_templates.layer.template import LayerTemplate
from cicd_templates.layer.user_layers import explained_user_errors
from cicd_templates.render.equal_names import name_identities, name_marks
from cicd_templates.render.processes import map_in_processes, process_count
from cicd_templates.render.stack_rendering import render_stack
from cicd_templates.render.template_store import Place, TemplateStore, Unpacked
from cicd_templates.render.template_text import Format
from cicd_templates.render.uses import uses_of
from cicd_templates.review.name_index import NameIndex
from cicd_templates.template.request_limits import TEMPLATE_BODY_BYTES
from cicd_templates.template.stack_facts import METADATA_KEY, StackFacts
from cicd_templates.template.stack_graph import Links
from cicd_templates.template.stack_template import StackTemplate

STACKS_PER_JOB = 20


class FinishedStack(NamedTuple):
    """A rendered stack. `path` is relative to the output folder, and `size` is the number of bytes of the file.

    `name_marks` has a hash of each physical name in the stack, to find equal names in all stacks. `dependencies` is a
    digest of all that other files take from the template.
    """

    path: str
    facts: StackFacts
    links: Links
    digest: str
    size: int
    name_marks: array[int]
    dependencies: str
    template: Unpacked | Place


class Job(NamedTuple):
    """Some or all stacks of one layer in one environment. Each function in `builds` builds the template of a stack."""

    env: Environment
    layer: Layer
    builds: Sequence[Callable[[], LayerTemplate]]

    @property
    def doing(self) -> str:
        """What the job does, as a phrase for an error message."""
        return f"render the layer {self.layer.name} of {self.env.qualified}"


class Project(NamedTuple):
    """The data that every process needs: environments, layers, format, and the resources that services use.

    If `services` is given, the stacks of all other services are left out.
    """

    environments: Sequence[Environment]
    layers: Sequence[Layer]
    form: Format
    uses: Sequence[Mapping[str, Sequence[Use]]]
    services: Collection[str] | None = None

    def jobs(self, stacks_per_job: int) -> Iterator[Job]:
        """Yield the jobs that render all stacks, in the order of environments and layers."""
        for env, uses in zip(self.environments, self.uses, strict=True):
            for layer in self.layers:
                with explained_user_errors(self.layers, layer):
                    builds = layer.builds(env, uses, self.services)
                for start in range(0, len(builds), stacks_per_job):
                    yield Job(env, layer, builds[start : start + stacks_per_job])

    def render(self, job: Job) -> Iterator[FinishedStack]:
        """Render the stacks of `job` and yield them. Raises errors in the user's layers as `ConfigurationError`."""
        with explained_user_errors(self.layers, job.layer):
            for build in job.builds:
                yield _finished(render_stack(job.env, job.layer, self.layers, build(), self.form))

    def render_into(self, store: TemplateStore, job: Job) -> list[FinishedStack]:
        """Render the stacks of `job`, and write their templates to the file of `store`. Return the stacks.

        Raises the errors of `render`.
        """
        return [stack._replace(template=store.write(stack.template)) for stack in self.render(job)]


def render_layers(
    environments: Sequence[Environment],
    layers: Sequence[Layer],
    form: Format,
    store: TemplateStore,
    cores: int | None = None,
    services: Collection[str] | None = None,
) -> Iterator[tuple[Environment, Layer, FinishedStack]]:
    """Yield the stacks of all environments and layers, in the order of environments, layers and services.

    If there are many stacks, several processes render them and write the templates to `store`. `cores` is the number of
    these processes; the default is one for each core. If `services` is given, only the stacks of these services and the
    stacks without a service are rendered.

    Raises `CicdError` with the name of the layer if a process ends before it has returned its stacks.
    """
    with explained_user_errors(layers):
        uses = uses_of(environments, layers)
    project = Project(environments, layers, form, uses, services)
    jobs = list(project.jobs(STACKS_PER_JOB))
    processes = process_count(sum(len(job.builds) for job in jobs), cores)
    finished: Iterable[Iterable[FinishedStack]]
    if processes < 2:
        finished = map(project.render, jobs)
    else:
        store.open()
        finished = map_in_processes(partial(project.render_into, store), jobs, processes, lambda job: job.doing)
    for job, rendered in zip(jobs, finished, strict=True):
        for stack in rendered:
            yield job.env, job.layer, stack


def _finished(template: StackTemplate) -> FinishedStack:
    encoded = template.text.encode()
    names, identities, links = NameIndex([template]), name_identities(template), template.links
    return FinishedStack(
        template.path.as_posix(),
        template.facts,
        links,
        hashlib.sha256(encoded).hexdigest(),
        len(encoded),
        name_marks(identities),
        _dependencies(
            template.content["Metadata"][METADATA_KEY],
            template.description,
            links,
            names.to_plain(),
            identities,
            len(encoded) > TEMPLATE_BODY_BYTES,
        ),
        Unpacked(template.text, template.content, names),
    )


def _dependencies(*parts: object) -> str:
    """Return a digest of `parts`, the parts of a template on which other files in `out/` depend."""
    return hashlib.sha256(json.dumps(parts).encode()).hexdigest()
