"""The commands render, lint and docs, which do not call AWS."""

from __future__ import annotations

from pathlib import Path

import click

from cicd_templates.cli import selection, terminal
from cicd_templates.cli.command import Command, main, verb
from cicd_templates.cli.options import SUFFIX, option
from cicd_templates.errors import CicdError
from cicd_templates.paths import (
    CONFIGURATION,
    CONFIGURATION_DOC,
    OUT,
    ROLLOUTS_DOC,
    RULES_DOC,
    rendered_folder,
)
from cicd_templates.plurals import counted


@main.command(cls=Command)
@option("--env", "env", variable="ENV", help="This environment only.")
@option("--format", "form", variable="FORMAT", type=click.Choice(("yaml", "json")), default="yaml", show_default=True)
@option("--check", is_flag=True, help="Compare with the files instead of writing them; exit with 1 on a difference.")
@option(
    "--out",
    type=click.Path(path_type=Path, file_okay=False),
    help="Folder to write to; by default out/, or build/ for a copy.",
)
@SUFFIX
def render(env: str | None, form: str, check: bool, out: Path | None, suffix: str | None) -> None:
    """Render every layer for every environment."""
    from cicd_templates.config.load import read_configuration
    from cicd_templates.layer.discovery import project_layers
    from cicd_templates.render import out_folder
    from cicd_templates.render import render as stacks

    configuration = read_configuration(CONFIGURATION, suffix=suffix)
    selection.require_environment(configuration, env)
    folder = out or rendered_folder(suffix)
    rendered = stacks.render(configuration, project_layers(), form)  # type: ignore[arg-type] # click checked the choice
    files = out_folder.files_of(rendered, folder, env)
    if check:
        difference = out_folder.diff_against_folder(files, folder)
        for line in difference:
            terminal.show(line)
        if difference:
            raise CicdError(f"{folder}/ is out of date; run `make render` and review its diff")
        terminal.show(f"{folder}/ is up to date: {len(rendered)} stacks")
        return
    written = out_folder.write_files(files, folder)
    for path in written.written:
        terminal.show(f"  wrote    {folder / path}")
    for path in written.deleted:
        terminal.show(f"  deleted  {folder / path}")
    for path in written.kept:
        terminal.show(f"  kept     {folder / path}, which this tool did not write")
    terminal.show(
        f"rendered {len(rendered)} stacks into {folder}/, {written.unchanged} of {len(files)} files unchanged"
    )


FORM = option(
    "--format",
    "form",
    variable="FORMAT",
    type=click.Choice(("text", "sarif", "github")),
    default="text",
    show_default=True,
    help="For people, for tools that read SARIF, or as annotations of a pull request on GitHub.",
)


@verb("lint", FORM, SUFFIX)
def lint(form: str, suffix: str | None) -> None:
    """Lint the rendered templates with cfn-lint and the rules of docs/rules.md; any finding fails."""
    from cicd_templates.lint import formats
    from cicd_templates.lint.run import lint_templates

    folder = rendered_folder(suffix)
    paths = sorted(path for kind in ("yaml", "json") for path in folder.glob(f"*/*.{kind}"))
    found = lint_templates(paths, suffix)
    write = {"text": formats.as_text, "sarif": formats.as_sarif, "github": formats.as_github}[form]
    if found or form == "sarif":
        terminal.show_page(write(found))
    if found:
        raise CicdError(
            f"cfn-lint: {counted(len(found), 'finding')} in {counted(len(paths), 'template')}; "
            "docs/rules.md explains E91 and W91"
        )
    if form != "sarif":
        terminal.show(f"cfn-lint: 0 errors, warnings and informational findings in {len(paths)} templates")


@verb("docs", option("--check", is_flag=True, help="Compare instead of writing; exit with 1 on a difference."))
def docs(check: bool) -> None:
    """Write the documents and parts of documents that are generated from the code and from `out/`."""
    from cicd_templates.layer.discovery import project_layers
    from cicd_templates.reference.configuration import configuration_reference
    from cicd_templates.reference.documents import generated_documents
    from cicd_templates.reference.lint_rules import rules_reference
    from cicd_templates.reference.rollouts import rollouts_page
    from cicd_templates.review.revision import templates_in

    generated = generated_documents(templates_in(OUT))
    whole = {
        CONFIGURATION_DOC: configuration_reference(),
        ROLLOUTS_DOC: rollouts_page(project_layers()),
        RULES_DOC: rules_reference(),
    }
    stale = []
    for path, text in (whole | generated).items():
        if path.exists() and path.read_text(encoding="utf-8") == text:
            terminal.show(f"{path} is up to date")
        elif check:
            stale.append(str(path))
        else:
            path.write_text(text, encoding="utf-8")
            terminal.show(f"wrote {path}")
    if stale:
        raise CicdError(f"out of date: {', '.join(stale)}; run `make fmt` and review the diff")
