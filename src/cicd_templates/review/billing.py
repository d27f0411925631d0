"""The resources that AWS bills per hour or per month for as long as they exist, used or not."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from cicd_templates.template.resource_types.registry import facts_of
from cicd_templates.template.stack_template import StackTemplate

BILLING_HEADS = ("billed item", "count", "resources")


def billing_rows(stacks: Iterable[StackTemplate]) -> list[tuple[str, ...]]:
    """Return one row for each kind of billed item, with the number of items and their resources."""
    priced: dict[str, list[tuple[int, str]]] = {}
    for stack in stacks:
        sizes = _task_sizes(stack.resources)
        for logical_id, resource in stack.resources.items():
            properties = resource.get("Properties", {})
            billed = facts_of(resource["Type"]).billed
            number = _billed_items(resource["Type"], properties)
            if billed and number:
                size = f" ({sizes})" if resource["Type"] == "AWS::ECS::Service" else ""
                priced.setdefault(billed, []).append((number, f"{stack.label}.{logical_id}{size}"))
    return [
        (billed, str(sum(number for number, _ in entries)), _shortened([name for _, name in entries]))
        for billed, entries in sorted(priced.items())
    ]


def _billed_items(kind: str, properties: Mapping[str, Any]) -> int:
    """Return for how many items AWS bills a resource. A gateway endpoint is free, so the number is 0."""
    if kind == "AWS::EC2::VPCEndpoint":
        is_interface = properties.get("VpcEndpointType", "Gateway") == "Interface"
        return (len(properties.get("SubnetIds", [])) or 1) if is_interface else 0
    return int(properties.get("DesiredCount", 1)) if kind == "AWS::ECS::Service" else 1


def _task_sizes(resources: Mapping[str, Any]) -> str:
    texts = [
        f"{resource['Properties'].get('Cpu')} CPU units, {resource['Properties'].get('Memory')} MiB"
        for resource in resources.values()
        if resource["Type"] == "AWS::ECS::TaskDefinition"
    ]
    return ", ".join(texts)


def _shortened(names: list[str]) -> str:
    return ", ".join(names) if len(names) <= 8 else f"{', '.join(names[:6])} and {len(names) - 6} more"
