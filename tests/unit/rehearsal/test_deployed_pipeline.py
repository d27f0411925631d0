"""Rendered stacks, as a rehearsal reads them."""

from __future__ import annotations

import shutil
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from cicd_templates.errors import ConfigurationError
from cicd_templates.rehearsal.build_projects import Project, Setting
from cicd_templates.rehearsal.deployed_pipeline import (
    PLACEHOLDER_TOKEN,
    pipeline_stack,
    read_every_stack,
    store_tokens,
)
from tests.conftest import PROJECT

OUT = PROJECT / "out"


def test_runtime_environments_come_before_the_one_that_needs_their_roles() -> None:
    stacks = read_every_stack(OUT)
    environments = list(dict.fromkeys(stack.links.environment for stack in stacks))

    assert environments == ["production", "staging", "tools"]
    assert pipeline_stack(stacks, None).label == "pipeline-parcel-dispatcher"
    assert pipeline_stack(stacks, "parcel-dispatcher").service == "parcel-dispatcher"


def test_a_copy_is_read_without_what_lies_beside_it(tmp_path: Path) -> None:
    for name in ("tools-pr1", "staging"):
        shutil.copytree(OUT / name.partition("-")[0], tmp_path / name)
    (tmp_path / "notes.txt").write_text("x")

    assert {stack.path.parent.name for stack in read_every_stack(tmp_path, "pr1")} == {"tools-pr1"}
    with pytest.raises(ConfigurationError, match="no rendered templates; run `make render SUFFIX=pr2` first"):
        read_every_stack(tmp_path, "pr2")
    with pytest.raises(ConfigurationError, match="no rendered templates; run `make render` first"):
        read_every_stack(tmp_path / "nowhere")


@pytest.mark.parametrize(
    ("pipelines", "service", "expected"),
    [
        (1, "other", "no pipeline of 'other'; there are parcel-dispatcher"),
        (0, None, "which service\\? Name one with --service; there are none"),
    ],
)
def test_a_pipeline_that_is_not_there_is_named(pipelines: int, service: str | None, expected: str) -> None:
    stacks = [stack for stack in read_every_stack(OUT) if pipelines or stack.layer != "pipeline"]

    with pytest.raises(ConfigurationError, match=expected):
        pipeline_stack(stacks, service)


def test_a_token_goes_into_the_secret_of_its_variable_and_a_placeholder_into_every_other() -> None:
    put: list[dict[str, str]] = []
    secrets = SimpleNamespace(put_secret_value=lambda **request: put.append(request))
    session: Any = SimpleNamespace(client=lambda service: secrets)
    settings = (
        Setting("TOKEN", "arn:a", "SECRETS_MANAGER"),
        Setting("OTHER", "arn:b", "SECRETS_MANAGER"),
        Setting("A", "1"),
    )
    project = Project("p", "arn", "role", "", settings, 1, "", "", "")
    definition: Any = SimpleNamespace(projects={"p": project})

    store_tokens(session, definition, {"TOKEN": "t", "A": "2"})
    assert put == [
        {"SecretId": "arn:a", "SecretString": "t"},
        {"SecretId": "arn:b", "SecretString": PLACEHOLDER_TOKEN},
    ]
