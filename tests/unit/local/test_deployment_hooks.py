"""The hooks of a deployment: who is called with what, and which answers stop the deployment."""

from __future__ import annotations

import base64
import io
import json
import threading
from collections.abc import Callable
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any

import pytest

from cicd_templates.local import deployment_hooks
from cicd_templates.local.deployment_hooks import Deployments, HookCalls, HookFailedError

ARN = "arn:aws:ecs:eu-central-1:222222222222:service/c/s"
FUNCTION = "arn:aws:lambda:eu-central-1:222222222222:function:verify"
OLD, NEW = (f"arn:aws:ecs:eu-central-1:222222222222:task-definition/f:{number}" for number in (1, 2))
HOOK = {"hookTargetArn": FUNCTION, "roleArn": "arn:role", "lifecycleStages": ["PRE_SCALE_UP"]}
LATER = {**HOOK, "hookTargetArn": f"{FUNCTION}-later", "lifecycleStages": ["POST_TEST_TRAFFIC_SHIFT"]}
CHANGE = {"cluster": "c", "service": "s", "taskDefinition": NEW}
AGREE: dict[str, Any] = {"hookStatus": "SUCCEEDED"}


class Ecs:
    """The engine's module, as far as deployments use it, with one service, and hooks that give the answers in turn."""

    def __init__(self, folder: Path, *answers: Any, strategy: str = "CANARY", hooks: Any = (HOOK, LATER)) -> None:
        self.service: dict[str, Any] = {
            "serviceArn": ARN,
            "clusterArn": "arn:c",
            "taskDefinition": OLD,
            "platformVersion": "1.4.0",
            "deploymentConfiguration": {"strategy": strategy, "lifecycleHooks": list(hooks)},
        }
        self._services = {"c/s": self.service}
        self._task_defs = {"f:1": {"taskDefinitionArn": OLD}, "f:2": {"taskDefinitionArn": NEW}}
        self.answers, self.events = list(answers), list[dict[str, Any]]()
        self.slept: list[float] = []
        self.updated = threading.Event()
        self.calls = HookCalls(folder)
        self.deployments = Deployments(self, self.calls, self.invoke, self.slept.append, lambda: sum(self.slept))

    def invoke(self, hook: dict[str, Any], service: str, event: dict[str, Any]) -> tuple[Any, str]:
        assert (hook["roleArn"], service) == ("arn:role", ARN)
        self.events.append(json.loads(json.dumps(event)))
        answer = self.answers.pop(0)
        if isinstance(answer, Exception):
            raise answer
        return answer, "a line"

    def _update_service(self, request: dict[str, Any]) -> Any:
        self.service |= {key: value for key, value in request.items() if key not in ("cluster", "service")}
        self.updated.set()
        return 200, {}, b"updated"

    def _resolve_cluster_name(self, name: str) -> str:
        return name

    def _resolve_service_ref(self, name: str) -> tuple[str, None] | None:
        return (name, None) if name else None

    def _resolve_td_key(self, name: str) -> str:
        return name.rpartition("/")[2]

    def _sanitize(self, service: dict[str, Any]) -> dict[str, Any]:
        return service

    def json_response(self, content: Any) -> Any:
        return 200, {}, json.dumps(content).encode()

    def described(self, arn: str) -> Any:
        return json.loads(self.deployments.describe_revisions({"serviceRevisionArns": [arn]})[2])


def test_a_hook_is_called_before_the_update_with_the_event_of_ecs(tmp_path: Path) -> None:
    ecs = Ecs(tmp_path, AGREE)

    assert ecs.deployments.update(CHANGE) == (200, {}, b"updated")
    (event,) = ecs.events
    revision = event["executionDetails"]["targetServiceRevisionArn"]
    assert revision.rpartition("/")[0] == ARN.replace(":service/", ":service-revision/")
    assert event["resourceArn"].rpartition("/")[0] == ARN.replace(":service/", ":service-deployment/")
    assert event.keys() == {"executionId", "lifecycleStage", "resourceArn", "executionDetails"}
    assert event["lifecycleStage"] == "PRE_SCALE_UP"
    weights: dict[str, int] = {}
    assert event["executionDetails"] == {
        "serviceArn": ARN,
        "targetServiceRevisionArn": revision,
        "testTrafficWeights": weights,
        "productionTrafficWeights": weights,
    }
    (described,) = ecs.described(revision)["serviceRevisions"]
    assert (described["taskDefinition"], described["serviceArn"], described["clusterArn"]) == (NEW, ARN, "arn:c")
    assert ecs.described("arn:x") == {"serviceRevisions": [], "failures": [{"arn": "arn:x", "reason": "MISSING"}]}
    (call,) = ecs.calls.rows()
    assert call == {
        "service": ARN,
        "function": FUNCTION,
        "role": "arn:role",
        "taskDefinition": NEW,
        "status": "SUCCEEDED",
        "problem": "",
        "log": "a line",
    }


@pytest.mark.parametrize(
    ("request_changes", "service_changes", "called"),
    [
        pytest.param({"taskDefinition": "f:2"}, {}, True, id="a task definition by its family"),
        pytest.param({"taskDefinition": "f:1"}, {}, False, id="the same task definition"),
        pytest.param({"taskDefinition": None, "forceNewDeployment": True}, {}, True, id="forced"),
        pytest.param({"taskDefinition": None, "platformVersion": "1.5.0"}, {}, True, id="a platform"),
        pytest.param({"taskDefinition": None, "desiredCount": 0}, {}, False, id="the number of tasks"),
        pytest.param({"service": "other"}, {}, False, id="an unknown service"),
        pytest.param({"service": ""}, {}, False, id="no service"),
        pytest.param({}, {"deploymentConfiguration": None}, False, id="no hooks"),
        pytest.param(
            {"deploymentConfiguration": {"strategy": "LINEAR", "lifecycleHooks": [HOOK]}},
            {"deploymentConfiguration": {"strategy": "CANARY"}},
            True,
            id="a hook that is new in the same update",
        ),
        pytest.param(
            {}, {"deploymentConfiguration": {"strategy": "ROLLING", "lifecycleHooks": [HOOK]}}, False, id="rolling"
        ),
    ],
)
def test_hooks_are_called_only_for_a_deployment_with_hooks(
    tmp_path: Path, request_changes: dict[str, Any], service_changes: dict[str, Any], called: bool
) -> None:
    ecs = Ecs(tmp_path, AGREE)
    ecs.service |= service_changes

    ecs.deployments.update({**CHANGE, **request_changes})
    assert len(ecs.events) == int(called)
    assert ecs.updated.is_set()


@pytest.mark.parametrize(
    ("answer", "reason"),
    [
        ({"hookStatus": "FAILED"}, "was rolled back: the hook verify answered FAILED in PRE_SCALE_UP"),
        ({}, "the hook verify failed in PRE_SCALE_UP: its answer has no hookStatus: {}"),
        (None, "its answer has no hookStatus: null"),
        ({"hookStatus": "succeeded"}, "its answer has no hookStatus"),
        ({"errorMessage": "KeyError"}, 'its answer has no hookStatus: {"errorMessage": "KeyError"}'),
        (PermissionError("denied"), "the hook verify failed in PRE_SCALE_UP: PermissionError: denied"),
    ],
)
def test_a_hook_that_does_not_agree_leaves_the_service_as_it_was(tmp_path: Path, answer: Any, reason: str) -> None:
    ecs = Ecs(tmp_path, answer)

    with pytest.raises(HookFailedError) as caught:
        ecs.deployments.update(CHANGE)
    assert reason in str(caught.value)
    assert ecs.service["taskDefinition"] == OLD
    assert ecs.calls.rows()[0]["status"] == ("FAILED" if "answered FAILED" in reason else "no answer")


def test_a_pause_is_not_called_and_stops_the_deployment(tmp_path: Path) -> None:
    ecs = Ecs(tmp_path, hooks=[{"targetType": "PAUSE", "lifecycleStages": ["PRE_SCALE_UP"]}])

    with pytest.raises(HookFailedError, match="calls only hooks that are functions"):
        ecs.deployments.update(CHANGE)


def test_a_hook_in_progress_is_called_again_with_its_details(tmp_path: Path) -> None:
    progress = {"hookStatus": "IN_PROGRESS"}
    answers = [progress, {**progress, "callBackDelay": 5, "hookDetails": {"seen": 1}}, AGREE]
    ecs = Ecs(tmp_path, *answers, hooks=[{**HOOK, "hookDetails": {"given": 1}}])

    ecs.deployments.update(CHANGE)
    assert ecs.slept == [30, 5]
    assert [event["hookDetails"] for event in ecs.events] == [{"given": 1}, {"given": 1}, {"given": 1, "seen": 1}]
    assert ecs.service["taskDefinition"] == NEW


@pytest.mark.parametrize(("action", "deployed"), [("ROLLBACK", OLD), ("CONTINUE", NEW), (None, OLD)])
def test_a_hook_that_does_not_decide_in_time_is_followed_by_its_timeout_action(
    tmp_path: Path, action: str | None, deployed: str
) -> None:
    limit = {"timeoutInMinutes": 1, **({"action": action} if action else {})}
    ecs = Ecs(tmp_path, *[{"hookStatus": "IN_PROGRESS"}] * 9, hooks=[{**HOOK, "timeoutConfiguration": limit}])

    if deployed == OLD:
        with pytest.raises(HookFailedError, match="verify did not decide in 60 seconds"):
            ecs.deployments.update(CHANGE)
    else:
        ecs.deployments.update(CHANGE)
    assert ecs.service["taskDefinition"] == deployed
    assert ecs.slept == [30, 30]


@pytest.mark.parametrize(("answer", "deployed"), [(AGREE, NEW), ({"hookStatus": "FAILED"}, OLD)])
def test_the_api_does_not_wait_for_the_hooks(
    tmp_path: Path, answer: dict[str, Any], deployed: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    ecs, started = Ecs(tmp_path, answer), list[threading.Thread]()
    start = threading.Thread.start

    def spy(thread: threading.Thread) -> None:
        started.append(thread)
        start(thread)

    monkeypatch.setattr(threading.Thread, "start", spy)
    status, _, body = ecs.deployments.start_update(CHANGE)
    assert (status, json.loads(body)["service"]["serviceArn"]) == (200, ARN)
    started[0].join()
    assert ecs.service["taskDefinition"] == deployed
    assert [call["status"] for call in ecs.calls.rows()] == [answer["hookStatus"]]
    assert ecs.deployments.start_update({**CHANGE, "taskDefinition": None, "desiredCount": 0})[2] == b"updated"
    assert len(started) == 1


def test_the_engine_is_replaced_where_it_looks_things_up(tmp_path: Path) -> None:
    engine: Any = ModuleType("ecs")
    engine._update_service, engine._ACTION_MAP = (lambda request: (200, {}, b"")), {}
    stacks: Any = ModuleType("stacks")
    stacks._runs_on_worker_thread = lambda resource_type: resource_type == "Custom::X"
    deployments = Deployments(engine, HookCalls(tmp_path), lambda *call: (AGREE, ""))
    deployment_hooks.register(engine, stacks, deployments)

    assert engine._update_service == deployments.update
    assert {
        "UpdateService": deployments.start_update,
        "DescribeServiceRevisions": deployments.describe_revisions,
    } == engine._ACTION_MAP
    types = ("AWS::ECS::Service", "Custom::X", "AWS::S3::Bucket")
    assert [stacks._runs_on_worker_thread(each) for each in types] == [True, True, False]


@pytest.mark.parametrize(("payload", "expected"), [(b'{"hookStatus": "SUCCEEDED"}', AGREE), (b"", None)])
def test_a_hook_is_invoked_with_its_role_that_ecs_has_assumed(
    monkeypatch: pytest.MonkeyPatch, payload: bytes, expected: Any
) -> None:
    asked: list[Any] = []
    keys = {"Credentials": {"AccessKeyId": "a", "SecretAccessKey": "s", "SessionToken": "t"}}
    answer = {"Payload": io.BytesIO(payload), "LogResult": base64.b64encode(b"a line").decode()}

    def answering(content: dict[str, Any]) -> Callable[..., dict[str, Any]]:
        def operation(**request: Any) -> dict[str, Any]:
            asked.append(request)
            return content

        return operation

    def client(*place: str, **options: Any) -> Any:
        used = [options[f"aws_{name}"] for name in ("access_key_id", "secret_access_key", "session_token")]
        asked.append([*place, options["endpoint_url"], *used])
        return SimpleNamespace(assume_role=answering(keys), invoke=answering(answer))

    monkeypatch.setattr("botocore.session.get_session", lambda: SimpleNamespace(create_client=client))
    invoke = deployment_hooks.invoke_as_ecs("http://127.0.0.1:1", "secret")

    assert invoke(HOOK, ARN, {"an": "event"}) == (expected, "a line")
    assert asked == [
        ["sts", "eu-central-1", "http://127.0.0.1:1", "222222222222", "secret", None],
        {"RoleArn": "arn:role", "RoleSessionName": "ecs", "ExternalId": ARN},
        ["lambda", "eu-central-1", "http://127.0.0.1:1", "a", "s", "t"],
        {"FunctionName": FUNCTION, "Payload": b'{"an": "event"}', "LogType": "Tail"},
    ]
