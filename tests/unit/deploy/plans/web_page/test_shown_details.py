"""Which details of a change the page shows: the tags and images that differ, and nothing that stays as it is."""

from __future__ import annotations

import json

import pytest

from cicd_templates.functions.change_page.rows import stack_rows
from cicd_templates.template.changes.impact import Change, Detail, Impact
from cicd_templates.template.changes.planned_stack import PlannedStack


def shown(resource_type: str, detail: Detail) -> list[tuple[str, str, str]]:
    changed = Change("Modify", "R", resource_type, "False", details=(detail,))
    stack = PlannedStack("s", "s", "sha", change_set="arn", changes=(changed,), impacts=(Impact("safe"),))
    (row,) = stack_rows("staging", stack)
    return [(each.path, each.before, each.after) for each in row.change.details]


def tags(**values: str) -> str:
    return json.dumps([{"Key": key, "Value": value} for key, value in values.items()])


@pytest.mark.parametrize(
    ("before", "after", "expected"),
    [
        (tags(A="1", B="2"), tags(A="1", B="3"), [("/Properties/Tags/B", "2", "3")]),
        ("", '{"A": "1"}', [("/Properties/Tags/A", "", "1")]),
        (tags(A="1"), "", [("/Properties/Tags/A", "1", "")]),
        (tags(A="1"), tags(A="1"), [("", tags(A="1"), tags(A="1"))]),
        ("(secret)", tags(A="1"), [("", "(secret)", tags(A="1"))]),
        (tags(A="1"), "[1]", [("", tags(A="1"), "[1]")]),
        ('[{"Name": "A"}]', tags(A="1"), [("", '[{"Name": "A"}]', tags(A="1"))]),
    ],
    ids=["another value", "a new tag", "a tag that is gone", "no difference", "no JSON", "no tags", "no keys"],
)
def test_only_tags_that_differ_are_shown(before: str, after: str, expected: list[tuple[str, str, str]]) -> None:
    assert shown("AWS::S3::Bucket", Detail("Properties", "Tags", before=before, after=after)) == expected


def test_only_containers_with_another_image_are_shown() -> None:
    before, after = ([{"Name": "app", "Image": image}, {"Name": "proxy", "Image": "p"}] for image in ("a:1", "a:2"))
    path = "/Properties/ContainerDefinitions"
    detail = Detail("Properties", "ContainerDefinitions", path, json.dumps(before), json.dumps(after))

    assert shown("AWS::ECS::TaskDefinition", detail) == [(f"{path}/app/Image", "a:1", "a:2")]
