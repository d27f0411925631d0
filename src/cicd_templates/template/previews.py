"""Defines the prefix and the folder that only previews use, for their change sets and uploaded templates.

The role for pull requests may create only change sets with this prefix, and no role executes such change sets. The
layer with this role and the deployer both use the definitions in this module.
"""

from __future__ import annotations

PREVIEW_PREFIX = "cicd-preview-"
# The folder of uploaded templates in the bucket for uploads.
PREVIEWED_TEMPLATES = "previews"
