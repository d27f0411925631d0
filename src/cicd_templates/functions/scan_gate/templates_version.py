"""Refuses a release whose templates are neither the newest version nor an allowed older version."""

from __future__ import annotations

import os
from typing import Any


def require_newest_templates(s3: Any, version: str) -> None:
    """Raise `ValueError` unless `version` is the newest version, or the older version that the configuration allows.

    This check is needed because a person who starts a run can choose an older version.
    """
    newest = s3.head_object(Bucket=os.environ["TEMPLATES_BUCKET"], Key=os.environ["TEMPLATES_KEY"])["VersionId"]
    if version not in (newest, os.environ.get("OLDER_TEMPLATES")):
        raise ValueError(
            f"the release has version {version} of the templates, but {newest} is the newest version. Release again,"
            f" or set pipeline.older_templates to {version} in the configuration to deploy the older version."
        )
