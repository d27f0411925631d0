"""What the internet can reach, by what resources say of themselves, whatever their type."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from cicd_templates.review.principals import Anyone
from cicd_templates.review.property_values import PropertyValue
from cicd_templates.review.reviewed import Reviewed

_EVERYWHERE = ("0.0.0.0/0", "::/0")
# Properties with which a resource of any type opens itself, and how that is said.
_OPENING: dict[tuple[str | int, str | bool], str] = {
    ("Scheme", "internet-facing"): "answers the internet",
    ("AssignPublicIp", "ENABLED"): "has public addresses",
    ("MapPublicIpOnLaunch", True): "gives public addresses to what starts in it",
    ("AssociatePublicIpAddress", True): "has a public address",
    ("PubliclyAccessible", True): "is publicly accessible",
    ("AuthType", "NONE"): "can be called by anyone",
    ("AuthorizationType", "NONE"): "can be called by anyone",
}
_TELLING = {key for key, _ in _OPENING} | {"CidrIp", "CidrIpv6"}
_BLOCKS = ("BlockPublicAcls", "BlockPublicPolicy", "IgnorePublicAcls", "RestrictPublicBuckets")


def reachable(each: Reviewed) -> Iterator[str]:
    """What of a stack the internet can reach, a phrase each; nothing where nothing says so."""
    stack = each.template
    for logical_id, resource in stack.resources.items():
        name = f"{stack.label}.{logical_id}"
        properties = resource.get("Properties", {})
        kind = resource["Type"]
        if kind == "AWS::S3::Bucket" and not all(
            properties.get("PublicAccessBlockConfiguration", {}).get(block) is True for block in _BLOCKS
        ):
            yield f"{name} does not block public access"
        if kind == "AWS::ElasticLoadBalancingV2::Listener":
            yield f"{name} listens on {_listener(properties)}"
            continue
        yield from (f"{name} {said}" for said in _opened(kind, properties, each.property_values[logical_id]))
    for statement in each.statements:
        if statement.effect == "Allow" and Anyone() in statement.principals and not statement.when:
            yield f"{stack.label}.{statement.holder} lets anyone {statement.actions}"


def _listener(properties: Mapping[str, Any]) -> str:
    transport = f"{properties.get('Protocol', '')} {properties.get('Port', '')}"
    return transport + (f" with {properties['SslPolicy']}" if "SslPolicy" in properties else ", not encrypted")


def _opened(kind: str, properties: Mapping[str, Any], entries: Iterable[PropertyValue]) -> Iterator[str]:
    outwards = properties.get("SecurityGroupEgress", ())
    for key, value, parent in entries:
        if key not in _TELLING:
            continue
        if isinstance(value, str | bool) and (said := _OPENING.get((key, value))):
            yield said
        # A rule outwards lets nobody in.
        if value in _EVERYWHERE and "Egress" not in kind and parent not in outwards:
            first, last = parent.get("FromPort", "every"), parent.get("ToPort", "every")
            yield f"admits {value} to port {first}" + (f" to {last}" if last != first else "")
