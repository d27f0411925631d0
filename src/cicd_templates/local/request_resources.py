"""Finds what the local AWS itself misses in a request: some resources, condition keys and passed roles.

This module runs inside the interpreter of the local AWS, so it imports only the standard library.
"""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Mapping
from types import ModuleType
from typing import Any

# Headers of PutObject that are condition keys:
# https://docs.aws.amazon.com/service-authorization/latest/reference/list_amazons3.html#amazons3-policy-keys
PUT_KEYS = ("x-amz-server-side-encryption-aws-kms-key-id",)
# The members of requests that name the pipeline.
PIPELINE_NAMES = {
    "StartPipelineExecution": "name",
    "GetPipelineState": "name",
    "GetPipelineExecution": "pipelineName",
    "ListActionExecutions": "pipelineName",
    "ListPipelineExecutions": "pipelineName",
}
# The members of requests that name a task, a service or a task definition by its ARN. A list is of one cluster.
ECS_ARNS = {
    "RunTask": "taskDefinition",
    "DescribeTasks": "tasks",
    "StopTask": "task",
    "DescribeServices": "services",
    "UpdateService": "service",
}
# The members of requests that name a resource of ECS, but no cluster.
ECS_REVISIONS = {"DescribeServiceRevisions": "serviceRevisionArns"}
# The members of requests that name parameters or the path of several parameters. A list has parameters of one path.
SSM_NAMES = {"GetParameters": "Names", "GetParametersByPath": "Path"}


class Requests:
    """Finds resources, condition keys and passed roles in a request, for the check of its IAM permissions.

    This class finds only those that the local AWS's own module `iam_actions` does not find.
    """

    def __init__(
        self,
        actions: ModuleType,
        roles_of: Callable[[str], list[str]],
        stack_of: Callable[[str], str],
        tags_of_stack: Callable[[str], Mapping[str, str]],
        key_of_alias: Callable[[str], str],
    ) -> None:
        """Extend the engine's module `actions`. The other arguments are functions:

        - `roles_of` gets a task definition, and returns the roles that RunTask passes for it.
        - `stack_of` gets the ARN of a change set, and returns the ARN of its stack or an empty string.
        - `tags_of_stack` gets the name of a stack, and returns its tags.
        - `key_of_alias` gets the ARN of an alias, and returns the ARN of its key or an empty string.
        """
        self._actions, self._roles_of, self._stack_of = actions, roles_of, stack_of
        self._tags_of_stack, self._key_of_alias = tags_of_stack, key_of_alias
        self._tags_of = actions.request_tag_context
        self._resource_of, self._context_of = actions.extract_resource_arn, actions._s3_object_context
        self._latest = threading.local()

    def listen(self) -> None:
        """Replace three functions of the engine's module `iam_actions` with methods of this object.

        This takes effect immediately, because the engine looks these functions up at each call.
        """
        self._actions.request_tag_context = self.tags  # type: ignore[attr-defined]
        self._actions.extract_resource_arn = self.resource  # type: ignore[attr-defined]
        self._actions._s3_object_context = self.context  # type: ignore[attr-defined]

    def passed(self) -> list[tuple[str, str]]:
        """Return the roles that the latest request passes to services (iam:PassRole), each with its service.

        A second call for the same request returns an empty list.
        """
        # The engine reads a request and checks its permissions in the same thread.
        roles: list[tuple[str, str]] = getattr(self._latest, "roles", [])
        self._latest.roles = []
        return roles

    def resource(
        self, service: str, method: str, path: str, headers: dict[str, str], body: bytes, query: Any, region: str,
        account: str,
    ) -> str:  # fmt: skip
        """Return the ARN of the resource that a request acts on."""
        operation = headers.get("x-amz-target", "").rpartition(".")[2]
        self._latest.roles, self._latest.keys = [], {}
        if service == "cloudformation" and (role := self._actions._query_param(query, "RoleARN")):
            self._latest.roles = [(role, "cloudformation.amazonaws.com")]
        if service == "cloudformation":
            self._latest.keys = self._of_cloudformation(query)
        elif (service, operation) == ("ecs", "RunTask"):
            roles = self._roles_of(json.loads(body)["taskDefinition"])
            self._latest.roles = [(role, "ecs-tasks.amazonaws.com") for role in roles]
        if service == "ecs" and operation in (*ECS_ARNS, "ListTasks"):
            cluster = json.loads(body).get("cluster", "default").rpartition("/")[2]
            self._latest.keys = {"ecs:cluster": f"arn:aws:ecs:{region}:{account}:cluster/{cluster}"}
        param = self._actions._query_param
        unnamed = service == "cloudformation" and not param(query, "StackName")
        if unnamed and (stack := self._stack_of(param(query, "ChangeSetName") or "")):
            # A change set that is named by its ARN alone is a resource of its stack.
            return stack
        if service == "kms" and (alias := _alias(body, region, account)):
            # Policies decide about the key. A condition can require that the request names the key by an alias.
            self._latest.keys = {"kms:RequestAlias": alias.split(":", 5)[5]}
            return self._key_of_alias(alias) or alias
        if service == "ecr":
            account = json.loads(body or b"{}").get("registryId", account)
        named = _named(service, operation, body)
        if (service, operation) == ("monitoring", "DescribeAlarms") and (names := json.loads(body).get("AlarmNames")):
            return f"arn:aws:cloudwatch:{region}:{account}:alarm:{names[0]}"
        if named:
            return f"arn:aws:{service}:{region}:{account}:{named}"
        return str(self._resource_of(service, method, path, headers, body, query, region, account))

    def tags(self, service: str, *request: Any) -> dict[str, Any]:
        """Return the condition keys and values for the tags, ECS cluster, stack or key alias in a request."""
        more = self._latest.keys if service in ("cloudformation", "ecs", "kms") else {}
        return {**self._tags_of(service, *request), **more}

    def _of_cloudformation(self, query: Any) -> dict[str, str]:
        """Return the condition keys of a CloudFormation request, including the tags of its stack.

        If the request has the ARN of a change set, `cloudformation:ChangeSetName` is not set. AWS documents this key
        only for requests that have the name of a change set:
        https://docs.aws.amazon.com/service-authorization/latest/reference/list_awscloudformation.html#awscloudformation-policy-keys
        """
        named = {key: self._actions._query_param(query, key) for key in ("StackName", "ChangeSetName", "RoleARN")}
        stack = named["StackName"] or ""
        name = stack.split("/")[1] if stack.startswith("arn:") else stack
        keys = {f"aws:ResourceTag/{key}": value for key, value in self._tags_of_stack(name).items()}
        if named["ChangeSetName"] and not named["ChangeSetName"].startswith("arn:"):
            keys["cloudformation:ChangeSetName"] = named["ChangeSetName"]
        if named["RoleARN"]:
            keys["cloudformation:RoleArn"] = named["RoleARN"]
        return keys

    def context(self, action: str, query: Any, path: str, headers: dict[str, str]) -> dict[str, Any]:
        """Return the condition keys and values of a request for an S3 object."""
        found: dict[str, Any] = self._context_of(action, query, path, headers)
        more = {f"s3:{name}": headers[name] for name in PUT_KEYS if action == "s3:PutObject" and name in headers}
        return {**found, **more}


def _alias(body: bytes, region: str, account: str) -> str:
    """Return the ARN of the alias in a request to KMS, or an empty string if the request has no alias."""
    key = str(json.loads(body or b"{}").get("KeyId", ""))
    if key.startswith("alias/"):
        return f"arn:aws:kms:{region}:{account}:{key}"
    return key if ":alias/" in key else ""


def _named(service: str, operation: str, body: bytes) -> str:
    """Return the requested resource, as the part of its ARN after the account.

    If the engine itself finds the resource in the request, return an empty string.
    https://docs.aws.amazon.com/service-authorization/latest/reference/reference_policies_actions-resources-contextkeys.html
    """
    if (service, operation) in (("codebuild", "BatchGetBuilds"), ("codebuild", "StopBuild")):
        request = json.loads(body)
        build = request["ids"][0] if "ids" in request else request["id"]
        return f"project/{build.rpartition('/')[2].partition(':')[0]}"
    if (service, operation) in (("logs", "CreateLogStream"), ("logs", "PutLogEvents"), ("logs", "GetLogEvents")):
        request = json.loads(body)
        return f"log-group:{request['logGroupName']}:log-stream:{request['logStreamName']}"
    if service == "ssm" and operation in SSM_NAMES:
        name = json.loads(body)[SSM_NAMES[operation]]
        return f"parameter/{(name[0] if isinstance(name, list) else name).lstrip('/')}"
    if service == "codepipeline" and operation in PIPELINE_NAMES:
        return str(json.loads(body)[PIPELINE_NAMES[operation]])
    if service == "ecs" and (member := (ECS_ARNS | ECS_REVISIONS).get(operation)):
        arn = json.loads(body)[member]
        name = str(arn[0] if isinstance(arn, list) else arn)
        # Requests may name a service or a task without its ARN; the engine then decides about the cluster.
        return name.split(":", 5)[5] if name.startswith("arn:") else ""
    return ""
