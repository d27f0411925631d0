"""The line of a logical id is found in the reviewed text."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest

from cicd_templates.template.source_lines import locate, resource_lines
from tests.projects.stacks import stacks_of

KEYS = next(stack for stack in stacks_of("staging") if stack.layer == "keys")
LINES = KEYS.path.read_text().splitlines()


def line_of(text: str) -> str:
    return f"{KEYS.path}:{LINES.index(text) + 1}"


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        pytest.param("", line_of("  Key:"), id="the resource"),
        pytest.param("/Resources/Key/Properties/KeyPolicy", line_of("      KeyPolicy:"), id="a property"),
        pytest.param("/Resources/Key/Properties/Nothing", line_of("    Properties:"), id="as far as it goes"),
        pytest.param(
            "/Resources/Key/Properties/KeyPolicy/Statement/0",
            f"{KEYS.path}:{LINES.index('        Statement:') + 2}",
            id="an element",
        ),
        pytest.param(
            "/Resources/Key/Properties/KeyPolicy/Statement/999", line_of("        Statement:"), id="no such element"
        ),
        pytest.param("/Resources/Key/Type/Deeper", line_of("    Type: AWS::KMS::Key"), id="below a text"),
        pytest.param("/Nothing", str(KEYS.path), id="no such section"),
    ],
)
def test_a_path_leads_to_its_line(path: str, expected: str) -> None:
    assert locate(KEYS, "Key", path) == expected


def test_what_the_text_does_not_have_is_only_its_file() -> None:
    assert locate(KEYS, "shipping-staging-keys") == str(KEYS.path)


def test_a_json_template_has_lines_as_well() -> None:
    body = json.dumps(dict(KEYS.content), indent=2)
    line = next(number for number, text in enumerate(body.splitlines(), 1) if text.startswith('    "Key": {'))

    assert locate(replace(KEYS, text=body), "Key") == f"{KEYS.path}:{line}"


@pytest.mark.parametrize("text", [KEYS.text, json.dumps(dict(KEYS.content), indent=2)], ids=["yaml", "json"])
def test_every_resource_has_its_line(text: str) -> None:
    lines = text.splitlines()
    found = resource_lines(replace(KEYS, text=text))

    assert found.keys() == KEYS.resources.keys()
    assert all(lines[line - 1].strip(' {"').startswith(name) for name, line in found.items())
