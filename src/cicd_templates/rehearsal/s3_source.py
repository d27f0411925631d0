"""Executes S3 source actions. Each action copies an S3 object to an artifact.

The source action of the release copies the object version that started the run. Every other source action copies the
newest version of its object. https://docs.aws.amazon.com/codepipeline/latest/userguide/action-reference-S3.html
"""

from __future__ import annotations

from cicd_templates.deploy.releases.release import SOURCE_ACTION_NAME
from cicd_templates.rehearsal import artifacts
from cicd_templates.rehearsal.pipeline_definition import Action
from cicd_templates.rehearsal.pipeline_run import PipelineRun
from cicd_templates.rehearsal.result import ActionProgress


def execute(run: PipelineRun, action: Action, step: ActionProgress) -> dict[str, str]:
    """Copy the object to an artifact, with the action's role. Return the variables that CodePipeline would export."""
    configuration = run.resolve_configuration(action)
    bucket, key = configuration["S3Bucket"], configuration["S3ObjectKey"]
    s3 = run.action_session(action, step).client("s3")
    s3.get_bucket_location(Bucket=bucket)
    s3.get_bucket_acl(Bucket=bucket)
    s3.get_bucket_versioning(Bucket=bucket)
    # The newest version is used by every source except the release source.
    found = s3.head_object(Bucket=bucket, Key=key)
    version = run.source_version if action.name == SOURCE_ACTION_NAME else found["VersionId"]
    taken = s3.get_object(Bucket=bucket, Key=key, VersionId=version)
    (name,) = action.outputs
    run.artifacts[name] = artifacts.put_artifact(s3, run.pipeline, name, taken["Body"].read())
    return {"BucketName": bucket, "ObjectKey": key, "VersionId": version, "ETag": taken["ETag"].strip('"')}
