"""Defines the names that distinguish the change sets and uploaded templates of previews from those of plans.

The role for pull requests may use only these names, and nothing executes change sets with these names. So the layer and
the deployer must use the same names.
"""

from __future__ import annotations

PREVIEW_PREFIX = "cicd-preview-"
# The folder of uploaded templates in the bucket for uploads.
PREVIEWED_TEMPLATES = "previews"
