"""Defines the names that distinguish the change sets and uploaded templates of previews from those of plans.

The role for pull requests may create change sets only under these names, and no role executes such change sets. The
layer with this role and the deployer use the same names, which this module defines.
"""

from __future__ import annotations

PREVIEW_PREFIX = "cicd-preview-"
# The folder of uploaded templates in the bucket for uploads.
PREVIEWED_TEMPLATES = "previews"
