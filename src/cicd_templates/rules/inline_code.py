"""E9162: the inline code of a function equals the source file that was reviewed and tested."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator
from pathlib import Path

from cicd_templates.rules.reading import Resource
from cicd_templates.rules.resource_rule import ResourceRule, RuleFinding

ORIGIN = re.compile(r"^Its code is (?P<joined>joined from )?(?P<origin>\S+?),? sha256 (?P<digest>[0-9a-f]{64})\.$")


class InlineCode(ResourceRule):
    """Compare inline code with its source file and digest."""

    id = "E9162"
    shortdesc = "Inline code equals its source"
    description = (
        "Tests run the source file, but AWS runs the code in the template. So both must be equal. The metadata of a"
        " function names the file under `Why`: `Its code is <file>, sha256 <digest>.` The code must have this digest."
        " If the file exists, the code must equal the file. A function in a template of another project is checked"
        " only if its metadata has this sentence."
    )
    source_url = "docs/rules.md#e9162"
    tags = ["code"]
    types = frozenset({"AWS::Lambda::Function"})

    def check(self, resource: Resource) -> Iterator[RuleFinding]:
        """Yield a finding for inline code that differs from its source file or has no source file in the metadata."""
        origins = [match for reason in resource.reasons if (match := ORIGIN.match(reason))]
        for node in resource.properties("Code", "ZipFile"):
            if not isinstance(node.value, str):
                continue
            if not origins and resource.facts:
                yield RuleFinding(
                    "the metadata does not say which file the code comes from; add to Why in Metadata: "
                    "'Its code is <file>, sha256 <digest>.'",
                    node.path,
                )
            for origin in origins:
                if hashlib.sha256(node.value.encode()).hexdigest() != origin["digest"]:
                    yield RuleFinding(
                        f"the digest of the code is not the digest of {origin['origin']} in the metadata", node.path
                    )
                elif not origin["joined"] and _differs(Path(origin["origin"]), node.value):
                    yield RuleFinding(f"the code differs from {origin['origin']}; run `make render`", node.path)


def _differs(source: Path, text: str) -> bool:
    try:
        return source.read_text(encoding="utf-8") != text
    except (OSError, UnicodeError):
        # If the template is linted in a folder without the source, only the digest can be checked.
        return False
