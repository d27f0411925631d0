"""The caller of a request: TLS on the loopback address, the calling service, and the ARN of the role."""

from __future__ import annotations

import json
from types import ModuleType, SimpleNamespace
from typing import Any

import pytest

from cicd_templates.local import caller_identity

ROOT = "arn:aws:iam::111111111111:root"
PIPELINE = "arn:aws:codepipeline:eu-central-1:111111111111:p"
TASK = "arn:aws:ecs:eu-central-1:111111111111:task/c/1"
SERVICES = ["codepipeline.amazonaws.com", "ecs-tasks.amazonaws.com"]
TRUST = {"Statement": [{"Principal": {"Service": SERVICES}}, {"Principal": {"AWS": ROOT}}]}


def test_the_loopback_address_counts_as_tls() -> None:
    pinned: list[tuple[str, bool]] = []
    app = ModuleType("app")
    app.pin_request_origin = lambda *origin: pinned.append(origin)  # type: ignore[attr-defined]

    caller_identity.secure(app)
    app.pin_request_origin("127.0.0.1", False)
    assert pinned == [("127.0.0.1", True)]


@pytest.mark.parametrize(
    ("caller", "external_id", "expected", "keys"),
    [
        pytest.param(ROOT, PIPELINE, True, {"aws:sourcearn", "aws:sourceaccount"}, id="its service"),
        pytest.param(ROOT, PIPELINE.replace("codepipeline", "codebuild"), False, set(), id="another service"),
        pytest.param(ROOT, TASK, True, {"aws:sourcearn", "aws:sourceaccount"}, id="a task"),
        pytest.param(ROOT, TASK.replace("task/", "service/"), False, set(), id="a service of ECS"),
        pytest.param(ROOT, None, True, set(), id="the account"),
        pytest.param("arn:aws:sts::1:assumed-role/r/s", PIPELINE, True, set(), id="a role"),
    ],
)
@pytest.mark.parametrize("document", [TRUST, json.dumps(TRUST)], ids=["parsed", "text"])
def test_a_service_acts_for_a_resource(
    document: Any, caller: str, external_id: str | None, expected: bool, keys: set[str]
) -> None:
    asked: list[Any] = []
    evaluator = ModuleType("evaluator")
    evaluator.evaluate_trust_policy = lambda *request: not asked.append(request)  # type: ignore[attr-defined,func-returns-value]
    context = SimpleNamespace(service_context={"sts:externalid": external_id})

    caller_identity.services(evaluator)
    assert evaluator.evaluate_trust_policy(document, caller, context) is expected
    assert context.service_context.keys() - {"sts:externalid"} == keys
    assert bool(asked) is expected
    assert evaluator.evaluate_trust_policy(document, caller)


@pytest.mark.parametrize(
    ("key", "principal", "expected"),
    [
        ("aws:PrincipalArn", "arn:aws:sts::1:assumed-role/known/s", "arn:aws:iam::1:role/path/known"),
        ("aws:PrincipalArn", "arn:aws:sts::1:assumed-role/gone/s", "arn:aws:sts::1:assumed-role/gone/s"),
        ("aws:PrincipalArn", "arn:aws:iam::2:root", "arn:aws:iam::1:role/path/known"),
        ("aws:PrincipalArn", "arn:aws:iam::1:user/u", "arn:aws:iam::1:user/u"),
        ("aws:SourceIp", "arn:aws:iam::1:user/u", "theirs"),
    ],
)
def test_a_principal_is_its_role(key: str, principal: str, expected: str) -> None:
    class Roles:
        def get_scoped(self, account: str, _region: None, name: str, default: Any) -> Any:
            found = {("1", "known"): {"Arn": "arn:aws:iam::1:role/path/known"}}
            return found.get((account, name), default)

    evaluator = ModuleType("evaluator")
    evaluator._resolve_condition_key = lambda key, context: "theirs"  # type: ignore[attr-defined]
    evaluator.caller_arn = lambda: "arn:aws:sts::1:assumed-role/known/s"  # type: ignore[attr-defined]

    caller_identity.principals(evaluator, Roles())
    assert evaluator._resolve_condition_key(key, SimpleNamespace(principal_arn=principal)) == expected


@pytest.mark.parametrize("name", ["role", "path/role", "a/longer/path/role"])
def test_the_policies_of_a_role_are_found_whatever_its_path(name: str) -> None:
    evaluator = ModuleType("evaluator")
    evaluator._gather_role_policies = lambda name, account: [(name, account)]  # type: ignore[attr-defined]

    caller_identity.roles_with_paths(evaluator)
    assert evaluator._gather_role_policies(name, "111111111111") == [("role", "111111111111")]
