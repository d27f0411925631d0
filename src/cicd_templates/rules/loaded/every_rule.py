"""What cfn-lint loads: this file, by its place, so that any cfn-lint can run the rules with nothing installed."""

from __future__ import annotations

import sys
from pathlib import Path

SOURCES = str(Path(__file__).parents[3])
if sys.path[0] != SOURCES:
    # First, so that no other version that is installed comes before the one beside these templates.
    sys.path.insert(0, SOURCES)

from cicd_templates.rules import RULES  # noqa: E402  # the sources have to be found first

# cfn-lint takes the rules that a module names.
globals().update({rule.__name__: rule for rule in RULES})
