"""The command `lint` reads only ordinary files in the project's own folder."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import CliRunner

from cicd_templates.cli import main

TEXT = "Resources: {}\n"


def link_a_file(out: Path) -> None:
    (out / "staging/keys.yaml").rename(out / "target")
    (out / "staging/keys.yaml").symlink_to("../target")


def link_nothing(out: Path) -> None:
    (out / "staging/more.yaml").symlink_to("nowhere")


def link_a_folder(out: Path) -> None:
    (out / "staging").rename(out / "target")
    (out / "staging").symlink_to("target")


def link_all(out: Path) -> None:
    out.rename(out.parent / "target")
    out.symlink_to("target")


def put_a_pipe(out: Path) -> None:
    os.mkfifo(out / "staging/more.yaml")


def put_a_folder(out: Path) -> None:
    (out / "staging/more.yaml").mkdir()


def put_a_file(out: Path) -> None:
    (out / "staging/keys.yaml").unlink()
    (out / "staging").rmdir()
    out.rmdir()
    out.touch()


TRACE = "so its content can change without a trace; remove it"
THEN = "then run `make render`"


@pytest.mark.parametrize(
    ("edit", "code", "message"),
    [
        (link_a_file, 1, f"/staging/keys.yaml: is a link to ../target, {TRACE}: `rm -- out/staging/keys.yaml`, {THEN}"),
        (link_nothing, 1, f"/staging/more.yaml: is a link to nowhere, {TRACE}: `rm -- out/staging/more.yaml`, {THEN}"),
        (link_a_folder, 1, f"/staging: is a link to target, {TRACE}: `rm -- out/staging`, {THEN}"),
        (
            link_all,
            2,
            ": is a link to target, so a commit would contain the link instead of the templates; replace the link with"
            " a folder",
        ),
        (put_a_pipe, 1, "/staging/more.yaml: is not an ordinary file; remove it"),
        (put_a_folder, 1, "/staging/more.yaml: is not an ordinary file; remove it"),
        (put_a_file, 2, ": is not a folder; move it away, then run `make render`"),
    ],
)
def test_what_is_not_an_ordinary_file_in_the_folder_is_refused(
    edit: Callable[[Path], None], code: int, message: str, in_project: Path
) -> None:
    (in_project / "out/staging").mkdir(parents=True)
    (in_project / "out/staging/keys.yaml").write_text(TEXT)
    edit(in_project / "out")

    result = CliRunner().invoke(main, ["lint"])

    assert (result.exit_code, result.stdout, result.stderr) == (code, "", f"error: out{message}\n")
