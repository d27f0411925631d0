"""CloudFormation and Parameter Store as a state machine over the real statuses, with a clock that only sleeping moves.

What it does by itself: typed parameters are resolved when a change set is made, an operation takes its time, failures
roll back, a stack keeps the role that it was given, executing one change set deletes the others. What a test adds:
throttling, answers lost after the effect, stale descriptions, events in pages and out of order, credentials that end.
Answers have the shape of boto3's; a call that AWS would refuse is refused with AWS's code. As on AWS, the description
of a change set has its parameters, tags and capabilities but not its role, and leaves out what is empty.
"""

from __future__ import annotations

import copy
import json
import random
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from botocore.exceptions import ClientError, ReadTimeoutError

from cicd_templates.deploy.aws.polling import Polling
from cicd_templates.template.stack_facts import METADATA_KEY, StackFacts
from cicd_templates.template.stack_template import StackTemplate

EPOCH = datetime(2026, 1, 1, tzinfo=UTC)
READING = "AWS::SSM::Parameter::Value<String>"
# So short that every list of a test has several.
PAGE = 4
CHANGE_SET_SECONDS = 4.0
ARN = "arn:aws:cloudformation:eu-central-1:222222222222"
COMPLETE = {"CREATE_COMPLETE", "UPDATE_COMPLETE", "UPDATE_ROLLBACK_COMPLETE"}
READS = {"DescribeStacks", "DescribeStackEvents"}
REPORTED_WHERE_GIVEN = ("Description", "Tags", "OnStackFailure", "ImportExistingResources", "DeploymentMode")


def error(code: str, message: str, operation: str, status: int = 400) -> ClientError:
    return ClientError(
        {"Error": {"Code": code, "Message": message}, "ResponseMetadata": {"HTTPStatusCode": status}},  # type: ignore[typeddict-item] # all that is read
        operation,
    )


class Clock:
    """Time that passes by sleeping alone."""

    def __init__(self) -> None:
        self.seconds = 0.0

    def sleep(self, seconds: float) -> None:
        self.seconds += seconds

    def now(self) -> float:
        return self.seconds

    def today(self) -> datetime:
        return EPOCH + timedelta(seconds=self.seconds)

    def polling(self, poll_seconds: float = 2.0) -> Polling:
        return Polling(poll_seconds, self.sleep, self.now, lambda: 0.5)


@dataclass
class SimulatedChangeSet:
    arn: str
    name: str
    stack: SimulatedStack
    request: Mapping[str, Any]
    ready_at: float
    created: datetime
    changes: list[dict[str, Any]]
    parameters: dict[str, str]
    reason: str
    execution: str = "UNAVAILABLE"
    token: str = ""


@dataclass
class SimulatedStack:
    name: str
    id: str
    status: str
    tags: list[Any]
    created: datetime
    body: str = ""
    role: str | None = None
    parameters: dict[str, str] = field(default_factory=dict)
    events: list[dict[str, Any]] = field(default_factory=list)
    change_sets: dict[str, SimulatedChangeSet] = field(default_factory=dict)
    protected: bool = False
    # What descriptions returned, and from when on: for reads that are a moment behind.
    history: list[tuple[float, str]] = field(default_factory=list)

    @property
    def resources(self) -> dict[str, Any]:
        return dict(json.loads(self.body)["Resources"]) if self.body else {}


@dataclass
class Faults:
    """What goes wrong, decided by a seed: `rate` is how many of the calls, `kinds` which."""

    rate: float = 0.0
    kinds: tuple[str, ...] = ()
    random: random.Random = field(default_factory=lambda: random.Random(0))  # noqa: S311 - faults, no secrets
    happened: Counter[str] = field(default_factory=Counter)
    expired: bool = False
    # Called before each call: a test interrupts by raising from here.
    before: Callable[[str], None] = lambda operation: None

    def strikes(self, kind: str) -> bool:
        if kind in self.kinds and self.random.random() < self.rate:
            self.happened[kind] += 1
            return True
        return False


class SimulatedAws:
    """One account and region. `latency` are the seconds of a stack's operations, `fails` the names that fail."""

    def __init__(self, clock: Clock | None = None) -> None:
        self.clock = clock or Clock()
        self.faults = Faults()
        self.stacks: dict[str, SimulatedStack] = {}
        self.values: dict[str, str] = {}
        self.latency: dict[str, float] = {}
        self.fails: set[str] = set()
        self.rollback_fails: set[str] = set()
        self.executed: list[SimulatedChangeSet] = []
        self.replaced: list[tuple[str, str]] = []
        self.calls: Counter[str] = Counter()
        self.validation: list[dict[str, Any]] = []
        self.role_changes: list[str] = []
        self._agenda: list[tuple[float, int, Callable[[], None]]] = []
        self._count = 0
        self.page = PAGE
        self.local = False
        self.endpoint_url = None
        self.cloudformation = CloudFormation(self)
        self.ssm = ParameterStore(self)
        self.tagging = Tagging()
        self.region = "eu-central-1"

    def number(self) -> int:
        self._count += 1
        return self._count

    def after(self, seconds: float, act: Callable[[], None]) -> None:
        self._agenda.append((self.clock.seconds + seconds, self.number(), act))

    def catch_up(self) -> None:
        """Let happen what is due by now, in its order."""
        while due := [entry for entry in self._agenda if entry[0] <= self.clock.seconds]:
            entry = min(due, key=lambda each: each[:2])
            self._agenda.remove(entry)
            entry[2]()

    def settle(self) -> None:
        """Let everything that is under way come to its end."""
        while self._agenda:
            self.clock.seconds = max(self.clock.seconds, min(entry[0] for entry in self._agenda))
            self.catch_up()

    def named(self, name: str) -> SimulatedStack | None:
        """The living stack of a name, or any stack of an id."""
        for stack in self.stacks.values():
            if name == stack.id or (name == stack.name and stack.status != "DELETE_COMPLETE"):
                return stack
        return None

    def move(self, stack: SimulatedStack, status: str, token: str = "", reason: str = "") -> None:
        stack.status = status
        stack.history.append((self.clock.seconds, status))
        self.tell(stack, stack.name, "AWS::CloudFormation::Stack", status, token, reason)

    def tell(
        self, stack: SimulatedStack, logical_id: str, kind: str, status: str, token: str, reason: str = ""
    ) -> None:
        event = {
            "EventId": f"e{self.number()}",
            "StackId": stack.id,
            # Events of one second keep their order by what comes behind the point.
            "Timestamp": self.clock.today() + timedelta(microseconds=self.number()),
            "LogicalResourceId": logical_id,
            "ResourceType": kind,
            "ResourceStatus": status,
            "ResourceStatusReason": reason,
        }
        stack.events.append(event | ({"ClientRequestToken": token} if token else {}))

    # What an operation does, step by step.

    def begin(self, change_set: SimulatedChangeSet, token: str) -> None:
        stack, creates = change_set.stack, change_set.request["ChangeSetType"] == "CREATE"
        change_set.execution, change_set.token = "EXECUTE_IN_PROGRESS", token
        stack.change_sets = {change_set.arn: change_set}
        self.executed.append(change_set)
        if stack.role and stack.role != change_set.request.get("RoleARN", stack.role):
            self.role_changes.append(stack.name)
        stack.role = change_set.request.get("RoleARN", stack.role)
        self.move(stack, "CREATE_IN_PROGRESS" if creates else "UPDATE_IN_PROGRESS", token)
        for change in change_set.changes:
            kind = change["ResourceType"]
            self.tell(stack, change["LogicalResourceId"], kind, stack.status, token)
        failing = stack.name in self.fails
        act = self._fail if failing else self._succeed
        self.after(self.latency.get(stack.name, 30.0), lambda: act(change_set))

    def _succeed(self, change_set: SimulatedChangeSet) -> None:
        stack, token = change_set.stack, change_set.token
        creates = change_set.request["ChangeSetType"] == "CREATE"
        for change in change_set.changes:
            replaced = change.get("Replacement") == "True"
            if change["Action"] == "Remove" or replaced:
                self.replaced.append((stack.name, change["LogicalResourceId"]))
            self.tell(stack, change["LogicalResourceId"], change["ResourceType"], "UPDATE_COMPLETE", token)
        stack.body, stack.parameters = change_set.request["TemplateBody"], change_set.parameters
        change_set.execution = "EXECUTE_COMPLETE"
        self._publish(stack)
        if creates:
            self.move(stack, "CREATE_COMPLETE", token)
            return
        self.move(stack, "UPDATE_COMPLETE_CLEANUP_IN_PROGRESS", token)
        self.after(3.0, lambda: self.move(stack, "UPDATE_COMPLETE", token))

    def _publish(self, stack: SimulatedStack) -> None:
        for resource in stack.resources.values():
            if resource["Type"] == "AWS::SSM::Parameter":
                self.values[resource["Properties"]["Name"]] = resource["Properties"]["Value"]

    def _fail(self, change_set: SimulatedChangeSet) -> None:
        stack, token = change_set.stack, change_set.token
        change_set.execution = "EXECUTE_FAILED"
        first = change_set.changes[0] if change_set.changes else {"LogicalResourceId": "R", "ResourceType": "T"}
        self.tell(stack, first["LogicalResourceId"], first["ResourceType"], "CREATE_FAILED", token, "no quota is left")
        for change in change_set.changes[1:]:
            cancelled = "Resource creation cancelled"
            self.tell(stack, change["LogicalResourceId"], change["ResourceType"], "CREATE_FAILED", token, cancelled)
        creates = change_set.request["ChangeSetType"] == "CREATE"
        prefix = "" if creates else "UPDATE_"
        self.move(stack, f"{prefix}ROLLBACK_IN_PROGRESS", token)
        broken = stack.name in self.rollback_fails
        end = f"{prefix}ROLLBACK_{'FAILED' if broken else 'COMPLETE'}"
        self.after(6.0, lambda: self.move(stack, end, token))
        if creates and not broken and change_set.request.get("OnStackFailure") == "DELETE":
            self.after(6.0, lambda: self.move(stack, "DELETE_IN_PROGRESS", token))
            self.after(9.0, lambda: self.move(stack, "DELETE_COMPLETE", token))

    def somebody_updates(self, name: str, seconds: float) -> None:
        """Another one's operation on a stack, which makes every change set obsolete and changes nothing."""
        stack = self.named(name)
        assert stack is not None
        stack.change_sets = {}
        self.move(stack, "UPDATE_IN_PROGRESS", "another's")
        self.after(seconds, lambda: self.move(stack, "UPDATE_COMPLETE", "another's"))


class Service:
    """What every client has: faults before and after the effect, and the clock."""

    def __init__(self, aws: SimulatedAws) -> None:
        self._aws = aws

    def _call(self, operation: str, effect: Callable[[], Any]) -> Any:
        aws = self._aws
        aws.faults.before(operation)
        aws.calls[operation] += 1
        aws.catch_up()
        if aws.faults.expired:
            aws.faults.happened["expired credentials"] += 1
            raise error("ExpiredToken", "The security token included in the request is expired", operation, 403)
        if aws.faults.strikes("throttled"):
            raise error("Throttling", "Rate exceeded", operation)
        answer = effect()
        if aws.faults.strikes("lost response"):
            raise ReadTimeoutError(endpoint_url="https://cloudformation")
        return copy.deepcopy(answer)


class ParameterStore(Service):
    def get_parameter(self, Name: str) -> Any:  # noqa: N803 - AWS's word
        def effect() -> Any:
            if Name not in self._aws.values:
                raise error("ParameterNotFound", Name, "GetParameter")
            return {"Parameter": {"Name": Name, "Value": self._aws.values[Name], "ARN": f"arn:aws:ssm:::{Name}"}}

        return self._call("GetParameter", effect)

    def get_parameters(self, Names: list[str]) -> Any:  # noqa: N803 - AWS's word
        values = self._aws.values
        return self._call(
            "GetParameters",
            lambda: {"Parameters": [{"Name": name, "Value": values[name]} for name in Names if name in values]},
        )


class Tagging:
    """Whose something is may not be looked at."""

    @staticmethod
    def get_paginator(name: str) -> Any:
        raise error("AccessDenied", "not yours", name)


class Paginator:
    def __init__(self, call: Callable[..., Any], token: str) -> None:
        self._call, self._token = call, token

    def paginate(self, **request: Any) -> Iterator[Any]:
        page = self._call(**request)
        yield page
        while token := page.get("NextToken"):
            page = self._call(**request, NextToken=token)
            yield page


class CloudFormation(Service):
    class exceptions:  # noqa: N801 - as boto3 spells it
        class AlreadyExistsException(ClientError):  # noqa: N818 - as boto3 spells it
            pass

    def get_paginator(self, name: str) -> Paginator:
        return Paginator(getattr(self, name), "NextToken")

    def _paged(self, key: str, items: list[Any], token: str | None) -> dict[str, Any]:
        start = int(token or 0)
        end = start + self._aws.page
        answer: dict[str, Any] = {key: items[start:end]}
        return answer | ({"NextToken": str(end)} if end < len(items) else {})

    def _described(self, stack: SimulatedStack) -> dict[str, Any]:
        status = stack.status
        if len(stack.history) > 1 and self._aws.faults.strikes("stale read"):
            status = stack.history[-2][1]
        return {
            "StackId": stack.id,
            "StackName": stack.name,
            "StackStatus": status,
            "Tags": stack.tags,
            "CreationTime": stack.created,
            "EnableTerminationProtection": stack.protected,
            "Parameters": [{"ParameterKey": key, "ParameterValue": value} for key, value in stack.parameters.items()],
        }

    def describe_stacks(self, StackName: str | None = None, NextToken: str | None = None) -> Any:  # noqa: N803
        def effect() -> Any:
            if StackName is None:
                living = [each for each in self._aws.stacks.values() if each.status != "DELETE_COMPLETE"]
                return self._paged("Stacks", [self._described(each) for each in living], NextToken)
            stack = self._required(StackName, "DescribeStacks")
            return {"Stacks": [self._described(stack)]}

        return self._call("DescribeStacks", effect)

    def _required(self, name: str, operation: str) -> SimulatedStack:
        stack = self._aws.named(name)
        if stack is None:
            raise error("ValidationError", f"Stack with id {name} does not exist", operation)
        return stack

    def list_change_sets(self, StackName: str, NextToken: str | None = None) -> Any:  # noqa: N803
        def effect() -> Any:
            stack = self._required(StackName, "ListChangeSets")
            found = [
                {
                    "ChangeSetId": each.arn,
                    "ChangeSetName": each.name,
                    "CreationTime": each.created,
                    "ExecutionStatus": self._execution(each),
                }
                for each in stack.change_sets.values()
            ]
            return self._paged("Summaries", found, NextToken)

        return self._call("ListChangeSets", effect)

    def create_change_set(self, **request: Any) -> Any:
        return self._call("CreateChangeSet", lambda: self._create(request))

    def _create(self, request: Mapping[str, Any]) -> Any:
        aws, name = self._aws, request["StackName"]
        creates = request["ChangeSetType"] == "CREATE"
        stack = aws.named(name)
        if stack is not None and any(each.name == request["ChangeSetName"] for each in stack.change_sets.values()):
            raise self.exceptions.AlreadyExistsException(
                {"Error": {"Code": "AlreadyExistsException", "Message": "exists"}}, "CreateChangeSet"
            )
        if creates and stack is not None and stack.status != "REVIEW_IN_PROGRESS":
            raise error("ValidationError", f"Stack [{name}] already exists", "CreateChangeSet")
        if not creates and (stack is None or stack.status not in COMPLETE):
            raise error("ValidationError", f"Stack:{name} is in no state to be updated", "CreateChangeSet")
        parameters = self._resolve(request, stack)
        if stack is None:
            stack = SimulatedStack(
                name, f"{ARN}:stack/{name}/{aws.number()}", "", list(request["Tags"]), aws.clock.today()
            )
            aws.stacks[stack.id] = stack
            aws.move(stack, "REVIEW_IN_PROGRESS")
        changes = changes_between(stack, request["TemplateBody"], parameters)
        reason = "" if changes or creates else "The submitted information didn't contain changes."
        arn = f"{ARN}:changeSet/{request['ChangeSetName']}/{aws.number()}"
        ready = aws.clock.seconds + CHANGE_SET_SECONDS
        made = SimulatedChangeSet(
            arn, request["ChangeSetName"], stack, request, ready, aws.clock.today(), changes, parameters, reason
        )
        stack.change_sets[arn] = made
        return {"Id": arn, "StackId": stack.id}

    def _resolve(self, request: Mapping[str, Any], stack: SimulatedStack | None) -> dict[str, str]:
        """The parameters by the template's types: Parameter Store is read now, and not when it is executed."""
        previous = {each["ParameterKey"] for each in request["Parameters"] if each.get("UsePreviousValue")}
        found = {}
        for key, parameter in json.loads(request["TemplateBody"]).get("Parameters", {}).items():
            if key in previous and stack is not None:
                found[key] = stack.parameters[key]
            elif parameter["Type"] != READING:
                found[key] = parameter["Default"]
            elif parameter["Default"] in self._aws.values:
                found[key] = self._aws.values[parameter["Default"]]
            else:
                reason = f"Unable to fetch parameters [{parameter['Default']}] from parameter store"
                raise error("ValidationError", reason, "CreateChangeSet")
        return found

    def _find(self, name: str, stack: str | None, operation: str) -> SimulatedChangeSet:
        for each in self._aws.stacks.values():
            for change_set in each.change_sets.values():
                if name == change_set.arn or (name == change_set.name and stack in (each.name, each.id)):
                    return change_set
        if stack is not None:
            self._required(stack, operation)
        raise error("ChangeSetNotFound", f"ChangeSet [{name}] does not exist", operation, 404)

    def _execution(self, change_set: SimulatedChangeSet) -> str:
        ready = self._aws.clock.seconds >= change_set.ready_at and not change_set.reason
        return "AVAILABLE" if change_set.execution == "UNAVAILABLE" and ready else change_set.execution

    def describe_change_set(
        self,
        ChangeSetName: str,  # noqa: N803
        StackName: str | None = None,  # noqa: N803
        NextToken: str | None = None,  # noqa: N803
        IncludePropertyValues: bool = False,  # noqa: N803
    ) -> Any:
        def effect() -> Any:
            found = self._find(ChangeSetName, StackName, "DescribeChangeSet")
            pending = self._aws.clock.seconds < found.ready_at
            status = "CREATE_IN_PROGRESS" if pending else "FAILED" if found.reason else "CREATE_COMPLETE"
            changes = [] if pending else found.changes
            return {
                "ChangeSetId": found.arn,
                "ChangeSetName": found.name,
                "StackId": found.stack.id,
                "StackName": found.stack.name,
                "CreationTime": found.created,
                "Status": status,
                "StatusReason": found.reason,
                "ExecutionStatus": self._execution(found),
                "NotificationARNs": found.request.get("NotificationARNs", []),
                "RollbackConfiguration": found.request.get("RollbackConfiguration", {}),
                "Capabilities": list(found.request["Capabilities"]),
                "IncludeNestedStacks": found.request.get("IncludeNestedStacks", False),
                **{name: found.request[name] for name in REPORTED_WHERE_GIVEN if found.request.get(name)},
                **({"Parameters": parameters} if (parameters := self._parameters(found)) else {}),
            } | self._paged("Changes", [self._change_entry(each, IncludePropertyValues) for each in changes], NextToken)

        return self._call("DescribeChangeSet", effect)

    @staticmethod
    def _parameters(found: SimulatedChangeSet) -> list[dict[str, str]]:
        types = json.loads(found.request["TemplateBody"]).get("Parameters", {})
        return [
            {"ParameterKey": key, "ParameterValue": types[key]["Default"], "ResolvedValue": value}
            if types[key]["Type"] == READING
            else {"ParameterKey": key, "ParameterValue": value}
            for key, value in found.parameters.items()
        ]

    @staticmethod
    def _change_entry(change: dict[str, Any], valued: bool) -> dict[str, Any]:
        """A change with its values or, as AWS does without being asked for them, with none."""
        shown = copy.deepcopy(change)
        for detail in [] if valued else shown["Details"]:
            for name in ("Path", "BeforeValue", "AfterValue"):
                detail["Target"].pop(name, None)
        return {"Type": "Resource", "ResourceChange": shown}

    def describe_events(self, ChangeSetName: str, NextToken: str | None = None) -> Any:  # noqa: N803
        return self._call("DescribeEvents", lambda: self._paged("OperationEvents", self._aws.validation, NextToken))

    def delete_change_set(self, ChangeSetName: str) -> Any:  # noqa: N803
        def effect() -> None:
            found = self._find(ChangeSetName, None, "DeleteChangeSet")
            if found.execution.startswith("EXECUTE_"):
                raise error("InvalidChangeSetStatus", "it is executed", "DeleteChangeSet")
            del found.stack.change_sets[found.arn]

        return self._call("DeleteChangeSet", effect)

    def execute_change_set(self, ChangeSetName: str, ClientRequestToken: str) -> Any:  # noqa: N803
        def effect() -> None:
            found = self._find(ChangeSetName, None, "ExecuteChangeSet")
            status = self._execution(found)
            if status != "AVAILABLE":
                raise error("InvalidChangeSetStatus", f"ChangeSet is in {status} status", "ExecuteChangeSet")
            if found.stack.status not in COMPLETE | {"REVIEW_IN_PROGRESS"}:
                raise error("ValidationError", f"Stack is in {found.stack.status}", "ExecuteChangeSet")
            self._aws.begin(found, ClientRequestToken)

        return self._call("ExecuteChangeSet", effect)

    def describe_stack_events(self, StackName: str, NextToken: str | None = None) -> Any:  # noqa: N803
        def effect() -> Any:
            stack = self._required(StackName, "DescribeStackEvents")
            page = self._paged("StackEvents", stack.events[::-1], NextToken)
            if self._aws.faults.strikes("reordered events"):
                self._aws.faults.random.shuffle(page["StackEvents"])
            return page

        return self._call("DescribeStackEvents", effect)

    def list_stack_resources(self, StackName: str) -> Any:  # noqa: N803
        def effect() -> Any:
            stack = self._required(StackName, "ListStackResources")
            alive = [{"LogicalResourceId": name, "ResourceStatus": "CREATE_COMPLETE"} for name in stack.resources]
            return {"StackResourceSummaries": alive}

        return self._call("ListStackResources", effect)

    def get_template(self, StackName: str, TemplateStage: str, ChangeSetName: str | None = None) -> Any:  # noqa: N803
        def effect() -> Any:
            stack = self._required(StackName, "GetTemplate")
            found = self._find(ChangeSetName, StackName, "GetTemplate") if ChangeSetName else None
            body = found.request["TemplateBody"] if found else stack.body
            # boto3 parses a body that is JSON.
            return {"TemplateBody": json.loads(body), "StagesAvailable": ["Original", "Processed"]}

        return self._call("GetTemplate", effect)

    def delete_stack(self, StackName: str) -> Any:  # noqa: N803
        def effect() -> None:
            stack = self._aws.named(StackName)
            if stack is not None and stack.status != "DELETE_COMPLETE":
                self._aws.move(stack, "DELETE_COMPLETE")

        return self._call("DeleteStack", effect)

    def update_termination_protection(self, StackName: str, EnableTerminationProtection: bool) -> Any:  # noqa: N803
        def effect() -> None:
            self._required(StackName, "UpdateTerminationProtection").protected = EnableTerminationProtection

        return self._call("UpdateTerminationProtection", effect)


def changes_between(stack: SimulatedStack, body: str, parameters: Mapping[str, str]) -> list[dict[str, Any]]:
    """What a change set says: properties called Fixed... replace, Maybe... perhaps; a moved parameter changes all."""
    before, after = stack.resources, json.loads(body)["Resources"]
    found = []
    for name in sorted(before.keys() | after.keys()):
        old, new = before.get(name), after.get(name)
        kind = (before | after)[name]["Type"]
        change: dict[str, Any] = {"LogicalResourceId": name, "ResourceType": kind, "Details": []}
        if old is None:
            found.append(change | {"Action": "Add"})
        elif new is None:
            found.append(change | {"Action": "Remove", "PolicyAction": old.get("DeletionPolicy", "Delete")})
        else:
            moved = [] if parameters == stack.parameters else ["Tags"]
            edited = sorted(
                key
                for key in old["Properties"].keys() | new["Properties"].keys()
                if old["Properties"].get(key) != new["Properties"].get(key)
            )
            if edited or moved:
                found.append(change | {"Action": "Modify"} | _modified(old, new, edited, moved))
    return found


def _modified(old: Any, new: Any, edited: list[str], moved: list[str]) -> dict[str, Any]:
    fixed = any(name.startswith("Fixed") for name in edited)
    maybe = any(name.startswith("Maybe") for name in edited)
    replacement = "True" if fixed else "Conditional" if maybe else "False"
    details = [
        {
            "Target": {
                "Attribute": "Properties",
                "Name": name,
                "Path": f"/Properties/{name}",
                "BeforeValue": str(old["Properties"].get(name, "")),
                "AfterValue": str(new["Properties"].get(name, "")),
                "RequiresRecreation": "Always" if name.startswith("Fixed") else "Never",
            }
        }
        for name in edited + moved
    ]
    policy = {"PolicyAction": f"ReplaceAnd{new.get('UpdateReplacePolicy', 'Delete')}"} if fixed or maybe else {}
    return {"Replacement": replacement, "Details": details, **policy}


def rendered(
    layer: str,
    *,
    reads: Mapping[str, str] | None = None,
    publishes: Mapping[str, str] | None = None,
    resources: Mapping[str, Any] | None = None,
    parameters: Mapping[str, Any] | None = None,
    environment: str = "staging",
    protection: str = "disposable",
    deployed_as: str | None = None,
) -> StackTemplate:
    """A rendered stack: its resources, what it reads (parameter to path) and what it publishes (path to value)."""
    name = f"payments-{environment}-{layer}"
    tags = {"Project": "payments", "Environment": environment, "ManagedBy": "cicd-templates"}
    facts = StackFacts(
        project="payments",
        environment=environment,
        kind="runtime",
        layer=layer,
        stack=name,
        account="222222222222",
        region="eu-central-1",
        protection=protection,
        sources=(),
        stack_tags=tags,
        deployed_as=deployed_as,
    )
    template = {
        "Metadata": {METADATA_KEY: facts.to_metadata()},
        "Parameters": {
            **{key: {"Type": READING, "Default": path} for key, path in (reads or {}).items()},
            **(parameters or {}),
        },
        "Resources": {
            **(resources or {}),
            **{
                f"Published{number}": {
                    "Type": "AWS::SSM::Parameter",
                    "Properties": {"Name": path, "Type": "String", "Value": value},
                }
                for number, (path, value) in enumerate((publishes or {}).items())
            },
        },
    }
    body = json.dumps(template)
    return StackTemplate(Path(f"out/{environment}/{layer}.yaml"), body, template, facts)
