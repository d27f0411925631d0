"""The command `evidence`, which collects the signed evidence of a release into a folder and verifies it."""

from __future__ import annotations

import re
from pathlib import Path

import click

from cicd_templates import hints
from cicd_templates.cli import selection, terminal
from cicd_templates.cli.command import verb
from cicd_templates.cli.options import LOCAL, SERVICE, SUFFIX, make_option
from cicd_templates.cli.verbs.verify_evidence import NOT_ATTESTED, names_in, report_verification
from cicd_templates.errors import CicdError, ConfigurationError
from cicd_templates.files.paths import STATE

BUCKETS = ("EvidenceBucketName", "ArtifactsBucketName", "TemplatesBucketName")
_DIGEST = re.compile(r"(?:sha256:)?([0-9a-f]{64})")
_EXECUTION = re.compile(r"[\w-]+", re.ASCII)


@verb(
    "evidence",
    SUFFIX,
    SERVICE,
    LOCAL,
    # A CI job passes `EXECUTION=` if its own variable is not set. The empty text must not select the latest release.
    make_option("--execution", variable="EXECUTION", narrows=True, help="Id of the pipeline execution."),
    make_option(
        "--release", variable="RELEASE", narrows=True, help="Version of the source, as `make release` shows it."
    ),
    make_option(
        "--digest",
        variable="DIGEST",
        narrows=True,
        help="Digest of the image; by default, the digest of the last release.",
    ),
    make_option(
        "--out",
        variable="OUT",
        type=click.Path(path_type=Path, file_okay=False),
        help="New folder for the evidence; by default below .state/evidence/.",
    ),
    NOT_ATTESTED,
)
def evidence(
    service: str | None,
    suffix: str | None,
    local: bool,
    execution: str | None,
    release: str | None,
    digest: str | None,
    out: Path | None,
    not_attested: str | None,
) -> None:
    """Collect the signed evidence of a release into a folder and a zip, and verify it without AWS.

    The evidence must have a signed statement about each deployment of the release that is in CodePipeline's history.
    """
    from cicd_templates.config.naming import pipeline_name, title
    from cicd_templates.deploy.releases.collected_evidence import verify_collected
    from cicd_templates.deploy.releases.deployment_history import read_deployment_history
    from cicd_templates.deploy.releases.evidence_folder import write_evidence_folder, zip_folder
    from cicd_templates.deploy.releases.signed_releases import EvidenceStore, ReleaseQuery, find_release
    from cicd_templates.evidence.public_key import read_der_public_key

    image = _wanted_digest(execution, release, digest)
    if out and (taken := next((path for path in (out, Path(f"{out}.zip")) if path.exists()), None)):
        raise ConfigurationError(f"{taken} exists; remove it, or name a new folder with {hints.option('OUT')}")
    tools = selection.tools(suffix, local)
    name = selection.only_service(tools.environment, service).name
    buckets = [bucket for output in BUCKETS if (bucket := tools.value("storage", output))]
    key = tools.value("signer", "SigningKeyArn", name)
    if key is None or len(buckets) != len(BUCKETS):
        first = hints.make("deploy", ENV=tools.environment.name, SUFFIX=suffix, LOCAL=local)
        raise CicdError(f"{name} has no signer for its evidence yet; deploy the signer first: {first}")
    public = read_der_public_key(tools.clients.kms.get_public_key(KeyId=key)["PublicKey"])
    store = EvidenceStore(tools.clients.s3, buckets[0], frozenset(buckets), public)
    found = find_release(store, ReleaseQuery(name, execution or "", release or "", image))
    stages = {peer.qualified: title(peer.name) for peer in tools.environment.route}
    pipeline = pipeline_name(tools.environment, name)
    history = read_deployment_history(tools.clients.codepipeline, pipeline, found.execution, stages)
    folder = out or STATE / "evidence" / "-".join(filter(None, [name, suffix, found.execution]))
    write_evidence_folder(store, found, folder)
    terminal.show(f"wrote {folder} and {zip_folder(folder)}; to read the evidence, open {folder}/index.html")
    result, excepted = verify_collected(folder, public.fingerprint, found, history, names_in(not_attested))
    for environment, reason in excepted.items():
        terminal.show(f"{environment} needs no statement: according to CodePipeline, the release {reason}")
    report_verification(folder, result)
    if excepted:
        names = ",".join(excepted)
        verify = hints.make("verify-evidence", FOLDER=str(folder), NOT_ATTESTED=names)
        terminal.show(
            "to verify this folder, use this command, which names the environments that need no signed statement:"
            f" {verify}"
        )


def _wanted_digest(execution: str | None, release: str | None, digest: str | None) -> str:
    """Return the 64 hexadecimal digits of `digest`, or an empty string if `digest` is None.

    Raises `ConfigurationError` if more than one option selects a release, or if the value of an option has a wrong
    form.
    """
    if sum(value is not None for value in (execution, release, digest)) > 1:
        names = [hints.option(name) for name in ("EXECUTION", "RELEASE", "DIGEST")]
        raise ConfigurationError(f"which release? Use only one of {', '.join(names)}")
    if execution is not None and not _EXECUTION.fullmatch(execution):
        raise ConfigurationError(f"{execution!r} is not the id of a pipeline execution")
    if digest is None:
        return ""
    match = _DIGEST.fullmatch(digest.strip().lower())
    if match is None:
        raise ConfigurationError(f"{digest!r} is not a digest; write sha256:<64 hexadecimal digits>")
    return match[1]
