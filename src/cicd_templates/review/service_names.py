"""Replaces a service's name in texts by placeholders, so that rows of several services can be compared and merged."""

from __future__ import annotations

import re

from cicd_templates.config.naming import PIPELINE_KEY_LENGTH, shortened

SERVICE, PIPELINE = "{service}", "{pipeline}"


def with_placeholders(text: str, service: str) -> str:
    """Replace the service's name in `text` with `{service}`, and the complete name of its artifact folder with
    `{pipeline}`.

    The folder's name consists of the service's name and as much of the project's name as fits. If only the service's
    name were replaced, the folders of two services would still differ.
    """
    folder_start = f"/{shortened(service, PIPELINE_KEY_LENGTH)}-"
    # Most texts contain neither name, and a search for a plain text is much faster than one for a pattern.
    if folder_start in text:
        text = re.sub(rf"{re.escape(folder_start)}[^/]*(?=/)", f"/{PIPELINE}", text)
    return re.sub(rf"\b{re.escape(service)}\b", SERVICE, text) if service in text else text
