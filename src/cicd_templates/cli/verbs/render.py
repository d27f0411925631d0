"""The command `render`, which renders the templates. It does not call AWS."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

import click

from cicd_templates import hints
from cicd_templates.cli import selection, terminal
from cicd_templates.cli.command import Command, main
from cicd_templates.cli.options import SUFFIX, make_option
from cicd_templates.errors import CicdError
from cicd_templates.files.paths import CONFIGURATION, rendered_folder
from cicd_templates.plurals import counted

if TYPE_CHECKING:
    from collections.abc import Mapping


@main.command(cls=Command)
@make_option("--env", "env", variable="ENV", help="This environment only.")
@make_option(
    "--format", "form", variable="FORMAT", type=click.Choice(("yaml", "json")), default="yaml", show_default=True
)
@make_option(
    "--check", is_flag=True, help="Compare with the files instead of writing them; exit with 1 on a difference."
)
@make_option(
    "--out",
    type=click.Path(path_type=Path, file_okay=False),
    help="Folder to write to; by default out/, or build/SUFFIX/ for a copy.",
)
@SUFFIX
def render(env: str | None, form: str, check: bool, out: Path | None, suffix: str | None) -> None:
    """Render every layer for every environment."""
    from cicd_templates.blocks.unsigned_images import exception_problems
    from cicd_templates.builds.languages import warnings
    from cicd_templates.cli.project_layers import project_layers
    from cicd_templates.config.load import read_configuration
    from cicd_templates.config.validation.problem import configuration_error
    from cicd_templates.render import last_render

    folder = out or rendered_folder(suffix)
    # With `--check`, `--env` or `--out`, every stack is built anew.
    last = None if check or env or out else last_render.LastRender(folder, form, suffix or "")
    configuration = read_configuration(CONFIGURATION, suffix=suffix)
    if problems := list(exception_problems(configuration, datetime.now(UTC).date())):
        raise configuration_error(str(CONFIGURATION), problems)
    selection.require_environment(configuration, env)
    if not check:
        for line in warnings(configuration):
            terminal.show(f"  warning  {line}")
    unchanged = last.unchanged_stacks() if last else None
    if unchanged is not None:
        terminal.show(
            f"{folder}/ is up to date: {counted(unchanged, 'stack')}; none was built anew, because nothing has changed"
        )
        return
    # These imports are slow.
    from cicd_templates.render import out_folder
    from cicd_templates.render import render as stacks
    from cicd_templates.template.checksums import source_digest

    rendered = stacks.render(configuration, project_layers(), form)  # type: ignore[arg-type] # click checked the choice
    files = out_folder.files_of(rendered, folder, env, sources=source_digest())
    count = counted(sum(env in (None, stack.environment.name) for stack in rendered), "stack")
    if check:
        _compare(files, folder, count)
    else:
        _write(files, folder, count)
    if last:
        last.remember(len(rendered))


def _compare(files: Mapping[str, str], folder: Path, count: str) -> None:
    """Compare `files` with the files in the folder, and show the differences. Raise `CicdError` if there are any."""
    from cicd_templates.render import out_folder

    difference = out_folder.diff_against_folder(files, folder)
    for line in difference:
        terminal.show(line)
    strays = [str(folder / path) for path in out_folder.strays(files, folder)]
    remedies = [f"{folder}/ is out of date; run `make render` and review its diff"] if difference else []
    if strays:
        remedies.append(
            f"{', '.join(strays)}: `make render` does not write this; remove it: {hints.remove_files(strays)}"
            if len(strays) == 1
            else f"{folder}/ has files that `make render` does not write; remove them: {hints.remove_files(strays)}"
        )
    if remedies:
        raise CicdError("; ".join(remedies))
    terminal.show(f"{folder}/ is up to date: {count}")


def _write(files: Mapping[str, str], folder: Path, count: str) -> None:
    """Write `files` to the folder, and show which of them changed."""
    from cicd_templates.render import out_folder

    written = out_folder.write_files(files, folder)
    for path in written.written:
        terminal.show(f"  wrote    {folder / path}")
    for path in written.deleted:
        terminal.show(f"  deleted  {folder / path}")
    for path in written.kept:
        terminal.show(
            f"  kept     {folder / path}, which this tool did not write; to remove it:"
            f" {hints.remove_files([str(folder / path)])}"
        )
    kept = (
        f"{written.unchanged} of {len(files)} files unchanged"
        if written.unchanged
        else f"all {len(files)} files written"
    )
    terminal.show(f"rendered {count} into {folder}/, {kept}")
