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

    from cicd_templates.render.out_folder import Written
    from cicd_templates.render.template_text import Format


@main.command(cls=Command)
@make_option("--env", "env", variable="ENV", help="This environment only.")
@make_option(
    "--format", "form", variable="FORMAT", type=click.Choice(("yaml", "json")), default="yaml", show_default=True
)
@make_option(
    "--check", is_flag=True, help="Write nothing; exit with 1 if the existing files differ from a new rendering."
)
@make_option(
    "--out",
    type=click.Path(path_type=Path, file_okay=False),
    help="Folder to write to; by default out/, or build/SUFFIX/ for a copy.",
)
@SUFFIX
def render(env: str | None, form: Format, check: bool, out: Path | None, suffix: str | None) -> None:
    """Render every layer for every environment."""
    from cicd_templates.blocks.unsigned_images import exception_problems
    from cicd_templates.builds.languages import warnings
    from cicd_templates.cli.project_layers import project_layers
    from cicd_templates.config.load import parse_configuration, read_toml
    from cicd_templates.config.validation.problem import configuration_error
    from cicd_templates.render import last_render

    folder = out or rendered_folder(suffix)
    # With `--check`, `--env` or `--out`, every stack is built anew.
    last = None if check or env or out else last_render.LastRender(folder, form, suffix or "")
    raw = read_toml(CONFIGURATION)
    configuration = parse_configuration(raw, source=str(CONFIGURATION), suffix=suffix)
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

    layers, sources = project_layers(), source_digest(configuration=raw)
    record = None
    if last:
        from cicd_templates.render import service_record

        inputs = service_record.inputs_of(last.code, configuration, layers)
        record = service_record.ServiceRecord(inputs, folder)
    if last and record and (updated := record.update(configuration, layers, form, sources, last.is_certain)):
        count = f"{updated.rendered} of {counted(updated.stacks, 'stack')} anew"
        _show(updated.written, folder, count)
        last.remember(updated.stacks)
        return
    parts: list[str] = []
    rendered = stacks.render(configuration, layers, form)
    files = out_folder.files_of(rendered, folder, env, sources=sources, parts=parts if record else None)
    count = counted(sum(env in (None, stack.environment.name) for stack in rendered), "stack")
    if check:
        _compare(files, folder, count)
    else:
        _show(out_folder.write_files(files, folder), folder, count)
    if last and record and last.is_certain():
        record.remember(rendered, parts)
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


def _show(written: Written, folder: Path, count: str) -> None:
    """Show which files of the folder changed. `count` is the number of rendered stacks, as text."""
    for path in written.written:
        terminal.show(f"  wrote    {folder / path}")
    for path in written.deleted:
        terminal.show(f"  deleted  {folder / path}")
    for path in written.kept:
        terminal.show(
            f"  kept     {folder / path}, which this tool did not write; to remove it:"
            f" {hints.remove_files([str(folder / path)])}"
        )
    files = written.unchanged + len(written.written)
    kept = f"{written.unchanged} of {files} files unchanged" if written.unchanged else f"all {files} files written"
    terminal.show(f"rendered {count} into {folder}/, {kept}")
