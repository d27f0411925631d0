from __future__ import annotations

import pytest

from cicd_templates.deploy.permissions import handler_actions
from cicd_templates.deploy.permissions.handler_actions import is_action, resource_kinds


@pytest.fixture(autouse=True)
def _unread_reference() -> None:
    """Forget the reference. Another test of the same process can have read it while coverage was not measured."""
    handler_actions._authorization_reference.cache_clear()


@pytest.mark.parametrize(
    ("action", "known"),
    [
        ("s3:GetObject", True),
        ("s3:getobject", True),
        ("dynamodb:PutItem", True),
        ("s3:GetObjects", False),
        ("s4:GetObject", False),
        ("GetObject", False),
        ("", False),
    ],
)
def test_an_action_is_known_if_the_reference_lists_it(action: str, known: bool) -> None:
    assert is_action(action) is known


@pytest.mark.parametrize(
    ("action", "kinds"),
    [("dynamodb:PutItem", {"table"}), ("sqs:SendMessage", {"queue"}), ("s3:ListAllMyBuckets", set())],
)
def test_a_policy_can_limit_an_action_to_the_types_of_resources_in_the_reference(action: str, kinds: set[str]) -> None:
    assert set(resource_kinds(action)) == kinds
