"""Evaluates a template as CloudFormation does: drops resources by conditions, and resolves every known value."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from cicd_templates.local.template_refusals import template_refusal
from cicd_templates.template.cloudformation_yaml import load

READING = "AWS::SSM::Parameter::Value<"
# What CloudFormation writes where a value exists only after the change set was executed.
UNKNOWN = "{{changeSet:KNOWN_AFTER_APPLY}}"
MASKED = "****"
# The property that becomes the name of a resource, by type; every other resource gets a name of CloudFormation's.
NAMES = {
    "AWS::S3::Bucket": "BucketName",
    "AWS::SNS::Topic": "TopicName",
    "AWS::SQS::Queue": "QueueName",
    "AWS::SSM::Parameter": "Name",
    "AWS::Logs::LogGroup": "LogGroupName",
    "AWS::DynamoDB::Table": "TableName",
    "AWS::RDS::DBCluster": "DBClusterIdentifier",
}
NOTHING = object()
# https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/pseudo-parameter-reference.html
PSEUDO_PARAMETERS = {
    "AWS::AccountId": "222222222222",
    "AWS::Partition": "aws",
    "AWS::Region": "eu-central-1",
    "AWS::URLSuffix": "amazonaws.com",
}


@dataclass(frozen=True)
class Resource:
    """A resource of a template, or a deployed one.

    `properties` has resolved values, and `raw` the values as written.
    """

    kind: str
    properties: Mapping[str, Any]
    raw: Mapping[str, Any]
    policy: str = "Delete"
    replace_policy: str = "Delete"
    physical_id: str = ""


@dataclass(frozen=True)
class Template:
    """A template with the values of its parameters: those in Parameter Store, and those that were passed."""

    content: Mapping[str, Any]
    values: dict[str, str]

    @property
    def conditions(self) -> dict[str, bool]:
        return {name: bool(self._judge(rule)) for name, rule in self.content.get("Conditions", {}).items()}

    @property
    def parameters(self) -> Mapping[str, Any]:
        return self.content.get("Parameters", {})  # type: ignore[no-any-return]

    def refusal(self) -> str:
        return template_refusal(self.content, self.conditions)

    def resources(self, identify: Callable[[str, str], str] = lambda name, attribute: UNKNOWN) -> dict[str, Resource]:
        """The resources that exist; `identify` knows the physical id of a logical id, or its attribute."""
        conditions, found = self.conditions, {}
        for name, resource in self.content["Resources"].items():
            if conditions.get(resource.get("Condition", ""), True):
                raw = resource.get("Properties", {})
                found[name] = Resource(
                    resource["Type"],
                    self.resolved(raw, identify),
                    raw,
                    resource.get("DeletionPolicy", "Delete"),
                    resource.get("UpdateReplacePolicy", "Delete"),
                )
        return found

    def resolved(self, value: Any, identify: Callable[[str, str], str]) -> Any:
        match value:
            case {"Ref": "AWS::NoValue"}:
                return NOTHING
            case {"Ref": str(name)}:
                return self._value(name, identify)
            case {"Fn::GetAtt": str(dotted)}:
                return identify(*dotted.split(".", 1))
            case {"Fn::GetAtt": [str(name), str(attribute)]}:
                return identify(name, attribute)
            case {"Fn::If": [str(name), yes, no]}:
                return self.resolved(yes if self.conditions[name] else no, identify)
            case {"Fn::Join": [str(by), list(parts)]}:
                known = [self.resolved(part, identify) for part in parts]
                return UNKNOWN if UNKNOWN in known else by.join(str(part) for part in known if part is not NOTHING)
            case {"Fn::Sub": str(text)}:
                return self._substituted(text, identify)
            case dict():
                items = {key: self.resolved(item, identify) for key, item in value.items()}
                return {key: item for key, item in items.items() if item is not NOTHING}
            case list():
                return [found for item in value if (found := self.resolved(item, identify)) is not NOTHING]
        return value

    def _substituted(self, text: str, identify: Callable[[str, str], str]) -> str:
        known = {name: self._value(name, identify) for name in re.findall(r"\$\{([^!}][^}]*)\}", text)}
        if UNKNOWN in known.values():
            return UNKNOWN
        return re.sub(r"\$\{([^!}][^}]*)\}", lambda found: known[found[1]], text)

    def _value(self, name: str, identify: Callable[[str, str], str]) -> str:
        """The value of a parameter, or what `identify` says of a resource, written as `Name` or `Name.Attribute`."""
        known = PSEUDO_PARAMETERS | self.values
        return known[name] if name in known else identify(*name.partition(".")[::2])

    def _judge(self, rule: Any) -> Any:
        match rule:
            case {"Fn::Equals": [left, right]}:
                return self._judge(left) == self._judge(right)
            case {"Fn::Not": [part]}:
                return not self._judge(part)
            case {"Fn::And": list(parts)}:
                return all(map(self._judge, parts))
            case {"Fn::Or": list(parts)}:
                return any(map(self._judge, parts))
            case {"Condition": str(name)}:
                return self._judge(self.content["Conditions"][name])
            case {"Ref": str(name)}:
                return self.values.get(name, "")
        return rule


@dataclass
class References:
    """Resolves the references of a property: parameters, resources by Ref, and attributes of resources."""

    names: list[str] = field(default_factory=list)
    attributes: list[tuple[str, str]] = field(default_factory=list)


def references(value: Any) -> References:
    found = References()
    for node in _nodes(value):
        match node:
            case {"Ref": str(name)}:
                found.names.append(name)
            case {"Fn::GetAtt": str(dotted)}:
                name, _, attribute = dotted.partition(".")
                found.attributes.append((name, attribute))
            case {"Fn::GetAtt": [str(name), str(attribute)]}:
                found.attributes.append((name, attribute))
            case {"Fn::Sub": str(text)}:
                for each in re.findall(r"\$\{([^!}][^}]*)\}", text):
                    name, dot, attribute = each.partition(".")
                    if dot:
                        found.attributes.append((name, attribute))
                    else:
                        found.names.append(name)
    return found


def _nodes(value: Any) -> Iterator[Any]:
    if isinstance(value, dict):
        yield value
        for item in value.values():
            yield from _nodes(item)
    elif isinstance(value, list):
        for item in value:
            yield from _nodes(item)


def attribute_of(resource: Resource, attribute: str) -> str:
    """Return the value of GetAtt: the property with that name, or a text that names the resource and the attribute."""
    if not attribute:
        return resource.physical_id
    return str(resource.properties.get(attribute, f"{resource.physical_id}.{attribute}"))


def parsed(body: str) -> dict[str, Any]:
    template: dict[str, Any] = json.loads(body) if body.startswith("{") else load(body)
    return template
