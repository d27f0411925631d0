"""A target where everything that was chosen is the pipeline's by now."""

from __future__ import annotations

from typing import Any

from cicd_templates.deploy.report import Event, Heading, Note
from cicd_templates.deploy.stacks import read_stacks
from cicd_templates.deploy.waiting import Patience
from cicd_templates.targets import Target
from tests.conftest import ROOT
from tests.unit.deploy.fake_cloudformation import FakeClients, FakeCloudFormation, stack


class Tools:
    """A pipeline that writes every service."""

    def writes(self, stack: object) -> bool:
        return True

    def publish_templates(self) -> str:
        return "templates: handed over"


def test_what_is_left_to_the_pipeline_altogether_is_deployed_by_nobody() -> None:
    stacks = read_stacks(ROOT / "out/production")
    service = [each for each in stacks if each.layer == "service"]
    clients: Any = FakeClients(FakeCloudFormation([stack("CREATE_COMPLETE")]))
    tools: Any = Tools()
    target = Target(stacks, service, clients, Patience(), None)
    said: list[Event] = []

    class Reporter:
        def report(self, event: Event) -> None:
            said.append(event)

    target.deploy(Reporter(), lambda question: True, tools)
    assert [type(event) for event in said] == [Heading, Note, Note]
    assert target.plan(Reporter(), tools) is None
