"""Replaces a service's name in texts by placeholders, so that rows of several services can be compared and merged."""

from __future__ import annotations

import re
from functools import cache

from cicd_templates.config.naming import PIPELINE_KEY_LENGTH, shortened

SERVICE, PIPELINE = "{service}", "{pipeline}"


def with_placeholders(text: str, service: str) -> str:
    """Replace the service's name in `text` with `{service}`, and the name of its artifact folder with `{pipeline}`.

    The folder's name is `<service>-<project>`, cut to a fixed length. The length of the service's name decides how much
    of the project's name remains. Because this remainder differs between services, the whole folder name is replaced.
    """
    folder_start = _folder_start(service)
    # Most texts contain neither name, and a search for a plain text is much faster than one for a pattern.
    if folder_start in text:
        text = _folder(folder_start).sub(f"/{PIPELINE}", text)
    return _word(service).sub(SERVICE, text) if service in text else text


@cache
def _folder_start(service: str) -> str:
    return f"/{shortened(service, PIPELINE_KEY_LENGTH)}-"


# The cache of `re` has room for the patterns of some hundred services.
@cache
def _folder(start: str) -> re.Pattern[str]:
    return re.compile(rf"{re.escape(start)}[^/]*(?=/)")


@cache
def _word(service: str) -> re.Pattern[str]:
    return re.compile(rf"\b{re.escape(service)}\b")
