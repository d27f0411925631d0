"""E9132: the internet reaches nothing but the web ports of a load balancer."""

from __future__ import annotations

from collections.abc import Iterator

from cicd_templates.rules.reading import EACH, Found, Resource, values
from cicd_templates.rules.resource_rule import Finding, ResourceRule

ANYWHERE = {"CidrIp": ("0.0.0.0/0",), "CidrIpv6": ("::/0", "0:0:0:0:0:0:0:0/0")}
PLACES = {
    "AWS::EC2::SecurityGroup": ("SecurityGroupIngress", EACH),
    "AWS::EC2::SecurityGroupIngress": (),
}
WEB = ("443", "80")


class OpenGroups(ResourceRule):
    """No security group open to the internet but for the web."""

    id = "E9132"
    shortdesc = "The internet reaches only web ports"
    description = (
        "A security group lets the whole internet in on TCP port 443, and on 80 to be redirected or where the "
        "environment is disposable; on any other port, protocol or range of ports it names who may come."
    )
    source_url = "docs/rules.md#e9132"
    tags = ["network"]
    types = PLACES

    def check(self, resource: Resource) -> Iterator[Finding]:
        """A finding for each rule that lets everybody in on something else."""
        for rule in resource.properties(*PLACES[resource.type]):
            for key, everybody in ANYWHERE.items():
                for found in values(rule, key):
                    if found.value in everybody and not _is_web(rule):
                        yield Finding(f"{found.value} may come in on {_ports(rule)}; name who may", found.path)


def _is_web(rule: Found) -> bool:
    return _one(rule, "IpProtocol") in ("tcp", "6") and _one(rule, "FromPort") == _one(rule, "ToPort") in WEB


def _ports(rule: Found) -> str:
    first, last = _one(rule, "FromPort"), _one(rule, "ToPort")
    return f"{_one(rule, 'IpProtocol')} {first}" if first == last else f"{_one(rule, 'IpProtocol')} {first}-{last}"


def _one(rule: Found, key: str) -> str:
    return "/".join(sorted({str(found.value) for found in values(rule, key)}))
