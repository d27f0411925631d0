"""Replaces a service's name in texts by placeholders, so that rows of several services can be compared and merged."""

from __future__ import annotations

import re

from cicd_templates.config.naming import PIPELINE_KEY_LENGTH, shortened

SERVICE, PIPELINE = "{service}", "{pipeline}"


def with_placeholders(text: str, service: str) -> str:
    """Return `text` with the placeholders `{service}` for the service and `{pipeline}` for its artifact folder.

    The folder's name consists of the service's name and the beginning of the project's name. A long service name leaves
    less space for the project's name. So the placeholder replaces the complete name of the folder. If it replaced only
    the service's name, the folders of two services would still differ.
    """
    folder_start = f"/{shortened(service, PIPELINE_KEY_LENGTH)}-"
    # Most texts contain neither name, and a search for a plain text is much faster than one for a pattern.
    if folder_start in text:
        text = re.sub(rf"{re.escape(folder_start)}[^/]*(?=/)", f"/{PIPELINE}", text)
    return re.sub(rf"\b{re.escape(service)}\b", SERVICE, text) if service in text else text
