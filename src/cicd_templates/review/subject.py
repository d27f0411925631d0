"""One template under review: its content and what it says about itself. Reads text only; decides nothing."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any, NamedTuple

from cicd_templates.errors import CicdError
from cicd_templates.template import cloudformation_yaml
from cicd_templates.template.links import METADATA_KEY

Template = Mapping[str, Any]


class Entry(NamedTuple):
    """A value, its key or number, and the map or list that it stands in."""

    key: str | int
    value: Any
    parent: Any


@dataclass(frozen=True)
class Subject:
    """A stack's template. `environment` carries the copy's suffix, `label` is its file's stem, such as `network`."""

    environment: str
    label: str
    template: Template

    @property
    def facts(self) -> Mapping[str, Any]:
        """What the renderer noted of the stack."""
        noted: Mapping[str, Any] = self.template["Metadata"][METADATA_KEY]
        return noted

    @property
    def resources(self) -> Mapping[str, Any]:
        """The resources by logical id."""
        found: Mapping[str, Any] = self.template["Resources"]
        return found

    @property
    def parameters(self) -> Mapping[str, Any]:
        """The parameters by name."""
        found: Mapping[str, Any] = self.template.get("Parameters", {})
        return found

    @cached_property
    def entries(self) -> Mapping[str, list[Entry]]:
        """Everything in the properties of each resource, by logical id."""
        return {name: entries(resource.get("Properties", {})) for name, resource in self.resources.items()}


def read(path: str, text: str) -> Subject:
    """The subject in `text`, found at `path`, `<environment>/<stack>.<form>`. Raises `CicdError` where it is none."""
    environment, _, name = path.rpartition("/")
    template = cloudformation_yaml.load(text)
    if not isinstance(template, dict) or METADATA_KEY not in template.get("Metadata", {}):
        raise CicdError(f"{path}: not a template of ours; it has no Metadata.{METADATA_KEY}")
    return Subject(environment, name.rpartition(".")[0], template)


def entries(value: dict[str, Any] | list[Any]) -> list[Entry]:
    """Every key of every map below `value`, and every item of every list, with what stands there; tags aside."""
    found = []
    inner = [value]
    for parent in inner:
        for key, item in parent.items() if isinstance(parent, dict) else enumerate(parent):
            found.append(Entry(key, item, parent))
            if isinstance(item, dict | list) and key != "Tags":
                inner.append(item)
    return found
