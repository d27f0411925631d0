"""Writes the decision as JSON: the verdict, the unusable reports, and every finding in one format for all tools."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from cicd_templates.functions.scan_gate.decide import Decision
from cicd_templates.functions.scan_gate.owasp import categories
from cicd_templates.functions.scan_gate.severity import SCALE


def as_json(decision: Decision) -> dict[str, Any]:
    """Return the decision as a JSON object."""
    return {
        "verdict": decision.verdict,
        "source_digest": decision.source_digest,
        "reports": decision.stored,
        "counts": {word: decision.count(word) for word in SCALE},
        "waived": decision.waived,
        "weaker_than_default": decision.weakened,
        "policy_version": decision.policy_version,
        "broken": decision.broken,
        "covered": decision.covered,
        "weaker_settings": [{**asdict(each), "expires": str(each.expires)} for each in decision.weaker],
        "findings": [
            {
                **asdict(each.alike[0]),
                "severity": each.severity,
                "checks": each.checks,
                "blocks": each.blocks,
                "kinds": each.kinds,
                "weaker_than_default": each.weakened,
                "new": decision.is_new(each),
                "waived_until": str(each.waiver.expires) if each.waiver else None,
                "owasp": categories(each.alike[0].cwe, component=bool(each.alike[0].package)),
            }
            for each in decision.findings
        ],
        "unused_waivers": [each.id for each in decision.unused_waivers],
    }
