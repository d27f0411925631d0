"""The commands review and upgrade-check, which compare rendered templates."""

from __future__ import annotations

from typing import TYPE_CHECKING

from cicd_templates import hints
from cicd_templates.cli import selection, terminal
from cicd_templates.cli.command import verb
from cicd_templates.cli.options import YES, option
from cicd_templates.errors import CicdError, ConfigurationError
from cicd_templates.paths import OUT

if TYPE_CHECKING:
    from cicd_templates.template.stack_template import StackTemplate


@verb("review", option("--base", variable="BASE", help="Revision to compare with, such as main or HEAD~1."))
def review(base: str | None) -> None:
    """Describe in words what changed in out/ since a revision, as Markdown."""
    from cicd_templates.review import revision

    if not base:
        raise ConfigurationError(
            f"compare with which revision? Name it with {hints.option('BASE')}, such as main or HEAD~1"
        )
    before, after = revision.templates_at(base, OUT.as_posix()), revision.templates_in(OUT)
    terminal.show_page(_compared(f"What changes in out/ since {base}", before, after))


@verb(
    "upgrade-check",
    option("--ref", variable="REF", help="Revision of this tool to render with, such as origin/main or a tag."),
    YES,
)
def upgrade_check(ref: str | None, yes: bool) -> None:
    """Describe in words what another revision of the tool would change in out/; runs its code."""
    import tempfile
    from pathlib import Path

    from cicd_templates.review import revision, upgrade

    if not ref:
        raise ConfigurationError(
            f"render with which revision of the tool? Name it with {hints.option('REF')}, such as a tag"
        )
    commit, before = revision.commit_of(ref), revision.templates_in(OUT)
    question = f"Run the code of {ref} ({commit[:12]}) on this machine, as you but without your credentials?"
    if not selection.confirmation(yes)(question):
        raise CicdError("declined; nothing of that revision was run")
    with tempfile.TemporaryDirectory() as folder:
        after = upgrade.render_with(commit, Path(folder))
    terminal.show_page(_compared(f"What {ref} of the tool would change in out/", before, after))


def _compared(title: str, before: list[StackTemplate], after: list[StackTemplate]) -> str:
    from cicd_templates.review.changes import template_changes
    from cicd_templates.review.changes_page import markdown
    from cicd_templates.review.reviewed_stacks import review_stacks
    from cicd_templates.template.schemas import create_only

    changes = template_changes(review_stacks(before), review_stacks(after), create_only)
    stacks = {(stack.environment, stack.label) for stack in (*before, *after)}
    return markdown(title, changes, len(stacks))
