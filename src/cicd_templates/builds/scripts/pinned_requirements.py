"""Print the pinned packages of a requirements file: `pinned_requirements.py FILE`.

Any other line is refused. A URL or a folder instead of a name, an included file, or an option such as `--no-binary`
could make pip run code of the application during the installation. Another index could have another package of the same
name. An encoding line, or a comment that ends in a backslash, could make pip read other packages than a scanner.

Environment markers are omitted, because a scanner judges only the packages that its own Python would install. Packages
for systems other than Linux are omitted, because an image is Linux.
"""

import re
import sys

from cicd_templates.builds.scripts.environment_markers import for_another_system

NAME = r"[A-Za-z0-9][A-Za-z0-9._-]*(\[[A-Za-z0-9._, -]*\])?"
PINNED = re.compile(rf"({NAME} *== *[A-Za-z0-9.!+_-]+) *(;[^@]*?)?(( +--hash=sha\d+:[0-9a-f]+)+)")
# pip obeys the encoding that one of the first two lines names: https://peps.python.org/pep-0263/
ENCODING = re.compile(r"^[ \t\f]*#.*?coding[:=][ \t]*[-\w.]+", re.MULTILINE)
OPEN_COMMENT = re.compile(r"^[ \t]*#.*\\$", re.MULTILINE)


def main() -> None:
    """Print each pinned package on a line. If a line is anything else, print it and exit with 1."""
    (path,) = sys.argv[1:]
    with open(path, "rb") as file:
        data = file.read()
    if not data.isascii():
        sys.exit(f"{path}: has characters that are not ASCII, which pip and scanners may read in different ways")
    text = data.decode("ascii").replace("\r\n", "\n")
    for unsafe in (ENCODING, OPEN_COMMENT):
        if found := unsafe.search(text):
            sys.exit(f"{path}: {found[0]!r} can make pip read other packages than a scanner; remove it")
    seen = set()
    for line in re.sub(r"\\\n", " ", text).split("\n"):
        line = re.sub(r"(^|\s)#.*", "", line).strip()
        pinned = PINNED.fullmatch(line)
        if line and not pinned:
            sys.exit(f"{path}: {line!r} is not a package with its version and hash, so it is not installed")
        if not pinned or for_another_system((pinned[3] or "").removeprefix(";")):
            continue
        name = re.sub(r"[-_.]+", "-", re.split(r"[\[ =]", line)[0]).lower()
        if name in seen:
            sys.exit(f"{path}: {name} is pinned twice, but only one version can be judged; keep that of the image")
        seen.add(name)
        print(f"{pinned[1]}{pinned[4]}")


main()
