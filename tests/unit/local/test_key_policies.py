"""Key policies that would lock out the whole account are refused with KMS's message."""

from __future__ import annotations

import json
from types import ModuleType
from typing import Any

import pytest

from cicd_templates.local import key_policies
from cicd_templates.template import cloudformation_yaml
from tests.conftest import PROJECT

ACCOUNT = "111111111111"
ROOT = {"AWS": f"arn:aws:iam::{ACCOUNT}:root"}


def statement(**changed: Any) -> dict[str, Any]:
    return {"Effect": "Allow", "Principal": ROOT, "Action": ["kms:PutKeyPolicy"], "Resource": "*"} | changed


@pytest.mark.parametrize(
    ("statements", "locked"),
    [
        pytest.param([statement()], False, id="by name"),
        pytest.param(statement(Action="kms:*"), False, id="one statement, every action"),
        pytest.param([statement(Principal="*")], False, id="everybody"),
        pytest.param([statement(Principal={"AWS": [ACCOUNT]})], False, id="the account's number"),
        pytest.param([statement(Action=["kms:Sign"])], True, id="another action"),
        pytest.param([statement(Effect="Deny")], True, id="a denial"),
        pytest.param([statement(Condition={"Bool": {"aws:SecureTransport": "true"}})], True, id="a condition"),
        pytest.param([statement(Principal={"AWS": "arn:aws:iam::222222222222:root"})], True, id="another account"),
        pytest.param([statement(Principal={"Service": "logs.amazonaws.com"})], True, id="a service"),
        pytest.param([], True, id="no statement"),
    ],
)
def test_a_policy_locks_out_unless_the_account_may_change_it(statements: Any, locked: bool) -> None:
    assert key_policies.locks_out(json.dumps({"Statement": statements}), ACCOUNT) is locked


@pytest.mark.parametrize("policy", ["", "{", "[]", "{}"])
def test_a_policy_that_cannot_be_read_locks_out(policy: str) -> None:
    assert key_policies.locks_out(policy, ACCOUNT)


class Engine(ModuleType):
    """The functions of the engine's module that the check wraps."""

    def __init__(self) -> None:
        super().__init__("kms")
        self.policies: list[str] = []
        self._create_key = self._put_key_policy = self.store

    def store(self, data: dict[str, Any]) -> str:
        self.policies.append(data.get("Policy", "default"))
        return "stored"


@pytest.mark.parametrize("operation", ["_create_key", "_put_key_policy"])
def test_requests_are_refused_unless_they_bypass_the_check(operation: str) -> None:
    kms = Engine()
    handlers = {key_policies.KEY: {"update": lambda *arguments: arguments}}
    key_policies.register(kms, handlers, lambda: ACCOUNT, lambda *refusal: refusal)
    call = getattr(kms, operation)
    locked = json.dumps({"Statement": []})

    assert call({"Policy": locked}) == (key_policies.CODE, key_policies.LOCKED_OUT, 400)
    assert kms.policies == []
    assert call({"Policy": locked, "BypassPolicyLockoutSafetyCheck": True}) == "stored"
    assert call({}) == "stored"
    assert call({"Policy": json.dumps({"Statement": statement()})}) == "stored"


def test_an_update_by_cloudformation_is_refused() -> None:
    handlers: dict[str, dict[str, Any]] = {key_policies.KEY: {"update": lambda *arguments: arguments, "create": None}}
    key_policies.register(Engine(), handlers, lambda: ACCOUNT, lambda *refusal: refusal)
    update = handlers[key_policies.KEY]["update"]

    policies: list[Any] = [{"Statement": []}, '{"Statement": []}']
    for policy in policies:
        with pytest.raises(ValueError, match="will not allow you to update the key policy"):
            update("key-1", {}, {"KeyPolicy": policy}, "stack")
    assert update("key-1", {}, {}, "stack") == ("key-1", {}, {}, "stack")
    assert update("key-1", {}, {"KeyPolicy": {"Statement": statement()}}, "stack")[0] == "key-1"


def test_no_rendered_key_policy_locks_out() -> None:
    found = 0
    for path in sorted((PROJECT / "out").glob("*/*.yaml")):
        for resource in cloudformation_yaml.load(path.read_text())["Resources"].values():
            if resource["Type"] == key_policies.KEY:
                text = json.dumps(resource["Properties"]["KeyPolicy"]).replace("${AWS::AccountId}", ACCOUNT)
                policy = json.loads(text, object_hook=lambda value: value.get("Fn::Sub", value))
                assert not key_policies.locks_out(json.dumps(policy), ACCOUNT), path
                found += 1
    assert found > 3
