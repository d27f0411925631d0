"""Listener rules whose priority is taken: a plan names the owner of the priority, and the line that fixes it."""

from __future__ import annotations

from typing import Any

import pytest

from cicd_templates.deploy.plans.rule_priorities import RULE, UNREAD, PriorityReport, find_taken_priorities
from cicd_templates.template.changes.impact import Change, Detail
from cicd_templates.template.stack_template import StackTemplate
from tests.fakes.rendered_stacks import rendered
from tests.fakes.scripted_aws import aws, refusal

LISTENER = "arn:aws:elasticloadbalancing:eu-central-1:222222222222:listener/app/web/1/2"
PATH = "/shipping/staging/cluster/ListenerArn"
NEW = Change("Add", "Rule", RULE)


def moved(*names: str) -> Change:
    return Change("Modify", "Rule", RULE, "False", details=tuple(Detail("Properties", name) for name in names))


def rule_of(
    priority: Any, service: str | None = "stickers", listener: Any = None, layer: str = "ingress"
) -> StackTemplate:
    properties = {"ListenerArn": {"Ref": "Listener"} if listener is None else listener, "Priority": priority}
    resources = {"Rule": {"Type": RULE, "Properties": properties}}
    return rendered(layer, service=service, reads={"Listener": PATH}, resources=resources)


def live(*priorities: int, own: str = "", **services: Any) -> Any:
    """Return an AWS with a rule for each priority. The stack `ingress-labels` publishes the ARN of the first rule."""
    rules = [{"RuleArn": f"rule/{number}", "Priority": str(number)} for number in priorities]
    described = {"Rules": [*rules, {"RuleArn": "rule/default", "Priority": "default"}]}
    path = "/shipping/staging/ingress-labels/ProductionRuleArn"
    resources = [{"LogicalResourceId": "Rule", "PhysicalResourceId": own, "ResourceStatus": "CREATE_COMPLETE"}]
    answers: dict[str, Any] = {
        "elbv2": {"describe_rules": described},
        "ssm": {"get_parameters_by_path": [{"Parameters": [{"Name": path, "Value": f"rule/{priorities[0]}"}]}]},
        "cloudformation": {"list_stack_resources": {"StackResourceSummaries": resources}},
        **services,
    }
    return aws(**answers)


def taken(client: Any, stack: StackTemplate, change: Change = NEW) -> tuple[str, ...]:
    report = find_taken_priorities(client, stack, [change], {PATH: LISTENER})
    assert report.unread == ()
    return report.taken


@pytest.mark.parametrize(
    ("client", "stack", "line"),
    [
        (
            live(93, 94),
            rule_of(93),
            f"Rule ({RULE}): AWS would refuse the priority 93, because the stack ingress-labels has this priority on"
            " the same listener; write `priority = 95` under [services.stickers] in templates/environments.toml; this"
            " priority is free",
        ),
        (live(100), rule_of("100"), "write `priority = 101` under [services.stickers]"),
        (live(7, 93), rule_of(93), "because the rule rule/93 has this priority on the same listener"),
        (live(50_000, 49_999), rule_of(50_000), "write `priority = 49998`"),
        (
            live(93),
            rule_of(93, service=None, layer="claims"),
            "has this priority on the same listener; give the new rule a free priority, such as 94",
        ),
        (live(93), rule_of(93, listener=LISTENER), "write `priority = 94`"),
    ],
    ids=[
        "another service",
        "of the last route",
        "made by hand",
        "of the highest priority",
        "an own layer",
        "a fixed listener",
    ],
)
def test_a_new_rule_with_a_taken_priority_names_the_owner_and_the_line_that_fixes_it(
    client: Any, stack: StackTemplate, line: str
) -> None:
    (found,) = taken(client, stack)

    assert found.startswith("Rule (AWS::ElasticLoadBalancingV2::ListenerRule): AWS would refuse the priority ")
    assert line in found


@pytest.mark.parametrize(
    ("change", "refused"),
    [
        (moved("Priority"), True),
        (moved("Conditions", "ListenerArn"), True),
        (moved("Conditions"), False),
        (Change("Remove", "Rule", RULE), False),
        (Change("Add", "Rule", "AWS::SNS::Topic"), False),
    ],
)
def test_only_a_rule_that_gets_another_place_is_compared(change: Change, refused: bool) -> None:
    client = live(93)

    assert bool(taken(client, rule_of(93), change)) is refused
    assert bool(client.called("describe_rules")) is refused


@pytest.mark.parametrize(
    ("client", "stack"),
    [
        (live(93), rule_of(94)),
        (live(93, own="rule/93"), rule_of(93)),
        (live(93), rule_of({"Ref": "Number"})),
        (live(93), rule_of(93, listener={"Ref": "Unknown"})),
        (live(93), rule_of(93, listener={"Fn::GetAtt": ["Listener", "ListenerArn"]})),
    ],
    ids=["free", "its own", "a computed priority", "an unknown listener", "a new listener"],
)
def test_a_priority_that_is_free_or_not_known_is_no_conflict(client: Any, stack: StackTemplate) -> None:
    assert taken(client, stack) == ()


def test_where_the_rules_cannot_be_read_the_plan_says_so() -> None:
    denied = live(93, elbv2={"describe_rules": refusal("AccessDenied")})

    report = find_taken_priorities(denied, rule_of(93), [NEW], {PATH: LISTENER})
    assert report == PriorityReport(unread=(UNREAD,))
