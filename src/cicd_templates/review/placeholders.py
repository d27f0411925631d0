"""What a user still has to put in place of an example, and what of theirs no tool can check."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

from cicd_templates.config.tables.service import BOOTSTRAP_IMAGE
from cicd_templates.review.reviewed import Reviewed

# Values that cannot be anybody's: reserved names, and numbers that only examples have.
_EXAMPLES = (
    (re.compile(r"@(?:[\w-]+\.)*example\.(?:com|org|net)$"), "e-mail addresses of example.com"),
    (re.compile(r"(?<!@)\bexample\.(?:com|org|net)\b"), "host names of example.com"),
    (re.compile(r"0{8}-0000-4000-8000-"), "certificates"),
    (re.compile(r"octocat/Hello-World"), "the repository octocat/Hello-World"),
)
_WORDS = ("example.", "0000-4000", "octocat")
_LONGEST = 200
_ACCOUNT = re.compile(r"^(\d)\1{11}$")


def placeholders(stacks: Iterable[Reviewed]) -> list[str]:
    """What in `stacks` is only an example, each said once."""
    found: dict[str, None] = {}
    for each in stacks:
        stack = each.template
        if _ACCOUNT.match(stack.account):
            found[f"account {stack.account}"] = None
        if any(parameter.get("Default") == BOOTSTRAP_IMAGE for parameter in stack.parameters.values()):
            found["the bootstrap image, until the first release"] = None
        for text in _texts(each):
            for pattern, said in _EXAMPLES:
                if pattern.search(text):
                    found[said] = None
    return list(found)


def _texts(each: Reviewed) -> Iterator[str]:
    for entries in each.property_values.values():
        for _, value, _ in entries:
            # Cheap words first: there are thousands of texts, and code among them.
            if isinstance(value, str) and len(value) <= _LONGEST and any(word in value for word in _WORDS):
                yield value
