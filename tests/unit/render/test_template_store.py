"""Rendered templates on disk: read back unchanged, and deleted together with the store."""

from __future__ import annotations

import gc
import tempfile
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cicd_templates.errors import CicdError
from cicd_templates.render.processes import map_in_processes
from cicd_templates.render.template_store import TemplateStore, Unpacked
from cicd_templates.review.name_index import NameIndex
from tests.unit.review.conftest import resource, stack_of

NAMES = NameIndex([stack_of({"Queue": resource("SQS::Queue", QueueName="orders")})])

VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(st.characters(exclude_categories=["Cs"])) | st.dates(),
    lambda values: st.lists(values, max_size=3) | st.dictionaries(st.text(max_size=5), values, max_size=3),
    max_leaves=8,
)
TEMPLATES = st.tuples(st.text(st.characters(exclude_categories=["Cs"])), st.dictionaries(st.text(max_size=5), VALUES))


@given(templates=st.lists(TEMPLATES, max_size=5), in_memory=st.integers(0, 3))
def test_templates_are_read_back_as_they_were_whether_in_memory_or_not(
    templates: list[tuple[str, dict[str, Any]]], in_memory: int
) -> None:
    store = TemplateStore(in_memory)
    numbers = [store.add(Unpacked(text, content, NAMES)) for text, content in templates]

    assert numbers == list(range(len(templates)))
    # Reading does not disturb what is added later.
    numbers.append(store.add(store.write(Unpacked("last\r\n", {"Day": date(2026, 11, 28)}, NAMES))))
    for number, (text, content) in reversed([*zip(numbers, templates, strict=False)]):
        assert (store.text(number), store.content(number)) == (text, content)
        assert store.names(number).is_reference("network.Queue")
    assert (store.text(numbers[-1]), store.content(numbers[-1])) == ("last\r\n", {"Day": date(2026, 11, 28)})


def test_the_first_templates_stay_the_same_objects() -> None:
    store = TemplateStore(in_memory=1)
    contents = [{"A": 1}, {"A": 2}]
    first, second = (store.add(Unpacked(f"text {number}", content, NAMES)) for number, content in enumerate(contents))

    assert store.content(first) is contents[0]
    assert store.content(second) == contents[1]
    assert store.content(second) is not contents[1]
    assert (store.text(first), store.text(second)) == ("text 0", "text 1")
    assert store.names(first) is NAMES
    assert store.names(second).find("sqs", "orders") == ("staging", "network.Queue", "")


def test_a_small_project_needs_no_file(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tempfile, "tempdir", "/absent")
    store = TemplateStore(in_memory=1)

    assert store.text(store.add(Unpacked("text", {}, NAMES))) == "text"


def test_a_folder_without_space_is_one_clear_error(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "absent"))

    with pytest.raises(CicdError, match=r"absent: a temporary file with rendered templates cannot be used: No such"):
        TemplateStore(in_memory=0).add(Unpacked("text", {}, NAMES))


def test_a_file_that_cannot_be_read_is_one_clear_error(monkeypatch: pytest.MonkeyPatch) -> None:
    class Broken:
        def fileno(self) -> Any:
            raise OSError(5, "Input/output error")

    store = TemplateStore(in_memory=0)
    number = store.add(Unpacked("text", {}, NAMES))
    monkeypatch.setattr(store, "_file", Broken())

    for read in (store.text, store.content, store.names):
        with pytest.raises(CicdError, match="Input/output error; free some space"):
            read(number)
    with pytest.raises(CicdError, match="Input/output error; free some space"):
        store.write(Unpacked("text", {}, NAMES))


def test_forked_processes_write_to_the_same_file_at_the_same_time() -> None:
    store = TemplateStore(in_memory=0)
    store.open()
    templates = [Unpacked(f"{number} " * 50_000, {"Number": [number] * 1_000}, NAMES) for number in range(40)]

    places = map_in_processes(store.write, templates, 4, lambda template: "wrote a template")
    numbers = [store.add(place) for place in places]
    numbers.append(store.add(Unpacked("last", {}, NAMES)))
    assert [(store.text(number), store.content(number)) for number in numbers] == [
        *((template.text, template.content) for template in templates),
        ("last", {}),
    ]


@pytest.mark.no_cover
def test_the_file_is_closed_with_the_store(monkeypatch: pytest.MonkeyPatch) -> None:
    file = tempfile.TemporaryFile()  # noqa: SIM115 - the store closes it
    monkeypatch.setattr(tempfile, "TemporaryFile", lambda: file)
    store = TemplateStore(in_memory=0)
    store.add(Unpacked("text", {}, NAMES))

    assert not file.closed
    del store
    gc.collect()
    assert file.closed
