"""Finds the resources that the internet can reach.

The module looks for properties such as PubliclyAccessible in resources of every type.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from cicd_templates.review.formatting import Formatter
from cicd_templates.review.principals import ANYONE
from cicd_templates.review.property_values import PropertyValue
from cicd_templates.review.reviewed_stacks import ReviewedStack
from cicd_templates.template.intrinsics import possible_values

_ANY_ADDRESS = ("0.0.0.0/0", "::/0")
# The property values that open a resource of any type to the internet, and the text for each.
_OPENING: dict[tuple[str | int, str | bool], str] = {
    ("Scheme", "internet-facing"): "is internet-facing",
    ("AssignPublicIp", "ENABLED"): "has public IP addresses",
    ("MapPublicIpOnLaunch", True): "assigns public IP addresses to instances in it",
    ("AssociatePublicIpAddress", True): "has a public IP address",
    ("PubliclyAccessible", True): "is publicly accessible",
    ("AuthType", "NONE"): "can be called by anyone",
    ("AuthorizationType", "NONE"): "can be called by anyone",
}
_ADDRESSES = {"CidrIp", "CidrIpv6"}
_KEYS_THAT_OPEN = {key for key, _ in _OPENING} | _ADDRESSES
_BLOCKS = ("BlockPublicAcls", "BlockPublicPolicy", "IgnorePublicAcls", "RestrictPublicBuckets")


def reachable(stack: ReviewedStack) -> Iterator[str]:
    """Yield a phrase for each way in which the internet can reach a resource of the stack."""
    template = stack.template
    for logical_id, resource in template.resources.items():
        name = f"{template.label}.{logical_id}"
        properties = resource.get("Properties", {})
        kind = resource["Type"]
        if kind == "AWS::S3::Bucket" and not all(
            properties.get("PublicAccessBlockConfiguration", {}).get(block) is True for block in _BLOCKS
        ):
            yield f"{name} does not block public access"
        if kind == "AWS::ElasticLoadBalancingV2::Listener":
            yield f"{name} listens on {_listener(properties, stack.formatter)}"
            continue
        openings = _openings(kind, properties, stack.property_values[logical_id], stack.formatter)
        yield from (f"{name} {text}" for text in openings)
    for statement in stack.statements:
        if statement.effect == "Allow" and ANYONE in statement.principals and not statement.condition:
            yield f"{template.label}.{statement.holder} allows anyone {statement.actions_text}"


def _listener(properties: Mapping[str, Any], formatter: Formatter) -> str:
    protocol, port, policy = (formatter.format(properties.get(key, "")) for key in ("Protocol", "Port", "SslPolicy"))
    return f"{protocol} {port}" + (f" with {policy}" if policy else ", not encrypted")


def _openings(
    kind: str, properties: Mapping[str, Any], entries: Iterable[PropertyValue], formatter: Formatter
) -> Iterator[str]:
    # An egress rule does not admit traffic.
    egress = possible_values(properties.get("SecurityGroupEgress", []))
    for key, value, parent in entries:
        if key not in _KEYS_THAT_OPEN:
            continue
        is_ingress = key in _ADDRESSES and "Egress" not in kind and parent not in egress
        if isinstance(value, dict):
            # The attributes of a VPC or of a load balancer are never addresses of everybody.
            if "Fn::GetAtt" not in value and (is_ingress or key not in _ADDRESSES):
                yield f"may be open: {key} is {formatter.format(value)}, which is known only at deployment"
        elif text := _OPENING.get((key, value)):
            yield text
        elif is_ingress and value in _ANY_ADDRESS:
            first, last = (formatter.format(parent.get(port, "any")) for port in ("FromPort", "ToPort"))
            yield f"admits {value} on {f'port {first}' if first == last else f'ports {first} to {last}'}"
