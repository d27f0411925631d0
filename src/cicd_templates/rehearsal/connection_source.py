"""Executes source actions that read a branch of a repository through a connection, for example to GitHub.

A rehearsal does not contact the repository. It uses the given source as if that source were the newest commit of the
branch. https://docs.aws.amazon.com/codepipeline/latest/userguide/action-reference-CodestarConnectionSource.html
"""

from __future__ import annotations

import hashlib
import re

from cicd_templates.deploy.releases.archives import Archive
from cicd_templates.rehearsal import artifacts
from cicd_templates.rehearsal.pipeline_definition import Action
from cicd_templates.rehearsal.pipeline_run import ActionFailedError, PipelineRun
from cicd_templates.rehearsal.result import ActionProgress
from cicd_templates.template.arn import Arn

PROVIDER = "CodeStarSourceConnection"
USE_CONNECTION, SET_OWNER = "codeconnections:UseConnection", "s3:PutObjectAcl"
# The action's other format is a reference to the repository, which only builds can clone.
ZIP_FORMAT = "CODE_ZIP"


def commit_id(archive: Archive) -> str:
    """Return the commit id of the source. If the source has no commit, return a hash of its content in the same
    form.
    """
    if re.fullmatch(r"[0-9a-f]{40}", archive.revision):
        return archive.revision
    return hashlib.sha1(archive.data, usedforsecurity=False).hexdigest()


def execute(run: PipelineRun, action: Action, step: ActionProgress) -> dict[str, str]:
    """Store the rehearsed source as the action's artifact, with the permissions of the action's role.

    Returns the variables that CodePipeline would export. Raises `ActionFailedError` if the role may not use the
    connection, or if the action's output format is not a zip file.
    """
    configuration = run.resolve_configuration(action)
    if configuration.get("OutputArtifactFormat", ZIP_FORMAT) != ZIP_FORMAT:
        raise ActionFailedError(f"a rehearsal does not support the format {configuration['OutputArtifactFormat']}")
    repository, branch = configuration["FullRepositoryId"], configuration["BranchName"]
    connection = configuration["ConnectionArn"]
    s3 = run.action_session(action, step).client("s3")
    role = action.role or run.pipeline.role
    run.setup.require_allowed(role, [USE_CONNECTION], connection)
    (name,) = action.outputs
    artifact = artifacts.put_artifact(s3, run.pipeline, name, run.setup.source)
    # CodePipeline uploads an artifact from a connection with an ACL that makes the bucket's owner the owner of the
    # artifact.
    partition = Arn.parse(connection).partition
    written = f"arn:{partition}:s3:::{artifact.bucket}/{artifact.object_key}"
    run.setup.require_allowed(role, [SET_OWNER], written)
    run.artifacts[name] = artifact
    step.note(f"{repository} was not contacted, because the given source replaces the branch {branch}")
    return {
        "CommitId": run.source_version,
        "BranchName": branch,
        "FullRepositoryName": repository,
        "ConnectionArn": connection,
        "CommitMessage": "rehearsal",
        "AuthorDate": "1980-01-01T00:00:00Z",
    }
