"""Keys and repositories of other accounts: both policies are asked, and nothing is found in the wrong account."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterator
from contextlib import contextmanager
from types import ModuleType
from typing import Any

import pytest

from cicd_templates.local import shared_resources

OURS, THEIRS, REGION = "222222222222", "111111111111", "eu-central-1"
KEY = f"arn:aws:kms:{REGION}:{THEIRS}:key/1"
ROLE, ROOT = f"arn:aws:sts::{OURS}:assumed-role/hook/s", f"arn:aws:iam::{OURS}:root"


class Account:
    """The current account and region, and modules of the engine that answer with them."""

    def __init__(self, caller: str = ROLE) -> None:
        self.current = (OURS, REGION)
        self.kms, self.ecr = ModuleType("kms"), ModuleType("ecr")
        for module, name in ((self.kms, "key_policy_for_arn"), (self.ecr, "repository_policy_for_arn")):
            setattr(module, name, lambda arn: (arn, *self.current))
        self.kms._verify = lambda data: ("verified", *self.current)  # type: ignore[attr-defined]
        self.kms._resolve_key = lambda arn: {"Arn": KEY} if self.current[0] == THEIRS else None  # type: ignore[attr-defined]
        self.app = ModuleType("app")
        self.app.SERVICE_HANDLERS = {"ecr": self.answer}  # type: ignore[attr-defined]
        requests = shared_resources.Requests(self.scope, lambda: self.current, lambda: caller, lambda *refusal: refusal)
        shared_resources.register(self.app, self.kms, self.ecr, requests)

    async def answer(self, *request: Any) -> Any:
        return ("images", *self.current, *request)

    @contextmanager
    def scope(self, account: str, region: str) -> Iterator[None]:
        before, self.current = self.current, (account, region)
        try:
            yield
        finally:
            self.current = before


def test_the_policy_of_a_resource_is_read_in_the_account_of_the_resource() -> None:
    account = Account()
    repository = f"arn:aws:ecr:eu-west-1:{THEIRS}:repository/r"

    assert account.kms.key_policy_for_arn(KEY) == (KEY, THEIRS, REGION)
    assert account.ecr.repository_policy_for_arn(repository) == (repository, THEIRS, "eu-west-1")
    assert account.current == (OURS, REGION)


@pytest.mark.parametrize(
    ("key", "caller", "expected"),
    [
        pytest.param(KEY, ROLE, ("verified", THEIRS, REGION), id="a key of another account"),
        pytest.param(KEY.replace("key/1", "alias/a"), ROLE, ("verified", THEIRS, REGION), id="its alias"),
        pytest.param("alias/a", ROLE, ("verified", OURS, REGION), id="an alias of our account"),
        pytest.param(KEY.replace(THEIRS, OURS), ROOT, ("verified", OURS, REGION), id="a key of our account"),
        pytest.param(KEY.replace(REGION, "eu-west-1"), ROLE, ("verified", OURS, REGION), id="another region"),
        pytest.param(
            KEY,
            ROOT,
            ("AccessDeniedException", f"{ROOT} may not use {KEY} of another account", 400),
            id="a root user, whom no policy was asked about",
        ),
    ],
)
def test_a_signature_is_verified_with_a_key_of_another_account_only_by_its_arn(
    key: str, caller: str, expected: Any
) -> None:
    account = Account(caller)

    assert account.kms._verify({"KeyId": key}) == expected
    assert account.current == (OURS, REGION)


def test_the_key_of_an_alias_is_looked_up_in_the_account_of_the_alias() -> None:
    account = Account()
    find = shared_resources.key_of_alias(account.kms, account.scope)

    assert find(f"arn:aws:kms:{REGION}:{THEIRS}:alias/a") == KEY
    assert find(f"arn:aws:kms:{REGION}:{OURS}:alias/a") == ""


@pytest.mark.parametrize(
    ("registry", "caller", "expected"),
    [
        pytest.param({"registryId": THEIRS}, ROLE, THEIRS, id="another account"),
        pytest.param({"registryId": OURS}, ROOT, OURS, id="our account"),
        pytest.param({}, ROLE, OURS, id="no registry"),
    ],
)
def test_a_request_to_ecr_is_answered_from_the_registry_that_it_names(
    registry: dict[str, str], caller: str, expected: str
) -> None:
    account, body = Account(caller), json.dumps({"repositoryName": "r", **registry}).encode()
    request: tuple[Any, ...] = ("POST", "/", {"x-amz-target": "t"}, body, {})

    assert asyncio.run(account.app.SERVICE_HANDLERS["ecr"](*request)) == ("images", expected, REGION, *request)
    assert account.current == (OURS, REGION)


def test_a_root_user_gets_no_answer_from_the_registry_of_another_account() -> None:
    handle = Account(ROOT).app.SERVICE_HANDLERS["ecr"]
    body = json.dumps({"registryId": THEIRS}).encode()

    assert asyncio.run(handle("POST", "/", {}, body, {})) == (
        "AccessDeniedException",
        f"{ROOT} may not use the registry of account {THEIRS}",
        400,
    )
