"""Finds the addresses of package indexes in a Dockerfile, or in another file that has variables and commands.

The text of this module becomes part of a build script, so it must run on Python 3.8.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

# Every text that an installer could treat as an address, even without slashes, with backslashes or without a scheme.
ADDRESS = re.compile(
    r"(?:(?<![\w:/\\.*-])[/\\]{2}(?=[\w-]+\.)|[a-z][a-z0-9+.-]*:[/\\]+|(?:https?|ftp|ssh|git)\+?[a-z]*:|[\w.-]+@[\w.-]+\.[\w-]+:(?!\d)"
    r"|(?:github|gitlab|gist|bitbucket):[\s\"']*)[^\s\"'`<>,;{}|]+",
    re.IGNORECASE,
)
CONTINUED = re.compile(r"\\[ \t]*\n(?:[ \t]*\n)*")
# Variables that name a package index, in a Dockerfile or a settings file.
VARIABLE = re.compile(
    r"(?<![\w-])((?:PIP|UV|POETRY|PDM|NPM_CONFIG|YARN|BUNDLE|COMPOSER|CARGO)_"
    r"(?!\w*(?:NO_INDEX|STRATEGY|PROTOCOL))\w*(?:INDEX|LINKS|REGISTR|SOURCE|MIRROR|HOST|PROXY|REPO)\w*"
    r"|GO(?:PROXY|SUMDB|PRIVATE|NOPROXY|NOSUMDB|INSECURE))[ =]+[\"']?([^\s\"';&)]+)",
    re.IGNORECASE,
)
OPTION = re.compile(
    r"(?<![\w-])--((?:extra-|default-)?index-url|registry|index|default-index|find-links)[\s\\=]+[\"']?([^\s\"';&)]+)"
)
# The short options of pip and uv have other meanings in other programs. Quoted text can contain any character.
PART = re.compile(r"(?:\"[^\"]*\"|'[^']*'|[^&|;\"'])+")
PIP_INSTALL = re.compile(r"\bpip[\d.]*[\s\\](?:.*\s)?(?:install|download|wheel|lock|compile|sync)\b")
SHORT_OPTION = re.compile(r"(?<![\w-])-[a-zA-Z]*?([if])[\s\\=\"']*([^\s\"';&)]+)")
# A variable of a tool may contain a number or a folder, but variables with these names always contain an address.
NAMES_INDEX = ("index-url", "extra-index-url", "default-index", "registry", "i")
# With these variables, Go downloads modules without its index, from the hosts at the beginning of the modules' names.
HOSTS_OF_GO = ("GOPRIVATE", "GONOPROXY", "GONOSUMDB", "GOINSECURE")


def in_variables(text: str) -> Iterator[tuple[int, str]]:
    """Yield the line number and the value of each variable or option in `text` that sets a package index.

    A value can be an address, or a word that permits every address.
    """
    plain = re.sub(r"^[ \t]*#.*", "", text, flags=re.MULTILINE)
    # A vertical tab, which counts as white space, replaces the line break in a continued command.
    joined = CONTINUED.sub(lambda found: "\\" + "\v" * found[0].count("\n"), plain)
    begun = 1
    for command in joined.split("\n"):
        for at, value in (*in_assignments(command), *in_options(command)):
            yield begun + command.count("\v", 0, at), value
        begun += 1 + command.count("\v")


def in_assignments(command: str) -> Iterator[tuple[int, str]]:
    """Find assignments in `command` that set a package index. Yield the position and the value of each assignment."""
    for found in VARIABLE.finditer(command):
        values = [value for value in re.split(r"[,|]", found[2]) if value not in ("off", "")]
        # After an index, `direct` means the host of a module that the index does not have.
        values = [value for at, value in enumerate(values) if not (at and value == "direct")]
        names_hosts = found[1].upper() in HOSTS_OF_GO
        yield from ((found.start(), f"https://{value}" if names_hosts else value) for value in values)


def in_options(command: str) -> Iterator[tuple[int, str]]:
    """Yield the position and the value of each option in `command` that sets a package index.

    Yield only values that are addresses or contain a variable.
    """
    # In JSON, a comma separates the words of a command.
    words = re.sub(r"[\"']\s*,\s*[\"']", lambda found: " " * len(found[0]), command)
    options = [(found.start(), found[1], found[2]) for found in OPTION.finditer(words)]
    for part in PART.finditer(words):
        install = PIP_INSTALL.search(part[0])
        short = SHORT_OPTION.finditer(part[0], install.end()) if install else ()
        options += [(part.start() + found.start(), found[1], found[2]) for found in short]
    for at, option, value in options:
        yield from [(at, value)] if ADDRESS.match(value) or ("$" in value and option in NAMES_INDEX) else []
