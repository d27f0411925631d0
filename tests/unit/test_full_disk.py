"""A full disk: the error names the file that could not be written, and no half-written file remains."""

from __future__ import annotations

import resource
import signal
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from cicd_templates.files.private_files import write_privately
from cicd_templates.files.project_files import replace_file

Write = Callable[[Path, str], None]


@pytest.fixture
def small_files() -> Iterator[None]:
    """Let the kernel refuse to write more than 1,000 bytes to a file, with an error that names no file."""
    before, handler = resource.getrlimit(resource.RLIMIT_FSIZE), signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (1000, before[1]))
    yield
    resource.setrlimit(resource.RLIMIT_FSIZE, before)
    signal.signal(signal.SIGXFSZ, handler)


@pytest.mark.parametrize("write", [write_privately, replace_file])
@pytest.mark.parametrize("length", [5000, 100_000])
def test_the_error_of_a_full_disk_names_the_file(write: Write, length: int, small_files: None, tmp_path: Path) -> None:
    path = tmp_path / "report.json"
    write(path, "old")

    with pytest.raises(OSError, match=r"File too large: '.*report\.json'") as caught:
        write(path, "x" * length)
    assert caught.value.filename == str(path)
    assert [(entry.name, entry.read_text()) for entry in tmp_path.iterdir()] == [("report.json", "old")]


@pytest.mark.parametrize("write", [write_privately, replace_file])
def test_the_error_of_a_folder_that_cannot_be_written_names_the_file(write: Write, tmp_path: Path) -> None:
    # The name of the new file is five bytes longer, so only this one is too long.
    path = tmp_path / ("x" * 252)

    with pytest.raises(OSError, match=r"File name too long: '[^']*/x+'$") as caught:
        write(path, "new")
    assert (caught.value.filename, caught.value.filename2) == (str(path), None)
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("write", [write_privately, replace_file])
def test_the_error_of_a_folder_with_the_name_of_the_file_names_only_the_folder(write: Write, tmp_path: Path) -> None:
    path = tmp_path / "keys.yaml"
    path.mkdir()

    with pytest.raises(IsADirectoryError, match=r"Is a directory: '[^']*/keys\.yaml'$") as caught:
        write(path, "new")
    assert (caught.value.filename, caught.value.filename2) == (str(path), None)
    assert [entry.name for entry in tmp_path.iterdir()] == ["keys.yaml"]


@pytest.mark.parametrize("write", [write_privately, replace_file])
def test_the_error_of_another_file_keeps_its_name(
    write: Write, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*arguments: object) -> None:
        raise PermissionError(13, "Permission denied", "another")

    monkeypatch.setattr(Path, "replace", refuse)
    with pytest.raises(PermissionError) as caught:
        write(tmp_path / "keys.yaml", "new")
    assert caught.value.filename == "another"
