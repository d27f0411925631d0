"""Renders a configuration to the texts of all its stacks, and checks the links between them. Writes no files."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

from cicd_templates.config.environment import Configuration, Environment
from cicd_templates.config.validation.problem import Problem, configuration_error
from cicd_templates.errors import suggestion
from cicd_templates.files.paths import CONFIGURATION
from cicd_templates.layer.definition import Layer
from cicd_templates.render import patching
from cicd_templates.render.equal_names import marks_repeat, refuse_equal_names
from cicd_templates.render.layer_rendering import render_layers
from cicd_templates.render.template_store import TemplateStore
from cicd_templates.render.template_text import Format
from cicd_templates.review.name_index import NameIndex
from cicd_templates.template import stack_graph
from cicd_templates.template.stack_facts import StackFacts
from cicd_templates.template.stack_graph import Links, Read
from cicd_templates.template.stack_template import StackTemplate


class RenderedStack(NamedTuple):
    """A rendered stack. Its template is in `store`, under the key `number`.

    - `path` is relative to the output folder, with forward slashes.
    - `digest` is the SHA-256 of the template's text, and `size` is the length of the text in bytes.
    - `dependencies` is a digest of the parts of the template on which other files depend.
    """

    environment: Environment
    layer: Layer
    path: str
    facts: StackFacts
    digest: str
    size: int
    dependencies: str
    store: TemplateStore
    number: int

    @property
    def template(self) -> StackTemplate:
        """The template, which may be read from a file."""
        return StackTemplate(Path(self.path), self.text, self.store.content(self.number), self.facts)

    @property
    def without_text(self) -> StackTemplate:
        """The template with an empty `text`. To save time, only the template's content is read."""
        return StackTemplate(Path(self.path), "", self.store.content(self.number), self.facts)

    @property
    def names(self) -> NameIndex:
        """The index that finds the template's resources by their names. It may be read from a file."""
        return self.store.names(self.number)

    @property
    def text(self) -> str:
        """The text of the template, which may be read from a file."""
        return self.store.text(self.number)

    @property
    def label(self) -> str:
        """The short name of the stack and of its file, such as `network`."""
        return self.path.rpartition("/")[2].rpartition(".")[0]

    @property
    def name(self) -> str:
        """The stack's name in CloudFormation."""
        return self.facts.stack


def render(configuration: Configuration, layers: Sequence[Layer], form: Format) -> list[RenderedStack]:
    """Return the stacks of all environments, in deploy order within each environment.

    Raises `ConfigurationError` if layers and configuration do not fit together.
    """
    store = TemplateStore()
    # The links and the marks of each stack, by its number. They are needed only until this function returns.
    links: list[Links] = []
    marks: list[Sequence[int]] = []
    # Many stacks read the same values. Those that other processes rendered have copies of their own.
    reads: dict[Read, Read] = {}
    rendered: dict[str, list[RenderedStack]] = {environment.name: [] for environment in configuration.environments}
    for env, layer, stack in render_layers(configuration.environments, layers, form, store):
        number = store.add(stack.template)
        marks.append(stack.name_marks)
        links.append(stack.links._replace(reads=tuple(reads.setdefault(read, read) for read in stack.links.reads)))
        rendered[env.name].append(
            RenderedStack(
                env, layer, stack.path, stack.facts, stack.digest, stack.size, stack.dependencies, store, number
            )
        )
    problems = [
        problem
        for environment in configuration.environments
        for problem in _provided_problems(environment, rendered[environment.name], links)
    ]
    if problems:
        raise configuration_error(str(CONFIGURATION), problems)
    kept_stacks = {}
    for environment in configuration.environments:
        provided = _provided(environment)
        kept_stacks[environment.name] = [
            stack for stack in rendered[environment.name] if stack.layer.name not in provided
        ]
    named = [stack for kept in kept_stacks.values() for stack in kept]
    # Reading all templates again to compare their names takes long. Nearly always, equal names are certainly absent.
    if marks_repeat(marks[stack.number] for stack in named):
        refuse_equal_names(stack.without_text for stack in named)
    stacks: list[RenderedStack] = []
    for environment in configuration.environments:
        kept = kept_stacks[environment.name]
        at = f"environments.{environment.name}.patch"
        patching.refuse_unknown(environment.settings.patch, [stack.label for stack in kept], at)
        stack_graph.refuse_broken_links(links[stack.number] for stack in kept)
        stacks += _in_deploy_order(kept, links)
    return stacks


def _in_deploy_order(stacks: list[RenderedStack], links: Sequence[Links]) -> Iterator[RenderedStack]:
    by_name = {stack.name: stack for stack in stacks}
    for wave in stack_graph.waves(links[stack.number] for stack in stacks):
        yield from (by_name[name] for name in wave)


def _provided(env: Environment) -> dict[str, set[str]]:
    """Return the names of the outputs whose values the configuration provides, keyed by layer.

    A layer with provided outputs is not rendered.
    """
    provided: dict[str, set[str]] = {}
    for key in env.settings.provided:
        layer, _, output = key.partition(".")
        provided.setdefault(layer, set()).add(output)
    return provided


def _provided_problems(env: Environment, stacks: list[RenderedStack], links: Sequence[Links]) -> Iterator[Problem]:
    """Yield a problem for each provided output that does not exist, and for each layer that is provided only in part.

    A layer is provided only in part if the configuration provides some of its outputs, but lacks an output that a stack
    reads.
    """
    provided, at = _provided(env), f"environments.{env.name}.provided"
    known: dict[str, set[str]] = {}
    for stack in stacks:
        known.setdefault(stack.layer.name, set()).update(
            path.rpartition("/")[2] for path in links[stack.number].publishes
        )
    all_names = sorted(f"{name}.{output}" for name, outputs in known.items() for output in outputs)
    for layer, outputs in provided.items():
        for unknown in (f"{layer}.{output}" for output in sorted(outputs - known.get(layer, set()))):
            yield Problem(at, f"no layer here publishes {unknown}; {suggestion(unknown, all_names)}")
    others = [stack for stack in stacks if stack.layer.name not in provided]
    for stack in stacks:
        if stack.layer.name in provided:
            names = {path: path.rpartition("/")[2] for path in links[stack.number].publishes}
            read_paths = {read.path for other in others for read in links[other.number].reads}
            still_read = {names[path] for path in read_paths if path in names}
            if still_read:
                missing = ", ".join(f'"{stack.layer.name}.{name}"' for name in sorted(still_read))
                yield Problem(
                    at, f"layer {stack.layer.name}: stacks read more outputs than are provided; also provide {missing}"
                )
