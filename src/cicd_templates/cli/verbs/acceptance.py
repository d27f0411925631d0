"""The command `acceptance`, which proves that this tool works, on the user's accounts or on the local AWS."""

from __future__ import annotations

from typing import TYPE_CHECKING

from cicd_templates.cli.command import verb
from cicd_templates.cli.options import YES, make_option

if TYPE_CHECKING:
    from cicd_templates.acceptance.check import Check
    from cicd_templates.acceptance.journal import Entry


@verb(
    "acceptance",
    make_option(
        "--local",
        variable="LOCAL",
        narrows=True,
        is_flag=True,
        help="Use a local AWS, which the run starts and stops, instead of your accounts.",
    ),
    YES,
)
def acceptance(local: bool, yes: bool) -> None:
    """Prove that this tool works: deploy, release, break and destroy a separate project, and write a report."""
    from cicd_templates.cli import selection
    from cicd_templates.cli.acceptance_run import continue_run
    from cicd_templates.config.load import read_configuration
    from cicd_templates.files.paths import CONFIGURATION

    with selection.detaching("stopped in the middle of a check; run the same command again to continue"):
        continue_run(read_configuration(CONFIGURATION), selection.confirmation(yes), _show, local=local)


def _show(check: Check, entry: Entry | None) -> None:
    from cicd_templates.cli import terminal

    if entry is None:
        terminal.show(f"  {check.name}: {check.proves}")
    else:
        terminal.show(f"  {check.name}: {entry.state.value}, {entry.seconds:.1f} s: {entry.answer}")
