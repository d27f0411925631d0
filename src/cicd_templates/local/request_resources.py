"""Finds the resources, headers and passed roles of requests that the IAM of the local AWS does not find itself.

This module runs inside the engine's interpreter, so it imports only the standard library.
"""

from __future__ import annotations

import json
import threading
from types import ModuleType
from typing import Any

# Headers of PutObject that are condition keys:
# https://docs.aws.amazon.com/service-authorization/latest/reference/list_amazons3.html#amazons3-policy-keys
PUT_KEYS = ("x-amz-server-side-encryption-aws-kms-key-id",)


class Requests:
    """Adds resources, condition keys and passed roles to what the engine's module `iam_actions` finds in a request."""

    def __init__(self, actions: ModuleType) -> None:
        self._actions = actions
        self._resource_of, self._context_of = actions.extract_resource_arn, actions._s3_object_context
        self._latest = threading.local()

    def listen(self) -> None:
        """Replace two functions of the engine's module `iam_actions`. The engine looks them up at each call."""
        self._actions.extract_resource_arn = self.resource  # type: ignore[attr-defined]
        self._actions._s3_object_context = self.context  # type: ignore[attr-defined]

    def passed(self) -> str:
        """Return the role that the latest request of this thread passes to a service, then forget the role.

        The engine reads a request and decides on it in the same thread.
        """
        role, self._latest.role = getattr(self._latest, "role", ""), ""
        return role

    def resource(
        self, service: str, method: str, path: str, headers: dict[str, str], body: bytes, query: Any, region: str,
        account: str,
    ) -> str:  # fmt: skip
        """Return the ARN of the resource that a request acts on."""
        self._latest.role = self._actions._query_param(query, "RoleARN") if service == "cloudformation" else ""
        operation = headers.get("x-amz-target", "").rpartition(".")[2]
        named = _named(service, operation, body)
        if named:
            return f"arn:aws:{service}:{region}:{account}:{named}"
        return str(self._resource_of(service, method, path, headers, body, query, region, account))

    def context(self, action: str, query: Any, path: str, headers: dict[str, str]) -> dict[str, Any]:
        """Return the condition keys of a request for an S3 object."""
        found: dict[str, Any] = self._context_of(action, query, path, headers)
        more = {f"s3:{name}": headers[name] for name in PUT_KEYS if action == "s3:PutObject" and name in headers}
        return {**found, **more}


def _named(service: str, operation: str, body: bytes) -> str:
    """Return the resource of a request if the engine does not find this resource, otherwise an empty string.

    https://docs.aws.amazon.com/service-authorization/latest/reference/reference_policies_actions-resources-contextkeys.html
    """
    if (service, operation) in (("codebuild", "BatchGetBuilds"), ("codebuild", "StopBuild")):
        request = json.loads(body)
        build = request["ids"][0] if "ids" in request else request["id"]
        return f"project/{build.rpartition('/')[2].partition(':')[0]}"
    if (service, operation) in (("logs", "CreateLogStream"), ("logs", "PutLogEvents")):
        request = json.loads(body)
        return f"log-group:{request['logGroupName']}:log-stream:{request['logStreamName']}"
    if (service, operation) == ("codepipeline", "StartPipelineExecution"):
        return str(json.loads(body)["name"])
    if (service, operation) == ("codepipeline", "ListActionExecutions"):
        return str(json.loads(body)["pipelineName"])
    return ""
