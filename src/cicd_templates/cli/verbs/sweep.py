"""The command `sweep`, which destroys expired copies of environments."""

from __future__ import annotations

from datetime import UTC, datetime

from cicd_templates.cli import selection
from cicd_templates.cli.command import verb
from cicd_templates.cli.options import ENV, JSON, LOCAL, YES, make_option
from cicd_templates.errors import CicdError
from cicd_templates.plurals import counted


@verb(
    "sweep",
    ENV,
    LOCAL,
    YES,
    JSON,
    make_option(
        "--older-than",
        variable="OLDER_THAN",
        default="1h",
        show_default=True,
        help="Destroy only copies whose last deployment is longer ago than this, such as 48h or 7d.",
    ),
)
def sweep(env: str | None, local: bool, yes: bool, as_json: bool, older_than: str) -> None:
    """List the disposable copies of environments and destroy those that have expired."""
    from cicd_templates.deploy.destruction import sweep as sweeping
    from cicd_templates.deploy.destruction.remainders import refuse_unexplained
    from cicd_templates.deploy.reporting import report

    age = sweeping.parse_age(older_than)
    reporter = report.reporter(as_json=as_json)
    copies = [
        (account, copy)
        for account in selection.accounts(env or "all", local)
        for copy in sweeping.find_copies(account.clients, account.scope, age, datetime.now(UTC))
    ]
    for _, copy in copies:
        fate = f"kept: {copy.stays}" if copy.stays else "expired"
        reporter.report(report.Note(f"{copy.scope.qualified}: {counted(copy.stacks, 'stack')}, {fate}"))
    swept = [(account, copy) for account, copy in copies if not copy.stays]
    if not swept:
        reporter.report(report.Note("no copy has expired"))
        return
    if not selection.confirmation(yes)(f"Destroy {counted(len(swept), 'copy', 'copies')}?"):
        raise CicdError("declined, nothing was deleted")
    with selection.detaching():
        unexplained = sum(account.sweep(copy.scope, reporter) for account, copy in swept)
    refuse_unexplained(unexplained)
