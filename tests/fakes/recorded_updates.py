"""Updates of a stack for which answers of AWS were recorded, with the calls before, between and after them."""

from __future__ import annotations

import copy
from collections.abc import Callable
from typing import Any

from tests.fakes.recorded_situations import CAPABILITIES, PATH, Account, Answers, parameter, resources, topic

READ = {"Type": "AWS::SSM::Parameter::Value<String>", "Default": PATH}


def shown_topic(name: str, display: Any) -> dict[str, Any]:
    return {"Type": "AWS::SNS::Topic", "Properties": {"TopicName": name, "DisplayName": display}}


def update(
    account: Account, before: Any, after: Any, meanwhile: Callable[[], None] = lambda: None, **more: Any
) -> Answers:
    """Create a stack, update it and delete it. Return the answers about its change sets, statuses and events."""
    first = account.change_set(before, **more)
    answers = {"create-change-set-1": first, "describe-change-set-1": account.described(first)}
    answers["describe-change-set-1-prop-values"] = account.described(first, valued=True)
    account.execute(first)
    answers["post-create-1-describe"] = account.stack()
    meanwhile()
    second = account.change_set(after, "UPDATE", **more)
    answers |= {"create-change-set-2": second, "describe-change-set-2": account.described(second)}
    answers["describe-change-set-2-prop-values"] = account.described(second, valued=True)
    account.execute(second)
    answers["post-create-2-describe"] = account.stack()
    account.cloudformation.delete_stack(StackName="recorded")
    account.settle()
    answers["delete-describe"] = account.stack(first["StackId"])
    answers["per-resource-events"] = by_resource(account.events(first["StackId"]))
    return answers


def by_resource(events: list[Any]) -> dict[str, list[Any]]:
    """Return the events by resource, as the recordings do:

    oldest first, and only the last of equal statuses in a row.
    """
    found: dict[str, list[Any]] = {}
    for event in sorted(events, key=lambda each: each["Timestamp"]):
        of_stack = event["ResourceType"] == "AWS::CloudFormation::Stack"
        key = "Stack" if of_stack else event["LogicalResourceId"]
        if "CLEANUP" in event["ResourceStatus"]:
            continue
        names = ("LogicalResourceId", "PhysicalResourceId", "ResourceStatus", "ResourceType", "Timestamp")
        kept = {name: event[name] for name in names}
        history = found.setdefault(key, [])
        if history and history[-1]["ResourceStatus"] == kept["ResourceStatus"]:
            history.pop()
        history.append(kept)
    return found


def told_parameter(account: Account) -> Answers:
    def dependent(name: str) -> Any:
        return resources(Foo=topic(name), Parameter=parameter({"Fn::GetAtt": ["Foo", "TopicName"]}))

    return update(account, dependent("topic-1"), dependent("topic-2"))


def replaced_reference(account: Account) -> Answers:
    def named(name: str) -> Any:
        reference = {"Fn::GetAtt": ["Parameter1", "Value"]}
        return resources(Parameter1=parameter("value", Name=name), Parameter2=parameter(reference))

    return update(account, named("parameter-1-name"), named("parameter-2-name"))


def changed_description(account: Account) -> Answers:
    def described(text: str) -> Any:
        reference = {"Fn::GetAtt": ["Parameter1", "Value"]}
        return resources(Parameter1=parameter("topic-name", Description=text), Parameter2=parameter(reference))

    return update(account, described("original"), described("changed"))


def moved_value(account: Account) -> Answers:
    account.put("1")
    template = {"Parameters": {"InputValue": READ}, **resources(DerivedParameter=parameter({"Ref": "InputValue"}))}
    return update(account, template, copy.deepcopy(template), lambda: account.put("2"), Capabilities=CAPABILITIES)


def moved_value_between(account: Account) -> Answers:
    account.put("1")
    template = {"Parameters": {"MyValue": READ}, **resources(MyParameter=parameter({"Ref": "MyValue"}))}
    return update(account, template, copy.deepcopy(template), lambda: account.put("2"), Capabilities=CAPABILITIES)


def unmoved_value(account: Account) -> Answers:
    account.put("1")
    template = {"Parameters": {"InputValue": READ}, **resources(DerivedParameter=parameter({"Ref": "InputValue"}))}
    more = copy.deepcopy(template)
    more["Resources"]["AnotherParameter"] = parameter("new parameter")
    return update(account, template, more, Capabilities=CAPABILITIES)


def added_resource(account: Account) -> Answers:
    first = resources(Topic1=shown_topic("topic-name-1", "display-value-1"))
    second = copy.deepcopy(first)
    second["Resources"]["Topic2"] = shown_topic("topic-name-2", {"Ref": "Topic1"})
    return update(account, first, second)


def changed_topics(before: tuple[str, str], after: tuple[str, str]) -> Callable[[Account], Answers]:
    """Return a situation that updates a topic's name and display name, with a second topic that refers to the first."""

    def of(name: str, display: str) -> Any:
        return resources(Topic1=shown_topic(name, display), Topic2=shown_topic("topic-name-2", {"Ref": "Topic1"}))

    return lambda account: update(account, of(*before), of(*after))


def retained(account: Account) -> Answers:
    def of(name: str) -> Any:
        return resources(MyParameter=parameter("v", Name=name) | {"UpdateReplacePolicy": "Retain"})

    stack = account.create(of("param-1"))
    account.execute(account.change_set(of("param-2"), "UPDATE"))
    return {"per-resource-events": by_resource(account.events(stack))}
