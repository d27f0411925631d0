"""Priorities of listener rules on the local AWS: two rules of one listener cannot have the same priority."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest

from cicd_templates.local.listener_rules import RULE, refuse_in_calls, refuse_in_templates

RULES = {
    "rule/a": {"ListenerArn": "listener/1", "Priority": "93"},
    "rule/b": {"ListenerArn": "listener/1", "Priority": "94"},
    "rule/c": {"ListenerArn": "listener/2", "Priority": "93"},
    "rule/d": {"ListenerArn": "listener/1", "Priority": "default"},
}


@pytest.mark.parametrize(
    ("listener", "priority", "taken"),
    [("listener/1", 93, True), ("listener/1", "94", True), ("listener/1", 95, False), ("listener/3", 93, False)],
)
def test_a_template_cannot_create_a_rule_with_a_taken_priority(listener: str, priority: Any, taken: bool) -> None:
    handlers: dict[str, Any] = {RULE: {"create": lambda *given: given, "update": print, "delete": print}}
    refuse_in_templates(handlers, RULES)
    properties = {"ListenerArn": listener, "Priority": priority}

    assert handlers[RULE]["delete"] is print
    if taken:
        with pytest.raises(ValueError, match=rf"Priority '{priority}' is currently in use \(Service.*already exists"):
            handlers[RULE]["create"]("Rule", properties, "stack")
    else:
        assert handlers[RULE]["create"]("Rule", properties, "stack") == ("Rule", properties, "stack")


@pytest.mark.parametrize(("priority", "taken"), [(93, False), (94, True), (95, False)])
def test_an_update_keeps_the_priority_of_the_rule_or_takes_a_free_one(priority: int, taken: bool) -> None:
    handlers: dict[str, Any] = {RULE: {"create": print, "update": lambda *given: given}}
    refuse_in_templates(handlers, RULES)
    arguments: tuple[Any, ...] = ("rule/a", {}, {"ListenerArn": "listener/1", "Priority": priority}, "stack")

    if taken:
        with pytest.raises(ValueError, match="is currently in use"):
            handlers[RULE]["update"](*arguments)
    else:
        assert handlers[RULE]["update"](*arguments) == arguments


def answer(action: str, **params: str) -> str:
    engine: Any = SimpleNamespace(
        _rules=RULES,
        _p=lambda given, name, default="": given.get(name, default),
        _error=lambda code, message: f"{code}: {message}",
    )
    actions: dict[str, Any] = {name: (lambda given: "done") for name in ("CreateRule", "SetRulePriorities")}
    refuse_in_calls(actions, engine)
    found: str = actions[action](params)
    return found


@pytest.mark.parametrize(
    ("priority", "expected"), [("93", "PriorityInUse: Priority '93' is currently in use"), ("95", "done")]
)
def test_a_call_cannot_create_a_rule_with_a_taken_priority(priority: str, expected: str) -> None:
    assert answer("CreateRule", ListenerArn="listener/1", Priority=priority) == expected


@pytest.mark.parametrize(
    ("wanted", "expected"),
    [
        ({"rule/a": "94"}, "PriorityInUse: Priority '94' is currently in use"),
        ({"rule/a": "94", "rule/b": "93"}, "done"),
        ({"rule/c": "94"}, "done"),
        ({"rule/unknown": "93"}, "done"),
        ({}, "done"),
    ],
    ids=["of another rule", "two change places", "on another listener", "no such rule", "nothing"],
)
def test_priorities_can_change_places_but_not_be_shared(wanted: dict[str, str], expected: str) -> None:
    params = {}
    for number, (arn, priority) in enumerate(wanted.items(), 1):
        params[f"RulePriorities.member.{number}.RuleArn"] = arn
        params[f"RulePriorities.member.{number}.Priority"] = priority

    assert answer("SetRulePriorities", **params) == expected
