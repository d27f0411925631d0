"""What a rehearsal refuses before it stores a token or releases anything."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from cicd_templates.errors import CicdError
from cicd_templates.rehearsal import deployed_pipeline, rehearse
from cicd_templates.rehearsal.build_tools import BuildTools
from cicd_templates.rehearsal.pipeline_definition import read_pipeline
from tests.unit.rehearsal.pipelines import action, artifacts, properties, stage


def test_a_pipeline_that_cannot_run_is_refused_with_all_its_problems(monkeypatch: pytest.MonkeyPatch) -> None:
    build = action("Image", InputArtifacts=artifacts("App"))
    pipeline = read_pipeline(properties(stage("Source", action("Code", "CodeCommit")), stage("Build", build)))
    stack: Any = SimpleNamespace(account="111111111111", region="eu-central-1")
    engine: Any = SimpleNamespace(url="http://127.0.0.1:1", secret="x")
    archive: Any = None
    deployed: list[Any] = []
    monkeypatch.setattr(deployed_pipeline, "deploy_stacks", lambda engine, stacks: deployed.extend(stacks))
    monkeypatch.setattr(deployed_pipeline, "pipeline_stack", lambda stacks, service: stack)
    monkeypatch.setattr(deployed_pipeline, "read_definition", lambda *of: SimpleNamespace(pipeline=pipeline))
    # Without this function, a pipeline that is not refused fails here.
    monkeypatch.delattr(deployed_pipeline, "store_tokens")

    expected = (
        "p cannot run:\n  Source/Code: a rehearsal does not support actions of CodeCommit"
        "\n  Build/Image: no earlier action produces the artifact App; there are none"
    )
    with (
        pytest.raises(CicdError) as refused,
        rehearse.run_rehearsal(
            engine,
            [stack],
            None,
            archive,
            tools=BuildTools(Path("none")),
            tokens={},
            network={},
            confirm=lambda question: True,
        ),
    ):
        pytest.fail("it ran")
    assert (str(refused.value), deployed) == (expected, [stack])
