"""Joins modules into one text, because the inline code of a Lambda function must be one file.

Most of these modules are in `functions`. The others are modules of the package that need only the standard library.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterable, Sequence
from functools import cache
from pathlib import Path
from typing import NamedTuple

from cicd_templates import functions
from cicd_templates.blocks.inlined_stand_ins import STAND_INS

_PACKAGE = f"{functions.__name__.partition('.')[0]}."
_FOLDER = Path(functions.__path__[0]).parent
# Matches the first line after the imports. The linter requires imports at the top, so only the text before this line is
# parsed with `ast`. A regular expression is enough to find definitions, because they begin in the first column.
_AFTER_IMPORTS = re.compile(r"^(?!from |import |[ )]|# (?:ruff|fmt):|$)", re.MULTILINE)
# Each definition follows a line break. A pattern that begins with one is searched much faster than one with `^`.
_DEFINED = re.compile(r"\n(?:(?:async )?(?:def|class) (\w+)|(\w+(?:, \w+)*)(?:: [^=\n]+)? = )")
_LINTER_COMMENTS = ("# ruff:", "# fmt:")


class Module(NamedTuple):
    """A module, split into the parts that are needed to join it with other modules.

    - `docstring` is the complete docstring.
    - `body` is a heading with the module's name, followed by the module's text without imports.
    - `imports` are the imports from the standard library: `(module, name)`, or `(module, "")` for `import module`.
    - `needs` are the paths of the imported modules of this package.
    - `names` are the names that the module defines.
    """

    docstring: str
    body: str
    imports: frozenset[tuple[str, str]]
    needs: tuple[str, ...]
    names: tuple[str, ...]


def read_source(path: str) -> str:
    """Return the source of a module for the inline code of a Lambda function.

    In inline code, generated modules replace some modules of this package. For each of these, the function returns the
    source of the generated module. `path` is the module's path in the package, without `.py`.
    """
    if path in STAND_INS:
        return STAND_INS[path]()
    return (_FOLDER / f"{path}.py").read_text(encoding="ascii")


@cache
def read_module(path: str) -> Module:
    """Read a module, and split it into its parts. `path` is the module's path in the package, without `.py`."""
    _, docstring, rest = read_source(path).split('"""', 2)
    start = next(_AFTER_IMPORTS.finditer(rest)).start()
    imports: set[tuple[str, str]] = set()
    needs: list[str] = []
    statements = ast.parse(rest[:start]).body
    for node in (node for node in statements if isinstance(node, ast.ImportFrom)):
        origin = str(node.module)
        if origin.startswith(_PACKAGE):
            needs.append(origin.removeprefix(_PACKAGE).replace(".", "/"))
        else:
            imports |= {(origin, ast.unparse(name)) for name in node.names}
    for plain in (node for node in statements if isinstance(node, ast.Import)):
        imports |= {(ast.unparse(name), "") for name in plain.names}
    kept = rest[start:]
    if any(comment in kept for comment in _LINTER_COMMENTS):
        kept = "\n".join(line for line in kept.splitlines() if not line.startswith(_LINTER_COMMENTS))
    # Replace two empty lines by one, to keep the code in the template short.
    body = kept.replace("\n\n\n", "\n\n").strip()
    definitions = _DEFINED.findall(f"\n{body}")
    names = [name for function, variables in definitions for name in (function or variables).split(", ")]
    heading = f"# --- {path.rpartition('/')[2]}: {docstring.splitlines()[0]}"
    return Module(docstring, f"{heading}\n{body}", frozenset(imports), tuple(needs), tuple(names))


def with_needed_modules(path: str) -> list[str]:
    """Return the path of a module, and the paths of all modules of this package that it needs.

    A module needs the modules that it imports, and the modules that these modules need. Each module comes after the
    modules that it imports.
    """
    paths: dict[str, None] = {}
    for needed in read_module(path).needs:
        paths |= dict.fromkeys(with_needed_modules(needed))
    return [*paths, path]


def joined_text(modules: Sequence[Module], *before_last: str) -> str:
    """Return `modules` joined into the text of one module. `before_last` is inserted before the last module."""
    refuse_duplicate_names(modules)
    *parts, last = [module.body for module in modules]
    return "\n\n".join([_import_block(modules), *parts, *before_last, last]) + "\n"


def refuse_duplicate_names(modules: Iterable[Module]) -> None:
    """Raise `ValueError` if two modules define the same name: the second definition would replace the first."""
    owners: dict[str, Module] = {}
    for module in modules:
        for name in module.names:
            if name in owners:
                first, second = (owner.body.partition("\n")[0] for owner in (owners[name], module))
                raise ValueError(f"{name} is defined twice: {first} and {second}")
            owners[name] = module


def _import_block(modules: Iterable[Module]) -> str:
    """Return the import statements of all `modules`, without duplicates."""
    wanted = set().union(*(module.imports for module in modules))
    plain = [f"import {module}" for module, name in sorted(wanted) if not name]
    named: dict[str, list[str]] = {}
    for module, name in sorted(each for each in wanted if each[1]):
        named.setdefault(module, []).append(name)
    first, *rest = sorted(named, key=lambda module: (module != "__future__", module))
    lines = {module: f"from {module} import {', '.join(named[module])}" for module in named}
    return "\n".join([lines[first], "", *plain, *(lines[module] for module in rest)])
