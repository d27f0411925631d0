"""The command `verify-evidence`, which verifies the evidence of a release in a folder. It does not call AWS."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from cicd_templates import hints
from cicd_templates.cli import terminal
from cicd_templates.cli.command import verb
from cicd_templates.cli.options import make_option
from cicd_templates.errors import CicdError, ConfigurationError
from cicd_templates.functions.evidence_format import name_of_deployment
from cicd_templates.plurals import counted

if TYPE_CHECKING:
    from cicd_templates.evidence.verification import Verification


# The value is not the default of a CI job: an empty variable excepts nothing, so the command stays strict.
NOT_ATTESTED = make_option(
    "--not-attested",
    variable="NOT_ATTESTED",
    help="Comma-separated names of environments that need no statement in the evidence, for example because the"
    " release was not deployed there yet.",
)


@verb(
    "verify-evidence",
    click.argument("folder", required=False, envvar=f"{hints.PREFIX}FOLDER"),
    # A CI job passes `KEY=` if its own variable is not set. An empty key must not accept every signer.
    make_option(
        "--key",
        variable="KEY",
        empty_counts=True,
        help="The signer's public key, as a PEM file, or its fingerprint; signatures by other keys are not accepted.",
    ),
    NOT_ATTESTED,
)
def verify_evidence(folder: str | None, key: str | None, not_attested: str | None) -> None:
    """Verify every file and every signature in a folder of evidence; exit with 1 if a file was changed."""
    from cicd_templates.evidence.public_key import expected_fingerprint
    from cicd_templates.evidence.verification import verify_folder

    # The path of an empty text is the current folder.
    if not folder:
        raise ConfigurationError(
            f"verify which evidence? Name its folder {'with FOLDER=' if hints.under_make() else 'as an argument'}"
        )
    path = Path(folder)
    fingerprint = expected_fingerprint(key) if key is not None else ""
    report_verification(path, verify_folder(path, fingerprint, names_in(not_attested)))
    if key is None:
        terminal.show(
            "The signer's key was taken from the folder, so nothing proves who signed the evidence. To prove it, pass"
            f" {hints.option('KEY')} with a key or fingerprint that you received in another way."
        )


def names_in(environments: str | None) -> list[str]:
    """Return the names in a list that is separated by commas."""
    return [name.strip() for name in (environments or "").split(",") if name.strip()]


def _unproven(result: Verification) -> list[str]:
    """Return the environments that have no statement, perhaps because the release was never deployed to them."""
    from cicd_templates.evidence.deployments import UNPROVEN

    reasons: dict[str, list[str]] = {}
    for problem in result.problems:
        reasons.setdefault(problem.file, []).append(problem.reason)
    return [name for name in result.undeployed if reasons.get(name_of_deployment(name, 1)) == [UNPROVEN]]


def report_verification(folder: Path, result: Verification) -> None:
    """Print the result of a verification. If there are problems, print a line for each, then raise `CicdError`."""
    from cicd_templates.evidence.verification import DIFFERENT_DERIVED_FILE

    for problem in result.problems:
        terminal.show(f"{problem.file}: {problem.reason}")
    # Older evidence has files that another version wrote. This does not explain any other problem.
    if {problem.reason for problem in result.problems} == {DIFFERENT_DERIVED_FILE}:
        terminal.show(
            "These files are not signed. If another version of cicd-templates wrote them, copy the folder, delete"
            " these files in the copy, and verify the copy."
        )
    if unproven := _unproven(result):
        names = ",".join(unproven)
        terminal.show(
            f"If you know from another source that the release was not deployed to {names.replace(',', ' and ')}, pass"
            f" {hints.option('NOT_ATTESTED', names)}."
        )
    if result.problems:
        raise CicdError(f"{folder}: {counted(len(result.problems), 'problem')}, so this is not the signed evidence")
    terminal.show(f"{folder}: {counted(result.files, 'file')} and every signature match the release statement")
    terminal.show(f"image: {result.image}")
    for name, value in result.details.items():
        terminal.show(f"{name}: {value}")
    for sentence in result.deployments:
        terminal.show(f"deployed to {sentence}")
    for environment in result.undeployed:
        terminal.show(
            f"The evidence has no statement about a deployment to {environment}. This is not an error, because the"
            f" command names {environment} as an environment that needs no statement."
        )
    if not result.has_route:
        terminal.show(
            "The release statement lists no environments, so nothing shows whether a statement about a deployment is"
            " missing."
        )
    for name in result.unsigned:
        terminal.show(
            f"{name} is in no signed statement; compare its digest with the digest in the request for approval"
        )
    terminal.show(f"signer: sha256:{result.fingerprint}")
