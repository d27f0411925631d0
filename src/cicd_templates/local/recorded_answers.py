"""Changes the local AWS, so that its CloudFormation gives the answers that were recorded on AWS: docs/fakes.md.

- A stack in REVIEW_IN_PROGRESS has no tags. If the stack gets another change set, the stack keeps its id.
- A template parameter that reads Parameter Store is shown with its path and its value.
- The values of template parameters with `NoEcho` are masked.
- Events have the reasons and physical ids that AWS gives them.
- The engine refuses every template that AWS has refused.

This module runs inside the interpreter of the local AWS, so it imports only the standard library.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from types import ModuleType
from typing import Any

REVIEW = "REVIEW_IN_PROGRESS"
BY_USER = "User Initiated"
CREATION = "Resource creation Initiated"
STACK_TYPE = "AWS::CloudFormation::Stack"
LOG_GROUP = "AWS::Logs::LogGroup"
MASKED = "****"
# Separates the path of a parameter from its value until the answer is written. No parameter value contains it.
BETWEEN = "\x1f"

Params = Mapping[str, list[str]]
Answer = tuple[int, dict[str, str], bytes]
Handler = Callable[[Params], Answer]


class ReviewedStacks:
    """Makes a stack in REVIEW_IN_PROGRESS look as in AWS.

    The stack has no tags. If the stack gets another change set, the id of the stack stays the same.
    """

    def __init__(self, cloudformation: Any) -> None:
        self._stacks, self._events = cloudformation._stacks, cloudformation._stack_events
        self._change_sets = cloudformation._change_sets

    def create_change_set(self, create: Handler) -> Handler:
        """Return a handler of CreateChangeSet. A stack in REVIEW_IN_PROGRESS keeps its id.

        The engine's own handler, `create`, would replace this stack with a new stack that has a different id.
        """

        def handle(params: Params) -> Answer:
            name = params.get("StackName", [""])[0]
            before = self._stacks.get(name)
            shell = before if before and before["StackStatus"] == REVIEW else None
            events = list(self._events.get(shell["StackId"], ())) if shell else []
            answer = create(params)
            made = self._stacks.get(name)
            if made is not None and made["StackStatus"] == REVIEW:
                made["Tags"], made["StackStatusReason"] = [], BY_USER
            if shell is None or made is shell:
                return answer
            if made is None:
                # If a change set is refused, the stack stays in REVIEW_IN_PROGRESS unchanged.
                self._stacks[name], self._events[shell["StackId"]] = shell, events
                return answer
            return self._keep_id(made, shell, events, answer)

        return handle

    def _keep_id(self, made: dict[str, Any], shell: dict[str, Any], events: list[Any], answer: Answer) -> Answer:
        new, kept = made["StackId"], shell["StackId"]
        made["StackId"], made["CreationTime"] = kept, shell["CreationTime"]
        self._events.pop(new, None)
        self._events[kept] = events
        for change_set in self._change_sets.values():
            if change_set["StackId"] == new:
                change_set["StackId"] = kept
        status, headers, body = answer
        return status, headers, body.replace(new.encode(), kept.encode())

    def list_change_sets(self, lists: Handler) -> Handler:
        """Return a handler of ListChangeSets that accepts the name or the id of a stack.

        The engine's own handler, `lists`, accepts only the name.
        """

        def handle(params: Params) -> Answer:
            asked = params.get("StackName", [""])[0]
            names = [name for name, stack in self._stacks.items() if stack["StackId"] == asked]
            return lists({**params, "StackName": names or [asked]})

        return handle


def describe_values(described: Mapping[str, dict[str, Any]], describe: Handler) -> Handler:
    """Return a handler of DescribeStacks or DescribeChangeSet whose answers show template parameters as AWS does.

    - If a template parameter reads Parameter Store, the answer has the path and the value.
    - If a template parameter has `NoEcho`, its value is masked.

    `describe` is the engine's own handler, which the new handler calls. `described` contains all stacks or all change
    sets of the engine.
    """

    def handle(params: Params) -> Answer:
        for item in described.values():
            for parameter in item.get("Parameters", ()):
                _mark(parameter, item.get("_resolved_params", {}).get(parameter["ParameterKey"], {}))
        status, headers, body = describe(params)
        return status, headers, re.sub(rb"([^<>]*)\x1f([^<>]*)</ParameterValue>", _SHOWN, body)

    return handle


_SHOWN = rb"\1</ParameterValue><ResolvedValue>\2</ResolvedValue>"


def _mark(parameter: dict[str, Any], resolved: Mapping[str, Any]) -> None:
    if resolved.get("NoEcho"):
        parameter["ParameterValue"] = MASKED
    elif "SsmName" in resolved:
        parameter["ParameterValue"] = f"{resolved['SsmName']}{BETWEEN}{resolved['Value']}"


def refuse_templates(validate: Callable[..., None], refusal: Callable[[Any, Any], str]) -> Callable[..., None]:
    """Return a function that raises `ValueError` for a template that AWS would refuse.

    The returned function first calls `refusal`, which returns the reason why AWS would refuse a template. If the reason
    is empty, it calls `validate`, the engine's own check.
    """

    def handle(template: Any, conditions: Any, params: Any = None) -> None:
        # If a template has a transform, the template that results from it is not known yet.
        if not template.get("Transform") and (reason := refusal(template, conditions)):
            raise ValueError(reason)
        validate(template, conditions, params)

    return handle


class Events:
    """Records stack events with the status reasons and the physical ids that CloudFormation would report."""

    def __init__(self, stacks: Mapping[str, dict[str, Any]], add: Callable[..., None]) -> None:
        self._stacks, self._add = stacks, add
        self._creating: set[tuple[str, str]] = set()

    def add(
        self,
        stack_id: str,
        stack_name: str,
        logical_id: str,
        resource_type: str,
        status: str,
        reason: str = "",
        physical_id: str = "",
        *more: str,
        **options: str,
    ) -> None:
        """Record an event of a stack or resource.

        If a resource is CREATE_COMPLETE, first record an additional event: CREATE_IN_PROGRESS with its physical id.
        """
        if resource_type == STACK_TYPE and logical_id == stack_name:
            by_user = status in (REVIEW, "CREATE_IN_PROGRESS", "UPDATE_IN_PROGRESS", "DELETE_IN_PROGRESS")
            reason = reason or (BY_USER if by_user else "")
            if status == "CREATE_IN_PROGRESS":
                # The stack is no longer in REVIEW_IN_PROGRESS, so the status reason from that time is removed.
                self._stacks[stack_name]["StackStatusReason"] = ""
            physical_id = physical_id or stack_id
        else:
            status = self._of_new_resource(stack_id, stack_name, logical_id, status)
            if status == "CREATE_COMPLETE":
                self._add(stack_id, stack_name, logical_id, resource_type, "CREATE_IN_PROGRESS", CREATION, physical_id)
        self._add(stack_id, stack_name, logical_id, resource_type, status, reason, physical_id, *more, **options)

    def _of_new_resource(self, stack_id: str, stack_name: str, logical_id: str, status: str) -> str:
        """Translate the engine's `status` of a resource to the status that AWS would report.

        If the update of a stack creates a resource, AWS reports CREATE_*, but the engine reports UPDATE_*.
        """
        key, known = (stack_id, logical_id), self._stacks.get(stack_name, {}).get("_resources", {})
        if status == "UPDATE_IN_PROGRESS" and logical_id not in known:
            self._creating.add(key)
        if key not in self._creating or not status.startswith("UPDATE_"):
            return status
        if status in ("UPDATE_COMPLETE", "UPDATE_FAILED"):
            self._creating.discard(key)
        return status.replace("UPDATE_", "CREATE_")


def leave_out_by_condition(
    resolve: Callable[..., Any], evaluate: Callable[..., Mapping[str, bool]]
) -> Callable[..., Any]:
    """Return a function that calls `resolve`, and leaves out of its result each resource whose condition is false.

    The engine calls `resolve` to prepare a template for a comparison with another template.
    """

    def handle(template: Any, params: Any, *arguments: Any) -> Any:
        resolved = resolve(template, params, *arguments)
        if not template.get("Conditions"):
            return resolved
        conditions = evaluate(template, params)
        return {
            **resolved,
            "Resources": {
                name: resource
                for name, resource in resolved["Resources"].items()
                if conditions.get(resource.get("Condition", ""), True)
            },
        }

    return handle


def refuse_existing_log_groups(handlers: dict[str, Any], groups: Mapping[str, Any]) -> None:
    """Make the engine fail to create a log group if a log group with the same name exists."""
    known = handlers[LOG_GROUP]

    def create(logical_id: str, properties: Mapping[str, Any], *arguments: Any, **options: Any) -> Any:
        name = properties.get("LogGroupName")
        if name and name in groups:
            identifier = f'{{"/properties/LogGroupName":"{name}"}}'
            raise ValueError(f"Resource of type '{LOG_GROUP}' with identifier '{identifier}' already exists.")
        return known["create"](logical_id, properties, *arguments, **options)

    handlers[LOG_GROUP] = {**known, "create": create}


def register(cloudformation: Any, modules: Mapping[str, ModuleType], refusal: Callable[[Any, Any], str]) -> None:
    """Replace functions of the engine, so that it answers CloudFormation requests as the top of this file describes.

    `modules` has the engine's Python modules for CloudFormation, keyed by name.
    """
    handlers, reviewed = cloudformation._ACTION_HANDLERS, ReviewedStacks(cloudformation)
    handlers["CreateChangeSet"] = reviewed.create_change_set(handlers["CreateChangeSet"])
    handlers["ListChangeSets"] = reviewed.list_change_sets(handlers["ListChangeSets"])
    handlers["DescribeStacks"] = describe_values(cloudformation._stacks, handlers["DescribeStacks"])
    handlers["DescribeChangeSet"] = describe_values(cloudformation._change_sets, handlers["DescribeChangeSet"])
    changes = modules["changesets"]
    compared = leave_out_by_condition(changes._resolve_props_for_diff, changes._evaluate_conditions)
    changes._resolve_props_for_diff = compared  # type: ignore[attr-defined] # a module of the engine
    events = Events(cloudformation._stacks, modules["stacks"]._add_event)
    checked = refuse_templates(modules["engine"].validate_template_support, refusal)
    # A module that imported one of these functions has its own reference to it, so it is replaced in every module.
    for module in modules.values():
        for name, function in (("_add_event", events.add), ("validate_template_support", checked)):
            if hasattr(module, name):
                setattr(module, name, function)
