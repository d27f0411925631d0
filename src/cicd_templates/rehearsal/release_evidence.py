"""Writes the signed evidence of a rehearsed run to a folder, and verifies it as an auditor would."""

from __future__ import annotations

import shutil
from pathlib import Path

from cicd_templates.deploy.releases.collected_evidence import verify_collected
from cicd_templates.deploy.releases.deployment_history import read_deployment_history
from cicd_templates.deploy.releases.evidence_folder import write_evidence_folder
from cicd_templates.deploy.releases.signed_releases import EvidenceStore, ReleaseQuery, find_release
from cicd_templates.errors import CicdError
from cicd_templates.evidence.public_key import read_der_public_key
from cicd_templates.rehearsal.pipeline_definition import Action
from cicd_templates.rehearsal.pipeline_run import PipelineRun

# The variable in which the signer reports the fingerprint of its key.
FINGERPRINT = "Signer"
BUCKETS = ("EVIDENCE_BUCKET", "ARTIFACTS_BUCKET", "TEMPLATES_BUCKET")


def write_release_evidence(run: PipelineRun, folder: Path) -> list[str] | None:
    """Replace the content of `folder` with the signed evidence of the run.

    Return the environments that the run did not reach; the evidence has no statements about them. If the run ended
    before the evidence was signed, delete `folder` and return None.

    The evidence comes from the buckets of the deployed signer, and is verified with the signer's key. Raises
    `CicdError` if the evidence cannot be verified.
    """
    shutil.rmtree(folder, ignore_errors=True)
    action = _signing_action(run)
    if action is None:
        return None
    session = run.setup.root_session(run.pipeline.role)
    name = run.resolve_configuration(action)["FunctionName"]
    configuration = session.client("lambda").get_function_configuration(FunctionName=name)
    settings = configuration["Environment"]["Variables"]
    key = session.client("kms").get_public_key(KeyId=settings["SIGNING_KEY"])["PublicKey"]
    buckets = [settings[bucket] for bucket in BUCKETS]
    store = EvidenceStore(session.client("s3"), buckets[0], frozenset(buckets), read_der_public_key(key))
    release = find_release(store, ReleaseQuery(settings["SERVICE"], run.execution))
    write_evidence_folder(store, release, folder)
    stages = dict(zip(settings["ENVIRONMENTS"].split(","), settings["STAGES"].split(","), strict=True))
    history = read_deployment_history(session.client("codepipeline"), run.pipeline.name, run.execution, stages)
    result, excepted = verify_collected(folder, run.variables[action.namespace][FINGERPRINT], release, history)
    if result.problems:
        first = f"{result.problems[0].file} {result.problems[0].reason}"
        raise CicdError(f"{folder}: the evidence of this run cannot be verified: {first}")
    return list(excepted)


def _signing_action(run: PipelineRun) -> Action | None:
    """Return the action that has signed the evidence, or None if the run has not reached it."""
    namespaces = {name for name, variables in run.variables.items() if FINGERPRINT in variables}
    return next((action for action in run.pipeline.actions if action.namespace in namespaces), None)
