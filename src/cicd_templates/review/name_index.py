"""Finds resources of a set of stacks by the names that they have in AWS."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from functools import lru_cache
from typing import Any

from cicd_templates.template.intrinsics import referenced_names
from cicd_templates.template.stack_template import StackTemplate

BOUNDARY = re.compile(r"[/:]")
# The names of environments have no colon.
_AFTER_ENVIRONMENT = ": "
CACHED_TYPES = 1024


@lru_cache(CACHED_TYPES)
def service_of(resource_type: str) -> str:
    """Return the service of a resource type, as named in ARNs and IAM actions, such as `s3` for `AWS::S3::Bucket`."""
    return resource_type.split("::")[1].lower().removesuffix("v2") if "::" in resource_type else resource_type


class NameIndex:
    """Finds resources by name or parameter path, and environments by account number, in a set of stacks.

    Each process of a review keeps all names of the project in memory. To save memory, the index stores a resource as
    one text: its environment, the separator `_AFTER_ENVIRONMENT`, and the name that a review shows for the resource.
    """

    def __init__(self, stacks: Iterable[StackTemplate]) -> None:
        self.published: dict[str, str] = {}
        self._environments: dict[str, set[str]] = {}
        # The resources with names: keyed by service as in `service_of`, then by resource type, then by name.
        self._known: dict[str, dict[str, dict[str, str]]] = {}
        # The logical ids of the resources with names, keyed by the short name of the stack.
        self._named: dict[str, frozenset[str]] = {}
        self._equal_sets: dict[frozenset[str], frozenset[str]] = {}
        for stack in stacks:
            facts = stack.facts
            self._environments.setdefault(facts.account, set()).add(stack.environment)
            self._add("AWS::CloudFormation::Stack", facts.stack, stack, f"stack {stack.label}")
            named = [name for name, resource in stack.resources.items() if self._add_resource(stack, name, resource)]
            self._add_named(stack.label, frozenset(named))

    def extend(self, other: NameIndex) -> None:
        """Add all names from another index.

        The stacks of `other` must come later in deploy order than the stacks of this index.
        """
        self.published |= other.published
        for label, named in other._named.items():
            self._add_named(label, named)
        for account, environments in other._environments.items():
            self._environments.setdefault(account, set()).update(environments)
        for service, types in other._known.items():
            own_types = self._known.setdefault(service, {})
            for resource_type, known in types.items():
                own = own_types.setdefault(resource_type, {})
                for name, entry in known.items():
                    own.setdefault(name, entry)

    def to_plain(self) -> list[Any]:
        """Return the contents as a value that JSON can represent; see `from_plain`."""
        environments = {account: sorted(names) for account, names in self._environments.items()}
        # The stacks of many services have resources with the same logical ids.
        labels_with: dict[frozenset[str], list[str]] = {}
        for label, named in self._named.items():
            labels_with.setdefault(named, []).append(label)
        named_with_labels = [[sorted(named), labels] for named, labels in labels_with.items()]
        return [self.published, environments, self._known, named_with_labels]

    @classmethod
    def from_plain(cls, plain: list[Any]) -> NameIndex:
        """Turn `plain`, the result of `to_plain`, into an index again."""
        index = cls(())
        index.published, environments, index._known, named_with_labels = plain
        index._environments = {account: set(names) for account, names in environments.items()}
        for logical_ids, labels in named_with_labels:
            named = frozenset(logical_ids)
            for label in labels:
                index._add_named(label, named)
        return index

    def _add_resource(self, stack: StackTemplate, logical_id: str, resource: Mapping[str, Any]) -> bool:
        """Add the names of a resource to the index. Return whether the resource has a physical name."""
        properties = resource.get("Properties", {})
        if resource["Type"] == "AWS::SSM::Parameter" and isinstance(properties.get("Name"), str):
            self.published[properties["Name"]] = f"{stack.label}.{_target(properties['Value']) or logical_id}"
            return False
        # The identifier of another resource, such as a database instance's DBClusterIdentifier, is not a name.
        identifier = f"{resource['Type'].rpartition('::')[2]}Identifier"
        names = [
            value
            for key, value in properties.items()
            if (key.endswith("Name") or key == identifier) and isinstance(value, str)
        ]
        for name in names:
            self._add(resource["Type"], name, stack, f"{stack.label}.{logical_id}")
        return bool(names)

    def _add(self, resource_type: str, name: str, stack: StackTemplate, reference: str) -> None:
        entry = f"{stack.environment}{_AFTER_ENVIRONMENT}{reference}"
        types = self._known.setdefault(service_of(resource_type), {})
        types.setdefault(resource_type, {}).setdefault(name, entry)

    def _add_named(self, label: str, named: frozenset[str]) -> None:
        # The stacks of a layer often have the same names of resources for each service, which are then in memory once.
        together = self._named.get(label, frozenset()) | named
        self._named[label] = self._equal_sets.setdefault(together, together)

    def names_of(self, resource_type: str, environment: str, reference: str) -> list[str]:
        """Return the physical names of the resource that a review shows as `reference`."""
        entry = f"{environment}{_AFTER_ENVIRONMENT}{reference}"
        names = self._known.get(service_of(resource_type), {}).get(resource_type, {})
        return [name for name, known in names.items() if known == entry]

    def is_reference(self, text: str) -> bool:
        """Return whether `text` has the form `stack.LogicalId` and means a resource that has a physical name."""
        label, _, logical_id = text.rpartition(".")
        return logical_id in self._named.get(label, ())

    def account_label(self, number: str) -> str | None:
        """Return the name of the environment in the AWS account whose id is `number`.

        If the account has several environments, return `number`. If the account has no environment, return None.
        """
        environments = self._environments.get(number)
        if environments is None:
            return None
        return next(iter(environments)) if len(environments) == 1 else number

    def find(self, service: str, resource: str) -> tuple[str, str, str] | None:
        """Find the indexed resource whose name occurs in `resource`, the last part of an ARN.

        Return the environment of the indexed resource, the name that a review shows for it, and the text that follows
        its name in the ARN.

        Return None if the ARN contains no indexed name. Also return None if resources of several types have the name,
        and the ARN does not show the type.
        """
        known = self._known.get(service)
        if known is None:
            return None
        boundaries = [match.start() for match in BOUNDARY.finditer(resource)]
        for start in (0, *(boundary + 1 for boundary in boundaries)):
            for end in (len(resource), *reversed(boundaries)):
                if end <= start:
                    continue
                name = resource[start:end]
                types = [key for key, names in known.items() if name in names]
                if len(types) > 1:
                    types = [key for key in types if _is_arn_of(key, resource)]
                    if len(types) != 1:
                        return None
                if types:
                    environment, _, reference = known[types[0]][name].partition(_AFTER_ENVIRONMENT)
                    return environment, reference, resource[end:]
        return None


def _is_arn_of(resource_type: str, resource: str) -> bool:
    """Return whether `resource`, the last part of an ARN, begins with the word for the type `resource_type`.

    For example, `cluster:...` begins with the word for `AWS::RDS::DBCluster`.
    """
    word = BOUNDARY.split(resource)[0].replace("-", "")
    return resource_type.rpartition("::")[2].lower().endswith(word)


def _target(value: Any) -> str:
    """Return the logical id to which `value` refers, or an empty string if `value` is not a reference."""
    if isinstance(value, dict):
        if "Ref" in value:
            return str(value["Ref"])
        if "Fn::GetAtt" in value:
            return next(referenced_names(value), "")
    return ""
