"""E9103: a load balancer of a protected environment speaks TLS."""

from __future__ import annotations

from collections.abc import Iterator

from cicd_templates.rules.reading import EACH, Resource
from cicd_templates.rules.resource_rule import Finding, ResourceRule

PLAIN = {"HTTP": "HTTPS, or redirect to it", "TCP": "TLS"}


class ListenerTls(ResourceRule):
    """No listener without TLS."""

    id = "E9103"
    shortdesc = "Listeners of protected environments speak TLS"
    description = (
        "What a client sends to a listener without TLS is read by everyone on the way. A listener that only "
        "redirects to HTTPS is fine, and so is any in an environment that says it is disposable."
    )
    source_url = "docs/rules.md#e9103"
    tags = ["encryption", "network"]
    types = frozenset({"AWS::ElasticLoadBalancingV2::Listener"})

    def check(self, resource: Resource) -> Iterator[Finding]:
        """One finding for a plain protocol, unless all that the listener does is to redirect."""
        if not resource.protected or _only_redirects(resource):
            return
        for found in resource.properties("Protocol"):
            if isinstance(found.value, str) and found.value in PLAIN:
                yield Finding(f"{found.value} is readable on its way; use {PLAIN[found.value]}", found.path)


def _only_redirects(resource: Resource) -> bool:
    protocols = [found.value for found in resource.properties("DefaultActions", EACH, "RedirectConfig", "Protocol")]
    kinds = [found.value for found in resource.properties("DefaultActions", EACH, "Type")]
    return bool(kinds) and set(kinds) == {"redirect"} and set(protocols) == {"HTTPS"}
