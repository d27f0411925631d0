"""Renders a configuration to the texts of all its stacks, and checks the links between them. Writes no files."""

from __future__ import annotations

import textwrap
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from troposphere import Template

from cicd_templates.config import naming
from cicd_templates.config.environment import Configuration, Environment, Service
from cicd_templates.config.validation.problem import Problem, configuration_error
from cicd_templates.errors import suggestion
from cicd_templates.layer.definition import Layer
from cicd_templates.layer.offers import Use
from cicd_templates.layer.user_layers import explained_user_errors
from cicd_templates.paths import CONFIGURATION
from cicd_templates.render import patching, tagging
from cicd_templates.render import template_text as rendering
from cicd_templates.render.audit_exemptions import exempt_paths_taken_for_keys
from cicd_templates.render.equal_names import refuse_equal_names
from cicd_templates.render.template_text import Format
from cicd_templates.render.uses import uses_of
from cicd_templates.template import stack_graph
from cicd_templates.template.stack_facts import METADATA_KEY, StackFacts
from cicd_templates.template.stack_graph import Links
from cicd_templates.template.stack_template import StackTemplate


@dataclass(frozen=True)
class RenderedStack:
    """A stack's template, with the configuration and the layer from which it is rendered.

    The path of the template is relative to the output folder.
    """

    environment: Environment
    layer: Layer
    template: StackTemplate

    @property
    def path(self) -> str:
        """The path of the file below the output folder, with forward slashes."""
        return self.template.path.as_posix()

    @property
    def text(self) -> str:
        """The text of the file."""
        return self.template.text

    @property
    def label(self) -> str:
        """The short name of the stack and its file, such as `network`."""
        return self.template.label

    @property
    def name(self) -> str:
        """The stack's name in CloudFormation."""
        return self.template.name

    @property
    def links(self) -> Links:
        """The values that the stack reads from Parameter Store, and those that it publishes there."""
        return self.template.links


def render(configuration: Configuration, layers: Sequence[Layer], form: Format) -> list[RenderedStack]:
    """Return the stacks of all environments, in deploy order within each environment.

    Raises `ConfigurationError` if layers and configuration do not fit together.
    """
    rendered = {
        environment.name: _render_environment(environment, layers, form) for environment in configuration.environments
    }
    problems = [
        problem
        for environment in configuration.environments
        for problem in _provided_problems(environment, rendered[environment.name])
    ]
    if problems:
        raise configuration_error(str(CONFIGURATION), problems)
    kept_stacks = {
        each.name: [stack for stack in rendered[each.name] if stack.layer.name not in _provided(each)]
        for each in configuration.environments
    }
    refuse_equal_names(stack.template for kept in kept_stacks.values() for stack in kept)
    stacks: list[RenderedStack] = []
    for environment in configuration.environments:
        kept = kept_stacks[environment.name]
        at = f"environments.{environment.name}.patch"
        patching.refuse_unknown(environment.settings.patch, [stack.label for stack in kept], at)
        stack_graph.refuse_broken_links(stack.links for stack in kept)
        stacks += _in_deploy_order(kept)
    return stacks


def _render_environment(env: Environment, layers: Sequence[Layer], form: Format) -> list[RenderedStack]:
    stacks: list[RenderedStack] = []
    with explained_user_errors(layers):
        uses = uses_of(env, layers)
    for layer in layers:
        with explained_user_errors(layers, layer):
            stacks += _render_layer(env, layer, layers, uses, form)
    return stacks


def _render_layer(
    env: Environment, layer: Layer, layers: Sequence[Layer], uses: Mapping[str, Sequence[Use]], form: Format
) -> Iterator[RenderedStack]:
    for built in layer.instances(env, uses):
        service = built.service
        after = [
            naming.stack_name(env, other.name, service.name if service and other.is_per_service else None)
            for other in layers
            if other.name in layer.after and other.exists(env)
        ]
        yield _render_stack(env, layer, service, built.template, after, form)


def _in_deploy_order(stacks: list[RenderedStack]) -> Iterator[RenderedStack]:
    by_name = {stack.name: stack for stack in stacks}
    for wave in stack_graph.waves(stack.links for stack in stacks):
        yield from (by_name[name] for name in wave)


def _render_stack(
    env: Environment, layer: Layer, service: Service | None, template: Template, after: list[str], form: Format
) -> RenderedStack:
    service_name = service.name if service else None
    tags = tagging.stack_tags(env, layer.name, service_name)
    content = tagging.apply_tags_and_role_settings(template, env, tags)
    exempt_paths_taken_for_keys(content)
    facts = _facts(env, layer, service_name, after, tags)
    label = naming.file_stem(layer.name, service_name)
    patches = env.settings.patch.get(label, {})
    patching.apply_patches(content, patches, f'environments.{env.name}.patch."{label}"')
    ordered = rendering.order_keys(
        content
        | {
            "AWSTemplateFormatVersion": "2010-09-09",
            "Description": layer.description,
            "Metadata": {METADATA_KEY: facts.to_metadata()},
        }
    )
    text = rendering.template_text(
        ordered, _header(facts, layer.description, stack_graph.links_of(ordered, facts)), form
    )
    path = Path(env.qualified, f"{label}.{form}")
    return RenderedStack(env, layer, StackTemplate(path, text, ordered, facts))


def _facts(env: Environment, layer: Layer, service: str | None, after: list[str], tags: dict[str, str]) -> StackFacts:
    role = layer.deployed_as
    patches = env.settings.patch.get(naming.file_stem(layer.name, service), {})
    return StackFacts(
        project=env.project.name,
        environment=env.name,
        suffix=env.suffix or None,
        kind=env.kind,
        layer=layer.name,
        service=service,
        stack=naming.stack_name(env, layer.name, service),
        account=env.account,
        region=env.region,
        protection=env.settings.protection,
        role_path=env.settings.role_path,
        permissions_boundary=env.settings.permissions_boundary or None,
        sources=(layer.source, "templates/environments.toml"),
        after=tuple(after),
        deployed_as=naming.parameter_path(env, role.layer, role.name, service) if role else None,
        patches={path: entry.because for path, entry in patches.items()},
        stack_tags=tags,
    )


_PROTECTION = {
    "protected": "protected (data is retained when the stack is deleted)",
    "disposable": "disposable (`make destroy` deletes its data)",
}


def _header(facts: StackFacts, description: str, own_links: Links) -> list[str]:
    subject = f"{facts.layer} of {facts.service}" if facts.service else facts.layer
    rows = {
        "stack": facts.stack,
        "environment": f"{facts.qualified_environment}, {_PROTECTION[facts.protection]}",
        "account": f"{facts.account} in {facts.region}",
        "rendered from": " and ".join(facts.sources) + " (edit those, then `make render`)",
        "reads": ", ".join(read.path for read in own_links.reads) or "nothing",
        "publishes": ", ".join(path.rpartition("/")[2] for path in own_links.publishes) or "nothing",
    }
    if facts.patches:
        rows["patched"] = ", ".join(facts.patches)
    title = textwrap.wrap(f"{subject}: {description}", width=108)
    return [*title, ""] + [line for label, text in rows.items() for line in _row(label, text.split(", "))]


def _row(label: str, words: Iterable[str]) -> Iterator[str]:
    """Yield the lines of a list after its label, wrapped to the width of the file's header."""
    line, indent = f"{label:<15}", " " * 15
    first = True
    for word in words:
        piece = word if first else f", {word}"
        if not first and len(line) + len(piece) > 105:
            yield f"{line},"
            line, piece = indent, word
        line += piece
        first = False
    yield line


def _provided(env: Environment) -> dict[str, set[str]]:
    """Return the outputs that the configuration provides, keyed by layer. These layers are not rendered."""
    provided: dict[str, set[str]] = {}
    for key in env.settings.provided:
        layer, _, output = key.partition(".")
        provided.setdefault(layer, set()).add(output)
    return provided


def _provided_problems(env: Environment, stacks: list[RenderedStack]) -> Iterator[Problem]:
    """Yield a problem for each provided output that no layer has, and for each layer that is provided incompletely.

    This is the case if other stacks read an output of the layer that the configuration does not provide.
    """
    provided, at = _provided(env), f"environments.{env.name}.provided"
    known: dict[str, set[str]] = {}
    for stack in stacks:
        known.setdefault(stack.layer.name, set()).update(path.rpartition("/")[2] for path in stack.links.publishes)
    all_names = sorted(f"{name}.{output}" for name, outputs in known.items() for output in outputs)
    for layer, outputs in provided.items():
        for unknown in (f"{layer}.{output}" for output in sorted(outputs - known.get(layer, set()))):
            yield Problem(at, f"no layer here publishes {unknown}; {suggestion(unknown, all_names)}")
    others = [stack for stack in stacks if stack.layer.name not in provided]
    for stack in stacks:
        if stack.layer.name in provided:
            names = {path: path.rpartition("/")[2] for path in stack.links.publishes}
            still_read = {names[read.path] for other in others for read in other.links.reads if read.path in names}
            if still_read:
                missing = ", ".join(f'"{stack.layer.name}.{name}"' for name in sorted(still_read))
                yield Problem(at, f"layer {stack.layer.name} is provided in part; also provide {missing}")
