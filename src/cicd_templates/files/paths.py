"""Defines the paths of files and folders in a user's project, relative to the project's folder."""

from __future__ import annotations

from pathlib import Path

from cicd_templates.errors import ConfigurationError

CONFIGURATION = Path("templates/environments.toml")
OWN_LAYERS = Path("templates/extra")
CONFIGURATION_DOC = Path("docs/configuration.md")
ROLLOUTS_DOC = Path("docs/rollouts.md")
RULES_DOC = Path("docs/rules.md")
OUT = Path("out")
# The example configuration from which the documents of this tool are generated.
EXAMPLE_CONFIGURATION = Path("tests/projects/payments/environments.toml")
STATE = Path(".state")
BUILD = Path("build")
# The name of the file that lists the digest of every file in a folder of rendered templates.
CHECKSUMS = "SHA256SUMS"


def rendered_folder(suffix: str | None) -> Path:
    """Return the folder of rendered templates: `build/<suffix>/` for a copy, otherwise `out/` (in git).

    Raises `ConfigurationError` if this path is a link or a file.
    """
    folder = BUILD / suffix if suffix else OUT
    if folder.is_symlink():
        raise ConfigurationError(
            f"{folder}: is a link to {folder.readlink()}, so a commit would contain the link instead of the templates;"
            " replace the link with a folder"
        )
    if folder.exists() and not folder.is_dir():
        raise ConfigurationError(f"{folder}: is not a folder; move it away, then run `make render`")
    return folder
