"""Modules for inline code: their imports are read in every layout that the formatter writes."""

from __future__ import annotations

import pytest

from cicd_templates.blocks import inlined_modules


@pytest.mark.parametrize(
    ("lines", "imports", "needs"),
    [
        ("import json", {("json", "")}, ()),
        ("import json\nimport urllib.request", {("json", ""), ("urllib.request", "")}, ()),
        ("import json  # for answers", {("json", "")}, ()),
        ("import json as text", {("json as text", "")}, ()),
        ("from typing import Any, NamedTuple", {("typing", "Any"), ("typing", "NamedTuple")}, ()),
        ("from typing import Any as Value", {("typing", "Any as Value")}, ()),
        ("from typing import (\n    Any,\n    NamedTuple,\n)", {("typing", "Any"), ("typing", "NamedTuple")}, ()),
        ("from typing import (  # of JSON\n    Any,  # (a, b)\n)", {("typing", "Any")}, ()),
        ("from cicd_templates.template.arn import Arn", set(), ("template/arn",)),
        ("from cicd_templates.a import (\n    B,\n    C,\n)\nimport re", {("re", "")}, ("a",)),
        ("", set(), ()),
    ],
)
def test_the_imports_of_a_module_are_read_in_every_layout(
    monkeypatch: pytest.MonkeyPatch, lines: str, imports: set[tuple[str, str]], needs: tuple[str, ...]
) -> None:
    code = 'A = "import os"\n\n\ndef b() -> None:\n    import csv\n'
    text = f'"""Title."""\n\nfrom __future__ import annotations\n\n{lines}\n\n{code}'
    monkeypatch.setattr(inlined_modules, "read_source", lambda path: text)

    module = inlined_modules.read_module.__wrapped__("functions/own")
    assert module.imports == {("__future__", "annotations"), *imports}
    assert module.needs == needs
    assert module.names == ("A", "b")
