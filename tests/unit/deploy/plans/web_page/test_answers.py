"""The sentences at the top of the page, for typical changes."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from cicd_templates.deploy.plans.document import Plan
from cicd_templates.deploy.plans.web_page.folding import fold
from cicd_templates.functions.change_page.answers import how_long, what_changes, what_is_lost, who_can_do_more
from cicd_templates.functions.change_page.rows import Row
from cicd_templates.template.changes.impact import Change, Detail, Impact
from cicd_templates.template.changes.planned_stack import PlannedStack
from cicd_templates.template.policy_diff import PolicyDiff
from tests.unit.deploy.plans.test_document import PLAN
from tests.unit.deploy.plans.web_page import planned_changes as changes
from tests.unit.deploy.plans.web_page.planned_changes import SERVICES_40, PlannedChange, Project

NOTHING_LOST = "Nothing that holds data is deleted or replaced."
EMPTY = "The new resource is empty unless its template sets a source for the data: CloudFormation copies no data."
SEVERAL = "Stacks that depend on each other are deployed one after the other, so the whole deployment takes longer."
NOBODY = "No policy statement allows more than before."


def remove_one_and_scale_the_other(project: Project) -> None:
    changes.remove_service(project)
    changes.scale_services(project)


def answers(*plans: Plan) -> tuple[str, str, str, str]:
    rows = fold(plans)
    return what_changes(plans, rows), what_is_lost(rows), who_can_do_more(rows), how_long(plans, rows)


@pytest.mark.no_cover
@pytest.mark.parametrize(
    ("change", "expected"),
    [
        pytest.param(
            PlannedChange(changes.widen_role),
            (
                "1 updated stack: 1 resource modified.",
                NOTHING_LOST,
                "These changes allow more access: service-till/TaskRole (ReadUploads, otherwise unchanged: allow"
                " s3:PutObject).",
                "The slowest stack, service-till, takes at most 5 min. No interruption is known.",
            ),
            id="a role gains an action",
        ),
        pytest.param(
            PlannedChange(changes.replace_table),
            (
                "1 updated stack: 1 resource replaced.",
                "service-till/Table (AWS::DynamoDB::Table): replaced; a table: deleted. " + EMPTY,
                NOBODY,
                "The slowest stack, service-till, takes at most 5 min. Everything that uses the"
                " old service-till/Table may be interrupted.",
            ),
            id="a table is replaced",
        ),
        pytest.param(
            PlannedChange(changes.rename_kept_bucket),
            (
                "1 updated stack: 1 resource replaced.",
                "storage/Uploads (AWS::S3::Bucket): replaced; objects: kept, outside the stack. " + EMPTY,
                NOBODY,
                "The slowest stack, storage, takes at most 5 min. Everything that uses the old"
                " storage/Uploads may be interrupted.",
            ),
            id="a bucket is replaced and kept",
        ),
        pytest.param(
            PlannedChange(changes.move_subnet),
            (
                "1 updated stack: 1 resource replaced.",
                NOTHING_LOST,
                NOBODY,
                "The slowest stack, network, takes at most 5 min."
                " Everything that uses the old network/PrivateSubnet may be interrupted.",
            ),
            id="a subnet moves",
        ),
        pytest.param(
            PlannedChange(changes.add_service),
            (
                "1 new stack: 4 resources added. New service: locker.",
                NOTHING_LOST,
                "New stacks have resources that grant access: 1; read their statements below.",
                "The slowest stack, service-locker, takes at most 3 h. No interruption is known.",
            ),
            id="a new service",
        ),
        pytest.param(
            PlannedChange(remove_one_and_scale_the_other),
            (
                "1 updated stack: 1 resource modified. No longer rendered, but left in AWS: service-kiosk.",
                NOTHING_LOST,
                NOBODY,
                "The slowest stack, service-till, takes at most 3 h. No interruption is known.",
            ),
            id="a removed service",
        ),
        pytest.param(
            PlannedChange(changes.edit_key_policy),
            (
                "1 updated stack: 1 resource modified.",
                NOTHING_LOST,
                "These changes allow more access: keys/Key (allow kms:Decrypt on * to arn:aws:iam::333333333333:root,"
                " without a condition).",
                "The slowest stack, keys, takes at most 5 min. No interruption is known.",
            ),
            id="a key policy",
        ),
        pytest.param(
            PlannedChange(changes.release_images),
            (
                "Nothing changes except container images of kiosk, till.",
                NOTHING_LOST,
                NOBODY,
                "The slowest stack, service-till, takes at most 3 h. " + SEVERAL + " No interruption is known.",
            ),
            id="images only",
        ),
        pytest.param(
            PlannedChange(changes.release_images, services=("till",)),
            (
                "Nothing changes except container images of till.",
                NOTHING_LOST,
                NOBODY,
                "The slowest stack, service-till, takes at most 3 h. No interruption is known.",
            ),
            id="the image of one service",
        ),
        pytest.param(
            PlannedChange(changes.add_tags),
            (
                "Nothing changes except tags of 11 resources in 5 stacks: Owner nothing → payments.",
                NOTHING_LOST,
                NOBODY,
                "The slowest stack, service-till, takes at most 3 h. " + SEVERAL + " No interruption is known.",
            ),
            id="tags only",
        ),
        pytest.param(
            PlannedChange(changes.scale_services, services=SERVICES_40),
            (
                "40 updated stacks: 40 resources modified.",
                NOTHING_LOST,
                NOBODY,
                "The slowest stack, service-shop-39, takes at most 3 h. " + SEVERAL + " No interruption is known.",
            ),
            id="40 services alike",
        ),
        pytest.param(
            PlannedChange(changes.everything),
            (
                "1 new stack and 5 updated stacks: 3 resources replaced, 8 modified, 4 added. New service: locker.",
                "service-till/Table (AWS::DynamoDB::Table): replaced; a table: deleted. "
                + EMPTY
                + " storage/Uploads (AWS::S3::Bucket): replaced; objects: kept, outside the stack. "
                + EMPTY,
                "These changes allow more access: keys/Key (allow kms:Decrypt on * to arn:aws:iam::333333333333:root,"
                " without a condition);"
                " service-till/TaskRole (ReadUploads, otherwise unchanged: allow s3:PutObject)."
                " New stacks have resources that grant access: 1; read their statements below.",
                "The slowest stack, service-till, takes at most 3 h. " + SEVERAL + " Everything that uses the old"
                " service-till/Table, storage/Uploads, network/PrivateSubnet may be interrupted.",
            ),
            id="all at once",
        ),
    ],
)
def test_a_change_is_told_in_three_lines(change: PlannedChange, expected: tuple[str, ...], tmp_path: Path) -> None:
    assert answers(change.plan(tmp_path)) == expected


def stack(label: str, *changed: tuple[Change, Impact], **fields: object) -> PlannedStack:
    made, impacts = tuple(change for change, _ in changed), tuple(impact for _, impact in changed)
    return replace(PlannedStack(label, label, "s", change_set="arn"), changes=made, impacts=impacts, **fields)  # type: ignore[arg-type] # the fields of a stack


def stack_rows_of(planned: PlannedStack) -> list[Row]:
    return fold([replace(PLAN, stacks=(planned,), waits={})])


def gone(name: str, fate: str = "deleted") -> tuple[Change, Impact]:
    return Change("Remove", name, "AWS::SQS::Queue"), Impact("deletion", holds="messages", fate=fate)


def test_the_first_losses_are_named_and_the_others_counted() -> None:
    lost = stack("queues", *(gone(f"Queue{number}") for number in range(1500)))
    perhaps = stack("maybe", (Change("Dynamic", "Q", "T"), Impact("replacement", False, "messages", "deleted")))

    assert answers(replace(PLAN, stacks=(lost,), waits={}))[1] == (
        "queues/Queue0 (AWS::SQS::Queue): deleted; messages: deleted."
        " queues/Queue1 (AWS::SQS::Queue): deleted; messages: deleted."
        " queues/Queue10 (AWS::SQS::Queue): deleted; messages: deleted and 1,497 more."
    )
    assert answers(replace(PLAN, stacks=(perhaps,), waits={}))[:2] == (
        "1 updated stack: 1 resource undecided.",
        "maybe/Q (T): perhaps replaced; messages: deleted. " + EMPTY,
    )


@pytest.mark.parametrize(
    ("grants", "expected"),
    [
        (PolicyDiff(("a", "b"), ("c",), True), "These changes allow more access: roles/Role (a and 2 more)."),
        (PolicyDiff((), ("deny x",), True), "These changes allow more access: roles/Role (no longer: deny x)."),
        (PolicyDiff((), (), True), "These changes allow more access: roles/Role (read its policy)."),
        (PolicyDiff(("x" * 161,), (), True), f"These changes allow more access: roles/Role ({'x' * 159}…)."),
        (PolicyDiff((), ("allow x",), False), NOBODY),
    ],
    ids=["several statements", "a denial that ends", "no statement to show", "a long statement", "less access"],
)
def test_wider_access_is_shown_by_the_changed_statement(grants: PolicyDiff, expected: str) -> None:
    changed = stack("roles", (Change("Modify", "Role", "AWS::IAM::Role"), Impact("safe")), grants={"Role": grants})

    assert answers(replace(PLAN, stacks=(changed,)))[2] == expected


RANGE = Detail("Properties", "CidrIp", before="10.0.0.0/8", after="0.0.0.0/0")
UNREAD = "Check yourself what these changes allow: stack/R."


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        (Change("Modify", "R", "AWS::EC2::SecurityGroup", details=(RANGE,)), UNREAD),
        (Change("Add", "R", "AWS::EC2::SecurityGroupIngress"), UNREAD),
        (Change("Remove", "R", "AWS::EC2::SecurityGroupIngress"), NOBODY),
        (Change("Modify", "R", "AWS::EC2::SecurityGroup", details=(Detail("Tags", ""),)), NOBODY),
        (Change("Modify", "R", "AWS::SNS::Topic", details=(RANGE,)), NOBODY),
    ],
    ids=[
        "an open range",
        "a new rule",
        "a rule that goes",
        "tags",
        "a topic",
    ],
)
def test_what_is_not_compared_is_never_called_unchanged(change: Change, expected: str) -> None:
    changed = stack("stack", (change, Impact("safe")))

    assert answers(replace(PLAN, stacks=(changed,)))[2] == expected


@pytest.mark.parametrize(
    "resource_type", ["AWS::KMS::Key", "AWS::Lambda::Permission", "AWS::Lambda::Url", "AWS::EC2::SecurityGroupIngress"]
)
def test_what_a_new_stack_grants_is_counted(resource_type: str) -> None:
    new = replace(stack("new", (Change("Add", "R", resource_type), Impact("new"))), creates=True)

    assert answers(replace(PLAN, stacks=(new,)))[2] == (
        "New stacks have resources that grant access: 1; read them in the templates."
    )


def test_an_equal_statement_of_several_environments_is_told_once(tmp_path: Path) -> None:
    plans = [
        PlannedChange(changes.widen_role, environment=name).plan(tmp_path / name)
        for name in ("dev", "staging", "production")
    ]

    assert answers(*plans)[::2] == (
        "3 updated stacks in 3 environments: 3 resources modified.",
        "These changes allow more access: service-till/TaskRole in 3 environments"
        " (ReadUploads, otherwise unchanged: allow s3:PutObject).",
    )


def test_waiting_stacks_and_stacks_without_resources_are_mentioned() -> None:
    outputs = stack("outputs")
    rule = (Change("Modify", "Rule", "AWS::ElasticLoadBalancingV2::ListenerRule"), Impact("interruption", why="x"))
    waiting = replace(PLAN, stacks=(), waits={"service": ("keys",)}, removed=tuple("abcdefghijklmn"))

    assert answers(replace(PLAN, stacks=(outputs,), waits={}))[::3] == (
        "1 updated stack: only outputs or tags of stacks.",
        "No interruption is known.",
    )
    assert answers(waiting)[0] == (
        "Nothing changes. No longer rendered, but left in AWS: a, b, c, d, e, f, g, h, i, j, k, l and 2 more."
        " 1 stack can be planned only after this plan is deployed."
    )
    assert answers(replace(PLAN, stacks=(stack("network", rule),)))[3] == "Interrupted meanwhile: network/Rule."


def test_a_replacement_of_which_cloudformation_is_not_certain_is_counted_as_such() -> None:
    changed = [
        (Change("Modify", f"R{number}", "T", replacement), Impact("replacement", replacement == "True"))
        for number, replacement in enumerate(("True", "Conditional", "Conditional"))
    ]

    assert answers(replace(PLAN, stacks=(stack("network", *changed),), waits={}))[0] == (
        "1 updated stack: 1 resource replaced, 2 perhaps replaced."
    )


def test_two_new_services_are_new_only_without_an_old_stack() -> None:
    new = [stack(f"service-{name}", creates=True, service=name) for name in ("a", "b", "c")]
    old = stack("health-c", service="c")

    assert " New services: a, b." in answers(replace(PLAN, stacks=(*new, old), waits={}))[0]
