"""Decisions of IAM are recorded with the statement that allowed them. Keys and passed roles are decided, too."""

from __future__ import annotations

from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any

import pytest

from cicd_templates.local.iam_decisions import ALLOWED, DENIED, Calls, Decisions

SESSION = "arn:aws:sts::1:assumed-role/role/s"
RESOURCE = "arn:aws:s3:::b/k"


class Engine:
    """A fake `iam_evaluator`, which allows some actions by a statement of the caller's policies."""

    def __init__(self, allowed: dict[str, str], caller: str = SESSION) -> None:
        self.module = ModuleType("iam_evaluator")
        self.allowed, self.contexts = allowed, []  # type: tuple[dict[str, str], list[Any]]
        self.module.evaluate = self._evaluate  # type: ignore[attr-defined]
        self.module.enforce = self._enforce  # type: ignore[attr-defined]
        self.module.resolve_caller_identity = lambda key: {"userArn": caller} if key else None  # type: ignore[attr-defined]

    def _evaluate(self, context: Any, *_policies: Any) -> Any:
        sid = self.allowed.get(context.action)
        return SimpleNamespace(decision="ImplicitDeny" if sid is None else "Allow", matched_sid=sid or "")

    def _enforce(self, key: str, action: str, service: str, region: str, **asked: Any) -> Any:
        self.contexts.append((action, asked["service_context"]))
        context = SimpleNamespace(action=action, principal_arn=SESSION, resource_arn=asked["resource_arn"])
        own = self.module.evaluate(context)
        # The resource's policy comes second, and its statements are nobody's grant.
        self.module.evaluate(SimpleNamespace(action="resource", principal_arn=SESSION, resource_arn=""))
        return None if own.decision == "Allow" else own


def decided(
    engine: Engine, folder: Path, action: str, *, key: str = "", role: str = "", caller: str = "k"
) -> tuple[Any, list[list[str]]]:
    calls = Calls(folder)
    key_actions = {"s3:PutObject": ("kms:GenerateDataKey", "kms:Decrypt")}
    Decisions(
        engine.module, calls, lambda *_: key, key_actions, lambda: [(role, "ecs-tasks.amazonaws.com")] if role else []
    ).listen()
    return engine.module.enforce(caller, action, "s3", "eu-central-1", RESOURCE), calls.rows()


def test_a_decision_is_kept_with_its_statement(tmp_path: Path) -> None:
    assert Calls(tmp_path).rows() == []
    refusal, rows = decided(Engine({"s3:GetObject": "Read", "resource": "Theirs"}), tmp_path, "s3:GetObject")
    assert (refusal, rows) == (None, [[SESSION, "s3:GetObject", RESOURCE, ALLOWED, "Read"]])


def test_a_refusal_is_kept_without_one(tmp_path: Path) -> None:
    refusal, rows = decided(Engine({"resource": "Theirs"}), tmp_path, "s3:GetObject")

    assert refusal.decision == "ImplicitDeny"
    assert rows == [[SESSION, "s3:GetObject", RESOURCE, DENIED, ""]]


@pytest.mark.parametrize(
    ("allowed", "asked"),
    [
        ({"s3:PutObject": "W", "kms:GenerateDataKey": "K", "kms:Decrypt": "K"}, 3),
        ({"s3:PutObject": "W", "kms:Decrypt": "K"}, 2),
        ({"kms:GenerateDataKey": "K", "kms:Decrypt": "K"}, 1),
    ],
    ids=["all", "not the key", "not the object"],
)
def test_the_key_is_asked_after_the_object(tmp_path: Path, allowed: dict[str, str], asked: int) -> None:
    engine = Engine(allowed)
    refusal, rows = decided(engine, tmp_path, "s3:PutObject", key="arn:key")

    assert [row[1] for row in rows] == ["s3:PutObject", "kms:GenerateDataKey", "kms:Decrypt"][:asked]
    assert (refusal is None) is (asked == 3)
    if asked > 1:
        assert engine.contexts[1] == ("kms:GenerateDataKey", {"kms:ViaService": "s3.eu-central-1.amazonaws.com"})


def test_a_role_that_is_passed_on_is_asked_for(tmp_path: Path) -> None:
    engine = Engine({"cloudformation:CreateChangeSet": "C"})
    refusal, rows = decided(engine, tmp_path, "cloudformation:CreateChangeSet", role="arn:role")

    assert refusal is not None
    assert rows[1] == [SESSION, "iam:PassRole", "arn:role", DENIED, ""]
    assert engine.contexts[1][1] == {"iam:PassedToService": "ecs-tasks.amazonaws.com"}


def test_who_is_no_role_is_not_kept(tmp_path: Path) -> None:
    assert decided(Engine({}, caller="arn:aws:iam::1:root"), tmp_path, "s3:GetObject")[1] == []
    assert decided(Engine({}), tmp_path, "s3:GetObject", caller="")[1] == []


@pytest.mark.parametrize(("allowed", "decision"), [({"a:B": "S"}, ALLOWED), ({}, DENIED)])
def test_what_the_simulator_asks_of_a_role_is_kept(tmp_path: Path, allowed: dict[str, str], decision: str) -> None:
    engine, calls = Engine(allowed), Calls(tmp_path)
    Decisions(engine.module, calls, lambda *_: "", {}, lambda: []).listen()
    role = "arn:aws:iam::1:role/r"

    engine.module.evaluate(SimpleNamespace(action="a:B", principal_arn=role, resource_arn="x"))
    assert calls.rows() == [[role, "a:B", "x", decision, allowed.get("a:B", "")]]
