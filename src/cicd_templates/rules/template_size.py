"""E9163: the templates that are deployed before the template bucket exists fit into one CloudFormation request."""

from __future__ import annotations

import json
from pathlib import Path

from cfnlint.rules._rule import CloudFormationLintRule, RuleMatch
from cfnlint.template.template import Template

from cicd_templates.template.request_limits import TEMPLATE_BODY_BYTES

BEFORE_THE_BUCKET = ("keys", "storage")


class BodySize(CloudFormationLintRule):
    """Require that each template of the layers `keys` and `storage` fits into one CloudFormation request."""

    id = "E9163"
    shortdesc = "The first templates fit into one request"
    description = (
        f"A template of more than {TEMPLATE_BODY_BYTES:,} bytes must be uploaded to a bucket before it can be deployed."
        " The layers `keys` and `storage` create that bucket, so their templates must be smaller. The rule reads the "
        "layer from the template's metadata."
    )
    source_url = "docs/rules.md#e9163"
    tags = ["limits"]

    def match(self, cfn: Template) -> list[RuleMatch]:
        """Return one finding if the template is too large."""
        metadata = cfn.template.get("Metadata")
        facts = metadata.get("CicdTemplates") if isinstance(metadata, dict) else None
        if (
            not isinstance(facts, dict)
            or facts.get("Layer") not in BEFORE_THE_BUCKET
            or _size(cfn) <= TEMPLATE_BODY_BYTES
        ):
            return []
        return [
            RuleMatch(
                ["Metadata"],
                f"the template has {_size(cfn):,} bytes, but at most {TEMPLATE_BODY_BYTES:,} fit into a request",
            )
        ]


def _size(cfn: Template) -> int:
    """Return the size of the template's file in bytes.

    If the template was not read from a file, return the size of its compact JSON.
    """
    if cfn.filename and Path(cfn.filename).is_file():
        return Path(cfn.filename).stat().st_size
    return len(json.dumps(cfn.template, separators=(",", ":"), default=str).encode())
