"""The hook `verify-image` of a service that a rehearsal has deployed. It is called again, without a permission, too."""

from __future__ import annotations

import copy
import dataclasses
import time
from collections.abc import Iterator, Sequence
from typing import Any

from cicd_templates.local.engine_process import Engine
from cicd_templates.rehearsal import deployed_pipeline
from cicd_templates.rehearsal.grants import role_name
from cicd_templates.rehearsal.pipeline_definition import Action
from cicd_templates.rehearsal.pipeline_run import PipelineRun
from cicd_templates.rehearsal.service_process import find_service
from cicd_templates.template import cloudformation_yaml
from cicd_templates.template.stack_template import StackTemplate
from tests.integration.rehearsed_example import without

WAIT_SECONDS = 60.0


class DeployedHook:
    """The ECS service that an action has deployed, with its hook."""

    def __init__(self, engine: Engine, stacks: Sequence[StackTemplate], run: PipelineRun, action: Action) -> None:
        self.engine, self.stacks, self.run = engine, list(stacks), run
        self.stack = run.resolve_configuration(action)["StackName"]
        service = find_service(run, action)
        assert service is not None
        self.arn, self.cluster = service.arn, service.arn.split("/")[1]
        session = run.setup.root_session(self.arn)
        self.ecs, self.cloudformation = session.client("ecs"), session.client("cloudformation")

    def calls(self) -> list[dict[str, Any]]:
        return [call for call in self.run.setup.hook_calls.rows() if call["service"] == self.arn]

    def definition(self) -> str:
        """Return the task definition that the service runs."""
        (service,) = self.ecs.describe_services(cluster=self.cluster, services=[self.arn])["services"]
        return str(service["taskDefinition"])

    def update_stack(self, image: str) -> tuple[str, str]:
        """Deploy an image with CloudFormation, without the pipeline. Return the status and the first failure."""
        known = self.cloudformation.describe_stacks(StackName=self.stack)["Stacks"][0]["Parameters"]
        kept = [
            {"ParameterKey": each["ParameterKey"], "UsePreviousValue": True}
            for each in known
            if each["ParameterKey"] != "ImageUri"
        ]
        self.cloudformation.update_stack(
            StackName=self.stack,
            UsePreviousTemplate=True,
            Parameters=[*kept, {"ParameterKey": "ImageUri", "ParameterValue": image}],
            Capabilities=["CAPABILITY_NAMED_IAM"],
        )
        statuses: list[str] = []

        def has_ended() -> bool:
            (stack,) = self.cloudformation.describe_stacks(StackName=self.stack)["Stacks"]
            statuses.append(stack["StackStatus"])
            return not statuses[-1].endswith("_IN_PROGRESS")

        deployed_pipeline.polling().until(has_ended, self.stack, WAIT_SECONDS)
        events = self.cloudformation.describe_stack_events(StackName=self.stack)["StackEvents"]
        reasons = [each["ResourceStatusReason"] for each in events if each["ResourceStatus"] == "UPDATE_FAILED"]
        return statuses[-1], reasons[0] if reasons else ""

    def update_service(self, **changes: Any) -> dict[str, Any]:
        """Update the service with the API of ECS. Return the next call of the hook."""
        before = len(self.calls())
        self.ecs.update_service(cluster=self.cluster, service=self.arn, **changes)
        deadline = time.monotonic() + WAIT_SECONDS
        while len(self.calls()) == before and time.monotonic() < deadline:
            time.sleep(deployed_pipeline.POLL_SECONDS)
        return self.calls()[before]

    def with_image(self, image: str) -> str:
        """Register the running task definition with another image. Return the ARN of the new task definition."""
        found = self.ecs.describe_task_definition(taskDefinition=self.definition())["taskDefinition"]
        for container in found["containerDefinitions"]:
            container["image"] = image
        names = ("family", "containerDefinitions", "executionRoleArn", "taskRoleArn", "networkMode", "cpu", "memory")
        made = self.ecs.register_task_definition(**{name: found[name] for name in names})["taskDefinition"]
        return str(made["taskDefinitionArn"])

    def function_role(self) -> str:
        return f"{role_name(self.calls()[-1]['role']).removesuffix('-hooks')}-verify-image-function"

    def used(self) -> list[tuple[str, str, str]]:
        """Return the role, the Sid and the action of each permission that ECS and the function have used for a call.

        Without those for the log of a function, the call succeeds in AWS, too.
        """
        role = role_name(self.calls()[-1]["role"])
        found = {
            (role_name(principal), statement, action)
            for principal, action, _, decision, statement in self.run.setup.calls.rows()
            if role_name(principal) in (role, self.function_role())
            and decision == "allowed"
            and not action.startswith("logs:")
        }
        return sorted(found)

    def lesser_stacks(self) -> Iterator[tuple[str, StackTemplate, StackTemplate]]:
        """Yield each stack with a permission that a call needs, and the same stack without it. The text names it."""
        for permission in self.used():
            yield ("/".join(permission), *without(self.stacks, *permission))
        for stack in self.stacks:
            for logical, index in _statements_about(stack, self.function_role()):
                template = copy.deepcopy(dict(stack.content))
                document = _document(template["Resources"][logical])
                sid = document["Statement"].pop(index)["Sid"]
                body = cloudformation_yaml.dump(template)
                yield f"{stack.name}/{sid}", stack, dataclasses.replace(stack, content=template, text=body)


def _document(resource: Any) -> Any:
    properties = resource["Properties"]
    return next((properties[name] for name in _POLICIES if name in properties), {"Statement": []})


_POLICIES = ("KeyPolicy", "PolicyDocument", "RepositoryPolicyText")


def _statements_about(stack: StackTemplate, role: str) -> Iterator[tuple[str, int]]:
    """Yield each statement of a resource policy that lets this role use a resource: its resource and its position."""
    for logical, resource in stack.resources.items():
        for index, statement in enumerate(_document(resource)["Statement"]):
            if "Principal" in statement and role in str(statement.get("Condition")):
                yield logical, index
