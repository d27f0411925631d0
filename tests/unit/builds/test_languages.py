"""`make render` warns about Python defaults if none of a service's checks is for Python."""

from __future__ import annotations

from typing import Any

import pytest

from cicd_templates.builds.check_presets import PRESETS
from cicd_templates.builds.languages import PRESET_LANGUAGES, warnings
from cicd_templates.config.load import parse_configuration
from tests.conftest import raw_configuration
from tests.unit.config.problems import SERVICE

NODE = {"audit": {"preset": "npm-audit"}, "scan": {"preset": "semgrep"}}


@pytest.mark.parametrize(
    ("checks", "more", "warned"),
    [
        pytest.param(NODE, {}, "build.sbom and smoke: the default works only for Python", id="Node with defaults"),
        pytest.param(NODE, {"smoke": ["curl $SERVICE_URL"]}, "build.sbom: the default", id="its own smoke test"),
        pytest.param(
            NODE, {"smoke": ['python3 smoke/smoke.py "$SERVICE_URL"']}, "build.sbom: ", id="the default itself"
        ),
        pytest.param(NODE, {"build": {"sbom": ["x > $SBOM"]}}, "smoke: the default", id="its own bill of materials"),
        pytest.param(NODE, {"smoke": ["x"], "build": {"sbom": ["x"]}}, "", id="nothing left of the defaults"),
        pytest.param({**NODE, "tests": {"preset": "unit-tests"}}, {}, "", id="Node and Python"),
        pytest.param({"secrets": {"preset": "secrets"}}, {}, "build.sbom and smoke", id="no language at all"),
    ],
)
def test_a_python_default_is_reported_if_no_check_is_for_python(
    checks: dict[str, Any], more: dict[str, Any], warned: str
) -> None:
    edits = [(f"{SERVICE}/checks", checks), *((f"{SERVICE}/{key}", value) for key, value in more.items())]
    lines = list(warnings(parse_configuration(raw_configuration(*edits), source="file")))

    assert len(lines) == bool(warned)
    assert warned in "".join(lines)


def test_every_preset_has_a_language_or_reads_any_language() -> None:
    assert PRESETS.keys() - PRESET_LANGUAGES.keys() == {"secrets", "semgrep"}
