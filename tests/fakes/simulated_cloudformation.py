"""The API of the simulated CloudFormation. Requests, answers and errors have the form and the words of AWS."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from botocore.exceptions import ClientError

from tests.fakes import simulated_aws as simulation
from tests.fakes.simulated_aws import ARN, COMPLETE, REVIEW, Service, SimulatedChangeSet, SimulatedStack, error
from tests.fakes.simulated_changes import changes_between, changes_that_revert, described_changes
from tests.fakes.simulated_templates import MASKED, READING, Template, parsed

NO_CHANGES = "The submitted information didn't contain changes. Submit different information to create a change set."
REPORTED_WHERE_GIVEN = ("Description", "Tags", "OnStackFailure", "ImportExistingResources", "DeploymentMode")
NOT_CHECKED = {"StackDriftStatus": "NOT_CHECKED"}


class CloudFormation(Service):
    class exceptions:  # noqa: N801 - as boto3 spells it
        class AlreadyExistsException(ClientError):  # noqa: N818 - as boto3 spells it
            pass

    # Stacks.

    def describe_stacks(self, StackName: str | None = None, NextToken: str | None = None) -> Any:  # noqa: N803
        def effect() -> Any:
            if StackName is None:
                living = [each for each in self._aws.stacks.values() if each.status != "DELETE_COMPLETE"]
                return self._paged("Stacks", [self._described(each) for each in living], NextToken)
            stack = self._aws.named(StackName)
            if stack is None:
                raise error("ValidationError", f"Stack with id {StackName} does not exist", "DescribeStacks")
            return {"Stacks": [self._described(stack)]}

        return self._call("DescribeStacks", effect)

    def _described(self, stack: SimulatedStack) -> dict[str, Any]:
        status = stack.status
        if len(stack.history) > 1 and self._aws.faults.strikes("stale read"):
            status = stack.history[-2][1]
        answer: dict[str, Any] = {
            "StackId": stack.id,
            "StackName": stack.name,
            "StackStatus": status,
            # A stack in review has no tags: they are its change sets' until one is executed.
            "Tags": stack.tags,
            "CreationTime": stack.created,
            "DisableRollback": False,
            "DriftInformation": NOT_CHECKED,
            "NotificationARNs": [],
            "RollbackConfiguration": {},
        }
        more = {
            "StackStatusReason": stack.reason,
            "Description": stack.template.content.get("Description") if stack.template else None,
            "Parameters": _parameters(stack.template) if stack.template else [],
            "Capabilities": list(stack.capabilities),
            "LastUpdatedTime": stack.updated,
            "DeletionTime": stack.deleted,
            "RoleARN": stack.role,
        }
        answer |= {key: value for key, value in more.items() if value}
        if stack.status != "DELETE_COMPLETE":
            answer["EnableTerminationProtection"] = stack.protected
            answer |= {"ChangeSetId": stack.change_set} if stack.change_set else {}
        return answer

    def list_stacks(self, StackStatusFilter: list[str], NextToken: str | None = None) -> Any:  # noqa: N803
        def effect() -> Any:
            found = [
                {
                    "StackId": each.id,
                    "StackName": each.name,
                    "StackStatus": each.status,
                    "CreationTime": each.created,
                    "DriftInformation": NOT_CHECKED,
                    **({"LastUpdatedTime": each.updated} if each.updated else {}),
                }
                for each in self._aws.stacks.values()
                if each.status in StackStatusFilter
            ]
            return self._paged("StackSummaries", found[::-1], NextToken)

        return self._call("ListStacks", effect)

    def describe_stack_events(self, StackName: str, NextToken: str | None = None) -> Any:  # noqa: N803
        def effect() -> Any:
            stack = self._required(StackName, "DescribeStackEvents")
            page = self._paged("StackEvents", stack.events[::-1], NextToken)
            if self._aws.faults.strikes("reordered events"):
                self._aws.faults.random.shuffle(page["StackEvents"])
            return page

        return self._call("DescribeStackEvents", effect)

    def list_stack_resources(self, StackName: str, NextToken: str | None = None) -> Any:  # noqa: N803
        def effect() -> Any:
            stack = self._aws.named(StackName)
            if stack is None:
                raise error("ValidationError", f"Stack with id {StackName} does not exist", "ListStackResources")
            found = [
                {
                    "LogicalResourceId": name,
                    "PhysicalResourceId": resource.physical_id,
                    "ResourceType": resource.kind,
                    "ResourceStatus": "DELETE_FAILED" if name in stack.stuck else "CREATE_COMPLETE",
                    "LastUpdatedTimestamp": stack.updated or stack.created,
                    "DriftInformation": {"StackResourceDriftStatus": "NOT_CHECKED"},
                }
                for name, resource in stack.resources.items()
            ]
            return self._paged("StackResourceSummaries", found, NextToken)

        return self._call("ListStackResources", effect)

    def get_template(self, StackName: str, TemplateStage: str, ChangeSetName: str | None = None) -> Any:  # noqa: N803
        def effect() -> Any:
            stack = self._aws.named(StackName)
            if stack is None:
                raise error("ValidationError", f"Stack with id {StackName} does not exist", "GetTemplate")
            found = self._find(ChangeSetName, StackName, "GetTemplate") if ChangeSetName else None
            body = found.request["TemplateBody"] if found else stack.body
            # What is not ASCII comes back as a question mark; boto3 parses a body that is JSON.
            shown = body.encode("ascii", "replace").decode()
            content = json.loads(shown) if shown.startswith("{") else shown
            return {"TemplateBody": content, "StagesAvailable": ["Original", "Processed"]}

        return self._call("GetTemplate", effect)

    def delete_stack(self, StackName: str) -> Any:  # noqa: N803
        def effect() -> None:
            stack = self._aws.named(StackName)
            if stack is not None and stack.protected and stack.status != "DELETE_COMPLETE":
                message = f"Stack [{stack.name}] cannot be deleted while TerminationProtection is enabled"
                raise error("ValidationError", message, "DeleteStack")
            if stack is not None:
                self._aws.delete(stack)

        return self._call("DeleteStack", effect)

    def update_termination_protection(self, StackName: str, EnableTerminationProtection: bool) -> Any:  # noqa: N803
        def effect() -> None:
            self._required(StackName, "UpdateTerminationProtection").protected = EnableTerminationProtection

        return self._call("UpdateTerminationProtection", effect)

    def _required(self, name: str, operation: str) -> SimulatedStack:
        stack = self._aws.named(name)
        if stack is None:
            raise error("ValidationError", f"Stack [{name}] does not exist", operation)
        return stack

    # Change sets.

    def list_change_sets(self, StackName: str, NextToken: str | None = None) -> Any:  # noqa: N803
        def effect() -> Any:
            stack = self._required(StackName, "ListChangeSets")
            found = [
                {
                    "ChangeSetId": each.arn,
                    "ChangeSetName": each.name,
                    "StackId": stack.id,
                    "StackName": stack.name,
                    "CreationTime": each.created,
                    "Status": self._status(each),
                    "IncludeNestedStacks": False,
                    "ExecutionStatus": self._execution(each),
                }
                for each in stack.change_sets.values()
            ]
            return self._paged("Summaries", found, NextToken)

        return self._call("ListChangeSets", effect)

    def create_change_set(self, **request: Any) -> Any:
        return self._call("CreateChangeSet", lambda: self._create(request))

    def _create(self, request: Mapping[str, Any]) -> Any:
        aws, name, change_set = self._aws, request["StackName"], request["ChangeSetName"]
        creates = request["ChangeSetType"] == "CREATE"
        stack = aws.named(name)
        if stack is not None and any(each.name == change_set for each in stack.change_sets.values()):
            message = f"ChangeSet {change_set} cannot be created due to a mismatch with existing attribute Template"
            raise self.exceptions.AlreadyExistsException(
                {"Error": {"Code": "AlreadyExistsException", "Message": message}}, "CreateChangeSet"
            )
        if creates and stack is not None and stack.status != REVIEW:
            message = f"Stack [{name}] already exists and cannot be created again with the changeSet [{change_set}]."
            raise error("ValidationError", message, "CreateChangeSet")
        if not creates and stack is None:
            raise error("ValidationError", f"Stack [{name}] does not exist", "CreateChangeSet")
        if not creates and stack is not None and stack.status not in COMPLETE:
            message = f"Stack:{stack.id} is in {stack.status} state and can not be updated."
            raise error("ValidationError", message, "CreateChangeSet")
        self._refuse_role(request.get("RoleARN"), "CreateChangeSet")
        if url := request.get("TemplateURL"):
            request = {**request, "TemplateBody": aws.uploaded[url]}
        template = self._read(request, stack)
        if stack is None:
            stack = SimulatedStack(name, f"{ARN}:stack/{name}/{aws.number()}", "", aws.clock.today())
            aws.stacks[stack.id] = stack
            aws.move(stack, REVIEW, "", simulation.BY_USER)
        if request.get("DeploymentMode"):
            changes = changes_that_revert(stack.resources, stack.edits, stack.template, template)
        else:
            changes = changes_between(stack.resources, stack.template, template)
        reason = "" if changes or creates else NO_CHANGES
        arn = f"{ARN}:changeSet/{change_set}/{aws.number()}"
        ready = aws.clock.seconds + simulation.CHANGE_SET_SECONDS
        stack.change_sets[arn] = SimulatedChangeSet(
            arn, change_set, stack, request, ready, aws.clock.today(), changes, template, reason
        )
        return {"Id": arn, "StackId": stack.id}

    def _refuse_role(self, role: str | None, operation: str) -> None:
        if role and self._aws.clock.seconds < self._aws.assumable_from.get(role, 0.0):
            raise error("ValidationError", f"Role {role} is invalid or cannot be assumed", operation)

    def _read(self, request: Mapping[str, Any], stack: SimulatedStack | None) -> Template:
        """The template with its parameters' values: Parameter Store is read now, and not when it is executed."""
        content = parsed(request["TemplateBody"])
        asked = {each["ParameterKey"]: each for each in request.get("Parameters", ())}
        values, without = {}, []
        for key, parameter in content.get("Parameters", {}).items():
            given = asked.get(key, {})
            if given.get("UsePreviousValue") and stack is not None and stack.template is not None:
                values[key] = stack.template.values[key]
                continue
            value = given.get("ParameterValue", parameter.get("Default"))
            if value is None:
                without.append(key)
            elif not parameter["Type"].startswith(READING):
                values[key] = value
            elif value in self._aws.values:
                values[key] = self._aws.values[value]
            else:
                reason = f"Unable to fetch parameters [{value}] from parameter store for this account."
                raise error("ValidationError", reason, "CreateChangeSet")
        if without:
            message = f"Parameters: [{', '.join(without)}] must have values"
            raise error("ValidationError", message, "CreateChangeSet")
        template = Template(content, values)
        if refusal := template.refusal():
            raise error("ValidationError", refusal, "CreateChangeSet")
        return template

    def _find(self, name: str, stack: str | None, operation: str) -> SimulatedChangeSet:
        for each in self._aws.stacks.values():
            for change_set in each.change_sets.values():
                if name == change_set.arn or (name == change_set.name and stack in (each.name, each.id)):
                    return change_set
        if stack is not None:
            self._required(stack, operation)
        raise error("ChangeSetNotFound", f"ChangeSet [{name}] does not exist", operation, 404)

    def _status(self, change_set: SimulatedChangeSet) -> str:
        if self._aws.clock.seconds < change_set.ready_at:
            return "CREATE_IN_PROGRESS"
        return "FAILED" if change_set.reason else "CREATE_COMPLETE"

    def _execution(self, change_set: SimulatedChangeSet) -> str:
        ready = self._status(change_set) == "CREATE_COMPLETE"
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
            status = self._status(found)
            changes = [] if status == "CREATE_IN_PROGRESS" else found.changes
            answer: dict[str, Any] = {
                "ChangeSetId": found.arn,
                "ChangeSetName": found.name,
                "StackId": found.stack.id,
                "StackName": found.stack.name,
                "CreationTime": found.created,
                "Status": status,
                "ExecutionStatus": self._execution(found),
                "NotificationARNs": found.request.get("NotificationARNs", []),
                "RollbackConfiguration": found.request.get("RollbackConfiguration", {}),
                "Capabilities": list(found.request.get("Capabilities", ())),
                "IncludeNestedStacks": found.request.get("IncludeNestedStacks", False),
                **{name: found.request[name] for name in REPORTED_WHERE_GIVEN if found.request.get(name)},
            }
            more = {"StatusReason": found.reason, "Parameters": _parameters(found.template)}
            answer |= {key: value for key, value in more.items() if value}
            listed = described_changes(changes, valued=IncludePropertyValues)
            return answer | self._paged("Changes", listed, NextToken)

        return self._call("DescribeChangeSet", effect)

    def describe_events(self, ChangeSetName: str, NextToken: str | None = None) -> Any:  # noqa: N803
        return self._call("DescribeEvents", lambda: self._paged("OperationEvents", self._aws.validation, NextToken))

    def delete_change_set(self, ChangeSetName: str, StackName: str | None = None) -> Any:  # noqa: N803
        def effect() -> None:
            if StackName is None and not ChangeSetName.startswith("arn:"):
                message = "StackName must be specified if ChangeSetName is not specified as an ARN."
                raise error("ValidationError", message, "DeleteChangeSet")
            if StackName is not None:
                self._required(StackName, "DeleteChangeSet")
            try:
                found = self._find(ChangeSetName, StackName, "DeleteChangeSet")
            except ClientError:
                # The deletion of what is not there succeeds: DeleteChangeSet has no error for it.
                return
            if found.execution.startswith("EXECUTE_"):
                message = f"ChangeSet [{found.arn}] cannot be deleted in its current status"
                raise error("InvalidChangeSetStatus", message, "DeleteChangeSet")
            del found.stack.change_sets[found.arn]

        return self._call("DeleteChangeSet", effect)

    def execute_change_set(self, ChangeSetName: str, ClientRequestToken: str = "") -> Any:  # noqa: N803
        def effect() -> None:
            found = self._find(ChangeSetName, None, "ExecuteChangeSet")
            if self._execution(found) != "AVAILABLE":
                now = found.execution if found.execution.startswith("EXECUTE_") else self._status(found)
                message = f"ChangeSet [{found.arn}] cannot be executed in its current status of [{now}]"
                raise error("InvalidChangeSetStatus", message, "ExecuteChangeSet")
            if found.stack.status not in COMPLETE | {REVIEW}:
                message = f"Stack:{found.stack.id} is in {found.stack.status} state and can not be updated."
                raise error("ValidationError", message, "ExecuteChangeSet")
            self._refuse_role(found.request.get("RoleARN"), "ExecuteChangeSet")
            self._aws.begin(found, ClientRequestToken)

        return self._call("ExecuteChangeSet", effect)


def _parameters(template: Template) -> list[dict[str, str]]:
    """The parameters with their values: of one that reads Parameter Store the path, and the value beside it."""
    found = []
    for key, value in template.values.items():
        parameter = template.parameters[key]
        if parameter["Type"].startswith(READING):
            found.append({"ParameterKey": key, "ParameterValue": parameter["Default"], "ResolvedValue": value})
        elif str(parameter.get("NoEcho", "")).lower() == "true":
            found.append({"ParameterKey": key, "ParameterValue": MASKED})
        else:
            found.append({"ParameterKey": key, "ParameterValue": value})
    return found
