"""The command `comment`: reads plans and templates, and writes a comment for a pull request. It does not call AWS."""

from __future__ import annotations

from pathlib import Path

import click

from cicd_templates import hints
from cicd_templates.cli import terminal
from cicd_templates.cli.command import verb
from cicd_templates.cli.options import LOCAL, make_option
from cicd_templates.errors import ConfigurationError
from cicd_templates.files.paths import CONFIGURATION, STATE, rendered_folder
from cicd_templates.plurals import counted


@verb(
    "comment",
    make_option("--base", variable="BASE", help="Compare the templates with this git revision, such as origin/main."),
    make_option(
        "--plan",
        "plan_files",
        variable="PLAN",
        default="",
        help="Comma-separated paths of plan files; by default all previews in .state/previews/.",
    ),
    make_option(
        "--out",
        variable="OUT",
        type=click.Path(path_type=Path, dir_okay=False),
        help="File for the comment; by default comment.md beside the previews. The page plan.html is written to the"
        " same folder.",
    ),
    LOCAL,
)
def comment(base: str | None, plan_files: str, out: Path | None, local: bool) -> None:
    """Write a comment for a pull request: what changes in each environment, what is lost, and whose permissions grow.

    The file is short enough for a comment on GitHub. A page with all plans is written beside it.
    """
    from cicd_templates.config.load import read_configuration
    from cicd_templates.deploy.plans import comment as comments
    from cicd_templates.deploy.plans import document
    from cicd_templates.deploy.plans.web_page.page import plan_page
    from cicd_templates.files.private_files import write_privately
    from cicd_templates.review import changes_page, revision

    if not base:
        raise ConfigurationError(
            f"compare with which revision? Name it with {hints.option('BASE')}, such as origin/main"
        )
    rendered = rendered_folder(None)
    folder = (STATE / "local" if local else STATE) / "previews"
    paths = [Path(path) for path in plan_files.split(",") if path] or sorted(folder.glob("*.json"))
    read = {plan.environment: plan for plan in map(document.read, paths)}
    names = [environment.qualified for environment in read_configuration(CONFIGURATION).deploy_order]
    plans = [read[name] for name in [*names, *(name for name in read if name not in names)] if name in read]
    review = changes_page.comparison(
        f"What changes in {rendered}/ since {base}",
        revision.templates_at(base, rendered.as_posix()),
        revision.templates_in(rendered),
    )
    path = out or folder / "comment.md"
    write_privately(path, comments.comment(plans, review, base, [name for name in names if name not in read]))
    terminal.show(f"written to {path}")
    if plans:
        page = path.with_name("plan.html")
        write_privately(page, plan_page(plans, hints.make("plan", ENV="all", LOCAL=local)))
        terminal.show(f"the page of {counted(len(plans), 'plan')}: {page}")
