"""Corrects IAM condition keys whose values are missing in the local AWS or differ from those in AWS.

In AWS, `aws:PrincipalArn` of a role session is the ARN of the role. For a conditional write to S3, AWS sets special
condition keys:
https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_condition-keys.html#condition-keys-principalarn
https://docs.aws.amazon.com/AmazonS3/latest/userguide/conditional-writes-enforce.html
This module runs inside the interpreter of the local AWS, so it imports only the standard library.
"""

from __future__ import annotations

import re
from types import ModuleType
from typing import Any

_SESSION = re.compile(r"arn:([\w-]+):sts::(\d{12}):assumed-role/([^/]+)/.+")
_WRITES = {"if-none-match": "s3:if-none-match", "if-match": "s3:if-match"}


def role_of(arn: str) -> str:
    """Return the ARN of the role, without its path, if `arn` is the ARN of a role session. Otherwise return `arn`."""
    return _SESSION.sub(r"arn:\1:iam::\2:role/\3", arn)


def register(evaluator: ModuleType, actions: ModuleType) -> None:
    """Replace two functions of the engine, so that condition keys have the same values as in AWS.

    The function in `evaluator` computes aws:PrincipalArn. The function in `actions` computes the condition keys of
    conditional writes.
    """
    resolve, gather = evaluator._resolve_condition_key, actions.s3_service_context

    def resolve_as_aws(key: str, context: Any) -> Any:
        value = resolve(key, context)
        return role_of(value) if key.lower() == "aws:principalarn" and isinstance(value, str) else value

    def gather_as_aws(action: str, query: Any, path: str, headers: dict[str, str]) -> dict[str, Any]:
        write_keys = {key: headers[header] for header, key in _WRITES.items() if header in headers}
        return {**gather(action, query, path, headers), **write_keys}

    # The engine looks these names up at each call.
    evaluator._resolve_condition_key = resolve_as_aws  # type: ignore[attr-defined]
    actions.s3_service_context = gather_as_aws  # type: ignore[attr-defined]
