"""Rendered stacks for the simulated AWS."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from cicd_templates.template.stack_facts import METADATA_KEY, StackFacts
from cicd_templates.template.stack_template import StackTemplate

READING = "AWS::SSM::Parameter::Value<String>"
PLACEHOLDER = {"Type": "AWS::CloudFormation::WaitConditionHandle", "Properties": {}}


def rendered(
    layer: str,
    *,
    reads: Mapping[str, str] | None = None,
    publishes: Mapping[str, str] | None = None,
    resources: Mapping[str, Any] | None = None,
    parameters: Mapping[str, Any] | None = None,
    environment: str = "staging",
    protection: str = "disposable",
    deployed_as: str | None = None,
    service: str | None = None,
) -> StackTemplate:
    """Return a rendered stack.

    `reads` maps its parameters to the paths that it reads, and `publishes` maps the paths that it publishes to values.
    The resource `Reader` uses the values that the stack reads, because a changed value that no resource uses would
    change nothing. A stack without any resource gets a `Placeholder`, because CloudFormation refuses a template without
    resources. With `service`, the stack belongs to this service.
    """
    label = f"{layer}-{service}" if service else layer
    name = f"shipping-{environment}-{label}"
    tags = {"Project": "shipping", "Environment": environment, "ManagedBy": "cicd-templates", "Layer": layer}
    facts = StackFacts(
        project="shipping",
        environment=environment,
        kind="runtime",
        layer=layer,
        stack=name,
        account="222222222222",
        region="eu-central-1",
        protection=protection,
        sources=(),
        stack_tags=tags,
        deployed_as=deployed_as,
        service=service,
    )
    reader = {"Type": "AWS::SNS::TopicPolicy", "Properties": {key: {"Ref": key} for key in reads or {}}}
    template: dict[str, Any] = {
        "Metadata": {METADATA_KEY: facts.to_metadata()},
        "Parameters": {
            **{key: {"Type": READING, "Default": path} for key, path in (reads or {}).items()},
            **(parameters or {}),
        },
        "Resources": {
            **(resources or {}),
            **({"Reader": reader} if reads else {}),
            **{
                f"Published{number}": {
                    "Type": "AWS::SSM::Parameter",
                    "Properties": {"Name": path, "Type": "String", "Value": value},
                }
                for number, (path, value) in enumerate((publishes or {}).items())
            },
        },
    }
    template["Resources"] = template["Resources"] or {"Placeholder": PLACEHOLDER}
    body = json.dumps(template)
    return StackTemplate(Path(f"out/{environment}/{label}.yaml"), body, template, facts)
