"""The command `rehearse`, which runs the rendered pipeline on this machine instead of AWS."""

from __future__ import annotations

import os
import shutil
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from cicd_templates import hints
from cicd_templates.cli import selection, terminal
from cicd_templates.cli.command import verb
from cicd_templates.cli.options import JSON, SUFFIX, YES, make_option
from cicd_templates.errors import CicdError, ConfigurationError
from cicd_templates.files.private_files import write_privately

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from cicd_templates.deploy.releases.archives import Archive
    from cicd_templates.deploy.releases.templates_commit import TemplatesCommit
    from cicd_templates.rehearsal.build_tools import BuildTools
    from cicd_templates.rehearsal.deployed_pipeline import DeployedPipeline
    from cicd_templates.rehearsal.pipeline_run import PipelineRun
    from cicd_templates.rehearsal.result import RehearsalResult
    from cicd_templates.template.stack_template import StackTemplate

OUTPUT = Path(".state/rehearsal")
EVIDENCE = "evidence"
NETWORK = ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "SSL_CERT_FILE", "PIP_INDEX_URL", "PIP_CERT")


@verb(
    "rehearse",
    SUFFIX,
    make_option(
        "--service",
        variable="SERVICE",
        narrows=True,
        help="Comma-separated names of the services to release, one after the other.",
    ),
    make_option("--app", variable="APP", default="", help="Git work tree, folder or .zip file to release."),
    make_option(
        "--example",
        variable="EXAMPLE",
        default="",
        help="Rehearse this example with its own configuration and source, instead of your project.",
    ),
    YES,
    make_option("--refuse", variable="REFUSE", is_flag=True, help="Refuse every approval."),
    make_option(
        "--tools",
        variable="TOOLS",
        type=Path,
        help="Virtual environment with the tools of the checks; default: the virtual environment of this program.",
    ),
    make_option(
        "--token",
        "tokens",
        variable="TOKENS",
        multiple=True,
        help="Comma-separated names of environment variables that hold access tokens for the web services of checks.",
    ),
    make_option("--output", type=Path, default=OUTPUT, help=f"Folder for the results, {OUTPUT} by default."),
    JSON,
)
def rehearse(
    app: str,
    example: str,
    yes: bool,
    refuse: bool,
    tools: Path | None,
    tokens: tuple[str, ...],
    output: Path,
    service: str | None,
    suffix: str | None,
    as_json: bool,
) -> None:
    """Run the rendered pipeline on this machine, on a separate local AWS that enforces IAM.

    Several services are released one after the other, on the same local AWS. So a worker can receive messages from
    the services that were released before it.
    """
    from cicd_templates.local import engine_process as local_engine
    from cicd_templates.rehearsal import check_reports, report, result
    from cicd_templates.rehearsal.rehearse import run_rehearsal
    from cicd_templates.rehearsal.sessions import root

    _refuse_contradictions(app, example, suffix, yes=yes, refuse=refuse)
    prepared = _prepared(tools)
    given = _given([name for names in tokens for name in names.split(",")])
    request = _request(app, example, suffix, service)
    if as_json and len(request.services) > 1:
        raise ConfigurationError(
            f"{'FORMAT=json' if hints.under_make() else '--json'} can print the result of only one service; choose the"
            f" service with {hints.option('SERVICE')}"
        )
    selection.require_answers(yes or refuse)
    confirm = (lambda question: False) if refuse else selection.confirmation(yes)

    def say(text: str) -> None:
        terminal.show_page(text, err=as_json)

    def tell(step: result.ActionProgress) -> None:
        if step.state is not result.ActionState.NOT_REACHED:
            say(report.progress(step))

    def start(definition: DeployedPipeline, seconds: float | None) -> None:
        say(f"rehearsed templates: {request.commit.problem or request.commit.description}")
        say(report.heading(definition.pipeline, len(request.stacks), seconds))

    if _lacks_postgresql(request.stacks):
        say(
            "PostgreSQL is not installed on this machine, so no task can connect to a database (apt install postgresql)"
        )
    several = len(request.services) > 1
    with local_engine.running(auth=True, tls=True) as engine:
        for number, name in enumerate(request.services):
            kept = output / str(name) if several else output
            with run_rehearsal(
                engine,
                request.stacks,
                name,
                request.archive,
                tools=prepared,
                tokens=given,
                network={name: value for name, value in os.environ.items() if name.upper() in NETWORK},
                confirm=confirm,
                commit=request.commit,
                on_progress=tell,
                on_start=start if number == 0 else lambda definition, _: start(definition, None),
                deploy=number == 0,
            ) as rehearsal:
                setup = rehearsal.run.setup
                s3 = root(setup.endpoint, setup.account, setup.region, setup.secret).client("s3")
                reports = check_reports.read_check_reports(s3, rehearsal.run.artifacts.values())
                signed = _evidence_of(rehearsal.run, kept / EVIDENCE)
            finish(rehearsal.result, reports, kept, say, as_json, signed=signed, SERVICE=name, EXAMPLE=example)
    if several:
        say(f"released one after the other in the same local AWS: {', '.join(map(str, request.services))}")


@dataclass(frozen=True)
class _Request:
    """The templates, the source and the services of a rehearsal. If the user named no service, `services` contains
    only None.
    """

    stacks: list[StackTemplate]
    archive: Archive
    commit: TemplatesCommit
    services: Sequence[str | None]


def _refuse_contradictions(app: str, example: str, suffix: str | None, *, yes: bool, refuse: bool) -> None:
    """Raise `ConfigurationError` if two options contradict each other, or if no option names a source."""
    if not app and not example:
        raise ConfigurationError(
            f"which source? Name a git work tree, a folder or a .zip file with {hints.option('APP')},"
            f" or an example with {hints.option('EXAMPLE')}"
        )
    if example and (app or suffix):
        raise ConfigurationError(
            f"{hints.option('EXAMPLE', example)} has a source and templates of its own;"
            f" omit {hints.option('APP')} and {hints.option('SUFFIX')}"
        )
    if yes and refuse:
        raise ConfigurationError(
            f"{hints.option('YES', value=True)} and {hints.option('REFUSE', value=True)} exclude each other: "
            "an approval is either given or refused"
        )


def _request(app: str, example: str, suffix: str | None, service: str | None) -> _Request:
    """Return the templates, the source and the services for a rehearsal of the user's project or of `example`.

    Raises `ConfigurationError` if something is missing, if a service has no pipeline, or if a service is named twice.
    """
    from cicd_templates.cli.example_project import render_example
    from cicd_templates.deploy.releases.archives import source_archive
    from cicd_templates.deploy.releases.templates_commit import TemplatesCommit, find_templates_commit
    from cicd_templates.files.paths import rendered_folder
    from cicd_templates.rehearsal.deployed_pipeline import pipeline_stack, read_every_stack

    services: Sequence[str | None] = _services(service) if service else [None]
    folder, source = rendered_folder(suffix), Path(app)
    if example:
        project = render_example(example)
        folder, source, services = project.templates, project.source, services if service else project.services
    stacks = read_every_stack(folder, suffix)
    for name in services:
        pipeline_stack(stacks, name)
    archive = source_archive(source)
    if example:
        commit = TemplatesCommit(problem=f"the templates are rendered for the example {example}")
    else:
        commit = TemplatesCommit() if suffix else find_templates_commit(folder, stacks)
    return _Request(stacks, archive, commit, services)


def _services(names: str) -> list[str]:
    """Split a list of services at its commas, and return the names without blanks around them."""
    services = [name.strip() for name in names.split(",")]
    if "" in services:
        raise ConfigurationError(
            f"{hints.option('SERVICE', names)} has an empty name; separate the names with one comma"
        )
    if repeated := [name for name in services if services.count(name) > 1]:
        raise ConfigurationError(
            f"{hints.option('SERVICE', names)} names {repeated[0]} more than once; name each service once"
        )
    return services


def _lacks_postgresql(stacks: Sequence[StackTemplate]) -> bool:
    """Return whether the stacks have a database, but PostgreSQL is not installed on this machine."""
    from cicd_templates.rehearsal import databases, postgresql

    types = {resource["Type"] for stack in stacks for resource in stack.resources.values()}
    return databases.CLUSTER_TYPE in types and postgresql.find_programs() is None


def finish(
    outcome: RehearsalResult,
    reports: Mapping[str, str],
    output: Path,
    say: Callable[[str], None],
    as_json: bool,
    *,
    signed: list[str] | CicdError | None = None,
    **judged: str | None,
) -> None:
    """Print the result of a rehearsal, and write its files to the folder `output`.

    - `reports` maps paths below `output/reports` to the reports of the checks. Reports of an earlier rehearsal are
      deleted.
    - `signed` lists the environments without a signed statement, because the release did not reach them. If the
      evidence cannot be verified, `signed` is an error. If the rehearsal wrote no evidence, `signed` is None.
    - `judged` has variables for `make gate`, the command with which the user can judge the reports.

    Raises `CicdError` if the rehearsal did not succeed, or if `signed` is an error.
    """
    from cicd_templates.rehearsal import report, result

    say(report.closing_lines(outcome))
    files = {
        "rehearsal.json": result.as_json(outcome),
        "rehearsal.xml": result.as_junit(outcome),
        "grants.md": report.matrix(outcome.grants),
    }
    for name, text in files.items():
        write_privately(output / name, text)
    shutil.rmtree(output / "reports", ignore_errors=True)
    for name, text in reports.items():
        write_privately(output / "reports" / name, text)
    judge = hints.make("gate", REPORTS=str(output / "reports"), **judged)
    say(f"wrote {', '.join(files)} and the reports of the checks in {output}; {judge}")
    if isinstance(signed, list):
        verify = hints.make("verify-evidence", FOLDER=str(output / EVIDENCE), NOT_ATTESTED=",".join(signed))
        say(f"verified the signed evidence of the release and wrote it to {output / EVIDENCE}; {verify}")
    if as_json:
        terminal.show_page(files["rehearsal.json"])
    if not outcome.succeeded:
        raise CicdError(report.outcome_line(outcome))
    if isinstance(signed, CicdError):
        raise signed


def _evidence_of(run: PipelineRun, folder: Path) -> list[str] | CicdError | None:
    """Call `write_release_evidence`, and return its result or the error that it raised.

    The error is not raised, so that the caller can first show the result of the rehearsal. This result can show the
    cause of the error.
    """
    from cicd_templates.rehearsal.release_evidence import write_release_evidence

    try:
        return write_release_evidence(run, folder)
    except CicdError as error:
        return error


def _prepared(tools: Path | None) -> BuildTools:
    from cicd_templates.rehearsal.build_tools import BuildTools

    prefix = tools or Path(sys.prefix)
    if not (prefix / "pyvenv.cfg").is_file():
        raise ConfigurationError(
            f"{prefix}: not a virtual environment; "
            f"with {hints.option('TOOLS')}, name one that contains the tools of the checks"
        )
    return BuildTools(prefix)


def _given(names: list[str]) -> dict[str, str]:
    """Return the access tokens for the checks, keyed by the `names` of the environment variables that hold them.

    The user passes only the names as command-line arguments, because every user of the machine can see arguments.
    """
    if missing := [name for name in names if not os.environ.get(name)]:
        raise ConfigurationError(
            f"{hints.option('TOKENS', missing[0], name='--token')}: "
            f"the environment variable {missing[0]} is missing or empty"
        )
    return {name: os.environ[name] for name in names}
