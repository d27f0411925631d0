"""Ten changes of a rendered project, each told on the page of its plan. `ten_changes` makes them."""

from __future__ import annotations

import functools
import html
import json
import re
import tempfile
from pathlib import Path
from typing import Any

import pytest

from tests.unit.deploy.plans.web_page import ten_changes
from tests.unit.deploy.plans.web_page.ten_changes import TEN_CHANGES, RenderedChange, write_pages

# Several tests read the page of a change, which one worker makes once for all of them.
pytestmark = pytest.mark.xdist_group("ten changes")

CHANGES = {change.name: change for change in TEN_CHANGES}
NOTHING_LOST = "Nothing that holds data is deleted or replaced."
NOBODY = "No policy statement allows more than before."
UNCHECKED = "Not checked in production; make plan DRIFT=1 checks for drift."
KNOWN = " No interruption is known."
SEVERAL = " Stacks that depend on each other are deployed one after the other, so the whole deployment takes longer."
DEPLOY = "make deploy PLAN=.state/plans/production.json"


@functools.cache
def page_of(name: str) -> str:
    with tempfile.TemporaryDirectory() as folder:
        return CHANGES[name].page(Path(folder))


def told(page: str) -> tuple[str, ...]:
    """The answers at the top of a page, and the command without its digest."""
    page = re.sub('<p class="note">.*?</p>', "", page)
    answers = [html.unescape(re.sub("<[^>]+>", "", text)) for text in re.findall("<dd>(.*?)</dd>", page, re.DOTALL)]
    return (*answers[:-1], re.sub(" DIGEST=[0-9a-f]{64}$", "", answers[-1]))


def data(page: str) -> Any:
    return json.loads(page.partition('id="plan">')[2].partition("</script>")[0])


def rows(page: str) -> list[tuple[str, str, str]]:
    return [(row["title"], row["effect"], row["extent"]) for row in data(page)["rows"]]


ANSWERS = {
    "moved subnet": (
        "1 updated stack: 2 resources replaced, 1 modified. Changed: network/PrivateSubnet2 (AvailabilityZone"
        " eu-central-1b → eu-central-1c, CidrBlock 10.20.80.0/20 → 10.20.96.0/20), network/PrivateSubnet2Routes,"
        " network/PrivateSubnetIdsParameter. After the deployment, 3 stacks must be planned again (make plan"
        " ENV=production).",
        NOTHING_LOST,
        NOBODY,
        UNCHECKED,
        "The slowest stack, network, takes at most 5 min. Everything that uses the old network/PrivateSubnet2,"
        " network/PrivateSubnet2Routes may be interrupted. After this deployment, databases, service-billing,"
        " service-ledger still use old values of other stacks, and may not work until you plan and deploy them again.",
        DEPLOY,
    ),
    "tags only": (
        "Nothing changes except tags of 147 resources in 14 stacks: CostCenter cc-1 → cc-2.",
        NOTHING_LOST,
        NOBODY,
        UNCHECKED,
        f"The slowest stack, service-ledger, takes at most 3 h.{SEVERAL}{KNOWN}",
        DEPLOY,
    ),
    "new service": (
        "2 new stacks: 22 resources added. New service: reports. 2 stacks can be planned only after this plan"
        " is deployed. Changed: delivery-reports, ingress-reports.",
        NOTHING_LOST,
        "New stacks have resources that grant access: 9; read their statements below.",
        UNCHECKED,
        f"The slowest stack, ingress-reports, takes at most 5 min.{SEVERAL}{KNOWN}",
        DEPLOY,
    ),
    "widened role": (
        "1 updated stack: 1 resource modified, 1 perhaps replaced. Changed: service-billing/TaskRole.",
        NOTHING_LOST,
        "These changes allow more access: service-billing/TaskRole (ReadExports, otherwise unchanged: allow"
        " s3:PutObject). New access paths to data: service-billing/TaskRole writes"
        " s3:::books-production-exports-222222222222/*.",
        UNCHECKED,
        f"The slowest stack, service-billing, takes at most 5 min.{KNOWN}",
        DEPLOY,
    ),
    "drift": (
        "Nothing changes.",
        NOTHING_LOST,
        f"Changed outside CloudFormation; read these changes below: databases/GeneralLedgerSecurityGroup. {NOBODY}",
        "3 resources. A deployment does not reliably revert these changes. Use make plan REVERT_DRIFT=1. Found:"
        ' databases/GeneralLedgerSecurityGroup: SecurityGroupIngress/0 added: {"CidrIp": "0.0.0.0/0", "FromPort": 5432,'
        ' "IpProtocol": "tcp", "ToPort": 5432}; databases/GeneralLedgerCpu: deleted; databases/GeneralLedgerCluster:'
        " BackupRetentionPeriod 35 → 1.",
        "Nothing is deployed.",
        "make recover ENV=production",
    ),
    "replaced database": (
        "1 updated stack: 3 resources replaced, 6 modified. Changed: databases/GeneralLedgerCluster"
        " (DBClusterIdentifier"
        " books-production-general-ledger → books-production-general-ledger-v2, DatabaseName"
        " general_ledger → ledger_v2),"
        " databases/GeneralLedgerInstance1 (DBClusterIdentifier books-production-general-ledger → (known after the"
        " deployment), DBInstanceIdentifier books-production-general-ledger-1 → books-production-general-ledger-v2-1),"
        " databases/GeneralLedgerInstance2 (DBClusterIdentifier books-production-general-ledger → (known after the"
        " deployment), DBInstanceIdentifier books-production-general-ledger-2 → books-production-general-ledger-v2-2)"
        " and 4 more. After the deployment, 2 stacks must be planned again (make plan ENV=production).",
        "databases/GeneralLedgerCluster (AWS::RDS::DBCluster): replaced; a database: deleted, a snapshot is kept."
        " The new resource is empty unless its template sets a source for the data: CloudFormation copies no data and"
        " restores no snapshot.",
        NOBODY,
        UNCHECKED,
        "The slowest stack, databases, takes at most 1 h. Everything that uses the old"
        " databases/GeneralLedgerCluster, databases/GeneralLedgerInstance1, databases/GeneralLedgerInstance2 may be"
        " interrupted. After this deployment, service-billing, service-ledger still use old values of other stacks, and"
        " may not work until you plan and deploy them again.",
        f"{DEPLOY} ALLOW=databases/GeneralLedgerCluster",
    ),
    "image only": (
        "Nothing changes except container images of billing, ledger. Changed: service-billing/Service,"
        " service-ledger/Service, service-billing/TaskDefinition, service-ledger/TaskDefinition.",
        NOTHING_LOST,
        NOBODY,
        UNCHECKED,
        f"The slowest stack, service-ledger, takes at most 3 h.{SEVERAL}{KNOWN}",
        DEPLOY,
    ),
    "removed service": (
        "Nothing changes. No longer rendered, but left in AWS: delivery-ledger, health-ledger, ingress-ledger,"
        " service-ledger.",
        NOTHING_LOST,
        NOBODY,
        UNCHECKED,
        "Nothing is deployed.",
        "make destroy ENV=production SERVICE=ledger",
    ),
    "key policy edit": (
        "1 updated stack: 1 resource modified, 1 perhaps modified. Changed: keys/Key.",
        NOTHING_LOST,
        "These changes allow more access: keys/Key (allow kms:Decrypt on * to arn:aws:iam::555555555555:root, without a"
        " condition). New access paths to data: iam::555555555555:root reads keys/Key."
        " New policy statements contain ids of other accounts; check who owns these: 555555555555.",
        UNCHECKED,
        f"The slowest stack, keys, takes at most 5 min.{KNOWN}",
        DEPLOY,
    ),
}


@pytest.mark.no_cover
@pytest.mark.parametrize("name", ANSWERS)
def test_a_page_answers_five_questions(name: str) -> None:
    assert told(page_of(name)) == ANSWERS[name]


CALM = (
    "No warning: this page found no lost or replaced data, no additional access and no interruption. Still"
    " read the changes below."
)
VERDICTS = {
    "moved subnet": "Look closely: what others use is replaced (network/PrivateSubnet2, network/PrivateSubnet2Routes).",
    "tags only": CALM,
    "new service": "Look closely: new stacks grant access (delivery-reports, ingress-reports).",
    "widened role": "Look closely: access is widened (service-billing/TaskRole).",
    "drift": (
        "Look closely: changed outside CloudFormation: databases/GeneralLedgerSecurityGroup (opens the network),"
        " databases/GeneralLedgerCpu (monitoring deleted), databases/GeneralLedgerCluster (BackupRetentionPeriod"
        " shortened)."
    ),
    "replaced database": (
        "Look closely: data is replaced (databases/GeneralLedgerCluster); what others use is replaced"
        " (databases/GeneralLedgerInstance1, databases/GeneralLedgerInstance2)."
    ),
    "image only": CALM,
    "removed service": CALM,
    "key policy edit": "Look closely: access is widened (keys/Key).",
}
EXPLANATIONS = {
    "drift": (
        "make recover only shows the changes that were made outside CloudFormation, and how to repair them. To revert"
        " these changes, run make plan REVERT_DRIFT=1, then deploy the new plan."
    ),
    "replaced database": (
        "ALLOW=databases/GeneralLedgerCluster accepts the replacement or deletion of databases/GeneralLedgerCluster;"
        " without it, the deployment is refused."
    ),
    "removed service": (
        "make destroy first lists what exists and what would happen to it. It deletes nothing before you confirm. For"
        " a protected environment, make a plan of the destruction first."
    ),
}


@pytest.mark.parametrize("name", VERDICTS)
def test_a_page_begins_with_what_needs_a_close_look_and_ends_with_what_its_command_does(name: str) -> None:
    page = page_of(name)
    (line,) = re.findall('<p class="verdict" data-verdict="(.*?)">(.*?)</p>', page)
    (explanation,) = re.findall('</code><p class="note">(.*?)</p>', page)

    assert line == ("calm" if VERDICTS[name] == CALM else "warning", VERDICTS[name])
    assert explanation == EXPLANATIONS.get(name, "")


@pytest.mark.no_cover
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


def test_only_the_changed_tag_and_the_changed_image_are_shown() -> None:
    tags, images = (data(page_of(name)) for name in ("tags only", "image only"))

    assert [(row["title"], row["effect"]) for row in tags["rows"]] == [
        ("147 resources", "modified, only tags"),
        ("14 resources", "modified only if a referenced value changes"),
    ]
    assert [value["parts"] for value in tags["rows"][0]["values"]] == [[["gone", "cc-1"], ["new", "cc-2"]]]
    assert tags["rows"][1]["values"] == []
    by_effect = {row["effect"]: row for row in images["rows"]}
    revision = by_effect["new revision, only images"]
    assert [value["name"] for value in revision["values"]] == ["ContainerDefinitions/{service}/Image"]
    assert revision["concerns"] == []
    assert by_effect["modified, runs the new revision"]["values"][0]["parts"] == [["new", "(the new revision)"]]


def test_what_a_new_stack_grants_is_listed_with_the_name_of_its_role() -> None:
    delivery, ingress = data(page_of("new service"))["rows"]

    assert delivery["concerns"] == ingress["concerns"] == ["access"]
    statements = [part["parts"][0][1] for part in ingress["access"]]
    assert "InfrastructureRole: allow elasticloadbalancing:ModifyRule on ProductionRule, TestRule" in statements


def test_drift_that_can_grant_access_comes_first() -> None:
    drift = data(page_of("drift"))["drift"]

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
