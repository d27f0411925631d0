"""The stacks that only the pipeline deploys: those of a protected environment whose service or task already exists."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from cicd_templates.deploy.change_sets.rendered_stacks import read_stacks
from cicd_templates.deploy.releases import pipeline_handover
from cicd_templates.deploy.releases.pipeline_handover import left_to_the_pipeline
from cicd_templates.template.stack_template import StackTemplate
from tests.conftest import rendered_stacks
from tests.unit.config.problems import SERVICE

GROUP, TASK, ECS_SERVICE = "AWS::Logs::LogGroup", "AWS::ECS::TaskDefinition", "AWS::ECS::Service"


@pytest.fixture(scope="module")
def stacks(tmp_path_factory: pytest.TempPathFactory) -> dict[str, StackTemplate]:
    folder = tmp_path_factory.mktemp("out") / "production"
    folder.mkdir()
    for stack in rendered_stacks((f"{SERVICE}/migration", ["migrate"])):
        if Path(stack.path).parent.name == "production":
            (folder / Path(stack.path).name).write_text(stack.text)
    return {stack.path.stem.partition("-")[0]: stack for stack in read_stacks(folder)}


@pytest.mark.no_cover
@pytest.mark.parametrize(
    ("layer", "live", "expected"),
    [
        ("service", [GROUP, TASK, ECS_SERVICE], True),
        ("service", [GROUP, TASK], False),
        ("migration", [GROUP, TASK], True),
        ("migration", [GROUP], False),
        ("migration", None, False),
        ("ingress", [GROUP, TASK], False),
    ],
)
def test_a_stack_is_left_to_the_pipeline_once_it_has_what_a_release_changes(
    monkeypatch: pytest.MonkeyPatch,
    stacks: dict[str, StackTemplate],
    layer: str,
    live: list[str] | None,
    expected: bool,
) -> None:
    tools: Any = SimpleNamespace(writes=lambda stack: bool(stack.deployed_as))
    clients: Any = SimpleNamespace()
    monkeypatch.setattr(
        pipeline_handover, "describe_stack", lambda _, name: None if live is None else {"StackName": name}
    )
    monkeypatch.setattr(
        pipeline_handover, "live_resources", lambda *_: [{"ResourceType": resource} for resource in live or ()]
    )

    assert left_to_the_pipeline(clients, tools, [stacks[layer]]) == ([stacks[layer]] if expected else [])
