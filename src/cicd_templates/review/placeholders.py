"""Finds the example values in the templates. The user must replace these values."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

from cicd_templates.config.tables.service import BOOTSTRAP_IMAGE
from cicd_templates.review.reviewed_stacks import ReviewedStack

# Values that nobody owns: reserved names, and numbers that only examples use.
_EXAMPLES = (
    (re.compile(r"@(?:[\w-]+\.)*example\.(?:com|org|net)$"), "e-mail addresses of example.com"),
    (re.compile(r"(?<!@)\bexample\.(?:com|org|net)\b"), "host names of example.com"),
    (re.compile(r"0{8}-0000-4000-8000-"), "certificates"),
    (re.compile(r"octocat/Hello-World"), "the repository octocat/Hello-World"),
)
_LONGEST = 200
_ACCOUNT = re.compile(r"^(\d)\1{11}$")


def placeholders(stacks: Iterable[ReviewedStack]) -> list[str]:
    """Return the kinds of example values that `stacks` contain, such as `certificates`, each once."""
    examples: dict[str, None] = {}
    for stack in stacks:
        template = stack.template
        if _ACCOUNT.match(template.account):
            examples[f"account {template.account}"] = None
        if any(parameter.get("Default") == BOOTSTRAP_IMAGE for parameter in template.parameters.values()):
            examples["the bootstrap image, until the first release"] = None
        for text in _texts(stack):
            for pattern, label in _EXAMPLES:
                if pattern.search(text):
                    examples[label] = None
    return list(examples)


def _texts(stack: ReviewedStack) -> Iterator[str]:
    texts = [
        value
        for entries in stack.property_values.values()
        for _, value, _ in entries
        if isinstance(value, str) and len(value) <= _LONGEST
    ]
    # This search is cheap, and most stacks have none of the words. Others have them in a few of some hundred texts.
    if _has_word("\n".join(texts)):
        yield from filter(_has_word, texts)


def _has_word(text: str) -> bool:
    return "example." in text or "0000-4000" in text or "octocat" in text
