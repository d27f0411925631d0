"""The workflows that GitHub runs: what they use is pinned, and what configuration says stays a text."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import Any

import pytest
import yaml

from cicd_templates.render.github_workflow import workflow
from tests.conftest import ROOT, environment

USES = re.compile(r"^\s*(?:- )?uses:(.*)$", re.MULTILINE)
PINNED = re.compile(r" [\w.-]+/[\w./-]+@[0-9a-f]{40} # v\d+\.\d+\.\d+")


def rendered(branch: str = "main", path: str | None = None) -> str:
    tools = environment("tools")
    service = tools.services[0]
    github = service.settings.github.model_copy(update={"branch": branch})
    settings = service.settings.model_copy(update={"github": github, "path": path})
    return workflow(tools, replace(service, settings=settings))


def test_every_action_is_pinned_by_its_commit_and_names_its_version() -> None:
    workflows = {str(file): file.read_text() for file in (ROOT / ".github/workflows").glob("*.y*ml")}
    workflows["rendered"] = rendered()

    for name, text in workflows.items():
        uses = USES.findall(text)
        assert uses, name
        assert text.count("uses:") == len(uses), name
        assert [found for found in uses if not PINNED.fullmatch(found)] == [], name


@pytest.mark.parametrize("branch", ["1.0", "on", "null", "1e3", "0x10", "2026-01-01", ".inf", "release/2", "-"])
def test_a_branch_is_a_text_whatever_it_looks_like(branch: str) -> None:
    content: dict[Any, Any] = yaml.safe_load(rendered(branch))

    assert content[True] == {"push": {"branches": [branch]}}  # YAML 1.1 takes the key `on` for a truth


def test_what_configuration_says_reaches_the_shell_through_variables_alone() -> None:
    content: dict[Any, Any] = yaml.safe_load(rendered(path="1.0"))
    step = content["jobs"]["release"]["steps"][-1]

    assert step["env"]["TREE"] == "HEAD:1.0"
    assert {type(value) for value in step["env"].values()} == {str}
    assert step["run"] == yaml.safe_load(rendered())["jobs"]["release"]["steps"][-1]["run"]
