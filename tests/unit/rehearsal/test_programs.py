"""The programs that replace pip and pip-audit in a rehearsed build."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from cicd_templates.rehearsal.programs import pip, recorded

HASH = f"--hash=sha256:{'a' * 64}"
HASHED = ["install", "--quiet", "--require-hashes", "--requirement", "requirements.txt"]


@pytest.fixture(autouse=True)
def source(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("CODEBUILD_SRC_DIR", str(tmp_path))
    monkeypatch.setenv("REHEARSAL_NOTES", str(tmp_path / "notes"))
    return tmp_path


@pytest.mark.parametrize(
    ("text", "refused"),
    [
        pytest.param("", None, id="nothing"),
        pytest.param(f"a==1 \\\n    {HASH}\nb==2 {HASH} # x\n", None, id="all have a hash"),
        pytest.param(f"--only-binary :all:\na==1 {HASH}\n", None, id="an option"),
        pytest.param(f"a==1 {HASH}\nrequests==2.19.0\n", (pip.UNHASHED, "requests==2.19.0"), id="one without a hash"),
        pytest.param("flask>=3\n", (pip.UNPINNED, "flask>=3"), id="a range"),
        pytest.param("a==1.*\n", (pip.UNPINNED, "a==1.*"), id="a wildcard"),
        pytest.param('a ; python_version=="3"\n', (pip.UNPINNED, "a ;"), id="no version, but a marker"),
        pytest.param("git+https://example.com/a\n", (pip.UNPINNED, "git+https://example.com/a"), id="an address"),
        pytest.param("-r more.txt\n", (pip.UNHASHED, "c==3"), id="an included file"),
    ],
)
def test_requirements_are_refused_as_pip_does_if_one_has_no_hash(
    text: str, refused: tuple[str, str] | None, source: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (source / "requirements.txt").write_text(text)
    (source / "more.txt").write_text("c==3\n")

    assert pip.main(HASHED) == (1 if refused else 0)
    message = capsys.readouterr().err
    if refused:
        assert message.startswith(f"ERROR: {refused[0]}\n    {refused[1]}")
    else:
        assert message == ""


def test_without_an_option_or_a_hash_nothing_needs_one(source: Path) -> None:
    (source / "dev.txt").write_text("a>=1\n")

    assert pip.main(["install", "--requirement=dev.txt", "-rdev.txt", "flask"]) == 0
    (source / "dev.txt").write_text(f"a==1 {HASH}\nb==1\n")
    assert pip.main(["install", "-r", "dev.txt"]) == 1


def test_a_file_that_is_not_there_ends_pip(capsys: pytest.CaptureFixture[str]) -> None:
    assert pip.main(HASHED) == 1
    assert "Could not open requirements file: [Errno 2]" in capsys.readouterr().err


@pytest.mark.parametrize(
    "files",
    [
        {"requirements.txt": "-r requirements.txt\n"},
        {"requirements.txt": "a==1\n-r more/b.txt\n", "more/b.txt": "--requirement=../requirements.txt\n"},
    ],
    ids=["at once", "by another file"],
)
def test_a_requirements_file_that_includes_itself_ends_pip_and_pip_audit(
    files: dict[str, str], source: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for name, text in files.items():
        (source / name).parent.mkdir(exist_ok=True)
        (source / name).write_text(text)

    assert pip.main(HASHED) == 1
    assert recorded.main(["pip-audit", "--requirement", "requirements.txt"]) == 1
    lines = capsys.readouterr().err.splitlines()
    assert len(lines) == 2
    assert all("Could not open requirements file: [Errno 40] it includes itself: " in line for line in lines)


def test_two_files_may_include_the_same_third_one(source: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (source / "requirements.txt").write_text("-r one.txt\n-r two.txt\n")
    for name in ("one", "two"):
        (source / f"{name}.txt").write_text(f"{name}==1\n-r shared.txt\n")
    (source / "shared.txt").write_text("shared\n")

    assert recorded.main(["pip-audit", "--requirement", "requirements.txt"]) == 0
    packages = json.loads(capsys.readouterr().out)["dependencies"]
    assert [(package["name"], package["version"]) for package in packages] == [
        ("one", "1"),
        ("shared", ""),
        ("two", "1"),
        ("shared", ""),
    ]


def test_the_folder_for_packages_is_there_afterwards(source: Path) -> None:
    assert pip.main(["install", "--target", "wheels/x", "--quiet"]) == 0
    assert (source / "wheels/x").is_dir()


def test_pip_audit_without_a_recorded_report_lists_the_packages_and_says_what_is_not_shown(
    source: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (source / "requirements.txt").write_text("a==1\n--pre\n")
    (source / "1-requirements.txt").write_text("b[x]==2\n")
    files = ["--requirement", "requirements.txt", "--requirement", "1-requirements.txt"]

    assert recorded.main(["pip-audit", "--format", "json", *files]) == 0
    assert json.loads(capsys.readouterr().out) == {
        "dependencies": [{"name": "a", "version": "1", "vulns": []}, {"name": "b", "version": "2", "vulns": []}],
        "fixes": [],
    }
    note = (source / "notes").read_text()
    assert note.startswith("not shown: known vulnerabilities of the packages")
    assert "commit a report of pip-audit as rehearsal/pip-audit.json" in note


def test_pip_audit_outputs_a_recorded_report_if_there_is_one(source: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (source / "rehearsal").mkdir()
    (source / "rehearsal/pip-audit.json").write_text("{}")

    assert recorded.main(["pip-audit", "--format", "json"]) == 0
    assert capsys.readouterr().out == "{}\n"
    assert "not shown" not in (source / "notes").read_text()
