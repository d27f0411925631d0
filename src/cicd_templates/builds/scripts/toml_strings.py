"""Finds each string in a TOML file, and the string's line, table and key.

The module becomes part of a build script that runs on Python 3.8, which has no TOML parser.
"""

import re
from collections.abc import Iterator

STRING = re.compile(r'"""(?:\\.|[^\\])*?"{3,5}|\'{3}.*?\'{3,5}|"(?:\\.|[^"\\\n])*"|\'[^\'\n]*\'|#[^\n]*|\n', re.DOTALL)
TABLE = re.compile(r"\s*\[\[?([\w\s.-]+)\]\]?\s*")


def toml_strings(text: str) -> "Iterator[tuple[int, list[str], str, str]]":
    """Yield `(line, table, key, string)` for each string in a TOML file.

    `table` has the parts of the table's name, or is empty if the name cannot be read. `key` is the key of the string
    if it is a plain key outside inline tables. Otherwise, `key` is empty.
    """
    section: list[str] = []
    key, code, end, number, depth = "", "", 0, 1, 0
    for found in STRING.finditer(text + "\n"):
        code += text[end : found.start()]
        end = found.end()
        if found[0] == "\n":
            if re.match(r"\s*\[", code):
                table = TABLE.fullmatch(code)
                section, key = [part.strip() for part in table[1].split(".")] if table else [], ""
            depth += code.count("{") - code.count("}")
            code, number = "", number + 1
            continue
        if "=" in code:
            stated = code.partition("=")[0].strip()
            key = stated if depth == 0 and re.fullmatch(r"[\w.-]+", stated) else ""
        if not found[0].startswith("#"):
            yield number, section, key, found[0]
            code += "\0"
        number += found[0].count("\n")
