"""In every environment, shape and rollout, what a stage executes is compared with what is signed directly before."""

from __future__ import annotations

import json
from functools import cache
from typing import Any

import pytest

from cicd_templates.template import cloudformation_yaml
from tests.projects.rendering import rendered_project

PROJECTS = ["one-account", "queue-and-table", "rollouts", "settlement", "shipping", "worker"]


@cache
def pipelines(project: str) -> dict[str, Any]:
    paths = (rendered_project(project) / "out").glob("*/pipeline-*.yaml")
    templates = {path.stem: cloudformation_yaml.load(path.read_text())["Resources"] for path in paths}
    return {name: resources["Pipeline"]["Properties"]["Stages"] for name, resources in templates.items()}


def executions(stages: list[Any]) -> list[tuple[str, Any, list[Any]]]:
    """Return the actions that execute a change set, with their stages and the actions directly before them."""
    found = []
    for stage in stages:
        for action in stage["Actions"]:
            if action["Configuration"].get("ActionMode") == "CHANGE_SET_EXECUTE":
                before = [each for each in stage["Actions"] if int(each["RunOrder"]) == int(action["RunOrder"]) - 1]
                found.append((stage["Name"], action, before))
    return found


@pytest.mark.no_cover
@pytest.mark.parametrize("project", PROJECTS)
def test_no_change_set_is_executed_without_the_check_directly_before_it(project: str) -> None:
    assert pipelines(project)
    for name, stages in pipelines(project).items():
        assert len(executions(stages)) >= 2, name
        for stage, action, before in executions(stages):
            (check,) = before
            assert check["Configuration"]["FunctionName"] == {"Ref": "ApprovalCheckFunctionName"}, (name, stage)
            asked = json.loads(check["Configuration"]["UserParameters"]["Fn::Sub"])
            stacks = asked["stacks"].split(",")
            assert action["Configuration"]["StackName"] in stacks, (name, stage)
            assert action["Configuration"]["ChangeSetName"] == asked["changeSet"], (name, stage)
            assert asked["statements"] == "#{Sign.Statements}"
            assert len(asked["layers"].split(",")) == len(stacks)


@pytest.mark.no_cover
@pytest.mark.parametrize("project", PROJECTS)
def test_the_signer_runs_before_any_deployment_and_the_check_reads_with_its_names(project: str) -> None:
    for name, stages in pipelines(project).items():
        names = [stage["Name"] for stage in stages]
        first = min(names.index(stage) for stage, _, _ in executions(stages))
        (signing,) = [stage for stage in stages if "Sign" in [action["Name"] for action in stage["Actions"]]]
        assert names.index(signing["Name"]) < first, name
        folder = next((rendered_project(project) / "out").glob(f"*/{name}.yaml")).parent

        def function(stem: str, logical_id: str, name: str = name, folder: Any = folder) -> dict[str, Any]:
            text = (folder / f"{name.replace('pipeline', stem, 1)}.yaml").read_text()
            found: dict[str, Any] = cloudformation_yaml.load(text)["Resources"][logical_id]["Properties"]
            return found

        check, signer = function("review", "ApprovalCheck"), function("signer", "Signer")
        variables, signed = check["Environment"]["Variables"], signer["Environment"]["Variables"]
        for shared in ("SERVICE", "BUILDER", "GATE", "EVIDENCE_BUCKET", "TEMPLATES_BUCKET", "TEMPLATES_KEY"):
            assert variables[shared] == signed[shared], (name, shared)
        assert variables["SIGNING_KEY"] == {"Ref": "SigningKeyArn"}


@pytest.mark.no_cover
@pytest.mark.parametrize("project", PROJECTS)
def test_every_environment_that_is_not_protected_is_listed_and_no_other(project: str) -> None:
    for path in (rendered_project(project) / "out").glob("*/review-*.yaml"):
        resources = cloudformation_yaml.load(path.read_text())["Resources"]
        listed = resources["ApprovalCheck"]["Properties"]["Environment"]["Variables"]["WITHOUT_APPROVAL"].split(",")
        stages = pipelines(project)[path.stem.replace("review", "pipeline", 1)]
        approved = {
            json.loads(action["Configuration"]["UserParameters"]["Fn::Sub"])["environment"]: "reviewed"
            in json.loads(action["Configuration"]["UserParameters"]["Fn::Sub"])
            for _, _, before in executions(stages)
            for action in before
        }
        assert {name for name, needs in approved.items() if not needs} == set(listed), path
