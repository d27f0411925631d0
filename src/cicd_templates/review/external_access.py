"""Who can access an environment: outside principals that may assume its roles, and people who may release."""

from __future__ import annotations

import bisect
import re
from collections.abc import Collection, Iterable, Iterator, Sequence
from fnmatch import fnmatchcase
from typing import Any

from cicd_templates.review.principals import AccountPrincipal, ArnPrincipal, Principal, is_outside
from cicd_templates.review.reviewed_stacks import ReviewedStack
from cicd_templates.review.statements import OWN_MARK, own_stem

_LITERAL_PREFIX = re.compile(r"[^*?\[]*")

# What a person or a role can do with a release, and the IAM actions that allow it.
_RELEASE_ACTIONS = {
    "approve": ("codepipeline:PutApprovalResult",),
    "start, retry or roll back an execution": (
        "codepipeline:StartPipelineExecution",
        "codepipeline:RetryStageExecution",
        "codepipeline:RollbackStage",
    ),
    "override a stage condition": ("codepipeline:OverrideStageCondition",),
    "change the pipeline": ("codepipeline:UpdatePipeline",),
}


def reviewed_environments(environment: str, stacks: Sequence[ReviewedStack]) -> list[str]:
    """Return the names of the environments whose external access is listed on the review page of `environment`.

    For a runtime environment, this is the environment itself. For a tools environment, these are the protected runtime
    environments, or all runtime environments if none is protected.
    """
    runtimes = {
        stack.template.environment: stack.template.facts for stack in stacks if stack.template.facts.kind == "runtime"
    }
    if environment in runtimes:
        return [environment]
    protected = [name for name, facts in runtimes.items() if facts.protection == "protected"]
    return protected or list(runtimes)


def external_access(environment: str, stacks: Iterable[ReviewedStack]) -> list[str]:
    """Return the roles of `environment` that principals outside the environment may assume.

    Several environments may share an account. A statement then also counts if it allows the whole account, or a role of
    another environment.
    """
    stacks = list(stacks)
    own_roles = {name for stack in stacks if stack.template.environment == environment for name in _role_names(stack)}
    other_accounts = {stack.template.account for stack in stacks if stack.template.environment != environment}
    roles = []
    for stack in stacks:
        if stack.template.environment != environment:
            continue
        account = stack.template.account
        shared = account in other_accounts
        for statement in stack.statements:
            outside = any(
                is_outside(principal, account) or (shared and not _is_own(principal, own_roles))
                for principal in statement.principals
            )
            if statement.is_trust and statement.effect == "Allow" and outside:
                condition = statement.condition.replace(OWN_MARK, own_stem(statement.holder))
                where = f" where {condition}" if condition else ""
                roles.append(f"{statement.principals_text} as {stack.template.label}.{statement.holder}{where}")
    return roles


def _role_names(stack: ReviewedStack) -> Iterator[str]:
    for resource in stack.template.resources.values():
        if resource["Type"] == "AWS::IAM::Role":
            yield str(resource.get("Properties", {}).get("RoleName"))


def _is_own(principal: Principal, own_roles: Collection[str]) -> bool:
    """Return whether a principal in the environment's account belongs to this environment, and not to another one."""
    match principal:
        case AccountPrincipal():
            return False
        case ArnPrincipal(_, arn):
            return arn.rpartition("/")[2] in own_roles
        case _:
            return True


def release_permissions(stacks: Sequence[ReviewedStack]) -> list[str]:
    """Return who may approve, start and upload releases: one line per permission, with the policies that grant it."""
    tools = [stack for stack in stacks if stack.template.facts.kind == "tools"]
    allowed = [
        (f"{stack.template.label}.{statement.holder}", statement)
        for stack in tools
        for statement in stack.statements
        if statement.effect == "Allow"
    ]
    texts = []
    for ability, actions in _RELEASE_ACTIONS.items():
        holders = [holder for holder, statement in allowed if any(statement.covers(action) for action in actions)]
        texts.append(f"{ability}: {', '.join(dict.fromkeys(holders)) or 'nobody'}")
    sources = sorted(source for stack in tools for source in _sources(stack))
    if sources:
        holders = [
            holder
            for holder, statement in allowed
            if statement.covers("s3:PutObject")
            and any(matches_any(pattern, sources) for pattern in statement.resource_texts)
        ]
        texts.append(f"upload a release: {', '.join(dict.fromkeys(holders)) or 'nobody'}")
    return texts


def matches_any(pattern: str, texts: Sequence[str]) -> bool:
    """Return whether `pattern` matches one of `texts`, with the syntax of `fnmatch`. `texts` must be sorted.

    Only texts that begin with the pattern's literal prefix are compared. It would be slow to compare every statement
    with the source of every service.
    """
    prefix = _LITERAL_PREFIX.match(pattern)[0]  # type: ignore[index] # matches the empty text as well
    index = bisect.bisect_left(texts, prefix)
    while index < len(texts) and texts[index].startswith(prefix):
        if fnmatchcase(texts[index], pattern):
            return True
        index += 1
    return False


def _sources(stack: ReviewedStack) -> Iterator[str]:
    """Yield the S3 objects that start a stack's pipelines, as `bucket/key`."""
    for resource in stack.template.resources.values():
        if resource["Type"] != "AWS::CodePipeline::Pipeline":
            continue
        for action in resource["Properties"]["Stages"][0]["Actions"]:
            settings: dict[str, Any] = action.get("Configuration", {})
            if "S3Bucket" in settings:
                bucket, key = map(stack.formatter.format, (settings["S3Bucket"], settings["S3ObjectKey"]))
                yield f"{bucket}/{key}"
