"""The small modules that replace larger ones in inline code have the same results."""

from __future__ import annotations

import importlib.util
import sys
from collections.abc import Iterator
from typing import Any

import pytest

from cicd_templates.blocks import inlined_stand_ins
from cicd_templates.blocks.inlined_stand_ins import STAND_INS, TEXTS, page_files_stand_in
from cicd_templates.blocks.lambda_functions import source
from cicd_templates.functions.change_page.page_files import PAGE_FILES, page_file
from cicd_templates.template.resource_types.registry import RESOURCE_TYPES


@pytest.fixture(scope="module")
def review(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    """Return the inline code of the review function as a module."""
    path = tmp_path_factory.mktemp("code") / "inlined_review.py"
    path.write_text(source("review").text)
    spec = importlib.util.spec_from_file_location(path.stem, path)
    assert spec
    assert spec.loader
    # A module with data classes must be findable by its name.
    module = sys.modules[path.stem] = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    yield module
    del sys.modules[path.stem]


def test_the_inline_code_has_the_files_of_the_page(review: Any) -> None:
    assert {name: review.page_file(name) for name in PAGE_FILES} == {name: page_file(name) for name in PAGE_FILES}


@pytest.mark.parametrize("name", [*RESOURCE_TYPES, "Custom::Thing"])
def test_the_inline_code_knows_the_impact_of_a_change_of_each_type(name: str, review: Any) -> None:
    inlined, facts = review.facts_of(name), RESOURCE_TYPES.get(name)

    assert inlined.type_name == name
    for field in (*TEXTS, "name_within", "has_revisions"):
        assert getattr(inlined, field) == (getattr(facts, field) if facts else type(getattr(inlined, field))())
    assert inlined.irreversible == (facts.irreversible if facts else {})
    assert [(case.reason, case.properties) for case in inlined.interruptions] == [
        (case.reason, case.properties) for case in (facts.interruptions if facts else ())
    ]


@pytest.mark.parametrize("text", ["\u00b7\n", "'''\n", "no end of line"])
def test_a_file_that_cannot_be_a_constant_is_refused(text: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(inlined_stand_ins, "page_file", lambda name: text)

    with pytest.raises(ValueError, match=r"page.html cannot be a constant"):
        page_files_stand_in()


def test_every_stand_in_is_a_module_that_can_be_inlined() -> None:
    for path, text in STAND_INS.items():
        assert text().startswith('"""'), path
