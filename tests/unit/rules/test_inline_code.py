"""E9162: inline code equals its source."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Any

import pytest

from cicd_templates.rules.inline_code import InlineCode
from tests.unit.rules.linted import findings

CODE = "def handler(event, context):\n    return 1\n"
DIGEST = hashlib.sha256(CODE.encode()).hexdigest()
OURS = {"Environment": "tools"}


def function(text: Any, *why: str) -> dict[str, Any]:
    properties = {"Code": {"ZipFile": text}}
    return {"Function": {"Type": "AWS::Lambda::Function", "Metadata": {"Why": list(why)}, "Properties": properties}}


@pytest.fixture
def source(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    path = tmp_path / "function.py"
    path.write_text(CODE)
    return path


@pytest.mark.parametrize(
    "why",
    [
        pytest.param(f"Its code is function.py, sha256 {DIGEST}.", id="the file says the same"),
        pytest.param(f"Its code is elsewhere/function.py, sha256 {DIGEST}.", id="the file is not here"),
        pytest.param(f"Its code is joined from function.py, sha256 {DIGEST}.", id="joined from several"),
    ],
)
def test_code_that_is_its_source_is_well(source: Path, why: str) -> None:
    assert findings(InlineCode(), function(CODE, why), OURS) == []


def test_other_code_than_the_rendered_one_is_found(source: Path) -> None:
    changed = function(CODE + "# more\n", f"Its code is function.py, sha256 {DIGEST}.")

    assert findings(InlineCode(), changed) == [
        "Function/Properties/Code/ZipFile: the digest of the code is not the digest of function.py in the metadata"
    ]


def test_a_file_that_has_moved_on_is_found(source: Path) -> None:
    source.write_text(CODE + "# more\n")

    assert findings(InlineCode(), function(CODE, f"Its code is function.py, sha256 {DIGEST}.")) == [
        "Function/Properties/Code/ZipFile: the code differs from function.py; run `make render`"
    ]


def test_a_file_that_is_no_text_proves_nothing(source: Path) -> None:
    source.write_bytes(b"\xff\xfe")

    assert findings(InlineCode(), function(CODE, f"Its code is function.py, sha256 {DIGEST}.")) == []


def test_code_without_an_origin_is_found_where_the_template_is_rendered_here() -> None:
    assert findings(InlineCode(), function(CODE, "Because."), OURS) == [
        "Function/Properties/Code/ZipFile: the metadata does not say which file the code comes from; add this"
        " sentence to `Why` in the function's Metadata: 'Its code is <file>, sha256 <digest>.'"
    ]
    assert findings(InlineCode(), function(CODE)) == []


def test_code_that_a_function_makes_is_not_looked_at() -> None:
    assert findings(InlineCode(), function({"Fn::Sub": CODE}), OURS) == []
