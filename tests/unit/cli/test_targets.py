"""A target where everything that was chosen is the pipeline's by now."""

from __future__ import annotations

import contextlib
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from cicd_templates.cli.targets import Target
from cicd_templates.deploy.aws.polling import Polling
from cicd_templates.deploy.change_sets.stacks import read_stacks
from cicd_templates.deploy.releases.handover import left_to_the_pipeline
from cicd_templates.deploy.reporting.report import Event, Heading, Note
from cicd_templates.deploy.runs.approval import DeclinedError
from cicd_templates.errors import RefusedError
from cicd_templates.local.engine import Engine
from tests.conftest import ROOT
from tests.fakes.scripted_cloudformation import FakeClients, FakeCloudFormation, stack

RUNNING = [{"LogicalResourceId": "Service", "ResourceType": "AWS::ECS::Service", "ResourceStatus": "CREATE_COMPLETE"}]
ADOPTED = [
    {"LogicalResourceId": "LogGroup", "ResourceType": "AWS::Logs::LogGroup", "ResourceStatus": "UPDATE_COMPLETE"}
]
GONE = [{**RUNNING[0], "ResourceStatus": "DELETE_COMPLETE"}]


class Tools:
    """A pipeline that writes every service."""

    def __init__(self, has: str = "handed over") -> None:
        self.has, self.published = has, 0

    def handed_over(self) -> str:
        return self.has

    def writes(self, stack: object) -> bool:
        return True

    def publish_templates(self) -> str:
        self.published += 1
        return "templates: handed over"


def test_what_is_left_to_the_pipeline_altogether_is_deployed_by_nobody() -> None:
    stacks = read_stacks(ROOT / "out/production")
    service = [each for each in stacks if each.layer == "service"]
    clients: Any = FakeClients(FakeCloudFormation([stack("CREATE_COMPLETE")], resources=RUNNING))
    tools: Any = Tools()
    target = Target(stacks, service, clients, Polling(), None)
    said: list[Event] = []

    class Reporter:
        def report(self, event: Event) -> None:
            said.append(event)

    target.deploy(Reporter(), lambda question: True, tools)
    assert [type(event) for event in said] == [Heading, Note, Note]
    assert target.plan(Reporter(), tools) is None


@pytest.mark.parametrize("refused", [True, False])
def test_templates_are_handed_over_when_nothing_refuses_the_plan_any_more(
    refused: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    stacks = read_stacks(ROOT / "out/production")
    clients: Any = FakeClients(FakeCloudFormation([stack("CREATE_COMPLETE")]))
    tools: Any = Tools("older")
    made: Any = SimpleNamespace(labels=())

    def execute_plan(*arguments: Any, passed: Callable[[], None], **options: Any) -> None:
        if refused:
            raise RefusedError("a file has moved")
        assert tools.published == 0
        passed()

    monkeypatch.setattr("cicd_templates.deploy.runs.deployment.execute_plan", execute_plan)

    class Reporter:
        def report(self, event: Event) -> None:
            """Nobody listens."""

    with pytest.raises(RefusedError) if refused else contextlib.nullcontext():
        Target(stacks, stacks, clients, Polling(), None).execute(made, Path("p"), Reporter(), tools)
    assert tools.published == (not refused)


@pytest.mark.parametrize(("has", "asked"), [("older", 1), ("handed over", 0), ("none", 0)])
def test_other_templates_than_the_pipeline_has_are_handed_over_with_consent_only(has: str, asked: int) -> None:
    stacks = read_stacks(ROOT / "out/production")
    clients: Any = FakeClients(FakeCloudFormation([stack("CREATE_COMPLETE")], resources=RUNNING))
    tools: Any = Tools(has)
    target = Target(stacks, [each for each in stacks if each.layer == "service"], clients, Polling(), None)
    questions: list[str] = []

    class Reporter:
        def report(self, event: Event) -> None:
            """Nobody listens."""

    def refuse(question: str) -> bool:
        questions.append(question)
        return False

    if asked:
        with pytest.raises(DeclinedError, match="not handed to the pipeline, and nothing was deployed"):
            target.deploy(Reporter(), refuse, tools)
    else:
        target.deploy(Reporter(), refuse, tools)
    assert (len(questions), tools.published) == (asked, 1 - asked)


@pytest.mark.parametrize(
    ("found", "resources", "left"),
    [
        pytest.param("UPDATE_COMPLETE", RUNNING, 1, id="its service runs"),
        pytest.param("UPDATE_COMPLETE", ADOPTED, 0, id="only what was taken back"),
        pytest.param("UPDATE_COMPLETE", [*ADOPTED, *GONE], 0, id="its service is deleted"),
        pytest.param(None, [], 0, id="no stack"),
    ],
)
def test_a_stack_is_the_pipelines_as_soon_as_it_has_its_service(
    found: str | None, resources: list[dict[str, str]], left: int
) -> None:
    service = [each for each in read_stacks(ROOT / "out/production") if each.layer == "service"]
    tools: Any = Tools()
    clients: Any = FakeClients(FakeCloudFormation([stack(found) if found else None], resources=resources))

    assert len(left_to_the_pipeline(clients, tools, service)) == left


@pytest.mark.parametrize(("local", "words"), [(False, ""), (True, " LOCAL=1")])
def test_the_stack_of_the_pipeline_asked_for_by_name_is_refused_with_the_release(local: bool, words: str) -> None:
    stacks = read_stacks(ROOT / "out/production")
    service = [each for each in stacks if each.layer == "service"]
    clients: Any = FakeClients(FakeCloudFormation([stack("CREATE_COMPLETE")], resources=RUNNING))
    tools: Any = Tools()
    engine: Any = Engine(1, 1, ROOT) if local else None
    target = Target(stacks, service, clients, Polling(), engine, named=True)
    reporter: Any = SimpleNamespace(report=lambda event: None)

    with pytest.raises(RefusedError) as refused:
        target.plan(reporter, tools)
    assert str(refused.value).endswith(f"release instead: make release SERVICE=payment-processor{words} APP=<source>")
