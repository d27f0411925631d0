"""Hostile texts that somebody writes into a report, a waiver, a commit or a template to deceive its readers."""

from __future__ import annotations

import random
from collections.abc import Iterator

PIECES = (
    # Terminals: colours, a cleared screen, a link, a title, an overwritten line, a bell.
    "\x1b[31m", "\x1b[2J", "\x1b]8;;https://evil.example\x1b\\", "\x1b]0;title\x07", "\x9b1A", "\r", "\b\b\b", "\x7f",
    "\0", "\t", "\v", "\f", "\x1c", "\x85",
    # What is not seen, and what changes the order of what is.
    "\u202e", "\u202a", "\u2066", "\u2069", "\u200b", "\u200d", "\u200f", "\ufeff", "\u00ad", "\u2028", "\u2029",
    "\u061c", "\u3164", "\ufe0f", "\U000e0041", "\U000e0101", "\ud800", "\udcff", "\ufffe", "\xa0", "\ue000",
    # Markdown and HTML.
    "\n", "\r\n", "\n\n", "\n# PASS", "\n---\n", "\n===\n", "\n- ", "\n1. ", "\n> ", "\n| a | b |\n|---|---|\n",
    "# ", "## ", "#", "- ", "+ ", "1. ", "2) ", "> ", "=== ", "    ", "[ ] ", "|", "\\|", "\\", "`", "``", "```", "~~~",
    "\n```\n", "\n~~~\n", "*", "**", "_", "__", "~~", "![](https://evil.example/x.png)", "[x](https://evil.example)",
    "[x]: https://evil.example", "[x]", "[x][]", "](https://evil.example)", "[", "]", "(", ")", "!", "<img src=x>",
    "<b>", "</td>", "<!--", "-->", "<script>alert(1)</script>", "<https://evil.example>", "<a@evil.example>", "<", ">",
    "&lt;", "&#x3c;", "&amp", "https://evil.example", "http://evil.example/x", "www.evil.example", "ftp://evil.example",
    "mailto:a@evil.example", "a@evil.example", "@team", "@org/team", "#123", "org/repo#1", "GH-12", "@", "\ufe6b",
    # Markup of rich, YAML, workflow expressions and commands.
    "[red]", "[/red]", "[link=https://evil.example]", ":smile:", "${{ secrets.TOKEN }}", "{{", "}}", "\non: push", ": ",
    "\n  - run: id", " #", "'", '"', "%", "&a", "*a", "!!python/object", "::error::", "\n::set-output name=x::y", "{}",
    # What is harmless.
    "flask", "2.0.1", "PASS", "error: ", " ", "CVE-2024-1", "src/app.py", "\u00e9", "\u6f22",
)  # fmt: skip


def hostile_texts(count: int, seed: int = 1) -> Iterator[str]:
    """Yield `count` texts: each piece by itself, then seeded mixtures of up to eight pieces."""
    random_source = random.Random(seed)  # noqa: S311 - reproducible, not secret
    for number in range(count):
        if number < len(PIECES):
            yield PIECES[number]
        else:
            yield "".join(random_source.choices(PIECES, k=random_source.randint(1, 8)))
