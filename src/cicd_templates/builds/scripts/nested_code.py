"""Finds Python files whose syntax tree is so deep that a tool could skip a part of the file.

Python raises an exception after 1,000 nested calls, and a tool uses up to three calls for each level of the tree. Some
tools catch this exception and silently skip a part of the file. The text of this module becomes part of a build script.
"""

import ast
import os
from collections.abc import Iterator

MOST_LEVELS = 200


def is_nested_too_deep(text: str | bytes) -> bool:
    """Return whether the syntax tree of a Python file has over MOST_LEVELS levels, or is too deep for Python to build.

    Return False for a file with wrong syntax, because such a file has no syntax tree.
    """
    try:
        level: list[ast.AST] = [ast.parse(text)]
    except (RecursionError, MemoryError):
        return True
    except (SyntaxError, ValueError):
        return False
    for _ in range(MOST_LEVELS):
        level = [child for node in level for child in ast.iter_child_nodes(node)]
    return bool(level)


def files_nested_too_deep(source: str) -> Iterator[str]:
    """For each Python file below `source` whose code is nested too deeply, yield the end of an error message."""
    for folder, _, names in os.walk(source):
        for name in sorted(names):
            path = os.path.join(folder, name)
            if name.endswith((".py", ".pyi", ".pyw")) and not os.path.islink(path):
                with open(path, "rb") as file:
                    if is_nested_too_deep(file.read()):
                        yield f"{path}, because its code is nested in more than {MOST_LEVELS} levels; split the code"
