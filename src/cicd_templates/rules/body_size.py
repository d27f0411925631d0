"""E9163: what is deployed before there is a bucket for templates fits into one request."""

from __future__ import annotations

import json
from pathlib import Path

from cfnlint.rules._rule import CloudFormationLintRule, RuleMatch
from cfnlint.template.template import Template

# https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/cloudformation-limits.html: template body in a request.
REQUEST_BYTES = 51_200
BEFORE_THE_BUCKET = ("keys", "storage")


class BodySize(CloudFormationLintRule):
    """Templates of keys and storage fit into a request."""

    id = "E9163"
    shortdesc = "The first templates fit into one request"
    description = (
        f"A template of more than {REQUEST_BYTES:,} bytes has to be in a bucket to be deployed. The layers `keys` "
        "and `storage` make that bucket, so theirs are smaller. Which layer it is, the template's metadata says."
    )
    source_url = "docs/rules.md#e9163"
    tags = ["limits"]

    def match(self, cfn: Template) -> list[RuleMatch]:
        """One finding for a template that is too large."""
        metadata = cfn.template.get("Metadata")
        facts = metadata.get("CicdTemplates") if isinstance(metadata, dict) else None
        if not isinstance(facts, dict) or facts.get("Layer") not in BEFORE_THE_BUCKET or _size(cfn) <= REQUEST_BYTES:
            return []
        return [RuleMatch(["Metadata"], f"{_size(cfn):,} bytes; at most {REQUEST_BYTES:,} fit into a request")]


def _size(cfn: Template) -> int:
    """The bytes of the file, or of the shortest JSON where it came from no file."""
    if cfn.filename and Path(cfn.filename).is_file():
        return Path(cfn.filename).stat().st_size
    return len(json.dumps(cfn.template, separators=(",", ":"), default=str).encode())
