"""The names that separate previews of pull requests from plans: of change sets, and of uploaded templates.

The policy of a pull request allows only these names, and nothing executes them. So the layer and the deployer must use
the same names.
"""

from __future__ import annotations

PREVIEW_PREFIX = "cicd-preview-"
# The folder of uploaded templates in the bucket for uploads.
PREVIEWED_TEMPLATES = "previews"
