"""A stack that reads a value which another stack of the plan changes needs another plan."""

from __future__ import annotations

from dataclasses import replace

import pytest

from cicd_templates.deploy.plans.moved_inputs import readers_of_moved_values
from cicd_templates.template.changes.impact import Change, Detail
from cicd_templates.template.changes.planned_stack import PlannedStack
from tests.fakes.rendered_stacks import rendered

HOST = "/shipping/staging/databases/Host"
PUBLISHER = rendered("databases", publishes={HOST: "a"})
READER = rendered("service", reads={"Host": HOST})
VALUE = Detail("Properties", "Value", before="a", after="b")
PARAMETER = Change("Modify", "Published0", "AWS::SSM::Parameter", "False", details=(VALUE,))


@pytest.mark.parametrize(
    ("change", "readers"),
    [
        (PARAMETER, ("service",)),
        (replace(PARAMETER, details=(replace(VALUE, cause="Cluster.Arn"),)), ()),
        (replace(PARAMETER, details=(Detail("Properties", "Tags"),)), ()),
        (replace(PARAMETER, action="Add"), ()),
        (replace(PARAMETER, resource_type="AWS::SNS::Topic"), ()),
    ],
    ids=["another value", "a reference that may stay", "only tags", "a new value", "another resource"],
)
def test_only_a_value_that_certainly_changes_needs_another_plan(change: Change, readers: tuple[str, ...]) -> None:
    planned = {
        PUBLISHER.name: PlannedStack(PUBLISHER.name, "databases", "s", changes=(change,)),
        READER.name: PlannedStack(READER.name, "service", "s", inputs={HOST: "a"}),
    }

    assert readers_of_moved_values([PUBLISHER, READER], planned) == readers
