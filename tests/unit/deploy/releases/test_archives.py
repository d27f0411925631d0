"""Archives: equal content gives equal bytes, so a release can be identified later."""

from __future__ import annotations

import io
import json
import os
import subprocess
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cicd_templates.deploy.change_sets.rendered_stacks import read_stacks
from cicd_templates.deploy.releases import archives
from cicd_templates.deploy.releases.archives import bundle, source_archive
from cicd_templates.errors import ConfigurationError
from tests.conftest import PROJECT


def content(data: bytes) -> dict[str, bytes]:
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


def git(folder: Path, *arguments: str) -> str:
    people = {
        f"GIT_{who}_{what}": value
        for who in ("AUTHOR", "COMMITTER")
        for what, value in (("NAME", "Ada"), ("EMAIL", "a@x"))
    }
    here = {"PATH": os.environ["PATH"], "HOME": str(folder), "GIT_CONFIG_GLOBAL": os.devnull, **people}
    return subprocess.run(
        ["git", "-C", str(folder), *arguments], env=here, check=True, capture_output=True, text=True
    ).stdout.strip()


@pytest.fixture
def work_tree(tmp_path: Path) -> Path:
    tree = tmp_path / "tree"
    (tree / "apps/pay").mkdir(parents=True)
    (tree / "apps/pay/main.py").write_text("x = 1\n")
    (tree / "apps/pay/run.sh").write_text("#!/bin/sh\n")
    (tree / "apps/pay/run.sh").chmod(0o755)
    (tree / "README.md").write_text("hello\n")
    git(tree, "init", "-q")
    git(tree, "add", "-A")
    git(tree, "commit", "-qm", "first")
    return tree


def test_a_work_tree_is_released_as_it_is_committed(work_tree: Path) -> None:
    (work_tree / "untracked.txt").write_text("not released")
    archive = source_archive(work_tree)

    assert sorted(content(archive.data)) == ["README.md", "apps/pay/main.py", "apps/pay/run.sh"]
    assert (archive.revision, archive.author) == (git(work_tree, "rev-parse", "HEAD"), "Ada <a@x>")


def test_a_path_limits_a_monorepo(work_tree: Path) -> None:
    archive = source_archive(work_tree, "apps/pay")

    assert sorted(content(archive.data)) == ["main.py", "run.sh"]
    with zipfile.ZipFile(io.BytesIO(archive.data)) as opened:
        modes = {entry.filename: entry.external_attr >> 16 & 0o777 for entry in opened.infolist()}
    assert modes == {"main.py": 0o644, "run.sh": 0o755}


def test_changes_that_are_in_no_commit_are_refused(work_tree: Path) -> None:
    (work_tree / "README.md").write_text("changed\n")

    with pytest.raises(ConfigurationError, match=r"has uncommitted changes \(README.md\); commit them"):
        source_archive(work_tree)
    # Elsewhere in the monorepo they do not matter.
    assert source_archive(work_tree, "apps/pay").data


def test_a_folder_is_released_as_it_is_with_its_digest(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("getpass.getuser", lambda: "grace")
    (tmp_path / "a/__pycache__").mkdir(parents=True)
    (tmp_path / "a/x.txt").write_text("x")
    (tmp_path / "a/__pycache__/x.pyc").write_text("no")
    archive = source_archive(tmp_path)

    assert content(archive.data) == {"a/x.txt": b"x"}
    assert archive.revision.startswith("sha256:")
    assert archive.author == "grace"
    (tmp_path / "a/x.txt").write_text("y")
    assert source_archive(tmp_path).revision != archive.revision


def test_the_owner_may_execute_is_all_that_a_mode_says(tmp_path: Path) -> None:
    for name, mode in (("own.sh", 0o700), ("plain.txt", 0o600)):
        (tmp_path / name).write_text("x")
        (tmp_path / name).chmod(mode)
    with zipfile.ZipFile(io.BytesIO(source_archive(tmp_path).data)) as opened:
        modes = {entry.filename: entry.external_attr >> 16 for entry in opened.infolist()}

    assert modes == {"own.sh": 0o100755, "plain.txt": 0o100644}


def test_a_user_without_a_name_is_a_number(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def nobody() -> str:
        raise KeyError("getpwuid(): uid not found: 54321")

    monkeypatch.setattr("getpass.getuser", nobody)
    monkeypatch.setattr("os.getuid", lambda: 54321)
    (tmp_path / "x").write_text("x")

    assert source_archive(tmp_path).author == "uid 54321"


def test_a_zip_is_released_as_it_is(tmp_path: Path) -> None:
    path = tmp_path / "app.zip"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("x", "y")

    assert source_archive(path).data == path.read_bytes()


def broken_zip(folder: Path) -> Path:
    path = folder / "b.zip"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("x.txt", "a long enough text to be damaged")
    path.write_bytes(path.read_bytes().replace(b"long enough", b"LONG enough"))
    return path


def linked(folder: Path) -> Path:
    (folder / "l").mkdir()
    (folder / "l/link").symlink_to("/etc/passwd")
    return folder / "l"


def deflated(folder: Path) -> Path:
    path = folder / "d.zip"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("x.txt", bytes(range(256)) * 8)
    data = path.read_bytes()
    path.write_bytes(data[:35] + b"\xff" * 40 + data[75:])
    return path


def displaced(folder: Path) -> Path:
    """Return a zip whose end says that the directory is later in the file, so that the entry begins before the file."""
    path = folder / "d.zip"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("x.txt", "hello")
    data = path.read_bytes()
    start = int.from_bytes(data[-6:-2], "little")
    path.write_bytes(data[:-6] + (start + 1000).to_bytes(4, "little") + data[-2:])
    return path


def marked(folder: Path, offset: int, central: int, value: int) -> Path:
    """Return a zip whose two headers contradict its content."""
    path = folder / "m.zip"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("x.txt", "hello")
    data = bytearray(path.read_bytes())
    data[offset] = data[data.index(b"PK\x01\x02") + central] = value
    path.write_bytes(bytes(data))
    return path


def empty_zip(folder: Path) -> Path:
    with zipfile.ZipFile(folder / "e.zip", "w") as archive:
        archive.mkdir("only")
    return folder / "e.zip"


def badly_named(folder: Path) -> Path:
    (folder / "b").mkdir()
    (folder / "b" / os.fsdecode(b"x\xff.txt")).write_text("x")
    return folder / "b"


def way_out(folder: Path) -> Path:
    (folder / "app").mkdir()
    (folder / "other").mkdir()
    (folder / "other/x").write_text("x")
    (folder / "app/sub").symlink_to(folder / "other")
    return folder / "app"


def empty(folder: Path) -> Path:
    (folder / "e").mkdir()
    return folder / "e"


def zip_of(*names: str, link: str = "") -> Callable[[Path], Path]:
    """Return a function that makes a zip with files of these names, and with a link."""

    def make(folder: Path) -> Path:
        with zipfile.ZipFile(folder / "w.zip", "w") as archive:
            for name in names:
                entry = zipfile.ZipInfo("x")
                entry.filename = name
                archive.writestr(entry, "x")
            if link:
                entry = zipfile.ZipInfo(link)
                entry.external_attr = 0o120777 << 16
                archive.writestr(entry, "/etc/passwd")
        return folder / "w.zip"

    return make


def backslash(folder: Path) -> Path:
    (folder / "src").mkdir()
    (folder / "src/a\\b").write_text("x")
    return folder / "src"


def no_zip(folder: Path) -> Path:
    (folder / "n.zip").write_text("hello")
    return folder / "n.zip"


def a_file(folder: Path) -> Path:
    (folder / "README.md").write_text("hello")
    return folder / "README.md"


@pytest.mark.parametrize(
    ("make", "path", "expected"),
    [
        pytest.param(lambda folder: folder / "none", None, "none: no such folder; APP= must name a git", id="missing"),
        pytest.param(no_zip, None, "cannot be read as a zip file", id="no zip"),
        pytest.param(a_file, None, "README.md: is a file, but not a .zip; APP= must name a git work tree", id="file"),
        pytest.param(no_zip, "apps", "a zip is always released as a whole; to release", id="zip with path"),
        pytest.param(broken_zip, None, r"contains 'x.txt', which is damaged; make the zip again", id="damaged zip"),
        pytest.param(linked, None, "link: is a link, so its content is not", id="link"),
        pytest.param(deflated, None, "cannot be read as a zip file: Error -3", id="damaged deflated zip"),
        pytest.param(displaced, None, "cannot be read as a zip file: negative seek value", id="displaced directory"),
        pytest.param(lambda f: marked(f, 6, 8, 1), None, "is encrypted, password required", id="encrypted zip"),
        pytest.param(lambda f: marked(f, 8, 10, 99), None, "compression method is not supported", id="method"),
        pytest.param(
            zip_of("Dockerfile", "app\\main.py", "app\\x.py"),
            None,
            r"w\.zip: contains 'app.+main\.py' \(and 1 more\), which is not a valid file name; make the zip",
            id="backslashes",
        ),
        pytest.param(zip_of("a/../../b"), None, "contains 'a/../../b', which is not a valid file name", id="leads out"),
        pytest.param(zip_of("/etc/x"), None, "contains '/etc/x', which is not a valid file name", id="absolute"),
        pytest.param(zip_of("C:x"), None, "contains 'C:x', which is not a valid file name", id="drive"),
        pytest.param(zip_of("a/b", "a/./b"), None, "contains 'a/b' twice; make the zip again", id="twice"),
        pytest.param(zip_of("a", link="to"), None, "'to' is a link, so its content", id="link in a zip"),
        pytest.param(backslash, None, "has a backslash, which some programs read as /; rename it", id="backslash"),
        pytest.param(empty_zip, None, r"e.zip: contains nothing to release", id="zip of nothing"),
        pytest.param(badly_named, None, r"'x.udcff.txt' is not valid UTF-8", id="name"),
        pytest.param(way_out, "sub", "app/sub: is outside of", id="path by a link"),
        pytest.param(way_out, "../other", "other: is outside of", id="path upwards"),
        pytest.param(empty, None, "contains nothing to release", id="nothing"),
    ],
)
def test_what_cannot_be_released_is_reported_in_a_line(
    tmp_path: Path, make: object, path: str | None, expected: str
) -> None:
    with pytest.raises(ConfigurationError, match=expected):
        source_archive(make(tmp_path), path)  # type: ignore[operator] # a function of the table


def test_files_that_git_does_not_have_are_named_and_ignored_ones_are_not(work_tree: Path) -> None:
    (work_tree / ".gitignore").write_text("*.log\n")
    (work_tree / "apps/pay/new.py").write_text("x")
    (work_tree / "apps/pay/run.log").write_text("x")

    assert source_archive(work_tree).left_out == (".gitignore", "apps/pay/new.py")
    assert source_archive(work_tree, "apps/pay").left_out == ("new.py",)


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        pytest.param(
            None,
            "tree: has no Dockerfile, which is needed to build the image; set APP= to the application",
            id="work tree",
        ),
        pytest.param("apps/pay", "tree: has no apps/pay/Dockerfile, which is needed", id="folder of a monorepo"),
    ],
)
def test_a_source_without_its_dockerfile_is_refused(work_tree: Path, path: str | None, expected: str) -> None:
    with pytest.raises(ConfigurationError, match=expected):
        source_archive(work_tree, path).require(work_tree, "Dockerfile", path)

    there = work_tree / (path or ".") / "Dockerfile"
    there.write_text("FROM scratch\n")
    with pytest.raises(
        ConfigurationError, match="Dockerfile is not committed, but the image is built from it; commit it"
    ):
        source_archive(work_tree, path).require(work_tree, "Dockerfile", path)
    git(work_tree, "add", "-A")
    git(work_tree, "commit", "-qm", "second")
    source_archive(work_tree, path).require(work_tree, "Dockerfile", path)


def test_a_zip_may_spell_the_dockerfile_from_its_root(tmp_path: Path) -> None:
    path = tmp_path / "app.zip"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("./docker/Dockerfile", "FROM scratch")

    source_archive(path).require(path, "docker/Dockerfile")
    with pytest.raises(ConfigurationError, match=r"app.zip: has no Dockerfile"):
        source_archive(path).require(path, "Dockerfile")


FILES = st.dictionaries(
    st.from_regex(r"[a-z]{1,5}(/[a-z]{1,5})?\.txt", fullmatch=True), st.tuples(st.binary(), st.booleans())
)


@given(FILES)
def test_bytes_depend_on_content_alone_and_all_of_it_comes_back(files: dict[str, tuple[bytes, bool]]) -> None:
    data = archives._zip(files)

    assert data == archives._zip(dict(reversed(files.items())))
    assert content(data) == {name: body for name, (body, _) in files.items()}


def test_the_bundle_has_each_template_and_the_tags_of_its_stack() -> None:
    stacks = read_stacks(PROJECT / "out/staging") + read_stacks(PROJECT / "out/production")
    found = content(bundle(stacks))

    name = "production/service-parcel-dispatcher"
    assert found[f"{name}.yaml"] == (PROJECT / f"out/{name}.yaml").read_bytes()
    tags = json.loads(found[f"{name}.configuration.json"])["Tags"]
    assert (tags["ManagedBy"], tags["Service"], tags["Environment"]) == (
        "cicd-templates",
        "parcel-dispatcher",
        "production",
    )
    assert len(found) == 2 * len(stacks)
