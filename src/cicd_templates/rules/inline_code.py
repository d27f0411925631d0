"""E9162: the code in a template is the code that was reviewed and tested."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator
from pathlib import Path

from cicd_templates.rules.reading import Resource
from cicd_templates.rules.resource_rule import Finding, ResourceRule

ORIGIN = re.compile(r"^Its code is (?P<joined>joined from )?(?P<origin>\S+?),? sha256 (?P<digest>[0-9a-f]{64})\.$")


class InlineCode(ResourceRule):
    """Inline code equals its source."""

    id = "E9162"
    shortdesc = "Inline code equals its source"
    description = (
        "Tests run the source file, AWS runs what stands in the template. The metadata of a function says under "
        "`Why` where its code is from and the sha256 of it: `Its code is <file>, sha256 <digest>.` Both must "
        "agree with the text, and so must the file where it is there. Templates that are not rendered here are "
        "asked only where they say so."
    )
    source_url = "docs/rules.md#e9162"
    tags = ["code"]
    types = frozenset({"AWS::Lambda::Function"})

    def check(self, resource: Resource) -> Iterator[Finding]:
        """One finding for code without origin, or with another one than it says."""
        origins = [match for reason in resource.reasons if (match := ORIGIN.match(reason))]
        for found in resource.properties("Code", "ZipFile"):
            if not isinstance(found.value, str):
                continue
            if not origins and resource.facts:
                yield Finding("say under Metadata, Why: 'Its code is <file>, sha256 <digest>.'", found.path)
            for origin in origins:
                if hashlib.sha256(found.value.encode()).hexdigest() != origin["digest"]:
                    yield Finding(f"the code is not the one that was rendered from {origin['origin']}", found.path)
                elif not origin["joined"] and _differs(Path(origin["origin"]), found.value):
                    yield Finding(f"the code is not what {origin['origin']} says now; render again", found.path)


def _differs(source: Path, text: str) -> bool:
    try:
        return source.read_text(encoding="utf-8") != text
    except (OSError, UnicodeError):
        # Linted elsewhere than in the folder that it was rendered in: the digest alone has to do.
        return False
