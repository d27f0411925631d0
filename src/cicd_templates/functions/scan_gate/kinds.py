"""Defines the kinds of weaknesses, such as `injection`, for which a policy can set thresholds."""

from __future__ import annotations

from cicd_templates.functions.scan_gate.owasp import categories
from cicd_templates.functions.scan_gate.reading import Finding

# For each kind, the categories of the OWASP Top 10 of 2021 and 2025 that belong to the kind.
_CATEGORIES = {
    "access-control": ("A01:2021", "A01:2025"),
    "cryptography": ("A02:2021", "A04:2025"),
    "injection": ("A03:2021", "A05:2025"),
    "authentication": ("A07:2021", "A07:2025"),
    "integrity": ("A08:2021", "A08:2025"),
}
# With XML entities, a document can read files or fill the memory. Both lists call this a misconfiguration.
_ENTITIES = (611, 776)
# Credentials in source code, in a file that anybody can read, or in a program.
_SECRETS = (259, 321, 540, 798)


def kinds_of(finding: Finding) -> list[str]:
    """Return the kinds to which a finding belongs, according to its CWE numbers.

    Findings in packages and findings in the service's own code are treated alike.
    """
    kinds = []
    for kind, listed in _CATEGORIES.items():
        # Both lists count credentials in source code as failures of authentication. Here, such credentials have their
        # own kind.
        weaknesses = [cwe for cwe in finding.cwe if kind != "authentication" or cwe not in _SECRETS]
        if not set(listed).isdisjoint(categories(weaknesses, component=False)):
            kinds.append(kind)
    if not set(_ENTITIES).isdisjoint(finding.cwe) and "injection" not in kinds:
        kinds.append("injection")
    return kinds + (["secrets"] if not set(_SECRETS).isdisjoint(finding.cwe) else [])
