"""Lists the resources that AWS bills per hour or per month while they exist, even if nothing uses them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from cicd_templates.review.formatting import Formatter
from cicd_templates.template.intrinsics import values_at
from cicd_templates.template.resource_types.registry import facts_of
from cicd_templates.template.stack_template import StackTemplate

BILLING_HEADS = ("billed item", "count", "resources")
MOST_NAMES = 8


class BilledItem(NamedTuple):
    """A kind of item that AWS bills, such as load balancers per hour.

    - `number` is the number of items.
    - `resources` is the number of resources that cause these items. One resource can cause several items.
    - `names` has the names of the first `MOST_NAMES` resources.
    """

    kind: str
    number: int
    resources: int
    names: tuple[str, ...]


def billed_items(stack: StackTemplate, formatter: Formatter) -> Iterator[BilledItem]:
    """Yield the billed resources of a stack."""
    sizes = _task_sizes(stack.resources, formatter)
    for logical_id, resource in stack.resources.items():
        billed = facts_of(resource["Type"]).billed
        count = _count(resource["Type"], resource.get("Properties", {}))
        if billed and count:
            size = f" ({sizes})" if resource["Type"] == "AWS::ECS::Service" else ""
            yield BilledItem(billed, count, 1, (f"{stack.label}.{logical_id}{size}",))


def billing_rows(items: Iterable[BilledItem]) -> list[tuple[str, ...]]:
    """Return one row for each kind of billed item, with the number of items and their resources."""
    return [
        (item.kind, str(item.number), _shortened(item.names, item.resources)) for item in sorted(joined_items(items))
    ]


def joined_items(items: Iterable[BilledItem]) -> list[BilledItem]:
    """Merge the items of each kind into one item, with the sums of their numbers and at most `MOST_NAMES` names.

    An environment can have thousands of items. More names are never shown, so they are not kept in memory.
    """
    joined: dict[str, BilledItem] = {}
    for item in items:
        known = joined.get(item.kind, BilledItem(item.kind, 0, 0, ()))
        joined[item.kind] = BilledItem(
            item.kind,
            known.number + item.number,
            known.resources + item.resources,
            (*known.names, *item.names)[:MOST_NAMES],
        )
    return list(joined.values())


def _count(kind: str, properties: Mapping[str, Any]) -> int:
    """Return the number of items that AWS bills for a resource. A gateway endpoint is free, so its number is 0.

    A number that only CloudFormation can compute counts as 1.
    """
    if kind == "AWS::EC2::VPCEndpoint":
        is_interface = any(type_ != "Gateway" for type_ in values_at(properties, "VpcEndpointType"))
        return len(list(values_at(properties, "SubnetIds"))) or 1 if is_interface else 0
    if kind == "AWS::ECS::Service":
        counts = list(values_at(properties, "DesiredCount"))
        return max((int(count) if str(count).isdecimal() else 1 for count in counts), default=1)
    return 1


def _task_sizes(resources: Mapping[str, Any], formatter: Formatter) -> str:
    texts = [
        f"{formatter.format(resource['Properties'].get('Cpu'))} CPU units,"
        f" {formatter.format(resource['Properties'].get('Memory'))} MiB"
        for resource in resources.values()
        if resource["Type"] == "AWS::ECS::TaskDefinition"
    ]
    return ", ".join(texts)


def _shortened(names: Sequence[str], resources: int) -> str:
    """Return `names` as one text. If there are more resources than names, return six names and the number of the rest.

    `resources` is the number of all resources.
    """
    return ", ".join(names) if resources <= len(names) else f"{', '.join(names[:6])} and {resources - 6} more"
