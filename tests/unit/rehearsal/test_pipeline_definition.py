"""Pipeline definitions: the parts that are read, the parts that are ignored, and problems found before a run."""

from __future__ import annotations

from typing import Any

import pytest

from cicd_templates.rehearsal.pipeline_definition import Lock, read_pipeline
from cicd_templates.rehearsal.pipeline_definition_checks import find_problems
from tests.unit.rehearsal.pipelines import action, artifacts, conditions, properties, rule, stage

VERDICT = rule("Verdict", "VariableCheck", Variable="#{Gate.Verdict}", Operator="EQ", Value="PASS")


def test_stages_actions_and_locks_are_read_in_the_order_in_which_they_run() -> None:
    pipeline = read_pipeline(
        properties(
            stage("Source", action("App", "S3", OutputArtifacts=artifacts("App"), Namespace="App")),
            stage(
                "Build",
                action("Later", RunOrder=2, InputArtifacts=artifacts("App"), RoleArn="arn:role"),
                action("First"),
                action("Beside"),
                BeforeEntry=conditions(VERDICT),
            ),
        )
    )

    assert [each.path for each in pipeline.actions] == ["Source/App", "Build/First", "Build/Beside", "Build/Later"]
    assert [[each.name for each in group] for group in pipeline.stages[1].groups] == [["First", "Beside"], ["Later"]]
    assert pipeline.stages[1].locks == (Lock("Verdict", "#{Gate.Verdict}", "EQ", "PASS"),)
    assert (pipeline.bucket, pipeline.key, pipeline.uninterpreted) == ("bucket", "arn:key", ())
    later = pipeline.actions[-1]
    assert (later.role, later.inputs, later.outputs, later.namespace) == ("arn:role", ("App",), (), "")


def test_a_store_with_the_key_of_aws_has_none() -> None:
    assert read_pipeline(properties(ArtifactStore={"Location": "b"})).key == ""


@pytest.mark.parametrize(
    ("parts", "expected"),
    [
        ({"ExecutionMode": "SUPERSEDED", "Triggers": [{}]}, ["ExecutionMode: SUPERSEDED", "Triggers"]),
        ({"stage": {"OnFailure": {"Result": "ROLLBACK"}}}, ["S: OnFailure ROLLBACK"]),
        ({"stage": {"OnSuccess": conditions(rule("W", "DeploymentWindow"))}}, ["S: OnSuccess DeploymentWindow"]),
        ({"stage": {"BeforeEntry": conditions(rule("A", "CloudWatchAlarm"))}}, ["S: BeforeEntry CloudWatchAlarm"]),
        ({"stage": {"Blockers": {}}}, ["S: Blockers"]),
        ({"action": {"Region": "eu-west-1"}}, ["S/A: Region"]),
    ],
)
def test_what_only_aws_does_is_listed(parts: dict[str, Any], expected: list[str]) -> None:
    own = stage("S", action("A", **parts.pop("action", {})), **parts.pop("stage", {}))

    assert list(read_pipeline(properties(own, **parts)).uninterpreted) == expected


@pytest.mark.parametrize(
    ("stages", "expected"),
    [
        pytest.param(
            [stage("S", action("A", InputArtifacts=artifacts("X")))],
            "S/A: no earlier action produces the artifact X; earlier actions produce none",
            id="an artifact of nobody",
        ),
        pytest.param(
            [stage("S", action("A", OutputArtifacts=artifacts("X")), action("B", InputArtifacts=artifacts("X")))],
            "S/B: no earlier action produces the artifact X; earlier actions produce none",
            id="an artifact of the same moment",
        ),
        pytest.param(
            [stage("S", action("A", OutputArtifacts=artifacts("X")), action("B", OutputArtifacts=artifacts("X")))],
            "S/B: an earlier action already produces the output artifact X; choose another name",
            id="an artifact twice",
        ),
        pytest.param(
            [stage("S", action("A", Configuration={"a": ["#{Gate.Verdict} #{codepipeline.PipelineExecutionId}"]}))],
            "S/A: it uses variables #{Gate.*}, but no earlier action exports them",
            id="a variable of nobody",
        ),
        pytest.param(
            [stage("S", action("A"), BeforeEntry=conditions(VERDICT))],
            "S: its check Verdict uses variables #{Gate.*}, but no earlier action exports them",
            id="a lock without a variable",
        ),
        pytest.param(
            [stage("S", action("A", "Jenkins"))],
            "S/A: a rehearsal does not support actions of Jenkins",
            id="another provider",
        ),
    ],
)
def test_what_cannot_run_is_reported_before_the_run(stages: list[dict[str, Any]], expected: str) -> None:
    assert find_problems(read_pipeline(properties(*stages)), {"CodeBuild"}.__contains__) == [expected]


def test_what_fits_has_no_problem() -> None:
    stages = [
        stage("S", action("App", OutputArtifacts=artifacts("App"), Namespace="Gate")),
        stage("B", action("A", InputArtifacts=artifacts("App")), BeforeEntry=conditions(VERDICT)),
    ]

    assert find_problems(read_pipeline(properties(*stages)), {"CodeBuild"}.__contains__) == []
