"""Run detect-secrets on a plain-text copy of the source: `scan_secrets.py SOURCE COPY OPTION...`.

detect-secrets skips files with certain extensions, and files that are not valid UTF-8. So the script copies every file
as UTF-8:

- If a file begins with a byte order mark, the script decodes the file with the encoding that the mark names. If not,
  it uses UTF-8. If the decoding fails, it uses Latin-1, which accepts every byte.
- It removes NUL characters, because UTF-16 text without a mark contains them.
- It copies a link as a file that contains only the path of the link's target. The target has its own copy.
- It removes digests in lock files (`sha512-...`), because each of them looks like a secret.

The script scans these texts of each file:

- The lines of the file. By itself, detect-secrets would skip the comments and headers of a file in INI format.
- The lines that the parsers of detect-secrets make from the file.
- The lines that `bound_values.py` makes from the file. They contain values that detect-secrets does not recognize.
- The name of the file.
"""

import codecs
import json
import os
import re
import sys
from collections.abc import Generator
from typing import Any

from detect_secrets.core import scan
from detect_secrets.filters import heuristic
from detect_secrets.main import main as detect_secrets
from detect_secrets.settings import Settings
from detect_secrets.transformers import get_transformed_file

from cicd_templates.builds.scripts.bound_values import bound_values
from cicd_templates.builds.scripts.nested_code import files_nested_too_deep

MARKS = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
# A reference to a variable. The name is in capitals, or has letters but no digits. A dollar sign before any other text
# is part of a value, which can be a secret.
VARIABLE = re.compile(r"\$\{?(?:[A-Z][A-Z0-9_]*|[A-Za-z_]+)(?![A-Za-z0-9])")
# Detectors ignore a value that begins with a dollar sign. So the dollar sign is removed if the value is not a variable.
DOLLAR = re.compile(rf"""(?<=["'`])(?!{VARIABLE.pattern})\$+(?=\w)""")
# In strings of these languages, a dollar sign before a name in lower case is not a reference to a variable.
PLAIN_DOLLARS = (
    ".py",
    ".pyw",
    ".js",
    ".cjs",
    ".mjs",
    ".jsx",
    ".ts",
    ".tsx",
    ".go",
    ".java",
    ".rs",
    ".c",
    ".cpp",
    ".cs",
)
ANY_DOLLAR = re.compile(r"""(?<=["'`])(?!\$[A-Z][A-Z0-9_]*(?![A-Za-z0-9]))\$+(?=\w)""")
# A template consists of words, as in {user.name}, <your-password>, ${DB_2} and {{ token | quote }}. A secret mixes more
# characters.
WORD = r"(?:[A-Z][A-Z0-9_]*|[A-Za-z_]+\d{0,2})"
TEMPLATE = re.compile(rf"(?:\$?\{{+|<)[ %=#]*{WORD}(?:(?:[ .:|-]|::)+{WORD})*[ %]*(?:\}}+|>)")
# The keyword detector accepts only values that begin with a letter, a digit or an underscore. So an underscore is added
# before a value that begins with another character and has letters and digits. Paths, templates, and text after the
# closing quote of a value are not changed.
SIGN = re.compile(
    rf"""(?<=[=:(,\s\[]["'`])(?!{VARIABLE.pattern}|{TEMPLATE.pattern}|%\()(?=[^\w\s"'`/.$)\]}},;:]|\$\{{)(?=[^\s"'`]{{8}})"""
    r"""(?=[^\s"'`]*\d)(?=[^\s"'`]*[A-Za-z])"""
)
# The names of files in which values need no quotes.
SETTINGS = re.compile(
    r"(?:^|/)(?:\.env[^/]*|[^/]*\.(?:env|sh|bash|properties|conf|cfg|ini)|(?:Docker|Container)file[^/]*)$",
    re.IGNORECASE,
)
find_in_numbered_lines = scan._process_line_based_plugins
# The largest number of files that cannot be judged and that `$NOT_READ` names.
MOST_FILES = 5
# The files in which package managers keep digests of packages.
LOCK_FILES = {"package-lock.json", "npm-shrinkwrap.json", "yarn.lock", "pnpm-lock.yaml"}
# Subresource integrity, with exactly the number of characters of its algorithm.
DIGEST = re.compile(r"\b(sha256-)[A-Za-z0-9+/]{43}=|\b(sha384-)[A-Za-z0-9+/]{64}|\b(sha512-)[A-Za-z0-9+/]{86}==")


def text(data: bytes) -> str:
    """Return the decoded text of a file, without NUL characters.

    A byte order mark of UTF-16 or UTF-32 at the beginning of a file can be wrong. So the result for such a file has
    the text twice: decoded as the mark says, and then decoded as Latin-1.
    """
    encoding = next((name for mark, name in MARKS if data.startswith(mark)), "utf-8")
    plain = data.decode("latin-1")
    try:
        decoded = data.decode(encoding)
    except UnicodeDecodeError:
        decoded = plain
    if encoding in ("utf-16", "utf-32") and decoded != plain:
        decoded += "\n" + plain
    return decoded.replace("\0", "")


class LineOf(str):
    """A line that `bound_values.py` made from a line of a scanned file. `number` is the number of the original line."""

    number: int


def lines_of(filename: str) -> Generator[list[str], None, None]:
    """Yield one list, which contains everything that must be scanned for the secrets of a file:

    - the lines of the file
    - the lines that `bound_values.py` and the parsers of detect-secrets derive from these lines
    - the name of the file
    """
    dollar = ANY_DOLLAR if filename.endswith(PLAIN_DOLLARS) else DOLLAR

    def plain(line: str) -> str:
        return SIGN.sub("_", dollar.sub("", line))

    with open(filename, encoding="utf-8") as opened:
        file: Any = opened
        lines: list[str] = [plain(line) for line in file]
        file.seek(0)
        is_settings = bool(SETTINGS.search(filename))
        for number, bound in bound_values(file.read(), filename.endswith((".py", ".pyi", ".pyw")), is_settings):
            lines.append(LineOf(plain(bound)))
            lines[-1].number = number  # type: ignore[attr-defined]  # the line before made it
        known = set(lines)
        for eager in (False, True):
            file.seek(0)
            made = get_transformed_file(file, use_eager_transformers=eager) or []
            lines += [line for line in made if line not in known]
            known.update(made)
    yield [*lines, filename]


def find_in_lines(lines: list[tuple[int, str]], filename: str) -> Any:
    """Scan the lines of a file. Findings in a rewritten line, a `LineOf`, get the number of the original line."""
    return find_in_numbered_lines(lines=[(getattr(line, "number", at), line) for at, line in lines], filename=filename)


def is_variable(secret: str) -> bool:
    """Return whether a found value is only a reference to a variable, and not a secret."""
    return VARIABLE.match(secret) is not None


def is_template(secret: str) -> bool:
    """Return whether `secret` is only a placeholder, such as `${PASSWORD}`."""
    return TEMPLATE.fullmatch(secret) is not None


def copy(source: str, target: str) -> None:
    """Copy the files as text. Raises `OSError` if a file cannot be read, because the scan would miss it."""

    def refuse(error: OSError) -> None:
        raise error

    for folder, folders, names in os.walk(source, onerror=refuse):
        there = os.path.join(target, os.path.relpath(folder, source))
        os.makedirs(there, exist_ok=True)
        for name in [*names, *(each for each in folders if os.path.islink(os.path.join(folder, each)))]:
            path = os.path.join(folder, name)
            if os.path.islink(path):
                plain = os.readlink(path)
            else:
                with open(path, "rb") as original:
                    plain = text(original.read())
            if name in LOCK_FILES:
                plain = DIGEST.sub(lambda found: found[1] or found[2] or found[3], plain)
            with open(os.path.join(there, name), "w", encoding="utf-8", errors="replace", newline="") as file:
                file.write(plain)


def main() -> int:
    """Copy the source and scan the copy. Return the exit code of detect-secrets.

    Write the names of files that cannot be scanned to the file `$NOT_READ`, but at most `MOST_FILES` names.
    """
    source, target, *options = sys.argv[1:]
    with open(os.environ["NOT_READ"], "w", encoding="utf-8") as file:
        json.dump(list(files_nested_too_deep(source))[:MOST_FILES], file)
    copy(source, target)
    os.chdir(target)
    # No option switches off the filter by extension.
    scan._get_lines_from_file = lines_of
    scan._process_line_based_plugins = find_in_lines
    heuristic.is_prefixed_with_dollar_sign = is_variable
    heuristic.is_templated_secret = is_template
    Settings.DEFAULT_FILTERS = {"detect_secrets.filters.common.is_invalid_file"}
    return int(detect_secrets(["scan", "--all-files", "--no-verify", *options]))


sys.exit(main())
