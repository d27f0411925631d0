"""E9104: no secret is written into a template."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from cicd_templates.rules.reading import EACH, Found, Path, Resource, values
from cicd_templates.rules.resource_rule import Finding, ResourceRule

# What issuers document as the shape of their secrets, so that a match is one.
SHAPES = {
    "an AWS access key": re.compile(r"\b(?:AKIA|ASIA)[A-Z2-7]{16}\b"),
    "a private key": re.compile(r"-----BEGIN (?:[A-Z]+ )*PRIVATE KEY-----"),
    "a GitHub token": re.compile(r"\b(?:gh[pousr]_[A-Za-z0-9]{36}|github_pat_[A-Za-z0-9_]{22,})\b"),
    "a Slack token": re.compile(r"\bxox[abprs]-[A-Za-z0-9-]{10,}"),
    "a Stripe key": re.compile(r"\b[rs]k_live_[A-Za-z0-9]{16,}\b"),
}
NAMES_A_SECRET = re.compile(r"(?i)(?:^|[_.-])(?:password|passwd|secret|token|api_?key|private_?key|credentials?)$")
# Where types keep variables that a program sees, as `(name, value)` pairs.
PAIRS = {
    "AWS::CodeBuild::Project": (("Environment", "EnvironmentVariables", EACH),),
    "AWS::ECS::TaskDefinition": (("ContainerDefinitions", EACH, "Environment", EACH),),
}


class LiteralSecrets(ResourceRule):
    """No secret in a template."""

    id = "E9104"
    shortdesc = "No secret is written into a template"
    description = (
        "A template is read by many and kept for ever. Nothing in a resource may have the shape of a known kind "
        "of secret, and a variable whose name says that it is one takes its value from Secrets Manager or "
        "Parameter Store."
    )
    source_url = "docs/rules.md#e9104"
    tags = ["secrets"]

    def check(self, resource: Resource) -> Iterator[Finding]:
        """A finding for each text that is a secret by its shape or by the name of its variable."""
        for text, path in _texts(resource.body, ()):
            for kind, shape in SHAPES.items():
                if shape.search(text):
                    yield Finding(f"this is {kind}: withdraw it, and refer to Secrets Manager instead", path)
        for name, found in _variables(resource):
            value = found.value
            literal = isinstance(value, str) and value and not value.startswith(("{{resolve:", "arn:"))
            if literal and NAMES_A_SECRET.search(name):
                yield Finding(f"{name} is written out; take its value from Secrets Manager", found.path)


def _texts(value: Any, path: Path) -> Iterator[tuple[str, Path]]:
    if isinstance(value, str):
        yield value, path
    elif isinstance(value, dict):
        for key, inner in value.items():
            yield from _texts(inner, (*path, key))
    elif isinstance(value, list):
        for index, inner in enumerate(value):
            yield from _texts(inner, (*path, index))


def _variables(resource: Resource) -> Iterator[tuple[str, Found]]:
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
