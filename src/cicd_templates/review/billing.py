"""What is billed for being there, whether it is used or not: by the hour, or by the month."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from cicd_templates.template.stack_template import StackTemplate

HEADS = ("billed", "how many", "which")


def rows(stacks: Iterable[StackTemplate]) -> list[tuple[str, ...]]:
    """A row for each kind of thing that costs while it rests, with its number and where it is."""
    found: dict[str, list[tuple[int, str]]] = {}
    for stack in stacks:
        tasks = _sizes(stack.resources)
        for logical_id, resource in stack.resources.items():
            properties = resource.get("Properties", {})
            kind, number = _priced(resource["Type"], properties)
            if kind:
                size = f" ({tasks})" if resource["Type"] == "AWS::ECS::Service" else ""
                found.setdefault(kind, []).append((number, f"{stack.label}.{logical_id}{size}"))
    return [
        (kind, str(sum(number for number, _ in each)), _which([name for _, name in each]))
        for kind, each in sorted(found.items())
    ]


# Listed on each service's pricing page as a price for an hour or a month of existing; read on 2026-11.
_BY_THE_HOUR = {
    "AWS::EC2::EIP": "public IPv4 address, by the hour",
    "AWS::EC2::NatGateway": "NAT gateway, by the hour and by the byte",
    "AWS::ElasticLoadBalancingV2::LoadBalancer": "load balancer, by the hour and by load",
    "AWS::RDS::DBInstance": "database instance, by the hour",
    "AWS::ElastiCache::ReplicationGroup": "cache nodes, by the hour",
    "AWS::KMS::Key": "customer-managed key, by the month",
    "AWS::SecretsManager::Secret": "secret, by the month",
    "AWS::CloudWatch::Alarm": "alarm, by the month",
    "AWS::CloudWatch::Dashboard": "dashboard, by the month",
}


def _priced(kind: str, properties: Mapping[str, Any]) -> tuple[str, int]:
    if kind == "AWS::EC2::VPCEndpoint":
        if properties.get("VpcEndpointType", "Gateway") != "Interface":
            return "", 0
        return "interface endpoint, by the hour, zone and byte", len(properties.get("SubnetIds", [])) or 1
    if kind == "AWS::ECS::Service":
        return "task of Fargate, by the second", int(properties.get("DesiredCount", 1))
    return _BY_THE_HOUR.get(kind, ""), 1


def _sizes(resources: Mapping[str, Any]) -> str:
    sizes = [
        f"{resource['Properties'].get('Cpu')} CPU units, {resource['Properties'].get('Memory')} MiB"
        for resource in resources.values()
        if resource["Type"] == "AWS::ECS::TaskDefinition"
    ]
    return ", ".join(sizes)


def _which(names: list[str]) -> str:
    return ", ".join(names) if len(names) <= 8 else f"{', '.join(names[:6])} and {len(names) - 6} more"
