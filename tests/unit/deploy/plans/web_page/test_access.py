"""The list of paths to data on the page, and the drawing: equal paths are one, and the size is limited."""

from __future__ import annotations

from dataclasses import replace

import pytest

from cicd_templates.deploy.plans.document import Plan
from cicd_templates.deploy.plans.web_page.access import MOST_PATHS, MOST_PRINCIPALS, access_content
from cicd_templates.template.changes.planned_stack import AccessPath, PlannedStack
from tests.unit.deploy.plans.test_document import PLAN

READS = AccessPath("service-till/Role", "reads", "s3:::uploads/*", True, "new")


def plan(*paths: AccessPath, service: str = "till", **fields: object) -> Plan:
    stack = PlannedStack(
        f"service-{service}", f"service-{service}", "s", change_set="arn", service=service, paths=paths
    )
    return replace(PLAN, environment="live", account="222222222222", stacks=(stack,), **fields)  # type: ignore[arg-type] # the fields of a plan


def test_only_changed_ways_to_data_are_listed_first() -> None:
    assumes = AccessPath("ecs.amazonaws.com", "assumes", "service-till/Role", False, "new")
    kept, gone = replace(READS, target="kept", change="same"), replace(READS, right="writes", change="gone")
    content = access_content([plan(kept, gone, READS, replace(READS, target="s3:::b/*"), assumes)])

    assert content["changed"]["count"] == 3
    assert [(row["change"], row["right"], row["target"]) for row in content["changed"]["paths"]] == [
        ("new", "reads", "s3:::uploads/*, s3:::b/*"),
        ("gone", "writes", "s3:::uploads/*"),
    ]
    assert [(row["target"], row["extent"]) for row in content["same"]["paths"]] == [("kept", "live, 222222222222")]


@pytest.mark.parametrize(
    ("plans", "title"),
    [
        ([plan(protected=False)], "Who can reach data"),
        ([plan(protected=True)], "Who can reach protected data (live)"),
        (
            [plan(protected=False), replace(plan(protected=True), environment="b")],
            "Who can reach protected data (b)",
        ),
    ],
    ids=["not protected", "protected", "one of two"],
)
def test_protection_is_a_property_of_the_environment_and_not_its_name(plans: list[Plan], title: str) -> None:
    assert access_content(plans)["title"] == title


def test_the_drawing_has_boxes_of_accounts_and_one_arrow_for_all_rights_of_a_pair() -> None:
    key = AccessPath("iam::333333333333:root", "reads", "keys/Key", True, "new")
    content = access_content([
        plan(
            READS,
            replace(READS, right="writes"),
            key,
            replace(key, principal="*"),
            replace(key, principal="ecs.amazonaws.com", target="*"),
            replace(key, principal="logs.cn-north-1.amazonaws.com.cn", target="*"),
            replace(READS, principal="iam::222222222222:root"),
        )
    ])["drawing"]  # fmt: skip

    assert [(node["side"], node["box"], node["label"]) for node in content["nodes"]] == [
        ("from", "live, 222222222222", "service-{service}/Role".replace("{service}", "till")),
        ("to", "live, 222222222222", "s3:::uploads/*"),
        ("from", "account 333333333333", "iam::333333333333:root"),
        ("to", "live, 222222222222", "keys/Key"),
        ("from", "anyone", "*"),
        ("from", "AWS services", "ecs.amazonaws.com"),
        ("to", "live, 222222222222", "every resource"),
        ("from", "AWS services", "logs.cn-north-1.amazonaws.com.cn"),
        ("from", "live, 222222222222", "iam::222222222222:root"),
    ]
    assert content["arrows"][0] == {"start": 0, "end": 1, "change": "new", "right": "reads, writes"}


def test_forty_equal_services_are_one_node_with_their_number() -> None:
    stacks = tuple(
        PlannedStack(name, f"service-{name}", "s", change_set="arn", service=name, paths=(path,))
        for name in (f"shop-{number}" for number in range(40))
        for path in (replace(READS, principal=f"service-{name}/Role", target=f"s3:::{name}/*"),)
    )
    shared = PlannedStack("keys", "keys", "s", change_set="arn", paths=(replace(READS, principal="keys/Role"),))
    content = access_content([replace(plan(), stacks=(*stacks, shared))])

    assert [(node["label"], node["count"]) for node in content["drawing"]["nodes"]] == [
        ("service-{service}/Role", 40),
        ("s3:::{service}/*", 40),
        ("keys/Role", 1),
        ("s3:::uploads/*", 1),
    ]
    assert content["changed"]["paths"][0]["extent"] == "live, 222222222222, 40 services"


def test_the_size_of_list_and_drawing_is_limited() -> None:
    wide = [replace(READS, target=f"s3:::{number}/*") for number in range(20)]
    many = [replace(READS, principal=f"role-{number}") for number in range(MOST_PATHS + 5)]
    content = access_content([plan(*wide, *many)])

    assert content["changed"]["more"] == 6
    assert content["changed"]["paths"][0]["more"] == 12
    labels = [node["label"] for node in content["drawing"]["nodes"]]
    assert "20 resources" in labels
    assert "98 more principals" in labels
    assert len(labels) <= 12


@pytest.mark.parametrize("service", ["till", ""], ids=["of a service", "that is shared"])
def test_two_permissions_of_one_stack_are_one_path_without_a_number_of_services(service: str) -> None:
    content = access_content([plan(READS, READS, service=service)])

    assert [(node["label"], node["count"]) for node in content["drawing"]["nodes"]] == [
        ("service-till/Role", 1),
        ("s3:::uploads/*", 1),
    ]
    assert [row["extent"] for row in content["changed"]["paths"]] == ["live, 222222222222"]


def test_principals_that_are_not_shown_are_counted_in_the_box_of_each_account() -> None:
    plans = [
        replace(
            plan(*(replace(READS, principal=f"{name}-{number}") for number in range(10)), service=""),
            environment=name,
            account=account,
        )
        for name, account in (("one", "111111111111"), ("two", "222222222222"))
    ]
    nodes = access_content(plans)["drawing"]["nodes"]

    assert [(node["box"], node["label"]) for node in nodes if "more" in node["label"]] == [
        ("one, 111111111111", "2 more principals"),
        ("two, 222222222222", "10 more principals"),
    ]


def test_only_equal_targets_are_one_node_with_their_number() -> None:
    def reads(principal: str, targets: str) -> list[AccessPath]:
        return [replace(READS, principal=principal, target=target) for target in targets]

    content = access_content([plan(*reads("a", "vwxyz"), *reads("b", "VWXYZ"), *reads("c", "vwxyz"))])["drawing"]

    assert [node["label"] for node in content["nodes"]] == ["a", "5 resources", "b", "5 resources", "c"]
    assert [(arrow["start"], arrow["end"]) for arrow in content["arrows"]] == [(0, 1), (2, 3), (4, 1)]


def test_all_targets_of_the_principals_that_are_not_shown_are_one_node() -> None:
    paths = [
        replace(READS, principal=f"role-{number}", target=f"{number}-{each}")
        for number in range(50)
        for each in range(5)
    ]
    nodes = access_content([plan(*paths)])["drawing"]["nodes"]

    assert [node["label"] for node in nodes][-2:] == ["42 more principals", "210 resources"]
    assert len(nodes) == 2 * MOST_PRINCIPALS + 2
