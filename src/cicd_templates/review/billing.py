"""The resources that AWS bills per hour or per month for as long as they exist, used or not."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from cicd_templates.template.stack_template import StackTemplate

BILLING_HEADS = ("billed item", "count", "resources")


def billing_rows(stacks: Iterable[StackTemplate]) -> list[tuple[str, ...]]:
    """Return one row for each billed item, with the number of them and their resources."""
    priced: dict[str, list[tuple[int, str]]] = {}
    for stack in stacks:
        sizes = _task_sizes(stack.resources)
        for logical_id, resource in stack.resources.items():
            properties = resource.get("Properties", {})
            kind, number = _price(resource["Type"], properties)
            if kind:
                size = f" ({sizes})" if resource["Type"] == "AWS::ECS::Service" else ""
                priced.setdefault(kind, []).append((number, f"{stack.label}.{logical_id}{size}"))
    return [
        (kind, str(sum(number for number, _ in entries)), _shortened([name for _, name in entries]))
        for kind, entries in sorted(priced.items())
    ]


# The prices per hour or per month on each service's pricing page, as of 2026-11.
_BY_THE_HOUR = {
    "AWS::EC2::EIP": "public IPv4 address, per hour",
    "AWS::EC2::NatGateway": "NAT gateway, per hour and per byte",
    "AWS::ElasticLoadBalancingV2::LoadBalancer": "load balancer, per hour and LCU",
    "AWS::RDS::DBInstance": "database instance, per hour",
    "AWS::ElastiCache::ReplicationGroup": "cache nodes, per hour",
    "AWS::KMS::Key": "customer-managed key, per month",
    "AWS::SecretsManager::Secret": "secret, per month",
    "AWS::CloudWatch::Alarm": "alarm, per month",
    "AWS::CloudWatch::Dashboard": "dashboard, per month",
}


def _price(kind: str, properties: Mapping[str, Any]) -> tuple[str, int]:
    """Return what is billed for a resource, empty where it costs nothing while idle, and how many of it."""
    if kind == "AWS::EC2::VPCEndpoint":
        if properties.get("VpcEndpointType", "Gateway") != "Interface":
            return "", 0
        return "interface endpoint, per hour, Availability Zone and byte", len(properties.get("SubnetIds", [])) or 1
    if kind == "AWS::ECS::Service":
        return "Fargate task, per second", int(properties.get("DesiredCount", 1))
    return _BY_THE_HOUR.get(kind, ""), 1


def _task_sizes(resources: Mapping[str, Any]) -> str:
    texts = [
        f"{resource['Properties'].get('Cpu')} CPU units, {resource['Properties'].get('Memory')} MiB"
        for resource in resources.values()
        if resource["Type"] == "AWS::ECS::TaskDefinition"
    ]
    return ", ".join(texts)


def _shortened(names: list[str]) -> str:
    return ", ".join(names) if len(names) <= 8 else f"{', '.join(names[:6])} and {len(names) - 6} more"
