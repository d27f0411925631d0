"""Prints the pinned packages of a requirements file: `pinned_requirements.py FILE`.

Anything else in it is refused, because it could make pip run code of the application while it installs: an address or a
folder instead of a name, a further file, an option such as `--no-binary`. Only the address of an index may stand there.
"""

import re
import sys

NAME = r"[A-Za-z0-9][A-Za-z0-9._-]*(\[[A-Za-z0-9._, -]*\])?"
PINNED = re.compile(rf"{NAME} *== *[A-Za-z0-9.!+_-]+ *(;[^@]*?)?( +--hash=sha\d+:[0-9a-f]+)+")
INDEX = re.compile(r"(-i|--index-url|--extra-index-url)[ =] *https://[^\s$]+")


def main() -> None:
    """Prints each requirement on a line; exits 1 with the line that is none."""
    (path,) = sys.argv[1:]
    with open(path, encoding="utf-8-sig") as file:
        whole = re.sub(r"\\\r?\n", " ", file.read())
    for line in whole.splitlines():
        line = re.sub(r"(^|\s)#.*", "", line).strip()
        if line and not PINNED.fullmatch(line) and not INDEX.fullmatch(line):
            sys.exit(f"{path}: {line!r} is not a package with its version and hash, so it is not installed")
        if line:
            print(line)


main()
