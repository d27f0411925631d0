"""The line at the top of the page, about the changes that need a close look."""

from __future__ import annotations

import pytest

from cicd_templates.functions.change_page.rows import Row
from cicd_templates.functions.change_page.verdict import NO_WARNING, verdict, verdict_mark
from cicd_templates.template.changes.impact import Change, Detail, Impact
from cicd_templates.template.policy_diff import PolicyDiff
from tests.unit.deploy.plans.web_page.test_answers import stack, stack_rows_of

WIDER = PolicyDiff(("allow s3:GetObject",), (), True)
LOST = Impact("replacement", holds="messages", fate="deleted")
REFERENCE = (Detail("Properties", "Role", cause="Role.Arn"),)


def changed(change: Change, impact: Impact, **fields: object) -> list[Row]:
    return stack_rows_of(stack("queues", (change, impact), **fields))


def replaced(kind: str, replacement: str = "True", details: tuple[Detail, ...] = ()) -> Change:
    return Change("Modify", "R", kind, replacement, details=details)


@pytest.mark.parametrize(
    ("rows", "reason"),
    [
        (changed(Change("Remove", "R", "T"), Impact("deletion", holds="messages", fate="deleted")), "data is deleted"),
        (changed(replaced("AWS::SQS::Queue"), LOST), "data is replaced"),
        (changed(replaced("T", "Conditional"), Impact("replacement", False, "messages")), "data is perhaps replaced"),
        (changed(replaced("AWS::EC2::Subnet"), Impact("replacement")), "what others use is replaced"),
        (changed(replaced("AWS::ECS::TaskDefinition"), Impact("replacement")), ""),
        (changed(replaced("AWS::EC2::Subnet", details=REFERENCE), Impact("replacement")), ""),
        (changed(replaced("T", "False"), Impact("interruption", why="x")), "a service is interrupted"),
        (changed(replaced("T", "False"), Impact("IAM widening"), grants={"R": WIDER}), "access is widened"),
        (
            changed(Change("Add", "R", "AWS::EC2::SecurityGroup"), Impact("safe")),
            "this page cannot judge the access that is granted",
        ),
        (changed(replaced("T", "False"), Impact("safe")), ""),
    ],
)
def test_a_reason_to_look_closely_is_named_with_its_resource(rows: list[Row], reason: str) -> None:
    line = verdict(rows)

    assert line == (f"Look closely: {reason} (queues/R)." if reason else NO_WARNING)
    assert verdict_mark(line) == ("warning" if reason else "calm")


def test_what_a_new_stack_grants_and_what_is_unreported_needs_a_close_look() -> None:
    new = changed(Change("Add", "R", "AWS::IAM::Role"), Impact("new"), creates=True, grants={"R": WIDER})
    unreported = changed(replaced("T", "False"), Impact("safe"))

    assert verdict([*new, *unreported], ["queues/A (opens the network)"], {"queues/R"}) == (
        "Look closely: new stacks grant access (queues); this page cannot judge the access that is granted (queues/R);"
        " changed outside CloudFormation: queues/A (opens the network)."
    )
