"""The template of one stack, rendered or read from a file. All parts of the tool use this model."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import yaml

from cicd_templates.template import cloudformation_yaml
from cicd_templates.template.stack_facts import StackFacts, not_rendered, stack_facts
from cicd_templates.template.stack_graph import Links, links_of


@dataclass(frozen=True)
class StackTemplate:
    """The template of one stack: its file, its text, its content as plain data, and the facts in its metadata.

    If the renderer has not written the template yet, the file `path` does not exist. If the template is from an older
    revision, the file at `path` may have a different content now.
    """

    path: Path
    text: str
    content: Mapping[str, Any]
    facts: StackFacts

    @cached_property
    def links(self) -> Links:
        """The values that the stack reads from Parameter Store, and the values that it publishes there."""
        return links_of(self.content, self.facts)

    @property
    def name(self) -> str:
        """The stack's name in CloudFormation."""
        return self.facts.stack

    @cached_property
    def label(self) -> str:
        """The short name of the stack, such as `network`: the name of its file without the extension."""
        return self.path.stem

    @cached_property
    def environment(self) -> str:
        """The name of the environment, such as `staging`. For a parallel copy, the suffix follows: `staging-pr4918`."""
        return self.facts.qualified_environment

    @property
    def layer(self) -> str:
        """The name of the layer that built the template."""
        return self.facts.layer

    @property
    def service(self) -> str | None:
        """The name of the service to which the stack belongs, or None."""
        return self.facts.service

    @property
    def account(self) -> str:
        """The id of the account for which the template was rendered."""
        return self.facts.account

    @property
    def region(self) -> str:
        """The region for which the template was rendered."""
        return self.facts.region

    @property
    def protected(self) -> bool:
        """Whether the environment keeps its data when its stacks are deleted."""
        return self.facts.protected

    @property
    def tags(self) -> dict[str, str]:
        """The tags of the stack, which identify it as a stack of the project."""
        return dict(self.facts.stack_tags)

    @property
    def deployed_as(self) -> str | None:
        """The Parameter Store path with the ARN of CloudFormation's role, or None if CloudFormation uses no role."""
        return self.facts.deployed_as

    @property
    def parameter_root(self) -> str:
        """The beginning of the environment's Parameter Store paths and log group names, with a final slash."""
        return self.facts.parameter_root

    @property
    def make_variables(self) -> dict[str, str | None]:
        """The values of the make variables `ENV` and `SUFFIX`, which select the stack's environment."""
        return {"ENV": self.facts.environment, "SUFFIX": self.facts.suffix}

    @property
    def description(self) -> str:
        """The description of the template, or an empty string if it has none."""
        return str(self.content.get("Description", ""))

    @property
    def resources(self) -> Mapping[str, Any]:
        """The resources by logical id."""
        resources: Mapping[str, Any] = self.content["Resources"]
        return resources

    @property
    def parameters(self) -> Mapping[str, Any]:
        """The parameters by name."""
        parameters: Mapping[str, Any] = self.content.get("Parameters", {})
        return parameters


def read_template(path: Path) -> StackTemplate:
    """Return the template in the file `path`. Raises `ConfigurationError` if `make render` did not write it."""
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise not_rendered(path, error) from None
    return parse_template(path, text)


def parse_template(path: Path, text: str) -> StackTemplate:
    """Return the template in `text`. `path` is the template's file, for error messages.

    Raises `ConfigurationError` if `make render` did not write the template.
    """
    try:
        content = cloudformation_yaml.load(text)
        template = StackTemplate(path, text, content, stack_facts(content, path))
        # The links are read here, so that an error in a part that `links` needs also names the file.
        _ = template.links
        _require_maps(template.resources)
    except (yaml.YAMLError, KeyError, TypeError, AttributeError) as error:
        raise not_rendered(path, str(error).splitlines()[0]) from None
    return template


def _require_maps(resources: Mapping[str, Any]) -> None:
    """Raise `TypeError` if the properties or the metadata of a resource are not a map, for example null."""
    for name, resource in resources.items():
        for part in ("Properties", "Metadata"):
            if part in resource and not isinstance(resource[part], Mapping):
                raise TypeError(f"{part} of {name} is not a map")
