"""E9103: the listeners of load balancers in protected environments use TLS."""

from __future__ import annotations

from collections.abc import Iterator

from cicd_templates.rules.reading import EACH, Resource
from cicd_templates.rules.resource_rule import ResourceRule, RuleFinding

PLAIN = {"HTTP": "HTTPS, or redirect to it", "TCP": "TLS"}


class ListenerTls(ResourceRule):
    """Refuse listeners without TLS."""

    id = "E9103"
    shortdesc = "Listeners in protected environments use TLS"
    description = (
        "Anybody on the network path can read what a client sends to a listener without TLS. A listener that only "
        "redirects to HTTPS is allowed, and so is any listener in a disposable environment."
    )
    source_url = "docs/rules.md#e9103"
    tags = ["encryption", "network"]
    types = frozenset({"AWS::ElasticLoadBalancingV2::Listener"})

    def check(self, resource: Resource) -> Iterator[RuleFinding]:
        """Yield a finding for a protocol without TLS, unless the listener only redirects to HTTPS."""
        if not resource.protected or _only_redirects(resource):
            return
        for node in resource.properties("Protocol"):
            if isinstance(node.value, str) and node.value in PLAIN:
                yield RuleFinding(f"{node.value} is not encrypted; use {PLAIN[node.value]}", node.path)


def _only_redirects(resource: Resource) -> bool:
    protocols = [node.value for node in resource.properties("DefaultActions", EACH, "RedirectConfig", "Protocol")]
    kinds = [node.value for node in resource.properties("DefaultActions", EACH, "Type")]
    return bool(kinds) and set(kinds) == {"redirect"} and set(protocols) == {"HTTPS"}
