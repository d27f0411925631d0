"""Ten changes of a rendered project, each told on the page of its plan. `ten_changes` makes them."""

from __future__ import annotations

import html
import json
import re
from pathlib import Path
from typing import Any

import pytest

from tests.unit.deploy.plans.web_page import ten_changes
from tests.unit.deploy.plans.web_page.ten_changes import TEN_CHANGES, RenderedChange, write_pages

CHANGES = {change.name: change for change in TEN_CHANGES}
NOTHING_LOST = "Nothing that holds data is deleted or replaced."
NOBODY = "No policy statement allows more than before."
UNCHECKED = "Not checked in production; `make plan DRIFT=1` checks it."
DEPLOY = "make deploy PLAN=.state/plans/production.json"


def told(page: str) -> tuple[str, ...]:
    """The answers at the top of a page, and the command without its digest."""
    answers = [html.unescape(re.sub("<[^>]+>", "", text)) for text in re.findall("<dd>(.*?)</dd>", page, re.DOTALL)]
    return (*answers[:-1], re.sub(" DIGEST=[0-9a-f]{64}$", "", answers[-1]))


def data(page: str) -> Any:
    return json.loads(page.partition('id="plan">')[2].partition("</script>")[0])


def rows(page: str) -> list[tuple[str, str, str]]:
    return [(row["title"], row["effect"], row["extent"]) for row in data(page)["rows"]]


ANSWERS = {
    "moved subnet": (
        "1 updated stack: 2 resources replaced, 1 modified. Changed: network/PrivateSubnet2,"
        " network/PrivateSubnet2Routes, network/PrivateSubnetIdsParameter. After it, 3 stacks must be planned again.",
        NOTHING_LOST,
        NOBODY,
        UNCHECKED,
        "The slowest stack, network, takes at most 5 min.",
        DEPLOY,
    ),
    "tags only": (
        "Only tags of 147 resources in 14 stacks change.",
        NOTHING_LOST,
        NOBODY,
        UNCHECKED,
        "The slowest stack, service-ledger, takes at most 3 h.",
        DEPLOY,
    ),
    "new service": (
        "2 new stacks: 22 resources added. New service: reports. 2 stacks can be planned only after this plan."
        " Changed: delivery-reports, ingress-reports.",
        NOTHING_LOST,
        "Resources in new stacks that grant access: 9; read their statements below.",
        UNCHECKED,
        "The slowest stack, ingress-reports, takes at most 5 min.",
        DEPLOY,
    ),
    "widened role": (
        "1 updated stack: 1 resource replaced (1 perhaps), 1 modified. Changed: service-billing/TaskRole.",
        NOTHING_LOST,
        "More is allowed by service-billing/TaskRole (ReadExports, otherwise unchanged: allow s3:PutObject).",
        UNCHECKED,
        "The slowest stack, service-billing, takes at most 5 min.",
        DEPLOY,
    ),
    "drift": (
        "Nothing changes.",
        NOTHING_LOST,
        f"Changed outside CloudFormation, so you must read it below: databases/GeneralLedgerSecurityGroup. {NOBODY}",
        "3 resources. A deployment does not revert such changes reliably; `make plan REVERT_DRIFT=1` does.",
        "Nothing is deployed.",
        "make recover ENV=production",
    ),
    "replaced database": (
        "1 updated stack: 3 resources replaced, 6 modified. Changed: databases/GeneralLedgerCluster,"
        " databases/GeneralLedgerInstance1, databases/GeneralLedgerInstance2 and 4 more. After it, 2 stacks must be"
        " planned again.",
        "databases/GeneralLedgerCluster (AWS::RDS::DBCluster): replaced; a database: deleted, a snapshot is kept.",
        NOBODY,
        UNCHECKED,
        "The slowest stack, databases, takes at most 1 h.",
        f"{DEPLOY} ALLOW=databases/GeneralLedgerCluster",
    ),
    "image only": (
        "Only container images of 2 services change. Changed: service-{service}/Service in 2 services,"
        " service-{service}/TaskDefinition in 2 services.",
        NOTHING_LOST,
        NOBODY,
        UNCHECKED,
        "The slowest stack, service-ledger, takes at most 3 h.",
        DEPLOY,
    ),
    "removed service": (
        "Nothing changes. No longer rendered, but left in AWS: delivery-ledger, health-ledger, ingress-ledger and 1"
        " more.",
        NOTHING_LOST,
        NOBODY,
        UNCHECKED,
        "Nothing is deployed.",
        "make destroy ENV=production SERVICE=ledger",
    ),
    "key policy edit": (
        "1 updated stack: 2 resources modified. Changed: keys/Key.",
        NOTHING_LOST,
        "More is allowed by keys/Key (allow kms:Decrypt on * to arn:aws:iam::555555555555:root).",
        UNCHECKED,
        "The slowest stack, keys, takes at most 5 min.",
        DEPLOY,
    ),
}


@pytest.mark.parametrize("name", ANSWERS)
def test_a_page_answers_five_questions(name: str, tmp_path: Path) -> None:
    assert told(CHANGES[name].page(tmp_path)) == ANSWERS[name]


def test_services_that_change_alike_share_rows_and_notes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ten_changes, "MANY_SERVICES", ten_changes.MANY_SERVICES[:3])
    page = CHANGES["40 services alike"].page(tmp_path)

    assert rows(page) == [
        ("service-{service}/TaskDefinition", "replaced", "3 services: the same"),
        ("service-{service}/Service", "modified, runs the new revision", "3 services: the same"),
    ]
    unchanged = next(note["stacks"] for note in data(page)["notes"] if note["text"] == "Nothing changes")
    assert sorted(label for label in unchanged if "(" in label) == [
        "delivery-{service} (3 services)",
        "health-{service} (3 services)",
        "ingress-{service} (3 services)",
    ]


@pytest.mark.long
def test_forty_services_that_change_alike_are_two_rows(tmp_path: Path) -> None:
    page = CHANGES["40 services alike"].page(tmp_path)

    assert [extent for _, _, extent in rows(page)] == ["40 services: the same"] * 2
    assert len(page) < 60_000


def test_only_the_changed_tag_and_the_changed_image_are_shown(tmp_path: Path) -> None:
    tags, images = (data(CHANGES[name].page(tmp_path)) for name in ("tags only", "image only"))

    assert [(row["title"], row["effect"]) for row in tags["rows"]] == [
        ("147 resources", "modified, only tags"),
        ("14 resources", "modified only if a value that it refers to changes"),
    ]
    assert [value["parts"] for value in tags["rows"][0]["values"]] == [[["gone", "cc-1"], ["new", "cc-2"]]]
    assert tags["rows"][1]["values"] == []
    by_effect = {row["effect"]: row for row in images["rows"]}
    revision = by_effect["new revision, only images"]
    assert [value["name"] for value in revision["values"]] == ["ContainerDefinitions/{service}/Image"]
    assert revision["concerns"] == []
    assert by_effect["modified, runs the new revision"]["values"][0]["parts"] == [["new", "(the new revision)"]]


def test_what_a_new_stack_grants_is_listed_with_the_name_of_its_role(tmp_path: Path) -> None:
    delivery, ingress = data(CHANGES["new service"].page(tmp_path))["rows"]

    assert delivery["concerns"] == ingress["concerns"] == ["access"]
    statements = [part["parts"][0][1] for part in ingress["access"]]
    assert "InfrastructureRole: allow elasticloadbalancing:ModifyRule on ProductionRule, TestRule" in statements


def test_drift_that_can_grant_access_comes_first(tmp_path: Path) -> None:
    drift = data(CHANGES["drift"].page(tmp_path))["drift"]

    assert [each["title"] for each in drift] == [
        "databases/GeneralLedgerSecurityGroup",
        "databases/GeneralLedgerCpu",
        "databases/GeneralLedgerCluster",
    ]


def test_a_page_without_a_plan_names_all_that_is_left_to_do(tmp_path: Path) -> None:
    both = RenderedChange("both", configure=ten_changes.remove_service, drift=ten_changes.edited_by_hand)
    page = both.page(tmp_path)

    assert "<dt>To see the repairs; to delete what is left in AWS</dt>" in page
    assert told(page)[-1] == "make recover ENV=production\nmake destroy ENV=production SERVICE=ledger"


def test_the_names_of_the_files_do_not_tell_the_change(tmp_path: Path) -> None:
    write_pages(tmp_path / "pages", [CHANGES["key policy edit"], CHANGES["removed service"]])

    assert sorted(path.name for path in (tmp_path / "pages").iterdir()) == ["01.html", "02.html"]
