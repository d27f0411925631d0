"""Defines the facts about a stack. The renderer writes them into the template's metadata, and other modules read them.

Only `StackFacts` knows the keys of the facts in a template.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from typing import Any, NamedTuple

from cicd_templates.errors import ConfigurationError

METADATA_KEY = "CicdTemplates"
ENVIRONMENT_KINDS = ("tools", "runtime")
PROTECTIONS = ("protected", "disposable")

_LISTS = frozenset({"sources", "after"})
_MAPS = frozenset({"patches", "stack_tags"})
_CHOICES = {"kind": ENVIRONMENT_KINDS, "protection": PROTECTIONS}
# The order of the facts in the metadata.
_ORDER = (
    "project", "environment", "suffix", "kind", "layer", "service", "stack", "account", "region", "protection",
    "role_path", "permissions_boundary", "sources", "after", "deployed_as", "patches", "stack_tags",
)  # fmt: skip


class StackFacts(NamedTuple):
    """The facts about a stack in its template's metadata: its names, its environment, and the sources of its template.

    `environment` is the environment's name without the suffix of a copy. `after` lists the stacks that must be deployed
    before this stack. If CloudFormation deploys the stack with a role, `deployed_as` is the Parameter Store path with
    the role's ARN. `patches` maps the path of each patched value to the reason for the patch. A fact that has its
    default value is left out of the metadata.
    """

    project: str
    environment: str
    kind: str
    layer: str
    stack: str
    account: str
    region: str
    protection: str
    sources: tuple[str, ...]
    stack_tags: Mapping[str, str]
    suffix: str | None = None
    service: str | None = None
    role_path: str = "/"
    permissions_boundary: str | None = None
    after: tuple[str, ...] = ()
    deployed_as: str | None = None
    patches: Mapping[str, str] = {}

    @property
    def qualified_environment(self) -> str:
        """The name of the environment, such as `staging`. For a parallel copy, the suffix follows: `staging-pr4918`."""
        return f"{self.environment}-{self.suffix}" if self.suffix else self.environment

    @property
    def parameter_root(self) -> str:
        """The beginning of the environment's Parameter Store paths and log group names, with a final slash."""
        return f"/{self.project}/{self.qualified_environment}/"

    @property
    def protected(self) -> bool:
        """Whether the environment keeps its data when its stacks are deleted."""
        return self.protection == "protected"

    def to_metadata(self) -> dict[str, Any]:
        """Return the facts in the form of a template's metadata. Facts with their default value are left out."""
        metadata: dict[str, Any] = {}
        for name in _ORDER:
            value = getattr(self, name)
            if name not in self._field_defaults or value != self._field_defaults[name]:
                metadata[_key(name)] = _plain(value)
        return metadata

    @classmethod
    def from_metadata(cls, metadata: Any, where: object) -> StackFacts:
        """Return the facts in `metadata`. `where` names the template in error messages.

        Unknown facts are ignored, so that templates of a newer version can be compared. If a fact is missing or has a
        wrong value, raises `ConfigurationError` for the first such fact.
        """
        if not isinstance(metadata, Mapping):
            raise not_rendered(where, f"it has no Metadata.{METADATA_KEY}")
        values = {}
        for name in _ORDER:
            key = _key(name)
            if key in metadata:
                values[name] = _check_value(name, key, metadata[key], where)
            elif name not in cls._field_defaults:
                raise not_rendered(where, f"its Metadata.{METADATA_KEY} has no {key}")
        return cls(**values)


def stack_facts(content: Mapping[str, Any], where: object) -> StackFacts:
    """Return the facts in the metadata of a template. `where` names the template in error messages.

    Raises `ConfigurationError` if a fact is missing or wrong.
    """
    return StackFacts.from_metadata(_metadata(content), where)


def has_stack_facts(content: Mapping[str, Any]) -> bool:
    """Return whether the template's metadata has facts, which means that `make render` wrote the template."""
    return _metadata(content) is not None


def not_rendered(where: object, detail: object) -> ConfigurationError:
    """Return the error for a template that `make render` did not write. `where` names the template."""
    return ConfigurationError(f"{where}: not a template that `make render` wrote ({detail}); render again")


def _metadata(content: Mapping[str, Any]) -> Any:
    metadata = content.get("Metadata")
    return metadata.get(METADATA_KEY) if isinstance(metadata, Mapping) else None


@cache
def _key(name: str) -> str:
    return "".join(map(str.capitalize, name.split("_")))


def _plain(value: Any) -> Any:
    if isinstance(value, tuple):
        return list(value)
    return dict(value) if isinstance(value, Mapping) else value


def _check_value(name: str, key: str, value: Any, where: object) -> Any:
    """Return the value of one fact about a stack. Raises `ConfigurationError` if the value has the wrong type."""
    if name in _LISTS:
        if isinstance(value, list) and all(isinstance(item, str) for item in value):
            return tuple(value)
        expected = "a list of texts"
    elif name in _MAPS:
        if isinstance(value, Mapping) and all(isinstance(text, str) for pair in value.items() for text in pair):
            return dict(value)
        expected = "a map of texts"
    elif name in _CHOICES:
        if value in _CHOICES[name]:
            return value
        expected = " or ".join(_CHOICES[name])
    else:
        if isinstance(value, str) and value:
            return value
        expected = "a text"
    raise not_rendered(where, f"its Metadata.{METADATA_KEY}.{key} is {value!r} and not {expected}")
