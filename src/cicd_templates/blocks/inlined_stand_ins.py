"""Writes modules that replace other modules in the inline code of a Lambda function.

A module that reads files, or that collects facts from many modules, cannot be inlined. A stand-in replaces it: a module
with the same functions, in which the files or the facts are constants.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping

from cicd_templates.functions.change_page.page_files import PAGE_FILES, page_file
from cicd_templates.template.resource_types.registry import RESOURCE_TYPES
from cicd_templates.template.resource_types.resource_type import Interruption, ResourceType

# The facts that describe how a change affects people and data. All other facts are about names, ARNs, imports and lint
# rules.
TEXTS = ("name_property", "unique_property", "loss", "data_is_in", "ends_with_it")


def page_files_stand_in() -> str:
    """Return the source of a module that replaces `functions/change_page/page_files.py`.

    In this module, the function `page_file` returns constants instead of reading files.
    """
    lines = ['"""The files of the page, as constants."""', "", "_PAGE_FILES = {"]
    for name in PAGE_FILES:
        text = page_file(name)
        if not text.isascii() or "'''" in text or not text.endswith("\n"):
            raise ValueError(f"{name} cannot be a constant: it must be ASCII, contain no ''' and end with a line break")
        lines.append(f"    {_text(name)}: r'''{text}''',")
    lines += ["}", "", "", "def page_file(name: str) -> str:", "    return _PAGE_FILES[name]", ""]
    return "\n".join(lines)


def registry_stand_in() -> str:
    """Return the source of a module that replaces `template/resource_types/registry.py` in a Lambda function.

    In this module, the function `facts_of` returns only the facts that describe how a change affects people and data.
    """
    rows = [f"    {row}," for kind in RESOURCE_TYPES.values() if (row := _row(kind))]
    package = "cicd_templates.template.resource_types.resource_type"
    return "\n".join(
        [
            '"""Describes how a change of a resource affects people and data, for each resource type."""',
            "",
            f"from {package} import Interruption, ResourceType",
            "",
            "_FACTS = (",
            *rows,
            ")",
            "",
            "",
            "def facts_of(type_name: str) -> ResourceType:",
            "    return next((facts for facts in _FACTS if facts.type_name == type_name), ResourceType(type_name))",
            "",
        ]
    )


def _row(kind: ResourceType) -> str:
    """Return a Python expression with the needed facts about a resource type, or "" if no facts are needed."""
    facts = list(_facts(kind))
    return f"ResourceType({', '.join([_text(kind.type_name), *facts])})" if facts else ""


def _facts(kind: ResourceType) -> Iterator[str]:
    yield from (f"{name}={_text(getattr(kind, name))}" for name in TEXTS if getattr(kind, name))
    if kind.name_within:
        yield f"name_within={_tuple(map(_text, kind.name_within))}"
    if kind.has_revisions:
        yield "has_revisions=True"
    if kind.irreversible:
        yield f"irreversible={json.dumps(dict(kind.irreversible))}"
    if kind.interruptions:
        yield f"interruptions={_tuple(map(_interruption, kind.interruptions))}"


def _interruption(interruption: Interruption) -> str:
    if interruption.properties is None:
        return f"Interruption({_text(interruption.reason)})"
    properties = ", ".join(map(_text, sorted(interruption.properties)))
    return f"Interruption({_text(interruption.reason)}, frozenset({{{properties}}}))"


def _tuple(items: Iterator[str]) -> str:
    return f"({''.join(f'{item}, ' for item in items).rstrip()})"


def _text(text: str) -> str:
    return json.dumps(text)


STAND_INS: Mapping[str, Callable[[], str]] = {
    "functions/change_page/page_files": page_files_stand_in,
    "template/resource_types/registry": registry_stand_in,
}
