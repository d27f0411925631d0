"""Returns each Python script for CodeBuild as one text that contains the imported modules.

A build cannot import modules of this package.
"""

from __future__ import annotations

import re
from functools import cache
from pathlib import Path

from cicd_templates import builds

# The import of a module that several scripts share. Each import follows a line break, because a script begins with a
# comment or a docstring. A pattern that begins with a line break is searched much faster than one with `^`.
_SHARED = re.compile(r"\nfrom cicd_templates\.builds\.scripts\.(\w+) import (?:\([^)]*\)|[^(\n]*)(?=\n)")
_IMPORT = re.compile(r"\n(?:import|from) .*(?=\n)")


def write_script(name: str) -> str:
    """Return a shell command that writes `scripts/<name>` to /tmp. The command contains the text of the script."""
    return f"cat > /tmp/{name} <<'SCRIPT'\n{script_text(name).rstrip()}\nSCRIPT"


@cache
def script_text(name: str) -> str:
    """Return the text of `scripts/<name>`, with the text of each shared module in place of the module's import."""
    text = read_build_file("scripts", name)
    return _SHARED.sub(lambda found: _shared_text(found[1], text), text)


def _shared_text(module: str, script: str) -> str:
    """Return the text of a module, under a comment with its title.

    The module's docstring is left out, and so are all imports that are already in `script`.
    """
    _, title, body = read_build_file("scripts", f"{module}.py").split('"""', 2)
    own = set(_IMPORT.findall(script))
    kept = _IMPORT.sub(lambda found: "" if found[0] in own else found[0], body)
    return f"\n# --- {module}: {title.splitlines()[0]}\n{kept.strip()}"


@cache
def read_build_file(folder: str, name: str) -> str:
    """Return the text of the file `name` in a folder of this package."""
    (root,) = builds.__path__
    return Path(root, folder, name).read_text(encoding="ascii")
