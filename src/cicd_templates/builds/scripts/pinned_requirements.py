"""Print the pinned packages of a requirements file: `pinned_requirements.py FILE`.

The script refuses a file in these cases:

- A line is not a pinned package. With such a line, pip could run code of the application. For example, the line has a
  URL or a folder instead of a name, includes a file, or is an option such as `--no-binary`.
- An option selects an index. This index could have a different package of the same name.
- A text in the file may name one package for pip, and another package for a scanner.

The script prints the packages without environment markers. A scanner compares a marker with its own Python version, and
could skip a package that the image's Python version needs. Packages for systems other than Linux are not printed,
because images run on Linux.
"""

import re
import sys

from cicd_templates.builds.scripts.requirements_grammar import (
    PINNED,
    ambiguity,
    for_another_system,
    normalised,
    requirements,
)

ADD_HASHES = "to add versions and hashes, run: uv pip compile --generate-hashes requirements.in -o requirements.txt"
HASHES = re.compile(r"(?: +--hash=sha\d+:[0-9a-f]+)+")


def main() -> None:
    """Print one line for each pinned package. Exit with 1 if a line of the file is not a pinned package."""
    (path,) = sys.argv[1:]
    with open(path, "rb") as file:
        data = file.read()
    if problem := ambiguity(data):
        sys.exit(f"{path}: {problem}; remove it")
    seen = set()
    for line in requirements(data):
        pinned = PINNED.fullmatch(line)
        if not pinned or not HASHES.fullmatch(pinned["hashes"]):
            sys.exit(
                f"{path}: {line!r} is not a package with a version and a hash, so it is not installed; {ADD_HASHES}"
            )
        if for_another_system(pinned["marker"] or ""):
            continue
        name = normalised(pinned["name"])
        if name in seen:
            sys.exit(
                f"{path}: {name} is pinned twice, but checks can examine only one version; keep the version that is "
                f"in the image"
            )
        seen.add(name)
        print(f"{pinned['name']}{pinned['extras'] or ''}=={pinned['version']}{pinned['hashes']}")


main()
