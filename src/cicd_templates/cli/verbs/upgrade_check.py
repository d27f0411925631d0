"""The command `upgrade-check`, which shows what another revision of this tool would render differently."""

from __future__ import annotations

from cicd_templates import hints
from cicd_templates.cli import selection, terminal
from cicd_templates.cli.command import verb
from cicd_templates.cli.options import YES, make_option
from cicd_templates.errors import CicdError, ConfigurationError
from cicd_templates.files.paths import rendered_folder


@verb(
    "upgrade-check",
    make_option("--ref", variable="REF", help="Revision of this tool to render with, such as origin/main or a tag."),
    YES,
)
def upgrade_check(ref: str | None, yes: bool) -> None:
    """Describe in words what the given revision of this tool would change in out/. Runs the code of that revision."""
    import tempfile
    from pathlib import Path

    from cicd_templates.review import changes_page, revision, upgrade

    if not ref:
        raise ConfigurationError(
            f"which revision of the tool should render? Name it with {hints.option('REF')}, such as a tag"
        )
    commit, before = revision.commit_of(ref), revision.templates_in(rendered_folder(None))
    question = f"Run the code of {ref} ({commit[:12]}) on this machine, as your user but without your credentials?"
    if not selection.confirmation(yes)(question):
        raise CicdError("declined; no code of that revision was run")
    with tempfile.TemporaryDirectory() as folder:
        after = upgrade.render_with(commit, Path(folder))
    terminal.show_page(
        changes_page.comparison(f"Changes that revision {ref} of this tool would make in out/", before, after)
    )
