"""Turns one template of a layer into a finished template: tags, patches, metadata, key order, header and text."""

from __future__ import annotations

import textwrap
from collections.abc import Iterable, Iterator, Sequence
from functools import cache
from pathlib import Path

from cicd_templates.config import naming
from cicd_templates.config.environment import Environment
from cicd_templates.errors import ConfigurationError
from cicd_templates.layer.definition import Layer
from cicd_templates.layer.template import LayerTemplate
from cicd_templates.render import key_order, patching, tagging, template_text
from cicd_templates.render.audit_exemptions import exempt_paths_taken_for_keys
from cicd_templates.render.template_text import Format
from cicd_templates.template import stack_graph
from cicd_templates.template.stack_facts import METADATA_KEY, StackFacts
from cicd_templates.template.stack_graph import Links
from cicd_templates.template.stack_template import StackTemplate

TRANSFORM = "Fn::Transform"
HEADER_WIDTH = 108


def render_stack(
    env: Environment, layer: Layer, layers: Sequence[Layer], built: LayerTemplate, form: Format
) -> StackTemplate:
    """Return the finished template of a stack. `layer` has built the template; `layers` are all layers of the project.

    Raises `ConfigurationError` if the template has a transform, or a parameter without a default value.
    """
    if built.template.transform:
        raise _transform_error(layer, "Transform")
    for name, parameter in built.template.parameters.items():
        if "Default" not in parameter.properties:
            raise ConfigurationError(
                f"{layer.source}: its parameter {name} has no Default, and no command gives parameters a value; set"
                " Default, or write the value into the resource"
            )
    service_name = built.service.name if built.service else None
    after = [
        naming.stack_name(env, other.name, service_name if other.is_per_service else None)
        for other in layers
        if other.name in layer.after and other.exists(env)
    ]
    tags = tagging.stack_tags(env, layer.name, service_name)
    content = tagging.apply_tags_and_role_settings(built.template, env, tags)
    exempt_paths_taken_for_keys(content)
    facts = _facts(env, layer, service_name, after, tags)
    label = naming.file_stem(layer.name, service_name)
    patches = env.settings.patch.get(label, {})
    if patches:
        patching.apply_patches(content, patches, f'environments.{env.name}.patch."{label}"')
        # A patch can add keys at any level.
        content["Resources"] = {name: key_order.order_values(body) for name, body in content["Resources"].items()}
    ordered = key_order.order_keys(
        content
        | {
            "AWSTemplateFormatVersion": "2010-09-09",
            "Description": layer.description,
            "Metadata": content["Metadata"] | {METADATA_KEY: facts.to_metadata()},
        }
    )
    text = template_text.template_text(
        ordered, _header(facts, layer.description, stack_graph.links_of(ordered, facts)), form
    )
    # The search in the text is quick. Only a few templates have the name, most of them in the code of a function.
    if TRANSFORM in text and _has_transform(ordered):
        raise _transform_error(layer, TRANSFORM)
    return StackTemplate(Path(env.qualified, f"{label}.{form}"), text, ordered, facts)


def _transform_error(layer: Layer, name: str) -> ConfigurationError:
    # CloudFormation would run the macro after the review. A macro can change the part of the template that has it.
    return ConfigurationError(
        f"{layer.source}: its template has a {name}, so the deployed resources could differ from the reviewed"
        f" ones; replace the {name} with the resources that it would create"
    )


def _has_transform(value: object) -> bool:
    """Return whether a map in `value` has the key `Fn::Transform`, at any depth."""
    if isinstance(value, dict):
        return TRANSFORM in value or any(map(_has_transform, value.values()))
    return isinstance(value, list) and any(map(_has_transform, value))


def _facts(env: Environment, layer: Layer, service: str | None, after: list[str], tags: dict[str, str]) -> StackFacts:
    role = layer.deployed_as
    patches = env.settings.patch.get(naming.file_stem(layer.name, service), {})
    facts = StackFacts(
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
        sources=_sources(layer.source),
        after=tuple(after),
        deployed_as=naming.parameter_path(env, role.layer, role.name, service) if role else None,
        stack_tags=tags,
    )
    return facts._replace(patches={path: entry.because for path, entry in patches.items()}) if patches else facts


# The stacks of a layer share the tuple, which is then in memory once.
@cache
def _sources(layer: str) -> tuple[str, str]:
    return layer, "templates/environments.toml"


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
    title = f"{subject}: {description}"
    # Nearly every title fits on a line, and `wrap` takes long.
    titles = [title] if len(title) <= HEADER_WIDTH else textwrap.wrap(title, width=HEADER_WIDTH)
    return [*titles, ""] + [line for label, text in rows.items() for line in _row(label, text.split(", "))]


def _row(label: str, words: Iterable[str]) -> Iterator[str]:
    """Yield one entry of a file's header: `label`, followed by `words` with commas between them.

    An entry that is wider than the header continues on further lines.
    """
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
