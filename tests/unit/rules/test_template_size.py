"""E9163: the first templates fit into one request."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from cfnlint.template.template import Template

from cicd_templates.rules.template_size import BodySize
from cicd_templates.template.request_limits import TEMPLATE_BODY_BYTES


def found(template: dict[str, Any], filename: str | None = None) -> list[str]:
    return [match.message for match in BodySize().match(Template(filename, template, ["eu-central-1"]))]


def of_layer(layer: str, padding: str = "") -> dict[str, Any]:
    return {"Metadata": {"CicdTemplates": {"Layer": layer}, "Padding": padding}, "Resources": {}}


@pytest.mark.parametrize("layer", ["keys", "storage"])
def test_the_first_templates_are_measured(layer: str) -> None:
    assert found(of_layer(layer)) == []
    size = TEMPLATE_BODY_BYTES + len(str(of_layer(layer)).replace(" ", ""))
    assert found(of_layer(layer, "x" * TEMPLATE_BODY_BYTES)) == [
        f"the template has {size:,} bytes, but at most 51,200 fit into a request"
    ]


def test_a_file_is_measured_as_it_is_sent(tmp_path: Path) -> None:
    path = tmp_path / "keys.yaml"
    path.write_bytes(b"#" * (TEMPLATE_BODY_BYTES + 1))

    message = "the template has 51,201 bytes, but at most 51,200 fit into a request"
    assert found(of_layer("keys"), str(path)) == [message]
    path.write_bytes(b"#" * TEMPLATE_BODY_BYTES)
    assert found(of_layer("keys"), str(path)) == []


@pytest.mark.parametrize("metadata", [{"CicdTemplates": {"Layer": "build"}}, {"CicdTemplates": 7}, 7, None])
def test_others_may_be_larger(metadata: Any) -> None:
    assert found({"Metadata": metadata, "Resources": {}, "Description": "x" * TEMPLATE_BODY_BYTES}) == []
