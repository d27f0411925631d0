"""The requests that a rehearsal refuses before it stores a token or releases anything."""

from __future__ import annotations

import hashlib
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from cicd_templates.deploy.releases.archives import Archive
from cicd_templates.deploy.releases.templates_commit import TemplatesCommit
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
        "the pipeline p cannot run:\n  Source/Code: a rehearsal does not support actions of CodeCommit"
        "\n  Build/Image: no earlier action produces the artifact App; earlier actions produce none"
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


@pytest.mark.parametrize(
    ("commit", "known"),
    [
        pytest.param(TemplatesCommit("a" * 40), {"commit": "a" * 40}, id="committed templates"),
        pytest.param(TemplatesCommit(problem="out/x is in no commit"), {}, id="uncommitted templates"),
    ],
)
def test_a_run_from_a_connection_is_started_by_hand_with_the_commits_of_source_and_templates(
    commit: TemplatesCommit, known: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    calls: list[tuple[str, dict[str, str]]] = []

    def put_object(**request: Any) -> None:
        calls.append(("put_object", {"Key": request["Key"], **request["Metadata"]}))

    def start_pipeline_execution(**request: str) -> dict[str, str]:
        calls.append(("start_pipeline_execution", request))
        return {"pipelineExecutionId": "e-1"}

    account = SimpleNamespace(client=lambda service: SimpleNamespace(start_pipeline_execution=start_pipeline_execution))
    clients = SimpleNamespace(s3=SimpleNamespace(put_object=put_object))
    monkeypatch.setattr(rehearse, "root", lambda *of: account)
    monkeypatch.setattr(deployed_pipeline, "stack_clients", lambda *of: clients)
    monkeypatch.setattr(rehearse, "bundle", lambda stacks: b"templates")
    templates = action("Templates", "S3", Configuration={"S3Bucket": "b", "S3ObjectKey": "templates.zip"})
    source = stage("Source", action("App", "CodeStarSourceConnection"), templates)
    definition: Any = SimpleNamespace(
        pipeline=read_pipeline(properties(source)),
        stack=SimpleNamespace(account="111111111111", region="eu-west-1"),
    )
    engine: Any = SimpleNamespace(url="http://127.0.0.1:1", secret="x")

    released = rehearse._release_and_wait(engine, [], definition, Archive(b"PK", "c" * 40, "ada"), commit)

    assert released == ("c" * 40, "e-1")
    digest = hashlib.sha256(b"templates").hexdigest()
    uploaded = {
        "Key": "templates.zip",
        "sha256": digest,
        "handed-over-by": "arn:aws:iam::111111111111:root",
        **known,
    }
    assert calls == [("put_object", uploaded), ("start_pipeline_execution", {"name": "p"})]
