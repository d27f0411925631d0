"""Reads the files of the page. A Lambda function does not have these files, but contains their texts as constants."""

from __future__ import annotations

import functools
from pathlib import Path

PAGE_FILES = ("page.html", "page.css", "page.js")


@functools.cache
def page_file(name: str) -> str:
    """Return the text of a file of the page."""
    return (Path(__file__).parent / name).read_text(encoding="utf-8")
