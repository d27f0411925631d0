"""The refusal of a release whose templates are not the newest version."""

from __future__ import annotations

import os
from typing import Any


def require_newest_templates(s3: Any, version: str) -> None:
    """Raise `ValueError` unless `version` is the newest version, or the older one that the configuration names.

    Whoever starts a run can choose an older version.
    """
    newest = s3.head_object(Bucket=os.environ["TEMPLATES_BUCKET"], Key=os.environ["TEMPLATES_KEY"])["VersionId"]
    if version not in (newest, os.environ.get("OLDER_TEMPLATES")):
        raise ValueError(
            f"its templates are version {version}, and version {newest} is the newest. Release again; to deploy the"
            " older ones all the same, name their version as pipeline.older_templates in the configuration."
        )
