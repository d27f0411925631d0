"""The command `lint`, which checks the rendered templates with cfn-lint. It does not call AWS."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from cicd_templates import hints
from cicd_templates.cli import terminal
from cicd_templates.cli.command import verb
from cicd_templates.cli.options import SUFFIX, make_option
from cicd_templates.errors import CicdError
from cicd_templates.files.ordinary_files import find_link, refuse_special
from cicd_templates.files.paths import rendered_folder
from cicd_templates.plurals import counted

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from cicd_templates.lint.formats import LintFinding

FORM = make_option(
    "--format",
    "form",
    variable="FORMAT",
    type=click.Choice(("text", "sarif", "github")),
    default="text",
    show_default=True,
    help="Format of the findings: text, SARIF for tools, or annotations for a pull request on GitHub.",
)


@verb("lint", FORM, SUFFIX)
def lint(form: str, suffix: str | None) -> None:
    """Lint the rendered templates with cfn-lint and the rules of docs/rules.md; exit with 1 if there is a finding."""
    from cicd_templates.lint import formats
    from cicd_templates.lint.cached_findings import lint_changed
    from cicd_templates.lint.run import lint_templates

    folder = rendered_folder(suffix)
    paths = sorted(path for kind in ("yaml", "json") for path in folder.glob(f"*/*.{kind}"))
    for path in paths:
        if link := find_link(folder, path.relative_to(folder).as_posix()):
            raise CicdError(
                f"{link}: is a link to {link.readlink()}, so its content can change without a trace; remove it:"
                f" `{hints.remove_files([str(link)])}`, then run `{hints.make('render', SUFFIX=suffix)}`"
            )
        refuse_special(path)

    def lint_visibly(changed: Sequence[Path]) -> list[LintFinding]:
        with terminal.working(f"cfn-lint and our rules check {counted(len(changed), 'template')}"):
            return lint_templates(changed, suffix)

    found, changed = lint_changed(paths, lint_visibly)
    write = {"text": formats.as_text, "sarif": formats.as_sarif, "github": formats.as_github}[form]
    if found or form == "sarif":
        terminal.show_page(write(found))
    if found:
        raise CicdError(
            f"cfn-lint: {counted(len(found), 'finding')} in {counted(len(paths), 'template')}; "
            "docs/rules.md explains the rules E91... and W91..."
        )
    if form != "sarif":
        terminal.show(f"cfn-lint: no findings of any severity in {len(paths)} templates; {changed} of them linted anew")
