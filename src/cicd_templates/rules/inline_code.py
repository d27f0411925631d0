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
        "Tests run a function's source file, but AWS runs the inline code in the template. So the inline code must"
        " equal the source file. A sentence under `Why` in the function's metadata names the source file: `Its code is"
        " <file>, sha256 <digest>.` The rule compares this digest with the digest of the inline code. If the source"
        " file exists, the rule also compares the file with the inline code. In templates of this project, the sentence"
        " is required. In other templates, functions without the sentence are not checked."
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
                    "the metadata does not say which file the code comes from; add this sentence to `Why` in the "
                    "function's Metadata: 'Its code is <file>, sha256 <digest>.'",
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
