"""The JSON that the page displays."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from cicd_templates.deploy.change_sets.drift import DriftedResource, PropertyDrift, StackDrift
from cicd_templates.deploy.plans import document
from cicd_templates.deploy.plans.document import Plan
from cicd_templates.deploy.plans.web_page.contents import contents
from cicd_templates.deploy.plans.web_page.folding import fold
from cicd_templates.template.changes.impact import Change, Detail, Impact
from cicd_templates.template.changes.planned_stack import PlannedStack
from cicd_templates.template.policy_diff import PolicyDiff
from tests.unit.deploy.plans.test_document import PLAN
from tests.unit.deploy.plans.web_page import planned_changes as changes
from tests.unit.deploy.plans.web_page.planned_changes import PlannedChange


def shown(*plans: Plan) -> dict[str, Any]:
    return contents(plans, fold(plans), 1200)


def test_drift_is_shown_as_the_words_that_differ_from_the_template() -> None:
    changed = DriftedResource("Key", "AWS::KMS::Key", "k.yaml:7", "MODIFIED", (PropertyDrift("/A", "on", "off"),))
    unread = DriftedResource("Alias", "AWS::KMS::Alias", "k.yaml:9", "UNKNOWN", reason="not yours")
    drift = (StackDrift("keys", (changed, unread)), StackDrift("network", problem="denied"))
    plan = replace(PLAN, stacks=(), waits={}, drift=drift)

    assert contents([plan], [], 100)["drift"] == [
        {
            "title": "keys/Key", "type": "AWS::KMS::Key", "effect": "modified", "reason": "", "source": "k.yaml:7",
            "values": [{"name": "/A", "parts": [["gone", "on"], ["new", "off"]]}],
        },
        {
            "title": "keys/Alias", "type": "AWS::KMS::Alias", "effect": "could not be read", "reason": "not yours",
            "source": "k.yaml:9", "values": [],
        },
    ]  # fmt: skip
    assert contents([plan], [], 100)["notes"] == [{"text": "Not checked for drift: denied", "stacks": ["network"]}]
    several = contents([plan, replace(PLAN, environment="qa", stacks=(), waits={})], [], 100)
    assert several["drift"][0]["title"] == "staging-pr1: keys/Key"
    assert several["notes"][0]["stacks"] == ["staging-pr1: network"]


def test_a_row_has_what_a_reviewer_needs(tmp_path: Path) -> None:
    plan = PlannedChange(changes.replace_table).plan(tmp_path)

    assert shown(plan) == {
        "plans": [{"environment": "staging", "digest": document.digest(plan)}],
        "paths": {
            "title": "Who can reach data",
            "changed": {"count": 0, "more": 0, "paths": []},
            "same": {"count": 0, "more": 0, "paths": []},
            "drawing": {"nodes": [], "arrows": []},
        },
        "filters": ["data loss", "access", "replaced", "perhaps replaced", "interruption"],
        "environments": [],
        "rows": [
            {
                "id": 1,
                "title": "service-till/Table",
                "type": "AWS::DynamoDB::Table",
                "effect": "replaced",
                "extent": "",
                "concerns": ["data loss", "replaced"],
                "environments": ["staging"],
                "places": [{"name": "service-till/Table", "source": "out/staging/service-till.yaml:1"}],
                "data": "a table: deleted",
                "consequence": "",
                "wait": "5 min",
                "contents": [],
                "values": [
                    {
                        "name": "TableName",
                        "recreation": "Always",
                        "parts": [["gone", "shipping-staging-till"], ["new", "shipping-staging-orders"]],
                    }
                ],
                "access": [],
            }
        ],
        "drift": [],
        "notes": [{"text": "Nothing changes", "stacks": ["keys", "network", "storage", "service-kiosk"]}],
    }


def test_places_in_several_environments_name_theirs(tmp_path: Path) -> None:
    plans = [PlannedChange(changes.move_subnet, environment=name).plan(tmp_path / name) for name in ("dev", "live")]
    content = shown(*plans)

    assert [place["name"] for place in content["rows"][0]["places"]] == [
        "dev: network/PrivateSubnet",
        "live: network/PrivateSubnet",
    ]
    assert content["notes"][0]["stacks"][:2] == ["dev: keys", "dev: storage"]


def test_a_new_stack_is_a_row_with_its_resources(tmp_path: Path) -> None:
    row = shown(PlannedChange(changes.add_service).plan(tmp_path))["rows"][0]

    assert (row["title"], row["type"], row["effect"], row["wait"]) == ("service-locker", "", "new stack", "3 h")
    assert row["places"] == [{"name": "service-locker", "source": "out/staging/service-locker.yaml"}]
    assert row["contents"][0] == "1 AWS::DynamoDB::Table"


def with_access(*texts: tuple[tuple[str, ...], tuple[str, ...]]) -> list[dict[str, Any]]:
    (added, removed), *_ = texts
    planned = PlannedStack(
        "roles", "roles", "s", change_set="a", grants={"R": PolicyDiff(added, removed, True)},
        changes=(Change("Modify", "R", "AWS::IAM::Role"),), impacts=(Impact("IAM widening"),),
    )  # fmt: skip
    row = shown(replace(PLAN, stacks=(planned,)))["rows"][0]
    assert row["concerns"] == ["access"]
    access: list[dict[str, Any]] = row["access"]
    return access


@pytest.mark.parametrize(
    ("added", "removed", "expected"),
    [
        pytest.param(("allow a:B on x",), (), [("now", [["new", "allow a:B on x"]])], id="a new statement"),
        pytest.param((), ("deny a:B on x",), [("no longer", [["gone", "deny a:B on x"]])], id="one that goes"),
        pytest.param(
            ("allow a:B, a:C on bucket/x",),
            ("allow c:D on z", "allow a:B, a:C on bucket/y"),
            [
                (
                    "changed",
                    [["same", "allow a:B, a:C on "], ["gone", "bucket/y"], ["new", "bucket/x"]],
                ),
                ("no longer", [["gone", "allow c:D on z"]]),
            ],
            id="one that is like another",
        ),
        pytest.param(
            ("allow a:B on x",),
            ("deny c:D to everybody if z",),
            [("now", [["new", "allow a:B on x"]]), ("no longer", [["gone", "deny c:D to everybody if z"]])],
            id="two that are not alike",
        ),
        pytest.param((" ",), (" ",), [("now", [["new", " "]]), ("no longer", [["gone", " "]])], id="without words"),
    ],
)
def test_a_changed_statement_is_told_by_the_words_that_differ(
    added: tuple[str, ...], removed: tuple[str, ...], expected: list[tuple[str, Any]]
) -> None:
    assert [(entry["kind"], entry["parts"]) for entry in with_access((added, removed))] == expected


def test_values_without_a_difference_and_without_a_report_are_no_difference() -> None:
    details = (
        Detail("Properties", "SecretString", "", "(secret)", "(secret)", "Never"),
        Detail("Tags", "", recreation="Conditionally"),
    )
    planned = PlannedStack(
        "db", "db", "s", change_set="a", impacts=(Impact("interruption", why="it restarts"),),
        changes=(Change("Modify", "Db", "AWS::RDS::DBInstance", "False", details=details),),
    )  # fmt: skip
    row = shown(replace(PLAN, stacks=(planned,)))["rows"][0]

    assert (row["concerns"], row["consequence"], row["wait"]) == (["interruption"], "it restarts", "")
    assert row["values"] == [
        {"name": "SecretString", "recreation": "", "parts": [["same", "(secret)"]]},
        {"name": "Tags", "recreation": "Conditionally", "parts": []},
    ]


def test_what_holds_for_whole_stacks_is_noted_once() -> None:
    outputs = PlannedStack("a", "a", "s", change_set="arn", findings=("warning: x",))
    stacks = (outputs, replace(outputs, name="b", label="b"), PlannedStack("c", "c", "s"))
    waiting = replace(PLAN, stacks=stacks, waits={"d": ("a", "b"), "e": ("a", "b")}, removed=("old",))

    assert shown(waiting)["notes"] == [
        {"text": "warning: x", "stacks": ["a", "b"]},
        {"text": "Only outputs or tags of the stack change", "stacks": ["a", "b"]},
        {"text": "Nothing changes", "stacks": ["c"]},
        {"text": "Planned later, after a, b", "stacks": ["d", "e"]},
        {"text": "No longer rendered, but left in AWS", "stacks": ["old"]},
    ]
