"""The command `rehearse`, which runs the rendered pipeline on this machine instead of AWS."""

from __future__ import annotations

import os
import shutil
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from cicd_templates import hints
from cicd_templates.cli import selection, terminal
from cicd_templates.cli.command import verb
from cicd_templates.cli.options import JSON, SERVICE, SUFFIX, YES, make_option
from cicd_templates.errors import CicdError, ConfigurationError
from cicd_templates.files.private_files import write_privately

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from cicd_templates.rehearsal.build_tools import BuildTools
    from cicd_templates.rehearsal.deployed_pipeline import DeployedPipeline
    from cicd_templates.rehearsal.result import RehearsalResult

OUTPUT = Path(".state/rehearsal")
EVIDENCE = "evidence"
NETWORK = ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "SSL_CERT_FILE", "PIP_INDEX_URL", "PIP_CERT")


@verb(
    "rehearse",
    SUFFIX,
    SERVICE,
    make_option("--app", variable="APP", default="", help="Git work tree, folder or .zip file to release."),
    YES,
    make_option("--refuse", variable="REFUSE", is_flag=True, help="Refuse every approval."),
    make_option(
        "--tools",
        variable="TOOLS",
        type=Path,
        help="Virtual environment with the tools of the checks; by default, the one of this program.",
    ),
    make_option(
        "--token",
        "tokens",
        variable="TOKENS",
        multiple=True,
        help="Environment variables with access tokens, separated with commas; checks then call their services.",
    ),
    make_option("--output", type=Path, default=OUTPUT, help=f"Folder for the results, {OUTPUT} by default."),
    JSON,
)
def rehearse(
    app: str,
    yes: bool,
    refuse: bool,
    tools: Path | None,
    tokens: tuple[str, ...],
    output: Path,
    service: str | None,
    suffix: str | None,
    as_json: bool,
) -> None:
    """Run the rendered pipeline on this machine, on a separate local AWS that enforces IAM."""
    from cicd_templates.deploy.releases import archives
    from cicd_templates.deploy.releases.templates_commit import TemplatesCommit, find_templates_commit
    from cicd_templates.files.paths import rendered_folder
    from cicd_templates.local import engine_process as local_engine
    from cicd_templates.rehearsal import check_reports, deployed_pipeline, report, result
    from cicd_templates.rehearsal.rehearse import run_rehearsal
    from cicd_templates.rehearsal.release_evidence import write_release_evidence
    from cicd_templates.rehearsal.sessions import root

    if not app:
        raise ConfigurationError(
            f"which source? Name a git work tree, a folder or a .zip file with {hints.option('APP')}"
        )
    if yes and refuse:
        raise ConfigurationError(
            f"{hints.option('YES', value=True)} and {hints.option('REFUSE', value=True)} exclude each other: "
            "an approval is either given or refused"
        )
    prepared = _prepared(tools)
    given = _given([name for names in tokens for name in names.split(",")])
    folder = rendered_folder(suffix)
    stacks = deployed_pipeline.read_every_stack(folder, suffix)
    archive = archives.source_archive(Path(app))
    selection.require_answers(yes or refuse)
    confirm = (lambda question: False) if refuse else selection.confirmation(yes)

    def say(text: str) -> None:
        terminal.show_page(text, err=as_json)

    def tell(step: result.ActionProgress) -> None:
        if step.state is not result.ActionState.NOT_REACHED:
            say(report.progress(step))

    commit = TemplatesCommit() if suffix else find_templates_commit(folder, stacks)

    def start(definition: DeployedPipeline, seconds: float) -> None:
        say(f"templates: rehearsed as they are in the work tree: {commit.problem or commit.description}")
        say(report.heading(definition.pipeline, len(stacks), seconds))

    with (
        local_engine.running(auth=True, tls=True) as engine,
        run_rehearsal(
            engine,
            stacks,
            service,
            archive,
            tools=prepared,
            tokens=given,
            network={name: value for name, value in os.environ.items() if name.upper() in NETWORK},
            confirm=confirm,
            on_progress=tell,
            on_start=start,
        ) as rehearsal,
    ):
        outcome = rehearsal.result
        setup = rehearsal.run.setup
        s3 = root(setup.endpoint, setup.account, setup.region, setup.secret).client("s3")
        reports = check_reports.read_check_reports(s3, rehearsal.run.artifacts.values())
        signed = write_release_evidence(rehearsal.run, output / EVIDENCE)
    finish(outcome, reports, output, say, as_json, signed=signed)


def finish(
    outcome: RehearsalResult,
    reports: Mapping[str, str],
    output: Path,
    say: Callable[[str], None],
    as_json: bool,
    *,
    signed: bool = False,
) -> None:
    """Print the result of a rehearsal, the local run of the pipeline, and write its files into the folder `output`.

    `reports` maps paths below `output/reports` to the reports of the checks, which are written there. The reports of an
    earlier rehearsal are removed. `signed` says whether the run left signed evidence in `output/evidence`. Raises
    `CicdError` if the rehearsal did not succeed.
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
    say(f"wrote {', '.join(files)} and the reports of the checks in {output}; make gate REPORTS={output}/reports")
    if signed:
        verify = hints.make("verify-evidence", FOLDER=str(output / EVIDENCE))
        say(f"verified the signed evidence of the release and wrote it to {output / EVIDENCE}; {verify}")
    if as_json:
        terminal.show_page(files["rehearsal.json"])
    if not outcome.succeeded:
        raise CicdError(report.outcome_line(outcome))


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
    """Return the values of the environment variables `names`, which hold access tokens of the checks.

    Tokens cannot be arguments of the command line, because every user of the machine can see arguments.
    """
    if missing := [name for name in names if not os.environ.get(name)]:
        raise ConfigurationError(
            f"{hints.option('TOKENS', missing[0], name='--token')}: "
            f"the environment variable {missing[0]} is missing or empty"
        )
    return {name: os.environ[name] for name in names}
