"""Where things lie in a user's project, relative to its folder."""

from __future__ import annotations

from pathlib import Path

CONFIGURATION = Path("templates/environments.toml")
CONFIGURATION_DOC = Path("docs/configuration.md")
ROLLOUTS_DOC = Path("docs/rollouts.md")
RULES_DOC = Path("docs/rules.md")
OUT = Path("out")
STATE = Path(".state")
BUILD = Path("build")
# The list of the digests of every file in a folder of rendered templates.
CHECKSUMS = "SHA256SUMS"


def rendered_folder(suffix: str | None) -> Path:
    """Where rendered templates lie: `out/` is committed, `build/` of parallel copies is not."""
    return BUILD if suffix else OUT
