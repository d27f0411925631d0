"""Parses the part of the requirements-file syntax that pip and scanners read in the same way.

Several scripts import this module. `builds/build_scripts.py` replaces each such import by the text of the module.
"""

import re
from collections.abc import Iterator

# An environment marker consists of comparisons of plain words: https://peps.python.org/pep-0508/
# pip reads an option after a space and a hyphen, even within a string.
WORDS = r"(?:[\w.*+!,-]|(?<=[\w,]) (?=\w))*"
OPERAND = rf"""(?:[a-z_.]+|"{WORDS}"|'{WORDS}')"""
COMPARISON = rf"{OPERAND} *(?:[<>=!~]=|===|[<>]|(?<![a-z_.])(?:not +)?in(?![a-z_.])) *{OPERAND}"
MARKER = rf"[( ]*{COMPARISON}[) ]*(?:(?:and|or)\b[( ]*{COMPARISON}[) ]*)*"
PINNED = re.compile(
    r"(?P<name>[A-Za-z0-9][A-Za-z0-9._-]*)(?P<extras>\[[A-Za-z0-9._, -]*\])? *== *(?P<version>[A-Za-z0-9.!+_-]+) *"
    rf"(?:;(?P<marker>{MARKER}))?(?P<hashes>(?: +--hash=\S+)*)"
)
# Characters with which programs read different packages in the same file. Programs differ in the ends of lines (for
# pip, a form feed, a carriage return and U+0085 also end a line) and in the encoding. Some programs continue a comment
# that ends in a backslash.
AMBIGUOUS = (
    re.compile(r"[^\n\t -~]"),
    # pip obeys the encoding that one of the first two lines names: https://peps.python.org/pep-0263/
    re.compile(r"^[ \t]*#.*?coding[:=][ \t]*[-\w.]+", re.MULTILINE),
    re.compile(r"(?:^|[ \t])#.*\\$", re.MULTILINE),
)
# A comparison of a marker with a plain string. Another string could contain the word `and`: https://peps.python.org/pep-0508/
COMPARED = r"""[a-z_]+ *(?:[<>=!~]=|===|[<>]) *(?:"[\w.-]*"|'[\w.-]*')"""
PLAIN_MARKER = re.compile(rf" *{COMPARED}(?: +and +{COMPARED})* *")
OTHER_SYSTEM = re.compile(
    r"\b(?:sys_platform|platform_system|os_name) *== *[\"'](?:win32|cygwin|darwin|Windows|Darwin|nt)[\"']"
)


def normalised(name: str) -> str:
    """Return the normal form of a package's name. All spellings of a name have the same form."""
    return re.sub(r"[-_.]+", "-", name).lower()


def ambiguity(data: bytes) -> str:
    """Return why pip and scanners may read different packages in a requirements file, or an empty string."""
    text = data.replace(b"\r\n", b"\n").decode("latin-1")
    match = next(filter(None, (pattern.search(text) for pattern in AMBIGUOUS)), None)
    if not match:
        return ""
    number = text.count("\n", 0, match.start()) + 1
    return f"line {number}: {match[0][:80]!a} can make pip and a scanner read different packages"


def requirements(data: bytes) -> Iterator[str]:
    """Yield the lines of an unambiguous requirements file, without comments."""
    text = data.replace(b"\r\n", b"\n").decode("latin-1")
    for line in text.replace("\\\n", " ").split("\n"):
        if stated := re.sub(r"(^|\s)#.*", "", line).strip():
            yield stated


def for_another_system(marker: str) -> bool:
    """Return whether an environment marker excludes every Linux system.

    Return False for a marker that is more complex than plain comparisons.
    """
    return bool(PLAIN_MARKER.fullmatch(marker) and OTHER_SYSTEM.search(marker))
