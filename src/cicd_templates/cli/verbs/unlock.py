"""The command `unlock`, which removes the lock of an environment."""

from __future__ import annotations

from typing import Any

from cicd_templates.cli import selection, terminal
from cicd_templates.cli.command import verb
from cicd_templates.cli.options import ENV, LOCAL, SUFFIX, make_option


@verb(
    "unlock",
    ENV,
    SUFFIX,
    LOCAL,
    make_option(
        "--holder",
        variable="HOLDER",
        default="",
        help="Id of the command that holds the lock. The error of a refused command shows this id.",
    ),
)
def unlock(holder: str, **options: Any) -> None:
    """Remove the lock that a command left on an environment. --holder must be the id of the command that holds the
    lock.
    """
    for target in selection.targets(layer=None, service=None, **options):
        broken = target.lock().break_by_name(holder)
        terminal.show(
            f"{target.environment}: removed the lock of {broken}" if broken else f"{target.environment}: is not locked"
        )
