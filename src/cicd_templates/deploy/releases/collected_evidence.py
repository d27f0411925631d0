"""Verifies a folder of evidence directly after its collection, and compares it with CodePipeline's history.

The history shows which environments need no signed statement about a deployment, for example because the release was
not deployed there. A later verification works without AWS and has no history, so the user must then name these
environments.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from pathlib import Path

from cicd_templates.deploy.releases.deployment_history import DeploymentHistory
from cicd_templates.deploy.releases.signed_releases import SignedReleaseStatement
from cicd_templates.evidence.deployments import not_reached
from cicd_templates.evidence.folder import read_folder
from cicd_templates.evidence.verification import Problem, Verification, verify_folder


def verify_collected(
    folder: Path,
    fingerprint: str,
    release: SignedReleaseStatement,
    history: DeploymentHistory,
    not_attested: Collection[str] = (),
) -> tuple[Verification, Mapping[str, str]]:
    """Verify the evidence in `folder`. Also return the environments that the release has not reached, with reasons.

    The reasons are from `history`. Such an environment needs no statement about a deployment. The environments in
    `not_attested`, which the user named, need no statement either.

    If `history` lists a statement that is not in the folder, the result has a problem.
    """
    last = not_reached(read_folder(folder), release.statement)
    excepted = {name: history.not_attested[name] for name in last if name in history.not_attested}
    result = verify_folder(folder, fingerprint, {*not_attested, *excepted})
    missing = sorted(name for name in history.statements if not (folder / name).exists())
    result.problems += [Problem(name, "is missing, but the signer reported it to the pipeline") for name in missing]
    return result, excepted
