"""E9104: a template contains no secrets."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from cicd_templates.rules.reading import EACH, Path, Resource, TemplateNode, values
from cicd_templates.rules.resource_rule import ResourceRule, RuleFinding

# Formats that the issuers of secrets document, so that a match is certainly a secret.
SHAPES = {
    "an AWS access key": re.compile(r"\b(?:AKIA|ASIA)[A-Z2-7]{16}\b"),
    "a private key": re.compile(r"-----BEGIN (?:[A-Z]+ )*PRIVATE KEY-----"),
    "a GitHub token": re.compile(r"\b(?:gh[pousr]_[A-Za-z0-9]{36}|github_pat_[A-Za-z0-9_]{22,})\b"),
    "a Slack token": re.compile(r"\bxox[abprs]-[A-Za-z0-9-]{10,}"),
    "a Stripe key": re.compile(r"\b[rs]k_live_[A-Za-z0-9]{16,}\b"),
}
NAMES_A_SECRET = re.compile(r"(?i)(?:^|[_.-])(?:password|passwd|secret|token|api_?key|private_?key|credentials?)$")
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
        "Many people can read a template, and version control keeps it forever. No text in a resource may match the "
        "format of a known kind of secret, and a variable that is named like a secret must take its value from "
        "Secrets Manager or Parameter Store."
    )
    source_url = "docs/rules.md#e9104"
    tags = ["secrets"]

    def check(self, resource: Resource) -> Iterator[RuleFinding]:
        """Yield a finding for each text that looks like a secret, and for each variable that is named like a secret.

        The value of such a variable is a finding only if it is a literal.
        """
        for text, path in _texts(resource.body, ()):
            for kind, shape in SHAPES.items():
                if shape.search(text):
                    yield RuleFinding(f"this is {kind}; revoke it, and refer to Secrets Manager instead", path)
        for name, node in _variables(resource):
            value = node.value
            literal = isinstance(value, str) and value and not value.startswith(("{{resolve:", "arn:"))
            if literal and NAMES_A_SECRET.search(name):
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
