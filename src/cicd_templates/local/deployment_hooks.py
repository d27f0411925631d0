"""Calls the lifecycle hooks of ECS deployments in the stage PRE_SCALE_UP. If a hook refuses, rolls the deployment back.

The local AWS starts no containers. So a deployment is already complete at the point where ECS would start the first
task, and hooks of later stages are not called.

ECS also calls the hooks when a service is created. This module does not, because a rehearsal creates a service only as
a copy of a service in AWS. The copy has no new release that a hook could examine.
https://docs.aws.amazon.com/AmazonECS/latest/developerguide/lambda-lifecycle-hooks.html

This module runs inside the interpreter of the local AWS, so it imports only the standard library and botocore. The
interpreter has botocore for the Lambda functions that it runs.
"""

from __future__ import annotations

import base64
import contextvars
import json
import threading
import time
import uuid
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any

CALLS_FILE = "deployment-hooks.jsonl"
SERVICE = "AWS::ECS::Service"
STAGE = "PRE_SCALE_UP"
SUCCEEDED, IN_PROGRESS = "SUCCEEDED", "IN_PROGRESS"
STATUSES = (SUCCEEDED, "FAILED", IN_PROGRESS)
# The rolling strategy has no lifecycle hooks.
PROGRESSIVE = ("BLUE_GREEN", "CANARY", "LINEAR")
# The members of UpdateService that start a deployment, according to the documentation of each member.
STARTING = ("taskDefinition", "networkConfiguration", "platformVersion", "loadBalancers", "serviceRegistries")
# If a hook answers IN_PROGRESS, ECS calls it again after this time, and by default for at most a day.
DELAY_SECONDS = 30
TIMEOUT_MINUTES = 24 * 60
# The longest time that a function may run, and a reserve.
ANSWER_SECONDS = 15 * 60 + 30

Response = tuple[int, dict[str, str], bytes]
Handler = Callable[[dict[str, Any]], Response]
# Calls a hook for a service, with an event. Returns the payload of the answer and the end of the function's log.
Invoke = Callable[[dict[str, Any], str, dict[str, Any]], tuple[Any, str]]


class HookFailedError(ValueError):
    """Raised if ECS would roll a deployment back because of a hook. The message is the reason."""


class HookCalls:
    """Stores the calls of hooks in a file that any process can read, one call per line, oldest first."""

    def __init__(self, folder: Path) -> None:
        self._file = folder / CALLS_FILE

    def add(self, call: dict[str, Any]) -> None:
        """Append the call of a hook to the file."""
        with self._file.open("a") as file:
            file.write(json.dumps(call) + "\n")

    def rows(self) -> list[dict[str, Any]]:
        """Return all stored calls of hooks, oldest first."""
        return [json.loads(line) for line in self._file.read_text().splitlines()] if self._file.exists() else []


def hooks_of(configuration: dict[str, Any]) -> list[dict[str, Any]]:
    """Return those hooks of an ECS deployment configuration that ECS calls before the first task starts."""
    if configuration.get("strategy") not in PROGRESSIVE:
        return []
    return [hook for hook in configuration.get("lifecycleHooks") or () if STAGE in hook.get("lifecycleStages", ())]


class Deployments:
    """Deploys a service unless one of its hooks refuses. Describes the service revisions of the deployments."""

    def __init__(
        self,
        engine: Any,
        calls: HookCalls,
        invoke: Invoke,
        sleep: Callable[[float], None] = time.sleep,
        now: Callable[[], float] = time.monotonic,
    ) -> None:
        """Prepare deployments in the local AWS. `engine` is the module with which the local AWS implements ECS."""
        self._engine, self._calls, self._invoke, self._sleep, self._now = engine, calls, invoke, sleep, now
        self._update: Handler = engine._update_service
        self._revisions: dict[str, dict[str, Any]] = {}

    def update(self, request: dict[str, Any]) -> Response:
        """Ask the hooks of a service, then update the service. Raises `HookFailedError` if a hook refuses the update.

        This method returns after the hooks have answered. So CloudFormation waits for the hooks, as it does in AWS.
        """
        if (service := self._deployed(request)) is not None:
            self._ask_hooks(service, request)
        return self._update(request)

    def start_update(self, request: dict[str, Any]) -> Response:
        """Answer an UpdateService request. Like ECS, do not wait for the deployment."""
        service = self._deployed(request)
        if service is None:
            return self._update(request)
        threading.Thread(target=contextvars.copy_context().run, args=(self._update_later, request), daemon=True).start()
        answer: Response = self._engine.json_response({"service": self._engine._sanitize(service)})
        return answer

    def describe_revisions(self, request: dict[str, Any]) -> Response:
        """Answer a DescribeServiceRevisions request."""
        named = request["serviceRevisionArns"]
        answer: Response = self._engine.json_response(
            {
                "serviceRevisions": [self._revisions[arn] for arn in named if arn in self._revisions],
                "failures": [{"arn": arn, "reason": "MISSING"} for arn in named if arn not in self._revisions],
            }
        )
        return answer

    def _update_later(self, request: dict[str, Any]) -> None:
        try:
            self.update(request)
        except HookFailedError:
            # ECS rolls back to the revision before, which is still deployed. The call of the hook is recorded.
            return

    def _deployed(self, request: dict[str, Any]) -> dict[str, Any] | None:
        """Return the service that `request` updates, or None if no deployment starts or the deployment has no hooks."""
        cluster = self._engine._resolve_cluster_name(request.get("cluster", "default"))
        name = (self._engine._resolve_service_ref(request.get("service", "")) or ("",))[0]
        service: dict[str, Any] | None = self._engine._services.get(f"{cluster}/{name}")
        if service is None or not hooks_of(_configuration(service, request)):
            return None
        wanted = {**request, "taskDefinition": self._definition(service, request)}
        changed = any(wanted.get(member) not in (None, service.get(member)) for member in STARTING)
        return service if changed or request.get("forceNewDeployment") else None

    def _definition(self, service: dict[str, Any], request: dict[str, Any]) -> str:
        named = request.get("taskDefinition") or service["taskDefinition"]
        found = self._engine._task_defs.get(self._engine._resolve_td_key(named)) or {}
        return str(found.get("taskDefinitionArn", named))

    def _ask_hooks(self, service: dict[str, Any], request: dict[str, Any]) -> None:
        arn = service["serviceArn"]
        revision = f"{arn.replace(':service/', ':service-revision/')}/{uuid.uuid4().int % 10**19:019}"
        members = ("serviceArn", "clusterArn", "launchType", "platformVersion", "networkConfiguration", "loadBalancers")
        self._revisions[revision] = {
            **{member: request.get(member) or service.get(member) for member in members},
            "serviceRevisionArn": revision,
            "taskDefinition": self._definition(service, request),
            "createdAt": time.time(),
        }
        deployment = f"{arn.replace(':service/', ':service-deployment/')}/{uuid.uuid4().hex[:21]}"
        for hook in hooks_of(_configuration(service, request)):
            self._ask(hook, arn, revision, deployment)

    def _ask(self, hook: dict[str, Any], service: str, revision: str, deployment: str) -> None:
        """Call a hook until it answers SUCCEEDED. Raises `HookFailedError` if it fails or needs too much time."""
        if hook.get("targetType", "AWS_LAMBDA") != "AWS_LAMBDA":
            raise HookFailedError(f"{service} was not deployed: the local AWS calls only hooks that are functions")
        name, began, details = (
            hook["hookTargetArn"].rpartition(":")[2],
            self._now(),
            dict(hook.get("hookDetails") or {}),
        )
        limit = hook.get("timeoutConfiguration") or {}
        seconds = 60 * limit.get("timeoutInMinutes", TIMEOUT_MINUTES)
        while True:
            answer = self._answer(hook, service, revision, deployment, details)
            if answer["hookStatus"] == SUCCEEDED:
                return
            if answer["hookStatus"] != IN_PROGRESS:
                raise HookFailedError(f"{service} was rolled back: the hook {name} answered FAILED in {STAGE}")
            delay = answer.get("callBackDelay", DELAY_SECONDS)
            if self._now() - began + delay > seconds:
                if limit.get("action") == "CONTINUE":
                    return
                raise HookFailedError(f"{service} was rolled back: the hook {name} did not decide in {seconds} seconds")
            details |= answer.get("hookDetails") or {}
            self._sleep(delay)

    def _answer(
        self, hook: dict[str, Any], service: str, revision: str, deployment: str, details: dict[str, Any]
    ) -> dict[str, Any]:
        """Call a hook once and return its answer. Raises `HookFailedError` if the answer has no valid status."""
        event: dict[str, Any] = {
            "executionId": str(uuid.uuid4()),
            "lifecycleStage": STAGE,
            "resourceArn": deployment,
            "executionDetails": {
                "serviceArn": service,
                "targetServiceRevisionArn": revision,
                "testTrafficWeights": {},
                "productionTrafficWeights": {},
            },
        }
        if details:
            event["hookDetails"] = details
        log, problem = "", ""
        payload: Any = None
        try:
            payload, log = self._invoke(hook, service, event)
        except Exception as error:
            problem = f"{type(error).__name__}: {error}"
        if not problem and not (isinstance(payload, dict) and payload.get("hookStatus") in STATUSES):
            problem = f"its answer has no hookStatus: {json.dumps(payload)}"
        status = "no answer" if problem else payload["hookStatus"]
        called = {"service": service, "function": hook["hookTargetArn"], "role": hook["roleArn"]}
        definition = self._revisions[revision]["taskDefinition"]
        self._calls.add({**called, "taskDefinition": definition, "status": status, "problem": problem, "log": log})
        if problem:
            name = hook["hookTargetArn"].rpartition(":")[2]
            raise HookFailedError(f"{service} was rolled back: the hook {name} failed in {STAGE}: {problem}")
        answer: dict[str, Any] = payload
        return answer


def _configuration(service: dict[str, Any], request: dict[str, Any]) -> dict[str, Any]:
    return request.get("deploymentConfiguration") or service.get("deploymentConfiguration") or {}


def invoke_as_ecs(endpoint: str, secret: str) -> Invoke:
    """Return a function that calls a hook as ECS does: it assumes the hook's role, which must trust ECS.

    `endpoint` is the URL of the local AWS. The root user of the account assumes the role. `secret` is the secret access
    key of the root users of all accounts.
    """

    def invoke(hook: dict[str, Any], service: str, event: dict[str, Any]) -> tuple[Any, str]:
        import botocore.config
        import botocore.session

        region, account = service.split(":")[3:5]
        config = botocore.config.Config(read_timeout=ANSWER_SECONDS, retries={"total_max_attempts": 1}, proxies={})
        session = botocore.session.get_session()

        def client(name: str, access: str, key: str, token: str | None = None) -> Any:
            return session.create_client(
                name, region, endpoint_url=endpoint, config=config, aws_access_key_id=access,
                aws_secret_access_key=key, aws_session_token=token,
            )  # fmt: skip

        # The local AWS reads from the external id on whose behalf a service assumes a role.
        keys = client("sts", account, secret).assume_role(
            RoleArn=hook["roleArn"], RoleSessionName="ecs", ExternalId=service
        )["Credentials"]
        functions = client("lambda", keys["AccessKeyId"], keys["SecretAccessKey"], keys["SessionToken"])
        answer = functions.invoke(
            FunctionName=hook["hookTargetArn"], Payload=json.dumps(event).encode(), LogType="Tail"
        )
        log = base64.b64decode(answer.get("LogResult", "")).decode(errors="replace")
        return json.loads(answer["Payload"].read() or b"null"), log

    return invoke


def register(engine: ModuleType, stacks: ModuleType, deployments: Deployments) -> None:
    """Replace functions of the engine, so that ECS and CloudFormation call `deployments` when they update a service.

    CloudFormation makes this call in a separate thread, so that the engine can answer the requests that a hook sends.
    """
    # CloudFormation looks this function up at each call.
    engine._update_service = deployments.update  # type: ignore[attr-defined]
    engine._ACTION_MAP["UpdateService"] = deployments.start_update
    engine._ACTION_MAP["DescribeServiceRevisions"] = deployments.describe_revisions
    blocks = stacks._runs_on_worker_thread
    stacks._runs_on_worker_thread = lambda resource_type: resource_type == SERVICE or blocks(resource_type)  # type: ignore[attr-defined]
