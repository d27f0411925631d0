"""Templates small enough to read in a test."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from cicd_templates.review.reviewed_stacks import ReviewedStack, review_stacks
from cicd_templates.template.stack_facts import METADATA_KEY, StackFacts
from cicd_templates.template.stack_template import StackTemplate

ACCOUNTS = {"tools": "100000000001", "staging": "100000000002", "production": "100000000003"}


def stack_of(
    resources: dict[str, Any],
    *,
    environment: str = "staging",
    label: str = "network",
    service: str | None = None,
    layer: str | None = None,
    parameters: dict[str, Any] | None = None,
    account: str | None = None,
    project: str = "shop",
) -> StackTemplate:
    facts = StackFacts(
        project=project,
        environment=environment,
        kind="tools" if environment == "tools" else "runtime",
        layer=layer or label,
        service=service,
        stack=f"{project}-{environment}-{label}",
        account=account or ACCOUNTS[environment],
        region="eu-central-1",
        protection="protected" if environment == "production" else "disposable",
        sources=(),
        stack_tags={},
    )
    content = {
        "Description": f"What {label} is for",
        "Metadata": {METADATA_KEY: facts.to_metadata()},
        "Parameters": parameters or {},
        "Resources": resources,
    }
    return StackTemplate(Path(environment, f"{label}.yaml"), "", content, facts)


def one(resources: dict[str, Any], *others: StackTemplate, **settings: Any) -> ReviewedStack:
    """Return a stack of `resources`, reviewed together with the names of `others`."""
    return review_stacks([stack_of(resources, **settings), *others])[0]


def resource(kind: str, /, **properties: Any) -> dict[str, Any]:
    return {"Type": f"AWS::{kind}", "Properties": properties}


def role(
    *statements: dict[str, Any], trusts: Any = "ecs-tasks.amazonaws.com", why: tuple[str, ...] = ()
) -> dict[str, Any]:
    principal = (
        trusts if isinstance(trusts, dict | str) and trusts != "ecs-tasks.amazonaws.com" else {"Service": trusts}
    )
    return {
        "Type": "AWS::IAM::Role",
        "Metadata": {"Why": list(why)},
        "Properties": {
            "AssumeRolePolicyDocument": {
                "Statement": [{"Sid": "Trust", "Effect": "Allow", "Principal": principal, "Action": ["sts:AssumeRole"]}]
            },
            "Policies": [{"PolicyName": "Inline", "PolicyDocument": {"Statement": list(statements)}}],
        },
    }


def statement(sid: str, *actions: str, on: Any = "*", effect: str = "Allow", **more: Any) -> dict[str, Any]:
    return {"Sid": sid, "Effect": effect, "Action": list(actions), "Resource": on, **more}


def reading(path: str) -> dict[str, Any]:
    return {"Type": "AWS::SSM::Parameter::Value<String>", "Default": path}
