"""`make render` builds nothing while nothing has changed, and never takes old files for new ones."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from types import ModuleType

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cicd_templates.render import last_render
from cicd_templates.render.last_render import LARGEST_RECORD, LastRender
from cicd_templates.template.checksums import checksums_text

ROOMS = ("tool", "templates")


class Project:
    """A project whose rendered file `out/stack.yaml` lists its sources. `rooms` have the sources that are compared."""

    def __init__(self, root: Path, rooms: Sequence[str] = ROOMS) -> None:
        self.root, self.rooms = root, rooms
        self.record = root / ".state/rendered.json"
        self.configuration = "environments.toml"
        self.write(self.configuration, "")
        for room in ROOMS:
            self.write(f"{room}/one.py", "1")
            self.write(f"{room}/extra/two.py", "2")

    def write(self, path: str, text: str) -> None:
        (self.root / path).parent.mkdir(parents=True, exist_ok=True)
        (self.root / path).write_text(text)

    def last(self, *arguments: str) -> LastRender:
        folders = [self.root / room for room in self.rooms]
        return LastRender(
            self.root / "out",
            *arguments,
            folders=folders,
            record=self.record,
            configuration=self.root / self.configuration,
        )

    def from_nothing(self) -> str:
        paths = (path for room in ROOMS for path in (self.root / room).rglob("*") if path.is_file())
        return "".join(f"{path.relative_to(self.root)}: {path.read_text()!r}\n" for path in sorted(paths))

    def render(self, *arguments: str) -> bool:
        """Write `out/` if anything has changed. Return whether it was written."""
        last = self.last(*arguments)
        if last.unchanged_stacks() is not None:
            return False
        shutil.rmtree(self.root / "out", ignore_errors=True)
        text = self.from_nothing()
        self.write("out/staging/stack.yaml", text)
        digest = hashlib.sha256(text.encode()).hexdigest()
        self.write("out/SHA256SUMS", checksums_text({"staging/stack.yaml": digest}, "sources"))
        remember(last, [])
        return True


def remember(last: LastRender, modules: list[ModuleType] | None = None) -> None:
    """Record a run as the command does."""
    if last.is_certain(modules):
        last.remember(1)


@pytest.fixture
def project(tmp_path: Path) -> Project:
    rendered = Project(tmp_path)
    assert rendered.render()
    return rendered


def edit(path: str, text: str) -> Callable[[Project], object]:
    return lambda project: project.write(path, text)


def remove(path: str) -> Callable[[Project], object]:
    return lambda project: (project.root / path).unlink()


def move(path: str, new: str) -> Callable[[Project], object]:
    return lambda project: shutil.move(project.root / path, project.root / new)


def swap(project: Project) -> None:
    project.write("tool/one.py", "2")
    project.write("tool/extra/two.py", "1")


def recorded(**values: object) -> Callable[[Project], object]:
    def change(project: Project) -> None:
        project.record.write_text(json.dumps(json.loads(project.record.read_text()) | values))

    return change


def moved_behind_a_link(project: Project) -> None:
    (project.root / "elsewhere.json").write_bytes(project.record.read_bytes())
    project.record.unlink()
    project.record.symlink_to("../elsewhere.json")


def record_as_a_pipe(project: Project) -> None:
    project.record.unlink()
    os.mkfifo(project.record, 0o600)


def checked_out(project: Project) -> None:
    """Replace the record and the list of checksums by files with the same content, as a checkout of a commit does."""
    before = (project.root / "out/SHA256SUMS").stat().st_ctime_ns
    while (project.root / "out/SHA256SUMS").stat().st_ctime_ns == before:
        for path in (project.root / "out/SHA256SUMS", project.record):
            path.write_bytes(path.read_bytes())


def result_behind_a_link(project: Project) -> None:
    result = project.root / "out/staging/stack.yaml"
    result.rename(project.root / "elsewhere.yaml")
    result.symlink_to(project.root / "elsewhere.yaml")


CHANGES: dict[str, Callable[[Project], object]] = {
    "code of the tool": edit("tool/one.py", "10"),
    "code of a layer of one's own": edit("templates/extra/two.py", "20"),
    "a new file": edit("templates/extra/three.py", ""),
    "a removed file": remove("tool/extra/two.py"),
    "a renamed file": move("templates/one.py", "templates/two.py"),
    "contents of two files exchanged": swap,
    "a link to a folder": lambda project: (project.root / "templates/linked").symlink_to(project.root / "tool"),
    "a source that is a pipe": lambda project: os.mkfifo(project.root / "templates/pipe"),
    "a result behind a link": result_behind_a_link,
    "another configuration": edit("environments.toml", "[project]"),
    "no configuration": remove("environments.toml"),
    "no sources": lambda project: shutil.rmtree(project.root / "tool"),
    "an edited result": edit("out/staging/stack.yaml", "other"),
    "a removed result": remove("out/staging/stack.yaml"),
    "a further file beside the results": edit("out/staging/other.yaml", ""),
    "an edited list of checksums": edit("out/SHA256SUMS", ""),
    "a list of checksums that is no text": lambda project: (project.root / "out/SHA256SUMS").write_bytes(b"\xff"),
    "no results": lambda project: shutil.rmtree(project.root / "out"),
    "no record": remove(".state/rendered.json"),
    "an empty record": edit(".state/rendered.json", ""),
    "a cut record": lambda project: os.truncate(project.record, 100),
    "a record that is a list": edit(".state/rendered.json", "[]"),
    "a record with a number as a text": recorded(stacks="1"),
    "a record with a further key": recorded(more=1),
    "a record of other inputs": recorded(inputs="0" * 64),
    "a record of other results": recorded(checksums="0" * 64),
    "a record that others can write": lambda project: project.record.chmod(0o620),
    "a record that others can read": lambda project: project.record.chmod(0o644),
    "a record with a time as a text": recorded(changed="1"),
    "a record of another time": recorded(changed=1),
    "a record and a list of checksums that a commit brings": checked_out,
    "data between compiled modules": edit("templates/__pycache__/data.json", "{}"),
    "a file that moves to the other folder": move("tool/one.py", "templates/zero.py"),
    "a record that is too long": lambda project: project.record.write_text(
        project.record.read_text() + " " * LARGEST_RECORD
    ),
    "a record that is a pipe": record_as_a_pipe,
    "a record behind a link": moved_behind_a_link,
}


@pytest.mark.parametrize("change", CHANGES.values(), ids=CHANGES)
def test_after_any_change_it_is_built_anew(change: Callable[[Project], object], project: Project) -> None:
    change(project)

    assert project.last().unchanged_stacks() is None


@pytest.mark.parametrize(
    "change",
    [
        pytest.param(lambda project: None, id="nothing"),
        pytest.param(edit("tool/one.py", "1"), id="the same written again"),
        pytest.param(edit("tool/__pycache__/one.pyc", "compiled"), id="a compiled module"),
    ],
)
def test_without_a_change_nothing_is_built(change: Callable[[Project], object], project: Project) -> None:
    change(project)

    assert project.last().unchanged_stacks() == 1
    assert not project.render()


def test_other_arguments_another_python_library_path_or_user_make_it_build(
    project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert project.last("json").unchanged_stacks() is None
    for place, name, value in (
        (sys, "version", "3.99"),
        (sys, "path", ["elsewhere", *sys.path]),
        (last_render, "_libraries", lambda: [("troposphere-99.dist-info", "0" * 64)]),
        (os, "getuid", lambda: -1),
    ):
        with monkeypatch.context() as patched:
            patched.setattr(place, name, value)
            assert project.last().unchanged_stacks() is None, name
    assert project.last().unchanged_stacks() == 1


def test_a_library_that_is_installed_again_under_its_version_makes_it_build(
    project: Project, tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch
) -> None:
    installed = tmp_path_factory.mktemp("site-packages")
    files = installed / "shared-1.0.dist-info/RECORD"
    files.parent.mkdir()
    files.write_text("shared.py,sha256=one,3\n")
    monkeypatch.setattr(last_render, "_installed", lambda: [f"{installed}/"])
    assert project.render()
    assert project.last().unchanged_stacks() == 1

    files.write_text("shared.py,sha256=two,3\n")
    assert project.last().unchanged_stacks() is None

    # What cannot be judged is rendered, each time.
    files.unlink()
    assert project.render()
    assert project.render()


def module(name: str, file: Path | None) -> ModuleType:
    loaded = ModuleType(name)
    loaded.__file__ = str(file) if file else None
    return loaded


def test_it_remembers_nothing_if_code_from_elsewhere_was_loaded(project: Project) -> None:
    last, root = project.last(), project.root
    project.record.unlink()

    remember(last, [module("helper", root / "helper.py")])
    # The name of the folder only begins with that of a known one.
    remember(last, [module("helper", root / "templates-of-mine/helper.py")])
    # The modules of the tests are not installed.
    remember(last)
    assert not project.record.exists()

    known = [
        module("own", root / "templates/extra/two.py"),
        module("pytest", Path(pytest.__file__)),
        module("sys", None),
    ]
    remember(last, [*known, module("__main__", root / "generate.py")])
    assert project.last().unchanged_stacks() == 1


def test_the_digest_of_the_code_covers_everything_but_the_configuration(project: Project) -> None:
    project.configuration = "templates/one.py"
    before = project.last()
    assert before.is_certain([])
    project.write("templates/one.py", "another configuration")
    assert not before.is_certain([])
    assert project.last().code == before.code

    project.write("tool/one.py", "other code")
    assert project.last().code not in ("", before.code)
    assert project.last("json").code != project.last().code
    shutil.rmtree(project.root / "tool")
    assert project.last().code == ""


def test_it_remembers_nothing_if_a_source_was_edited_meanwhile(project: Project) -> None:
    project.write("tool/one.py", "before")
    last = project.last()
    project.write("tool/one.py", "after")
    remember(last, [])

    assert project.last().unchanged_stacks() is None


def test_it_remembers_nothing_if_sources_cannot_be_read_or_the_record_not_be_written(project: Project) -> None:
    before = project.record.read_text()
    shutil.move(project.root / "tool", project.root / "away")
    remember(project.last(), [])
    assert project.record.read_text() == before

    shutil.move(project.root / "away", project.root / "tool")
    project.record.unlink()
    project.record.parent.rmdir()
    project.record.parent.write_text("a file where the folder should be")
    remember(project.last(), [])
    assert project.render()


NAMES = st.sampled_from(("one.py", "extra/two.py", "extra/three.py"))
EDITS = st.lists(
    st.one_of(
        st.tuples(st.sampled_from(ROOMS), NAMES, st.sampled_from(("1", "2", "12", None))),
        st.tuples(st.just("out"), st.sampled_from(("staging/stack.yaml", "SHA256SUMS")), st.sampled_from(("1", None))),
        st.none(),
    ),
    max_size=8,
)
Edits = list[tuple[str, str, str | None] | None]


def stale(edits: Edits, rooms: Sequence[str]) -> bool:
    """Make the edits, and render wherever one is None and at the end. Return whether a result was ever out of date."""
    with TemporaryDirectory() as folder:
        project = Project(Path(folder), rooms)
        for change in [None, *edits, None]:
            if change is not None:
                room, name, text = change
                if text is None:
                    (project.root / room / name).unlink(missing_ok=True)
                else:
                    project.write(f"{room}/{name}", text)
                continue
            project.render()
            if (project.root / "out/staging/stack.yaml").read_text() != project.from_nothing():
                return True
    return False


@pytest.mark.no_cover
@given(EDITS)
def test_after_random_edits_the_result_is_that_of_a_render_from_nothing(edits: Edits) -> None:
    assert not stale(edits, ROOMS)


@pytest.mark.parametrize("left_out", ROOMS)
def test_the_comparison_finds_an_input_that_is_left_out(left_out: str) -> None:
    edits: Edits = [(left_out, "one.py", "2")]

    assert stale(edits, [room for room in ROOMS if room != left_out])
