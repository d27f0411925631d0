"""Lists the resources that AWS bills per hour or per month while they exist, even if nothing uses them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any, NamedTuple

from cicd_templates.template.resource_types.registry import facts_of
from cicd_templates.template.stack_template import StackTemplate

BILLING_HEADS = ("billed item", "count", "resources")


class BilledItem(NamedTuple):
    """A billed resource: its kind in AWS's price list, the number of billed items, and its name in the review table."""

    kind: str
    number: int
    name: str


def billed_items(stack: StackTemplate) -> Iterator[BilledItem]:
    """Yield the billed resources of a stack."""
    sizes = _task_sizes(stack.resources)
    for logical_id, resource in stack.resources.items():
        billed = facts_of(resource["Type"]).billed
        count = _count(resource["Type"], resource.get("Properties", {}))
        if billed and count:
            size = f" ({sizes})" if resource["Type"] == "AWS::ECS::Service" else ""
            yield BilledItem(billed, count, f"{stack.label}.{logical_id}{size}")


def billing_rows(items: Iterable[BilledItem]) -> list[tuple[str, ...]]:
    """Return one row for each kind of billed item, with the number of items and their resources."""
    by_kind: dict[str, list[BilledItem]] = {}
    for item in items:
        by_kind.setdefault(item.kind, []).append(item)
    return [
        (kind, str(sum(item.number for item in of_kind)), _shortened([item.name for item in of_kind]))
        for kind, of_kind in sorted(by_kind.items())
    ]


def _count(kind: str, properties: Mapping[str, Any]) -> int:
    """Return the number of items that AWS bills for a resource. A gateway endpoint is free, so its number is 0."""
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
