"""Begins or continues an acceptance run.

This module manages the run's journal, project, local AWS and report, and lists the remaining resources.
"""

from __future__ import annotations

import platform
import shutil
import time
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import Any

from cicd_templates import hints
from cicd_templates.acceptance import estimate, local_aws
from cicd_templates.acceptance.access import access_of, zones_of
from cicd_templates.acceptance.check import CheckContext, State
from cicd_templates.acceptance.checks import CHECKS
from cicd_templates.acceptance.commands import Commands
from cicd_templates.acceptance.journal import FOLDER, JOURNAL, Journal, locked, new_journal, read_journal
from cicd_templates.acceptance.orders import post
from cicd_templates.acceptance.project import RUNTIME, EnvironmentAccess, Project, settings_of
from cicd_templates.acceptance.report import Report, as_json, as_markdown, report_of
from cicd_templates.acceptance.run import Listener, run_checks
from cicd_templates.cli import terminal
from cicd_templates.config.environment import Configuration
from cicd_templates.deploy.aws.access import Access
from cicd_templates.deploy.aws.clients import Clients, aws_clients, local_clients, session_clients
from cicd_templates.errors import CicdError, DetachedError, RefusedError
from cicd_templates.files.private_files import make_private_folder, write_privately
from cicd_templates.local.engine_process import DEFAULT_PYTHON

TOOL = Path(__file__).parents[3]
REPORT = "acceptance-report"


def continue_run(
    configuration: Configuration, confirm: Callable[[str], bool], listener: Listener, *, local: bool
) -> None:
    """Begin a run if the user agrees, or continue the unfinished run. Run the remaining checks, and write the report.

    Raises these errors:

    - `CicdError`: a check failed.
    - `DetachedError`: a check stopped, but an operation that it started continues in AWS.
    - `RefusedError`: the user declined.
    - `RefusedError`: an earlier run is unfinished, and its accounts or regions differ from those of the configuration.
    - `RefusedError`: an earlier run on AWS is unfinished, and `local` is true.
    - `RefusedError`: an earlier run on the local AWS is unfinished, and `local` is false.
    """
    with locked(FOLDER) as held:
        accesses = access_of(configuration)
        if not local:
            accesses = {name: _with_caller(access) for name, access in accesses.items()}
        journal = _journal(accesses, local=local)
        project = Project(FOLDER.absolute() / "project", TOOL, journal.suffix, accesses, local)
        if local and not journal.facts.get("finished") and local_aws.find(project) is None:
            journal = _begin_again(journal)
            project = replace(project, suffix=journal.suffix)
        clients = _Clients(project)
        commands = Commands(project.folder, TOOL, journal.suffix, local, held)
        context = CheckContext(
            project,
            commands,
            clients.of,
            lambda environment, credentials: session_clients(accesses[environment].region, credentials),
            post,
            time.time,
            time.sleep,
            journal.save,
            journal.facts,
        )
        if not journal.path.exists():
            _agree(confirm, accesses, local=local)
            _begin(context)
            journal.save()
        if not journal.facts.get("finished"):
            run_checks(CHECKS, context, journal, listener)
        _finish(journal, project)


def _with_caller(access: EnvironmentAccess) -> EnvironmentAccess:
    """If `access` has a `role_arn`, add `caller_account`, the account of the user's own credentials.

    The user's own credentials assume the roles of the run, so the trust policies of these roles name this account.
    """
    if not access.role_arn:
        return access
    caller = aws_clients(Access(access.region, access.profile)).sts.get_caller_identity()
    return replace(access, caller_account=caller["Account"])


def _journal(accesses: dict[str, EnvironmentAccess], *, local: bool) -> Journal:
    """Return the journal of the unfinished run. If there is none, return the journal of a new run."""
    known = {name: f"{access.account} {access.region}" for name, access in accesses.items()}
    journal = read_journal(FOLDER / JOURNAL)
    if journal is None:
        return new_journal(FOLDER / JOURNAL, known, _now(), local=local)
    if journal.local != local:
        where = "the local AWS" if journal.local else "AWS"
        again = hints.make("acceptance", LOCAL=journal.local)
        raise RefusedError(f"a run on {where} is not finished; continue it with `{again}`")
    if dict(journal.accounts) != known:
        raise RefusedError(
            "templates/environments.toml no longer has the accounts and regions of the unfinished run; restore these"
            f" accounts and regions, and continue the run with `{hints.make('acceptance', LOCAL=local)}`"
        )
    return journal


def _begin_again(journal: Journal) -> Journal:
    """Replace `journal`, whose local AWS has stopped, with the journal of a new run. Return the new journal.

    All resources of the earlier run are gone with its local AWS.
    """
    journal.remove()
    return new_journal(journal.path, journal.accounts, _now(), local=True)


def _agree(confirm: Callable[[str], bool], accesses: dict[str, EnvironmentAccess], *, local: bool) -> None:
    accounts = {access.account for access in accesses.values()}
    regions = sorted({access.region for access in accesses.values()})
    for line in estimate.lines(local=local, accounts=len(accounts), regions=regions, checks=len(CHECKS)):
        terminal.show(line)
    if not confirm("Begin the acceptance run?"):
        raise RefusedError("declined; nothing was made")


def _begin(context: CheckContext) -> None:
    """Start the local AWS if the run needs one, then write and render the project. After a failure, stop the local AWS.

    The last checks use the rendered project to destroy the stacks that earlier checks have deployed.
    """
    project = context.project
    # A run that was killed while it began may have left a local AWS, and its folder.
    local_aws.stop(project)
    shutil.rmtree(project.folder, ignore_errors=True)
    make_private_folder(project.folder)
    try:
        if project.local:
            local_aws.start(project, DEFAULT_PYTHON)
        zones = {name: zones_of(context.clients(name).ec2, project.access[name].region) for name in RUNTIME}
        context.facts["settings"] = {"zones": zones}
        project.write(settings_of(context.facts))
        context.commands.run("render", "--suffix", project.suffix)
    except BaseException:
        local_aws.stop(project)
        raise


class _Clients:
    """The AWS clients of the user, created once for each environment."""

    def __init__(self, project: Project) -> None:
        self._project = project
        self._known: dict[str, Clients] = {}

    def of(self, environment: str) -> Any:
        """Return the clients of an environment."""
        if environment not in self._known:
            access = self._project.access[environment]
            if self._project.local:
                engine = local_aws.find(self._project)
                if engine is None:
                    raise CicdError("the local AWS of the run has stopped; run the same command again")
                made = local_clients(engine.url, access.account, access.region, engine.secret)
            else:
                made = aws_clients(Access(access.region, access.profile, access.role_arn, access.external_id))
            self._known[environment] = made
        return self._known[environment]


def _finish(journal: Journal, project: Project) -> None:
    """Write the report, remove the run's local files, and list the resources that remain in AWS."""
    report = report_of(
        CHECKS,
        journal,
        project.access.values(),
        version=version("cicd-templates"),
        python=platform.python_version(),
        ended=_now(),
    )
    write_privately(FOLDER / f"{REPORT}.json", as_json(report))
    write_privately(FOLDER / f"{REPORT}.md", as_markdown(report))
    terminal.show(f"wrote {FOLDER / REPORT}.md and .json, without account ids, names and tokens")
    waiting = report.having(State.WAITING)
    if waiting:
        raise DetachedError(f"{waiting[0].name} waits: {waiting[0].answer}", under_way=False)
    gone = journal.local or journal.entries[CHECKS[-1].name].state is State.PASSED
    if gone:
        journal.facts["finished"] = True
        journal.save()
        local_aws.stop(project)
        shutil.rmtree(project.folder, ignore_errors=True)
        journal.remove()
        terminal.show("nothing of the run is left")
    else:
        _show_what_is_left(journal)
    _require_success(report)


def _show_what_is_left(journal: Journal) -> None:
    terminal.show(f"resources with `{journal.suffix}` in their names still exist in the accounts of the run")
    terminal.show(
        f"`{hints.make('acceptance', LOCAL=journal.local)}` tries again to remove these resources, and lists the rest"
    )


def _require_success(report: Report) -> None:
    if failed := report.having(State.FAILED):
        raise CicdError(f"{len(failed)} of {len(report.rows)} checks failed: {', '.join(row.name for row in failed)}")


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="seconds")
