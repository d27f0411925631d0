"""E9104: a template contains no secrets."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from cicd_templates.rules.reading import EACH, Path, Resource, TemplateNode, values
from cicd_templates.rules.resource_rule import ResourceRule, RuleFinding
from cicd_templates.template.secret_shapes import is_literal_secret, kinds_of_secret

# The places in which resource types keep environment variables as lists of `{Name, Value}`.
PAIRS = {
    "AWS::CodeBuild::Project": (("Environment", "EnvironmentVariables", EACH),),
    "AWS::ECS::TaskDefinition": (("ContainerDefinitions", EACH, "Environment", EACH),),
}


class LiteralSecrets(ResourceRule):
    """Refuse literal secrets in resources and environment variables."""

    id = "E9104"
    shortdesc = "A template contains no secrets"
    description = (
        "Many people can read a template, and version control keeps it forever. No text in a resource may match the"
        " format of a known kind of secret. A variable that is named like a secret, such as API_TOKEN,"
        " must take its value from Secrets Manager or Parameter Store."
    )
    source_url = "docs/rules.md#e9104"
    tags = ["secrets"]

    def check(self, resource: Resource) -> Iterator[RuleFinding]:
        """Yield a finding for each text that looks like a secret.

        Also yield a finding for each environment variable that is named like a secret, such as `API_TOKEN`, and has a
        literal value.
        """
        for text, path in _texts(resource.body, ()):
            for kind in kinds_of_secret(text):
                yield RuleFinding(f"this is {kind}; revoke it, and refer to Secrets Manager instead", path)
        for name, node in _variables(resource):
            value = node.value
            if isinstance(value, str) and is_literal_secret(name, value):
                yield RuleFinding(f"{name} is a literal value; take it from Secrets Manager", node.path)


def _texts(value: Any, path: Path) -> Iterator[tuple[str, Path]]:
    if isinstance(value, str):
        yield value, path
    elif isinstance(value, dict):
        for key, inner in value.items():
            yield from _texts(inner, (*path, key))
    elif isinstance(value, list):
        for index, inner in enumerate(value):
            yield from _texts(inner, (*path, index))


def _variables(resource: Resource) -> Iterator[tuple[str, TemplateNode]]:
    for place in PAIRS.get(resource.type, ()):
        for pair in resource.properties(*place):
            kinds = {kind.value for kind in values(pair, "Type") if isinstance(kind.value, str)}
            if kinds <= {"PLAINTEXT"}:
                for name in values(pair, "Name"):
                    yield from ((str(name.value), value) for value in values(pair, "Value"))
    if resource.type == "AWS::Lambda::Function":
        for variables in resource.properties("Environment", "Variables"):
            if isinstance(variables.value, dict):
                for name in variables.value:
                    yield from ((str(name), value) for value in values(variables, str(name)))
