"""E9132: security groups admit the whole internet only to the web ports."""

from __future__ import annotations

from collections.abc import Iterator

from cicd_templates.rules.reading import EACH, Resource, TemplateNode, values
from cicd_templates.rules.resource_rule import ResourceRule, RuleFinding

ANYWHERE = {"CidrIp": ("0.0.0.0/0",), "CidrIpv6": ("::/0", "0:0:0:0:0:0:0:0/0")}
INGRESS_PLACES = {
    "AWS::EC2::SecurityGroup": ("SecurityGroupIngress", EACH),
    "AWS::EC2::SecurityGroupIngress": (),
}
WEB = ("443", "80")


class OpenGroups(ResourceRule):
    """Refuse ingress rules that admit the whole internet to ports other than 80 and 443."""

    id = "E9132"
    shortdesc = "Only web ports are open to the internet"
    description = (
        "A security group may admit the whole internet to two TCP ports: port 443, and port 80 (for redirects, or for "
        "a disposable environment). A rule for any other port, port range or protocol must list its sources."
    )
    source_url = "docs/rules.md#e9132"
    tags = ["network"]
    types = INGRESS_PLACES

    def check(self, resource: Resource) -> Iterator[RuleFinding]:
        """Yield a finding for each ingress rule that opens a port other than 80 and 443 to everybody."""
        for rule in resource.properties(*INGRESS_PLACES[resource.type]):
            for key, everybody in ANYWHERE.items():
                for node in values(rule, key):
                    if node.value in everybody and not _is_web(rule):
                        yield RuleFinding(f"{node.value} may reach {_ports(rule)}; name the sources", node.path)


def _is_web(rule: TemplateNode) -> bool:
    return _one(rule, "IpProtocol") in ("tcp", "6") and _one(rule, "FromPort") == _one(rule, "ToPort") in WEB


def _ports(rule: TemplateNode) -> str:
    first, last = _one(rule, "FromPort"), _one(rule, "ToPort")
    return f"{_one(rule, 'IpProtocol')} {first}" if first == last else f"{_one(rule, 'IpProtocol')} {first}-{last}"


def _one(rule: TemplateNode, key: str) -> str:
    return "/".join(sorted({str(node.value) for node in values(rule, key)}))
