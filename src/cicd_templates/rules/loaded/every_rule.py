"""Lets any cfn-lint load the rules by the path of this file, even if this project is not installed."""

from __future__ import annotations

import sys
from pathlib import Path

SOURCES = str(Path(__file__).parents[3])
if sys.path[0] != SOURCES:
    # The source folder is put first in `sys.path`, so that the rules beside the templates are used, not an installed
    # version.
    sys.path.insert(0, SOURCES)

from cicd_templates.rules.registry import RULES  # noqa: E402  # the sources have to be found first

# cfn-lint uses every rule class that is a global name of this module.
globals().update({rule.__name__: rule for rule in RULES})
