"""Condition keys of IAM that the local AWS answers otherwise than AWS, or not at all.

A role's session is named by its session's ARN where `aws:PrincipalArn` is the role's own, and a conditional write does
not say so:
https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_condition-keys.html#condition-keys-principalarn
https://docs.aws.amazon.com/AmazonS3/latest/userguide/conditional-writes-enforce.html
Runs inside the engine's interpreter, so it imports the standard library alone.
"""

from __future__ import annotations

import re
from types import ModuleType
from typing import Any

_SESSION = re.compile(r"arn:([\w-]+):sts::(\d{12}):assumed-role/([^/]+)/.+")
_WRITES = {"if-none-match": "s3:if-none-match", "if-match": "s3:if-match"}


def role_of(arn: str) -> str:
    """The ARN of the role whose session `arn` is; any other ARN as it is. Roles with a path are not known by it."""
    return _SESSION.sub(r"arn:\1:iam::\2:role/\3", arn)


def register(evaluator: ModuleType, actions: ModuleType) -> None:
    """Put both right in the engine's `evaluator` and in `actions`, which gathers what a request says."""
    resolve, gather = evaluator._resolve_condition_key, actions.s3_service_context

    def resolve_as_aws(key: str, context: Any) -> Any:
        value = resolve(key, context)
        return role_of(value) if key.lower() == "aws:principalarn" and isinstance(value, str) else value

    def gather_as_aws(action: str, query: Any, path: str, headers: dict[str, str]) -> dict[str, Any]:
        said = {key: headers[header] for header, key in _WRITES.items() if header in headers}
        return {**gather(action, query, path, headers), **said}

    # The engine calls what stands under these names.
    evaluator._resolve_condition_key = resolve_as_aws  # type: ignore[attr-defined]
    actions.s3_service_context = gather_as_aws  # type: ignore[attr-defined]
