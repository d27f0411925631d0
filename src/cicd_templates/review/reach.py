"""Who can reach an environment: roles of other accounts that may act in it, and people who release into it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from fnmatch import fnmatchcase
from typing import Any

from cicd_templates.review.principals import is_outside
from cicd_templates.review.reviewed import Reviewed
from cicd_templates.review.statements import OWN, own_stem

# What a person or a role does to a release, by the action that IAM asks for.
_RELEASE_ACTIONS = {
    "approves": ("codepipeline:PutApprovalResult",),
    "starts, retries or rolls back a run": (
        "codepipeline:StartPipelineExecution",
        "codepipeline:RetryStageExecution",
        "codepipeline:RollbackStage",
    ),
    "overrides a lock": ("codepipeline:OverrideStageCondition",),
    "changes the pipeline": ("codepipeline:UpdatePipeline",),
}


def targets(environment: str, reviewed: Sequence[Reviewed]) -> list[str]:
    """The environments whose reach the review of `environment` shows: itself, or from tools the protected runtimes."""
    runtimes = {
        each.template.environment: each.template.facts for each in reviewed if each.template.facts.kind == "runtime"
    }
    if environment in runtimes:
        return [environment]
    protected = [name for name, facts in runtimes.items() if facts.protection == "protected"]
    return protected or list(runtimes)


def from_elsewhere(environment: str, reviewed: Iterable[Reviewed]) -> list[str]:
    """Which roles of `environment` somebody outside its account may assume."""
    found = []
    for each in reviewed:
        if each.template.environment != environment:
            continue
        for statement in each.statements:
            outside = any(is_outside(principal, each.template.account) for principal in statement.principals)
            if statement.trust and statement.effect == "Allow" and outside:
                said = statement.when.replace(OWN, own_stem(statement.holder))
                when = f" where {said}" if said else ""
                found.append(f"{statement.who} as {each.template.label}.{statement.holder}{when}")
    return found


def releasing(reviewed: Sequence[Reviewed]) -> list[str]:
    """Who approves, starts and puts releases, `deed: policies` each; nobody where no policy of these allows it."""
    tools = [each for each in reviewed if each.template.facts.kind == "tools"]
    allowed = [
        (f"{each.template.label}.{statement.holder}", statement)
        for each in tools
        for statement in each.statements
        if statement.effect == "Allow"
    ]
    found = []
    for deed, actions in _RELEASE_ACTIONS.items():
        holders = [holder for holder, statement in allowed if any(statement.covers(action) for action in actions)]
        found.append(f"{deed}: {', '.join(dict.fromkeys(holders)) or 'nobody'}")
    places = [place for each in tools for place in _sources(each)]
    if places:
        holders = [
            holder
            for holder, statement in allowed
            if statement.covers("s3:PutObject")
            and any(fnmatchcase(place, pattern) for place in places for pattern in statement.places)
        ]
        found.append(f"puts a release: {', '.join(dict.fromkeys(holders)) or 'nobody'}")
    return found


def _sources(each: Reviewed) -> Iterator[str]:
    """The objects that runs of a pipeline begin with."""
    for resource in each.template.resources.values():
        if resource["Type"] != "AWS::CodePipeline::Pipeline":
            continue
        for action in resource["Properties"]["Stages"][0]["Actions"]:
            settings: dict[str, Any] = action.get("Configuration", {})
            if "S3Bucket" in settings:
                yield f"{each.formatter.say(settings['S3Bucket'])}/{each.formatter.say(settings['S3ObjectKey'])}"
