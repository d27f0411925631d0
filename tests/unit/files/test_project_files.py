"""Files of the project: written whole or not at all."""

from __future__ import annotations

from pathlib import Path

import pytest

from cicd_templates.files.project_files import replace_file


def test_a_file_is_written_as_it_is_in_folders_that_were_missing(tmp_path: Path) -> None:
    path = tmp_path / "deep/er/file.txt"
    replace_file(path, "é\r\n\n")

    assert path.read_bytes() == b"\xc3\xa9\r\n\n"
    assert [entry.name for entry in path.parent.iterdir()] == ["file.txt"]


@pytest.mark.parametrize("interruption", [OSError(28, "No space left on device"), KeyboardInterrupt()])
@pytest.mark.parametrize("step", ["write_bytes", "replace"])
def test_whatever_interrupts_it_the_old_file_stays_and_nothing_beside_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, step: str, interruption: BaseException
) -> None:
    path = tmp_path / "file.txt"
    path.write_text("old")

    def interrupt(*arguments: object) -> None:
        raise interruption

    monkeypatch.setattr(Path, step, interrupt)
    with pytest.raises(type(interruption)):
        replace_file(path, "new")
    assert [(entry.name, entry.read_text()) for entry in tmp_path.iterdir()] == [("file.txt", "old")]
