"""Finds access paths in the policies of a resource: which principal may do what with which target.

This module ignores conditions and Deny statements. To find out whether a change widens access, use `policy_diff`.

If an action is unknown before the deployment, this module assumes that the action gives access to data.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from fnmatch import fnmatchcase
from typing import Any

from cicd_templates.template.changes.planned_stack import AccessPath
from cicd_templates.template.granted_access import as_list, granted_statements, permission_statement
from cicd_templates.template.iam_statements import find_statements
from cicd_templates.template.intrinsics import is_intrinsic_function
from cicd_templates.template.policy_diff import listed

ASSUMES, DEPLOYS, READS, WRITES = "assumes", "deploys", "reads", "writes"
UNKNOWN = "can do what cannot be read with"
_ACTION = re.compile(r"\*|[\w*?-]+:[\w*?]+")
# The patterns of lower-case actions, because IAM ignores the case of an action. An action that matches none of these
# patterns counts as writing. A wildcard in an action of STS may stand for AssumeRole.
_RIGHTS = (
    (ASSUMES, re.compile(r"sts:(assume|\w*[*?])|iam:passrole$")),
    (DEPLOYS, re.compile(r"cloudformation:(?!describe|get|list)|codedeploy:create|ecs:(update|create)service$")),
    (
        READS,
        re.compile(
            r"[\w*?-]+:(batchget|decrypt|describe|get|list|query|receive|scan|select|view|batchcheck)|kms:verify"
        ),
    ),
)
# The prefixes of the actions that work on data or on its encryption: https://docs.aws.amazon.com/service-authorization/
DATA_SERVICES = frozenset(
    {
        *("backup", "dax", "dynamodb", "ebs", "elasticfilesystem", "es", "kinesis", "kms", "logs", "neptune-db", "rds"),
        *("rds-data", "rds-db", "redshift", "redshift-data", "s3", "secretsmanager", "sqs", "*"),
    }
)
_PARTITION = re.compile(r"^arn:(\$\{AWS::Partition\}|aws[\w-]*):")


def changed_paths(label: str, logical_id: str, before: Mapping[str, Any], after: Mapping[str, Any]) -> list[AccessPath]:
    """Return each access path that a resource has before or after a change, marked as `new`, `gone` or `same`.

    `before` has all resources of the old template, and `after` has all resources of the new template. `label` is the
    label of the stack.
    """
    old, new = (
        dict.fromkeys(_paths(label, logical_id, resources[logical_id]) if logical_id in resources else ())
        for resources in (before, after)
    )
    return [
        AccessPath(*path, change="same" if path in old and path in new else "new" if path in new else "gone")
        for path in {**old, **new}
    ]


def _paths(label: str, logical_id: str, resource: Mapping[str, Any]) -> Iterator[tuple[str, str, str, bool]]:
    """Yield `(principal, right, target, is_data)` for each access path. `is_data` is true for a right to data."""
    holder = f"{label}/{logical_id}"
    properties = resource.get("Properties", {})
    permission = permission_statement(str(resource.get("Type")), properties)
    elsewhere = [(False, statement) for statement in granted_statements(resource) if "Resource" in statement]
    statements = [*find_statements(properties), *([(False, permission)] if permission else []), *elsewhere]
    for is_trust, statement in statements:
        if statement["Effect"] == "Deny":
            continue
        principals = [holder] if not _is_about_principals(statement) else list(_principals(statement))
        targets = [holder] if is_trust else list(_targets(statement, holder))
        for right, is_data in dict.fromkeys(_rights(statement)):
            yield from ((principal, right, target, is_data) for principal in principals for target in targets)


def _is_about_principals(statement: Mapping[str, Any]) -> bool:
    return "Principal" in statement or "NotPrincipal" in statement


def _principals(statement: Mapping[str, Any]) -> Iterator[str]:
    if "NotPrincipal" in statement:
        yield f"everybody but {', '.join(_items(statement['NotPrincipal']))}"
    else:
        yield from _items(statement["Principal"])


def _targets(statement: Mapping[str, Any], holder: str) -> Iterator[str]:
    """Yield the resources to which a statement gives access.

    `holder` is the resource that has the policy. In a resource policy, `*` means `holder`.
    """
    if "NotResource" in statement:
        yield f"everything but {', '.join(_items(statement['NotResource']))}"
        return
    for target in _items(statement.get("Resource", "*")):
        yield holder if target == "*" and _is_about_principals(statement) else target


def _items(value: Any) -> Iterator[str]:
    if isinstance(value, Mapping) and not is_intrinsic_function(value):
        for part in value.values():
            yield from _items(part)
        return
    yield from (_PARTITION.sub("", listed(item)) for item in as_list(value))


def _rights(statement: Mapping[str, Any]) -> Iterator[tuple[str, bool]]:
    """Yield `(right, is_data)` for each right that a statement allows.

    `is_data` is true if the right gives access to data or to the encryption of data. A statement with `NotAction`
    yields the right to write data, because it allows nearly everything.
    """
    if "NotAction" in statement:
        yield WRITES, True
    for action in as_list(statement.get("Action", [])):
        if not isinstance(action, str) or not _ACTION.fullmatch(action):
            yield UNKNOWN, True
            continue
        right = next((right for right, pattern in _RIGHTS if pattern.match(action.lower())), WRITES)
        service = action.lower().partition(":")[0]
        yield right, right in (READS, WRITES) and any(fnmatchcase(each, service) for each in DATA_SERVICES)
