"""Situations of CloudFormation for which answers of AWS were recorded.

Each function takes a CloudFormation, simulated or local, and repeats the calls. It returns the answers by the keys of
the recorded answers.
"""

from __future__ import annotations

import contextlib
import json
from collections.abc import Callable, Mapping
from typing import Any

from botocore.exceptions import ClientError

Answers = dict[str, Any]
PATH = "/recorded/value"


class Account:
    """One account: its clients, and a function that waits until all operations under way have ended."""

    def __init__(self, cloudformation: Any, ssm: Any, settle: Callable[[], None], put: Callable[[str], None]) -> None:
        self.cloudformation, self.ssm, self.settle, self.put = cloudformation, ssm, settle, put
        self._number = 0

    def change_set(self, template: Any, kind: str = "CREATE", stack: str = "recorded", **more: Any) -> dict[str, Any]:
        """Make a change set and wait for it; what CreateChangeSet answered."""
        self._number += 1
        name = more.pop("ChangeSetName", f"change-set-{self._number}")
        request: dict[str, Any] = {"StackName": stack, "ChangeSetName": name, "ChangeSetType": kind, **more}
        made: dict[str, Any] = self.cloudformation.create_change_set(TemplateBody=json.dumps(template), **request)
        self.settle()
        return made

    def described(self, made: Mapping[str, Any], *, valued: bool = False) -> Any:
        return self.cloudformation.describe_change_set(ChangeSetName=made["Id"], IncludePropertyValues=valued)

    def execute(self, made: Mapping[str, Any]) -> None:
        self.cloudformation.execute_change_set(ChangeSetName=made["Id"])
        self.settle()

    def create(self, template: Any, **more: Any) -> str:
        """Create a stack; its id."""
        made = self.change_set(template, **more)
        self.execute(made)
        return str(made["StackId"])

    def stack(self, name: str = "recorded") -> Any:
        return self.cloudformation.describe_stacks(StackName=name)["Stacks"][0]

    def events(self, stack: str) -> list[Any]:
        pages = self.cloudformation.get_paginator("describe_stack_events").paginate(StackName=stack)
        return [event for page in pages for event in page["StackEvents"]]


def refused(call: Callable[[], Any]) -> Any:
    """Return the code and the message of the error with which a call is refused."""
    try:
        call()
    except ClientError as error:
        return {"Error": {key: error.response["Error"][key] for key in ("Code", "Message")}}
    return "it was not refused"


def said(call: Callable[[], Any]) -> str:
    """Return the message of the error with which a call is refused."""
    try:
        call()
    except ClientError as error:
        return str(error)
    return "it was not refused"


def parameter(value: Any = "value", **more: Any) -> dict[str, Any]:
    return {"Type": "AWS::SSM::Parameter", "Properties": {"Type": "String", "Value": value, **more}}


def topic(name: Any) -> dict[str, Any]:
    return {"Type": "AWS::SNS::Topic", "Properties": {"TopicName": name}}


def resources(**named: Any) -> dict[str, Any]:
    return {"Resources": named}


SIMPLE = resources(SimpleParam=parameter())
METADATA = resources(CDKMetadata={"Type": "AWS::CDK::Metadata", "Properties": {}})
CAPABILITIES = ["CAPABILITY_AUTO_EXPAND", "CAPABILITY_IAM", "CAPABILITY_NAMED_IAM"]


def lifecycle(account: Account, *tags: dict[str, str]) -> Answers:
    template = {"Description": "test staging.test.net", **resources(TestResource=parameter())}
    tagged: dict[str, Any] = {"Tags": list(tags)} if tags else {}
    made = account.change_set(template, **tagged)
    before = account.stack()
    answers = {"change-set-pre-execute": account.described(made), "stack-pre-execute": before}
    account.execute(made)
    return answers | {"stack-post-execute": account.stack()}


def several_change_sets(account: Account) -> Answers:
    first = account.change_set(SIMPLE)
    described = account.described(first)
    second = account.change_set(SIMPLE)
    assert second["StackId"] == first["StackId"]
    return {"initial_changeset": described, "additional_changeset": second}


def listed(account: Account) -> Answers:
    account.change_set(SIMPLE)
    return {"change-sets": account.cloudformation.list_change_sets(StackName="recorded")}


def same_names(account: Account) -> Answers:
    made = account.change_set(SIMPLE, ChangeSetName="initial")
    account.execute(made)
    again = refused(lambda: account.change_set(SIMPLE))
    account.cloudformation.delete_stack(StackName="recorded")
    account.settle()
    second = account.change_set(SIMPLE, ChangeSetName="initial")
    answers = {
        "create_changeset_existingstack_exc": again,
        "new_stack_desc": {"Stacks": [account.stack()]},
        "stack_id_desc": {"Stacks": [account.stack(made["StackId"])]},
        "new_stack_id_desc": {"Stacks": [account.stack(second["StackId"])]},
    }
    return answers | {"second_initial_changeset_id_desc": account.described(second)}


def deleted_change_set(account: Account) -> Answers:
    made = account.change_set(METADATA)
    account.cloudformation.delete_change_set(ChangeSetName=made["Id"])
    return {"create": made, "postdelete_changeset_notfound": said(lambda: account.described(made))}


def no_stack(account: Account) -> Answers:
    describe = account.cloudformation.describe_change_set
    return {"exception": said(lambda: describe(ChangeSetName="x", StackName="somestack"))}


def no_changes(account: Account) -> Answers:
    account.create(SIMPLE)
    return {"change-set-description": account.described(account.change_set(SIMPLE, "UPDATE"))}


def nothing_to_execute(account: Account) -> Answers:
    made = account.change_set(METADATA, Capabilities=CAPABILITIES)
    described = account.described(made)
    account.execute(made)
    empty = account.change_set(METADATA, "UPDATE", Capabilities=CAPABILITIES)
    return {
        "first_changeset": made,
        "describe_first_cs": described,
        "nochange_changeset": empty,
        "describe_nochange": account.described(empty),
        "error_execute_failed": said(lambda: account.execute(empty)),
    }


def deleted_stack(account: Account) -> Answers:
    stack = account.create(SIMPLE)
    account.cloudformation.delete_stack(StackName=stack)
    account.settle()
    return {
        "ErrorForCreate": refused(lambda: account.change_set(SIMPLE, stack=stack, ChangeSetName="test")),
        "ErrorForUpdate": refused(lambda: account.change_set(SIMPLE, "UPDATE", stack=stack, ChangeSetName="test")),
    }


def moved_parameter(account: Account) -> Answers:
    def of(name: str) -> Any:
        parameters = {"Parameters": {"TopicName": {"Type": "String", "Default": name}}}
        return parameters | resources(topic123=topic({"Ref": "TopicName"}))

    account.create(of("topic-1"))
    return {"describe-2": account.described(account.change_set(of("topic-2"), "UPDATE"))}


def creation_events(account: Account) -> Answers:
    stack = account.create(resources(topic123=topic("topic")))
    return {"events": {"StackEvents": account.events(stack)[::-1]}}


def refused_template(key: str, template: Any) -> Callable[[Account], Answers]:
    return lambda account: {key: refused(lambda: account.change_set(template))}


def said_of_template(key: str, template: Any) -> Callable[[Account], Answers]:
    return lambda account: {key: said(lambda: account.change_set(template))}


def missing_stacks(account: Account) -> Answers:
    client = account.cloudformation
    return {
        "Error": refused(lambda: client.describe_stacks(StackName="does-not-exist")),
        "describe_stack_events_stack_not_found": refused(
            lambda: client.describe_stack_events(StackName="does-not-exist")
        ),
        "stack-error": refused(lambda: client.get_template(StackName="does-not-exist", TemplateStage="Original")),
    }


def missing_change_set(account: Account) -> Answers:
    account.create(SIMPLE)
    lost = "arn:aws:cloudformation:eu-central-1:222222222222:changeSet/lost/1"
    ask = account.cloudformation.get_template
    return {
        "change-set-error": refused(lambda: ask(StackName="recorded", ChangeSetName=lost, TemplateStage="Original"))
    }


def secrets(account: Account) -> Answers:
    def secret(**more: str) -> dict[str, Any]:
        return {"Type": "String", "NoEcho": True, "Default": "SecretValue", **more}

    parameters = {
        "NormalParameter": {"Type": "String", "Default": "Some default value here"},
        "SecretParameter": secret(),
        "SecretParameterWithDefault": secret(),
    }
    account.create({"Parameters": parameters, **resources(LocalBucket=parameter())}, Capabilities=CAPABILITIES)
    return {"describe_stacks": {"Stacks": [account.stack()]}}


def stored(account: Account) -> Answers:
    account.put("123")
    got = account.ssm.get_parameters(Names=[PATH])
    with contextlib.suppress(KeyError):
        del got["ResponseMetadata"]
    return {"get-parameters-response": got}


def nothing_stored(account: Account) -> Answers:
    return {"get-parameter-error": refused(lambda: account.ssm.get_parameter(Name="/lost"))}


def stack_by_id(account: Account) -> Answers:
    made = account.change_set(SIMPLE)
    described = {"Stacks": [account.stack(made["StackId"])]}
    account.cloudformation.delete_stack(StackName="recorded")
    account.settle()
    again = refused(lambda: account.change_set(SIMPLE, stack=made["StackId"], ChangeSetName="revived-stack-changeset"))
    return {"describe_stack": described, "recreate_deleted_with_id_exception": again}


def stack_that_is_being_deleted(account: Account) -> Answers:
    stack = account.create(SIMPLE)
    account.cloudformation.delete_stack(StackName=stack)
    going = refused(lambda: account.change_set(SIMPLE, "UPDATE", stack=stack))
    account.settle()
    gone = refused(lambda: account.change_set(SIMPLE, "UPDATE", stack=stack))
    return {"ErrorForInProgress": going, "ErrorForComplete": gone}


def change_set_by_name_alone(account: Account) -> Answers:
    return {"e2": refused(lambda: account.cloudformation.delete_change_set(ChangeSetName="x"))}


NAMED = {"Parameters": {"ApiName": {"Type": "String"}}}


def named_parameter(value: str) -> list[dict[str, str]]:
    return [{"ParameterKey": "ApiName", "ParameterValue": value}]


def protected_stack(account: Account) -> Answers:
    template = NAMED | resources(A=parameter({"Ref": "ApiName"}))
    account.create(template, Parameters=named_parameter("a"), Capabilities=CAPABILITIES)
    answers = {}
    for number, protected in ((1, True), (2, False)):
        account.cloudformation.update_termination_protection(
            StackName="recorded", EnableTerminationProtection=protected
        )
        answers[f"describe-stack-{number}"] = {"Stacks": [account.stack()]}
    return answers


def whole_life(account: Account) -> Answers:
    template = NAMED | resources(A=parameter({"Ref": "ApiName"}))
    stack = account.create(template, Parameters=named_parameter("a"), Capabilities=CAPABILITIES)
    answers = {"creation": account.stack()}
    made = account.change_set(template, "UPDATE", Parameters=named_parameter("b"), Capabilities=CAPABILITIES)
    account.execute(made)
    answers["update"] = account.stack()
    account.cloudformation.delete_stack(StackName="recorded")
    account.settle()
    gone = refused(lambda: account.stack())
    return answers | {"describe_deleted_by_name_exc": gone, "deleted": account.stack(stack)}


def template_of_a_stack(account: Account) -> Answers:
    template = resources(topic69831491={"Type": "AWS::SNS::Topic"})
    template["Outputs"] = {"TopicName": {"Value": {"Fn::GetAtt": ["topic69831491", "TopicName"]}}}
    account.create(template)
    found = account.cloudformation.get_template(StackName="recorded", TemplateStage="Original")
    return {"template_original": {key: found[key] for key in ("StagesAvailable", "TemplateBody")}}


def listed_stacks(account: Account) -> Answers:
    for name in ("one", "two", "three"):
        account.create(resources(A=parameter()), stack=name)
    return {"stacks": account.cloudformation.list_stacks(StackStatusFilter=["CREATE_COMPLETE"])["StackSummaries"]}
