"""Writes the static page of changes. It combines `page.html`, `page.css` and `page.js` with texts and data."""

from __future__ import annotations

import base64
import hashlib
import html
import json
import string
from collections.abc import Callable, Mapping
from typing import Any

from cicd_templates.functions.change_page.page_files import page_file
from cicd_templates.printable import printable_lines

# The limits, in characters, for the plan as text, for the data and for one value. They keep the page of 30 stacks below
# 2 MB.
LONGEST_TEXT = 400_000
LARGEST_DATA = 1_200_000
LONGEST_VALUES = (1200, 200, 40)
# Characters that could end the script element, or begin another one, within JSON.
_ACTIVE = {ord(character): f"\\u{ord(character):04x}" for character in "<>&"}


def page_html(texts: Mapping[str, str], data: str) -> str:
    """Return the HTML page.

    `texts` are the texts for the placeholders in `page.html`. `data` is the result of `script_data`, which `page.js`
    reads. The page adds no date, so the same texts and data give the same page.
    """
    style, script = page_file("page.css"), page_file("page.js")
    escaped = {name: html.escape(printable_lines(text)) for name, text in texts.items()}
    return string.Template(page_file("page.html")).substitute(
        escaped,
        style=style,
        script=script,
        style_hash=_content_hash(style),
        script_hash=_content_hash(script),
        data=data,
    )


def fitting_data(contents: Callable[[int], Any]) -> str:
    """Return the result of `contents` as JSON that fits into a page.

    `contents` is called with the maximum length of a value. If the JSON is too large, it is called again with a smaller
    maximum.
    """
    *longer, shortest = LONGEST_VALUES
    attempts = (script_data(contents(longest)) for longest in longer)
    fitting = next((data for data in attempts if len(data) <= LARGEST_DATA), None)
    return fitting or script_data(contents(shortest))


def script_data(value: Any) -> str:
    """Return `value` as JSON that is safe inside a script element: no text in it can close the element."""
    return json.dumps(value, separators=(",", ":")).translate(_ACTIVE)


def _content_hash(text: str) -> str:
    """Return the Content-Security-Policy source that allows exactly this inline script or style, by its hash."""
    return f"sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}"
