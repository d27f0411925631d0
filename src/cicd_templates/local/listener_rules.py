"""Makes the local AWS refuse a listener rule if another rule of the listener has the same priority.

In AWS, CreateRule then returns the error `PriorityInUse`:
https://docs.aws.amazon.com/elasticloadbalancing/latest/APIReference/API_CreateRule.html

This module runs inside the interpreter of the local AWS, so it imports only the standard library.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import ModuleType
from typing import Any

RULE = "AWS::ElasticLoadBalancingV2::ListenerRule"
CODE = "PriorityInUse"
MEMBER = "RulePriorities.member"

Rules = Mapping[str, Mapping[str, Any]]


def priority_in_use(rules: Rules, listener: str, priority: str, changing: Mapping[str, str]) -> str:
    """Return the error message if a rule of `listener` has `priority`, or an empty string if the priority is free.

    `rules` has all rules, keyed by ARN. The rules in `changing` are ignored, because they get other priorities at the
    same time.
    """
    for arn, rule in rules.items():
        if rule["ListenerArn"] == listener and arn not in changing and str(rule["Priority"]) == priority:
            return f"Priority '{priority}' is currently in use"
    return ""


def refuse_in_templates(handlers: dict[str, dict[str, Any]], rules: Rules) -> None:
    """Make CloudFormation refuse a new or changed rule whose priority is already taken."""
    known = handlers[RULE]

    def refuse(properties: Mapping[str, Any], changing: Mapping[str, str]) -> None:
        priority = str(properties.get("Priority", 1))
        problem = priority_in_use(rules, str(properties.get("ListenerArn")), priority, changing)
        if problem:
            identifier = f"{problem} (Service: ElasticLoadBalancingV2, Status Code: 400)"
            raise ValueError(f"Resource of type '{RULE}' with identifier '{identifier}' already exists.")

    def create(logical_id: str, properties: Mapping[str, Any], *arguments: Any, **options: Any) -> Any:
        refuse(properties, {})
        return known["create"](logical_id, properties, *arguments, **options)

    def update(arn: str, before: Any, properties: Mapping[str, Any], *arguments: Any, **options: Any) -> Any:
        refuse(properties, {arn: ""})
        return known["update"](arn, before, properties, *arguments, **options)

    handlers[RULE] = {**known, "create": create, "update": update}


def refuse_in_calls(actions: dict[str, Callable[[Any], Any]], balancing: ModuleType) -> None:
    """Make CreateRule and SetRulePriorities fail if a priority is taken. `balancing` is the engine's ELB module."""
    rules, parameter, error = balancing._rules, balancing._p, balancing._error
    create_rule, set_rule_priorities = actions["CreateRule"], actions["SetRulePriorities"]

    def create(params: Any) -> Any:
        problem = priority_in_use(rules, parameter(params, "ListenerArn"), parameter(params, "Priority", "1"), {})
        return error(CODE, problem) if problem else create_rule(params)

    def set_priorities(params: Any) -> Any:
        wanted: dict[str, str] = {}
        while arn := parameter(params, f"{MEMBER}.{len(wanted) + 1}.RuleArn"):
            wanted[arn] = parameter(params, f"{MEMBER}.{len(wanted) + 1}.Priority")
        for arn in wanted.keys() & rules.keys():
            problem = priority_in_use(rules, rules[arn]["ListenerArn"], wanted[arn], wanted)
            if problem:
                return error(CODE, problem)
        return set_rule_priorities(params)

    actions["CreateRule"], actions["SetRulePriorities"] = create, set_priorities
