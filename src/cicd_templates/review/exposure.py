"""Finds the resources that the internet can reach.

The module looks for properties such as PubliclyAccessible in resources of every type.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from cicd_templates.review.formatting import Formatter
from cicd_templates.review.principals import ANYONE
from cicd_templates.review.property_values import PropertyValue
from cicd_templates.review.reviewed_stacks import ReviewedStack
from cicd_templates.template.intrinsics import NO_VALUE, may_be_absent, possible_values, values_at
from cicd_templates.template.openings import CALLABLE, OPENED, opened_statements

# The property values that open a resource of any type to the internet, and the text for each.
_OPENING: dict[tuple[str | int, str | bool], str] = {
    ("Scheme", "internet-facing"): "is internet-facing",
    ("AssignPublicIp", "ENABLED"): "has public IP addresses",
    ("MapPublicIpOnLaunch", True): "assigns public IP addresses to instances in it",
    ("AssociatePublicIpAddress", True): "has a public IP address",
    ("PubliclyAccessible", True): "is publicly accessible",
    ("EndpointPublicAccess", True): "has a public endpoint",
    ("EndpointType", "PUBLIC"): "has a public endpoint",
    ("AuthType", "NONE"): "can be called by anyone",
    ("AuthorizationType", "NONE"): "can be called by anyone",
}
_FLAGS = {key for key, value in _OPENING if value is True}
_ADDRESSES = {"CidrIp", "CidrIpv6", "CIDRIP"}
_PREFIX_LIST = "SourcePrefixListId"
_KEYS_THAT_OPEN = {key for key, _ in _OPENING} | _ADDRESSES | {_PREFIX_LIST}
# Types that the internet can reach if the property at the path is not set:
# https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/aws-template-resource-type-ref.html
_OPEN_BY_DEFAULT = {
    "AWS::DMS::ReplicationInstance": ("PubliclyAccessible",),
    "AWS::EKS::Cluster": ("ResourcesVpcConfig", "EndpointPublicAccess"),
    "AWS::ElasticLoadBalancing::LoadBalancer": ("Scheme",),
    "AWS::ElasticLoadBalancingV2::LoadBalancer": ("Scheme",),
    "AWS::Transfer::Server": ("EndpointType",),
}
_TYPES_WITH_SETTINGS = {*_OPEN_BY_DEFAULT, *CALLABLE, *OPENED}
_BLOCKS = ("BlockPublicAcls", "BlockPublicPolicy", "IgnorePublicAcls", "RestrictPublicBuckets")
# Larger networks than these, such as 0.0.0.0/1, count as the internet. The largest private network is 10.0.0.0/8.
_SMALLEST_PREFIX = {4: 8, 6: 16}
_PRIVATE_IPV6 = ipaddress.IPv6Network("fc00::/7")


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
        if kind in _TYPES_WITH_SETTINGS:
            yield from (f"{name} {text}" for text in _settings(kind, properties))
        # Only a few properties of a stack can open it.
        entries = [entry for entry in stack.property_values[logical_id] if entry[0] in _KEYS_THAT_OPEN]
        if entries:
            openings = _openings(kind, properties, entries, stack.formatter)
            yield from (f"{name} {text}" for text in dict.fromkeys(openings))
    for statement in stack.statements:
        if statement.effect == "Allow" and ANYONE in statement.principals and not statement.condition:
            yield f"{template.label}.{statement.holder} allows anyone {statement.actions_text}"


def _listener(properties: Mapping[str, Any], formatter: Formatter) -> str:
    protocol, port = (formatter.format(properties.get(key, "")) for key in ("Protocol", "Port"))
    policies = [f"with {formatter.format(policy)}" for policy in values_at(properties, "SslPolicy")]
    if not policies or may_be_absent(properties["SslPolicy"]):
        policies.append("not encrypted")
    return f"{protocol} {port}{' ' if policies[0].startswith('with') else ', '}{' or '.join(policies)}"


def _settings(kind: str, properties: Mapping[str, Any]) -> Iterator[str]:
    """Yield a phrase for each setting of a type that opens a resource, or that opens it because it is not set."""
    path = _OPEN_BY_DEFAULT.get(kind)
    # A gateway load balancer has no scheme.
    if path and _may_be_absent_at(properties, path) and "gateway" not in values_at(properties, "Type"):
        yield f"may be open, because {path[-1]} is not always set"
    for statement in opened_statements(kind, properties):
        if statement.get("Principal") == "*":
            yield f"{'may allow' if 'Condition' in statement else 'allows'} anyone: {statement['Action']}"


def _may_be_absent_at(properties: Any, path: tuple[str, ...]) -> bool:
    for key in path:
        if may_be_absent(properties.get(key, NO_VALUE)):
            return True
        properties = next((value for value in possible_values(properties[key]) if isinstance(value, dict)), {})
    return False


def _openings(
    kind: str, properties: Mapping[str, Any], entries: Iterable[PropertyValue], formatter: Formatter
) -> Iterator[str]:
    # An egress rule does not admit traffic. An ingress rule can be equal to it, so rules are compared by identity.
    ingress, egress = (
        {id(rule) for rule in possible_values(properties.get(f"SecurityGroup{direction}", []))}
        for direction in ("Ingress", "Egress")
    )
    known = {opening.name for opening in CALLABLE.get(kind, ())}
    for key, written, parent in entries:
        if key in known:
            continue
        value = formatter.with_defaults(written)
        if key in _ADDRESSES or key == _PREFIX_LIST:
            if "Egress" not in kind and id(parent) not in egress - ingress and _may_be_anywhere(key, value, formatter):
                yield f"admits {formatter.format(value)}{_ports(parent, formatter)}"
        elif isinstance(value, dict):
            yield f"may be open: {key} is {formatter.format(value)}, which is known only at deployment"
        elif text := _OPENING.get((key, str(value).lower() == "true" if key in _FLAGS else value)):
            yield text


def _may_be_anywhere(key: str | int, value: Any, formatter: Formatter) -> bool:
    """Return whether a rule with this source may admit addresses of the internet."""
    if isinstance(value, dict):
        # The address range of a VPC or a subnet is never the internet.
        return "Fn::GetAtt" not in value or not formatter.format(value).endswith(("CidrBlock", "CidrBlocks"))
    if key == _PREFIX_LIST:
        return True
    try:
        network = ipaddress.ip_network(str(value), strict=False)
    except ValueError:
        return False
    is_private = isinstance(network, ipaddress.IPv6Network) and network.subnet_of(_PRIVATE_IPV6)
    return network.prefixlen < _SMALLEST_PREFIX[network.version] and not is_private


def _ports(rule: Mapping[str, Any], formatter: Formatter) -> str:
    first, last = (formatter.format(rule.get(port, "any")) for port in ("FromPort", "ToPort"))
    return f" on {f'port {first}' if first == last else f'ports {first} to {last}'}"
