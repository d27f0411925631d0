"""Compares the name of a Python package file with the package name and the version in a lock file.

An installer reads the package name and the version from the file name. A lock file can give the name of one package and
the file of another package. The installer would then install a package that no check has examined.

The text of this module becomes part of a build script.
"""

import posixpath
import re
from urllib.parse import unquote, urlsplit

# https://packaging.python.org/en/latest/specifications/binary-distribution-format/#file-name-convention
WHEEL = re.compile(r"([^-]+)-([^-]+)(?:-\d[^-]*)?-[^-]+-[^-]+-[^-]+\.whl", re.IGNORECASE)
SOURCE = re.compile(r"\.(?:tar\.(?:gz|bz2|xz|z)|tgz|zip)$", re.IGNORECASE)
# https://packaging.python.org/en/latest/specifications/version-specifiers/#appendix-parsing-version-strings-with-regular-expressions
VERSION = re.compile(
    r"v?(?:(\d+)!)?(\d+(?:\.\d+)*)(?:[-_.]?(alpha|a|beta|b|preview|pre|c|rc)[-_.]?(\d*))?"
    r"(?:[-_](\d+)|[-_.]?(post|rev|r)[-_.]?(\d*))?(?:[-_.]?(dev)[-_.]?(\d*))?(?:\+([a-z0-9]+(?:[-_.][a-z0-9]+)*))?"
)
PHASES = {"alpha": "a", "beta": "b", "preview": "rc", "pre": "rc", "c": "rc", "rev": "post", "r": "post"}


def canonical_version(version: str) -> str:
    """Return the normal form of a version. Equal versions have the same form: 2024.01 and 2024.1.0 become `2024.1`."""
    parsed = VERSION.fullmatch(version.lower())
    if not parsed:
        return version.lower()
    epoch, release, phase, number, implicit, post, revision, dev, build, local = parsed.groups()
    parts = [str(int(part)) for part in release.split(".")]
    while len(parts) > 1 and parts[-1] == "0":
        parts.pop()
    text = f"{int(epoch or 0)}!{'.'.join(parts)}"
    text += f"{PHASES.get(phase, phase)}{int(number or 0)}" if phase else ""
    text += f".post{int(implicit or revision or 0)}" if implicit or post else ""
    text += f".dev{int(build or 0)}" if dev else ""
    return text + (f"+{re.sub('[-_]', '.', local)}" if local else "")


def same_version(version: str, escaped: str) -> bool:
    """Return whether `escaped`, a version from a file name, is the same version as `version`.

    Older packaging tools wrote `_` instead of signs such as `+` into file names.
    """
    same = canonical_version(version) == canonical_version(escaped)
    return same or re.sub(r"[^\w.]+", "_", version.lower()) == escaped.lower()


def same_name(name: str, other: str) -> bool:
    """Return whether two names are spellings of the same package name."""
    return re.sub(r"[-_.]+", "-", name).lower() == re.sub(r"[-_.]+", "-", other).lower()


def is_file_of(address: str, name: str, version: str) -> bool:
    """Return whether the file name of a package file contains the package's name and version.

    `address` is the file's name, path or URL. The file name of a source distribution can have several hyphens, and the
    package name can end at any of them. So the function tries each hyphen.
    """
    file = unquote(posixpath.basename(urlsplit(address).path))
    if wheel := WHEEL.fullmatch(file):
        pairs = [(wheel[1], wheel[2])]
    else:
        stem = SOURCE.sub("", file)
        pairs = [(stem[: at.start()], stem[at.end() :]) for at in re.finditer("-", stem) if stem != file]
    return any(same_name(name, other) and same_version(version, of) for other, of in pairs)
