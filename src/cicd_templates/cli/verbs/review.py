"""The command `review`, which compares the rendered templates with those of another git revision."""

from __future__ import annotations

from cicd_templates import hints
from cicd_templates.cli import terminal
from cicd_templates.cli.command import verb
from cicd_templates.cli.options import make_option
from cicd_templates.errors import ConfigurationError
from cicd_templates.files.paths import rendered_folder


@verb("review", make_option("--base", variable="BASE", help="Compare with this git revision, such as main or HEAD~1."))
def review(base: str | None) -> None:
    """Print a Markdown description of all changes in out/ since a git revision."""
    from cicd_templates.review import changes_page, revision

    if not base:
        raise ConfigurationError(
            f"compare with which revision? Name it with {hints.option('BASE')}, such as main or HEAD~1"
        )
    folder = rendered_folder(None)
    before, after = revision.templates_at(base, folder.as_posix()), revision.templates_in(folder)
    terminal.show_page(changes_page.comparison(f"What changes in {folder}/ since {base}", before, after))
