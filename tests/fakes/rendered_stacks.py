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
    """A rendered stack: its resources, what it reads (parameter to path) and what it publishes (path to value).

    What it reads, the resource `Reader` uses, as a moved value that no resource uses would change nothing. A stack
    that would have no resource has a `Placeholder`, as CloudFormation refuses a template without any. With `service`,
    the stack is the one of this service.
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
