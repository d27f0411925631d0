"""Similar changes become one row, and the rows that need most attention come first."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest

from cicd_templates.deploy.plans.document import Plan
from cicd_templates.deploy.plans.web_page.folding import fold
from cicd_templates.functions.change_page.rows import Row, nature_of
from cicd_templates.template.changes.impact import Change, Detail, Impact, change_of
from cicd_templates.template.changes.planned_stack import PlannedStack
from cicd_templates.template.policy_diff import PolicyDiff
from tests.unit.deploy.plans.test_document import PLAN
from tests.unit.deploy.plans.web_page import planned_changes as changes
from tests.unit.deploy.plans.web_page.planned_changes import SERVICES_40, PlannedChange

SAFE = Impact("safe")
LOST = Impact("replacement", holds="a table", fate="deleted")


def modified(name: str, before: str, after: str, resource_type: str = "AWS::ECS::Service") -> Change:
    return Change("Modify", name, resource_type, "False", details=(Detail("Properties", "Value", "", before, after),))


def stack(service: str, *planned: tuple[Change, Impact], layer: str = "service", **fields: object) -> PlannedStack:
    label = f"{layer}-{service}" if service else layer
    rows, impacts = tuple(change for change, _ in planned), tuple(impact for _, impact in planned)
    made = PlannedStack(label, label, "s", change_set="arn", service=service, changes=rows, impacts=impacts)
    return replace(made, file=f"out/{label}.yaml", **fields)  # type: ignore[arg-type] # the fields of a stack


def plan(*stacks: PlannedStack, environment: str = "staging", account: str = "222222222222") -> Plan:
    return replace(PLAN, environment=environment, suffix="", account=account, stacks=stacks, waits={})


def shown(rows: list[Row]) -> list[tuple[str, str, str]]:
    return [(row.title, row.effect, row.extent) for row in rows]


@pytest.mark.no_cover
def test_forty_services_that_change_alike_are_one_row(tmp_path: Path) -> None:
    rows = fold([PlannedChange(changes.scale_services, services=SERVICES_40).plan(tmp_path)])

    assert shown(rows) == [("service-{service}/Service", "modified", "40 services: the same")]
    assert [place.name for place in rows[0].places] == [f"service-{service}/Service" for service in SERVICES_40]
    assert rows[0].places[7].source == "out/staging/service-shop-07.yaml:1"
    assert rows[0].change.details == (
        Detail("Properties", "DesiredCount", "/Properties/DesiredCount", "2", "3", "Never"),
    )


def test_three_environments_with_forty_services_are_one_row() -> None:
    plans = [
        plan(*(stack(name, (modified("Q", "", f"{env}-{name}"), SAFE)) for name in SERVICES_40), environment=env)
        for env in ("dev", "staging", "production")
    ]

    assert shown(fold(plans)) == [("service-{service}/Q", "modified", "3 environments, 40 services: the same")]


def test_images_of_all_services_are_two_rows(tmp_path: Path) -> None:
    assert shown(fold([PlannedChange(changes.release_images).plan(tmp_path)])) == [
        ("service-{service}/Service", "modified, runs the new revision", "2 services: the same"),
        ("service-{service}/TaskDefinition", "new revision, only images", "2 services: the same"),
    ]


@pytest.mark.no_cover
def test_one_of_forty_services_that_differs_has_a_row_of_its_own(tmp_path: Path) -> None:
    def scale(project: changes.Project) -> None:
        changes.scale_services(project)
        project["service-shop-13"]["Service"]["Properties"]["DesiredCount"] = 300

    rows = fold([PlannedChange(scale, services=SERVICES_40).plan(tmp_path)])

    assert shown(rows) == [
        ("service-shop-13/Service", "modified", ""),
        ("service-{service}/Service", "modified", "39 services: the same"),
    ]
    assert [detail.after for row in rows for detail in row.change.details] == ["300", "3"]


def test_new_stacks_of_a_layer_are_one_row_if_their_resources_are_the_same(tmp_path: Path) -> None:
    def add(project: changes.Project) -> None:
        project.update({f"service-{name}": changes.service_stack(name) for name in ("locker", "scale", "printer")})
        project["service-printer"].pop("Table")

    rows = fold([PlannedChange(add).plan(tmp_path)])

    assert shown(rows) == [
        ("service-printer", "new stack", ""),
        ("service-{service}", "new stack", "2 services: the same"),
    ]
    assert rows[0].contents == (("AWS::ECS::Service", 1), ("AWS::ECS::TaskDefinition", 1), ("AWS::IAM::Role", 1))


def test_values_with_the_names_of_environment_account_and_service_are_alike() -> None:
    def named(environment: str, account: str, service: str) -> Plan:
        value = f"arn:aws:sqs:x:{account}:shop-{environment}-{service}"
        return plan(stack(service, (modified("Q", "", value), SAFE)), environment=environment, account=account)

    rows = fold([named("dev", "111111111111", "till"), named("live", "333333333333", "kiosk")])

    assert shown(rows) == [("service-{service}/Q", "modified", "2 environments, 2 services, 2 resources: the same")]
    assert rows[0].change.details[0].after == "arn:aws:sqs:x:{account}:shop-{environment}-{service}"


def test_one_service_and_a_place_of_its_own_keep_their_names() -> None:
    both = [(modified(name, "", "queue-till"), SAFE) for name in ("A", "B")]
    rows = fold([plan(stack("till", *both), stack("kiosk", (modified("A", "", "till of kiosk"), SAFE)))])

    assert shown(rows) == [
        ("2 resources", "modified", "2 resources: the same"),
        ("service-kiosk/A", "modified", ""),
    ]
    assert [row.change.details[0].after for row in rows] == ["queue-till", "till of kiosk"]


def test_services_with_the_names_of_services_of_aws_hide_no_action() -> None:
    allowed = (("s3", "allow s3:GetObject"), ("sqs", "allow sqs:GetObject"))
    rows = fold([
        plan(*(
            stack(name, (Change("Modify", "R", "AWS::IAM::Role"), SAFE), grants={"R": PolicyDiff((text,), (), True)})
            for name, text in allowed
        ))
    ])  # fmt: skip

    assert [(row.title, row.grants.added) for row in rows] == [
        ("service-s3/R", ("allow s3:GetObject",)),
        ("service-sqs/R", ("allow sqs:GetObject",)),
    ]


def test_a_plan_without_account_and_environment_is_folded_as_well() -> None:
    plans = [plan(stack("a", (modified("Q", "", value), SAFE)), environment="", account="") for value in "xy"]

    assert [row.change.details[0].after for row in fold(plans)] == ["x", "y"]


def test_equal_losses_of_two_resources_stay_two_rows_because_each_must_be_allowed() -> None:
    both = [(modified(name, "1", "2"), LOST) for name in ("Orders", "Carts")]

    assert [title for title, _, _ in shown(fold([plan(stack("till", *both), stack("kiosk", *both))]))] == [
        "service-{service}/Carts",
        "service-{service}/Orders",
    ]


def test_rows_are_ordered_by_the_attention_that_they_need() -> None:
    kept = replace(LOST, fate="kept, outside the stack")
    tags = Change("Modify", "Tagged", "T", "False", details=(Detail("Tags", ""),))
    image = Change(
        "Modify", "Task", "AWS::ECS::TaskDefinition", "True",
        details=(Detail("Properties", "ContainerDefinitions", "/Properties/ContainerDefinitions/0/Image", "1", "2"),),
    )  # fmt: skip
    planned = [
        (tags, SAFE),
        (Change("Add", "Added", "T"), SAFE),
        (image, Impact("replacement")),
        (modified("Changed", "1", "2"), SAFE),
        (modified("Interrupted", "1", "2"), Impact("interruption", why="x")),
        (Change("Remove", "Gone", "T"), Impact("deletion")),
        (modified("Role", "1", "2"), Impact("IAM widening")),
        (modified("Kept", "1", "2"), kept),
        (modified("Perhaps", "1", "2"), replace(LOST, certain=False)),
        (modified("Lost", "1", "2"), LOST),
    ]
    widened = {"Role": PolicyDiff(("allow x",), (), True)}
    new = stack("", (Change("Add", "A", "T"), SAFE), layer="new", creates=True)
    rows = fold([plan(stack("", *planned, grants=widened), new)])

    assert [(row.severity, row.title, row.effect) for row in rows] == [
        (0, "service/Lost", "replaced"),
        (1, "service/Perhaps", "perhaps replaced"),
        (2, "service/Kept", "replaced"),
        (3, "service/Role", "modified, wider access"),
        (4, "service/Gone", "deleted"),
        (5, "service/Interrupted", "modified"),
        (6, "new", "new stack"),
        (7, "service/Changed", "modified"),
        (8, "service/Added", "added"),
        (8, "service/Task", "new revision, only images"),
        (9, "service/Tagged", "modified, only tags"),
    ]


CONTAINERS = [{"Name": "app", "Image": "app:1"}]


@pytest.mark.parametrize(
    ("name", "path", "before", "after", "expected"),
    [
        ("ContainerDefinitions", "/Properties/ContainerDefinitions/0/Image", "app:1", "app:2", "images"),
        ("ContainerDefinitions", "/Properties/ContainerDefinitions/0/Cpu", "1", "2", ""),
        ("ContainerDefinitions", "", CONTAINERS, [{"Name": "app", "Image": "app:2"}], "images"),
        ("ContainerDefinitions", "", CONTAINERS, [{"Name": "app", "Image": "app:2", "Cpu": 2}], ""),
        ("ContainerDefinitions", "", "no JSON", "no JSON", ""),
        ("ContainerDefinitions", "", 1, 1, ""),
        ("ContainerDefinitions", "", [1], [1], ""),
        ("Cpu", "", "1", "2", ""),
        ("Tags", "", "", "x", "tags"),
    ],
)
def test_a_new_revision_of_a_task_is_only_an_image_if_nothing_else_differs(
    name: str, path: str, before: object, after: object, expected: str
) -> None:
    texts = [value if isinstance(value, str) else json.dumps(value) for value in (before, after)]
    change = Change("Modify", "Task", "AWS::ECS::TaskDefinition", "True", details=(Detail("P", name, path, *texts),))

    assert nature_of(change) == expected


@pytest.mark.parametrize(
    ("before", "after", "expected"),
    [("plain", "plain", "images"), ("a", "b", ""), ("****", "****", "")],
    ids=["no secret", "another secret", "masked by CloudFormation"],
)
def test_a_masked_value_that_may_differ_is_not_only_an_image(before: str, after: str, expected: str) -> None:
    texts = [
        json.dumps([{"Image": image, "Environment": [{"Name": "TOKEN" if len(value) == 1 else "T", "Value": value}]}])
        for image, value in (("app:1", before), ("app:2" if after == before else "app:1", after))
    ]
    target = {"Name": "ContainerDefinitions", "BeforeValue": texts[0], "AfterValue": texts[1]}
    change = change_of(
        {
            "Action": "Modify", "LogicalResourceId": "Task", "ResourceType": "AWS::ECS::TaskDefinition",
            "Details": [{"Target": {**target, "Attribute": "Properties"}}],
        }
    )  # fmt: skip

    assert nature_of(change) == expected


def test_masked_values_of_several_services_are_not_called_the_same() -> None:
    stacks = [stack(name, (modified("Q", "****", "**** (cannot be compared)"), SAFE)) for name in ("till", "kiosk")]

    assert shown(fold([plan(*stacks)])) == [
        ("service-{service}/Q", "modified", "2 services: alike, but masked values were not compared")
    ]


def test_an_addition_and_a_change_without_details_have_no_nature() -> None:
    assert nature_of(Change("Add", "A", "T", details=(Detail("Tags", ""),))) == ""
    assert nature_of(Change("Modify", "A", "T")) == ""
    assert nature_of(modified("Service", "1", "2")) == ""
